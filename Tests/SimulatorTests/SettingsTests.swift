import PluginKit
import Testing

@testable import PluginTestSupport
@testable import SimulatorCore

@Suite("settings of the simulator")
struct SettingsTests {
    private func refusal(_ settings: Setting) -> Refusal? {
        let registration = Registration.pullProvider(Simulator.self, Simulator.descriptor)
        do {
            try FakeHub(registration, settings, now: 0).check()
            return nil
        } catch {
            return error as? Refusal
        }
    }

    @Test("each mistake is reported with the pointer to it")
    func mistakes() {
        let mistakes: [(Setting, String)] = [
            (["rate": 0], "/rate"), (["rate": "fast"], "/rate"), (["rate": 2e7], "/rate"),
            (["model": "heston"], "/model"), (["kinds": ["trade", "tick"]], "/kinds/1"), (["kinds": []], "/kinds"),
            (["levels": 0], "/levels"), (["history": -1], "/history"), (["history": "long"], "/history"),
            (["correlation": 1.5], "/correlation"), (["calendar": "lse"], "/calendar"), (["seed": 1.5], "/seed"),
            (["instruments": ["SIM:A": ["price": -1]]], "/instruments/SIM:A/price"),
            (["instruments": ["SIM:A/B": ["model": "x"]]], "/instruments/SIM:A~1B/model"),
            (["instruments": ["SIM:A": ["volatility": "high"]]], "/instruments/SIM:A/volatility"),
            (["instruments": ["SIM:A": ["tick_size": 0]]], "/instruments/SIM:A/tick_size"),
            (["instruments": ["SIM:A": ["type": "stock"]]], "/instruments/SIM:A/type"),
            (["instruments": ["SIM:A": ["garch": ["alpha": 0.3, "beta": 0.8]]]], "/instruments/SIM:A/garch"),
            (["instruments": ["SIM:A": ["jump": ["deviation": -0.1]]]], "/instruments/SIM:A/jump/deviation"),
        ]
        for (settings, pointer) in mistakes {
            let found = refusal(settings)
            #expect(found?.pointer == pointer && found?.status == 1, "\(pointer): \(String(describing: found))")
        }
    }

    @Test("several mistakes are reported at once")
    func several() throws {
        let found = try #require(refusal(["model": "x", "levels": 99]))
        #expect(found.pointer == "/model")
        #expect(found.text.contains("also /levels"))
    }

    @Test("the settings of the reference are taken, and empty ones give its defaults")
    func reference() throws {
        #expect(
            refusal([
                "seed": 42, "rate": 200, "model": "garch", "kinds": ["trade", "quote", "book"],
                "history": 432_000_000_000_000, "correlation": 0.4,
                "instruments": [
                    "SIM:ALPHA": ["price": 100, "volatility": 0.25],
                    "SIM:BETA": ["price": 1250, "model": "jump", "currency": "INR"],
                ],
            ]) == nil)
        let host = FakeHost([:])
        var problems = SettingsProblems()
        #expect(SimulatorSettings(Host(host.raw).settings, problems: &problems) == SimulatorSettings())
        #expect(problems.isEmpty)
    }
}

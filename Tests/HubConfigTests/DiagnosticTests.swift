import HubModel
import Testing

@testable import HubConfig

@Suite("Diagnostics")
struct DiagnosticTests {
    @Test("a mistake is shown as the design shows it")
    func rendering() {
        let yaml = """
            hub: { listen: 127.0.0.1:8080, data: ./data }
            pipelines:
              india: { from: [zerodha], instruments: ["NSE:TCS"] }
            # 4
            # 5
            # 6
            # 7
            # 8
            providers:
              zerodha:
                plugin: acme
                settings:
                  api_key: "${KEY}"
                  acess_token: "${ZERODHA_ACCESS_TOKEN}"

            """
        let (_, diagnostics) = ConfigurationLoader(environment: ["KEY": "abcdefgh"], plugins: TestCatalogue.shared)
            .load(Array(yaml.utf8), name: "hub.yaml", folder: "/")
        #expect(
            diagnostics.filter { $0.severity == .error }.text() == """
                hub.yaml:14:7: error: providers.zerodha.settings.acess_token: unknown setting; did you mean 'access_token'?
                   14 |       acess_token: "${ZERODHA_ACCESS_TOKEN}"
                      |       ^~~~~~~~~~~

                """)
    }

    @Test("as JSON, with related places")
    func json() {
        let place = Diagnostic.Place(file: "hub.yaml", line: 3, column: 5, length: 2, sourceLine: "    ab: 1")
        let override = Diagnostic.Place(
            file: "--set #1", line: 1, column: 3, length: 1, sourceLine: "a.b=1", isOverride: true)
        let diagnostic = Diagnostic(
            .warning, place: place, path: "a.b", message: "twice",
            related: [.init(place: override, message: "first here")])
        #expect(
            diagnostic.json.jsonText == """
                {"severity":"warning","file":"hub.yaml","line":3,"column":5,"length":2,"source":"    ab: 1","path":"a.b",\
                "message":"twice","related":[{"file":"--set #1","column":3,"length":1,"source":"a.b=1","message":"first here"}]}
                """)
        let whole = Diagnostic(.error, place: Diagnostic.Place(file: "x"), message: "cannot be read")
        #expect(whole.json.jsonText == #"{"severity":"error","file":"x","path":"","message":"cannot be read"}"#)
    }

    @Test("long lines are cut around what is meant, and nothing unprintable reaches a terminal")
    func excerpt() {
        let line = String(repeating: "a", count: 400) + "B" + String(repeating: "c", count: 400)
        let long = Diagnostic(
            .error, place: Diagnostic.Place(file: "f", line: 1, column: 401, length: 1, sourceLine: line), message: "m")
        let lines = long.description.split(separator: "\n")
        #expect(lines.allSatisfy { $0.count < 180 })
        let caret = lines[2].firstIndex(of: "^").map { lines[2].distance(from: lines[2].startIndex, to: $0) }
        let letter = lines[1].firstIndex(of: "B").map { lines[1].distance(from: lines[1].startIndex, to: $0) }
        #expect(caret == letter)

        let odd = Diagnostic(
            .error,
            place: Diagnostic.Place(file: "f", line: 1, column: 3, length: 99, sourceLine: "\u{1b}[\t31m\u{202e}x"),
            message: "m")
        #expect(odd.description == "f:1:3: error: m\n    1 | \u{fffd}[ 31m\u{fffd}x\n      |   ^~~~~~")
    }

    @Test("the nearest word is suggested, and none that is far")
    func suggestions() {
        let keys = ["listen", "data", "durability", "access_token", "api_key"]
        #expect(Suggestion.closest(to: "acess_token", among: keys) == "access_token")
        #expect(Suggestion.closest(to: "lisetn", among: keys) == "listen")
        #expect(Suggestion.closest(to: "Access-Token", among: keys) == "access_token")
        #expect(Suggestion.closest(to: "dta", among: keys) == "data")
        #expect(Suggestion.closest(to: "colour", among: keys) == nil)
        #expect(Suggestion.closest(to: "x", among: ["y"]) == nil)
        #expect(Suggestion.distance(Array("ab".utf8), Array("ba".utf8)) == 1)
        #expect(Suggestion.distance(Array("kitten".utf8), Array("sitting".utf8)) == 3)
        #expect(Suggestion.distance([], Array("abc".utf8)) == 3)
    }

    @Test("secrets are blotted out, references are not")
    func masks() {
        func masked(_ line: String) -> String { SecretMask.masked(Array(line.unicodeScalars), hidden: []) }
        #expect(masked("api_key: hunter2 # why") == "api_key: ******* * ***")
        #expect(masked("{ api_key: hunter2, plan: x }") == "{ api_key: *******, plan: x }")
        #expect(masked("access_token: \"a b\", plan: x") == "access_token: \"* *\", plan: x")
        #expect(masked("'password' : 'x'") == "'password' : '*'")
        #expect(masked("api_key: ${KEY}") == "api_key: ${KEY}")
        #expect(masked("api_key: \"${KEY:-dflt}\"") == "api_key: \"${KEY:-****}\"")
        #expect(masked("api_key: \"${KEY:-}\"") == "api_key: \"${KEY:-}\"")
        #expect(masked("api_key: \"${file:/run/secret}\"") == "api_key: \"${file:/run/secret}\"")
        #expect(masked("url: redis://me:pw@host/0") == "url: redis://me:**@host/0")
        #expect(masked("listen: 127.0.0.1:8080") == "listen: 127.0.0.1:8080")
        #expect(masked("api_key:") == "api_key:")
        #expect(masked("api_key: \"") == "api_key: \"")
    }
}

import ArgumentParser
import Foundation

/// Logs a running hub in to a vendor.
struct AuthCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "auth",
        abstract: "Log in to a provider of a running hub.",
        discussion: """
            hub auth zerodha             open the page that it prints, log in there; the hub goes on by itself
            hub auth upstox --token -    a token that you have, read from standard input

            The vendor's page comes back to PUBLIC_URL/auth/NAME/callback (hub.public_url): register that address with the
            vendor. The token stays in the hub's data folder, and the hub need not be started again.
            """)

    @Argument(help: "A name from the section 'providers'.") var provider: String
    @Option(help: "Instead of a login: '-' reads a token from standard input.") var token: String?
    @Option(help: "How long to wait for the login, in seconds.") var wait = 600
    @Option(help: "Where the hub listens.") var address = "http://127.0.0.1:8080"

    func validate() throws {
        // A token on the command line could be read by everybody on the machine.
        if let token, token != "-" { throw ValidationError("--token: write '-' and give the token on standard input") }
        guard (1...86_400).contains(wait) else { throw ValidationError("--wait: expected 1 to 86400 seconds") }
    }

    func run() async throws {
        let client = HubClient(address: address)
        if token != nil {
            guard let line = readLine(strippingNewline: true), !line.isEmpty else {
                throw HubClient.Failure(description: "standard input holds no token")
            }
            let body = try JSONSerialization.data(withJSONObject: ["token": line])
            _ = try await client.post("/auth/\(provider)", [], body)
            print("\(provider) has the token")
            return
        }
        let begun = try await client.get("/auth/\(provider)", [("format", "json")])
        guard let url = begun["login_url"] as? String else {
            throw HubClient.Failure(description: "\(address) does not answer as a hub does")
        }
        let before = try await logins(client)
        // At once, also into a pipe: somebody waits for it.
        FileHandle.standardOutput.write(Data("Log in here: \(url)\n".utf8))
        let end = ContinuousClock.now + .seconds(wait)
        while ContinuousClock.now < end {
            try await Task.sleep(nanoseconds: 500_000_000)
            if try await logins(client) > before {
                print("\(provider) is logged in")
                return
            }
        }
        throw HubClient.Failure(
            description: "nobody logged in to \(provider) within \(wait) s; the page stays good a while")
    }

    /// How many logins of the provider worked since the hub started.
    private func logins(_ client: HubClient) async throws -> Int {
        let status = try await client.get("/v1/status", [])
        let providers = status["providers"] as? [[String: Any]] ?? []
        guard let one = providers.first(where: { $0["name"] as? String == provider }) else {
            throw HubClient.Failure(description: "the hub at \(address) has no provider '\(provider)'")
        }
        return (one["logins"] as? NSNumber)?.intValue ?? 0
    }
}

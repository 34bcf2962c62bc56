import Glibc
import PluginABI
import Synchronization

/// Why a login did not work, for the person who tried.
public struct LoginError: Error, CustomStringConvertible {
    public enum Kind: Sendable {
        /// No such provider, or one that needs no login.
        case notFound
        /// What came back does not belong to a login that was begun here.
        case unexpected
        case refused
        case timeout
    }

    public var kind: Kind
    public var description: String
}

/// Logins that were begun and not ended: what the vendor has to bring back.
final class LoginStates: Sendable {
    private struct Begun {
        var provider: String
        var redirect: String
        var atNanoseconds: Int64
    }

    private let begun = Mutex<[String: Begun]>([:])
    private let ended = Mutex<[String: Int]>([:])
    private static let lifeNanoseconds: Int64 = 900_000_000_000
    private static let most = 64

    func begin(_ provider: String, redirect: String, now: Int64) -> String {
        let letters = Array("abcdefghijklmnopqrstuvwxyz0123456789")
        var random = SystemRandomNumberGenerator()
        let state = String((0..<32).map { _ in letters[Int.random(in: 0..<letters.count, using: &random)] })
        begun.withLock { begun in
            begun = begun.filter { now - $0.value.atNanoseconds < Self.lifeNanoseconds }
            if begun.count >= Self.most, let oldest = begun.min(by: { $0.value.atNanoseconds < $1.value.atNanoseconds })
            {
                begun[oldest.key] = nil
            }
            begun[state] = Begun(provider: provider, redirect: redirect, atNanoseconds: now)
        }
        return state
    }

    /// A login worked.
    func worked(_ provider: String) { ended.withLock { $0[provider, default: 0] += 1 } }

    func count(of provider: String) -> Int { ended.withLock { $0[provider] ?? 0 } }

    /// Where the login was to come back to; once.
    func end(_ state: String, of provider: String, now: Int64) -> String? {
        begun.withLock { begun in
            guard let found = begun.removeValue(forKey: state), found.provider == provider,
                now - found.atNanoseconds < Self.lifeNanoseconds
            else { return nil }
            return found.redirect
        }
    }
}

extension Engine {
    private static let loginLimitNanoseconds: Int64 = 30_000_000_000

    /// The vendor's page where a person logs in, and which comes back to `redirect`. Blocks: not for an event loop.
    public func loginURL(of provider: String, redirect: String) throws(LoginError) -> String {
        let instance = try loginInstance(provider)
        let state = loginStates.begin(provider, redirect: redirect, now: WallClock.now)
        let result = ask(instance) { instance, reply in
            reply(instance.loginURL(redirect: redirect, state: state))
        }
        switch result {
        case .success(let url)?:
            // Only credentials that stand for the application are in it, such as the key that is shown to the vendor anyway.
            do {
                return try instance.context.secrets.reveal(in: url, .url, towards: url)
            } catch {
                throw LoginError(kind: .refused, description: error.text)
            }
        case .failure(let failure)?: throw LoginError(kind: .refused, description: failure.text)
        case nil: throw LoginError(kind: .timeout, description: "\(provider) did not answer in time; try again")
        }
    }

    /// What the vendor's page brought back to `redirect`. Blocks until the vendor has answered: not for an event loop.
    public func finishLogin(of provider: String, fields: [(name: String, value: String)]) throws(LoginError) {
        let instance = try loginInstance(provider)
        guard let state = fields.first(where: { $0.name == "state" })?.value,
            let redirect = loginStates.end(state, of: provider, now: WallClock.now)
        else {
            throw LoginError(
                kind: .unexpected,
                description:
                    "this does not belong to a login that was begun here in the last 15 minutes; begin again at "
                    + "/auth/\(provider)")
        }
        try exchange(instance, provider, fields.filter { $0.name != "state" }, redirect)
    }

    /// A token that a person got elsewhere and pasted. Blocks as above.
    public func takeToken(_ token: String, of provider: String) throws(LoginError) {
        let instance = try loginInstance(provider)
        try exchange(instance, provider, [("access_token", token)], "")
    }

    private func exchange(
        _ instance: ProviderInstance, _ provider: String, _ fields: [(name: String, value: String)], _ redirect: String
    ) throws(LoginError) {
        let passed = fields.map { (name: $0.name, value: instance.context.secrets.pass($0.value)) }
        let result: Result<Void, PluginFailure>? = ask(instance) { instance, reply in
            instance.context.loginWaiter.withLock {
                $0 = { failure in reply(failure.map { .failure($0) } ?? .success(())) }
            }
            if let failure = instance.exchange(passed, redirect: redirect) {
                instance.context.loginEnded(status: failure.status, reason: failure.text)
            }
        }
        switch result {
        case .success?: loginStates.worked(provider)
        case .failure(let failure)?:
            throw LoginError(kind: .refused, description: "\(provider) refused the login: \(failure.text)")
        case nil: throw LoginError(kind: .timeout, description: "\(provider) did not answer in time; try again")
        }
    }

    private func loginInstance(_ provider: String) throws(LoginError) -> ProviderInstance {
        guard let instance = providers.first(where: { $0.name == provider }), instance.context.link != nil else {
            throw LoginError(kind: .notFound, description: "there is no provider '\(provider)' here that has a network")
        }
        guard instance.hasLogin else {
            throw LoginError(kind: .notFound, description: "\(provider) needs no login")
        }
        return instance
    }

    /// Has something done on a provider's own thread and waits for what comes of it; `nil` = too late.
    private func ask<Value: Sendable>(
        _ instance: ProviderInstance,
        _ body:
            @escaping @Sendable (ProviderInstance, @escaping @Sendable (Result<Value, PluginFailure>) -> Void) -> Void
    ) -> Result<Value, PluginFailure>? {
        let answer = AnswerBox<Value>()
        guard instance.post({ instance, _ in body(instance) { answer.put($0) } }) else { return nil }
        return answer.wait(nanoseconds: Self.loginLimitNanoseconds)
    }
}

/// One value from another thread, waited for. The first counts.
final class AnswerBox<Value: Sendable>: Sendable {
    private let value = Mutex<Result<Value, PluginFailure>?>(nil)
    private let wake = WakeEvent()

    func put(_ result: Result<Value, PluginFailure>) {
        value.withLock { if $0 == nil { $0 = result } }
        wake.wake()
    }

    func wait(nanoseconds: Int64) -> Result<Value, PluginFailure>? {
        let deadline = MonotonicClock.now + nanoseconds
        while true {
            if let found = value.withLock({ $0 }) { return found }
            let left = deadline - MonotonicClock.now
            guard left > 0 else { return nil }
            wake.wait(nanoseconds: left)
        }
    }
}

extension ProviderInstance {
    var login: UnsafePointer<hub_login_1>? { `extension`(HUB_LOGIN_EXTENSION, as: hub_login_1.self) }
    var hasLogin: Bool { login != nil }

    private var now: hub_now { hub_now(wall_ns: WallClock.now, mono_ns: MonotonicClock.now) }

    /// On the provider's thread.
    fileprivate func loginURL(redirect: String, state: String) -> Result<String, PluginFailure> {
        guard let call = login?.pointee.url else {
            return .failure(PluginFailure(status: hub_status(HUB_UNSUPPORTED), text: "there is no login page"))
        }
        let text = LoginText()
        var writer = hub_writer(
            host: Unmanaged.passUnretained(text).toOpaque(),
            write: { writer, data, length in
                guard let host = writer?.pointee.host, length <= 1 << 16 else { return 0 }
                Unmanaged<LoginText>.fromOpaque(host).takeUnretainedValue().bytes.append(
                    contentsOf: UnsafeRawBufferPointer(start: data, count: Int(length)))
                return 1
            })
        let (plugin, now) = (plugin, now)
        do throws(PluginFailure) {
            try PluginFailure.check("the login page") { error in
                redirect.withHubText { redirect in
                    state.withHubText { state in call(plugin, redirect, state, &writer, now, error) }
                }
            }
        } catch {
            return .failure(error)
        }
        return .success(String(decoding: text.bytes, as: UTF8.self))
    }

    /// On the provider's thread. `nil`: it is under way, and its end is told.
    func exchange(
        _ fields: [(name: String, value: String)], redirect: String, at time: hub_now? = nil
    ) -> PluginFailure? {
        guard let call = login?.pointee.exchange else {
            return PluginFailure(status: hub_status(HUB_UNSUPPORTED), text: "there is no login")
        }
        let now = time ?? self.now
        context.tap?.take(.login(names: fields.map(\.name), redirect: redirect), now)
        let names = fields.map { context.lasting($0.name) }
        let values = fields.map { context.lasting($0.value) }
        let plugin = plugin
        do throws(PluginFailure) {
            try PluginFailure.check("the login") { error in
                redirect.withHubText { redirect in
                    call(plugin, redirect, names, values, UInt64(fields.count), now, error)
                }
            }
            return nil
        } catch {
            return error
        }
    }
}

private final class LoginText { var bytes: [UInt8] = [] }

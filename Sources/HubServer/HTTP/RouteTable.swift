import Hummingbird
import HummingbirdCore
import NIOCore

/// The routes of the server: the router that finds them, and their paths for those who ask for something else.
struct RouteTable {
    /// Paths that answer `GET` and `HEAD`.
    private(set) var paths: [String] = []
    /// Paths that take `POST`.
    private(set) var posts: [String] = []
    let router = Router(context: HubContext.self)

    /// Adds a route that answers `GET` and `HEAD`.
    mutating func get(_ path: String, _ answer: @escaping @Sendable (Call) async throws -> Response) {
        paths.append(path)
        router.get(RouterPath(path)) { request, context in
            try await answer(Call(request: request, parameters: context.parameters, trace: context.trace))
        }
    }
}

extension RouteTable {
    /// Adds a route that takes `POST`.
    mutating func post(_ path: String, _ answer: @escaping @Sendable (Call) async throws -> Response) {
        posts.append(path)
        router.post(RouterPath(path)) { request, context in
            try await answer(Call(request: request, parameters: context.parameters, trace: context.trace))
        }
    }
}

/// One request as a route handler sees it.
struct Call: Sendable {
    let request: Request
    private let parameters: Parameters
    /// Where the request's time goes.
    let trace: RequestTrace

    init(request: Request, parameters: Parameters, trace: RequestTrace) {
        self.request = request
        self.trace = trace
        self.parameters = parameters
    }

    /// Path of the request, as it came.
    var path: String { request.uri.path }

    var query: QueryText { QueryText(target: request.uri.string) }

    /// A part of the path, decoded.
    func part(_ name: String) throws(Problem) -> String {
        let raw = parameters.get(name) ?? ""
        guard let text = PercentText.decode(raw.utf8, plusIsBlank: false) else {
            throw Problem(.badParameter, "the address is not properly percent-encoded UTF-8: '\(raw)'")
        }
        return text
    }
}

import EventFormat
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore

/// What a route handler gets beside the request.
struct HubContext: RequestContext {
    var coreContext: CoreRequestContextStorage

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
    }
}

/// Turns a request into a response: access first, then the router, then what all responses have in common.
///
/// Every error becomes a problem object here, so that no answer of the hub has another shape.
struct HubResponder: Sendable {
    let router: RouterResponder<HubContext>
    /// Paths of the routes as the router has them, to tell an unknown route from a method that a route does not take.
    let paths: [String]
    let access: AccessPolicy
    let names: RequestNames
    let metrics: ServerMetrics
    let logger: Logger
    private let dates = DateText()
    private let templates: [[Substring]]

    init(
        router: RouterResponder<HubContext>, paths: [String], access: AccessPolicy, names: RequestNames,
        metrics: ServerMetrics, logger: Logger
    ) {
        self.router = router
        self.paths = paths
        self.access = access
        self.names = names
        self.metrics = metrics
        self.logger = logger
        templates = paths.map { $0.split(separator: "/") }
    }

    func respond(to request: Request, channel: any Channel) async -> Response {
        let started = ContinuousClock.now
        let requestID = request.headers[.requestID].flatMap(RequestNames.accepted) ?? names.next()
        let origin = request.headers[.origin]
        let host = request.head.authority
        let context = HubContext(source: .init(channel: channel, logger: logger))
        var response: Response
        do {
            let overSocketFile = channel.localAddress?.protocol == .unix
            try access.check(origin: origin, host: host, overSocketFile: overSocketFile)
            response = try await answer(request, context: context)
        } catch let problem as Problem {
            response = Reply.problem(problem, instance: request.uri.path, requestID: requestID)
        } catch {
            logger.error("a request failed", metadata: ["request": "\(requestID)", "error": "\(error)"])
            let problem = Problem(.internalFault, "a fault of the hub; its log has the reason under \(requestID)")
            response = Reply.problem(problem, instance: request.uri.path, requestID: requestID)
        }
        response.headers[.requestID] = requestID
        response.headers[.date] = dates.now()
        if let origin {
            response.headers[.vary] = "Origin"
            if access.isAllowed(origin: origin, host: host) {
                response.headers[.accessControlAllowOrigin] = origin
                response.headers[.accessControlExposeHeaders] = "X-Request-Id, Retry-After"
            }
        }
        if request.method == .head { response = response.createHeadResponse() }
        let elapsed = (ContinuousClock.now - started).components
        let seconds = Double(elapsed.seconds) + Double(elapsed.attoseconds) / 1e18
        metrics.count(route: context.endpointPath ?? "none", status: response.status.code, seconds: seconds)
        return response
    }

    private func answer(_ request: Request, context: HubContext) async throws -> Response {
        switch request.method {
        case .get:
            let response = try await router.respond(to: request, context: context)
            if context.endpointPath == "NotFound" { throw unknownRoute(request) }
            return response
        case .head:
            var head = request.head
            head.method = .get
            let response = try await router.respond(to: Request(head: head, body: request.body), context: context)
            if context.endpointPath == "NotFound" { throw unknownRoute(request) }
            return response
        case .options where request.headers[.origin] != nil && request.headers[.accessControlRequestMethod] != nil:
            var fields: HTTPFields = [
                .accessControlAllowMethods: "GET, HEAD", .accessControlMaxAge: "600",
            ]
            fields[.accessControlAllowHeaders] = request.headers[.accessControlRequestHeaders]
            return Response(status: .noContent, headers: fields)
        default:
            guard isKnown(path: request.uri.path) else { throw unknownRoute(request) }
            var problem = Problem(
                .methodNotAllowed, "\(request.uri.path) takes GET and HEAD, not \(request.method.rawValue)")
            problem.headers = [("Allow", "GET, HEAD")]
            throw problem
        }
    }

    private func isKnown(path: String) -> Bool {
        let parts = path.split(separator: "/")
        return templates.contains { template in
            template.count == parts.count && zip(template, parts).allSatisfy { $0.0.hasPrefix(":") || $0.0 == $0.1 }
        }
    }

    private func unknownRoute(_ request: Request) -> Problem {
        let path = request.uri.path
        let meant = NameDistance.nearest(to: path, among: paths.filter { !$0.contains(":") })
        return Problem(
            .unknownRoute, "there is no route \(path)" + (meant.map { "; did you mean \($0)?" } ?? ""),
            candidates: meant.map { [$0] } ?? [])
    }
}

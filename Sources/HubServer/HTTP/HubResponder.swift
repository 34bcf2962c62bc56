import EventFormat
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix

/// What a route handler gets beside the request.
struct HubContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// Where the request's time goes.
    let trace = RequestTrace()

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
    /// Those that take `POST`.
    let posts: [String]
    let access: AccessPolicy
    let names: RequestNames
    let metrics: ServerMetrics
    let logger: Logger
    /// Packing takes its time.
    let pool: NIOThreadPool
    /// Requests that take longer are told.
    let slowNanoseconds: Int64
    private let dates = DateText()
    private let templates: [[Substring]]
    private let postTemplates: [[Substring]]

    init(
        router: RouterResponder<HubContext>, paths: [String], posts: [String] = [], access: AccessPolicy,
        names: RequestNames,
        metrics: ServerMetrics, logger: Logger, pool: NIOThreadPool, slowNanoseconds: Int64
    ) {
        self.router = router
        self.paths = paths
        self.posts = posts
        self.access = access
        self.names = names
        self.metrics = metrics
        self.logger = logger
        self.pool = pool
        self.slowNanoseconds = slowNanoseconds
        templates = paths.map { $0.split(separator: "/") }
        postTemplates = posts.map { $0.split(separator: "/") }
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
            response.headers.vary(by: "Origin")
            if access.isAllowed(origin: origin, host: host) {
                response.headers[.accessControlAllowOrigin] = origin
                response.headers[.accessControlExposeHeaders] = Self.exposed
            }
        }
        compress(&response, request, context.trace)
        let nanoseconds = RequestTrace.nanoseconds(since: started)
        response.headers[.serverTiming] = context.trace.text(total: nanoseconds)
        if request.method == .head { response = response.createHeadResponse() }
        metrics.count(
            route: context.endpointPath ?? "none", status: response.status.code, seconds: Double(nanoseconds) / 1e9)
        return watched(response, request, context, requestID, headNanoseconds: nanoseconds)
    }

    private static let exposed =
        "X-Request-Id, Retry-After, ETag, Link, Server-Timing, X-As-Of, Content-Disposition, Content-Range, Accept-Ranges"

    /// Packs the body where the client can read it, and where it is worth it.
    private func compress(_ response: inout Response, _ request: Request, _ trace: RequestTrace) {
        guard let type = response.headers[.contentType], Self.isWorthPacking(type) else { return }
        response.headers.vary(by: "Accept-Encoding")
        guard response.status != .notModified, response.status != .partialContent,
            response.body.contentLength ?? .max >= Self.leastPacked,
            Negotiation.takesGzip(request.headers[.acceptEncoding])
        else { return }
        let plain = response.body
        let pool = pool
        response.body = ResponseBody { writer in
            try await plain.write(GzipWriter(writer, pool: pool, trace: trace))
        }
        response.headers[.contentLength] = nil
        response.headers[.contentEncoding] = "gzip"
        // Other bytes than the plain ones: a strong tag of theirs must be another, a weak one stands for both.
        if let tag = response.headers[.eTag], !tag.hasPrefix("W/") {
            response.headers[.eTag] = tag.dropLast() + "-gzip\""
        }
    }

    /// Less than that fits into one packet anyway.
    private static let leastPacked = 1400

    private static func isWorthPacking(_ type: String) -> Bool {
        type.hasPrefix("text/") || type.hasPrefix("application/") || type.hasPrefix("image/svg")
    }

    /// Tells the log if a request was slow: at once, or when its body has been made.
    private func watched(
        _ response: Response, _ request: Request, _ context: HubContext, _ requestID: String, headNanoseconds: Int64
    ) -> Response {
        let trace = context.trace
        let slow = slowNanoseconds
        let logger = logger
        let status = response.status.code
        let path = request.uri.path
        let route = context.endpointPath ?? "none"
        let target = request.uri.string
        let tell: @Sendable () -> Void = {
            let nanoseconds = headNanoseconds + trace.bodyNanoseconds
            guard nanoseconds > slow else { return }
            logger.warning(
                "slow request",
                metadata: [
                    "route": "\(route)", "path": "\(path)",
                    "parameters": "\(LoggedQuery.text(QueryText(target: target)))",
                    "status": "\(status)", "ms": "\(nanoseconds / 1_000_000)", "request": "\(requestID)",
                    "timing": "\(trace.text(total: nanoseconds))",
                ])
        }
        guard trace.isStreamed, request.method != .head else {
            tell()
            return response
        }
        var watched = response
        let body = response.body
        watched.body = ResponseBody(contentLength: body.contentLength) { writer in
            defer { tell() }
            try await body.write(writer)
        }
        return watched
    }

    private func answer(_ request: Request, context: HubContext) async throws -> Response {
        switch request.method {
        case .get:
            let response = try await router.respond(to: request, context: context)
            if context.endpointPath == "NotFound" { throw notTaken(request) }
            return response
        case .post where isKnown(path: request.uri.path, in: postTemplates):
            return try await router.respond(to: request, context: context)
        case .head:
            var head = request.head
            head.method = .get
            let response = try await router.respond(to: Request(head: head, body: request.body), context: context)
            if context.endpointPath == "NotFound" { throw notTaken(request) }
            return response
        case .options where request.headers[.origin] != nil && request.headers[.accessControlRequestMethod] != nil:
            var fields: HTTPFields = [
                .accessControlAllowMethods: methods(of: request.uri.path).joined(separator: ", "),
                .accessControlMaxAge: "600",
            ]
            fields[.accessControlAllowHeaders] = request.headers[.accessControlRequestHeaders]
            return Response(status: .noContent, headers: fields)
        default:
            throw notTaken(request)
        }
    }

    /// What a path takes; those of an unknown one are what most take.
    private func methods(of path: String) -> [String] {
        let isRead = isKnown(path: path, in: templates)
        let isWritten = isKnown(path: path, in: postTemplates)
        return (isRead || !isWritten ? ["GET", "HEAD"] : []) + (isWritten ? ["POST"] : [])
    }

    /// A request whose path or method is none of the routes'.
    private func notTaken(_ request: Request) -> Problem {
        let path = request.uri.path
        guard isKnown(path: path, in: templates) || isKnown(path: path, in: postTemplates) else {
            return unknownRoute(request)
        }
        let methods = methods(of: path)
        var problem = Problem(
            .methodNotAllowed,
            "\(path) takes \(methods.joined(separator: " and ")), not \(request.method.rawValue)")
        problem.headers = [("Allow", methods.joined(separator: ", "))]
        return problem
    }

    private func isKnown(path: String, in templates: [[Substring]]) -> Bool {
        let parts = path.split(separator: "/")
        return templates.contains { template in
            template.count == parts.count && zip(template, parts).allSatisfy { $0.0.hasPrefix(":") || $0.0 == $0.1 }
        }
    }

    private func unknownRoute(_ request: Request) -> Problem {
        let path = request.uri.path
        let meant = NameDistance.nearest(to: path, among: (paths + posts).filter { !$0.contains(":") })
        return Problem(
            .unknownRoute, "there is no route \(path)" + (meant.map { "; did you mean \($0)?" } ?? ""),
            candidates: meant.map { [$0] } ?? [])
    }
}

extension HTTPFields {
    /// Adds a name to `Vary`, unless it is there.
    mutating func vary(by name: String) {
        let names = (self[.vary] ?? "").split(separator: ",").map { String(Negotiation.trimmed($0)) }
        guard !names.contains(where: { $0.lowercased() == name.lowercased() }) else { return }
        self[.vary] = (names + [name]).joined(separator: ", ")
    }
}

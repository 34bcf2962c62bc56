import Foundation
import HTTPTypes
import HubPage
import HummingbirdCore
import NIOCore
import NIOPosix

/// The page at `/` and its files under `/page/`.
struct PageRoutes: Sendable {
    /// Where the chart's script may be, in order.
    let folders: [String]
    /// Reading a file blocks.
    let pool: NIOThreadPool

    func add(to table: inout RouteTable) {
        table.get("/") { call in Self.reply(HubPage.index, to: call) }
        table.get("/page/:file") { call in
            let name = try call.part("file")
            if let file = HubPage.files[name] { return Self.reply(file, to: call) }
            guard name == HubPage.chartScript else { throw Problem(.notFound, "the page has no file '\(name)'") }
            guard let file = try await pool.runIfActive({ chartScript() }) else {
                throw Problem(
                    .notFound,
                    "the chart's script is not installed: run scripts/fetch-web-assets, or put \(name) into "
                        + (folders.first ?? "the folder web beside the hub"))
            }
            return Self.reply(file, to: call)
        }
    }

    private func chartScript() -> HubPage.File? {
        for folder in folders {
            if let bytes = FileManager.default.contents(atPath: "\(folder)/\(HubPage.chartScript)") {
                return HubPage.File(name: HubPage.chartScript, bytes: [UInt8](bytes))
            }
        }
        return nil
    }

    /// Nothing but the hub's own files and its own streams, and no other page around it.
    private static let policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

    private static func reply(_ file: HubPage.File, to call: Call) -> Response {
        var fields: HTTPFields = [
            // Weak: it stands for the packed bytes, too.
            .eTag: "W/" + file.entityTag,
            // Kept, and asked about each time: a new hub must not run with an old page.
            .cacheControl: "no-cache",
            .contentSecurityPolicy: policy,
            .xContentTypeOptions: "nosniff",
        ]
        fields[.referrerPolicy] = "no-referrer"
        if let known = call.request.headers[.ifNoneMatch], known == "*" || known.contains(file.entityTag) {
            return Response(status: .notModified, headers: fields)
        }
        fields[.contentType] = file.contentType
        return Response(status: .ok, headers: fields, body: .init(byteBuffer: ByteBuffer(bytes: file.bytes)))
    }
}

extension HTTPField.Name {
    static let referrerPolicy = HTTPField.Name("Referrer-Policy")!
}

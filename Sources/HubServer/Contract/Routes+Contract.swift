import CHubAssets
import HTTPTypes
import HummingbirdCore
import NIOCore

/// `/openapi.json`, `/asyncapi.json` and the page at `/docs` that shows them.
extension Routes {
    func addContract(to table: inout RouteTable) {
        let documents: [(path: String, asset: hub_asset, type: String)] = [
            ("/openapi.json", hub_asset_openapi(), "application/json"),
            ("/asyncapi.json", hub_asset_asyncapi(), "application/json"),
            ("/docs", hub_asset_docs_html(), "text/html; charset=utf-8"),
            ("/docs/docs.css", hub_asset_docs_css(), "text/css; charset=utf-8"),
            ("/docs/docs.js", hub_asset_docs_js(), "text/javascript; charset=utf-8"),
        ]
        for document in documents {
            let body = ContractDocument.body(document.asset, version: engine.version)
            let fields: HTTPFields = [
                .contentType: document.type, .cacheControl: "no-cache",
                .contentSecurityPolicy: "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
                    + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            ]
            table.get(document.path) { _ in Response(status: .ok, headers: fields, body: .init(byteBuffer: body)) }
        }
    }
}

/// A file that is part of the program.
enum ContractDocument {
    /// The file with the hub's version in the place kept for it.
    static func body(_ asset: hub_asset, version: String) -> ByteBuffer {
        let bytes = UnsafeBufferPointer(start: asset.bytes, count: asset.length)
        var text = String(decoding: bytes, as: UTF8.self)
        guard let place = text.firstRange(of: "\"version\": \"VERSION\"") else { return ByteBuffer(bytes: bytes) }
        text.replaceSubrange(place, with: "\"version\": \"\(version)\"")
        return ByteBuffer(string: text)
    }
}

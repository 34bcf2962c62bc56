import EventFormat
import HummingbirdCore

/// `/healthz`, `/readyz`.
extension Routes {
    func addHealth(to table: inout RouteTable) {
        table.get("/healthz") { _ in
            var text = TextBuffer(capacity: 64)
            text.append("{\"status\":\"ok\"}")
            return Reply.json(text)
        }
        table.get("/readyz") { _ in
            var text = TextBuffer(capacity: 512)
            let reasons = engine.notReady()
            text.beginObject()
            text.member("status", reasons.isEmpty ? "ready" : "not_ready")
            if !reasons.isEmpty {
                text.key("reasons")
                text.beginArray()
                for reason in reasons {
                    text.beginObject()
                    text.member("component", reason.component)
                    text.member("state", reason.state)
                    text.member("reason", reason.reason)
                    text.endObject()
                }
                text.endArray()
            }
            text.endObject()
            return Reply.json(text, status: reasons.isEmpty ? .ok : .serviceUnavailable)
        }
    }
}

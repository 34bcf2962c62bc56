// Prints the events of a hub, one JSON object a line, and goes on where it was: follow --symbols 'SIM:*'
import Foundation

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

func option(_ name: String, _ otherwise: String) -> String {
    let words = CommandLine.arguments
    return words.firstIndex(of: "--" + name).map { $0 + 1 }.flatMap { $0 < words.count ? words[$0] : nil } ?? otherwise
}

/// One stream through any number of cuts: nothing is missing, nothing is printed twice. The callbacks of a session come one
/// after the other, and `run` waits for their end: no two threads are ever in here.
final class Follower: NSObject, URLSessionDataDelegate, @unchecked Sendable {
    private let file = URL(fileURLWithPath: option("cursor", "cursor.txt"))
    private var left = Int(option("count", "-1")) ?? -1
    private var (cursor, epoch, pending) = ("", "", Data())
    private var (failures, silence) = (0.0, 15.0)
    private let ended = DispatchSemaphore(value: 0)

    func run() {
        cursor = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
        while left != 0 {
            var address = URLComponents(string: option("url", "http://127.0.0.1:8080") + "/v1/stream/ndjson")!
            address.queryItems = [
                URLQueryItem(name: "symbols", value: option("symbols", "*")),
                URLQueryItem(name: "types", value: option("types", "trade")),
                cursor.isEmpty
                    ? URLQueryItem(name: "from", value: "earliest") : URLQueryItem(name: "cursor", value: cursor),
            ]
            let settings = URLSessionConfiguration.ephemeral
            // Three heartbeats of silence: the line is dead, although nobody said so.
            settings.timeoutIntervalForRequest = silence
            let session = URLSession(configuration: settings, delegate: self, delegateQueue: nil)
            pending.removeAll()
            session.dataTask(with: address.url!).resume()
            ended.wait()
            session.invalidateAndCancel()
            try? cursor.write(to: file, atomically: true, encoding: .utf8)
            if left != 0 { Thread.sleep(forTimeInterval: min(30, 0.25 * pow(2, failures)) * .random(in: 0.5...1)) }
            failures += 1
        }
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        let status = (dataTask.response as? HTTPURLResponse)?.statusCode ?? 0
        pending.append(data)
        while status == 200, left != 0, let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
            take(Data(pending[pending.startIndex...end]))
            pending.removeSubrange(...end)
        }
        if left == 0 { dataTask.cancel() }
    }

    func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
        if let status = (task.response as? HTTPURLResponse)?.statusCode, 400..<500 ~= status {
            FileHandle.standardError.write(Data("the hub refuses this (\(status)): ".utf8) + pending + Data("\n".utf8))
            exit(1)
        }
        ended.signal()
    }

    private func take(_ line: Data) {
        guard let object = try? JSONSerialization.jsonObject(with: line) as? [String: Any] else { return }
        failures = 0
        if let heartbeat = object["heartbeat_ms"] as? Double { silence = 3 * heartbeat / 1000 }
        epoch = object["epoch"] as? String ?? epoch
        if let place = object["cursor"] as? String {
            cursor = place
        } else if let seq = object["seq"] as? Int, object["received"] != nil {
            FileHandle.standardOutput.write(line)
            cursor = "\(epoch).\(seq)"
            left -= 1
        }
    }
}

Follower().run()

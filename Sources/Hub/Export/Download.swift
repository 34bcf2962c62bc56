import Foundation
import Synchronization

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Loads a large answer into a file, and goes on where it was cut when it is asked for again.
///
/// What has arrived lies in `FILE.part`; beside it `FILE.part.tag` has path and parameters and the hub's tag of the content. Only the
/// same content is gone on with: the request says so (`If-Range`), and the hub sends everything if it has changed.
final class Download: NSObject, URLSessionDataDelegate, @unchecked Sendable {
    // All state is touched on the session's serial queue, and by `run` only before it starts and after it ends.
    private let client: HubClient
    private let url: URL
    private let output: String?
    private let progress: ProgressLine
    private var file: FileHandle
    private var done = 0
    private var total: Int?
    private var status = 0
    private var problem = Data()
    private var failure: (any Error)?
    private var continuation: CheckedContinuation<Void, any Error>?

    /// Path and parameters: the same hub may be reached under another address.
    private var what: String { url.path + "?" + (url.query ?? "") }

    private var part: String? { output.map { $0 + ".part" } }
    private var tagFile: String? { output.map { $0 + ".part.tag" } }

    /// - Parameter output: path of the file; `nil`: standard output, without going on later.
    init(client: HubClient, url: URL, output: String?) throws {
        self.client = client
        self.url = url
        self.output = output
        progress = ProgressLine(output.flatMap { $0.split(separator: "/").last.map(String.init) } ?? "export")
        file = FileHandle.standardOutput
    }

    /// Loads until everything is there.
    func run() async throws {
        var request = URLRequest(url: url, timeoutInterval: 3600)
        // Places in the file are places in the plain content.
        request.setValue("identity", forHTTPHeaderField: "Accept-Encoding")
        if let part, let tagFile {
            try open(part)
            let kept = (try? String(contentsOfFile: tagFile, encoding: .utf8))?.split(separator: "\n").map(String.init)
            if done > 0, let kept, kept.count == 2, kept[0] == what {
                request.setValue("bytes=\(done)-", forHTTPHeaderField: "Range")
                request.setValue(kept[1], forHTTPHeaderField: "If-Range")
            } else {
                try restart()
            }
        }
        let queue = OperationQueue()
        queue.maxConcurrentOperationCount = 1
        let session = URLSession(configuration: .ephemeral, delegate: self, delegateQueue: queue)
        defer { session.finishTasksAndInvalidate() }
        try await withCheckedThrowingContinuation { continuation in
            self.continuation = continuation
            session.dataTask(with: request).resume()
        }
        progress.finish(done: done, total: total, note: "")
        if let output, let part, let tagFile {
            try file.close()
            guard rename(part, output) == 0 else {
                throw HubClient.Failure(
                    description: "cannot name \(part) \(output): \(String(cString: strerror(errno)))")
            }
            unlink(tagFile)
        }
    }

    private func open(_ part: String) throws {
        let descriptor = Foundation.open(part, O_RDWR | O_CREAT, 0o644)
        guard descriptor >= 0 else {
            throw HubClient.Failure(description: "cannot write \(part): \(String(cString: strerror(errno)))")
        }
        file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        done = Int(try file.seekToEnd())
    }

    private func restart() throws {
        guard output != nil else { return }
        try file.truncate(atOffset: 0)
        done = 0
    }

    // MARK: The session's queue

    func urlSession(
        _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
        completionHandler: @escaping (URLSession.ResponseDisposition) -> Void
    ) {
        let answer = response as? HTTPURLResponse
        status = answer?.statusCode ?? 0
        do {
            switch status {
            case 206:
                let range = answer?.value(forHTTPHeaderField: "Content-Range") ?? ""
                guard range.hasPrefix("bytes \(done)-") else {
                    throw HubClient.Failure(
                        description: "the hub answered with another part than was asked for: \(range)")
                }
                total = range.split(separator: "/").last.flatMap { Int($0) }
            case 200:
                try restart()
                let length = response.expectedContentLength
                total = length > 0 ? Int(length) : nil
                if let tagFile, let tag = answer?.value(forHTTPHeaderField: "ETag"), !tag.hasPrefix("W/") {
                    try "\(what)\n\(tag)\n".write(toFile: tagFile, atomically: true, encoding: .utf8)
                }
            default: break
            }
        } catch {
            failure = error
        }
        completionHandler(failure == nil ? .allow : .cancel)
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        guard status == 200 || status == 206 else {
            if problem.count < 1 << 16 { problem.append(data) }
            return
        }
        guard failure == nil else { return }
        do {
            try file.write(contentsOf: data)
            done += data.count
            progress.update(done: done, total: total, note: "")
        } catch {
            failure = error
            dataTask.cancel()
        }
    }

    func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
        let continuation = continuation
        self.continuation = nil
        if let failure {
            continuation?.resume(throwing: failure)
        } else if let error {
            progress.interrupt()
            let part = part.map { "\nWhat has arrived is in \($0); the same command goes on from there." } ?? ""
            continuation?.resume(
                throwing: done > 0
                    ? HubClient.Failure(description: "the hub was cut off: \(error.localizedDescription)\(part)")
                    : client.noHub(error))
        } else if status == 416, done > 0 {
            // Everything was there already, and only the name was missing.
            continuation?.resume()
        } else if status != 200, status != 206 {
            let object = (try? JSONSerialization.jsonObject(with: problem)) as? [String: Any] ?? [:]
            continuation?.resume(throwing: client.problem(object, status: status))
        } else if let total, done < total {
            continuation?.resume(
                throwing: HubClient.Failure(
                    description: "the answer ended after \(done) of \(total) bytes; the same command goes on from there"
                ))
        } else {
            continuation?.resume()
        }
    }
}

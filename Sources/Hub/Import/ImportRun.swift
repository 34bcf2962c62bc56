import EventFormat
import Foundation

/// Brings files to a running hub, in requests of bounded size, and counts what became of their rows.
final class ImportRun {
    struct Counts {
        var rows = 0
        var accepted = 0
        var dropped = 0
        var refused = 0
    }

    private let client: HubClient
    private let source: String
    private(set) var counts = Counts()
    private(set) var cursor: String?
    /// Rows are sent when so many bytes are there; halved when the hub finds that too large.
    private var batchBytes = 256 << 10
    private var batch = TextBuffer(capacity: 1 << 18)
    /// For each line of the batch its number in the file.
    private var lines: [Int] = []
    private var path = ""
    private var told = 0
    private static let mostTold = 20

    /// Takes in files that were taken in before once more.
    private let isAgain: Bool
    /// What the hub knows the file by.
    private var origin = ""
    /// Number of the first row of the batch among those that are sent of the file, from 1.
    private var firstRow = 1

    init(client: HubClient, source: String, isAgain: Bool = false) {
        self.client = client
        self.source = source
        self.isAgain = isAgain
    }

    /// - Parameter csv: kind of the rows and whose they are; `nil`: a file of event objects.
    func bring(_ path: String, csv: (kind: CSVEvents.Kind, symbol: String?)?) async throws {
        let source = try LineSource(path)
        let progress = ProgressLine(path.split(separator: "/").last.map(String.init) ?? path)
        self.path = path
        origin = try FileDigest.hex(path, with: csv.map { "\($0.kind) \($0.symbol ?? "")" } ?? "")
        firstRow = 1
        if let csv {
            try await bringRows(of: source, csv.kind, csv.symbol, progress)
        } else {
            while let line = try source.next() {
                guard Self.isFilled(line) else { continue }
                line.withUnsafeBytes { batch.append($0) }
                batch.append("\n")
                lines.append(source.line)
                try await step(source, progress)
            }
        }
        try await send(progress)
        progress.finish(done: source.size, total: source.size, note: note)
    }

    private func bringRows(
        of source: LineSource, _ kind: CSVEvents.Kind, _ symbol: String?, _ progress: ProgressLine
    ) async throws {
        guard let header = try source.next() else {
            throw HubClient.Failure(description: "\(path) is empty: its first line must name the columns")
        }
        var rows: CSVEvents
        do {
            rows = try CSVEvents(header: header, kind: kind, symbol: symbol)
        } catch {
            throw HubClient.Failure(description: "\(path):1: \(error.message)")
        }
        while let line = try source.next() {
            guard Self.isFilled(line) else { continue }
            if let fault = append(line, of: source, &rows) {
                counts.refused += 1
                tell("\(path):\(source.line): \(fault.message)", progress)
            }
            try await step(source, progress)
        }
    }

    private func append(_ line: ArraySlice<UInt8>, of source: LineSource, _ rows: inout CSVEvents) -> CSVEvents.Fault? {
        let before = batch.count
        do {
            try rows.append(line, to: &batch)
            lines.append(source.line)
            return nil
        } catch {
            batch.truncate(to: before)
            return error
        }
    }

    private static func isFilled(_ line: ArraySlice<UInt8>) -> Bool {
        line.contains { $0 != 0x20 && $0 != 0x09 }
    }

    private func step(_ source: LineSource, _ progress: ProgressLine) async throws {
        counts.rows += 1
        if batch.count >= batchBytes { try await send(progress) }
        progress.update(done: source.position, total: source.size, note: note)
    }

    /// What is to be said at the end.
    func summary() -> String {
        let more = told > Self.mostTold ? "\(told - Self.mostTold) more rows were refused and not told\n" : ""
        return more
            + "\(counts.rows) rows: \(counts.accepted) accepted, \(counts.dropped) dropped (the hub has them), "
            + "\(counts.refused) refused" + (cursor.map { "; cursor \($0)" } ?? "")
    }

    private var note: String { "\(counts.rows) rows" }

    private func tell(_ message: String, _ progress: ProgressLine) {
        told += 1
        guard told <= Self.mostTold else { return }
        progress.interrupt()
        FileHandle.standardError.write(Data((message + "\n").utf8))
    }

    private func send(_ progress: ProgressLine) async throws {
        guard !lines.isEmpty else { return }
        let bytes = batch.array
        let numbers = lines
        batch.clear()
        lines.removeAll(keepingCapacity: true)
        try await send(bytes[...], numbers[...], progress)
    }

    private func send(_ bytes: ArraySlice<UInt8>, _ numbers: ArraySlice<Int>, _ progress: ProgressLine) async throws {
        let answer: [String: Any]
        do {
            let place = isAgain ? [] : [("origin", origin), ("row", "\(firstRow)")]
            answer = try await client.post("/v1/imports", [("source", source)] + place, Data(bytes))
        } catch let failure as HubClient.Failure where failure.code == "request_too_large" && numbers.count > 1 {
            // Two requests of half as many rows.
            batchBytes = max(1 << 10, batchBytes / 2)
            let half = numbers.count / 2
            var end = bytes.startIndex
            for _ in 0..<half { end = (bytes[end...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.endIndex - 1) + 1 }
            try await send(bytes[..<end], numbers.prefix(half), progress)
            try await send(bytes[end...], numbers.dropFirst(half), progress)
            return
        } catch let failure as HubClient.Failure {
            throw HubClient.Failure(
                description: """
                    \(path): the rows from line \(numbers.first ?? 0) on were not taken in: \(failure.description)
                    \(summary())
                    """, code: failure.code)
        }
        firstRow += numbers.count
        let rows = Self.count(answer["rows"])
        let accepted = Self.count(answer["accepted"])
        let dropped = Self.count(answer["dropped"])
        counts.accepted += accepted
        counts.dropped += dropped
        let refused = rows - accepted - dropped
        counts.refused += refused
        cursor = answer["cursor"] as? String ?? cursor
        let errors = answer["errors"] as? [[String: Any]] ?? []
        for error in errors {
            let line = numbers.dropFirst(Self.count(error["line"]) - 1).first ?? 0
            tell(
                "\(path):\(line): \(error["message"] ?? "") (byte \(Self.count(error["column"])) of the event)",
                progress)
        }
        told += max(0, refused - errors.count)
    }

    private static func count(_ value: Any?) -> Int { (value as? NSNumber)?.intValue ?? 0 }
}

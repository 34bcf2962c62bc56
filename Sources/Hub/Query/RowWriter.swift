import ArgumentParser
import Foundation

/// How rows are printed.
enum RowFormat: String, ExpressibleByArgument, CaseIterable {
    case table, csv, ndjson
}

/// Prints JSON rows with the columns asked for, in that order.
struct RowWriter {
    let columns: [String]
    let format: RowFormat

    func write(_ rows: [[String: Any]]) {
        switch format {
        case .table: writeTable(rows)
        case .csv:
            print(columns.joined(separator: ","))
            for row in rows { print(columns.map { quoted(text(row[$0])) }.joined(separator: ",")) }
        case .ndjson:
            for row in rows {
                let data =
                    (try? JSONSerialization.data(withJSONObject: row, options: [.sortedKeys, .withoutEscapingSlashes]))
                print(String(decoding: data ?? Data(), as: UTF8.self))
            }
        }
    }

    private func writeTable(_ rows: [[String: Any]]) {
        let cells = rows.map { row in columns.map { text(row[$0]) } }
        var widths = columns.map(\.count)
        for row in cells {
            for (index, cell) in row.enumerated() { widths[index] = max(widths[index], cell.count) }
        }
        func line(_ cells: [String]) -> String {
            zip(cells, widths).map { String(repeating: " ", count: $1 - $0.count) + $0 }.joined(separator: "  ")
        }
        print(line(columns))
        for row in cells { print(line(row)) }
        print("\(rows.count) row\(rows.count == 1 ? "" : "s")")
    }

    private func text(_ value: Any?) -> String {
        switch value {
        case nil, is NSNull: ""
        case let text as String: text
        // JSON's true and false arrive as numbers of C's type for a Boolean.
        case let number as NSNumber:
            String(cString: number.objCType) == "c" ? "\(number.boolValue)" : number.stringValue
        case let list as [Any]: list.map { text($0) }.joined(separator: " ")
        case let other?: String(describing: other)
        }
    }

    private func quoted(_ text: String) -> String {
        guard text.contains(where: { $0 == "," || $0 == "\"" || $0 == "\n" }) else { return text }
        return "\"" + text.replacingOccurrences(of: "\"", with: "\"\"") + "\""
    }
}

import Foundation
import Testing

@testable import TACore

/// TA-Lib's values over recorded bars; Fixtures/README.md says where they come from.
struct ReferenceTests {
    @Test(
        "all values are those of TA-Lib over recorded bars",
        arguments: ["spy-1m", "btcusd-1m", "yesbank-1m"])
    func valuesAreThoseOfTALib(name: String) throws {
        let fixture = try Fixture(name)
        #expect(fixture.columns.count == 10)
        var compared = 0
        for (definition, outputs) in try fixture.definitions {
            let values = try run(definition, fixture.bars)
            try #require(values.count == fixture.bars.count)
            let warmUp = try Definition(parsing: definition).warmUp(.talib)
            for (row, value) in values.enumerated() {
                #expect(value.computed.isReady == (row + 1 >= warmUp), "\(definition) in row \(row)")
                let computed = [value.computed.first, value.computed.second, value.computed.third]
                for (position, column) in outputs {
                    let expected = fixture.columns[column].values[row]
                    #expect(
                        expected.isNaN == !value.computed.isReady,
                        "\(fixture.columns[column].name) in row \(row)")
                    if expected.isNaN {
                        #expect(computed[position].isNaN)
                    } else {
                        // TA-Lib's own rounding is in proportion to the price, also where the value is a difference.
                        let scale = max(1, abs(expected), fixture.bars[row].close)
                        let error = abs(computed[position] - expected)
                        #expect(
                            error <= 1e-9 * scale,
                            "\(fixture.columns[column].name) in row \(row): \(computed[position]), TA-Lib \(expected)"
                        )
                        compared += 1
                    }
                }
            }
        }
        #expect(compared > 9 * 300)
    }
}

private struct Fixture {
    var bars: [BarInput] = []
    var columns: [(name: String, values: [Double])] = []

    init(_ name: String) throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(
            path: "Fixtures/\(name).csv")
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
        columns = lines[0].split(separator: ";").dropFirst(6).map { (String($0), []) }
        for (index, line) in lines.dropFirst().enumerated() {
            let cells = line.split(separator: ";", omittingEmptySubsequences: false)
            func number(_ column: Int) throws -> Double { try #require(Double(cells[column])) }
            bars.append(
                BarInput(
                    time: try #require(Int64(cells[0])), cause: UInt64(index + 1), revision: 0,
                    high: try number(2),
                    low: try number(3), close: try number(4), volume: try number(5), notional: .nan))
            for column in columns.indices {
                columns[column].values.append(cells[column + 6].isEmpty ? .nan : try number(column + 6))
            }
        }
    }

    /// Each definition with its outputs: position among the indicator's outputs, and column.
    var definitions: [(String, [(position: Int, column: Int)])] {
        get throws {
            var found: [(String, [(position: Int, column: Int)])] = []
            for (column, entry) in columns.enumerated() {
                let dot = try #require(entry.name.range(of: ").")).lowerBound
                let definition = String(entry.name[...dot])
                let output = String(entry.name[entry.name.index(dot, offsetBy: 2)...])
                let outputs = try Definition(parsing: definition).formula.outputs
                let position = try #require(outputs.firstIndex(of: output))
                if let index = found.firstIndex(where: { $0.0 == definition }) {
                    found[index].1.append((position, column))
                } else {
                    found.append((definition, [(position, column)]))
                }
            }
            return found
        }
    }
}

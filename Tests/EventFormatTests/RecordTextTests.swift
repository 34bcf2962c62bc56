import EventFormat
import PluginABI
import Testing

@Suite("Texts in records")
struct RecordTextTests {
    @Test("texts read back, and what is behind them is zero")
    func roundTrip() {
        let texts = ["", "NSE:RELIANCE", "₹ und é", String(repeating: "x", count: 300)]
        let lines = RecordText.linesNeeded(fixedBytes: 48, texts: texts)
        let record = MadeRecord(lines: lines)
        record.raw.initializeMemory(as: UInt8.self, repeating: 0xFF, count: lines * 64)
        record.head.pointee.lines = UInt8(lines)
        #expect(RecordText.write(texts, after: 48, in: record.raw, lines: lines))
        #expect(RecordText.read(record.pointer, after: 48, count: 4) == texts)
        #expect(RecordText.fits(record.pointer, after: 48, count: 4))
        let used = texts.reduce(48) { $0 + 2 + $1.utf8.count }
        #expect((used..<lines * 64).allSatisfy { record.raw.load(fromByteOffset: $0, as: UInt8.self) == 0 })
    }

    @Test("a text too long is cut at a character and the next ones stay readable")
    func cutting() {
        let record = MadeRecord(lines: 1)
        record.head.pointee.lines = 1
        #expect(!RecordText.write(["ééééééééé", "b"], after: 48, in: record.raw, lines: 1))
        #expect(RecordText.read(record.pointer, after: 48, count: 2) == ["éééééé", ""])
    }

    @Test("lengths that lie end in empty texts, not behind the record")
    func lies() {
        let record = MadeRecord(lines: 1)
        record.head.pointee.lines = 1
        record.raw.storeBytes(of: UInt16(500), toByteOffset: 48, as: UInt16.self)
        #expect(RecordText.read(record.pointer, after: 48, count: 3) == ["", "", ""])
        #expect(!RecordText.fits(record.pointer, after: 48, count: 1))
    }

    @Test("definitions survive their records")
    func definitions() {
        let streams = [
            StreamDefinition(id: 1, symbol: "", source: "tape"),
            StreamDefinition(
                id: 70, symbol: "NSE:M&M", source: "zerodha", marketCentre: "X", instrumentType: 11, currency: "INR",
                calendar: "nse", tickSize: 0.05, lotSize: 1, simulated: true),
        ]
        var table = DefinitionTable()
        for stream in streams {
            let record = MadeRecord(lines: DefineRecord.lines(stream))
            DefineRecord.write(stream, to: record.raw)
            let pointer = record.pointer
            #expect(RecordShape.isWellFormed(pointer))
            let learnt = table.learn(pointer)
            #expect(learnt)
        }
        let value = ValueDefinition(id: 3, name: "rsi(14)", interval: 60, outputs: ["rsi"])
        let record = MadeRecord(lines: DefineRecord.lines(value))
        DefineRecord.write(value, to: record.raw)
        let pointer = record.pointer
        let learnt = table.learn(pointer)
        #expect(learnt)
        #expect(table.streams == streams)
        #expect(table.stream(70)?.venue == "NSE")
        #expect(table.stream(70)?.instrumentTypeText == "simulated")
        #expect(table.stream(1)?.isSource == true)
        #expect(table.stream(2) == nil)
        #expect(table.stream(0) == nil)
        #expect(table.stream(.max) == nil)
        #expect(table.values == [value])
        #expect(table.value(3)?.selector == "rsi(14)@1m")
        #expect(table.sourceName(ofStream: 0) == "hub")
        #expect(table.nextStreamID == 71)
        #expect(table.nextDefinitionID == 4)
    }

    @Test("a copy of the table does not see what is learnt later")
    func copies() {
        var table = DefinitionTable()
        table.learn(StreamDefinition(id: 1, symbol: "NSE:A", source: "s"))
        let copy = table
        table.learn(StreamDefinition(id: 2, symbol: "NSE:B", source: "s"))
        #expect(copy.stream(2) == nil)
        #expect(table.stream(2)?.symbol == "NSE:B")
    }

    @Test("every word of the fixed lists reads back")
    func words() {
        for (kind, word) in Words.kinds {
            #expect(Words.kind(kind) == word)
            #expect(Words.kind(named: word) == kind)
        }
        for type in UInt8(1)...11 {
            #expect(Words.instrumentType(type).flatMap(Words.instrumentType(named:)) == type)
        }
        #expect(Words.instrumentType(0) == nil)
        #expect(Words.instrumentType(12) == nil)
        #expect(Words.flag(named: "simulated") == UInt16(HUB_FLAG_SIMULATED))
        #expect(Words.flag(named: "late") == UInt16(HUB_FLAG_LATE))
        #expect(Words.flag(named: "derived") == nil)
    }
}

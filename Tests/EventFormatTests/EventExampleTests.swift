import EventFormat
import PluginABI
import Testing

/// The examples of the objects' description, byte for byte (there wrapped, here joined).
@Suite("Event objects as documented")
struct EventExampleTests {
    @Test("a trade")
    func trade() {
        var trade = hub_trade()
        trade.price = 243.15
        trade.size = 100
        trade.side = UInt8(HUB_SIDE_BUY)
        trade.trade_id = 7194
        trade.conditions = UInt32(HUB_CONDITION_ODD_LOT)
        let record = MadeRecord.make(
            HUB_TRADE, seq: 184467, stream: 1, time: 1_736_174_100_123_456, received: 1_736_174_100_131_002, trade)
        #expect(
            Fixture.text(record)
                == #"{"type":"trade","seq":184467,"symbol":"NASDAQ:AAPL","time":1736174100123456,"#
                + #""received":1736174100131002,"source":"finnhub","price":243.15,"size":100,"side":"buy","#
                + #""trade_id":"7194","venue":"ARCA","conditions":["odd_lot"]}"#)
    }

    @Test("a tick")
    func tick() {
        var tick = hub_tick()
        tick.last = 1251.4
        tick.last_size = 5
        tick.last_trade_time = 1_736_135_100_000_000_000
        tick.average = 1249.87
        tick.volume = 1_183_220
        tick.open = 1248
        tick.high = 1253.1
        tick.low = 1246.05
        tick.previous_close = 1247.9
        tick.open_interest = 0
        tick.total_buy = 402_113
        tick.total_sell = 381_990
        let record = MadeRecord.make(
            HUB_TICK, seq: 184470, stream: 2, time: 1_736_135_101_000_000, received: 1_736_135_101_212_044, tick)
        #expect(
            Fixture.text(record)
                == #"{"type":"tick","seq":184470,"symbol":"NSE:RELIANCE","time":1736135101000000,"#
                + #""received":1736135101212044,"source":"zerodha","last":1251.4,"last_size":5,"#
                + #""last_time":1736135100000000,"average":1249.87,"volume":1183220,"open":1248,"high":1253.1,"#
                + #""low":1246.05,"previous_close":1247.9,"open_interest":0,"total_buy":402113,"total_sell":381990}"#)
    }

    @Test("a tick of which only the last price is known")
    func sparseTick() {
        var tick = hub_tick()
        tick.last = 24010.5
        tick.last_size = .nan
        tick.average = .nan
        tick.volume = .nan
        tick.open_interest = .nan
        tick.open = .nan
        tick.high = .nan
        tick.low = .nan
        tick.previous_close = .nan
        tick.total_buy = .nan
        tick.total_sell = .nan
        let record = MadeRecord.make(HUB_TICK, seq: 1, stream: 2, time: 10, received: 20, tick)
        #expect(
            Fixture.text(record)
                == #"{"type":"tick","seq":1,"symbol":"NSE:RELIANCE","time":10,"received":20,"source":"zerodha","#
                + #""last":24010.5}"#
        )
    }

    @Test("a quote, and one without anybody on one side")
    func quote() {
        var quote = hub_quote()
        quote.bid = 243.14
        quote.bid_size = 300
        quote.ask = 243.16
        quote.ask_size = 100
        let record = MadeRecord.make(
            HUB_QUOTE, seq: 184471, stream: 3, time: 1_736_174_100_125_000, received: 1_736_174_100_131_020, quote)
        let start =
            #"{"type":"quote","seq":184471,"symbol":"NASDAQ:AAPL","time":1736174100125000,"received":1736174100131020,"#
            + #""source":"finnhub","#
        #expect(Fixture.text(record) == start + #""bid":243.14,"bid_size":300,"ask":243.16,"ask_size":100}"#)
        quote.bid = .nan
        quote.bid_size = .nan
        let oneSided = MadeRecord.make(
            HUB_QUOTE, seq: 184471, stream: 3, time: 1_736_174_100_125_000, received: 1_736_174_100_131_020, quote)
        #expect(Fixture.text(oneSided) == start + #""bid":null,"ask":243.16,"ask_size":100}"#)
    }

    @Test("a book, with empty levels left out")
    func book() {
        let levels = [
            hub_level(price: 1251.35, size: 120, orders: 4, reserved: 0),
            hub_level(price: 1251.3, size: 80, orders: 2, reserved: 0),
            hub_level(price: 1251.4, size: 55, orders: 1, reserved: 0),
            hub_level(price: 1251.45, size: 0, orders: 0, reserved: 0),
            hub_level(price: 1251.5, size: 400, orders: 9, reserved: 0),
            hub_level(price: 1251.55, size: 7, orders: 0, reserved: 0),
        ]
        var book = hub_book()
        book.bids = 2
        book.asks = 4
        let record = MadeRecord.make(
            HUB_BOOK, seq: 184472, stream: 2, time: 1_736_135_101_000_000, received: 1_736_135_101_212_044, lines: 3,
            book)
        for (index, level) in levels.enumerated() {
            record.raw.storeBytes(of: level, toByteOffset: 40 + index * 24, as: hub_level.self)
        }
        #expect(
            Fixture.text(record)
                == #"{"type":"book","seq":184472,"symbol":"NSE:RELIANCE","time":1736135101000000,"#
                + #""received":1736135101212044,"source":"zerodha","bids":[[1251.35,120,4],[1251.3,80,2]],"#
                + #""asks":[[1251.4,55,1],[1251.5,400,9],[1251.55,7]]}"#)
    }

    static func minuteBar() -> hub_bar {
        var bar = hub_bar()
        bar.interval = 60
        bar.state = UInt8(HUB_BAR_CLOSED)
        bar.built_from = UInt8(HUB_BUILT_FROM_TICK)
        bar.open = 1251
        bar.high = 1251.9
        bar.low = 1250.8
        bar.close = 1251.4
        bar.volume = 18230
        bar.notional = 22_806_511.5
        bar.count = 57
        bar.first_seq = 183_990
        bar.last_seq = 184_488
        bar.open_interest = .nan
        return bar
    }

    @Test("a bar of a minute")
    func bar() {
        let record = MadeRecord.make(
            HUB_BAR, seq: 184490, stream: 2, time: 1_736_135_100_000_000, received: 1_736_135_160_240_110,
            Self.minuteBar())
        record.head.pointee.ts_event = 1_736_135_100_000_000_000
        #expect(
            Fixture.text(record)
                == #"{"type":"bar","seq":184490,"symbol":"NSE:RELIANCE","time":1736135100000000,"#
                + #""received":1736135160240110,"source":"zerodha","interval":"1m","end":1736135160000000,"open":1251,"#
                + #""high":1251.9,"low":1250.8,"close":1251.4,"volume":18230,"count":57,"notional":22806511.5,"#
                + #""vwap":1251.042869,"state":"closed","revision":0,"built_from":"tick","first_seq":183990,"#
                + #""last_seq":184488}"#)
    }

    @Test("a forming bar is a view: as_of in place of seq")
    func formingBar() {
        var bar = Self.minuteBar()
        bar.open = 1251.4
        bar.high = 1251.6
        bar.low = 1251.2
        bar.close = 1251.5
        bar.volume = 812
        bar.count = 3
        bar.notional = .nan
        bar.state = UInt8(HUB_BAR_FORMING)
        let record = MadeRecord.make(
            HUB_BAR, seq: 0, stream: 2, time: 1_736_135_160_000_000, received: 1_736_135_162_012_044, bar)
        record.head.pointee.ts_event = 1_736_135_160_000_000_000
        #expect(
            Fixture.text(record, asOf: 184499)
                == #"{"type":"bar","as_of":184499,"symbol":"NSE:RELIANCE","time":1736135160000000,"#
                + #""received":1736135162012044,"source":"zerodha","interval":"1m","end":1736135220000000,"#
                + #""open":1251.4,"#
                + #""high":1251.6,"low":1251.2,"close":1251.5,"volume":812,"count":3,"state":"forming","revision":0,"#
                + #""built_from":"tick"}"#)
    }

    @Test("a bar of a day has its date and ends on the next")
    func dayBar() {
        var bar = Self.minuteBar()
        bar.interval = 86400
        bar.first_seq = 0
        bar.last_seq = 0
        bar.built_from = UInt8(HUB_BUILT_FROM_PROVIDER)
        bar.revision = 2
        bar.state = UInt8(HUB_BAR_REVISED)
        bar.volume = 0
        bar.notional = 0
        let record = MadeRecord.make(HUB_BAR, seq: 9, stream: 2, time: 1, received: 1_736_200_000_000_000, bar)
        record.head.pointee.ts_event = 1_736_121_600_000_000_000
        #expect(
            Fixture.text(record)
                == #"{"type":"bar","seq":9,"symbol":"NSE:RELIANCE","time":1736121600000000,"#
                + #""received":1736200000000000,"#
                + #""source":"zerodha","interval":"1d","end":1736208000000000,"date":"2025-01-06","open":1251,"#
                + #""high":1251.9,"low":1250.8,"close":1251.4,"volume":0,"count":57,"notional":0,"state":"revised","#
                + #""revision":2,"built_from":"provider"}"#)
    }

    @Test("a value, and one that is not ready")
    func value() {
        let record = MadeRecord(lines: 2)
        var value = hub_value()
        value.definition = 1
        value.outputs = 3
        value.bits = UInt8(HUB_VALUE_READY)
        value.bar_time = 1_736_135_100_000_000_000
        value.cause = 184_490
        value.head = hub_record(
            lines: 2, kind: UInt8(HUB_VALUE), flags: UInt16(HUB_FLAG_DERIVED), stream: 2, ts_event: value.bar_time,
            ts_recv: 1_736_135_160_240_110_000, seq: 184_491)
        record.raw.storeBytes(of: value, as: hub_value.self)
        for (index, output) in [1.21, 1.08, 0.13].enumerated() {
            record.raw.storeBytes(of: output, toByteOffset: 56 + index * 8, as: Double.self)
        }
        let start =
            #"{"type":"value","seq":184491,"symbol":"NSE:RELIANCE","time":1736135100000000,"#
            + #""received":1736135160240110,"source":"zerodha","name":"macd(12,26,9)","interval":"1m","#
        #expect(
            Fixture.text(record)
                == start
                + #""values":{"macd":1.21,"signal":1.08,"histogram":0.13},"state":"closed","revision":0,"ready":true,"#
                + #""stable":false,"cause":184490}"#)
        record.raw.storeBytes(of: UInt8(0), toByteOffset: 39, as: UInt8.self)
        record.raw.storeBytes(of: UInt16(1), toByteOffset: 36, as: UInt16.self)
        #expect(
            Fixture.text(record)
                == start
                + #""values":{"macd":null,"signal":null,"histogram":null},"state":"revised","revision":1,"#
                + #""ready":false,"#
                + #""stable":false,"cause":184490}"#)
    }

    @Test("greeks")
    func greeks() {
        var greeks = hub_greeks()
        greeks.delta = 0.52
        greeks.gamma = 0.0011
        greeks.theta = -11.2
        greeks.vega = 14.8
        greeks.rho = 3.1
        greeks.implied_volatility = 0.131
        let record = MadeRecord.make(
            HUB_GREEKS, seq: 184492, stream: 4, time: 1_736_135_101_000_000, received: 1_736_135_101_212_044, greeks)
        #expect(
            Fixture.text(record)
                == #"{"type":"greeks","seq":184492,"symbol":"NFO:NIFTY25JAN24000CE","time":1736135101000000,"#
                + #""received":1736135101212044,"source":"upstox","delta":0.52,"gamma":0.0011,"theta":-11.2,"#
                + #""vega":14.8,"rho":3.1,"implied_volatility":0.131}"#)
    }

    @Test("a signal")
    func signal() {
        var signal = hub_signal()
        signal.signal = UInt8(HUB_SIGNAL_PATTERN)
        signal.direction = UInt8(HUB_BULLISH)
        signal.strength = 1
        signal.interval = 300
        let record = MadeRecord.make(
            HUB_SIGNAL, seq: 184493, stream: 2, time: 1_736_135_100_000_000, received: 1_736_135_160_240_110,
            texts: ["engulfing", "bullish engulfing on 5m"], after: 48, signal)
        #expect(
            Fixture.text(record)
                == #"{"type":"signal","seq":184493,"symbol":"NSE:RELIANCE","time":1736135100000000,"#
                + #""received":1736135160240110,"source":"zerodha","kind":"pattern","name":"engulfing","#
                + #""direction":"bullish","strength":1,"interval":"5m","text":"bullish engulfing on 5m"}"#)
    }

    @Test("the status of a venue, and of a halted instrument")
    func status() {
        var status = hub_trading_status()
        status.phase = UInt8(HUB_PHASE_OPEN)
        status.next_phase = UInt8(HUB_PHASE_POST)
        status.halted = 255
        status.next_time = 1_736_157_600_000_000_000
        status.lower_limit = .nan
        status.upper_limit = .nan
        let record = MadeRecord.make(
            HUB_STATUS, seq: 184100, stream: 0, time: 1_736_135_100_000_000, received: 1_736_135_100_000_000,
            texts: ["NSE", ""], after: 64, status)
        #expect(
            Fixture.text(record)
                == #"{"type":"status","seq":184100,"time":1736135100000000,"received":1736135100000000,"source":"hub","#
                + #""venue":"NSE","phase":"open","next_phase":"post","next_time":1736157600000000}"#)
        status.halted = 1
        status.lower_limit = 1126.15
        status.upper_limit = 1376.4
        status.next_phase = 0
        status.next_time = 0
        let halted = MadeRecord.make(
            HUB_STATUS, seq: 5, stream: 2, time: 1, received: 2, texts: ["", "circuit"], after: 64, status)
        #expect(
            Fixture.text(halted)
                == #"{"type":"status","seq":5,"symbol":"NSE:RELIANCE","time":1,"received":2,"source":"zerodha","#
                + #""venue":"NSE","phase":"open","halted":true,"reason":"circuit","lower_limit":1126.15,"#
                + #""upper_limit":1376.4}"#)
    }

    @Test("controls: a source, a failover, a subscription")
    func controls() {
        var control = hub_control()
        control.what = UInt8(HUB_CONTROL_SOURCE)
        control.state = UInt8(HUB_STATE_RECONNECTING)
        control.previous = UInt8(HUB_STATE_OK)
        let source = MadeRecord.make(
            HUB_CONTROL, seq: 184600, stream: 5, time: 1_736_135_400_000_000, received: 1_736_135_400_000_000,
            texts: ["", "", "", "closed by the peer (1006)"], after: 48, control)
        #expect(
            Fixture.text(source)
                == #"{"type":"control","seq":184600,"time":1736135400000000,"received":1736135400000000,"#
                + #""source":"upstox","#
                + #""what":"source","state":"reconnecting","previous":"ok","reason":"closed by the peer (1006)"}"#)
        control = hub_control()
        control.what = UInt8(HUB_CONTROL_FAILOVER)
        control.last_seq = 184_598
        let failover = MadeRecord.make(
            HUB_CONTROL, seq: 184601, stream: 6, time: 1_736_135_415_000_000, received: 1_736_135_415_000_000,
            texts: ["india", "upstox", "zerodha", "upstox down for 15 s"], after: 48, control)
        #expect(
            Fixture.text(failover)
                == #"{"type":"control","seq":184601,"time":1736135415000000,"received":1736135415000000,"#
                + #""source":"zerodha","what":"failover","pipeline":"india","from":"upstox","to":"zerodha","#
                + #""last_seq":184598,"reason":"upstox down for 15 s"}"#)
        control = hub_control()
        control.what = UInt8(HUB_CONTROL_SUBSCRIPTION)
        control.state = UInt8(HUB_STATE_OK)
        let subscription = MadeRecord.make(
            HUB_CONTROL, seq: 184602, stream: 2, time: 1_736_135_415_000_000, received: 1_736_135_415_000_000,
            texts: ["", "", "", ""], after: 48, control)
        #expect(
            Fixture.text(subscription)
                == #"{"type":"control","seq":184602,"symbol":"NSE:RELIANCE","time":1736135415000000,"#
                + #""received":1736135415000000,"source":"zerodha","what":"subscription","state":"ok"}"#)
    }

    @Test(
        "controls: the digest of a configuration and the data of a position are hexadecimal, a clock has only its time")
    func opaqueControls() {
        let configuration = MadeRecord.make(
            HUB_CONTROL, seq: 1, stream: 0, time: 1, received: 1, lines: 2, hub_control())
        configuration.raw.storeBytes(of: UInt8(HUB_CONTROL_CONFIGURATION), toByteOffset: 32, as: UInt8.self)
        for index in 0..<32 {
            configuration.raw.storeBytes(of: UInt8(index * 8), toByteOffset: 40 + index, as: UInt8.self)
        }
        #expect(
            Fixture.text(configuration)
                == #"{"type":"control","seq":1,"time":1,"received":1,"source":"hub","what":"configuration","#
                + #""digest":"0008101820283038404850586068707880889098a0a8b0b8c0c8d0d8e0e8f0f8"}"#)
        let position = MadeRecord.make(HUB_CONTROL, seq: 2, stream: 5, time: 1, received: 1, lines: 1, hub_control())
        position.raw.storeBytes(of: UInt8(HUB_CONTROL_POSITION), toByteOffset: 32, as: UInt8.self)
        position.raw.storeBytes(of: UInt8(255), toByteOffset: 63, as: UInt8.self)
        #expect(
            Fixture.text(position)
                == #"{"type":"control","seq":2,"time":1,"received":1,"source":"upstox","what":"position","#
                + #""data":"0000000000000000000000000000000000000000000000ff"}"#)
        let clock = MadeRecord.make(HUB_CONTROL, seq: 3, stream: 0, time: 5, received: 5, lines: 1, hub_control())
        clock.raw.storeBytes(of: UInt8(HUB_CONTROL_CLOCK), toByteOffset: 32, as: UInt8.self)
        #expect(
            Fixture.text(clock)
                == #"{"type":"control","seq":3,"time":5,"received":5,"source":"hub","what":"clock"}"#)
    }

    @Test("a gap that opens, and its end under the same gap_id")
    func gaps() {
        var gap = hub_gap()
        gap.state = UInt8(HUB_GAP_OPEN)
        gap.reason = UInt8(HUB_GAP_SOURCE_DOWN)
        gap.repair = UInt8(HUB_REPAIR_PENDING)
        gap.types = UInt32(1 << HUB_TICK | 1 << HUB_BOOK)
        gap.from = 1_736_135_399_800_000_000
        let opened = MadeRecord.make(
            HUB_GAP, seq: 184603, stream: 5, time: 1_736_135_415_000_000, received: 1_736_135_415_000_000,
            texts: ["NSE:*"], after: 64, gap)
        #expect(
            Fixture.text(opened)
                == #"{"type":"gap","seq":184603,"time":1736135415000000,"received":1736135415000000,"source":"upstox","#
                + #""gap_id":"g-184603","state":"open","reason":"source_down","symbols":["NSE:*"],"#
                + #""types":["tick","book"],"from":1736135399800000,"to":null,"repair":"pending"}"#)
        gap.state = UInt8(HUB_GAP_CLOSED)
        gap.repair = UInt8(HUB_REPAIR_PARTIAL)
        gap.opened_by = 184_603
        gap.to = 1_736_135_415_900_000_000
        let closed = MadeRecord.make(
            HUB_GAP, seq: 185010, stream: 5, time: 1_736_135_520_000_000, received: 1_736_135_520_000_000,
            texts: ["NSE:*\nBSE:TCS"], after: 64, gap)
        #expect(
            Fixture.text(closed)
                == #"{"type":"gap","seq":185010,"time":1736135520000000,"received":1736135520000000,"source":"upstox","#
                + #""gap_id":"g-184603","state":"closed","reason":"source_down","symbols":["NSE:*","BSE:TCS"],"#
                + #""types":["tick","book"],"from":1736135399800000,"to":1736135415900000,"repair":"partial"}"#)
    }

    @Test("definitions of a stream and of a value")
    func defines() {
        let stream = StreamDefinition(
            id: 7, symbol: "ARCA:SPY", source: "tape", instrumentType: UInt8(HUB_TYPE_ETF), currency: "USD",
            calendar: "us-equities", tickSize: 0.01)
        let streamRecord = MadeRecord(lines: DefineRecord.lines(stream))
        DefineRecord.write(stream, to: streamRecord.raw)
        stamp(streamRecord, seq: 3)
        #expect(
            Fixture.text(streamRecord)
                == #"{"type":"define","seq":3,"symbol":"ARCA:SPY","time":1736135100000000,"received":1736135100000000,"#
                + #""source":"tape","what":"stream","stream":7,"instrument_type":"etf","currency":"USD","#
                + #""tick_size":0.01,"calendar":"us-equities"}"#)
        let value = ValueDefinition(
            id: 1, name: "macd(12,26,9)", interval: 60, outputs: ["macd", "signal", "histogram"])
        let valueRecord = MadeRecord(lines: DefineRecord.lines(value))
        DefineRecord.write(value, to: valueRecord.raw)
        stamp(valueRecord, seq: 4)
        #expect(
            Fixture.text(valueRecord)
                == #"{"type":"define","seq":4,"time":1736135100000000,"received":1736135100000000,"source":"hub","#
                + #""what":"value","definition":1,"name":"macd(12,26,9)","interval":"1m","#
                + #""outputs":["macd","signal","histogram"]}"#)
    }

    private func stamp(_ record: MadeRecord, seq: UInt64) {
        record.head.pointee.seq = seq
        record.head.pointee.ts_event = 1_736_135_100_000_000_000
        record.head.pointee.ts_recv = 1_736_135_100_000_000_000
    }
}

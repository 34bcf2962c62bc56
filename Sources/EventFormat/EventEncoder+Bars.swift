import PluginABI

/// Events that the hub computes: bar and value, also as views.
extension EventEncoder {
    func writeBar(
        _ pointer: RecordPointer, _ stream: FragmentCache.Stream, _ role: Role, _ out: UnsafeMutablePointer<UInt8>
    ) -> Int {
        var cursor = ByteCursor(at: out, style: timeStyle)
        let bar = pointer.asBar
        writeHead(pointer, stream, pointer.eventNanoseconds, &cursor, role)
        let seconds = bar.pointee.interval
        cursor.put(",\"interval\":\"")
        cursor.put(word: Interval.text(ofSeconds: seconds))
        cursor.put("\",\"end\":")
        cursor.put(time: Interval.end(ofBarOpening: pointer.eventNanoseconds, seconds: seconds))
        if seconds >= UInt32(HUB_INTERVAL_DAY) {
            cursor.put(",\"date\":\"")
            TimeText.writeDate(day: CivilDate.day(ofNanoseconds: pointer.eventNanoseconds), to: cursor.at)
            cursor.at += 10
            cursor.put(byte: UInt8(ascii: "\""))
        }
        cursor.put(",\"open\":")
        cursor.put(bar.pointee.open)
        cursor.put(",\"high\":")
        cursor.put(bar.pointee.high)
        cursor.put(",\"low\":")
        cursor.put(bar.pointee.low)
        cursor.put(",\"close\":")
        cursor.put(bar.pointee.close)
        cursor.put(",\"volume\":")
        cursor.put(bar.pointee.volume)
        cursor.put(",\"count\":")
        cursor.put(bar.pointee.count)
        cursor.put(",\"notional\":", ifGiven: bar.pointee.notional)
        cursor.put(
            ",\"vwap\":",
            ifGiven: BarText.volumeWeightedAverage(notional: bar.pointee.notional, volume: bar.pointee.volume))
        cursor.put(",\"open_interest\":", ifGiven: bar.pointee.open_interest)
        cursor.put(",\"state\":\"")
        cursor.put(word: role.isView ? "forming" : Words.barState(bar.pointee.state) ?? "closed")
        cursor.put("\",\"revision\":")
        cursor.put(UInt64(bar.pointee.revision))
        if let builtFrom = Words.builtFrom(bar.pointee.built_from) {
            cursor.put(",\"built_from\":\"")
            cursor.put(word: builtFrom)
            cursor.put(byte: UInt8(ascii: "\""))
        }
        // A view has no place in the journal, and neither have its ends.
        if bar.pointee.first_seq != 0 && !role.isView {
            cursor.put(",\"first_seq\":")
            cursor.put(bar.pointee.first_seq)
            cursor.put(",\"last_seq\":")
            cursor.put(bar.pointee.last_seq)
        }
        cursor.put(byte: UInt8(ascii: "}"))
        return cursor.at - out
    }

    func writeValue(
        _ pointer: RecordPointer, _ stream: FragmentCache.Stream, _ pieces: FragmentCache.Value, _ role: Role,
        _ out: UnsafeMutablePointer<UInt8>
    ) -> Int {
        var cursor = ByteCursor(at: out, style: timeStyle)
        let value = pointer.asValue
        let time = value.pointee.bar_time != 0 ? value.pointee.bar_time : pointer.eventNanoseconds
        writeHead(pointer, stream, time, &cursor, role)
        var piece = fragments.bytes + pieces.start
        cursor.put(piece, pieces.headLength)
        piece += pieces.headLength
        let isReady = Int(value.pointee.bits) & HUB_VALUE_READY != 0
        for index in 0..<min(Int(value.pointee.outputs), pieces.outputs) {
            let length = fragments.outputLengths[pieces.firstOutput + index]
            cursor.put(piece, length)
            piece += length
            cursor.put(isReady ? pointer.valueOutputs[index] : .nan)
        }
        cursor.put(
            role.isView
                ? "},\"state\":\"forming\",\"revision\":"
                : value.pointee.revision > 0
                    ? "},\"state\":\"revised\",\"revision\":" : "},\"state\":\"closed\",\"revision\":")
        cursor.put(UInt64(value.pointee.revision))
        cursor.put(isReady ? ",\"ready\":true" : ",\"ready\":false")
        let isStable = Int(value.pointee.bits) & HUB_VALUE_STABLE != 0
        cursor.put(isStable ? ",\"stable\":true" : ",\"stable\":false")
        if !role.isView {
            cursor.put(",\"cause\":")
            cursor.put(value.pointee.cause)
        }
        cursor.put(byte: UInt8(ascii: "}"))
        return cursor.at - out
    }
}

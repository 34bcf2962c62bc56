import PluginABI

/// Finds where `from: time` and `from: last` begin, in the store and the journal. Takes its time: not for an event loop.
struct StartFinder {
    let services: StreamServices
    let filter: SubscriptionFilter

    /// The position after which delivery begins.
    func find(_ goal: StartSearch.Goal) throws -> UInt64 {
        let head = services.log.head
        switch goal {
        case .firstAtOrAfter:
            var search = StartSearch(goal, head: head)
            try feed(&search, after: 0)
            return search.after
        case .newest(let count):
            // From ever further back, until there are enough: most answers are near the end.
            var span = UInt64(max(count * 4, 4096))
            while true {
                let after = head > span ? head - span : 0
                var search = StartSearch(goal, head: head)
                try feed(&search, after: after)
                if search.isComplete || after == 0 { return search.after }
                span *= 8
            }
        }
    }

    private func feed(_ search: inout StartSearch, after: UInt64) throws {
        let compiled = CompiledFilter(filter, definitions: services.definitions())
        let reader = services.log.reader(after: after)
        while true {
            switch reader.next(maxBytes: 1 << 20) {
            case .caughtUp: return
            case .hole(let after, let before):
                guard try feedHistory(&search, compiled, after: after, before: before) else { return }
            case .records(let chunk):
                guard feed(&search, compiled, chunk) else { return }
            }
        }
    }

    private func feedHistory(
        _ search: inout StartSearch, _ compiled: CompiledFilter, after: UInt64, before: UInt64
    ) throws -> Bool {
        var after = after
        while after + 1 < before {
            let chunk = try services.readHistory(after, before)
            let goesOn = chunk.records.withUnsafeBytes { feed(&search, compiled, $0) }
            guard goesOn else { return false }
            after = max(chunk.last, after + 1)
        }
        return true
    }

    /// Answers whether the search goes on.
    private func feed(_ search: inout StartSearch, _ compiled: CompiledFilter, _ chunk: UnsafeRawBufferPointer) -> Bool
    {
        guard let base = chunk.baseAddress else { return true }
        var offset = 0
        while offset < chunk.count {
            let record = (base + offset).assumingMemoryBound(to: hub_record.self)
            offset += Int(record.pointee.lines) * Int(HUB_LINE)
            if search.feed(record, matches: compiled) { return false }
        }
        return true
    }
}

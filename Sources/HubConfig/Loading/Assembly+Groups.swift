internal import HubModel

/// A named set of instruments.
struct Group {
    /// As written; empty for a file.
    var items: CheckedValue?
    var fromFile: [(pattern: SymbolPattern, span: SourceSpan)] = []
    var span: SourceSpan
    /// Something in it is wrong and was reported.
    var isBroken = false
}

/// An instrument or glob of a list, with the place that brought it in.
struct SelectedSymbol {
    var pattern: SymbolPattern
    var span: SourceSpan
}

extension Assembly {
    func group(_ entry: YAMLEntry) {
        let path = PathText.key("groups", entry.key)
        if let complaint = Names.complaint(entry.key) {
            problems.report(entry.keySpan, path, complaint)
            return
        }
        let before = problems.errorCount
        let value = checker.check(entry.value, CoreSchema.group, path, key: entry.keySpan)
        var group = Group(items: nil, span: entry.keySpan)
        if value.isMap {
            let keys: [String] =
                if case .map(let entries) = entry.value.content { entries.map(\.key) } else { [] }
            if keys.contains("file") {
                if problems.errorCount == before { group.fromFile = symbolsOfFile(value, path) }
            } else if problems.errorCount == before {
                problems.report(entry.keySpan, path, "needs 'file', or is a list of symbols")
            }
        } else {
            group.items = value
        }
        group.isBroken = problems.errorCount != before
        groups[entry.key] = group
    }

    /// Takes groups apart, used or not, so that what is wrong with them is reported once.
    func resolveGroups() {
        for name in groups.keys.sorted() { _ = resolve(name, trail: []) }
    }

    private static let deepestGroup = 32

    private func resolve(_ name: String, trail: [String]) -> [SymbolPattern] {
        if let known = resolvedGroups[name] { return known }
        guard let group = groups[name] else { return [] }
        let trail = trail + [name]
        var patterns: [SymbolPattern] = []
        for (index, item) in (group.items?.list ?? []).enumerated() {
            guard let inner = item.text?.withoutPrefix("group:") else {
                if let text = item.text, let pattern = try? SymbolPattern(text) { patterns.append(pattern) }
                continue
            }
            let path = PathText.index(PathText.key("groups", name), index)
            if trail.contains(inner) || trail.count >= Assembly.deepestGroup {
                let way = PathText.shortened((trail + [inner]).joined(separator: " → "), to: 100)
                let isCircle = trail.contains(inner)
                problems.report(
                    item.span, path,
                    isCircle
                        ? "the group '\(inner)' contains itself: \(way)"
                        : "groups are more than \(Assembly.deepestGroup) deep")
            } else if isKnownGroup(inner, item, path) {
                patterns += resolve(inner, trail: trail)
            }
        }
        var seen: Set<SymbolPattern> = []
        let all = (patterns + group.fromFile.map(\.pattern)).filter { seen.insert($0).inserted }
        resolvedGroups[name] = all
        return all
    }

    private func isKnownGroup(_ name: String, _ item: CheckedValue, _ path: String) -> Bool {
        if groups[name] != nil { return true }
        let known = Suggestion.sentence(name, among: groups.keys.sorted())
        problems.report(item.span, path, "there is no group '\(PathText.shortened(name))'\(known)")
        return false
    }

    // MARK: - Files

    private func symbolsOfFile(_ value: CheckedValue, _ path: String) -> [(
        pattern: SymbolPattern, span: SourceSpan
    )] {
        guard let file = value["file"], let absolute = file.text, let written = file.writtenPath else {
            return []
        }
        let bytes: [UInt8]
        do throws(FileError) { bytes = try FileBytes.read(absolute, atMost: 64 << 20) } catch {
            problems.report(
                file.span, PathText.key(path, "file"),
                "cannot read \(file.isShowable ? written : "it"): \(error.reason)")
            return []
        }
        let text = SourceText(
            name: file.isShowable ? written : "\(path).file", folder: FileBytes.folder(of: absolute),
            bytes: bytes)
        let isTable = value["column"] != nil || absolute.lowercased().hasSuffix(".csv")
        guard isTable else { return symbolsOfLines(text, value, path) }
        return symbolsOfTable(text, value, path, name: file.isShowable ? written : "the file")
    }

    private func symbolsOfLines(
        _ text: SourceText, _ value: CheckedValue, _ path: String
    ) -> [(pattern: SymbolPattern, span: SourceSpan)] {
        var result: [(pattern: SymbolPattern, span: SourceSpan)] = []
        var complaints = 0
        for line in 1...text.lineCount {
            let content = text.line(line).prefix { $0 != "#" }
            let start = content.prefix { $0 == " " || $0 == "\t" }.count
            let name = String(content.dropFirst(start)).trimmingBlanks
            if name.isEmpty { continue }
            let span = SourceSpan(text, line: line, column: start + 1, length: name.unicodeScalars.count)
            add(name, span, value, path, &complaints, to: &result)
        }
        return result
    }

    private func symbolsOfTable(
        _ text: SourceText, _ value: CheckedValue, _ path: String, name: String
    ) -> [(pattern: SymbolPattern, span: SourceSpan)] {
        var result: [(pattern: SymbolPattern, span: SourceSpan)] = []
        var complaints = 0
        let wanted = value["column"]?.text ?? "symbol"
        let place =
            value["column"].map { ($0.span, "column") } ?? value["file"].map { ($0.span, "file") }
        var first = 1
        while first <= text.lineCount, text.line(first).trimmingBlanks.isEmpty { first += 1 }
        let header = TableRow.cells(text.line(first))
        guard let column = header.firstIndex(where: { $0.text == wanted }) else {
            if let (span, key) = place {
                let names = header.map(\.text).filter { !$0.isEmpty }
                let cure = Suggestion.sentence(wanted, among: names)
                let shownNames = PathText.shortened(names.joined(separator: ", "), to: 100)
                problems.report(
                    span, PathText.key(path, key),
                    "\(name) has no column '\(PathText.shortened(wanted))'"
                        + (cure.isEmpty ? "; it has: \(shownNames)" : cure))
            }
            return []
        }
        for line in max(first + 1, 1)..<max(text.lineCount + 1, first + 2) {
            let cells = TableRow.cells(text.line(line))
            guard column < cells.count else { continue }
            let cell = cells[column]
            if cell.text.isEmpty { continue }
            let span = SourceSpan(text, line: line, column: cell.column, length: max(cell.length, 1))
            add(cell.text, span, value, path, &complaints, to: &result)
        }
        return result
    }

    private func add(
        _ name: String, _ span: SourceSpan, _ value: CheckedValue, _ path: String,
        _ complaints: inout Int,
        to result: inout [(pattern: SymbolPattern, span: SourceSpan)]
    ) {
        let prefix = value["prefix"]?.text ?? ""
        let whole = name.contains(":") ? name : prefix + name
        do throws(SymbolError) {
            result.append((SymbolPattern(try Symbol(whole)), span))
        } catch {
            complaints += 1
            // A file of something else altogether need not be listed line by line.
            guard complaints <= 20 else { return }
            let cure = error.fault == .noVenue ? "; put a venue before them with 'prefix: \"NSE:\"'" : ""
            problems.report(span, path, "\(error)\(cure)")
        }
    }

    // MARK: - Lists of symbols

    /// The symbols and globs of a list, groups taken apart, each with its place in the list.
    func symbols(_ value: CheckedValue?, _ path: String) -> [SelectedSymbol] {
        var result: [SelectedSymbol] = []
        for (index, item) in (value?.list ?? []).enumerated() {
            guard let text = item.text else { continue }
            if let name = text.withoutPrefix("group:") {
                guard isKnownGroup(name, item, PathText.index(path, index)) else { continue }
                result += (resolvedGroups[name] ?? []).map { SelectedSymbol(pattern: $0, span: item.span) }
            } else if let pattern = try? SymbolPattern(text) {
                result.append(SelectedSymbol(pattern: pattern, span: item.span))
            }
        }
        return result
    }
}

extension String {
    var trimmingBlanks: String {
        let rest = drop { $0 == " " || $0 == "\t" || $0 == "\r" }
        var text = rest
        while text.last == " " || text.last == "\t" || text.last == "\r" { text.removeLast() }
        return String(text)
    }
}

/// A line of a CSV file (RFC 4180, but for line breaks inside quotes).
enum TableRow {
    struct Cell {
        var text: String
        /// From 1, in scalars.
        var column: Int
        var length: Int
    }

    static func cells(_ line: String) -> [Cell] {
        let scalars = Array(line.unicodeScalars)
        var cells: [Cell] = []
        var at = 0
        while true {
            let start = at
            var text = String.UnicodeScalarView()
            if at < scalars.count, scalars[at] == "\"" {
                at += 1
                while at < scalars.count {
                    if scalars[at] == "\"" {
                        guard at + 1 < scalars.count, scalars[at + 1] == "\"" else { break }
                        at += 1
                    }
                    text.append(scalars[at])
                    at += 1
                }
                while at < scalars.count, scalars[at] != "," { at += 1 }
            } else {
                while at < scalars.count, scalars[at] != "," {
                    text.append(scalars[at])
                    at += 1
                }
            }
            cells.append(Cell(text: String(text).trimmingBlanks, column: start + 1, length: at - start))
            guard at < scalars.count else { return cells }
            at += 1
        }
    }
}

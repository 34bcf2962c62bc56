internal import EventFormat
internal import HubModel

extension Assembly {
    /// Complaints about one file that are listed; a file of something else altogether need not be gone through line by line.
    private static let mostComplaints = 20

    func calendars(_ value: CheckedValue?) -> [CalendarConfiguration] {
        (value?.entries ?? []).map { entry in
            CalendarConfiguration(
                venue: entry.key, like: entry.value["like"]?.text,
                days: days(entry.value["file"], PathText.key(PathText.key("calendars", entry.key), "file")))
        }
    }

    /// The days of a CSV file `date,name,open,close`.
    private func days(_ file: CheckedValue?, _ path: String) -> [CalendarDay] {
        guard let file, let absolute = file.text, let written = file.writtenPath else { return [] }
        let name = file.isShowable ? written : path
        let bytes: [UInt8]
        do throws(FileError) { bytes = try FileBytes.read(absolute, atMost: 1 << 20) } catch {
            problems.report(
                file.span, path, "cannot read \(file.isShowable ? written : "it"): \(error.reason)")
            return []
        }
        let text = SourceText(name: name, folder: FileBytes.folder(of: absolute), bytes: bytes)
        var days: [CalendarDay] = []
        var lines: [Int: Int] = [:]
        var complaints = 0
        var hasHeader = false
        for line in 1..<(text.lineCount + 1) {
            let content = text.line(line).trimmingBlanks
            if content.isEmpty || content.hasPrefix("#") { continue }
            let cells = TableRow.cells(text.line(line))
            func complain(_ cell: TableRow.Cell?, _ message: String) {
                complaints += 1
                guard complaints <= Assembly.mostComplaints else { return }
                let column = cell?.column ?? 1
                let length = cell?.length ?? content.unicodeScalars.count
                problems.report(SourceSpan(text, line: line, column: column, length: max(length, 1)), path, message)
            }
            if !hasHeader {
                hasHeader = true
                if cells.map(\.text) == ["date", "name", "open", "close"] { continue }
                complain(nil, "the first line must be 'date,name,open,close'")
                if CivilDate(cells[0].text) == nil { return [] }
            }
            guard let day = day(cells, complain) else { continue }
            if let before = lines[day.number] {
                complain(cells[0], "\(cells[0].text) is on line \(before) already; a date may be there once")
                continue
            }
            lines[day.number] = line
            days.append(day)
        }
        return days.sorted { $0.number < $1.number }
    }

    private func day(
        _ cells: [TableRow.Cell], _ complain: (TableRow.Cell?, String) -> Void
    ) -> CalendarDay? {
        guard cells.count == 4 else {
            complain(nil, "expected four fields 'date,name,open,close', found \(cells.count)")
            return nil
        }
        guard let date = CivilDate(cells[0].text) else {
            complain(cells[0], "expected a date such as 2025-12-25, found '\(PathText.shortened(cells[0].text))'")
            return nil
        }
        let number = Int(date.dayNumber)
        let name = cells[1].text
        if cells[2].text.isEmpty, cells[3].text.isEmpty { return CalendarDay(number: number, name: name, open: nil) }
        var times: [Int] = []
        for cell in cells[2...] {
            guard let time = CalendarDay.seconds(ofClock: cell.text) else {
                complain(
                    cell,
                    cell.text.isEmpty
                        ? "a time is missing: give both, or none for a date that is closed"
                        : "expected a time of the venue such as 09:30, found '\(PathText.shortened(cell.text))'")
                return nil
            }
            times.append(time)
        }
        guard times[0] < times[1] else {
            complain(cells[3], "the session would end at \(cells[3].text), before it begins at \(cells[2].text)")
            return nil
        }
        return CalendarDay(number: number, name: name, open: times[0]..<times[1])
    }
}

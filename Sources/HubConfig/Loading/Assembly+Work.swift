internal import EventFormat
internal import HubModel

/// Fetching history, and work at set times.
extension Assembly {
    // MARK: - pipelines.*.backfill

    func backfill(_ value: CheckedValue?, _ path: String, of pipeline: PipelineConfiguration) -> BackfillSettings {
        var settings = BackfillSettings()
        let path = PathText.key(path, "backfill")
        let isReal = { (name: String) in
            self.providers.first { $0.name == name }?.plugin.traits.contains(.simulated) == false
        }
        settings.providers = pipeline.sources.map(\.provider).filter(isReal)
        guard let value, value.isMap else { return settings }
        settings.healsGaps = value["gaps"]?.bool ?? true
        if let from = value["from"], !from.isUnknown {
            settings.providers = used(from, .provider, PathText.key(path, "from")) { component, item, path in
                guard component.isPresent, let name = item.text, !isReal(name) else { return }
                self.problems.report(
                    item.span, path,
                    "\(item.shown) is simulated: what it makes up cannot stand for what was missed; take it out of the list"
                )
            }
            .filter(isReal)
        }
        history(value["history"], PathText.key(path, "history"), &settings)
        return settings
    }

    private func history(_ value: CheckedValue?, _ path: String, _ settings: inout BackfillSettings) {
        for entry in value?.entries ?? [] {
            guard let interval = Interval(entry.key), let distance = entry.value.integer else { continue }
            guard distance < .max else {
                problems.report(
                    entry.value.span, PathText.key(path, entry.key), "expected a distance back such as 30d or 5y")
                continue
            }
            settings.history.append(.init(interval: interval, nanoseconds: distance))
        }
        settings.history.sort { $0.interval < $1.interval }
        guard let value, !settings.history.isEmpty, !settings.providers.isEmpty else { return }
        let offers = settings.providers.contains { name in
            providers.first { $0.name == name }?.plugin.queries.contains("bars") == true
        }
        if !offers {
            let names = settings.providers.map { "'\($0)'" }.joined(separator: ", ")
            problems.report(
                value.span, path,
                "nobody can be asked for it: \(names) \(settings.providers.count == 1 ? "has" : "have") no history to "
                    + "give; name a provider that has in 'from'", .warning)
        }
    }

    // MARK: - schedules

    /// - Parameter all: names of all pipelines of the file, also of those that are disabled.
    func schedules(
        _ value: CheckedValue?, _ pipelines: [PipelineConfiguration], all: [String]
    ) -> [ScheduleConfiguration] {
        (value?.entries ?? []).compactMap { schedule($0, pipelines, all) }
    }

    private func schedule(
        _ entry: CheckedEntry, _ pipelines: [PipelineConfiguration], _ all: [String]
    ) -> ScheduleConfiguration? {
        let path = PathText.key("schedules", entry.key)
        let value = entry.value
        guard value.isMap else { return nil }
        let job = value["do"]?.text.flatMap(ScheduleConfiguration.Job.init)
        let trigger = trigger(entry, path)
        // What else is wrong is told too, whatever stands in for what is missing.
        var schedule = ScheduleConfiguration(
            name: entry.key, job: job ?? .warm, trigger: trigger ?? .at(secondsOfDay: 0))
        schedule.venue = value["venue"]?.text
        schedule.days = value["days"]?.text.flatMap(ScheduleConfiguration.Days.init) ?? .daily
        schedule.when = value["when"]?.text.flatMap(ScheduleConfiguration.When.init) ?? .always
        if schedule.venue == nil {
            let needy = [("days", schedule.days == .trading), ("when", schedule.when == .open)].filter { $0.1 }
            for (key, _) in needy {
                problems.report(
                    value[key]?.span ?? entry.keySpan, PathText.key(path, key),
                    "'\(value[key]?.text ?? "")' needs a 'venue' whose calendar counts, such as NSE")
            }
        }
        if let zone = value["zone"], let name = zone.text {
            if ZoneClock(name) == nil {
                problems.report(
                    zone.span, PathText.key(path, "zone"),
                    "there is no time zone \(zone.shown); expected a name such as Asia/Kolkata, America/New_York or UTC"
                )
            }
            schedule.zone = name
        } else if let venue = schedule.venue {
            schedule.zone = TradingCalendar.forVenue(venue, overrides: calendarNames).zone
        }
        with(value["with"], PathText.key(path, "with"), &schedule, pipelines, all)
        return job == nil || trigger == nil ? nil : schedule
    }

    private func trigger(_ entry: CheckedEntry, _ path: String) -> ScheduleConfiguration.Trigger? {
        let at = entry.value.entry("at")
        let every = entry.value.entry("every")
        if let at, let every {
            problems.report(
                every.keySpan, PathText.key(path, "every"), "has both 'at' and 'every'; take one of them away",
                related: [(at.keySpan, "the other is here")])
            return nil
        }
        if let every {
            guard let distance = every.value.integer else { return nil }
            guard distance < .max else {
                problems.report(every.value.span, PathText.key(path, "every"), "expected a duration such as 10s or 1h")
                return nil
            }
            return .every(nanoseconds: distance)
        }
        guard let at else {
            problems.report(entry.keySpan, path, "needs 'at' (a time of day) or 'every' (a duration)")
            return nil
        }
        let parts = (at.value.text ?? "").split(separator: ":").compactMap { Int($0) }
        return parts.count == 2 ? .at(secondsOfDay: parts[0] * 3600 + parts[1] * 60) : nil
    }

    private func with(
        _ value: CheckedValue?, _ path: String, _ schedule: inout ScheduleConfiguration,
        _ pipelines: [PipelineConfiguration], _ all: [String]
    ) {
        guard let value, value.isMap else { return }
        if let name = value["pipeline"], let text = name.text {
            schedule.pipeline = text
            if !all.contains(text) {
                let cure = Suggestion.sentence(text, among: all)
                problems.report(name.span, PathText.key(path, "pipeline"), "there is no pipeline \(name.shown)\(cure)")
            } else if !pipelines.contains(where: { $0.name == text }) {
                problems.report(
                    name.span, PathText.key(path, "pipeline"),
                    "\(name.shown) is disabled, so '\(schedule.name)' does nothing", .warning)
            }
        }
        if let list = value["symbols"] {
            schedule.symbols = symbols(list, PathText.key(path, "symbols")).map(\.pattern)
        }
        schedule.intervals = (value["intervals"]?.list ?? []).compactMap { item in
            item.amount.flatMap { UInt32(exactly: $0) }.flatMap(Interval.init(rawValue:))
        }
        schedule.kinds = (value["kinds"]?.list ?? []).compactMap { $0.text.flatMap(ScheduleConfiguration.Kind.init) }
    }
}

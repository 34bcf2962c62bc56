import HubRuntime

/// What the hub does by itself.
extension MetricsText {
    mutating func writeHealing(_ figures: GapHealer.Figures) {
        family("hub_gaps_healed_total", "counter", "Gaps whose bars were all fetched.")
        sample("hub_gaps_healed_total", [], Double(figures.healed))
        family("hub_gaps_left_total", "counter", "Gaps of which some bars could not be fetched.")
        sample("hub_gaps_left_total", [], Double(figures.left))
        family("hub_gaps_waiting", "gauge", "Gaps that wait for their bars.")
        sample("hub_gaps_waiting", [], Double(figures.waiting))
        family("hub_gap_bars_total", "counter", "Bars that were fetched for gaps and journaled.")
        sample("hub_gap_bars_total", [], Double(figures.bars))
        family("hub_gap_failures_total", "counter", "Calls for bars of gaps that failed.")
        sample("hub_gap_failures_total", [], Double(figures.failures))
    }

    mutating func writeSchedules(_ schedules: [ScheduleDesk.Figures]) {
        guard !schedules.isEmpty else { return }
        family("hub_schedule_next_time_seconds", "gauge", "When a schedule is due next; 0 = never.")
        for one in schedules {
            sample(
                "hub_schedule_next_time_seconds", [("schedule", one.name)],
                Double((one.nextNanoseconds ?? 0) / 1_000_000) / 1000)
        }
        family("hub_schedule_last_time_seconds", "gauge", "When a schedule was due last; 0 = never.")
        for one in schedules {
            sample(
                "hub_schedule_last_time_seconds", [("schedule", one.name)],
                Double((one.lastNanoseconds ?? 0) / 1_000_000) / 1000)
        }
        family("hub_schedule_runs_total", "counter", "Runs of a schedule that ended.")
        for one in schedules { sample("hub_schedule_runs_total", [("schedule", one.name)], Double(one.runs)) }
        family("hub_schedule_failures_total", "counter", "Runs of a schedule of which something failed.")
        for one in schedules { sample("hub_schedule_failures_total", [("schedule", one.name)], Double(one.failures)) }
        family("hub_schedule_skipped_total", "counter", "Runs passed over since the one before still went on.")
        for one in schedules { sample("hub_schedule_skipped_total", [("schedule", one.name)], Double(one.skipped)) }
    }
}

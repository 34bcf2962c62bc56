/// The data files of the bundled calendars, in the form `CalendarRules` reads; embedded so that the hub is one file.
enum CalendarData {
    /// Never closed; anchored at midnight UTC.
    static let always = """
        zone,UTC
        anchor,00:00
        session,open,00:00,24:00
        days,daily
        """
}

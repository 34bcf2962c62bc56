"""When the venues of the fake TwelveData and Finnhub servers trade."""

import dataclasses
import datetime as dt
import functools
import zoneinfo

DAY = dt.timedelta(days=1)


@dataclasses.dataclass(frozen=True)
class Venue:
    name: str
    mic: str
    title: str
    country: str
    timezone: str
    opens: dt.time
    closes: dt.time
    pre: dt.time | None = None
    post: dt.time | None = None
    finnhub: str = ""

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.timezone)


def _at(text: str) -> dt.time:
    return dt.time.fromisoformat(text)


_NEW_YORK = dict(
    country="United States",
    timezone="America/New_York",
    opens=_at("09:30"),
    closes=_at("16:00"),
    pre=_at("04:00"),
    post=_at("20:00"),
    finnhub="US",
)
VENUES = (
    Venue("NASDAQ", "XNGS", "NASDAQ/NGS (Global Select Market)", **_NEW_YORK),
    Venue("NASDAQ", "XNMS", "NASDAQ/NMS (Global Market)", **_NEW_YORK),
    Venue("NYSE", "XNYS", "New York Stock Exchange", **_NEW_YORK),
    Venue("NYSE", "ARCX", "NYSE Arca", **_NEW_YORK),
    Venue(
        "LSE",
        "XLON",
        "London Stock Exchange",
        "United Kingdom",
        "Europe/London",
        _at("08:00"),
        _at("16:30"),
        finnhub="L",
    ),
    Venue(
        "TSX", "XTSE", "Toronto Stock Exchange", "Canada", "America/Toronto", _at("09:30"), _at("16:00"), finnhub="TO"
    ),
    Venue(
        "NSE",
        "XNSE",
        "National Stock Exchange of India",
        "India",
        "Asia/Kolkata",
        _at("09:15"),
        _at("15:30"),
        finnhub="NS",
    ),
    Venue(
        "SIX", "XSWX", "SIX Swiss Exchange", "Switzerland", "Europe/Zurich", _at("09:00"), _at("17:30"), finnhub="SW"
    ),
)
BY_MIC = {venue.mic: venue for venue in VENUES}
BY_FINNHUB = {venue.finnhub: venue for venue in reversed(VENUES)}


def _nth(year: int, month: int, weekday: int, n: int) -> dt.date:
    first = dt.date(year, month, 1)
    return first + dt.timedelta(days=(weekday - first.weekday()) % 7 + 7 * (n - 1))


def _easter(year: int) -> dt.date:
    """The Gregorian rule."""
    a, century, rest = year % 19, year // 100, year % 100
    epact = (19 * a + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (rest // 4) - epact - rest % 4) % 7
    shift = (a + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * shift + 114, 31)
    return dt.date(year, month, day + 1)


@functools.lru_cache
def us_holidays(year: int) -> dict[dt.date, tuple[str, str]]:
    """Date → name and shortened hours (empty: closed all day)."""

    def observed(month: int, day: int) -> dt.date:
        date = dt.date(year, month, day)
        return date - DAY if date.weekday() == 5 else date + DAY if date.weekday() == 6 else date

    last_monday_of_may = max(dt.date(year, 5, day) for day in range(25, 32) if dt.date(year, 5, day).weekday() == 0)
    thanksgiving = _nth(year, 11, 3, 4)
    days = {
        _nth(year, 1, 0, 3): "Birthday of Martin Luther King, Jr",
        _nth(year, 2, 0, 3): "Washington's Birthday",
        _easter(year) - 2 * DAY: "Good Friday",
        last_monday_of_may: "Memorial Day",
        observed(6, 19): "Juneteenth",
        observed(7, 4): "Independence Day",
        _nth(year, 9, 0, 1): "Labor Day",
        thanksgiving: "Thanksgiving Day",
        observed(12, 25): "Christmas",
    }
    if dt.date(year, 1, 1).weekday() != 5:
        days[observed(1, 1)] = "New Year's Day"
    holidays = {date: (name, "") for date, name in days.items()}
    for date, name in (
        (thanksgiving + DAY, "Thanksgiving Day"),
        (dt.date(year, 12, 24), "Christmas"),
        (dt.date(year, 7, 3), "Independence Day"),
    ):
        if date.weekday() < 5 and date not in holidays:
            holidays[date] = (name, "09:30-13:00")
    return dict(sorted(holidays.items()))


def hours(venue: Venue, date: dt.date) -> tuple[dt.datetime, dt.datetime] | None:
    """The regular session of that local day, or nothing on a closed day."""
    if date.weekday() >= 5:
        return None
    closes = venue.closes
    if venue.finnhub == "US":
        holiday = us_holidays(date.year).get(date)
        if holiday:
            if not holiday[1]:
                return None
            closes = _at(holiday[1].split("-")[1])
    return (dt.datetime.combine(date, venue.opens, venue.zone), dt.datetime.combine(date, closes, venue.zone))


def phase(venue: Venue, now: float) -> str | None:
    """`pre-market`, `regular`, `post-market`, or nothing when closed."""
    local = dt.datetime.fromtimestamp(now, venue.zone)
    session = hours(venue, local.date())
    if session is None:
        return None
    if session[0] <= local < session[1]:
        return "regular"
    if venue.pre and venue.pre <= local.time() < venue.opens:
        return "pre-market"
    if venue.post and session[1] <= local and local.time() < venue.post:
        return "post-market"
    return None


def next_open(venue: Venue, now: float) -> dt.datetime:
    local = dt.datetime.fromtimestamp(now, venue.zone)
    date = local.date()
    while True:
        session = hours(venue, date)
        if session and session[0] > local:
            return session[0]
        date += DAY

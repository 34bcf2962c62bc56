"""TwelveData's time series: ranges, zones and bars as `/time_series` gives them."""

import bisect
import datetime as dt
import zoneinfo

from fakemarket import Market
from us_instruments import CURRENCY_NAMES, Listing
from us_sessions import BY_MIC, phase, us_holidays

INTERVALS = {
    "1min": 1,
    "5min": 5,
    "15min": 15,
    "30min": 30,
    "45min": 45,
    "1h": 60,
    "2h": 120,
    "4h": 240,
    "8h": 480,
    "1day": 0,
    "1week": 0,
    "1month": 0,
}
MAX_BARS = 5000
DAY_S = 86400


class Refusal(Exception):
    """An error of the vendor's: its code, which need not be the HTTP status, and its text."""

    def __init__(self, code: int, message: str, meta: dict | None = None):
        super().__init__(message)
        self.code, self.message, self.meta = code, message, meta

    def body(self) -> dict:
        return {"code": self.code, "message": self.message, "status": "error"} | (
            {"meta": self.meta} if self.meta else {}
        )


def missing(name: str) -> Refusal:
    return Refusal(400, f"**{name}** parameter is missing. Add it to the query, see https://twelvedata.com/docs")


def decimal(value: float, places: int = 5) -> str:
    return f"{value:.{places}f}"


class Series:
    """Needs `self.market`, as `Replies` sets it."""

    market: Market

    @staticmethod
    def zone(listing: Listing) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(listing.timezone)

    def local(self, listing: Listing, second: float) -> dt.datetime:
        return dt.datetime.fromtimestamp(second, self.zone(listing))

    def is_open(self, listing: Listing, now: float) -> bool:
        if listing.mic in BY_MIC:
            return phase(BY_MIC[listing.mic], now) == "regular"
        return self.market.instruments[listing.key].session.is_open(now)

    def _holiday(self, listing: Listing, second: float) -> bool:
        date = self.local(listing, second).date()
        return listing.country == "United States" and us_holidays(date.year).get(date, ("", "x"))[1] == ""

    def days(self, listing: Listing, start: float, end: float) -> list[list]:
        return [
            bar
            for bar in self.market.days(self.market.instruments[listing.key], start, end)
            if not self._holiday(listing, bar[0])
        ]

    def time_series(self, query: dict, listing: Listing) -> dict:
        interval = query.get("interval", "")
        if interval not in INTERVALS:
            raise Refusal(
                400, f"Invalid **interval** provided: {interval}. Supported intervals: {', '.join(INTERVALS)}"
            )
        size = self._outputsize(query)
        daily = not INTERVALS[interval]
        zone = self._zone_asked(query, listing, daily)
        start, end = self._range(query, zone)
        bars = self._bars(listing, interval, start, end, size)
        if not bars:
            raise Refusal(
                400,
                "No data is available on the specified dates. Try setting different start/end dates.",
                {"symbol": listing.td_symbol, "interval": interval},
            )
        if query.get("order", "desc").lower() != "asc":
            bars.reverse()
        places = int(query.get("dp", 5))
        places = 5 if places < 0 else places
        pattern = "%Y-%m-%d" if daily else "%Y-%m-%d %H:%M:%S"
        values = []
        for second, opened, high, low, close, size_ in bars:
            row = {
                "datetime": dt.datetime.fromtimestamp(second, zone).strftime(pattern),
                "open": decimal(opened, places),
                "high": decimal(high, places),
                "low": decimal(low, places),
                "close": decimal(close, places),
            }
            if not listing.is_pair:
                row["volume"] = str(size_)
            values.append(row)
        if query.get("previous_close", "").lower() == "true":
            closes = [bar[4] for bar in bars]
            newest_first = query.get("order", "desc").lower() != "asc"
            for i, row in enumerate(values):
                before = i + 1 if newest_first else i - 1
                row["previous_close"] = decimal(closes[before], places) if 0 <= before < len(closes) else row["open"]
        return {"meta": self.meta(listing, interval), "values": values, "status": "ok"}

    def meta(self, listing: Listing, interval: str) -> dict:
        meta = {"symbol": listing.td_symbol, "interval": interval}
        if listing.is_pair:
            meta |= {"currency_base": CURRENCY_NAMES[listing.base], "currency_quote": CURRENCY_NAMES[listing.currency]}
            if listing.kind == "crypto":
                meta["exchange"] = listing.venue
        else:
            meta |= {
                "currency": listing.currency,
                "exchange_timezone": listing.timezone,
                "exchange": listing.venue,
                "mic_code": listing.mic,
            }
        return meta | {"type": listing.td_type}

    @staticmethod
    def _outputsize(query: dict) -> int:
        text = query.get("outputsize", "")
        size = int(text) if text.isdigit() else 0
        if text and not 1 <= size <= MAX_BARS:
            raise Refusal(400, f"Invalid **outputsize** provided: {text}. It is a number from 1 to {MAX_BARS}.")
        return size or (MAX_BARS if any(query.get(name) for name in ("start_date", "end_date", "date")) else 30)

    @staticmethod
    def _zone_asked(query: dict, listing: Listing, daily: bool) -> zoneinfo.ZoneInfo:
        asked = query.get("timezone", "Exchange")
        if daily or asked.lower() == "exchange":
            return zoneinfo.ZoneInfo(listing.timezone)
        try:
            return zoneinfo.ZoneInfo(asked)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError):
            raise Refusal(
                400, f"Invalid **timezone** provided: {asked}. It is Exchange, UTC or a name of the IANA database."
            ) from None

    def _range(self, query: dict, zone: zoneinfo.ZoneInfo) -> tuple[float, float]:
        """First and last start of a bar. A plain end date is not part of the answer, a time of day is."""
        now = self.market.clock.now()
        if query.get("date"):
            text = query["date"].lower()
            today = dt.datetime.fromtimestamp(now, zone).date()
            date = {"today": today, "yesterday": today - dt.timedelta(days=1)}.get(text) or self._date(
                text, "date", zone
            ).date()
            first = dt.datetime.combine(date, dt.time(), zone)
            return first.timestamp(), (first + dt.timedelta(days=1)).timestamp() - 1
        start = (
            self._date(query["start_date"], "start_date", zone).timestamp()
            if query.get("start_date")
            else float("-inf")
        )
        end = now
        if query.get("end_date"):
            end = self._date(query["end_date"], "end_date", zone).timestamp() - (
                1 if len(query["end_date"]) == 10 else 0
            )
        return start, min(end, now)

    @staticmethod
    def _date(text: str, name: str, zone: zoneinfo.ZoneInfo) -> dt.datetime:
        try:
            return dt.datetime.fromisoformat(text.replace("T", " ")).replace(tzinfo=zone)
        except ValueError:
            raise Refusal(
                400, f"Invalid **{name}** provided: {text}. Use the format 2006-01-02 or 2006-01-02 15:04:05."
            ) from None

    def earliest(self, listing: Listing, daily: bool) -> float:
        """History begins at a new year: four years back for days, one for shorter bars."""
        year = self.local(listing, self.market.clock.now()).year
        return dt.datetime(year - (4 if daily else 1), 1, 2, tzinfo=self.zone(listing)).timestamp()

    def _bars(self, listing: Listing, interval: str, start: float, end: float, size: int) -> list[list]:
        minutes = INTERVALS[interval]
        if not minutes:
            return self._long_bars(listing, interval, start, end, size)
        session = self.market.instruments[listing.key].session
        per_day = -(-(session.close - session.open) // minutes)
        span = (size // per_day + 1) * (7 / len(session.weekdays)) + 12
        # Only the newest `size` bars come back, so the older part of a wide range need not be drawn.
        first = max(start, self.earliest(listing, False), end - span * DAY_S)
        bars = [
            bar
            for bar in self.market.candles(listing.key, first, end, minutes)
            if not self._holiday(listing, bar[0]) or bar[0] // 60 in self.market.minutes.get(listing.key, {})
        ]
        return bars[-size:]

    def _long_bars(self, listing: Listing, interval: str, start: float, end: float, size: int) -> list[list]:
        length = {"1day": 1, "1week": 7, "1month": 31}[interval]
        first = max(start, self.earliest(listing, True), end - (size * length * 1.5 + 40) * DAY_S)
        bars: list[list] = []
        for bar in self.days(listing, first - 31 * DAY_S, end):
            date = self.local(listing, bar[0])
            if interval == "1week":
                date -= dt.timedelta(days=date.weekday())
            elif interval == "1month":
                date = date.replace(day=1)
            stamp = date.timestamp()
            if bars and bars[-1][0] == stamp:
                into = bars[-1]
                into[2], into[3], into[4], into[5] = (
                    max(into[2], bar[2]),
                    min(into[3], bar[3]),
                    bar[4],
                    into[5] + bar[5],
                )
            else:
                bars.append([stamp, *bar[1:]])
        return bars[bisect.bisect_left(bars, start, key=lambda bar: bar[0]) :][-size:]

    def earliest_timestamp(self, query: dict, listing: Listing) -> dict:
        interval = query.get("interval", "")
        if interval not in INTERVALS:
            raise missing("interval")
        daily = not INTERVALS[interval]
        found = self.local(listing, self.earliest(listing, daily))
        return {
            "datetime": found.strftime("%Y-%m-%d" if daily else "%Y-%m-%d %H:%M:%S"),
            "unix_time": int(found.timestamp()),
        }

"""What TwelveData's REST calls answer: the vendor's shapes around the fake market. No HTTP here."""

import datetime as dt

from fakemarket import Market
from twelvedata_series import DAY_S, Refusal, Series, decimal, missing
from us_instruments import CURRENCY_NAMES, WITHOUT_ADD_ON, Listing
from us_sessions import VENUES, hours, next_open, phase

PLANS = ("basic", "grow", "pro", "ultra")
#: Calls that need more than the smallest plan.
CALL_PLANS = {
    "profile": "grow",
    "logo": "grow",
    "press_releases": "grow",
    "exchange_schedule": "pro",
    "statistics": "pro",
}
MAX_SYMBOLS = 120


class Replies(Series):
    def __init__(self, market: Market, listings: list[Listing], settings: dict):
        self.market, self.settings = market, settings
        self.listings = [listing for listing in listings if listing.td_symbol]

    # Finding

    def find(
        self, text: str, exchange: str = "", mic_code: str = "", country: str = "", type: str = ""
    ) -> Listing | None:
        """`AAPL`, `VOD:LSE`, `EUR/USD`; without a venue the first listing, which is the United States' own."""
        symbol, _, venue = text.strip().upper().partition(":")
        venue = venue or exchange
        for listing in self.listings:
            if (
                listing.td_symbol == symbol
                and (not venue or venue.upper() in (listing.venue.upper(), listing.mic))
                and (
                    not mic_code
                    or mic_code.upper() == listing.mic
                    or mic_code.upper() == "XNAS"
                    and listing.venue == "NASDAQ"
                )
                and (not country or country.lower() == listing.country.lower())
                and (not type or type.lower() in (listing.td_type.lower(), listing.kind))
            ):
                return listing
        return None

    def wanted(self, query: dict, symbol: str | None = None, batch: bool = False) -> Listing:
        """The instrument a query is about, or the refusal that the vendor gives."""
        if symbol is None:
            symbol = query.get("symbol", "")
        listing = None
        if symbol:
            listing = self.find(symbol, *(query.get(name, "") for name in ("exchange", "mic_code", "country", "type")))
        elif query.get("isin") or query.get("figi"):
            listing = next(
                (l for l in self.listings if query.get("isin") == l.isin or query.get("figi") == l.figi), None
            )
        if listing is None:
            if batch or self.settings["unknown_symbol"] == 400:
                raise Refusal(
                    400,
                    f"**symbol** not found: {symbol}. Please specify it correctly according to API Documentation.",
                    {"symbol": symbol, "interval": query["interval"]} if "interval" in query else None,
                )
            raise Refusal(
                404,
                "**symbol** or **figi** parameter is missing or invalid. Please provide a valid symbol "
                "according to API documentation: https://twelvedata.com/docs#reference-data",
            )
        if PLANS.index(self.settings["plan"]) < PLANS.index(listing.td_plan):
            raise Refusal(
                403,
                f"This symbol is available starting with the {listing.td_plan.capitalize()} plan. "
                "Consider upgrading now at https://twelvedata.com/pricing",
            )
        return listing

    # Prices

    def price(self, query: dict, listing: Listing) -> dict:
        return {"price": decimal(self.market.state(listing.key).last, int(query.get("dp", 5)))}

    def quote(self, query: dict, listing: Listing) -> dict:
        state, now = self.market.state(listing.key), self.market.clock.now()
        open_now = self.is_open(listing, now)
        zone = self.zone(listing)
        local = dt.datetime.fromtimestamp(state.time or now, zone)
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        low, high = round(listing.price * 0.78, 5), round(listing.price * 1.19, 5)
        body = {"symbol": listing.td_symbol, "name": listing.name}
        if listing.venue:
            body["exchange"] = listing.venue
        if listing.mic:
            body["mic_code"] = listing.mic
        if not listing.is_pair:
            body["currency"] = listing.currency
        body |= {
            "datetime": local.strftime("%Y-%m-%d"),
            "timestamp": int(midnight.timestamp()),
            "last_quote_at": int(state.time or now),
            "open": decimal(state.open),
            "high": decimal(state.high),
            "low": decimal(state.low),
            "close": decimal(state.last),
        }
        if not listing.is_pair:
            body["volume"] = str(state.volume)
        body |= {
            "previous_close": decimal(state.close),
            "change": decimal(state.last - state.close),
            "percent_change": decimal((state.last / state.close - 1) * 100 if state.close else 0.0),
        }
        if not listing.is_pair:
            body["average_volume"] = str(state.volume + 1_000_000)
        if listing.kind == "crypto":
            body |= {"rolling_1d_change": "0.12345", "rolling_7d_change": "-1.50000", "rolling_change": "0.12345"}
        body |= {
            "is_market_open": open_now,
            "fifty_two_week": {
                "low": decimal(low),
                "high": decimal(high),
                "low_change": decimal(state.last - low),
                "high_change": decimal(state.last - high),
                "low_change_percent": decimal((state.last / low - 1) * 100),
                "high_change_percent": decimal((state.last / high - 1) * 100),
                "range": f"{low:.6f} - {high:.6f}",
            },
        }
        if query.get("prepost", "").lower() == "true" and listing.country == "United States":
            body |= {
                "extended_change": "0.09000",
                "extended_percent_change": decimal(9 / state.last),
                "extended_price": decimal(state.last + 0.09),
                "extended_timestamp": int(state.time or now),
            }
        if self.settings["odd_values"]:
            # Every way in which the vendor was seen to say that it has no number, and a number that is one.
            body |= {"volume": None, "average_volume": "", "open": "NaN", "percent_change": 1.25}
            del body["low"]
        return body

    def exchange_rate(self, query: dict, listing: Listing) -> dict:
        if not listing.is_pair:
            raise Refusal(400, f"**symbol** {listing.td_symbol} is not a currency pair. A pair looks like EUR/USD.")
        state = self.market.state(listing.key)
        return {"symbol": listing.td_symbol, "rate": state.last, "timestamp": int(state.time)}

    def eod(self, query: dict, listing: Listing) -> dict:
        now = self.market.clock.now()
        day = self.days(listing, now - 14 * DAY_S, now)[-1]
        return {
            "symbol": listing.td_symbol,
            "exchange": listing.venue,
            "mic_code": listing.mic,
            "currency": listing.currency,
            "datetime": self.local(listing, day[0]).strftime("%Y-%m-%d"),
            "close": decimal(day[4]),
        }

    # Markets

    def market_state(self, query: dict) -> list[dict]:
        now = self.market.clock.now()

        def clock(seconds: float) -> str:
            seconds = int(max(0, seconds))
            return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"

        rows = []
        for venue in VENUES:
            if (
                (query.get("exchange") and query["exchange"].upper() != venue.name)
                or (query.get("code") and query["code"].upper() != venue.mic)
                or (query.get("country") and query["country"].lower() != venue.country.lower())
            ):
                continue
            session = hours(venue, dt.datetime.fromtimestamp(now, venue.zone).date())
            open_now = phase(venue, now) == "regular"
            rows.append(
                {
                    "name": venue.name,
                    "code": venue.mic,
                    "country": venue.country,
                    "is_market_open": open_now,
                    "time_after_open": clock(now - session[0].timestamp() if open_now else 0),
                    "time_to_open": clock(0 if open_now else next_open(venue, now).timestamp() - now),
                    "time_to_close": clock(session[1].timestamp() - now if open_now else 0),
                }
            )
        return rows

    def exchange_schedule(self, query: dict) -> dict:
        code, rows = (query.get("mic_code") or query.get("mic_name") or "").upper(), []
        for venue in VENUES:
            if (code and code not in (venue.mic, venue.name)) or (
                query.get("country") and query["country"].lower() != venue.country.lower()
            ):
                continue
            today = dt.datetime.fromtimestamp(self.market.clock.now(), venue.zone).date()
            text = query.get("date", "today").lower()
            date = {"today": today, "yesterday": today - dt.timedelta(days=1)}.get(text) or self._date(
                text, "date", venue.zone
            ).date()
            session, parts = hours(venue, date), []
            if session:
                opens, closes = session[0].strftime("%H:%M:%S"), session[1].strftime("%H:%M:%S")
                if venue.pre:
                    parts.append((venue.pre.strftime("%H:%M:%S"), opens, "Pre market", "pre"))
                parts.append((opens, closes, "Market", "quotes"))
                if venue.post:
                    parts.append((closes, venue.post.strftime("%H:%M:%S"), "Post market", "post"))
            rows.append(
                {
                    "title": venue.title,
                    "name": venue.name,
                    "code": venue.mic,
                    "country": venue.country,
                    "time_zone": venue.timezone,
                    "sessions": [
                        {"open_time": a, "close_time": b, "session_name": name, "session_type": kind}
                        for a, b, name, kind in parts
                    ],
                }
            )
        return {"data": rows}

    # Reference lists

    def symbol_search(self, query: dict) -> dict:
        text = query.get("symbol", "")
        if not text:
            raise missing("symbol")
        found = [l for l in self.listings if text.upper() in l.td_symbol or text.lower() in l.name.lower()]
        found.sort(key=lambda l: (l.td_symbol != text.upper(), not l.td_symbol.startswith(text.upper())))
        size = min(int(query.get("outputsize", 30)), 120)
        return {
            "data": [
                {
                    "symbol": l.td_symbol,
                    "instrument_name": l.name,
                    "exchange": l.venue or l.td_type,
                    "mic_code": l.mic,
                    "exchange_timezone": l.timezone,
                    "instrument_type": l.td_type,
                    "country": l.country,
                    "currency": l.currency,
                }
                | ({"access": self._access(l)} if query.get("show_plan", "").lower() == "true" else {})
                for l in found[:size]
            ],
            "status": "ok",
        }

    @staticmethod
    def _access(listing: Listing) -> dict:
        plan = listing.td_plan.capitalize()
        return {"global": plan, "plan": plan, "plan_business": "Venture"}

    def _shares(self, query: dict, kind: str) -> dict:
        rows = []
        for l in self.listings:
            if l.kind != kind or any(
                query.get(name) and query[name].lower() != value.lower()
                for name, value in (
                    ("symbol", l.td_symbol),
                    ("exchange", l.venue),
                    ("mic_code", l.mic),
                    ("country", l.country),
                    ("type", l.td_type),
                )
            ):
                continue
            add_on = self.settings["identifiers"]
            row = {
                "symbol": l.td_symbol,
                "name": l.name,
                "currency": l.currency,
                "exchange": l.venue,
                "mic_code": l.mic,
                "country": l.country,
                "type": l.td_type,
                "figi_code": l.figi,
                "cfi_code": "ESVUFR" if kind == "stock" else "CEOGES",
                "isin": l.isin if add_on else WITHOUT_ADD_ON,
                "cusip": (l.isin[2:11] if l.isin[:2] == "US" else None) if add_on else WITHOUT_ADD_ON,
            }
            if query.get("show_plan", "").lower() == "true":
                row["access"] = self._access(l)
            rows.append(row)
        count = len(rows)
        if query.get("outputsize", "").isdigit():
            size, page = int(query["outputsize"]), int(query.get("page", 1))
            rows = rows[size * (page - 1) : size * page]
        return {"data": rows, "count": count, "status": "ok"}

    def stocks(self, query: dict) -> dict:
        return self._shares(query, "stock")

    def etfs(self, query: dict) -> dict:
        return self._shares(query, "etf")

    def forex_pairs(self, query: dict) -> dict:
        rows = [
            {
                "symbol": l.td_symbol,
                "currency_group": "Major" if l.currency in ("USD", "JPY", "CHF") else "Exotic",
                "currency_base": l.base,
                "currency_quote": l.currency,
            }
            for l in self.listings
            if l.kind == "forex" and query.get("symbol", l.td_symbol).upper() == l.td_symbol
        ]
        return {"count": len(rows), "data": rows, "status": "ok"}

    def cryptocurrencies(self, query: dict) -> dict:
        rows = [
            {
                "symbol": l.td_symbol,
                "available_exchanges": [l.venue, "Binance", "Kraken"],
                "currency_base": CURRENCY_NAMES[l.base],
                "currency_quote": CURRENCY_NAMES[l.currency],
            }
            for l in self.listings
            if l.kind == "crypto" and query.get("symbol", l.td_symbol).upper() == l.td_symbol
        ]
        return {"count": len(rows), "data": rows, "status": "ok"}

    # Companies

    def profile(self, query: dict, listing: Listing) -> dict:
        host = listing.td_symbol.lower().replace(".", "-")
        return {
            "symbol": listing.td_symbol,
            "name": listing.name,
            "exchange": listing.venue,
            "mic_code": listing.mic,
            "sector": listing.sector,
            "industry": listing.sector,
            "employees": 1000 + len(listing.name) * 731,
            "website": f"https://{host}.example",
            "description": f"{listing.name} is one of the instruments of a fake market for tests.",
            "type": listing.td_type,
            "CEO": "Jo Example",
            "address": "1 Example Way",
            "address2": None,
            "city": "Exampleton",
            "zip": "00000",
            "state": "CA",
            "country": listing.country,
            "phone": "",
        }

    def logo(self, query: dict, listing: Listing) -> dict:
        base = "https://logo.example/"
        if listing.is_pair:
            return {
                "meta": {"symbol": listing.td_symbol},
                "logo_base": f"{base}{listing.base.lower()}.png",
                "logo_quote": f"{base}{listing.currency.lower()}.png",
            }
        return {
            "meta": {
                "symbol": listing.td_symbol,
                "name": listing.name,
                "currency": listing.currency,
                "exchange": listing.venue,
                "mic_code": listing.mic,
                "exchange_timezone": listing.timezone,
            },
            "url": f"{base}{listing.td_symbol.lower()}.png",
        }

    def press_releases(self, query: dict, listing: Listing) -> dict:
        now = self.market.clock.now()
        return {
            "press_releases": [
                {
                    "id": f"{int(now // DAY_S) - n}SF{n:05}",
                    "datetime": dt.datetime.fromtimestamp(now // DAY_S * DAY_S - n * DAY_S, dt.UTC).isoformat(),
                    "title": f"{listing.name} announces test {n}",
                    "body": f"&lt;b&gt;{listing.name}&lt;/b&gt; said &amp; did number {n}.",
                    "style": "/* Style Definitions */",
                    "language": ["en", "en-US"],
                }
                for n in range(1, 6)
            ],
            "status": "ok",
        }

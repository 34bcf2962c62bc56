"""What Finnhub's REST calls answer: the vendor's shapes around the fake market. No HTTP here."""

import datetime as dt
import zlib

from fakemarket import Market
from finnhub_news import News, Refusal
from us_instruments import Listing, volume
from us_sessions import BY_FINNHUB, phase, us_holidays

RESOLUTIONS = {"1": 1, "5": 5, "15": 15, "30": 30, "60": 60, "D": 0, "W": 0, "M": 0}
#: One call gives about a month of intraday bars, however much was asked for.
INTRADAY_SPAN_S = 31 * 86400
DAY_S = 86400
NO_ACCESS = "You don't have access to this resource."
#: Calls of the paid plans.
PREMIUM = {
    "stock/candle",
    "forex/candle",
    "crypto/candle",
    "stock/bidask",
    "stock/tick",
    "forex/rates",
    "news-sentiment",
    "press-releases",
    "stock/price-target",
    "stock/upgrade-downgrade",
    "stock/ownership",
}


class Replies(News):
    """`CALLS` maps a path to the method that answers it."""

    CALLS = {
        "quote": "quote",
        "stock/candle": "candle",
        "forex/candle": "candle",
        "crypto/candle": "candle",
        "forex/exchange": "forex_exchange",
        "crypto/exchange": "crypto_exchange",
        "forex/symbol": "forex_symbol",
        "crypto/symbol": "crypto_symbol",
        "forex/rates": "forex_rates",
        "search": "search",
        "stock/market-status": "market_status",
        "stock/market-holiday": "market_holiday",
        "stock/profile2": "profile2",
        "stock/peers": "peers",
        "stock/metric": "metric",
        "stock/recommendation": "recommendation",
        "stock/bidask": "bidask",
        "stock/tick": "tick",
        "company-news": "company_news",
        "news": "news",
        "news-sentiment": "news_sentiment",
    }

    def __init__(self, market: Market, listings: list[Listing], settings: dict):
        self.market, self.settings = market, settings
        self.listings = [listing for listing in listings if listing.fh_symbol]
        self.by_symbol = {listing.fh_symbol: listing for listing in self.listings}

    def reply(self, call: str, query: dict):
        return getattr(self, self.CALLS[call])(query, call)

    def _listing(self, query: dict, required: bool = True) -> Listing | None:
        """Unknown symbols are no error: the vendor cannot tell them from empty ones."""
        symbol = query.get("symbol", "")
        if required and not symbol:
            raise Refusal(422, "Missing parameters: symbol")
        return self.by_symbol.get(symbol) or self.by_symbol.get(symbol.upper())

    # Prices

    def quote(self, query: dict, _call: str) -> dict:
        listing = self._listing(query)
        if listing is None:
            return {"c": 0, "d": None, "dp": None, "h": 0, "l": 0, "o": 0, "pc": 0, "t": 0}
        state = self.market.state(listing.key)
        return {
            "c": state.last,
            "d": round(state.last - state.close, 6),
            "dp": round((state.last / state.close - 1) * 100, 4) if state.close else None,
            "h": state.high,
            "l": state.low,
            "o": state.open,
            "pc": state.close,
            "t": int(state.trade_time or state.time),
        }

    def candle(self, query: dict, call: str) -> dict:
        listing = self._listing(query)
        resolution = query.get("resolution", "")
        try:
            start, end = int(query["from"]), int(query["to"])
        except (KeyError, ValueError):
            raise Refusal(422, "Wrong or missing parameters: from, to") from None
        if resolution not in RESOLUTIONS:
            raise Refusal(422, "Wrong or missing parameters: resolution")
        kind = call.split("/")[0]
        if listing is None or (kind != "stock") != listing.is_pair or (listing.is_pair and listing.kind != kind):
            return {"s": "no_data"}
        end = min(end, int(self.market.clock.now()))
        bars = self._long_bars(listing, resolution, start, end)
        if bars is None:
            start = max(start, end - INTRADAY_SPAN_S)
            live = self.market.minutes.get(listing.key, {})
            bars = [
                bar
                for bar in self.market.candles(listing.key, start, end, RESOLUTIONS[resolution])
                if not self._holiday(listing, bar[0]) or bar[0] // 60 in live
            ]
        if not bars:
            return {"s": "no_data"}
        times, opened, high, low, close, sizes = (list(column) for column in zip(*bars))
        return {
            "c": close,
            "h": high,
            "l": low,
            "o": opened,
            "s": "ok",
            "t": times,
            "v": [volume(listing, size) for size in sizes],
        }

    def _holiday(self, listing: Listing, second: float) -> bool:
        date = dt.datetime.fromtimestamp(second, BY_FINNHUB["US"].zone).date()
        return listing.fh_exchange == "US" and us_holidays(date.year).get(date, ("", "x"))[1] == ""

    def _long_bars(self, listing: Listing, resolution: str, start: float, end: float) -> list[list] | None:
        """Bars of a day and longer bear 00:00 UTC of their first day."""
        if RESOLUTIONS[resolution]:
            return None
        start, bars = max(start, self.market.clock.now() - 4 * 366 * DAY_S), []
        instrument = self.market.instruments[listing.key]
        for bar in self.market.days(instrument, start - 31 * DAY_S, end):
            if self._holiday(listing, bar[0] + 12 * 3600):
                continue
            # The market stamps a day with its local midnight.
            date = dt.datetime.fromtimestamp(bar[0] + 12 * 3600, dt.UTC).replace(hour=0, minute=0, second=0)
            if resolution == "W":
                date -= dt.timedelta(days=date.weekday())
            elif resolution == "M":
                date = date.replace(day=1)
            stamp = int(date.timestamp())
            if bars and bars[-1][0] == stamp:
                into = bars[-1]
                into[2], into[3], into[4] = max(into[2], bar[2]), min(into[3], bar[3]), bar[4]
                into[5] += bar[5]
            else:
                bars.append([stamp, *bar[1:]])
        return [bar for bar in bars if start <= bar[0] <= end]

    def bidask(self, query: dict, _call: str) -> dict:
        listing = self._listing(query)
        if listing is None:
            return {"a": 0, "av": 0, "b": 0, "bv": 0, "t": 0}
        state = self.market.state(listing.key)
        tick = self.market.instruments[listing.key].tick
        return {
            "a": round(state.last + tick, listing.decimals),
            "av": 1 + state.book_seed % 9,
            "b": round(state.last - tick, listing.decimals),
            "bv": 1 + state.book_seed % 7,
            "t": int((state.trade_time or state.time) * 1000),
        }

    def tick(self, query: dict, _call: str) -> dict:
        """Ticks of a day that is long gone: two a minute out of its bars."""
        listing, date = self._listing(query), query.get("date", "")
        try:
            start = dt.datetime.fromisoformat(date).replace(tzinfo=dt.UTC).timestamp()
            limit, skip = min(int(query.get("limit", 500)), 25000), int(query.get("skip", 0))
        except ValueError:
            raise Refusal(422, "Wrong parameters: date, limit or skip") from None
        bars = self.market.candles(listing.key, start, start + DAY_S - 1, 1) if listing else []
        ticks = [(int((bar[0] + at) * 1000), price) for bar in bars for at, price in ((0, bar[1]), (59, bar[4]))]
        page = ticks[skip : skip + limit]
        return {
            "c": [["1"] for _ in page],
            "count": len(page),
            "p": [price for _, price in page],
            "s": query.get("symbol"),
            "skip": skip,
            "t": [time for time, _ in page],
            "total": len(ticks),
            "v": [100 for _ in page],
            "x": ["P" for _ in page],
        }

    # Lists

    def symbols(self, query: dict) -> list[dict]:
        """`/stock/symbol`, which answers by a redirect for the United States."""
        rows = []
        for listing in self.listings:
            if listing.fh_exchange != query.get("exchange", "").upper() or listing.is_pair:
                continue
            if any(
                query.get(name) and query[name] != value
                for name, value in (
                    ("mic", listing.mic),
                    ("securityType", listing.fh_type),
                    ("currency", listing.currency),
                )
            ):
                continue
            rows.append(
                {
                    "currency": listing.currency,
                    "description": listing.name.upper(),
                    "displaySymbol": listing.fh_display,
                    "figi": listing.figi,
                    "figiComposite": listing.figi,
                    "isin": listing.isin if self.settings["identifiers"] else "",
                    "mic": listing.mic,
                    "shareClassFIGI": listing.figi,
                    "symbol": listing.fh_symbol,
                    "symbol2": "",
                    "type": listing.fh_type,
                }
            )
        return rows

    def forex_exchange(self, _query: dict, _call: str) -> list[str]:
        return ["oanda", "fxcm", "forex.com", "IC Markets", "fxpro"]

    def crypto_exchange(self, _query: dict, _call: str) -> list[str]:
        return ["KRAKEN", "COINBASE", "Binance", "BITFINEX"]

    def _pairs(self, query: dict, kind: str) -> list[dict]:
        exchange = query.get("exchange", "").upper()
        return [
            {"description": f"{exchange} {l.name}", "displaySymbol": l.fh_display, "symbol": l.fh_symbol}
            for l in self.listings
            if l.kind == kind and l.fh_exchange == exchange
        ]

    def forex_symbol(self, query: dict, _call: str) -> list[dict]:
        return self._pairs(query, "forex")

    def crypto_symbol(self, query: dict, _call: str) -> list[dict]:
        return self._pairs(query, "crypto")

    def forex_rates(self, query: dict, _call: str) -> dict:
        base = query.get("base", "EUR").upper()
        found = [l for l in self.listings if l.kind == "forex" and l.base == base and l.fh_exchange == "OANDA"]
        return {"base": base, "quote": {base: 1} | {l.currency: self.market.state(l.key).last for l in found}}

    def search(self, query: dict, _call: str) -> dict:
        text = query.get("q", "")
        if not text:
            raise Refusal(422, "Missing parameters: q")
        found = [
            l
            for l in self.listings
            if not l.is_pair
            and (text.upper() in l.fh_symbol or text.lower() in l.name.lower() or text.upper() == l.isin)
            and query.get("exchange", l.fh_exchange).upper() == l.fh_exchange
        ]
        rows = [
            {"description": l.name, "displaySymbol": l.fh_display, "symbol": l.fh_symbol, "type": l.fh_type}
            for l in found[:20]
        ]
        return {"count": len(rows), "result": rows}

    # Markets

    def _venue(self, query: dict):
        venue = BY_FINNHUB.get(query.get("exchange", "").upper())
        if venue is None:
            raise Refusal(422, "Wrong or missing parameters: exchange")
        return venue

    def market_status(self, query: dict, _call: str) -> dict:
        venue, now = self._venue(query), self.market.clock.now()
        date = dt.datetime.fromtimestamp(now, venue.zone).date()
        holiday = us_holidays(date.year).get(date) if venue.finnhub == "US" else None
        session = phase(venue, now)
        return {
            "exchange": venue.finnhub,
            "holiday": holiday[0] if holiday else None,
            "isOpen": session == "regular",
            "session": session,
            "t": int(now),
            "timezone": venue.timezone,
        }

    def market_holiday(self, query: dict, _call: str) -> dict:
        venue = self._venue(query)
        year = dt.datetime.fromtimestamp(self.market.clock.now(), venue.zone).year
        days = [item for y in (year + 1, year, year - 1) for item in reversed(us_holidays(y).items())]
        rows = [{"atDate": str(date), "eventName": name, "tradingHour": hours} for date, (name, hours) in days]
        return {
            "data": rows if venue.finnhub == "US" else [],
            "exchange": venue.finnhub,
            "timezone": venue.timezone,
        }

    # Companies

    def profile2(self, query: dict, _call: str) -> dict:
        listing = self._listing(query, required=False)
        if listing is None:
            wanted = query.get("isin") or query.get("cusip")
            listing = next((l for l in self.listings if wanted and wanted in (l.isin, l.isin[2:11])), None)
        if listing is None or listing.is_pair:
            return {}
        shares = round(1000 + zlib.crc32(listing.key.encode()) % 10_000, 2)
        exchange = {"XNYS": "NEW YORK STOCK EXCHANGE, INC.", "ARCX": "NYSE ARCA"}.get(
            listing.mic, "NASDAQ NMS - GLOBAL MARKET" if listing.venue == "NASDAQ" else listing.venue
        )
        return {
            "country": {"United States": "US"}.get(listing.country, listing.isin[:2]),
            "currency": listing.currency,
            "estimateCurrency": listing.currency,
            "exchange": exchange,
            "finnhubIndustry": listing.sector,
            "ipo": "1990-01-02",
            "logo": f"https://logo.example/{listing.key}.png",
            "marketCapitalization": shares * self.market.state(listing.key).last,
            "name": listing.name,
            "phone": "10000000000",
            "shareOutstanding": shares,
            "ticker": listing.fh_symbol,
            "weburl": f"https://{listing.key.lower().replace('.', '-')}.example/",
        }

    def peers(self, query: dict, _call: str) -> list[str]:
        listing = self._listing(query)
        if listing is None:
            return []
        same = [l.fh_symbol for l in self.listings if l.sector == listing.sector and l.fh_exchange == "US"]
        return [listing.fh_symbol, *(symbol for symbol in same if symbol != listing.fh_symbol)][:12]

    def metric(self, query: dict, _call: str) -> dict:
        listing = self._listing(query)
        values = (
            {} if listing is None else {"52WeekHigh": round(listing.price * 1.19, 4), "52WeekHighDate": "2026-02-03"}
        )
        if values:
            values |= {
                "52WeekLow": round(listing.price * 0.78, 4),
                "beta": 1.21,
                "peTTM": None,
                "10DayAverageTradingVolume": 51.2,
            }
        return {"metric": values, "metricType": query.get("metric", "all"), "series": {}, "symbol": query["symbol"]}

    def recommendation(self, query: dict, _call: str) -> list[dict]:
        listing, rows = self._listing(query), []
        month = dt.datetime.fromtimestamp(self.market.clock.now(), dt.UTC).replace(day=1)
        for n in range(4 if listing else 0):
            rows.append(
                {
                    "buy": 24 - n,
                    "hold": 13 + n,
                    "period": month.strftime("%Y-%m-%d"),
                    "sell": 2,
                    "strongBuy": 15,
                    "strongSell": 0,
                }
                | {"symbol": query["symbol"]}
            )
            month = (month - dt.timedelta(days=1)).replace(day=1)
        return rows

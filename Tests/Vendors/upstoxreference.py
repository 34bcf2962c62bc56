"""What the fake Upstox tells beside prices: instrument files, search, holidays, market states, profile and news."""

import functools
import gzip
import json
from datetime import datetime, time, timedelta

from aiohttp import web

from india import IST, Listing

EXCHANGES = {"NSE": "NSE_EQ", "NFO": "NSE_FO", "CDS": "NCD_FO", "BSE": "BSE_EQ", "BCD": "BCD_FO", "BFO": "BSE_FO",
             "MCX": "MCX_FO"}
HOURS = {"NSE": (555, 930), "BSE": (555, 930), "NFO": (555, 930), "BFO": (555, 930), "CDS": (540, 1020),
         "BCD": (540, 1020), "MCX": (540, 1410)}
FILES = ("complete", "NSE", "BSE", "MCX")


def answered(handler):
    """As `enveloped` of the fake, which this module cannot import."""
    @functools.wraps(handler)
    async def handle(self, request):
        return await self.enveloped(handler)(self, request)
    return handle


def record(listing: Listing) -> dict:
    """One record of an instrument file."""
    exchange = listing.upstox_segment.partition("_")[0]
    out = {"segment": listing.upstox_segment, "name": listing.name, "exchange": {"NCD": "NSE", "BCD": "BSE"}.get(
               exchange, exchange), "instrument_type": {"future": "FUT", "option": listing.right, "index": "INDEX"}.get(
               listing.kind, "EQ"), "instrument_key": listing.upstox_key,
           "exchange_token": str(listing.exchange_token), "trading_symbol": listing.upstox_symbol}
    if listing.kind == "index":
        return out
    out |= {"lot_size": listing.lot, "freeze_quantity": 100000.0, "tick_size": round(listing.tick * 100, 4)}
    if listing.kind == "equity":
        return out | {"isin": listing.isin, "short_name": listing.symbol, "security_type": "NORMAL"}
    end = datetime.combine(listing.expiry, time(23, 59, 59), IST)
    return out | {"weekly": False, "expiry": int(end.timestamp() * 1000), "minimum_lot": listing.lot,
                  "underlying_symbol": listing.underlying, "underlying_key": listing.underlying_key,
                  "underlying_type": listing.underlying_type, "strike_price": listing.strike}


class Reference:
    """A part of FakeUpstox, whose members it uses."""

    def reference_routes(self) -> list:
        return [
            web.get("/market-quote/instruments/exchange/{file}", self.instrument_file),
            web.get("/v2/instruments/search", self.search), web.get("/v2/market/holidays", self.all_holidays),
            web.get("/v2/market/holidays/{date}", self.all_holidays),
            web.get("/v2/market/timings/{date}", self.timings),
            web.get("/v2/market/status/{exchange}", self.market_status),
            web.get("/v2/fundamentals/{isin}/profile", self.company), web.get("/v2/news", self.news),
        ]

    async def instrument_file(self, request):
        name, _, ending = request.match_info["file"].partition(".")
        if name not in FILES or ending != "json.gz":
            return web.Response(status=404, text="<Error><Code>NoSuchKey</Code></Error>",
                                content_type="application/xml")
        records = [record(listing) for listing in self.listings.values()]
        body = json.dumps([r for r in records if name in ("complete", r["exchange"])]).encode()
        return web.Response(body=gzip.compress(body, mtime=0), content_type="application/gzip")

    @answered
    async def search(self, request):
        self.check(request)
        query, given = request.query.get("query", "").lower(), request.query
        found = [record(listing) for listing in self.listings.values()
                 if query in listing.upstox_symbol.lower() or query in listing.name.lower() or query == listing.isin]
        for name, field in (("exchanges", "exchange"), ("segments", "segment"),
                            ("instrument_types", "instrument_type")):
            if given.get(name):
                found = [r for r in found if r[field] in given[name].split(",")]
        size, page = min(30, int(given.get("records", 30))), int(given.get("page_number", 1))
        return found[(page - 1) * size:page * size], {"meta_data": {"page": {
            "page_number": page, "total_pages": -(-len(found) // size), "records": size,
            "total_records": len(found)}}}

    # Calendar

    @staticmethod
    def opening(day: datetime, exchange: str, start: int | None = None, end: int | None = None) -> dict:
        first, last = HOURS[exchange]
        base = int(day.timestamp()) * 1000
        return {"exchange": exchange, "start_time": base + (start or first) * 60_000,
                "end_time": base + (end or last) * 60_000}

    def usual_holidays(self) -> list[dict]:
        """One of each shape that the vendor has, in the year of the fake's clock."""
        year = datetime.fromtimestamp(self.clock.now(), IST).year

        def day(month, number):
            return datetime(year, month, number, tzinfo=IST)
        everywhere = list(HOURS)
        evening = [self.opening(day(8, 15), "MCX", 1020)]
        rows = [
            (day(1, 1), "New Year Day", "TRADING_HOLIDAY", [], [self.opening(day(1, 1), e) for e in everywhere]),
            (day(1, 26), "Republic Day", "TRADING_HOLIDAY", everywhere, []),
            (day(4, 1), "Annual Bank Closing", "SETTLEMENT_HOLIDAY", [], [self.opening(day(4, 1), e)
                                                                          for e in everywhere]),
            (day(8, 15), "Independence Day", "TRADING_HOLIDAY", [e for e in everywhere if e != "MCX"], evening),
            (day(11, 8), "Diwali Laxmi Pujan", "SPECIAL_TIMING", [], [self.opening(day(11, 8), e, 1080, 1140)
                                                                      for e in everywhere]),
            (day(12, 25), "Christmas", "TRADING_HOLIDAY", everywhere, []),
        ]
        return [{"date": when.strftime("%Y-%m-%d"), "description": text, "holiday_type": kind,
                 "closed_exchanges": closed, "open_exchanges": opened} for when, text, kind, closed, opened in rows]

    @answered
    async def all_holidays(self, request):
        self.check(request, token=False)
        asked = request.match_info.get("date")
        if asked:
            self.day(asked)
        return [holiday for holiday in self.holidays if asked in (None, holiday["date"])]

    @answered
    async def timings(self, request):
        self.check(request, token=False)
        day = self.day(request.match_info["date"])
        for holiday in self.holidays:
            if holiday["date"] == request.match_info["date"]:
                return holiday["open_exchanges"]
        return [] if day.weekday() > 4 else [self.opening(day, exchange) for exchange in HOURS]

    @answered
    async def market_status(self, request):
        self.check(request)
        exchange = request.match_info["exchange"]
        if exchange not in EXCHANGES:
            return self.error(400, request, code="UDAPI1089")
        return {"exchange": exchange, "status": self.status(EXCHANGES[exchange]),
                "last_updated": int(self.clock.now() * 1000)}

    # Companies

    @answered
    async def company(self, request):
        self.check(request)
        isin = request.match_info["isin"]
        if len(isin) != 12:
            return self.error(400, request, code="UDAPI1207")
        listing = next((entry for entry in self.listings.values() if entry.isin == isin), None)
        if listing is None:
            return self.error(404, request, code="UDAPI1206")
        return {"company_profile": f"{listing.name} is a company that this fake invents.", "sector": "Diversified",
                "sector_market_cap_inr": {"value": 125000.5, "unit": "Cr", "formatted": "1,25,000.50 Cr"},
                "sector_market_cap_usd": {"value": 14.8, "unit": "Bn", "formatted": "14.80 Bn"}}

    @answered
    async def news(self, request):
        self.check(request)
        keys = [key for key in request.query.get("instrument_keys", "").split(",") if key]
        if request.query.get("category") != "instrument_keys" or not keys:
            return self.error(400, request, code="UDAPI100036")
        if len(keys) > 30:
            return self.error(400, request, code="UDAPI100043")
        page, size = int(request.query.get("page_number", 1)), int(request.query.get("page_size", 100))
        items = [(key, i) for key in keys if key in self.listings for i in range(3)]
        shown: dict[str, list] = {}
        now = datetime.fromtimestamp(self.clock.now(), IST)
        for key, i in items[(page - 1) * size:page * size]:
            name = self.listings[key].name
            shown.setdefault(key, []).append({
                "heading": f"{name}: story {i + 1}", "summary": f"What the fake has to say of {name}, part {i + 1}.",
                "thumbnail": "https://example.com/picture.png", "article_link": f"https://example.com/story/{i + 1}",
                "published_time": int((now - timedelta(hours=6 * i + 1)).timestamp() * 1000)})
        return [{key: stories} for key, stories in shown.items()], {"metadata": {"page": {
            "page_number": page, "page_size": size, "total_records": len(items),
            "total_pages": -(-len(items) // size)}}}

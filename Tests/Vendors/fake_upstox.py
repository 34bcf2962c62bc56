"""A fake of Upstox: REST v2 and v3, instrument files, OAuth, and the feed V3."""

import hashlib
import json
from datetime import date, datetime, timedelta
from urllib.parse import urlencode

from aiohttp import web

from fakekit import Fake, main
from fakemarket import CDS, MCX, NSE, State, Update
from india import IST, Listing, listings
from misbehaviour import PlanError, RateLimit
from upstoxfeed import Feed, greeks
from upstoxreference import Reference

MESSAGES = {
    "UDAPI100050": "Invalid token used to access API", "UDAPI10005": "Too Many Request Sent",
    "UDAPI100067": "The API you are trying to access is not permitted with an extended token",
    "UDAPI100500": "Something went wrong", "UDAPI10000": "This request is not supported by Upstox API",
    "UDAPI100011": "Invalid Instrument key", "UDAPI100043": "Too many instrument keys",
    "UDAPI100016": "Invalid credentials", "UDAPI1148": "Invalid date range", "UDAPI1022": "Invalid date",
    "UDAPI1015": "to_date must be greater than or equal to from_date", "UDAPI1146": "Invalid unit",
    "UDAPI1147": "Invalid interval", "UDAPI1089": "Invalid exchange", "UDAPI100057": "Invalid Auth code",
    "UDAPI1028": "Invalid interval", "UDAPI1206": "No data found", "UDAPI1207": "Invalid ISIN",
}
CODES = {400: "UDAPI100036", 401: "UDAPI100050", 403: "UDAPI100050", 404: "UDAPI10000", 405: "UDAPI10000",
         423: "UDAPI100072", 429: "UDAPI10005"}
#: unit: (largest interval, widest span in days) rows, first match; None is no limit
SPANS = {"minutes": [(15, 31), (300, 92)], "hours": [(5, 92)], "days": [(1, 3653)], "weeks": [(1, None)],
         "months": [(1, None)]}


class Refused(Exception):
    def __init__(self, status: int, code: str):
        self.status, self.code = status, code


def enveloped(handler):
    """Data in the envelope; a handler that returns a pair gives more members beside the data."""
    async def handle(self, request):
        try:
            answer = await handler(self, request)
        except Refused as refused:
            return self.error(refused.status, request, code=refused.code)
        if isinstance(answer, web.StreamResponse):
            return answer
        data, more = answer if isinstance(answer, tuple) else (answer, {})
        response = web.json_response({"status": "success", "data": data, **more})
        response.enable_compression()
        return response
    return handle


class FakeUpstox(Feed, Reference, Fake):
    vendor = "upstox"
    vendor_kinds = {"token_death"}
    enveloped = staticmethod(enveloped)

    def __init__(self, options):
        super().__init__(options)
        self.tokens = {options.access_token: "access", options.analytics_token: "analytics",
                       options.extended_token: "extended"}
        self.login_codes: dict[str, str] = {}
        self.codes: dict[str, float] = {}
        self.codes_made = 0
        self.listings: dict[str, Listing] = {}
        self.statuses: dict[str, str] = {}
        self.holidays: list[dict] = []
        self.sessions = {"NSE": NSE, "MCX": MCX, "CDS": CDS}
        self.limit = RateLimit((50, 1), (500, 60), (2000, 1800))

    @classmethod
    def add_arguments(cls, parser):
        parser.add_argument("--api-key", default="fakekey")
        parser.add_argument("--api-secret", default="fakesecret")
        parser.add_argument("--access-token", default="faketoken", help="valid from the start")
        parser.add_argument("--analytics-token", default="fakeanalytics", help="valid for all market data")
        parser.add_argument("--extended-token", default="fakeextended", help="refused with UDAPI100067")
        parser.add_argument("--redirect-url", help="the registered one; default: any is taken")
        parser.add_argument("--account", choices=["normal", "plus"], default="normal")
        parser.add_argument("--ping", type=float, default=10.0, help="seconds between the server's pings")

    async def on_start(self):
        for listing in listings(self.clock.now()):
            self.market.add(listing.instrument(listing.upstox_key))
            self.listings[listing.upstox_key] = listing
        self.holidays = self.usual_holidays()

    def routes(self):
        return self.feed_routes() + self.reference_routes() + [
            web.get("/v2/login/authorization/dialog", self.dialog),
            web.post("/v2/login/authorization/token", self.token), web.delete("/v2/logout", self.logout),
            web.get("/v2/user/profile", self.profile),
            web.get("/v2/market-quote/quotes", self.quotes_v2), web.get("/v3/market-quote/quotes", self.quotes_v3),
            web.get("/v3/market-quote/ltp", self.ltp), web.get("/v3/market-quote/ohlc", self.ohlc),
            web.get("/v3/market-quote/option-greek", self.option_greek),
            web.get("/v3/historical-candle/intraday/{key}/{unit}/{interval}", self.intraday),
            web.get("/v3/historical-candle/{key}/{unit}/{interval}/{to}", self.history),
            web.get("/v3/historical-candle/{key}/{unit}/{interval}/{to}/{from}", self.history),
        ]

    def error(self, status, request=None, code=None, message=None, **facts):
        code = code or CODES.get(status, "UDAPI100500")
        message = message or MESSAGES.get(code, "Something went wrong")
        error = {"errorCode": code, "message": message, "propertyPath": None, "invalidValue": None,
                 "error_code": code, "property_path": None, "invalid_value": None}
        return web.json_response({"status": "error", "errors": [error]}, status=status)

    async def set_market(self, body):
        await self.set_statuses(body.pop("status", {}))
        self.holidays = body.pop("holidays", self.holidays)
        if "access_token" in body:
            self.tokens[body.pop("access_token")] = "access"
        if body:
            raise PlanError(f"the market door knows prices, rate, status, holidays and access_token, "
                            f"not {', '.join(body)}")

    async def vendor_rule(self, rule):
        self.tokens.clear()
        for connection in list(self.connections.values()):
            await connection.close(rule.options.get("code", 1000))

    # Who asks, and how often

    def refusal(self, request) -> web.Response | None:
        """The error for a request that may not pass: limits, user agent, token."""
        if not request.headers.get("User-Agent") and "Upgrade" not in request.headers:
            return web.Response(status=403, text="error code: 1010")
        if self.options.limits and not self.limit.allows():
            return self.error(429, request)
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        kind = self.tokens.get(token) if scheme == "Bearer" else None
        if kind is None:
            return self.error(401, request)
        return self.error(403, request, code="UDAPI100067") if kind == "extended" else None

    def check(self, request, token: bool = True) -> None:
        if token:
            response = self.refusal(request)
            if response is not None:
                raise Refused(response.status, json.loads(response.text)["errors"][0]["error_code"]) \
                    if response.content_type == "application/json" else web.HTTPForbidden(text=response.text)
        elif self.options.limits and not self.limit.allows():
            raise Refused(429, "UDAPI10005")

    # Login

    async def dialog(self, request):
        query = request.query
        if query.get("client_id") != self.options.api_key or query.get("response_type") != "code":
            return self.error(401, request, code="UDAPI100016")
        target = query.get("redirect_uri", "")
        if not target or (self.options.redirect_url and target != self.options.redirect_url):
            return self.error(400, request, code="UDAPI1024")
        code = hashlib.sha256(f"{self.options.seed} {len(self.login_codes)}".encode()).hexdigest()[:6]
        self.login_codes[code] = target
        back = {"code": code} | ({"state": query["state"]} if "state" in query else {})
        return web.Response(status=302, headers={"Location": target + ("&" if "?" in target else "?")
                                                 + urlencode(back)})

    async def token(self, request):
        form = await request.post()
        target = self.login_codes.get(form.get("code", ""))
        self.login_codes[form.get("code", "")] = ""  # Used up, whether this works or not.
        if (form.get("client_id"), form.get("client_secret")) != (self.options.api_key, self.options.api_secret):
            return self.error(401, request, code="UDAPI100016")
        if not target or form.get("grant_type") != "authorization_code" or form.get("redirect_uri") != target:
            return self.error(401, request, code="UDAPI100057")
        access = hashlib.sha256(f"{self.options.seed} {form['code']}".encode()).hexdigest()
        self.tokens[access] = "access"
        return web.json_response(self.user() | {"access_token": access, "extended_token": None})

    @enveloped
    async def logout(self, request):
        self.check(request)
        self.tokens.pop(request.headers["Authorization"].partition(" ")[2], None)
        return True

    def user(self) -> dict:
        return {"email": "somebody@example.com", "exchanges": ["NSE", "NFO", "BSE", "CDS", "BFO", "BCD", "MCX"],
                "products": ["D", "CO", "I"], "broker": "UPSTOX", "user_id": "XX0000", "user_name": "Some Body",
                "order_types": ["MARKET", "LIMIT", "SL", "SL-M"], "user_type": "individual", "poa": False,
                "is_active": True}

    @enveloped
    async def profile(self, request):
        self.check(request)
        return self.user()

    # Quotes

    def asked(self, request, most: int) -> list[tuple[str, Listing, State]]:
        self.check(request)
        text = request.query.get("instrument_key") or request.query.get("symbol") or ""
        keys = [key for key in text.split(",") if key]
        if not keys or any("|" not in key for key in keys):
            raise Refused(400, "UDAPI100011")
        if len(keys) > most:
            raise Refused(400, "UDAPI100043")
        return [(f"{self.listings[key].upstox_segment}:{self.name(key)}", self.listings[key], self.market.state(key))
                for key in dict.fromkeys(keys) if key in self.listings]

    def name(self, key: str) -> str:
        listing = self.listings[key]
        return listing.upstox_name or listing.symbol

    @staticmethod
    def brief(listing: Listing, state: State) -> dict:
        return {"last_price": state.last, "instrument_token": listing.upstox_key}

    @enveloped
    async def ltp(self, request):
        return {name: self.brief(listing, state) | {"ltq": state.quantity, "volume": state.volume, "cp": state.close}
                for name, listing, state in self.asked(request, 500)}

    @enveloped
    async def option_greek(self, request):
        out = {}
        for name, listing, state in self.asked(request, 50):
            values = greeks(state, listing.right) if listing.kind == "option" else dict.fromkeys(
                ("delta", "theta", "gamma", "vega"), 0.0)
            values.pop("rho", None)
            out[name] = self.brief(listing, state) | values | {
                "ltq": state.quantity, "volume": state.volume, "cp": state.close, "oi": float(state.oi),
                "iv": 0.1307 if listing.kind == "option" else 0.0}
        return out

    @enveloped
    async def ohlc(self, request):
        interval = request.query.get("interval")
        if interval not in ("1d", "I1", "I30"):
            raise Refused(400, "UDAPI1028")
        out = {}
        for name, listing, state in self.asked(request, 500):
            now = self.clock.now()
            midnight = datetime.fromtimestamp(now, IST).replace(hour=0, minute=0, second=0, microsecond=0)
            day = [int(midnight.timestamp()), state.open, state.high, state.low, state.last, state.volume]
            bars = [day] if interval == "1d" else self.market.candles(
                listing.upstox_key, now - 4 * 86400, now, 1 if interval == "I1" else 30)[-2:]
            shown = [{"open": b[1], "high": b[2], "low": b[3], "close": b[4], "volume": b[5], "ts": b[0] * 1000}
                     for b in bars]
            out[name] = self.brief(listing, state) | {"prev_ohlc": shown[-2] if len(shown) > 1 else None,
                                                      "live_ohlc": shown[-1] if shown else None}
        return out

    def full(self, listing: Listing, state: State) -> dict:
        book = self.market.depth(Update(self.market.instruments[listing.upstox_key], state))
        depth = {side: [{"quantity": q, "price": p, "orders": o}
                        for p, q, o in (list(book[side]) + [(0.0, 0, 0)] * 5)[:5]] for side in ("buy", "sell")}
        index = listing.kind == "index"
        return self.brief(listing, state) | {
            "ohlc": {"open": state.open, "high": state.high, "low": state.low, "close": state.last},
            "depth": depth, "timestamp": datetime.fromtimestamp(state.time, IST).isoformat(timespec="milliseconds"),
            "symbol": self.name(listing.upstox_key), "volume": None if index else state.volume,
            "average_price": None if index else state.average, "oi": float(state.oi),
            "net_change": round(state.last - state.close, 4),
            "total_buy_quantity": float(sum(level["quantity"] for level in depth["buy"])),
            "total_sell_quantity": float(sum(level["quantity"] for level in depth["sell"])),
            "lower_circuit_limit": round(state.close * 0.9, 2), "upper_circuit_limit": round(state.close * 1.1, 2),
            "last_trade_time": str(int(state.trade_time * 1000)), "oi_day_high": float(state.oi_high),
            "oi_day_low": float(state.oi_low),
        }

    @enveloped
    async def quotes_v2(self, request):
        return {name: self.full(listing, state) for name, listing, state in self.asked(request, 500)}

    @enveloped
    async def quotes_v3(self, request):
        return {name: self.full(listing, state) | {
            "prev_close_price": state.close, "year_high": max(state.high, listing.price * 1.2),
            "year_low": min(state.low, listing.price * 0.8), "previous_oi": float(state.oi_low),
        } for name, listing, state in self.asked(request, 500)}

    # Candles

    def span(self, request) -> tuple[str, str, int, int | None]:
        key, unit, interval = (request.match_info[name] for name in ("key", "unit", "interval"))
        if key not in self.listings:
            raise Refused(400, "UDAPI100011")
        if unit not in SPANS:
            raise Refused(400, "UDAPI1146")
        rows = [days for largest, days in SPANS[unit] if interval.isdigit() and 1 <= int(interval) <= largest]
        if not rows:
            raise Refused(400, "UDAPI1147")
        return key, unit, int(interval), rows[0]

    @staticmethod
    def day(text: str) -> datetime:
        try:
            return datetime.combine(date.fromisoformat(text), datetime.min.time(), IST)
        except ValueError:
            raise Refused(400, "UDAPI1022") from None

    def today(self) -> datetime:
        return datetime.fromtimestamp(self.clock.now(), IST).replace(hour=0, minute=0, second=0, microsecond=0)

    @enveloped
    async def history(self, request):
        self.check(request, token=False)
        key, unit, interval, widest = self.span(request)
        to = self.day(request.match_info["to"])
        start = self.day(request.match_info["from"]) if "from" in request.match_info else \
            to - timedelta(days=min(widest or 365, 365))
        if start > to:
            raise Refused(400, "UDAPI1015")
        if widest is not None and (to - start).days > widest:
            raise Refused(400, "UDAPI1148")
        end = min(to + timedelta(days=1), self.today())  # History does not hold the running day.
        return {"candles": self.shown(key, unit, interval, start, end) if end > start else []}

    @enveloped
    async def intraday(self, request):
        self.check(request, token=False)
        key, unit, interval, _ = self.span(request)
        if unit not in ("minutes", "hours", "days"):
            raise Refused(400, "UDAPI1146")
        return {"candles": self.shown(key, unit, interval, self.today(), self.today() + timedelta(days=1))}

    def shown(self, key, unit, interval, start, end) -> list[list]:
        """Candles newest first, with the seventh column always there."""
        since, until = start.timestamp(), end.timestamp() - 1
        if unit in ("minutes", "hours"):
            bars = self.market.candles(key, since, until, interval * (60 if unit == "hours" else 1))
        else:
            days = self.market.days(self.market.instruments[key], since, until)
            bars = self.grouped([bar for bar in days if bar[0] >= since], unit)
        oi = self.market.state(key).oi
        return [[datetime.fromtimestamp(bar[0], IST).isoformat(), *bar[1:6], oi] for bar in reversed(bars)]

    @staticmethod
    def grouped(days: list, unit: str) -> list:
        if unit == "days":
            return days
        out: list = []
        for bar in days:
            first = datetime.fromtimestamp(bar[0], IST)
            first = first.replace(day=1) if unit == "months" else first - timedelta(days=first.weekday())
            stamp = int(first.timestamp())
            if out and out[-1][0] == stamp:
                last = out[-1]
                out[-1] = [stamp, last[1], max(last[2], bar[2]), min(last[3], bar[3]), bar[4], last[5] + bar[5]]
            else:
                out.append([stamp, *bar[1:]])
        return out


if __name__ == "__main__":
    main(FakeUpstox)

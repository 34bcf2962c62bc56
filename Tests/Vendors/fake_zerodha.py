"""A fake of Zerodha: Kite Connect v3's REST calls, the login page and the binary ticker."""

import csv
import gzip
import hashlib
import io
import json
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, urlencode

from aiohttp import web

from fakekit import Fake, main
from fakemarket import State, Update
from india import IST, Listing, listings
from kiteticker import Ticker
from misbehaviour import PlanError, RateLimit

SPANS = {"minute": (1, 60), "3minute": (3, 100), "5minute": (5, 100), "10minute": (10, 100), "15minute": (15, 200),
         "30minute": (30, 200), "60minute": (60, 400), "day": (1440, 2000)}
COLUMNS = ["instrument_token", "exchange_token", "tradingsymbol", "name", "last_price", "expiry", "strike",
           "tick_size", "lot_size", "instrument_type", "segment", "exchange"]
ERROR_TYPES = {400: "InputException", 403: "TokenException", 404: "GeneralException", 405: "GeneralException",
               429: "NetworkException", 500: "GeneralException", 502: "DataException", 503: "NetworkException",
               504: "NetworkException"}
MESSAGES = {403: "Incorrect `api_key` or `access_token`.", 404: "Route not found", 429: "Too many requests",
            405: "Method not allowed", 502: "Gateway error", 503: "Service unavailable"}


def plain(value: float):
    """Whole prices are integer literals in Kite's JSON."""
    return int(value) if value == int(value) else value


def ist(moment: float) -> str | None:
    return datetime.fromtimestamp(moment, IST).strftime("%Y-%m-%d %H:%M:%S") if moment > 0 else None


class Refused(Exception):
    """A request that gets the error envelope."""

    def __init__(self, status: int, message: str | None = None, error_type: str | None = None):
        self.status, self.message, self.error_type = status, message, error_type


def enveloped(handler):
    """Data in Kite's envelope, refusals too."""
    async def handle(self, request):
        try:
            answer = await handler(self, request)
        except Refused as refused:
            return self.error(refused.status, request, message=refused.message, error_type=refused.error_type)
        if isinstance(answer, web.StreamResponse):
            return answer
        response = web.json_response({"status": "success", "data": answer})
        response.enable_compression()
        return response
    return handle


class FakeZerodha(Ticker, Fake):
    vendor = "zerodha"
    vendor_kinds = {"token_death", "text", "unknown_packet"}

    def __init__(self, options):
        super().__init__(options)
        self.access_tokens = {options.access_token}
        self.request_tokens: dict[str, float] = {}
        self.redirect_url = options.redirect_url
        self.listings: dict[str, Listing] = {}
        self.keys: dict[int, str] = {}
        self.limits = {"quote": RateLimit((1, 1)), "candles": RateLimit((3, 1)), "other": RateLimit((10, 1))}
        self.minted = 0
        self.unknown_packets = 0
        self.dumps: dict[str, bytes] = {}

    @classmethod
    def add_arguments(cls, parser):
        parser.add_argument("--api-key", default="fakekey")
        parser.add_argument("--api-secret", default="fakesecret")
        parser.add_argument("--access-token", default="faketoken", help="the token that is valid from the start")
        parser.add_argument("--redirect-url", default="http://127.0.0.1:8080/callback", help="where the login page "
                            "sends the browser; the control door's market route changes it (`redirect_url`)")
        parser.add_argument("--keepalive", type=float, default=1.0, help="seconds between one-byte frames")

    async def on_start(self):
        for listing in listings(self.clock.now()):
            self.market.add(listing.instrument(listing.kite_key))
            self.listings[listing.kite_key] = listing
            self.keys[listing.kite_token] = listing.kite_key

    def routes(self):
        return [
            web.get("/connect/login", self.login), web.post("/session/token", self.session),
            web.delete("/session/token", self.logout), web.post("/session/refresh_token", self.refresh),
            web.get("/user/profile", self.profile), web.get("/instruments", self.instruments),
            web.get("/instruments/historical/{token}/{interval}", self.candles),
            web.get("/instruments/{exchange}", self.instruments), web.get("/quote", self.quote),
            web.get("/quote/ohlc", self.ohlc), web.get("/quote/ltp", self.ltp), web.get("/", self.ticker),
        ]

    def error(self, status, request=None, message=None, error_type=None, **facts):
        body = {"status": "error", "message": message or MESSAGES.get(status, "Something went wrong"), "data": None,
                "error_type": error_type or facts.get("code") or ERROR_TYPES.get(status, "GeneralException")}
        return web.json_response(body, status=status)

    async def set_market(self, body):
        self.redirect_url = body.pop("redirect_url", self.redirect_url)
        if "access_token" in body:
            self.access_tokens.add(body.pop("access_token"))
        await super().set_market(body)

    async def vendor_rule(self, rule):
        if rule.what == "token_death":
            self.access_tokens.clear()
            for connection in list(self.connections.values()):
                await connection.close(rule.options.get("code", 1000), "")
        elif rule.what == "text":
            if "data" not in rule.options:
                raise PlanError("`text` needs `data`, and `type` (message, error, order)")
            text = json.dumps({"type": rule.options.get("type", "message"), "data": rule.options["data"]})
            for connection in list(self.connections.values()):
                await connection.send(text, what="text")
        else:
            self.unknown_packets += rule.remaining or 1

    # Who asks, and how often

    def check(self, request, limit: str) -> None:
        if self.options.limits and not self.limits[limit].allows():
            raise Refused(429)
        scheme, _, pair = request.headers.get("Authorization", "").partition(" ")
        key, _, token = pair.partition(":")
        if scheme != "token" or not self.known(key, token):
            raise Refused(403)

    def known(self, key: str | None, token: str | None) -> bool:
        return key == self.options.api_key and token in self.access_tokens

    # Login

    async def login(self, request):
        if request.query.get("api_key") != self.options.api_key:
            return web.Response(status=400, text="<html><body>Invalid api_key.</body></html>",
                                content_type="text/html")
        token = hashlib.sha256(f"{self.options.seed} {len(self.request_tokens)}".encode()).hexdigest()[:32]
        self.request_tokens[token] = self.clock.now() + 300
        query = [("action", "login"), ("type", "login"), ("status", "success"), ("request_token", token)]
        query += parse_qsl(request.query.get("redirect_params", ""))
        joint = "&" if "?" in self.redirect_url else "?"
        return web.Response(status=302, headers={"Location": self.redirect_url + joint + urlencode(query)})

    @enveloped
    async def session(self, request):
        form = await request.post()
        key, token = form.get("api_key"), form.get("request_token", "")
        if key != self.options.api_key:
            raise Refused(403, "Invalid `api_key`.")
        expected = hashlib.sha256((key + token + self.options.api_secret).encode()).hexdigest()
        if form.get("checksum") != expected:
            raise Refused(403, "Invalid `checksum`.")
        if self.request_tokens.pop(token, 0) < self.clock.now():
            raise Refused(403, "Token is invalid or has expired.")
        self.minted += 1
        access = hashlib.sha256(f"{self.options.seed} access {self.minted}".encode()).hexdigest()[:32]
        self.access_tokens = {access}  # A new login ends the session before it.
        return self.user() | {"api_key": key, "access_token": access, "public_token": access[::-1],
                              "refresh_token": "", "enctoken": "", "silo": "", "login_time": ist(self.clock.now())}

    @enveloped
    async def logout(self, request):
        token = request.query.get("access_token")
        if not self.known(request.query.get("api_key"), token):
            raise Refused(403)
        self.access_tokens.discard(token)
        return True

    @enveloped
    async def refresh(self, request):
        raise Refused(403, "The app is not allowed to refresh tokens.", "PermissionException")

    def user(self) -> dict:
        return {"user_id": "XX0000", "user_type": "individual", "email": "somebody@example.com",
                "user_name": "Some Body", "user_shortname": "Some", "broker": "ZERODHA", "avatar_url": None,
                "exchanges": ["NSE", "BSE", "NFO", "BFO", "CDS", "BCD", "MCX"],
                "products": ["CNC", "NRML", "MIS"], "order_types": ["MARKET", "LIMIT", "SL", "SL-M"],
                "meta": {"demat_consent": "consent"}}

    @enveloped
    async def profile(self, request):
        self.check(request, "other")
        return self.user()

    # Instruments and quotes

    @enveloped
    async def instruments(self, request):
        self.check(request, "other")
        exchange = request.match_info.get("exchange", "")
        if exchange and exchange not in {listing.exchange for listing in self.listings.values()}:
            raise Refused(400, "Invalid exchange.")
        if exchange not in self.dumps:
            self.dumps[exchange] = self.dump(exchange).encode()
        body, headers = self.dumps[exchange], {"Content-Type": "text/csv"}
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            body, headers["Content-Encoding"] = gzip.compress(body, mtime=0), "gzip"
        return web.Response(body=body, headers=headers)

    def dump(self, exchange: str) -> str:
        text = io.StringIO()
        table = csv.writer(text)  # CRLF, as the live dump has it.
        table.writerow(COLUMNS)
        for listing in self.listings.values():
            if exchange in ("", listing.exchange):
                kind = {"future": "FUT", "option": listing.right}.get(listing.kind, "EQ")
                segment = listing.exchange if kind == "EQ" else \
                    f"{listing.exchange}-{'FUT' if kind == 'FUT' else 'OPT'}"
                if listing.kind == "index":
                    segment = "INDICES"
                table.writerow([
                    listing.kite_token, listing.exchange_token, listing.symbol, listing.name, 0,
                    listing.expiry or "", plain(listing.strike), 0 if listing.kind == "index" else listing.tick,
                    0 if listing.kind == "index" else listing.lot, kind, segment, listing.exchange])
        return text.getvalue()

    def asked(self, request, most: int) -> list[tuple[str, str]]:
        """(as asked, key) of the instruments there are; the others are silently missing."""
        self.check(request, "quote")
        asked = request.query.getall("i", [])
        if not asked or len(asked) > most:
            raise Refused(400, f"Between 1 and {most} instruments may be asked for.")
        keys = [(text, self.keys.get(int(text)) if text.isdigit() else text) for text in asked]
        return [(text, key) for text, key in keys if key in self.listings]

    def brief(self, key: str) -> tuple[dict, State]:
        state = self.market.state(key)
        return {"instrument_token": self.listings[key].kite_token, "last_price": plain(state.last)}, state

    @staticmethod
    def day(state: State) -> dict:
        return {name: plain(getattr(state, name)) for name in ("open", "high", "low", "close")}

    @enveloped
    async def ltp(self, request):
        return {text: self.brief(key)[0] for text, key in self.asked(request, 1000)}

    @enveloped
    async def ohlc(self, request):
        found = {text: self.brief(key) for text, key in self.asked(request, 1000)}
        return {text: brief | {"ohlc": self.day(state)} for text, (brief, state) in found.items()}

    @enveloped
    async def quote(self, request):
        return {text: self.full_quote(key) for text, key in self.asked(request, 500)}

    def full_quote(self, key: str) -> dict:
        brief, state = self.brief(key)
        quote = brief | {"timestamp": ist(state.time), "net_change": 0, "ohlc": self.day(state)}
        if self.listings[key].kind == "index":
            return quote
        book = self.market.depth(Update(self.market.instruments[key], state))
        levels = {side: [{"price": plain(p), "quantity": q, "orders": o}
                         for p, q, o in (list(book[side]) + [(0.0, 0, 0)] * 5)[:5]] for side in ("buy", "sell")}
        return quote | {
            "last_trade_time": ist(state.trade_time), "last_quantity": state.quantity,
            "buy_quantity": sum(level["quantity"] for level in levels["buy"]) * 10,
            "sell_quantity": sum(level["quantity"] for level in levels["sell"]) * 10,
            "volume": state.volume, "average_price": plain(state.average), "oi": state.oi,
            "oi_day_high": state.oi_high, "oi_day_low": state.oi_low,
            "lower_circuit_limit": plain(round(state.close * 0.9, 2)),
            "upper_circuit_limit": plain(round(state.close * 1.1, 2)), "depth": levels,
        }

    # Candles

    @enveloped
    async def candles(self, request):
        self.check(request, "candles")
        token, interval = request.match_info["token"], request.match_info["interval"]
        key = self.keys.get(int(token)) if token.isdigit() else None
        if key is None:
            raise Refused(400, "invalid token")
        if interval not in SPANS:
            raise Refused(400, "invalid interval")
        start, end = (self.moment(request.query.get(name)) for name in ("from", "to"))
        minutes, days = SPANS[interval]
        if end - start > timedelta(days=days):
            raise Refused(400, f"interval exceeds max limit: {days} days")
        listing = self.listings[key]
        if request.query.get("continuous", "0") == "1" and (
                interval != "day" or listing.kind != "future" or listing.exchange not in ("NFO", "MCX")):
            raise Refused(400, "invalid params for continuous data")
        if interval == "day":
            bars = self.market.days(self.market.instruments[key], start.timestamp(), end.timestamp())
            bars = [bar for bar in bars if bar[0] >= start.timestamp()]
        else:
            bars = self.market.candles(key, start.timestamp(), end.timestamp(), minutes)
        extra = [self.market.state(key).oi] if request.query.get("oi", "0") == "1" else []
        return {"candles": [[datetime.fromtimestamp(bar[0], IST).strftime("%Y-%m-%dT%H:%M:%S%z"),
                             *map(plain, bar[1:5]), bar[5], *extra] for bar in bars]}

    @staticmethod
    def moment(text: str | None) -> datetime:
        for form in ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d"):
            try:
                return datetime.strptime(text or "", form).replace(tzinfo=IST)
            except ValueError:
                continue
        raise Refused(400, "invalid from or to date")


if __name__ == "__main__":
    main(FakeZerodha)

"""A fake of Finnhub: REST v1 and the trade WebSocket. README.md lists its settings."""

import argparse
import collections
import re
import time
import urllib.parse

from aiohttp import web

from fakekit import HTML, main
from finnhub_news import Refusal
from finnhub_replies import NO_ACCESS, PREMIUM, Replies
from finnhub_socket import Trades, compact
from misbehaviour import PlanError
from us_common import Choice, USFake

PER_SECOND = 30
PER_MINUTE = {"free": 60, "premium": 300}
TEXTS = {
    401: "Invalid API key",
    403: NO_ACCESS,
    422: "Wrong parameters",
    429: "API limit reached. Please try again later. Remaining Limit: 0",
}


class Budget:
    """Calls of one key: so many a minute by plan, and 30 a second for everybody."""

    def __init__(self, settings: dict):
        self.settings = settings
        self.used = 0
        self._window = 0
        self._second: collections.deque = collections.deque()

    @property
    def limit(self) -> int:
        return self.settings["calls"] or PER_MINUTE[self.settings["plan"]]

    def take(self, weight: int) -> bool:
        now = time.time()
        window = int(now // self.settings["minute_s"])
        if window != self._window:
            self._window, self.used = window, 0
        while self._second and self._second[0] <= now - 1:
            self._second.popleft()
        self._second.append(now)
        self.used += weight
        return self.used <= self.limit and len(self._second) <= PER_SECOND

    def headers(self) -> dict:
        return {
            "x-ratelimit-limit": str(self.limit),
            "x-ratelimit-remaining": str(max(0, self.limit - self.used)),
            "x-ratelimit-reset": str(int((self._window + 1) * self.settings["minute_s"])),
        }


class FakeFinnhub(USFake):
    vendor = "finnhub"
    vendor_kinds = {"invalid_symbol", "news"}
    SETTINGS = {
        "plan": Choice("premium", "free"),
        "keys": ["fakekey"],
        "refusal_status": Choice(403, 401),
        "refused_upgrade": Choice(401, 200, 403),
        "second_connection": Choice("closes_first", "refused", "opens_and_closes", "allowed"),
        "symbols": 50,
        "conditions": Choice("mixed", None, "missing"),
        "shuffled": False,
        "ping_s": 60,
        "websocket_ping": False,
        "calls": None,
        "weights": {},
        "minute_s": 60,
        "rate_headers": True,
        "identifiers": False,
        "error_status": Choice("real", 200),
        "file_type": Choice("application/json", "text/plain", "binary/octet-stream"),
        "file_host": "localhost",
    }

    def __init__(self, options: argparse.Namespace):
        super().__init__(options)
        self.replies = Replies(self.market, self.listings, self.settings)
        self.budgets: dict[str, Budget] = collections.defaultdict(lambda: Budget(self.settings))
        self.trades = Trades(self)

    def routes(self) -> list:
        return [web.get("/{path:.*}", self.call)]

    def wanted(self) -> list[str]:
        return self.trades.wanted()

    async def send_updates(self, updates) -> int:
        return await self.trades.send(updates)

    async def vendor_rule(self, rule) -> None:
        symbol = rule.options.get("symbol")
        if symbol not in self.replies.by_symbol:
            raise PlanError(f"{rule.what} needs a `symbol` that Finnhub has, not {symbol!r}")
        if rule.what == "news":
            await self.trades.send_news(symbol)
        else:
            until = rule.deadline or time.monotonic() + 10**9
            self.trades.invalid[symbol] = (until, rule.options.get("named", True))

    # Errors

    def error(self, status: int, request: web.Request | None = None, **facts) -> web.Response:
        """Faults of the server are pages; 200 is what an outage answers to an upgrade."""
        if status == 200:
            return web.Response(text="OK")
        if status >= 500:
            return web.Response(text=HTML, content_type="text/html", status=status)
        return self._refused(status, facts.get("message") or TEXTS.get(status, "Error"))

    def _refused(self, status: int, text: str) -> web.Response:
        hidden = self.settings["error_status"] == 200
        return self._json({"error": text}, 200 if hidden else status)

    @staticmethod
    def _json(body, status: int = 200) -> web.Response:
        return web.Response(text=compact(body), content_type="application/json", status=status)

    # Requests

    def token(self, request: web.Request) -> str:
        token = request.query.get("token") or request.headers.get("X-Finnhub-Token", "")
        return token if token in self.settings["keys"] else ""

    async def call(self, request: web.Request) -> web.StreamResponse:
        path = re.sub("/+", "/", "/" + request.match_info["path"])
        if path == "/":
            if request.headers.get("Upgrade", "").lower() == "websocket":
                return await self.trades.serve(request)
            return web.Response(text=HTML, content_type="text/html")
        if path.startswith("/files/"):
            return self._file(request)
        if not path.startswith("/api/v1/"):
            return self._elsewhere()
        token = self.token(request)
        if not token:
            empty = request.query.get("token") == "" or "X-Finnhub-Secret" in request.headers
            return self._refused(429, "Please sign up for a free API key.") if empty else self.error(401)
        call, budget = path.removeprefix("/api/v1/").rstrip("/"), self.budgets[token]
        within = budget.take(self.settings["weights"].get(call, 1)) or not self.options.limits
        response = self._reply(call, request) if within else self.error(429)
        if self.settings["rate_headers"]:
            response.headers.update(budget.headers())
        return response

    @staticmethod
    def _elsewhere() -> web.Response:
        """What is unknown leads to the front page."""
        return web.Response(status=302, headers={"Location": "/"}, text=HTML, content_type="text/html")

    def _reply(self, call: str, request: web.Request) -> web.Response:
        query = dict(request.query)
        free = self.settings["plan"] == "free"
        if free and call in PREMIUM:
            return self._refused(self.settings["refusal_status"], NO_ACCESS)
        try:
            if call == "stock/symbol":
                return self._symbols(query, free)
            if call not in self.replies.CALLS:
                return self._elsewhere()
            return self._json(self.replies.reply(call, query))
        except Refusal as refusal:
            return self._refused(refusal.status, refusal.text)

    def _symbols(self, query: dict, free: bool) -> web.Response:
        exchange = query.get("exchange", "").upper()
        if not exchange:
            return self._refused(422, "Missing parameters: exchange")
        if exchange != "US":
            return self._refused(401, NO_ACCESS) if free else self._json(self.replies.symbols(query))
        wanted = {name: value for name, value in query.items() if name in ("mic", "securityType", "currency")}
        signed = urllib.parse.urlencode(wanted | {"X-Amz-Expires": "60", "X-Amz-Signature": "5f1c0d7a9e"})
        host = f"{self.settings['file_host']}:{self.port}"
        return web.Response(status=302, headers={"Location": f"http://{host}/files/us.json?{signed}"})

    def _file(self, request: web.Request) -> web.Response:
        """The signed address: another host as far as a client can tell, which knows nothing of keys."""
        if "X-Amz-Signature" not in request.query:
            return web.Response(
                status=403, text="<Error><Code>AccessDenied</Code></Error>", content_type="application/xml"
            )
        rows = self.replies.symbols(dict(request.query) | {"exchange": "US"})
        return web.Response(text=compact(rows), content_type=self.settings["file_type"])


if __name__ == "__main__":
    main(FakeFinnhub)

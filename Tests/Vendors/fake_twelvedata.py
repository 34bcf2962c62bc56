"""A fake of TwelveData: REST and the price WebSocket. README.md lists its settings."""

import argparse
import asyncio
import collections
import csv
import datetime as dt
import io
import json
import pathlib
import time
import urllib.parse

from aiohttp import web

from fakekit import main
from misbehaviour import PlanError
from twelvedata_credits import COSTS, Credits
from twelvedata_replies import CALL_PLANS, MAX_SYMBOLS, PLANS, Replies
from twelvedata_series import Refusal, missing
from twelvedata_socket import Quotes
from us_common import Choice, USFake

INDICATORS = pathlib.Path(__file__).parent / "data" / "twelvedata_technical_indicators.json"
PRICING = "https://twelvedata.com/pricing"
TEXTS = {
    401: f"**apikey** parameter is incorrect or not specified. You can get your free API key instantly at {PRICING}.",
    403: f"This endpoint is not available with your plan. Consider upgrading your API key now at {PRICING}",
    404: "The requested URL was not found on the server. Please check its spelling and try again.",
    429: "You have run out of API credits for the current minute. 9 API credits were used, with the current limit "
    f"being 8. Wait for the next minute or consider upgrading your plan at {PRICING}",
}
#: Calls about one instrument, or a list of them; and calls about none.
PER_SYMBOL = (
    "quote",
    "price",
    "eod",
    "time_series",
    "exchange_rate",
    "earliest_timestamp",
    "profile",
    "logo",
    "press_releases",
)
BATCHES = ("quote", "price", "eod", "time_series", "exchange_rate")
PER_REQUEST = (
    "market_state",
    "exchange_schedule",
    "symbol_search",
    "stocks",
    "etfs",
    "forex_pairs",
    "cryptocurrencies",
)


class FakeTwelveData(USFake):
    vendor = "twelvedata"
    vendor_kinds = {"out_of_credits"}
    SETTINGS = {
        "plan": Choice("pro", "basic", "grow", "ultra"),
        "keys": ["fakekey"],
        "error_status": Choice("real", 200),
        "unknown_symbol": Choice(404, 400),
        "batch": Choice("wrapped", "flat"),
        "fails": Choice("objects", "strings"),
        "no_fails": Choice("null", "missing", "empty"),
        "refused_upgrade": Choice(401, 403, 200),
        "trial": Choice("silent", "fails"),
        "error_event": Choice("event", "bare"),
        "identifiers": False,
        "odd_values": False,
        "credit_headers": Choice(True, False, "garbage"),
        "credits": None,
        "daily_credits": None,
        "minute_s": 60,
        "day_s": 86400,
        "idle_s": 0,
    }

    def __init__(self, options: argparse.Namespace):
        super().__init__(options)
        self.replies = Replies(self.market, self.listings, self.settings)
        self.accounts: dict[str, Credits] = collections.defaultdict(lambda: Credits(self.settings))
        self.quotes = Quotes(self)
        self.indicators = json.loads(INDICATORS.read_text())

    def routes(self) -> list:
        return [
            web.get("/v1/quotes/price", self.quotes.serve),
            web.post("/batch", self.batch),
            web.get("/{call:.*}", self.call),
        ]

    def wanted(self) -> list[str]:
        return self.quotes.wanted()

    async def send_updates(self, updates) -> int:
        return await self.quotes.send(updates)

    async def vendor_rule(self, rule) -> None:
        window = rule.options.get("of", "minute")
        if window not in ("minute", "day"):
            raise PlanError(f"`of` is minute or day, not {window!r}")
        for key in self.settings["keys"]:
            self.accounts[key].exhaust(window)

    # Errors

    def error(self, status: int, request: web.Request | None = None, **facts) -> web.Response:
        code = facts.get("code") or (401 if status == 200 else status)
        text = facts.get("message") or TEXTS.get(code) or "Internal server error"
        return self._refused(Refusal(code, text), status)

    def _refused(self, refusal: Refusal, status: int | None = None) -> web.Response:
        """By setting the HTTP status hides the vendor's refusals; faults of the server keep theirs."""
        status = status or refusal.code
        hidden = self.settings["error_status"] == 200 and status < 500
        return web.json_response(refusal.body(), status=200 if hidden else status)

    # Requests

    def key(self, request: web.Request, query: dict) -> str:
        """The key of a header or of the query; no case matters in the scheme's name."""
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        key = key.strip() if scheme.lower() == "apikey" else query.get("apikey", "")
        return key if key in self.settings["keys"] else ""

    async def call(self, request: web.Request) -> web.Response:
        query = {name.lower(): value for name, value in request.query.items()}
        call, key = request.match_info["call"].strip("/").lower(), self.key(request, query)
        if not key:
            return self.error(401, request)
        account = self.accounts[key]
        try:
            body, batch = self.reply(account, call, query)
        except Refusal as refusal:
            return self._counted(self._refused(refusal), account)
        if query.get("format", "").upper() == "CSV" and "values" in body:
            return self._counted(self._csv(body["values"], query.get("delimiter", ";")), account)
        response = web.json_response(body)
        if batch:
            response.headers["Is_batch"] = "true"
        return self._counted(response, account)

    def _counted(self, response: web.Response, account: Credits) -> web.Response:
        if self.settings["credit_headers"] == "garbage":
            response.headers["api-credits-used"] = response.headers["api-credits-left"] = "unknown"
        elif self.settings["credit_headers"]:
            response.headers["api-credits-used"] = str(account.used)
            response.headers["api-credits-left"] = str(account.left)
        return response

    @staticmethod
    def _csv(values: list[dict], delimiter: str) -> web.Response:
        text = io.StringIO()
        writer = csv.DictWriter(text, list(values[0]), delimiter=delimiter, lineterminator="\n")
        writer.writeheader()
        writer.writerows(values)
        # The official client compares the whole header: no charset behind it.
        return web.Response(body=text.getvalue().encode(), headers={"Content-Type": "text/csv"})

    def reply(self, account: Credits, call: str, query: dict) -> tuple[dict | list, bool]:
        """The body, and whether it is keyed by symbol."""
        if call == "api_usage":
            self.charge(account, 1)
            return account.usage(dt.datetime.fromtimestamp(time.time(), dt.UTC).strftime("%Y-%m-%d %H:%M:%S")), False
        if call == "technical_indicators":
            self.charge(account, 1)
            return self.indicators, False
        if call not in PER_SYMBOL and call not in PER_REQUEST:
            raise Refusal(404, TEXTS[404])
        needed, cost = CALL_PLANS.get(call, "basic"), COSTS.get(call, 1)
        if PLANS.index(self.settings["plan"]) < PLANS.index(needed):
            plans = " or ".join(PLANS[PLANS.index(needed) :])
            text = f"/{call} is available exclusively with {plans} plans. Consider upgrading now at {PRICING}"
            raise Refusal(403, text)
        answer = getattr(self.replies, call)
        if call in PER_REQUEST:
            self.charge(account, cost)
            return answer(query), False
        symbols = list(dict.fromkeys(text.strip() for text in query.get("symbol", "").split(",") if text.strip()))
        if len(symbols) > MAX_SYMBOLS:
            raise Refusal(
                414, f"The **symbol** parameter holds {len(symbols)} items; at most {MAX_SYMBOLS} are allowed."
            )
        if len(symbols) < 2 or call not in BATCHES:
            if not symbols and not query.get("isin") and not query.get("figi"):
                raise missing("symbol")
            self.charge(account, cost)
            return answer(query, self.replies.wanted(query, symbols[0] if symbols else None)), False
        items = {}
        for number, symbol in enumerate(symbols):
            try:
                self.charge(account, cost)
                items[symbol] = answer(query, self.replies.wanted(query, symbol, batch=True))
            except Refusal as refusal:
                if refusal.code == 429 and number == 0:
                    raise
                items[symbol] = refusal.body()
        return items, True

    def charge(self, account: Credits, cost: int) -> None:
        if self.options.limits:
            account.take(cost)

    async def batch(self, request: web.Request) -> web.Response:
        query = {name.lower(): value for name, value in request.query.items()}
        key = self.key(request, query)
        if not key:
            return self.error(401, request)
        account = self.accounts[key]
        try:
            asked = await request.json()
            urls = {name: urllib.parse.urlsplit(item["url"]) for name, item in asked.items()}
        except (ValueError, TypeError, KeyError, AttributeError):
            return self._refused(
                Refusal(400, 'The body is an object of named requests, each {"url": "/time_series?…"}.')
            )
        data = {}
        for name, url in urls.items():
            inner = {k.lower(): v for k, v in urllib.parse.parse_qsl(url.query)}
            try:
                data[name] = ("success", self.reply(account, url.path.strip("/").lower(), inner)[0])
            except Refusal as refusal:
                data[name] = ("error", refusal.body())
            # A client that reads slowly must not stop the streams.
            await asyncio.sleep(0)
        if self.settings["batch"] == "wrapped":
            body = {
                "code": 200,
                "status": "success",
                "data": {n: {"status": s, "response": r} for n, (s, r) in data.items()},
            }
        else:
            body = {name: response for name, (_, response) in data.items()}
        return self._counted(web.json_response(body), account)


if __name__ == "__main__":
    main(FakeTwelveData)

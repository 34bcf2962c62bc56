"""The feed V3 of the fake Upstox: authorization in two ways, subscriptions, snapshots and partial updates."""

import asyncio
import json
from datetime import datetime

from aiohttp import web

import upstoxwire
from fakemarket import State, Update
from india import IST
from misbehaviour import PlanError

SOCKET = "/market-data-feeder/v3/upstox-developer-api/feeds"
#: mode: (word in requestMode, keys with one mode only, keys when modes are mixed)
MODES = {"ltpc": ("ltpc", 5000, 2000), "option_greeks": ("option_greeks", 3000, 2000), "full": ("full_d5", 2000, 1500),
         "full_d30": ("full_d30", 50, 1500)}
SEGMENTS = {"NSE_EQ": "NSE", "NSE_FO": "NSE", "NSE_INDEX": "NSE", "NSE_COM": "MCX", "BSE_EQ": "NSE", "BSE_FO": "NSE",
            "BSE_INDEX": "NSE", "NCD_FO": "CDS", "BCD_FO": "CDS", "MCX_FO": "MCX", "MCX_INDEX": "MCX"}
KEYS_A_FRAME = 100


def greeks(state: State, right: str) -> dict:
    """Numbers that look like an option's and move with its price; nobody shall trade on them."""
    delta = round(min(0.95, 0.3 + state.last / 1000), 4)
    return {"delta": delta if right == "CE" else -delta, "theta": -9.3218, "gamma": 0.0007, "vega": 14.2271,
            "rho": 3.1112 if right == "CE" else -3.1112}


class Feed:
    """A part of FakeUpstox, whose members it uses."""

    def feed_routes(self) -> list:
        return [web.get("/v3/feed/market-data-feed", self.redirected),
                web.get("/v3/feed/market-data-feed/authorize", self.authorized), web.get(SOCKET, self.feed)]

    # Authorization

    def one_time_url(self) -> str:
        self.codes_made += 1
        code = f"{self.random.getrandbits(64):016x}-{self.codes_made}"
        self.codes[code] = self.clock.now()
        return f"ws://127.0.0.1:{self.port}{SOCKET}?requestId={self.random.getrandbits(48):012x}&code={code}"

    async def redirected(self, request):
        refusal = self.refusal(request)
        return refusal or web.Response(status=302, headers={"Location": self.one_time_url()})

    async def authorized(self, request):
        refusal = self.refusal(request)
        if refusal:
            return refusal
        url = self.one_time_url()
        return web.json_response({"status": "success", "data": {"authorized_redirect_uri": url,
                                                                "authorizedRedirectUri": url}})

    # The socket

    async def feed(self, request):
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return self.error(400, request, code="UDAPI10000")
        if self.codes.pop(request.query.get("code", ""), None) is None:
            return self.error(403, request)
        if len(self.connections) >= (5 if self.options.account == "plus" else 2):
            return self.error(429, request)
        connection = await self.open_connection(request, compress=True)
        connection.state = {"modes": {}, "whole": set()}
        await self.send_market_info(connection)
        await connection.ping()
        self.ready(connection)
        beat = asyncio.get_running_loop().create_task(self.keep_pinging(connection))
        try:
            async for message in connection.messages():
                if isinstance(message, bytes):  # The vendor hears binary frames only.
                    await self.heard(connection, message)
        finally:
            beat.cancel()
            self.end_connection(connection)
        return connection.web

    async def keep_pinging(self, connection):
        while connection.usable:
            await asyncio.sleep(self.options.ping)
            await connection.ping()

    async def heard(self, connection, message):
        try:
            request = json.loads(message)
            method, data = request["method"], request["data"]
            keys, mode = [str(key) for key in data["instrumentKeys"]], data.get("mode")
        except (ValueError, KeyError, TypeError):
            return
        modes, whole = connection.state["modes"], connection.state["whole"]
        if method == "unsub":
            for key in keys:
                modes.pop(key, None)
                whole.discard(key)
            return
        if method not in ("sub", "change_mode") or mode not in MODES:
            return
        if mode == "full_d30" and self.options.account != "plus":
            return
        if method == "change_mode":
            keys = [key for key in keys if key in modes]
        _, alone, mixed = MODES[mode]
        room = alone if set(modes.values()) <= {mode} else mixed
        taken = []
        for key in keys:
            if key in modes or sum(m == mode for m in modes.values()) < room:
                modes[key] = mode
                whole.discard(key)
                taken.append(key)
        snapshots = [Update(self.market.instruments[key], self.market.state(key))
                     for key in taken if key in self.market.instruments]
        await self.send_feeds(connection, snapshots, "initial_feed")

    # What is sent

    def wanted(self):
        keys = {key for c in self.connections.values() for key in c.state.get("modes", ())}
        return sorted(keys & self.market.instruments.keys())

    async def send_updates(self, updates):
        reached = 0
        for connection in list(self.connections.values()):
            reached += await self.send_feeds(connection, updates, "live_feed")
        return reached

    async def send_feeds(self, connection, updates, kind: str) -> bool:
        """A frame holds a key once, so a second update of one key goes into the next frame."""
        modes, feeds, prints, sent = connection.state.get("modes", {}), {}, {}, False
        for update in updates:
            key = update.instrument.key
            if key not in modes:
                continue
            if key in feeds or len(feeds) >= KEYS_A_FRAME:
                await self.send_frame(connection, feeds, kind, prints)
                feeds = {}
            feeds[key] = self.feed_of(update, modes[key], key not in connection.state["whole"])
            prints[key] = update.state.book_seed
            connection.state["whole"].add(key)
            sent = True
        if feeds:
            await self.send_frame(connection, feeds, kind, prints)
        return sent

    async def send_frame(self, connection, feeds, kind, prints):
        now = int(self.clock.now() * 1000)
        frame = upstoxwire.encode("FeedResponse", {"type": kind, "feeds": feeds, "currentTs": now})
        await connection.send(frame, [{"instrument": key, "print": prints[key], "type": kind, "currentTs": now,
                                       "feed": feed} for key, feed in feeds.items()])

    def feed_of(self, update: Update, mode: str, whole: bool) -> dict:
        """A feed; after the first whole one, parts of a full feed that an update did not touch may be left out."""
        state, listing = update.state, update.instrument.facts["listing"]
        word = MODES[mode][0]
        ltpc = {"ltp": state.last, "ltt": int(state.trade_time * 1000), "ltq": state.quantity, "cp": state.close}
        if mode == "ltpc":
            return {"ltpc": ltpc, "requestMode": word}
        bars = {"ohlc": self.bars(update)}
        if mode != "option_greeks" and listing.kind == "index":
            return {"fullFeed": {"indexFF": {"ltpc": ltpc, "marketOHLC": bars}}, "requestMode": word}
        book = self.market.depth(update, 30 if mode == "full_d30" else 5)
        sides = [list(book["buy"]), list(book["sell"])]
        levels = [{"bidQ": bid[1], "bidP": bid[0], "askQ": ask[1], "askP": ask[0]} for bid, ask in
                  zip(*(side + [(0.0, 0, 0)] * (max(map(len, sides)) - len(side)) for side in sides))]
        numbers = {"vtt": state.volume, "oi": float(state.oi)}
        if listing.kind == "option":
            numbers |= {"iv": 0.1307, "optionGreeks": greeks(state, listing.right)}
        if mode == "option_greeks":
            first = levels[0] if levels else {}
            return {"firstLevelWithGreeks": {"ltpc": ltpc, "firstDepth": first} | numbers, "requestMode": word}
        feed = {"ltpc": ltpc, "vtt": state.volume}
        if whole or state.book_seed % 3 == 0:
            feed |= numbers | {"marketOHLC": bars, "atp": state.average,
                               "tbq": float(sum(level["bidQ"] for level in levels)),
                               "tsq": float(sum(level["askQ"] for level in levels))}
        if whole or state.book_seed % 3 != 1 or "depth" in state.changed:
            feed["marketLevel"] = {"bidAskQuote": levels}
        return {"fullFeed": {"marketFF": feed}, "requestMode": word}

    def bars(self, update: Update) -> list[dict]:
        state, now = update.state, self.clock.now()
        midnight = datetime.fromtimestamp(now, IST).replace(hour=0, minute=0, second=0, microsecond=0)
        minute = int(now // 60)
        bar = self.market.minutes.get(update.instrument.key, {}).get(minute) or [minute * 60, *[state.last] * 4, 0]
        return [{"interval": "1d", "open": state.open, "high": state.high, "low": state.low, "close": state.last,
                 "vol": state.volume, "ts": int(midnight.timestamp() * 1000)},
                {"interval": "I1", "open": bar[1], "high": bar[2], "low": bar[3], "close": bar[4], "vol": bar[5],
                 "ts": bar[0] * 1000}]

    # Market states

    def status(self, segment: str) -> str:
        given = self.statuses.get(segment) or self.statuses.get("*")
        session = self.sessions[SEGMENTS[segment]]
        return given or ("NORMAL_OPEN" if session.is_open(self.clock.now()) else "NORMAL_CLOSE")

    async def send_market_info(self, connection):
        now = int(self.clock.now() * 1000)
        statuses = {segment: self.status(segment) for segment in SEGMENTS}
        frame = {"type": "market_info", "currentTs": now, "marketInfo": {"segmentStatus": statuses}}
        await connection.send(upstoxwire.encode("FeedResponse", frame),
                              [{"type": "market_info", "currentTs": now, "segmentStatus": statuses}],
                              what="market_info")

    async def set_statuses(self, statuses: dict):
        for segment, status in statuses.items():
            if segment not in SEGMENTS and segment != "*" or status not in upstoxwire.STATUSES:
                raise PlanError(f"`status` takes segments ({', '.join(SEGMENTS)}, *) and words "
                                f"({', '.join(upstoxwire.STATUSES)}), not {segment!r}: {status!r}")
        self.statuses |= statuses
        for connection in list(self.connections.values()):
            await self.send_market_info(connection)

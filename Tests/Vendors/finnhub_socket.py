"""Finnhub's trade WebSocket: subscriptions without acknowledgement, mixed frames, pings, one connection a key."""

import asyncio
import json
import time

from aiohttp import web

from fakesocket import Connection
from us_instruments import volume

#: Trade conditions in turn: a list, none, no field at all, another list.
CONDITIONS = (["1"], None, ..., ["1", "12"], [])
NEVER_STREAMED = ("FXCM:", "FOREX.COM:", "FHFX:")


def compact(value) -> str:
    """JSON as Go writes it: no spaces, keys in order, `&`, `<` and `>` escaped."""
    text = json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


class Trades:
    """The sockets of one fake. `connection.state` has the sets `subscribed` (symbols) and `news` (symbols)."""

    def __init__(self, fake):
        self.fake = fake
        #: Symbols that are refused for a while, with when that ends and whether the error names them.
        self.invalid: dict[str, tuple[float, bool]] = {}

    async def serve(self, request: web.Request) -> web.StreamResponse:
        token = self.fake.token(request)
        if not token:
            return self.fake.error(self.fake.settings["refused_upgrade"], request)
        rule = self.fake.settings["second_connection"]
        others = [c for c in self.fake.connections.values() if c.state.get("token") == token and c.usable]
        if others and rule == "refused":
            return self.fake.error(429, request)
        if others and rule == "closes_first":
            for other in others:
                self.fake.spawn(other.reset())
        connection = await self.fake.open_connection(request)
        connection.state |= {"token": token, "subscribed": set(), "news": set()}
        self.fake.ready(connection)
        if others and rule == "opens_and_closes":
            self.fake.spawn(self._close_soon(connection))
        self.fake.spawn(self._ping(connection))
        try:
            async for text in connection.messages():
                await self._message(connection, text)
        finally:
            self.fake.end_connection(connection)
        return connection.web

    async def _close_soon(self, connection: Connection) -> None:
        await asyncio.sleep(0.3)
        await connection.reset()

    async def _ping(self, connection: Connection) -> None:
        """The vendor's sign of life when nothing else comes; by setting also the protocol's own ping."""
        seen, since = connection.frames, time.monotonic()
        while connection.usable:
            period = self.fake.settings["ping_s"]
            await asyncio.sleep(min(0.25, period / 4) if period else 0.25)
            now = time.monotonic()
            if connection.frames != seen:
                seen, since = connection.frames, now
            elif period and now - since >= period and connection.usable:
                await connection.send('{"type":"ping"}', what="ping")
                if self.fake.settings["websocket_ping"]:
                    await connection.ping(b"finnhub")
                seen, since = connection.frames, now

    async def _message(self, connection: Connection, text: str | bytes) -> None:
        try:
            message = json.loads(text)
            kind, symbol = message["type"], str(message["symbol"])
        except (ValueError, KeyError, TypeError):
            await self._error(connection, "Invalid message")
            return
        subscribed, news = connection.state["subscribed"], connection.state["news"]
        match kind:
            case "subscribe":
                await self._subscribe(connection, symbol)
            case "unsubscribe":
                subscribed.discard(symbol)
            case "subscribe-news" | "subscribe-pr" if self.fake.settings["plan"] == "free":
                await self._error(connection, "You don't have access to this resource.")
            case "subscribe-news":
                news.add(symbol)
            case "unsubscribe-news":
                news.discard(symbol)

    async def _subscribe(self, connection: Connection, symbol: str) -> None:
        subscribed = connection.state["subscribed"]
        until, named = self.invalid.get(symbol, (0.0, True))
        if time.monotonic() < until:
            await self._error(connection, f"Invalid symbol {symbol}" if named else "Invalid symbol")
        elif symbol not in subscribed and len(subscribed) >= self.fake.settings["symbols"]:
            await self._error(connection, "Subscribing to too many symbols")
        else:
            # An unknown symbol takes a place and stays silent.
            subscribed.add(symbol)

    async def _error(self, connection: Connection, text: str) -> None:
        await connection.send(compact({"msg": text, "type": "error"}), what="error")

    # What goes out

    def wanted(self) -> list[str]:
        symbols = set().union(*(c.state.get("subscribed", ()) for c in self.fake.connections.values()))
        known = self.fake.replies.by_symbol
        return sorted(
            known[symbol].key for symbol in symbols if symbol in known and not symbol.startswith(NEVER_STREAMED)
        )

    def item(self, update) -> dict:
        listing, state = update.instrument.facts["listing"], update.state
        item = {
            "p": state.last,
            "s": listing.fh_symbol,
            "t": int(round(state.trade_time * 1000)),
            "v": volume(listing, state.quantity) if listing.trades else 0,
        }
        conditions = self.fake.settings["conditions"]
        if conditions == "mixed":
            conditions = CONDITIONS[state.book_seed % len(CONDITIONS)]
        elif conditions == "missing":
            conditions = ...
        return item if conditions is ... else {"c": conditions, **item}

    async def send(self, updates) -> int:
        """One frame a connection, with the trades of all its symbols."""
        items = [
            (update.instrument.key, self.item(update))
            for update in updates
            if update.instrument.facts["listing"].fh_symbol
        ]
        reached = 0
        for connection in list(self.fake.connections.values()):
            subscribed = connection.state.get("subscribed", ())
            mine = [(key, item) for key, item in items if item["s"] in subscribed]
            if self.fake.settings["shuffled"]:
                mine.reverse()
            if mine:
                text = compact({"data": [item for _, item in mine], "type": "trade"})
                await connection.send(text, events=[{"instrument": key, **item} for key, item in mine])
                reached += 1
        return reached

    async def send_news(self, symbol: str) -> None:
        listing = self.fake.replies.by_symbol[symbol]
        today = time.strftime("%Y-%m-%d", time.gmtime(self.fake.clock.now()))
        items = self.fake.replies.company_news({"symbol": symbol, "from": "2000-01-01", "to": today}, "")[:1]
        for connection in list(self.fake.connections.values()):
            if symbol in connection.state.get("news", ()):
                event = {"instrument": listing.key, "news": items[0]["id"]}
                await connection.send(compact({"data": items, "type": "news"}), events=[event])

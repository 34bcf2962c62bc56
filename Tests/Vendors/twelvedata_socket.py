"""TwelveData's price WebSocket: subscriptions, price events, heartbeats, and the limits of a key's connections."""

import asyncio
import json
import time

from aiohttp import web

from fakesocket import Connection
from us_instruments import CURRENCY_NAMES, Listing, volume

CONNECTIONS = {"basic": 1, "grow": 1, "pro": 3, "ultra": 3}
SYMBOLS = {"basic": 8, "grow": 8, "pro": 1500, "ultra": 10_000}
#: All that the two smallest plans may stream.
TRIAL = ("AAPL", "TSLA", "SPY", "QQQ", "EUR/USD", "USD/JPY", "BTC/USD", "ETH/USD")
CLIENT_EVENTS_PER_MINUTE = 100
#: Shares whose price events carry bid and ask as well.
QUOTED = ("AAPL", "MSFT", "SPY")


class Quotes:
    """The sockets of one fake. `connection.state["subscribed"]` is the set of keys that a connection streams."""

    def __init__(self, fake):
        self.fake = fake

    async def serve(self, request: web.Request) -> web.StreamResponse:
        key = self.fake.key(request, {name.lower(): value for name, value in request.query.items()})
        if not key:
            status = self.fake.settings["refused_upgrade"]
            return self.fake.error(status, request, code=401 if status == 200 else status)
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return self.fake.error(400, request, message="This address takes WebSocket connections only.")
        same = [c for c in self.fake.connections.values() if c.state.get("key") == key and c.usable]
        for oldest in same[: max(0, len(same) + 1 - CONNECTIONS[self.fake.settings["plan"]])]:
            self.fake.spawn(oldest.close(1008, "connection limit"))
        connection = await self.fake.open_connection(request)
        connection.state |= {"key": key, "subscribed": set(), "heard": time.monotonic(), "actions": []}
        self.fake.ready(connection)
        self.fake.spawn(self._drop_when_idle(connection))
        try:
            async for text in connection.messages():
                connection.state["heard"] = time.monotonic()
                await self._message(connection, text)
        finally:
            self.fake.end_connection(connection)
        return connection.web

    async def _drop_when_idle(self, connection: Connection) -> None:
        while connection.usable:
            await asyncio.sleep(0.25)
            idle = self.fake.settings["idle_s"]
            if idle and time.monotonic() - connection.state["heard"] > idle:
                await connection.close(1001, "idle")

    async def _message(self, connection: Connection, text: str | bytes) -> None:
        now, actions = time.monotonic(), connection.state["actions"]
        actions[:] = [at for at in actions if at > now - 60] + [now]
        if self.fake.options.limits and len(actions) > CLIENT_EVENTS_PER_MINUTE:
            await self._error(connection, 429, "Too many events were sent in the current minute")
            return
        try:
            message = json.loads(text)
            action, symbols = message.get("action"), (message.get("params") or {}).get("symbols") or []
        except (ValueError, AttributeError):
            await self._error(connection, 400, "The message is not a JSON object with an action")
            return
        match action:
            case "heartbeat":
                await connection.send('{"event":"heartbeat","status":"ok"}', what="heartbeat")
            case "subscribe":
                await self._subscribe(connection, symbols)
            case "unsubscribe":
                gone = [listing for _, listing in self._asked(symbols) if listing]
                connection.state["subscribed"] -= {listing.key for listing in gone}
                await self._status(connection, "unsubscribe-status", gone, [])
            case "reset":
                connection.state["subscribed"] = set()
                await connection.send('{"event":"reset-status","status":"ok"}', what="status")
            case _:
                await self._error(connection, 400, f"Unknown action: {action}")

    async def _error(self, connection: Connection, code: int, text: str) -> None:
        body = {"status": "error", "code": code, "message": text}
        if self.fake.settings["error_event"] == "event":
            body = {"event": "error"} | body
        await connection.send(json.dumps(body), what="error")

    # Subscriptions

    def _asked(self, symbols) -> list[tuple[str | dict, Listing | None]]:
        """What was asked for as it was written, in the short form (a text with commas) or the long one (objects)."""
        items = [item for item in symbols.split(",") if item.strip()] if isinstance(symbols, str) else symbols
        found = []
        for item in items:
            if isinstance(item, dict):
                named = {name: str(item.get(name) or "") for name in ("exchange", "mic_code", "country", "type")}
                found.append((item, self.fake.replies.find(str(item.get("symbol", "")), **named)))
            else:
                found.append((item, self.fake.replies.find(str(item))))
        return found

    async def _subscribe(self, connection: Connection, symbols) -> None:
        plan, success, fails = self.fake.settings["plan"], [], []
        subscribed = connection.state["subscribed"]
        others = sum(
            len(c.state.get("subscribed", ()))
            for c in self.fake.connections.values()
            if c is not connection and c.state.get("key") == connection.state["key"]
        )
        for item, listing in self._asked(symbols):
            if listing is None or (self.fake.settings["trial"] == "fails" and not self._allowed(listing)):
                fails.append(item)
            elif listing.key not in subscribed and len(subscribed) + others >= SYMBOLS[plan]:
                fails.append(item)
            else:
                success.append(listing)
                subscribed.add(listing.key)
        await self._status(connection, "subscribe-status", success, fails)

    def _allowed(self, listing: Listing) -> bool:
        return SYMBOLS[self.fake.settings["plan"]] > 8 or listing.key in TRIAL

    async def _status(self, connection: Connection, event: str, success: list[Listing], fails: list) -> None:
        body = {
            "event": event,
            "status": "error" if fails and not success else "ok",
            "success": [
                {"symbol": l.td_symbol, "exchange": l.venue, "mic_code": l.mic, "country": l.country, "type": l.td_type}
                for l in success
            ],
        }
        none = self.fake.settings["no_fails"]
        if fails and self.fake.settings["fails"] == "objects":
            body["fails"] = [item if isinstance(item, dict) else {"symbol": item} for item in fails]
        elif fails:
            body["fails"] = [item["symbol"] if isinstance(item, dict) else item for item in fails]
        elif none != "missing":
            body["fails"] = None if none == "null" else []
        await connection.send(json.dumps(body), what="status")

    # Prices

    def wanted(self) -> list[str]:
        return sorted(set().union(*(c.state.get("subscribed", ()) for c in self.fake.connections.values())))

    def event(self, update) -> dict:
        listing, state = update.instrument.facts["listing"], update.state
        event = {"event": "price", "symbol": listing.td_symbol}
        if listing.is_pair:
            event |= {"currency_base": CURRENCY_NAMES[listing.base], "currency_quote": CURRENCY_NAMES[listing.currency]}
        else:
            event["currency"] = listing.currency
        if listing.venue:
            event["exchange"] = listing.venue
        if listing.mic:
            event["mic_code"] = listing.mic
        event |= {"type": listing.td_type, "timestamp": int(state.time), "price": state.last}
        if listing.is_pair or listing.key in QUOTED:
            book = self.fake.market.depth(update)
            if book["buy"] and book["sell"]:
                event |= {"bid": book["buy"][0][0], "ask": book["sell"][0][0]}
        if listing.kind != "forex":
            event["day_volume"] = int(volume(listing, state.volume))
        return event

    async def send(self, updates) -> int:
        reached = set()
        for update in updates:
            listing = update.instrument.facts["listing"]
            if not listing.td_symbol or not self._allowed(listing):
                continue
            event = self.event(update)
            text = json.dumps(event)
            for connection in list(self.fake.connections.values()):
                if listing.key in connection.state.get("subscribed", ()):
                    await connection.send(text, events=[{"instrument": listing.key, **event}])
                    reached.add(connection.number)
        return len(reached)

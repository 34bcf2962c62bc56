"""The binary ticker of the fake Zerodha: subscriptions, modes, snapshots, keep-alives."""

import asyncio
import json
from collections import Counter

import kitewire
from fakemarket import Update

TOKENS_A_CONNECTION, CONNECTIONS, PACKETS_A_FRAME = 3000, 3, 200


class Ticker:
    """A part of FakeZerodha, whose members it uses."""

    async def ticker(self, request):
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return self.error(404, request)
        if not self.known(request.query.get("api_key"), request.query.get("access_token")):
            return self.error(403, request)
        if len(self.connections) >= CONNECTIONS:
            return self.error(429, request)
        connection = await self.open_connection(request)
        connection.state = {"modes": {}, "counted": Counter()}
        self.ready(connection)
        beat = asyncio.get_running_loop().create_task(self.keep_alive(connection))
        try:
            async for message in connection.messages():
                await self.heard(connection, message)
        finally:
            beat.cancel()
            self.end_connection(connection)
        return connection.web

    async def keep_alive(self, connection):
        seen = -1
        while connection.usable:
            if connection.frames == seen:
                await connection.send(b"\x00", what="keepalive")
            seen = connection.frames
            await asyncio.sleep(self.options.keepalive)

    async def heard(self, connection, message):
        try:
            request = json.loads(message)
            action, value = request["a"], request["v"]
            mode, tokens = value if action == "mode" else (None, value)
        except (ValueError, KeyError, TypeError):
            return  # The vendor says nothing to what it does not understand.
        modes, counted = connection.state["modes"], connection.state["counted"]
        tokens = [token for token in tokens if type(token) is int]
        if action == "subscribe":
            room = TOKENS_A_CONNECTION - counted.total()
            if len(tokens) > room:
                await connection.send(json.dumps({"type": "error", "data": "Subscription limit exceeded"}),
                                      what="text")
            tokens = tokens[:room]
            for token in tokens:
                counted[token] += 1
                modes.setdefault(token, "quote")
            await self.send_packets(connection, self.snapshots(tokens))
        elif action == "unsubscribe":
            for token in tokens:
                modes.pop(token, None)
                counted.pop(token, None)
        elif action == "mode" and mode in ("ltp", "quote", "full"):
            tokens = [token for token in tokens if token in modes]
            modes.update(dict.fromkeys(tokens, mode))
            await self.send_packets(connection, self.snapshots(tokens))

    def snapshots(self, tokens: list[int]) -> list[Update]:
        keys = [self.keys[token] for token in tokens if token in self.keys]
        return [Update(self.market.instruments[key], self.market.state(key)) for key in keys]

    def wanted(self):
        tokens = {token for c in self.connections.values() for token in c.state.get("modes", ())}
        return sorted(self.keys[token] for token in tokens if token in self.keys)

    async def send_updates(self, updates):
        reached = 0
        for connection in list(self.connections.values()):
            reached += await self.send_packets(connection, updates)
        return reached

    async def send_packets(self, connection, updates) -> bool:
        modes, made = connection.state.get("modes", {}), []
        for update in updates:
            token = self.listings[update.instrument.key].kite_token
            if token in modes:
                made.append(kitewire.packet(self.market, token, modes[token], update))
        for start in range(0, len(made), PACKETS_A_FRAME):
            some = made[start:start + PACKETS_A_FRAME]
            packets = [body for body, _ in some]
            if self.unknown_packets > 0:
                self.unknown_packets -= 1
                packets.insert(len(packets) // 2, self.random.randbytes(50))
            await connection.send(kitewire.frame(packets), [said for _, said in some])
        return bool(made)

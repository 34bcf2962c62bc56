"""One client's WebSocket at a fake, and everything that can be made to go wrong on it.

Every frame goes into the fake's log with the events it carries and whether the client can have received it: the log is
the ground truth that a journal is compared with.
"""

import asyncio
import fcntl
import random
import socket
import struct
import termios
import time

from aiohttp import WSMsgType, web

from misbehaviour import Rule


class Connection:
    """`send` is the only way out, so that order, faults and log cannot disagree."""

    def __init__(self, fake, number: int, request: web.Request, compress: bool = False):
        self.fake = fake
        self.number = number
        self.request = request
        # Pings are answered here and not by aiohttp: a mute connection must not even pong.
        self.web = web.WebSocketResponse(autoping=False, compress=compress, max_msg_size=1 << 20)
        self.frames = 0
        self.state: dict = {}
        self.cut_next = False
        self.duplicates = 0
        self.reorders = 0
        self.held: tuple | None = None
        self.muted_until = 0.0
        self.broken = False
        self.last_payload: bytes = bytes(64)
        self._lock = asyncio.Lock()
        self._random = random.Random(f"{fake.options.seed} socket {number}")

    @property
    def muted(self) -> bool:
        return time.monotonic() < self.muted_until

    @property
    def usable(self) -> bool:
        return not self.broken and self.web.prepared and not self.web.closed

    async def messages(self):
        """The client's messages, as text or bytes, until it goes; pings are answered unless the socket is mute."""
        async for message in self.web:
            if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                self.fake.log_received(self, message.data)
                yield message.data
            elif message.type == WSMsgType.PING and self.usable and not self.muted:
                await self.web.pong(message.data)

    # Sending

    async def send(self, payload: str | bytes, events: list = (), what: str = "data") -> bool:
        """Sends one frame; false if the client cannot have received it."""
        async with self._lock:
            return await self._send(payload, events, what)

    async def ping(self, payload: bytes = b"") -> None:
        async with self._lock:
            if self.usable and not self.muted:
                await self._raw(lambda: self.web.ping(payload))
                self._log("ping", payload, [], True)

    async def _send(self, payload, events, what) -> bool:
        if not self.usable:
            self._log(what, payload, events, False, why="closed")
            return False
        if self.muted:
            if events:
                self._log(what, payload, events, False, why="mute")
            return False
        if what == "data":
            self.last_payload = payload if isinstance(payload, bytes) else payload.encode()
            if self.cut_next:
                self.cut_next = False
                self._cut(payload, events)
                return False
            if self.reorders > 0 and self.held is None:
                self.reorders -= 1
                self.held = (payload, events, what)
                asyncio.get_running_loop().call_later(1.0, self._release_later, self.held)
                return True
        sent = await self._frame(payload, events, what)
        if what == "data" and self.duplicates > 0:
            self.duplicates -= 1
            await self._frame(payload, events, what, flag="duplicate")
        if what == "data" and self.held is not None:
            await self._release()
        return sent

    async def _frame(self, payload, events, what, flag: str | None = None) -> bool:
        is_text = isinstance(payload, str)
        sent = await self._raw(lambda: self.web.send_str(payload) if is_text else self.web.send_bytes(payload))
        self._log(what, payload, events, sent, flag=flag, why=None if sent else "closed")
        return sent

    async def _release(self) -> None:
        (payload, events, what), self.held = self.held, None
        await self._frame(payload, events, what, flag="late")

    def _release_later(self, held) -> None:
        """A held frame goes out by itself when no other follows it."""
        async def release():
            async with self._lock:
                if self.held is held and self.usable:
                    await self._release()
        if self.held is held:
            self.fake.spawn(release())

    async def _raw(self, write) -> bool:
        try:
            await write()
            return True
        except (ConnectionError, RuntimeError):
            self.broken = True
            return False

    def _log(self, what, payload, events, delivered, flag=None, why=None) -> None:
        self.frames += 1
        self.fake.log_sent(self, what, len(payload), events, delivered, flag, why)

    # Faults

    def apply(self, rule: Rule) -> None:
        """Carries out a rule, or arms it for the next frames."""
        count = rule.remaining if rule.remaining is not None else 1
        match rule.what:
            case "cut":
                self.cut_next = True
            case "duplicate":
                self.duplicates += count
            case "reorder":
                self.reorders += count
            case "mute":
                self.muted_until = time.monotonic() + rule.options.get("for_s", 10**9)
            case "close":
                self.fake.spawn(self.close(rule.options.get("code", 1001), rule.options.get("reason", "")))
            case "reset":
                self.fake.spawn(self.reset())
            case "garbage_frame":
                self.fake.spawn(self.garbage(rule.options, count))

    async def close(self, code: int, reason: str = "") -> None:
        async with self._lock:
            if self.usable:
                self._drop_held()
                self._log("close", str(code), [], True)
                self.broken = True
                # Beside, as it waits for the client's own close and nothing else may wait for that.
                self.fake.spawn(self.web.close(code=code, message=reason.encode()))

    async def reset(self) -> None:
        """The TCP connection is reset between two frames."""
        async with self._lock:
            if self.usable:
                self._drop_held()
                self._log("reset", b"", [], True)
                self._abort_beside()

    async def cut_now(self) -> None:
        """Half of a frame that carries nothing new, then a reset."""
        async with self._lock:
            if self.usable:
                self._cut(self.last_payload, [])

    async def garbage(self, options: dict, count: int) -> None:
        for _ in range(count):
            if "hex" in options:
                payload = bytes.fromhex(options["hex"])
            elif options.get("text") is not None:
                payload = str(options["text"])
            else:
                payload = self._random.randbytes(self._random.randint(5, 200))
            await self.send(payload, what="garbage")

    def _cut(self, payload, events) -> None:
        self._drop_held()
        data = payload.encode() if isinstance(payload, str) else payload
        data = data if len(data) > 1 else bytes(64)
        opcode = 0x81 if isinstance(payload, str) else 0x82
        if len(data) < 126:
            header = struct.pack("!BB", opcode, len(data))
        else:
            header = struct.pack("!BBH", opcode, 126, min(len(data), 65535))
        transport = self.request.transport
        if transport is not None:
            transport.write(header + data[: len(data) // 2])
        self._log("half", data, events, False, why="cut")
        self._abort_beside()

    def _abort_beside(self) -> None:
        self.broken = True
        self.fake.spawn(self._abort())

    async def _abort(self) -> None:
        """Resets the connection, after what was sent before has left: a reset takes away only what the log says."""
        transport = self.request.transport
        if transport is None:
            return
        handle = transport.get_extra_info("socket")
        for _ in range(100):
            unsent = struct.unpack("i", fcntl.ioctl(handle.fileno(), termios.TIOCOUTQ, bytes(4)))[0]
            if unsent == 0 and transport.get_write_buffer_size() == 0:
                break
            await asyncio.sleep(0.02)
        # A receiver that polls may see the reset before it has read what came first.
        await asyncio.sleep(0.1)
        handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()

    def _drop_held(self) -> None:
        if self.held is not None:
            (payload, events, what), self.held = self.held, None
            self._log(what, payload, events, False, why="cut")

"""What the fake vendor servers have in common: process, control door, log, misbehaviours, market.

A fake is a subclass of `Fake` in its own file, run as `python fake_x.py [--seed N] [--rate R] …`. It listens on
127.0.0.1, prints `{"port": N}` as its first line and ends on SIGTERM or when its standard input, if that is a pipe,
closes. README.md describes the control door under /_fake/.
"""

import argparse
import asyncio
import collections
import itertools
import json
import os
import random
import signal
import stat
import sys
import time
from datetime import datetime

from aiohttp import web

from control import ControlDoor
from fakemarket import Clock, Market, Update
from fakesocket import Connection
from misbehaviour import HTTP_KINDS, UPGRADE_KINDS, PlanError, Rules, seeded_hour, seeded_plan
from tape import Tape

HTML = "<!doctype html><html><head><title>Service unavailable</title></head><body><h1>Sorry</h1></body></html>"
STEP_S = 0.05


class Fake(ControlDoor):
    """The base of a vendor: subclasses add routes, the shape of errors, and how an update looks on the wire."""

    vendor = "none"
    vendor_kinds: set[str] = set()

    def __init__(self, options: argparse.Namespace):
        self.options = options
        self.clock = Clock(options.start, options.speed, options.anchor)
        self.tape: Tape | None = None
        self.market = Market(options.seed, self.clock)
        self.random = random.Random(f"{options.seed} {self.vendor}")
        self.rules = Rules(self.vendor_kinds)
        self.connections: dict[int, Connection] = {}
        self.port = 0
        self.rate = options.rate
        self._pending: list = []
        self._numbers = itertools.count(1)
        self._connection_numbers = itertools.count(1)
        self._sent = collections.deque(maxlen=options.log_limit)
        self._requests = collections.deque(maxlen=options.log_limit)
        self._tasks: set = set()
        self._debt = 0.0

    # For subclasses

    @classmethod
    def add_arguments(cls, parser: argparse.ArgumentParser) -> None:
        """Adds the vendor's own options."""

    def routes(self) -> list:
        """The vendor's routes, as aiohttp's route definitions."""
        return []

    def error(self, status: int, request: web.Request | None = None, **facts) -> web.Response:
        """The vendor's own error reply for a status; used by the misbehaviours `status` and `rate_limit`."""
        return web.json_response({"error": f"status {status}"}, status=status)

    def wanted(self) -> list[str]:
        """Keys of the instruments that somebody is subscribed to now."""
        return []

    async def send_updates(self, updates: list[Update]) -> int:
        """Sends updates to whoever subscribed; says how many connections got something."""
        return 0

    async def vendor_rule(self, rule) -> None:
        """Carries out a misbehaviour out of `vendor_kinds`."""

    async def set_market(self, body: dict) -> None:
        """Takes what `POST /_fake/market` holds beyond `prices` and `rate`; unknown keys raise PlanError."""
        if body:
            raise PlanError(f"the market door knows `prices` and `rate`, not {', '.join(body)}")

    async def on_start(self) -> None:
        """Runs once, before the first request."""

    # Sockets

    def spawn(self, coroutine) -> None:
        """Runs something beside; failures are printed, not lost."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)

        def done(task):
            self._tasks.discard(task)
            if not task.cancelled() and task.exception() is not None:
                print(f"fake {self.vendor}: {task.exception()!r}", file=sys.stderr, flush=True)
        task.add_done_callback(done)

    async def open_connection(self, request: web.Request, compress: bool = False) -> Connection:
        """Upgrades a request; the caller then reads `messages()` and at the end calls `end_connection`."""
        connection = Connection(self, next(self._connection_numbers), request, compress)
        request["connection"] = connection.number
        await connection.web.prepare(request)
        self.connections[connection.number] = connection
        self._note("open", connection=connection.number)
        return connection

    def ready(self, connection: Connection) -> None:
        """To be called once the connection is greeted: faults that waited for a connection strike it."""
        waiting, self._pending = self._pending, []
        for rule in waiting:
            if rule.over():
                continue
            if rule.connection in (None, connection.number):
                connection.apply(rule)
            else:
                self._pending.append(rule)

    def end_connection(self, connection: Connection) -> None:
        self.connections.pop(connection.number, None)
        self._note("gone", connection=connection.number, code=connection.web.close_code)

    # Log

    def _note(self, what: str, **facts) -> int:
        number = next(self._numbers)
        # As text, which takes a fraction of the memory: hours of full books are kept.
        entry = {"n": number, "at": round(time.time(), 6), "what": what, **facts}
        self._sent.append((number, what, json.dumps(entry, separators=(",", ":"))))
        return number

    def log_sent(self, connection, what, size, events, delivered, flag, why) -> None:
        facts = {"connection": connection.number, "frame": connection.frames, "bytes": size,
                 "delivered": delivered, "events": list(events)}
        if flag:
            facts["flag"] = flag
        if why:
            facts["lost"] = why
        self._note(what, **facts)

    def log_received(self, connection, data) -> None:
        text = data if isinstance(data, str) else data.decode("utf-8", "replace")
        self._note("received", connection=connection.number, text=text, binary=isinstance(data, bytes))

    # Every request passes here

    @web.middleware
    async def _middleware(self, request, handler):
        if request.path.startswith("/_fake/"):
            try:
                return await handler(request)
            except (PlanError, KeyError, ValueError, TypeError) as error:
                return web.json_response({"error": str(error)}, status=400)
        body = (await request.read()).decode("utf-8", "replace") if request.can_read_body else ""
        record = {"n": next(self._numbers), "at": round(time.time(), 6), "method": request.method,
                  "path": request.path, "raw_path": request.raw_path, "query": list(request.query.items()),
                  "headers": dict(request.headers), "body": body, "what": "request", "status": None}
        self._requests.append(record)
        try:
            response = await self._answer(request, handler, record)
        except web.HTTPException as exception:
            response = self.error(exception.status, request) if exception.status >= 400 else exception
        record["status"] = response.status
        if "connection" in request:
            record["connection"] = request["connection"]
        return response

    async def _answer(self, request, handler, record):
        upgrade = request.headers.get("Upgrade", "").lower() == "websocket"
        if upgrade:
            rule = self.rules.take(UPGRADE_KINDS, request.path, request.method)
            if rule is not None:
                record["misbehaviour"] = rule.what
                return self._misbehaved(rule, request)
        slow = self.rules.take({"slow"}, request.path, request.method, explicit_only=upgrade)
        if slow is not None:
            record["misbehaviour"], record["slow"] = "slow", True
            await asyncio.sleep(slow.options.get("delay_s", 2.0))
        rule = self.rules.take(HTTP_KINDS - {"slow"}, request.path, request.method, explicit_only=upgrade)
        if rule is None:
            return await handler(request)
        record["misbehaviour"] = rule.what
        if rule.what == "truncate":
            return await self._truncated(request, await handler(request))
        return self._misbehaved(rule, request)

    def _misbehaved(self, rule, request) -> web.Response:
        given = rule.options
        match rule.what:
            case "status" | "refuse_upgrade":
                response = self.error(given.get("status", 403 if rule.what == "refuse_upgrade" else 500), request,
                                      **{k: v for k, v in given.items() if k in ("code", "message")})
            case "rate_limit":
                response = self.error(429, request)
                if given.get("retry_after") is not None:
                    response.headers["Retry-After"] = str(given["retry_after"])
            case "html":
                return web.Response(text=HTML, content_type="text/html", status=given.get("status", 200))
            case "redirect":
                response = web.Response(status=302, headers={"Location": given.get("location", "/moved/elsewhere")})
            case "garbage":
                size = given.get("bytes", 300)
                return web.Response(body=self.random.randbytes(size), content_type="application/json")
        if "body" in given:
            text = given["body"] if isinstance(given["body"], str) else json.dumps(given["body"])
            return web.Response(text=text, status=response.status, headers=response.headers)
        return response

    async def _truncated(self, request, response) -> web.StreamResponse:
        """The right length is promised, half of it comes, then the connection is gone."""
        body = response.body if isinstance(response.body, bytes) else b"{}"
        cut = web.StreamResponse(status=response.status, headers={"Content-Type": response.content_type})
        cut.content_length = len(body)
        await cut.prepare(request)
        await cut.write(body[: len(body) // 2])
        await asyncio.sleep(0.05)
        if request.transport is not None:
            request.transport.abort()
        return cut

    # Life

    async def _run_market(self) -> None:
        """What was subscribed once goes on trading while its client is away, or there would be nothing to heal."""
        trading: set[str] = set()
        while True:
            await asyncio.sleep(STEP_S)
            if self.tape is not None:
                await self._run_tape(self.tape)
                continue
            trading = trading.union(self.wanted()) if self.rate > 0 else set()
            if not trading:
                self._debt = 0.0
                continue
            self._debt += self.rate * STEP_S
            count, self._debt = int(self._debt), self._debt % 1
            if not count:
                continue
            keys = sorted(trading)
            updates = [self.market.walk(self.random.choice(keys)) for _ in range(count)]
            if not await self.send_updates(updates):
                self._note("unsent", events=[{"instrument": update.instrument.key, "last": update.state.last,
                                              "quantity": update.state.quantity, "time": update.state.time}
                                             for update in updates])

    async def _run_tape(self, tape: Tape) -> None:
        """What everybody is shown, or would be: the log has all of it, sent or not."""
        updates = tape.due(self.clock.now())
        if updates:
            self._note("tape", events=[{"instrument": update.instrument.path, "print": update.state.book_seed,
                                        "last": update.state.last, "quantity": update.state.quantity,
                                        "volume": update.state.volume, "time": update.state.time}
                                       for update in updates])
            await self.send_updates(updates)

    def _start_tape(self) -> None:
        given = self.options
        if given.tape is None:
            return
        if given.start is None:
            raise PlanError("a tape needs --start: when it begins on the fake's clock")
        try:
            self.tape = Tape(self.market, given.tape.split(","), given.tape_rate, given.start,
                             given.start + given.tape_seconds)
        except KeyError as error:
            raise PlanError(error.args[0]) from None

    def _plan(self) -> list[dict]:
        given = self.options
        plan = seeded_plan(given.seed, given.chaos) if given.chaos else []
        if given.plan == "seed":
            drawn = seeded_hour(given.seed, self.vendor, given.tape_seconds - given.tape_quiet)
            for item in drawn:
                # Drawn on the fake's clock, carried out by the real one.
                begin = self.clock.start + given.tape_quiet + item["after_s"]
                item["after_s"] = round((begin - self.clock.now()) / self.clock.speed, 3)
                if "for_s" in item:
                    item["for_s"] = round(item["for_s"] / self.clock.speed, 3)
            plan += drawn
        elif given.plan:
            with open(given.plan, encoding="utf-8") as file:
                plan += json.load(file)
        return plan

    async def run(self) -> None:
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, ended.set)
        if stat.S_ISFIFO(os.fstat(0).st_mode) or stat.S_ISSOCK(os.fstat(0).st_mode):
            loop.add_reader(0, lambda: os.read(0, 4096) or ended.set())
        application = web.Application(middlewares=[self._middleware], client_max_size=1 << 24)
        application.add_routes(self.door() + self.routes())
        # A thousand instruments in a query make a long line.
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.2,
                               max_line_size=1 << 17, max_field_size=1 << 16)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", self.options.port)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]
        await self.on_start()
        self._start_tape()
        self.spawn(self._run_market())
        plan = self._plan()
        for item in plan:
            self.rules.parse(item)
        self.spawn(self.order_later(plan))
        print(json.dumps({"port": self.port, "seed": self.options.seed, "plan": plan}), flush=True)
        await ended.wait()
        for task in list(self._tasks):
            task.cancel()
        for connection in list(self.connections.values()):
            if connection.request.transport is not None:
                connection.request.transport.abort()
        await runner.cleanup()


def main(fake: type[Fake], arguments: list[str] | None = None) -> None:
    """Runs a fake as a process."""
    parser = argparse.ArgumentParser(description=f"A fake of {fake.vendor} for tests; README.md describes it.")
    parser.add_argument("--port", type=int, default=0, help="default: a free one, printed on the first line")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("HUB_SEED", 1)))
    parser.add_argument("--rate", type=float, default=0.0, help="market events a second over all subscribed "
                        "instruments; 0: only what /_fake/publish is told")
    parser.add_argument("--plan", help="JSON file: list of {\"after_s\": 3, \"what\": \"mute\", …}; `seed`: every "
                        "misbehaviour and the death of tokens over the length of the tape, drawn by the seed")
    parser.add_argument("--chaos", type=float, default=0.0, metavar="SECONDS", help="every misbehaviour once in this "
                        "time, when and in which order by the seed")
    parser.add_argument("--start", type=lambda text: datetime.fromisoformat(text).timestamp(),
                        help="the fake's time at its start, ISO 8601 with offset; default: now")
    parser.add_argument("--anchor", type=float, help="the real moment, in epoch seconds, at which the clock shows "
                        "--start; the same for fakes that share a clock; default: when the fake starts")
    parser.add_argument("--tape", metavar="PATHS", help="instruments, comma-separated as NSE:INFY, that trade by "
                        "themselves from --start on, the same in every fake of this seed")
    parser.add_argument("--tape-rate", type=float, default=0.5, help="prints a second of each, on the fake's clock")
    parser.add_argument("--tape-seconds", type=float, default=3600.0, help="how long, on the fake's clock")
    parser.add_argument("--tape-quiet", type=float, default=0.0, help="how long before a seeded plan begins")
    parser.add_argument("--speed", type=float, default=1.0, help="how much faster than real time its clock runs")
    parser.add_argument("--no-limits", dest="limits", action="store_false", help="no rate limits")
    parser.add_argument("--log-limit", type=int, default=500_000, help="entries kept of each log")
    fake.add_arguments(parser)
    try:
        asyncio.run(fake(parser.parse_args(arguments)).run())
    except (PlanError, json.JSONDecodeError, OSError) as error:
        sys.exit(f"error: {error}")

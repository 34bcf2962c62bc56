"""The control door of a fake: how a test orders misbehaviours, moves the market and reads the logs."""

import asyncio
import json
import time

from aiohttp import web

from misbehaviour import SOCKET_KINDS, PlanError


class ControlDoor:
    """The routes under /_fake/; a part of `Fake`, whose members it uses."""

    def door(self) -> list:
        """The routes under /_fake/."""
        return [
            web.post("/_fake/misbehave", self._misbehave), web.delete("/_fake/misbehave", self._behave),
            web.get("/_fake/misbehave", self._orders), web.get("/_fake/log", self._log),
            web.get("/_fake/requests", self._log_requests), web.post("/_fake/publish", self._publish),
            web.post("/_fake/market", self._market), web.post("/_fake/cut", self._cut),
            web.get("/_fake/state", self._state),
        ]

    async def order(self, item: dict) -> int:
        """Takes one misbehaviour: for requests it waits for them, for sockets it strikes those that are open."""
        rule = self.rules.parse(item)
        self._note("order", order=rule.described())
        if rule.what in self.vendor_kinds:
            await self.vendor_rule(rule)
        elif rule.what in SOCKET_KINDS:
            targets = [c for c in self.connections.values() if rule.connection in (None, c.number)]
            for connection in targets:
                connection.apply(rule)
            if not targets:
                self._pending.append(rule)
        else:
            self.rules.add(rule)
        return rule.number

    async def _misbehave(self, request):
        body = await request.json()
        items = body if isinstance(body, list) else [body]
        for item in items:
            self.rules.parse(item)  # All or nothing: a bad one is refused before any is carried out.
        accepted = []
        for item in items:
            if item.get("after_s"):
                self.spawn(self.order_later([item]))
            else:
                accepted.append(await self.order(item))
        return web.json_response({"accepted": accepted})

    async def _behave(self, request):
        self.rules.clear()
        self._pending.clear()
        for connection in self.connections.values():
            connection.muted_until, connection.cut_next = 0.0, False
            connection.duplicates = connection.reorders = 0
        return web.json_response({"cleared": True})

    async def _orders(self, request):
        return web.json_response([r.described() for r in self.rules.rules + self._pending if not r.over()])

    async def order_later(self, plan: list[dict]) -> None:
        """Carries out a plan over time."""
        start = time.monotonic()
        for item in sorted(plan, key=lambda item: item.get("after_s", 0)):
            await asyncio.sleep(max(0, start + item.get("after_s", 0) - time.monotonic()))
            await self.order(item)

    def _page(self, request, entries: list[tuple]):
        """Entries are (number, what, JSON text)."""
        since, limit = int(request.query.get("from", 0)), int(request.query.get("limit", 1 << 30))
        kinds = set(request.query["what"].split(",")) if "what" in request.query else None
        found = [entry for entry in entries if entry[0] >= since and (kinds is None or entry[1] in kinds)][:limit]
        following = found[-1][0] + 1 if found else since
        first = entries[0][0] if entries else "null"
        return web.Response(content_type="application/json", text='{"next":%s,"first_kept":%s,"entries":[%s]}' % (
            following, first, ",".join(text for _, _, text in found)))

    async def _log(self, request):
        return self._page(request, self._sent)

    async def _log_requests(self, request):
        return self._page(request, [(entry["n"], "request", json.dumps(entry)) for entry in self._requests])

    async def _publish(self, request):
        body = await request.json()
        events = body["events"] if isinstance(body, dict) else body
        for event in events:
            if event.get("instrument") not in self.market.instruments:
                raise PlanError(f"no instrument {event.get('instrument')!r}; there are "
                                f"{', '.join(sorted(self.market.instruments))}")
        first = next(self._numbers)
        updates = [self.market.print(e["instrument"], **{k: v for k, v in e.items() if k != "instrument"})
                   for e in events]
        reached = await self.send_updates(updates)
        return web.json_response({"published": len(updates), "connections": reached, "from": first})

    async def _market(self, request):
        body = await request.json()
        for key, values in body.pop("prices", {}).items():
            if key not in self.market.instruments:
                raise PlanError(f"no instrument {key!r}")
            state = self.market.state(key)
            for name, value in values.items():
                if not hasattr(state, name):
                    raise PlanError(f"a price has no field {name!r}; there are {', '.join(vars(state))}")
                setattr(state, name, value)
        self.rate = body.pop("rate", self.rate)
        self.clock.delay = float(body.pop("delay", self.clock.delay))
        await self.set_market(body)
        return web.json_response({"rate": self.rate})

    async def _cut(self, request):
        body = await request.json() if request.can_read_body else {}
        how, number = body.get("how", "mid-frame"), body.get("connection")
        targets = [c for c in self.connections.values() if number in (None, c.number) and c.usable]
        for connection in targets:
            if how == "mid-frame":
                self.spawn(connection.cut_now())
            elif how == "reset":
                self.spawn(connection.reset())
            elif how == "close":
                self.spawn(connection.close(body.get("code", 1001), body.get("reason", "")))
            else:
                raise PlanError(f"`how` is mid-frame, reset or close, not {how!r}")
        return web.json_response({"cut": [c.number for c in targets]})

    async def _state(self, request):
        return web.json_response({
            "vendor": self.vendor, "now": self.clock.now(), "rate": self.rate, "wanted": self.wanted(),
            "next": next(self._numbers),
            "connections": [{"number": c.number, "frames": c.frames, "muted": c.muted, **c.state}
                            for c in self.connections.values()],
        }, dumps=lambda value: json.dumps(value, default=sorted))

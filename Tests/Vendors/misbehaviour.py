"""Misbehaviours on order: what a test asks a fake to do wrong, and for how long."""

import fnmatch
import itertools
import random
import time
from dataclasses import dataclass, field

HTTP_KINDS = {"status", "rate_limit", "slow", "html", "redirect", "garbage", "truncate"}
UPGRADE_KINDS = {"refuse_upgrade"}
SOCKET_KINDS = {"cut", "reset", "close", "mute", "duplicate", "reorder", "garbage_frame"}


class PlanError(ValueError):
    """A plan that cannot be carried out; the text says which item and why."""


@dataclass
class Rule:
    """One misbehaviour. `remaining` requests (or frames) are left; None means until cleared or until `deadline`."""

    number: int
    what: str
    routes: str | None = None
    method: str | None = None
    connection: int | None = None
    remaining: int | None = 1
    deadline: float | None = None
    options: dict = field(default_factory=dict)

    def over(self) -> bool:
        return self.remaining == 0 or (self.deadline is not None and time.monotonic() > self.deadline)

    def described(self) -> dict:
        return {"id": self.number, "what": self.what, "routes": self.routes, "next": self.remaining, **self.options}


class Rules:
    """The misbehaviours ordered so far, oldest first."""

    def __init__(self, vendor_kinds: set[str]):
        self.kinds = HTTP_KINDS | UPGRADE_KINDS | SOCKET_KINDS | vendor_kinds
        self.rules: list[Rule] = []
        self._numbers = itertools.count(1)

    def parse(self, item: dict) -> Rule:
        if not isinstance(item, dict) or "what" not in item:
            raise PlanError(f"a misbehaviour is an object with `what`, not {item!r}")
        if item["what"] not in self.kinds:
            raise PlanError(f"unknown misbehaviour {item['what']!r}; there are {', '.join(sorted(self.kinds))}")
        options = {k: v for k, v in item.items()
                   if k not in ("what", "routes", "method", "connection", "next", "for_s", "after_s")}
        lasts = item.get("for_s")
        return Rule(
            next(self._numbers), item["what"], item.get("routes"), item.get("method"), item.get("connection"),
            # A misbehaviour with a duration and no count hits everything in that time.
            item.get("next", None if lasts is not None else 1),
            time.monotonic() + lasts if lasts is not None else None,
            options | ({"for_s": lasts} if lasts is not None else {}),
        )

    def add(self, rule: Rule) -> None:
        self.rules.append(rule)

    def clear(self) -> None:
        self.rules.clear()

    def take(self, kinds: set[str], path: str, method: str, explicit_only: bool = False) -> Rule | None:
        """The first rule for this request, counted down; with `explicit_only` just those that name routes."""
        self.rules = [rule for rule in self.rules if not rule.over()]
        for rule in self.rules:
            if rule.what not in kinds or (explicit_only and rule.routes is None):
                continue
            if rule.routes is not None and not fnmatch.fnmatch(path, rule.routes):
                continue
            if rule.method is not None and rule.method.upper() != method:
                continue
            if rule.remaining is not None:
                rule.remaining -= 1
            return rule
        return None


class RateLimit:
    """At most `count` calls in any `seconds`; a little slack, as a client's spacing shrinks on the way."""

    def __init__(self, *windows: tuple[int, float]):
        self.windows = [(count, seconds * 0.95) for count, seconds in windows]
        self.calls: list[float] = []

    def allows(self) -> bool:
        """Whether a call may pass now. A refused call counts too: who hammers stays refused."""
        now = time.monotonic()
        longest = max(seconds for _, seconds in self.windows)
        self.calls = [t for t in self.calls if t > now - longest]
        self.calls.append(now)
        return all(sum(t > now - seconds for t in self.calls) <= count for count, seconds in self.windows)


#: What a seeded plan draws from; deaths of tokens are not in it, as somebody has to log in again after one.
CHAOS = [
    {"what": "status", "status": 401}, {"what": "status", "status": 403}, {"what": "status", "status": 500},
    {"what": "status", "status": 503, "next": 3}, {"what": "rate_limit"}, {"what": "rate_limit", "retry_after": 2},
    {"what": "slow", "delay_s": 3}, {"what": "html", "status": 502}, {"what": "redirect"}, {"what": "garbage"},
    {"what": "truncate"}, {"what": "refuse_upgrade", "status": 503}, {"what": "cut"}, {"what": "reset"},
    {"what": "close", "code": 1001}, {"what": "mute", "for_s": 8}, {"what": "duplicate", "next": 5},
    {"what": "reorder", "next": 3}, {"what": "garbage_frame"},
]


def seeded_plan(seed, seconds: float) -> list[dict]:
    """Every misbehaviour once in the given time, in an order and at times that depend on the seed alone."""
    chance = random.Random(f"{seed} plan")
    order = chance.sample(CHAOS, len(CHAOS))
    width = seconds / len(order)
    return [{"after_s": round((i + chance.random()) * width, 3), **item} for i, item in enumerate(order)]


#: Faults of one hour on the fake's clock: as CHAOS, with durations that a hub notices whatever the speed.
HOUR = [{**item, "for_s": 150} if item["what"] == "mute" else item for item in CHAOS]


def seeded_hour(seed, vendor: str, seconds: float) -> list[dict]:
    """A plan for vendors that stand in for each other; all draw from the same seed, so the plans fit together.

    First the preferred one (Upstox) does everything wrong once, then its tokens die and the next one does; near the end
    the tokens of all die. Refusals that make somebody log in come last of each, or the rest would not strike a feed
    that serves. The last tenth is without faults.
    """
    chance = random.Random(f"{seed} hour")
    death = seconds * chance.uniform(0.50, 0.54)
    end = seconds * chance.uniform(0.84, 0.87)
    spans = {"upstox": (seconds * 0.03, death), "zerodha": (death + seconds * 0.01, end - seconds * 0.02)}
    if vendor not in spans:
        raise PlanError(f"there is no plan of an hour for {vendor}; there are {', '.join(spans)}")
    own = random.Random(f"{seed} hour {vendor}")
    (first, last), order = spans[vendor], own.sample(HOUR, len(HOUR))
    order.sort(key=lambda item: item.get("status") in (401, 403))
    width = (last - first) / len(order)
    plan = [{"after_s": first + (i + own.random()) * width, **item} for i, item in enumerate(order)]
    if vendor == "upstox":
        plan.append({"after_s": death, "what": "token_death"})
    plan.append({"after_s": end + (seconds * 0.005 if vendor == "zerodha" else 0), "what": "token_death"})
    return [{**item, "after_s": round(item["after_s"], 3)} for item in plan]

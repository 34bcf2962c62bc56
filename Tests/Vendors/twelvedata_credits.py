"""TwelveData's credits: so many a wall-clock minute, on the smallest plan also so many a day."""

import time

from twelvedata_series import Refusal

PRICING = "https://twelvedata.com/pricing"
PER_MINUTE = {"basic": 8, "grow": 377, "pro": 1597, "ultra": 10946}
PER_DAY = {"basic": 800}
#: Calls that cost more than one credit.
COSTS = {"profile": 10, "statistics": 50, "exchange_schedule": 100, "time_series/cross": 5}


class Credits:
    """Counts for one key. `settings` gives the plan, and `minute_s` and `day_s` for tests that cannot wait so long."""

    def __init__(self, settings: dict):
        self.settings = settings
        self.used = self.used_today = 0
        self._window = self._day = 0

    @property
    def limit(self) -> int:
        return self.settings["credits"] or PER_MINUTE[self.settings["plan"]]

    @property
    def daily_limit(self) -> int | None:
        return self.settings["daily_credits"] or PER_DAY.get(self.settings["plan"])

    def _roll(self) -> None:
        window, day = int(time.time() // self.settings["minute_s"]), int(time.time() // self.settings["day_s"])
        if window != self._window:
            self._window, self.used = window, 0
        if day != self._day:
            self._day, self.used_today = day, 0

    @property
    def left(self) -> int:
        return max(0, self.limit - self.used)

    def take(self, cost: int) -> None:
        """Counts, then refuses: a refused call counts too."""
        self._roll()
        self.used += cost
        self.used_today += cost
        if self.daily_limit is not None and self.used_today > self.daily_limit:
            raise self._out("for the day", self.used_today, self.daily_limit, "day")
        if self.used > self.limit:
            raise self._out("for the current minute", self.used, self.limit, "minute")

    @staticmethod
    def _out(of: str, used: int, limit: int, window: str) -> Refusal:
        text = f"You have run out of API credits {of}. {used} API credits were used, with the current limit "
        plea = f"being {limit}. Wait for the next {window} or consider upgrading your plan at {PRICING}"
        return Refusal(429, text + plea)

    def exhaust(self, what: str) -> None:
        """Somebody else used the key."""
        self._roll()
        if what == "day":
            self.used_today = max(self.used_today, self.daily_limit or 800)
            self.settings["daily_credits"] = self.daily_limit or 800
        else:
            self.used = max(self.used, self.limit)

    def usage(self, timestamp: str) -> dict:
        body = {"timestamp": timestamp, "current_usage": self.used, "plan_limit": self.limit}
        if self.daily_limit is not None:
            body |= {"daily_usage": self.used_today, "plan_daily_limit": self.daily_limit}
        return body | {"plan_category": self.settings["plan"]}

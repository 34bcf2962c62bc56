"""A tape: one market for several fakes. Two fakes with the same seed, clock and tape have the same prints.

The moments of an instrument's prints and its path depend on the seed and the tape's beginning alone, not on who is
subscribed or how fast the fake's process runs: what one vendor lost, the other one sent.
"""

import math
import random

from fakemarket import Market, Update


class Tape:
    """Prints of some instruments (named by `path`), about `rate` a second each, from `start` until `end`."""

    def __init__(self, market: Market, paths: list[str], rate: float, start: float, end: float):
        self.market = market
        self.rate = rate
        self.end = end
        by_path = {instrument.path: key for key, instrument in market.instruments.items()}
        unknown = [path for path in paths if path not in by_path]
        if unknown:
            raise KeyError(f"the tape has no {', '.join(unknown)}; there are {', '.join(sorted(by_path))}")
        self.keys = {by_path[path]: random.Random(f"{market.seed} tape {path}") for path in paths}
        self.next = {}
        for key, chance in self.keys.items():
            market.begin(key, start)
            self.next[key] = self._after(start, chance)

    def _after(self, moment: float, chance: random.Random) -> float:
        """Whole milliseconds, as the vendors tell no less, and never two prints in one."""
        wait = max(0.001, chance.expovariate(self.rate))
        return math.ceil((moment + wait) * 1000) / 1000

    def due(self, now: float) -> list[Update]:
        """The prints until now, in the order of their times."""
        out = []
        while True:
            key = min(self.next, key=self.next.get)
            moment = self.next[key]
            if moment > min(now, self.end):
                return out
            self.next[key] = self._after(moment, self.keys[key])
            out.append(self.market.walk(key, time=moment))

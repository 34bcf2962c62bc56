"""A small market: instruments whose prices walk at random, the same way for the same seed.

The past is a function of seed, instrument and time, so that any candle can be asked for at any time and twice gives the
same. What happens while the fake runs replaces it: live minutes are folded out of the prints that were really made.
"""

import hashlib
import math
import random
import struct
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

BLOCK = 15  # minutes; candles are drawn by blocks, so that a decade of days costs little
WAVES = ((26 * 250, 0.10), (26 * 40, 0.05), (96, 0.01), (26, 0.006))  # length in blocks, height of the base


@dataclass(frozen=True)
class Session:
    """Daily trading hours. `open` and `close` are minutes of the day; a market round the clock has 0 and 1440."""

    zone: str
    open: int
    close: int
    weekdays: tuple = (0, 1, 2, 3, 4)

    def is_open(self, moment: float) -> bool:
        local = datetime.fromtimestamp(moment, ZoneInfo(self.zone))
        return local.weekday() in self.weekdays and self.open <= local.hour * 60 + local.minute < self.close


NSE = Session("Asia/Kolkata", 555, 930)
MCX = Session("Asia/Kolkata", 540, 1410)
CDS = Session("Asia/Kolkata", 540, 1020)
US = Session("America/New_York", 570, 960)
FOREX = Session("UTC", 0, 1440)
ALWAYS = Session("UTC", 0, 1440, (0, 1, 2, 3, 4, 5, 6))


@dataclass
class Instrument:
    """`key` is what the control door calls it, `facts` what the vendor tells of it. `kind`: equity, index, future,
    option, currency, forex or crypto. An index has no volume and no book. Prices are drawn by `path` (default: the
    key), so that two vendors' names of one thing can have one history."""

    key: str
    base: float
    tick: float = 0.05
    kind: str = "equity"
    session: Session = NSE
    decimals: int = 2
    facts: dict = field(default_factory=dict)
    path: str = ""

    def __post_init__(self):
        self.path = self.path or self.key

    def rounded(self, price: float) -> float:
        return round(round(price / self.tick) * self.tick, self.decimals)


@dataclass
class State:
    """What the market knows of one instrument now. Times are epoch seconds; 0 means never."""

    last: float = 0.0
    quantity: int = 0
    volume: int = 0
    turnover: float = 0.0
    average: float = 0.0
    open: float = 0.0
    high: float = 0.0
    low: float = 0.0
    close: float = 0.0
    oi: int = 0
    oi_high: int = 0
    oi_low: int = 0
    trade_time: float = 0.0
    time: float = 0.0
    book_seed: int = 0
    depth: dict | None = None
    changed: frozenset = frozenset()


@dataclass(frozen=True)
class Update:
    """One event of the market: an instrument and its state right after."""

    instrument: Instrument
    state: State


class Clock:
    """Real time, or a time that starts elsewhere and runs faster."""

    def __init__(self, start: float | None = None, speed: float = 1.0, anchor: float | None = None):
        """`anchor` is the real moment at which it is `start`; several processes that share it share the clock."""
        self._real = time.time() if anchor is None else anchor
        self.start = self._real if start is None else start
        self.speed = speed
        self.delay = 0.0  # so far behind is what it says, as a vendor's that is late

    def now(self) -> float:
        return self.start - self.delay + (time.time() - self._real) * self.speed


def _units(*parts) -> tuple:
    """Eight numbers in [0, 1) that depend on the parts alone."""
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=32).digest()
    return tuple(number / (1 << 32) for number in struct.unpack("8I", digest))


class Market:
    def __init__(self, seed: int, clock: Clock):
        self.seed = seed
        self.clock = clock
        self.instruments: dict[str, Instrument] = {}
        self.states: dict[str, State] = {}
        self.minutes: dict[str, dict[int, list]] = {}
        self._randoms: dict[str, random.Random] = {}
        self._phases: dict[str, tuple] = {}
        self._levels: dict[tuple, float] = {}

    def add(self, instrument: Instrument) -> Instrument:
        self.instruments[instrument.key] = instrument
        return instrument

    def state(self, key: str) -> State:
        """The state now; the first time out of the drawn past, so that candles and prices fit together."""
        state = self.states.get(key)
        if state is None:
            state = self.states[key] = self._first_state(self.instruments[key])
        return state

    def begin(self, key: str, moment: float) -> None:
        """The instrument begins to trade at a moment, in the state that the drawn past left."""
        self.states.pop(key, None)
        self.states[key] = self._first_state(self.instruments[key], moment)

    def _first_state(self, instrument: Instrument, moment: float | None = None) -> State:
        now = self.clock.now() if moment is None else moment
        today = self.days(instrument, now - 5 * 86400, now, now)
        *_, before, current = [None, None] + today
        last = current[4] if current else instrument.base
        state = State(last=last, close=before[4] if before else instrument.base, time=now)
        state.open, state.high, state.low = (current[1], current[2], current[3]) if current else (last, last, last)
        if instrument.kind != "index":
            state.volume = current[5] if current else 0
            state.turnover = state.volume * last
            state.average = last
            state.quantity, state.trade_time = 1 + int(_units(self.seed, instrument.path, "first")[0] * 50), now
        if instrument.kind in ("future", "option"):
            state.oi = 100_000 + int(_units(self.seed, instrument.path, "first")[1] * 1_000_000)
            state.oi_high, state.oi_low = state.oi + 5000, state.oi - 5000
        return state

    # What happens

    def walk(self, key: str, **values) -> Update:
        """The instrument's next print; the path depends on the seed and its own earlier prints only."""
        instrument = self.instruments[key]
        random_ = self._randoms.get(key)
        if random_ is None:
            random_ = self._randoms[key] = random.Random(f"{self.seed} {instrument.path}")
        last = self.state(key).last + random_.choice((-2, -1, -1, 0, 1, 1, 2)) * instrument.tick
        quantity = 1 + int(random_.expovariate(1 / 40))
        return self.print(key, last=max(instrument.rounded(last), instrument.tick), quantity=quantity, **values)

    def print(self, key: str, **values) -> Update:
        """Makes an event. `last` and `quantity` are a trade; every other field of State is set as given."""
        instrument, state = self.instruments[key], self.state(key)
        now = values.get("time", self.clock.now())
        state.time = now
        state.book_seed += 1
        state.depth = None
        state.changed = frozenset(values)
        if "last" in values:
            self._trade(instrument, state, values["last"], int(values.get("quantity", 1)), now)
        for name, value in values.items():
            if not hasattr(state, name):
                raise KeyError(f"there is no field {name!r} in a published event; there are {list(vars(State()))}")
            setattr(state, name, value)
        return Update(instrument, State(**vars(state)))

    def _trade(self, instrument: Instrument, state: State, price: float, quantity: int, now: float) -> None:
        state.last = price
        state.high = max(state.high, price)
        state.low = min(state.low or price, price)
        state.trade_time = now
        if instrument.kind != "index":
            state.quantity = quantity
            state.volume += quantity
            state.turnover += quantity * price
            state.average = instrument.rounded(state.turnover / state.volume)
        if instrument.kind in ("future", "option"):
            state.oi += quantity // 3 - 5
            state.oi_high, state.oi_low = max(state.oi_high, state.oi), min(state.oi_low, state.oi)
        if now <= 0:
            return  # A print without a time belongs to no minute.
        bars, minute = self.minutes.setdefault(instrument.key, {}), int(now // 60)
        bar = bars.get(minute)
        size = 0 if instrument.kind == "index" else quantity
        if bar is None:
            bars[minute] = [minute * 60, price, price, price, price, size]
        else:
            bar[2], bar[3], bar[4], bar[5] = max(bar[2], price), min(bar[3], price), price, bar[5] + size

    def depth(self, update: Update, levels: int = 5) -> dict:
        """`{"buy": [(price, quantity, orders)…], "sell": …}`, best first; empty for an index."""
        instrument, state = update.instrument, update.state
        if state.depth is not None:
            return state.depth
        if instrument.kind == "index" or state.last == 0:
            return {"buy": [], "sell": []}
        book = {}
        for side, sign in (("buy", -1), ("sell", 1)):
            book[side] = [
                (instrument.rounded(state.last + sign * (level + 1) * instrument.tick),
                 1 + (state.book_seed * 7919 + level * 104_729 + sign * 31) % 997,
                 1 + (state.book_seed + level) % 17)
                for level in range(levels) if state.last + sign * (level + 1) * instrument.tick > 0
            ]
        return book

    # The past

    def _level(self, instrument: Instrument, block: int) -> float:
        """The drawn price at a block's start: slow waves and a little noise around the base."""
        level = self._levels.get((instrument.path, block))
        if level is not None:
            return level
        phases = self._phases.get(instrument.path)
        if phases is None:
            phases = self._phases[instrument.path] = _units(self.seed, instrument.path, "phase")
        value = 0.002 * (_units(self.seed, instrument.path, block)[0] - 0.5)
        for phase, (length, height) in zip(phases, WAVES):
            value += height * math.sin(2 * math.pi * (block / length + phase))
        if len(self._levels) > 200_000:
            self._levels.clear()
        level = self._levels[instrument.path, block] = instrument.rounded(instrument.base * (1 + value))
        return level

    def _block(self, instrument: Instrument, block: int) -> tuple:
        """Open, high, low, close and volume of one drawn block, and which minutes have its high and low."""
        start, end = self._level(instrument, block), self._level(instrument, block + 1)
        _, up, down, size, at, below, *_ = _units(self.seed, instrument.path, block)
        wick = instrument.base * 0.001
        highest = int(at * BLOCK)
        lowest = (highest + 1 + int(below * (BLOCK - 1))) % BLOCK
        volume = 0 if instrument.kind == "index" else BLOCK + int(size * 60_000)
        return (start, instrument.rounded(max(start, end) + wick * up),
                instrument.rounded(min(start, end) - wick * down), end, volume, highest, lowest)

    def _drawn_minutes(self, instrument: Instrument, block: int) -> list[list]:
        start, high, low, end, volume, highest, lowest = self._block(instrument, block)
        bars, previous = [], start
        for i in range(BLOCK):
            close = end if i == BLOCK - 1 else instrument.rounded(start + (end - start) * (i + 1) / BLOCK)
            size = volume // BLOCK + (volume % BLOCK if i == 0 else 0)
            bars.append([(block * BLOCK + i) * 60, previous, high if i == highest else max(previous, close),
                         low if i == lowest else min(previous, close), close, size])
            previous = close
        return bars

    def _sessions(self, instrument: Instrument, start: float, end: float):
        """The (first minute, end minute) of every session that touches the range, as minutes since the epoch."""
        session, zone = instrument.session, ZoneInfo(instrument.session.zone)
        day = datetime.fromtimestamp(start, zone).replace(hour=0, minute=0, second=0, microsecond=0)
        while day.timestamp() <= end:
            if day.weekday() in session.weekdays:
                first = int((day + timedelta(minutes=session.open)).timestamp() // 60)
                yield first, first + session.close - session.open
            day += timedelta(days=1)

    def candles(self, key: str, start: float, end: float, minutes: int) -> list[list]:
        """[time, open, high, low, close, volume], oldest first, stamps within start…end, counted from the session's
        start; never of the future. Minutes that were traded live are as they were traded."""
        instrument, now_minute = self.instruments[key], int(self.clock.now() // 60)
        live = self.minutes.get(key, {})
        out = []
        for first, last in self._sessions(instrument, start - minutes * 60, end):
            last = min(last, now_minute + 1)
            for block in range(first // BLOCK, -(-last // BLOCK)):
                for bar in self._drawn_minutes(instrument, block):
                    minute = bar[0] // 60
                    if not first <= minute < last:
                        continue
                    bar = live.get(minute, bar)
                    stamp = (first + (minute - first) // minutes * minutes) * 60
                    if not start <= stamp <= end:
                        continue
                    _fold(out, stamp, bar)
        extra = [m for m in sorted(live) if start <= m * 60 <= end and not instrument.session.is_open(m * 60)]
        for minute in extra:
            _fold(out, minute // minutes * minutes * 60, live[minute])
        return sorted(out, key=lambda bar: bar[0])

    def days(self, instrument: Instrument, start: float, end: float, now: float | None = None) -> list[list]:
        """Day candles, stamped at the local midnight, of sessions that began before now."""
        zone, now, out = ZoneInfo(instrument.session.zone), self.clock.now() if now is None else now, []
        for first, last in self._sessions(instrument, start, end):
            if first * 60 > now:
                continue
            midnight = datetime.fromtimestamp(first * 60, zone).replace(hour=0, minute=0)
            stamp = int(midnight.timestamp())
            if not start - 86400 < stamp <= end:
                continue
            for block in range(first // BLOCK, min(last, int(now // 60) + 1) // BLOCK + 1):
                if block * BLOCK < last:
                    opened, high, low, close, volume, *_ = self._block(instrument, block)
                    _fold(out, stamp, [stamp, opened, high, low, close, volume])
            state = self.states.get(instrument.key)
            if out and out[-1][0] == stamp and state and last * 60 > now:
                bar = out[-1]
                bar[2], bar[3], bar[4] = max(bar[2], state.high), min(bar[3], state.low), state.last
                bar[5] = max(bar[5], state.volume)
        return out


def _fold(bars: list, stamp: int, bar: list) -> None:
    if bars and bars[-1][0] == stamp:
        into = bars[-1]
        into[2], into[3], into[4], into[5] = max(into[2], bar[2]), min(into[3], bar[3]), bar[4], into[5] + bar[5]
    else:
        bars.append([stamp, *bar[1:]])

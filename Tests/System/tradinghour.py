"""What a journal must hold after the fakes of Upstox and Zerodha traded: the model of the hour.

From a fake's log the records are made that a hub has to make of it, with nothing of the hub's or the plugins' own code:
the meaning of Kite's packets, and of Upstox's partial updates merged per connection. Then the journal is compared.
"""

import pathlib
import sys
from dataclasses import dataclass, field

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Vendors"))

from india import listings  # noqa: E402

MARKET = {"trade", "tick", "quote", "book", "greeks"}
TICK = ("last", "last_size", "last_time", "average", "volume", "open", "high", "low", "previous_close",
        "open_interest", "total_buy", "total_sell")
FIELDS = {"tick": TICK, "quote": ("bid", "bid_size", "ask", "ask_size"), "book": ("bids", "asks")}


@dataclass
class Expected:
    """One record that a frame of the fake stands for."""

    key: tuple
    symbol: str
    print: int
    at: float
    connection: int
    n: int
    flag: str | None
    #: The connection was reset right behind it: a receiver may lose what it has not read.
    is_tail: bool = False


@dataclass
class Window:
    """A time in which one source served."""

    source: str
    first: int
    start: float
    end: float = float("inf")
    last: int = 1 << 60
    records: list = field(default_factory=list)


def frozen(value):
    return tuple(frozen(one) for one in value) if isinstance(value, list) else value


def key_of(kind: str, symbol: str, time: int | None, values: dict, is_snapshot: bool) -> tuple:
    return (kind, symbol, time, is_snapshot, tuple((name, frozen(values[name])) for name in FIELDS[kind] if name in values))


def journal_key(event: dict) -> tuple:
    flags = event.get("flags", [])
    time = None if "untimed" in flags else event["time"]
    return key_of(event["type"], event["symbol"], time, event, "snapshot" in flags)


def given(**values) -> dict:
    """Without what is not there."""
    return {name: value for name, value in values.items() if value is not None and value != 0}


def whole_book(sides) -> dict:
    return {name: [list(level) for level in side] for name, side in zip(("bids", "asks"), sides)}


def first_level(sides) -> dict:
    out = {}
    for name, side in zip(("bid", "ask"), sides):
        out[name] = side[0][0] if side else None
        if side:
            out[f"{name}_size"] = side[0][1]
    return {name: out[name] for name in FIELDS["quote"] if name in out}


class Kite:
    """One connection's packets as records. A full packet is a tick, a quote if its first level is new, and a book."""

    def __init__(self):
        self.quoted: dict[str, dict] = {}
        self.seen: set[str] = set()

    def records(self, said: dict):
        symbol, mode = said["instrument"], said["mode"]
        first = symbol not in self.seen
        self.seen.add(symbol)
        time = said["exchange_timestamp"] * 1_000_000 if "exchange_timestamp" in said else None
        day = said.get("ohlc", {})
        values = {"last": said["last_price"]}
        values |= given(open=day.get("open"), high=day.get("high"), low=day.get("low"), previous_close=day.get("close"),
                        average=said.get("average_traded_price"))
        for name, theirs in (("last_size", "last_traded_quantity"), ("volume", "volume_traded"), ("open_interest", "oi"),
                             ("total_buy", "total_buy_quantity"), ("total_sell", "total_sell_quantity")):
            if theirs in said:
                values[name] = said[theirs]
        if said.get("last_trade_time"):
            values["last_time"] = said["last_trade_time"] * 1_000_000
        yield key_of("tick", symbol, time, values, first)
        if mode != "full" or "depth" not in said:
            return
        sides = [[(level["price"], level["quantity"], level["orders"]) for level in said["depth"][side]
                  if level["price"] or level["quantity"]] for side in ("buy", "sell")]
        quote = first_level(sides)
        if self.quoted.get(symbol) != quote:
            self.quoted[symbol] = quote
            yield key_of("quote", symbol, time, quote, first)
        yield key_of("book", symbol, time, whole_book(sides), first)


class Upstox:
    """One connection's updates as records. What an update leaves out, and a zero is left out, is as it was."""

    NAMES = {listing.upstox_key: listing.kite_key for listing in listings(1_767_000_000)}

    def __init__(self):
        self.states: dict[str, dict] = {}
        self.quoted: dict[str, dict] = {}

    def records(self, event: dict):
        if "feed" not in event:
            return
        symbol = self.NAMES[event["instrument"]]
        time = event["currentTs"] * 1000
        first = symbol not in self.states or event["type"] == "initial_feed"
        state = self.states.setdefault(symbol, {})
        full = event["feed"].get("fullFeed", {})
        feed = full.get("marketFF") or full.get("indexFF")
        ltpc = feed["ltpc"]
        state |= given(last=ltpc["ltp"], last_size=ltpc["ltq"], previous_close=ltpc["cp"],
                       last_time=ltpc["ltt"] * 1000 if ltpc["ltt"] else None, average=feed.get("atp"),
                       volume=feed.get("vtt"), open_interest=feed.get("oi"), total_buy=feed.get("tbq"),
                       total_sell=feed.get("tsq"))
        for bar in feed.get("marketOHLC", {}).get("ohlc", ()):
            if bar["interval"] == "1d":
                state |= given(open=bar["open"], high=bar["high"], low=bar["low"])
        yield key_of("tick", symbol, time, state, first)
        if "marketLevel" not in feed:
            return
        levels = feed["marketLevel"]["bidAskQuote"]
        sides = [[(level[f"{side}P"], level[f"{side}Q"]) for level in levels if level[f"{side}P"] or level[f"{side}Q"]]
                 for side in ("bid", "ask")]
        quote = first_level(sides)
        if self.quoted.get(symbol) != quote:
            self.quoted[symbol] = quote
            yield key_of("quote", symbol, time, quote, first)
        yield key_of("book", symbol, time, whole_book(sides), first)


def expected_records(log: list[dict], vendor: type, grace: float = 2.0) -> list[Expected]:
    """What a hub has to make of everything that the fake says was delivered, in that order."""
    connections: dict[int, object] = {}
    out = []
    ends = {entry["connection"]: entry["at"] for entry in log if entry["what"] in ("half", "reset")}
    for entry in log:
        if entry["what"] != "data" or not entry["delivered"]:
            continue
        number = entry["connection"]
        connection = connections.setdefault(number, vendor())
        is_tail = number in ends and entry["at"] > ends[number] - grace
        for event in entry["events"]:
            for key in connection.records(event):
                out.append(Expected(key, key[1], event["print"], entry["at"], number, entry["n"], entry.get("flag"), is_tail))
    return out


def windows(events: list[dict], first: str) -> list[Window]:
    """Who served when, by the journal; that nobody else's record is in it, and that the switches fit together."""
    out = [Window(first, 0, float("-inf"))]
    last_of = {}
    for event in events:
        now = out[-1]
        if event["type"] in MARKET and "backfilled" not in event.get("flags", ()):
            assert event["source"] == now.source, f"{now.source} serves, and there is a record of another: {event}"
            now.records.append(event)
            last_of[now.source] = event["seq"]
        elif event["type"] == "status":
            # Of a venue: who tells it need not serve.
            last_of[event["source"]] = event["seq"]
        elif event["type"] == "control" and event["what"] == "failover":
            assert "symbol" not in event, f"a switch of one instrument, which both vendors have: {event}"
            assert event["from"] == now.source and event["to"] != now.source, f"{now.source} serves: {event}"
            assert event.get("last_seq", 0) == last_of.get(now.source, 0), f"last of {now.source} is {last_of}: {event}"
            now.end, now.last = event["received"] / 1e6, event["seq"]
            out.append(Window(event["to"], event["seq"], event["received"] / 1e6))
    return out


def align(source: str, expected: list[Expected], served: list[Window], margin: float, moment, gaps) -> set:
    """The journal's records of a source are what its vendor delivered, in order, none twice; what is left out came
    while another source served, or was lost with its connection and lies in a gap. The prints that are there.

    `moment` turns a real time into the hub's, `margin` is how many of the hub's seconds a frame may be under way; on a
    busy machine it is more, as the records that are there tell.
    """
    prints, at, skipped = set(), 0, []
    for window in served:
        if window.source != source:
            continue
        for event in window.records:
            key = journal_key(event)
            begin = at
            while at < len(expected) and expected[at].key != key:
                at += 1
            if at == len(expected):
                near = [one.key for one in expected[begin:begin + 3]]
                earlier = [one for one in expected[:begin] if one.key == key]
                raise AssertionError(
                    f"{source}: the journal has what was not sent{', or not there' if earlier else ''}: {event}\n"
                    f"as {key}\nnext sent were {near}\nsent before: {earlier[-1:]}; served {window.start}…{window.end}")
            skipped += [(one, window) for one in expected[begin:at]]
            prints.add((expected[at].symbol, expected[at].print))
            margin = max(margin, 1.5 * (event["received"] / 1e6 - moment(expected[at].at)))
            at += 1
    skipped += [(one, None) for one in expected[at:]]
    mine = [window for window in served if window.source == source]
    for one, _ in skipped:
        sent = moment(one.at)
        serving = [w for w in mine if w.start + margin < sent < w.end - margin]
        if not serving:
            continue
        is_in_gap = any(gap["source"] == source and covers(gap, one.symbol, sent, margin) for gap in gaps)
        assert one.is_tail and is_in_gap, (
            f"{source}: delivered while it served and not in the journal{'' if is_in_gap else ', and in no gap'}: {one}, "
            f"sent at {sent}, served {serving[0].start}…{serving[0].end}")
    return prints


def covers(gap: dict, symbol: str, moment: float, slack: float) -> bool:
    patterns = gap["symbols"]
    if not any(symbol == p or (p.endswith("*") and symbol.startswith(p[:-1])) for p in patterns):
        return False
    end = float("inf") if gap["to"] is None else gap["to"] / 1e6
    return gap["from"] / 1e6 - slack <= moment <= end + slack


def folded(gaps: list[dict]) -> list[dict]:
    """One object a gap: what closed replaces what opened."""
    out = {}
    for gap in gaps:
        if out.get(gap["gap_id"], {}).get("state") != "closed":
            out[gap["gap_id"]] = gap
    return list(out.values())

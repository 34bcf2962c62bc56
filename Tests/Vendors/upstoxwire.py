"""Upstox's feed V3 as bytes: a small protobuf writer and the schema as tables, written from the field numbers.

A message is a dict; fields that are missing or zero are left out, as proto3 does, but a message that is there and empty
is written. The same dict is what the fake's log shows.
"""

import struct

# name: (number, type). A type that names a table is a message; [type] is repeated; {type} a map from string.
SCHEMA = {
    "FeedResponse": {"type": (1, "enum"), "feeds": (2, {"Feed"}), "currentTs": (3, "int64"),
                     "marketInfo": (4, "MarketInfo")},
    "Feed": {"ltpc": (1, "LTPC"), "fullFeed": (2, "FullFeed"), "firstLevelWithGreeks": (3, "FirstLevelWithGreeks"),
             "requestMode": (4, "enum")},
    "FullFeed": {"marketFF": (1, "MarketFullFeed"), "indexFF": (2, "IndexFullFeed")},
    "LTPC": {"ltp": (1, "double"), "ltt": (2, "int64"), "ltq": (3, "int64"), "cp": (4, "double")},
    "MarketFullFeed": {"ltpc": (1, "LTPC"), "marketLevel": (2, "MarketLevel"), "optionGreeks": (3, "OptionGreeks"),
                       "marketOHLC": (4, "MarketOHLC"), "atp": (5, "double"), "vtt": (6, "int64"),
                       "oi": (7, "double"), "iv": (8, "double"), "tbq": (9, "double"), "tsq": (10, "double")},
    "IndexFullFeed": {"ltpc": (1, "LTPC"), "marketOHLC": (2, "MarketOHLC")},
    "FirstLevelWithGreeks": {"ltpc": (1, "LTPC"), "firstDepth": (2, "Quote"), "optionGreeks": (3, "OptionGreeks"),
                             "vtt": (4, "int64"), "oi": (5, "double"), "iv": (6, "double")},
    "MarketLevel": {"bidAskQuote": (1, ["Quote"])},
    "Quote": {"bidQ": (1, "int64"), "bidP": (2, "double"), "askQ": (3, "int64"), "askP": (4, "double")},
    "OptionGreeks": {"delta": (1, "double"), "theta": (2, "double"), "gamma": (3, "double"), "vega": (4, "double"),
                     "rho": (5, "double")},
    "MarketOHLC": {"ohlc": (1, ["OHLC"])},
    "OHLC": {"interval": (1, "string"), "open": (2, "double"), "high": (3, "double"), "low": (4, "double"),
             "close": (5, "double"), "vol": (6, "int64"), "ts": (7, "int64")},
    "MarketInfo": {"segmentStatus": (1, {"enum"})},
}
TYPES = {"initial_feed": 0, "live_feed": 1, "market_info": 2}
MODES = {"ltpc": 0, "full_d5": 1, "option_greeks": 2, "full_d30": 3}
STATUSES = {"PRE_OPEN_START": 0, "PRE_OPEN_END": 1, "NORMAL_OPEN": 2, "NORMAL_CLOSE": 3, "CLOSING_START": 4,
            "CLOSING_END": 5}
ENUMS = TYPES | MODES | STATUSES


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def counted(number: int, body: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(body)) + body


def scalar(number: int, kind: str, value) -> bytes:
    if kind == "enum":
        value = ENUMS[value]
    if kind == "string":
        return counted(number, value.encode()) if value else b""
    if not value:
        return b""
    return varint(number << 3 | 1) + struct.pack("<d", value) if kind == "double" else \
        varint(number << 3) + varint(int(value))


def encode(message: str, value: dict) -> bytes:
    """The bytes of a message out of the schema."""
    out = []
    for name, (number, kind) in SCHEMA[message].items():
        if name not in value:
            continue
        given = value[name]
        if isinstance(kind, list):
            out += [counted(number, encode(kind[0], item)) for item in given]
        elif isinstance(kind, set):
            (inner,) = kind
            for key, item in given.items():
                # An entry's value is written even when it is zero, as the official encoder does.
                entry = counted(2, encode(inner, item)) if inner in SCHEMA else varint(2 << 3) + varint(ENUMS[item])
                out.append(counted(number, counted(1, key.encode()) + entry))
        elif kind in SCHEMA:
            out.append(counted(number, encode(kind, given)))
        else:
            out.append(scalar(number, kind, given))
    return b"".join(out)

"""Kite's binary ticker frames, written from the layout: integers big-endian, prices scaled by the segment."""

import struct

from fakemarket import Market, Update

DIVISORS = {3: 10_000_000, 6: 10_000, 12: 10_000}
INDEX = 9


def divisor(token: int) -> int:
    return DIVISORS.get(token & 0xFF, 100)


def price(token: int, value: float) -> bytes:
    return struct.pack("!i", round(value * divisor(token)))


def count(value: int) -> bytes:
    """Quantities are 32 bits on the wire and wrap."""
    return struct.pack("!I", int(value) & 0xFFFFFFFF)


def packet(market: Market, token: int, mode: str, update: Update) -> tuple[bytes, dict]:
    """One packet, and what it says in the names that the official Python client uses."""
    state = update.state
    body = count(token) + price(token, state.last)
    said = {"instrument": update.instrument.key, "print": state.book_seed, "instrument_token": token, "mode": mode,
            "last_price": state.last}
    if mode == "ltp":
        return body, said
    said["ohlc"] = {"open": state.open, "high": state.high, "low": state.low, "close": state.close}
    if token & 0xFF == INDEX:
        body += b"".join(price(token, v) for v in (state.high, state.low, state.open, state.close))
        body += price(token, state.last - state.close)
        if mode == "full":
            body += count(state.time)
            said["exchange_timestamp"] = int(state.time)
        return body, said
    book = market.depth(update)
    buying, selling = (sum(level[1] for level in book[side]) * 10 for side in ("buy", "sell"))
    body += count(state.quantity) + price(token, state.average) + count(state.volume) + count(buying) + count(selling)
    body += b"".join(price(token, v) for v in (state.open, state.high, state.low, state.close))
    said |= {"last_traded_quantity": state.quantity, "average_traded_price": state.average,
             "volume_traded": state.volume, "total_buy_quantity": buying, "total_sell_quantity": selling}
    if mode == "quote":
        return body, said
    body += b"".join(map(count, (state.trade_time, state.oi, state.oi_high, state.oi_low, state.time)))
    said |= {"last_trade_time": int(state.trade_time), "exchange_timestamp": int(state.time), "oi": state.oi,
             "oi_day_high": state.oi_high, "oi_day_low": state.oi_low, "depth": {}}
    for side in ("buy", "sell"):
        levels = (list(book[side]) + [(0.0, 0, 0)] * 5)[:5]
        body += b"".join(count(quantity) + price(token, value) + struct.pack("!HH", orders, 0)
                         for value, quantity, orders in levels)
        said["depth"][side] = [{"price": value, "quantity": quantity, "orders": orders}
                               for value, quantity, orders in levels]
    return body, said


def frame(packets: list[bytes]) -> bytes:
    return struct.pack("!H", len(packets)) + b"".join(struct.pack("!H", len(p)) + p for p in packets)

"""Instruments of the two Indian vendors' fakes: the same things under both vendors' names, with one history each."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from fakemarket import CDS, MCX, NSE, Instrument, Session

IST = ZoneInfo("Asia/Kolkata")

#: Zerodha's segment codes, the low byte of an instrument token.
SEGMENTS = {"NSE": 1, "NFO": 2, "CDS": 3, "BSE": 4, "BFO": 5, "BCD": 6, "MCX": 7, "INDICES": 9}
UPSTOX_SEGMENTS = {"NSE": "NSE_EQ", "BSE": "BSE_EQ", "NFO": "NSE_FO", "BFO": "BSE_FO", "CDS": "NCD_FO",
                   "BCD": "BCD_FO", "MCX": "MCX_FO"}

# exchange, symbol, exchange token, ISIN, name, price
EQUITIES = [
    ("NSE", "INFY", 1594, "INE009A01021", "INFOSYS LIMITED", 1500.0),
    ("NSE", "RELIANCE", 2885, "INE002A01018", "RELIANCE INDUSTRIES LTD", 1250.0),
    ("NSE", "TCS", 11536, "INE467B01029", "TATA CONSULTANCY SERV LT", 3900.0),
    ("NSE", "SBIN", 3045, "INE062A01020", "STATE BANK OF INDIA", 780.0),
    ("NSE", "HDFCBANK", 1333, "INE040A01034", "HDFC BANK LTD", 1700.0),
    ("NSE", "M&M", 2031, "INE101A01026", "MAHINDRA & MAHINDRA LTD", 3000.0),
    ("NSE", "BAJAJ-AUTO", 16669, "INE917I01010", "BAJAJ AUTO LIMITED", 9000.0),
    ("NSE", "NIFTYBEES", 10576, "INF204KB14I2", "NIPPON INDIA ETF, NIFTY 50", 260.0),
    ("BSE", "INFY", 500209, "INE009A01021", "INFOSYS LTD.", 1500.0),
    ("BSE", "RELIANCE", 500325, "INE002A01018", "RELIANCE INDUSTRIES LTD.", 1250.0),
]

# exchange, Zerodha's symbol, exchange token, Upstox's name, price
INDICES = [
    ("NSE", "NIFTY 50", 1001, "Nifty 50", 23600.0),
    ("NSE", "NIFTY BANK", 1016, "Nifty Bank", 50500.0),
    ("NSE", "INDIA VIX", 1035, "India VIX", 14.0),
    ("BSE", "SENSEX", 1, "SENSEX", 78000.0),
]

# exchange, underlying, exchange token, price, tick, decimals, lot, hours, Upstox's underlying key and type
FUTURES = [
    ("NFO", "NIFTY", 48225, 23650.0, 0.05, 2, 75, NSE, "NSE_INDEX|Nifty 50", "INDEX"),
    ("NFO", "BANKNIFTY", 48226, 50600.0, 0.05, 2, 30, NSE, "NSE_INDEX|Nifty Bank", "INDEX"),
    ("NFO", "RELIANCE", 48301, 1255.0, 0.05, 2, 500, NSE, "NSE_EQ|INE002A01018", "EQUITY"),
    ("BFO", "SENSEX", 861201, 78100.0, 0.05, 2, 20, NSE, "BSE_INDEX|SENSEX", "INDEX"),
    ("CDS", "USDINR", 1401, 84.5, 0.0025, 4, 1, CDS, "NSE_INDEX|USDINR", "CUR"),
    ("BCD", "USDINR", 2401, 84.5, 0.0025, 4, 1, CDS, "BSE_INDEX|USDINR", "CUR"),
    ("MCX", "CRUDEOIL", 426268, 6100.0, 1.0, 2, 1, MCX, "MCX_INDEX|CRUDEOIL", "COM"),
    ("MCX", "GOLD", 426270, 76000.0, 1.0, 2, 1, MCX, "MCX_INDEX|GOLD", "COM"),
]


@dataclass(frozen=True)
class Listing:
    """One instrument and what both vendors say of it."""

    exchange: str
    symbol: str
    exchange_token: int
    kind: str
    name: str
    price: float
    tick: float = 0.05
    decimals: int = 2
    lot: int = 1
    session: Session = NSE
    isin: str = ""
    upstox_name: str = ""
    underlying: str = ""
    underlying_key: str = ""
    underlying_type: str = ""
    expiry: date | None = None
    strike: float = 0.0
    right: str = ""

    @property
    def kite_key(self) -> str:
        return f"{self.exchange}:{self.symbol}"

    @property
    def kite_token(self) -> int:
        return self.exchange_token * 256 + SEGMENTS["INDICES" if self.kind == "index" else self.exchange]

    @property
    def upstox_segment(self) -> str:
        return f"{self.exchange}_INDEX" if self.kind == "index" else UPSTOX_SEGMENTS[self.exchange]

    @property
    def upstox_key(self) -> str:
        if self.kind == "index":
            return f"{self.upstox_segment}|{self.upstox_name}"
        return f"{self.upstox_segment}|{self.isin or self.exchange_token}"

    @property
    def upstox_symbol(self) -> str:
        if self.kind == "index":
            return self.upstox_name
        if self.expiry is None:
            return self.symbol
        day = self.expiry.strftime("%d %b %y").upper()
        return f"{self.underlying} {f'{self.strike:g} {self.right}' if self.right else 'FUT'} {day}"

    def instrument(self, key: str) -> Instrument:
        return Instrument(key, self.price, self.tick, self.kind, self.session, self.decimals,
                          {"listing": self}, path=self.kite_key)


def monthly_expiry(now: float) -> date:
    """The last Thursday of the month, or of the next one if that has passed."""
    today = datetime.fromtimestamp(now, IST).date()
    for month in (today.replace(day=28), today.replace(day=28) + timedelta(days=7)):
        following = (month.replace(day=28) + timedelta(days=4)).replace(day=1)
        last = following - timedelta(days=1)
        expiry = last - timedelta(days=(last.weekday() - 3) % 7)
        if expiry >= today:
            return expiry
    return expiry


def listings(now: float) -> list[Listing]:
    """All listings, with derivatives that expire after `now`."""
    expiry = monthly_expiry(now)
    month = expiry.strftime("%y%b").upper()
    out = [Listing(exchange, symbol, token, "equity", name, price, isin=isin)
           for exchange, symbol, token, isin, name, price in EQUITIES]
    out += [Listing(exchange, symbol, token, "index", symbol, price, upstox_name=name)
            for exchange, symbol, token, name, price in INDICES]
    for exchange, name, token, price, tick, decimals, lot, session, key, kind in FUTURES:
        out.append(Listing(exchange, f"{name}{month}FUT", token, "future", name, price, tick, decimals, lot, session,
                           underlying=name, underlying_key=key, underlying_type=kind, expiry=expiry))
    for i, strike in enumerate((23500, 23600, 23700)):
        for j, right in enumerate(("CE", "PE")):
            out.append(Listing("NFO", f"NIFTY{month}{strike}{right}", 40084 + 2 * i + j, "option", "NIFTY",
                               200.0 + 50 * (1 - i) * (1 - 2 * j), lot=75, underlying="NIFTY",
                               underlying_key="NSE_INDEX|Nifty 50", underlying_type="INDEX", expiry=expiry,
                               strike=float(strike), right=right))
    return out

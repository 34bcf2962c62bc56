"""Instruments that the fake TwelveData and Finnhub servers know, with what either vendor says about them.

Names and identifiers are those of the real instruments; prices are only where the fake market starts. Every instrument
has one key, which the market and the ground-truth log use; each vendor writes it in its own way.
"""

import dataclasses

from fakemarket import ALWAYS, FOREX, US, Instrument, Session

#: The smallest amount of a coin that changes hands.
LOT = 0.00001
NEW_YORK = "America/New_York"
#: What TwelveData writes in place of an ISIN or CUSIP when the account lacks the add-on.
WITHOUT_ADD_ON = "request_access_via_add_ons"

CURRENCY_NAMES = {
    "USD": "US Dollar",
    "EUR": "Euro",
    "GBP": "British Pound",
    "JPY": "Japanese Yen",
    "INR": "Indian Rupee",
    "CHF": "Swiss Franc",
    "AUD": "Australian Dollar",
    "CAD": "Canadian Dollar",
    "USDT": "Tether",
    "BTC": "Bitcoin",
    "ETH": "Ethereum",
    "SOL": "Solana",
}


@dataclasses.dataclass(frozen=True)
class Listing:
    key: str  #: name in the market and in the ground-truth log: `AAPL`, `VOD.L`, `EUR/USD`, `BTC/USD`
    kind: str  #: `stock`, `etf`, `forex`, `crypto`
    name: str
    price: float  #: where the fake market starts
    decimals: int = 2
    currency: str = "USD"
    base: str = ""  #: pairs only
    venue: str = ""  #: TwelveData's exchange name
    mic: str = ""
    country: str = "United States"
    timezone: str = NEW_YORK
    isin: str = ""
    figi: str = ""
    sector: str = "Technology"
    td_symbol: str = ""  #: TwelveData's symbol without the venue; empty where TwelveData does not have it
    td_plan: str = "basic"  #: the smallest plan that gives it
    fh_symbol: str = ""  #: Finnhub's symbol; empty where Finnhub does not have it
    fh_display: str = ""
    fh_exchange: str = ""  #: Finnhub's code of the exchange: `US`, `L`, `OANDA`, `BINANCE`
    trades: bool = True  #: false where a stream carries price updates without volume

    @property
    def is_pair(self) -> bool:
        return self.kind in ("forex", "crypto")

    @property
    def always_open(self) -> bool:
        return self.kind == "crypto"

    @property
    def td_type(self) -> str:
        return {"stock": "Common Stock", "etf": "ETF", "forex": "Physical Currency", "crypto": "Digital Currency"}[
            self.kind
        ]

    @property
    def fh_type(self) -> str:
        return {"stock": "Common Stock", "etf": "ETP"}.get(self.kind, "")

    @property
    def fh_mic(self) -> str:
        return self.mic


def _us(symbol, name, price, isin, figi, mic="XNGS", kind="stock", sector="Technology"):
    venue = {"XNGS": "NASDAQ", "XNMS": "NASDAQ", "XNYS": "NYSE", "ARCX": "NYSE"}[mic]
    return Listing(
        key=symbol,
        kind=kind,
        name=name,
        price=price,
        venue=venue,
        mic=mic,
        isin=isin,
        figi=figi,
        sector=sector,
        td_symbol=symbol,
        fh_symbol=symbol,
        fh_display=symbol,
        fh_exchange="US",
    )


def _forex(base, quote, price, decimals, broker_number):
    pair = f"{base}/{quote}"
    name = f"{CURRENCY_NAMES[base]} / {CURRENCY_NAMES[quote]}"
    common = dict(
        kind="forex",
        name=name,
        price=price,
        decimals=decimals,
        currency=quote,
        base=base,
        country="",
        timezone="UTC",
        trades=False,
        fh_display=pair,
    )
    yield Listing(key=pair, td_symbol=pair, fh_symbol=f"OANDA:{base}_{quote}", fh_exchange="OANDA", **common)
    # The same pair at a broker that numbers its symbols and has a space in its name. Only Finnhub has it.
    yield Listing(key=f"{pair}@IC", fh_symbol=f"IC MARKETS:{broker_number}", fh_exchange="IC MARKETS", **common)


def _crypto(base, price, decimals):
    pair, common = (
        f"{base}/USD",
        dict(kind="crypto", price=price, decimals=decimals, base=base, country="", timezone="UTC"),
    )
    yield Listing(
        key=pair,
        name=f"{CURRENCY_NAMES[base]} US Dollar",
        td_symbol=pair,
        venue="Coinbase Pro",
        fh_symbol=f"COINBASE:{base}-USD",
        fh_display=pair,
        fh_exchange="COINBASE",
        **common,
    )
    yield Listing(
        key=f"{base}/USDT@BINANCE",
        name=f"Binance {base}USDT",
        currency="USDT",
        venue="Binance",
        fh_symbol=f"BINANCE:{base}USDT",
        fh_display=f"{base}/USDT",
        fh_exchange="BINANCE",
        **common,
    )


_STOCKS = (
    _us("AAPL", "Apple Inc", 243.15, "US0378331005", "BBG000B9XRY4"),
    _us("MSFT", "Microsoft Corp", 426.94, "US5949181045", "BBG000BPH459"),
    _us("NVDA", "NVIDIA Corp", 149.43, "US67066G1040", "BBG000BBJQV0"),
    _us("AMZN", "Amazon.com Inc", 227.61, "US0231351067", "BBG000BVPV84", sector="Retail"),
    _us("GOOGL", "Alphabet Inc", 196.87, "US02079K3059", "BBG009S39JX6", sector="Media"),
    _us("META", "Meta Platforms Inc", 630.20, "US30303M1027", "BBG000MM2P62", sector="Media"),
    _us("TSLA", "Tesla Inc", 411.05, "US88160R1014", "BBG000N9MNX3", sector="Automobiles"),
    _us("IBM", "International Business Machines Corp", 222.67, "US4592001014", "BBG000BLNNH6", "XNYS"),
    _us("JPM", "JPMorgan Chase & Co", 240.85, "US46625H1005", "BBG000DMBXR2", "XNYS", sector="Banking"),
    _us("KO", "Coca-Cola Co", 61.31, "US1912161007", "BBG000BMX289", "XNYS", sector="Beverages"),
    _us("GE", "GE Aerospace", 170.12, "US3696043013", "BBG000BK6MB5", "XNYS", sector="Aerospace & Defense"),
    _us("BRK.B", "Berkshire Hathaway Inc", 451.40, "US0846707026", "BBG000DWG505", "XNYS", sector="Insurance"),
    _us("SPY", "SPDR S&P 500 ETF Trust", 595.36, "US78462F1030", "BBG000BDTBL9", "ARCX", kind="etf"),
    _us("QQQ", "Invesco QQQ Trust", 524.54, "US46090E1038", "BBG000BSWKH7", "XNMS", kind="etf"),
    Listing(
        key="VOD.L",
        kind="stock",
        name="Vodafone Group PLC",
        price=68.52,
        currency="GBp",
        venue="LSE",
        mic="XLON",
        country="United Kingdom",
        timezone="Europe/London",
        isin="GB00BH4HKS39",
        figi="BBG000C6K6G9",
        sector="Telecommunication",
        td_symbol="VOD",
        td_plan="pro",
        fh_symbol="VOD.L",
        fh_display="VOD.L",
        fh_exchange="L",
    ),
    Listing(
        key="SHOP.TO",
        kind="stock",
        name="Shopify Inc",
        price=157.70,
        currency="CAD",
        venue="TSX",
        mic="XTSE",
        country="Canada",
        timezone="America/Toronto",
        isin="CA82509L1076",
        figi="BBG008HBD923",
        td_symbol="SHOP",
        td_plan="grow",
        fh_symbol="SHOP.TO",
        fh_display="SHOP.TO",
        fh_exchange="TO",
    ),
    Listing(
        key="SBIN.NS",
        kind="stock",
        name="State Bank of India",
        price=793.40,
        currency="INR",
        venue="NSE",
        mic="XNSE",
        country="India",
        timezone="Asia/Kolkata",
        isin="INE062A01020",
        figi="BBG000BQB5P5",
        sector="Banking",
        td_symbol="SBIN",
        td_plan="pro",
        fh_symbol="SBIN.NS",
        fh_display="SBIN.NS",
        fh_exchange="NS",
    ),
    # The same name as the stock at Nasdaq, at another venue: a stream of `AAPL` has to be told apart by its venue.
    Listing(
        key="AAPL.SW",
        kind="stock",
        name="Apple Inc",
        price=219.30,
        currency="CHF",
        venue="SIX",
        mic="XSWX",
        country="Switzerland",
        timezone="Europe/Zurich",
        isin="US0378331005",
        figi="BBG000B9XRY4",
        td_symbol="AAPL",
        td_plan="pro",
        fh_symbol="AAPL.SW",
        fh_display="AAPL.SW",
        fh_exchange="SW",
    ),
)

_PAIRS = (
    *_forex("EUR", "USD", 1.0389, 5, 1),
    *_forex("GBP", "USD", 1.2521, 5, 2),
    *_forex("USD", "JPY", 157.62, 3, 4),
    *_forex("AUD", "USD", 0.6247, 5, 5),
    *_forex("USD", "INR", 85.76, 4, 77),
    *_forex("USD", "CHF", 0.9045, 5, 6),
    *_crypto("BTC", 98212.41, 2),
    *_crypto("ETH", 3632.18, 2),
    *_crypto("SOL", 217.55, 2),
)


def synthetic(count: int) -> list[Listing]:
    """Shares that exist nowhere, for loads: `T0001`…"""
    return [
        _us(f"T{n:04}", f"Test Share {n}", 20 + (n * 37) % 480, f"US9{n:08}0", f"BBG00T{n:06}")
        for n in range(1, count + 1)
    ]


def listings(extra: int = 60) -> list[Listing]:
    return [*_STOCKS, *_PAIRS, *synthetic(extra)]


_SESSIONS = {
    "XLON": Session("Europe/London", 480, 990),
    "XTSE": Session("America/Toronto", 570, 960),
    "XNSE": Session("Asia/Kolkata", 555, 930),
    "XSWX": Session("Europe/Zurich", 540, 1050),
}


def instrument(listing: Listing) -> Instrument:
    """The same as the market wants it. A crypto quantity is counted in `LOT`s, as the market's quantities are whole."""
    session = {"forex": FOREX, "crypto": ALWAYS}.get(listing.kind) or _SESSIONS.get(listing.mic, US)
    kind = listing.kind if listing.is_pair else "equity"
    return Instrument(
        listing.key,
        listing.price,
        round(10**-listing.decimals, listing.decimals),
        kind,
        session,
        listing.decimals,
        {"listing": listing},
        # A pair has one history, whichever broker or exchange tells it.
        f"{listing.base}/{listing.currency[:3]}" if listing.is_pair else "",
    )


def volume(listing: Listing, quantity: float) -> float:
    """A quantity of the market in the vendor's unit."""
    return round(quantity * LOT, 6) if listing.kind == "crypto" else quantity

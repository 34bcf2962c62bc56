"""What the fakes of TwelveData and Finnhub share beyond `fakekit`: instruments, and settings that a test changes."""

import argparse
import json

from fakekit import Fake
from misbehaviour import PlanError
from us_instruments import instrument, listings


class Choice:
    """A setting with few possible values; the first is the default."""

    def __init__(self, *values):
        self.values = values


class USFake(Fake):
    """`SETTINGS` names every setting of the vendor with its default. `--set name=value` sets one at the start, the
    market door (`POST /_fake/market {"name": value}`) at any time."""

    SETTINGS: dict = {}

    def __init__(self, options: argparse.Namespace):
        super().__init__(options)
        self.listings = listings(options.extra)
        self.by_key = {listing.key: listing for listing in self.listings}
        for listing in self.listings:
            self.market.add(instrument(listing))
        self.settings = {
            name: value.values[0] if isinstance(value, Choice) else value for name, value in self.SETTINGS.items()
        }
        for text in options.set:
            name, _, value = text.partition("=")
            try:
                self.change({name: json.loads(value)})
            except json.JSONDecodeError:
                self.change({name: value})

    @classmethod
    def add_arguments(cls, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--set", action="append", default=[], metavar="NAME=VALUE", help="a setting, see README.md; may be repeated"
        )
        parser.add_argument(
            "--extra", type=int, default=60, help="how many made-up shares T0001… there are besides the real names"
        )

    async def set_market(self, body: dict) -> None:
        self.change(body)

    def change(self, values: dict) -> None:
        """All or nothing."""
        for name, value in values.items():
            known = self.SETTINGS.get(name, self)
            if known is self:
                raise PlanError(f"{self.vendor} has no setting {name!r}; there are {', '.join(self.SETTINGS)}")
            if isinstance(known, Choice) and value not in known.values:
                raise PlanError(f"{name} is one of {', '.join(map(str, known.values))}, not {value!r}")
        self.settings.update(values)

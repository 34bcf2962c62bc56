"""Recorded trades for the tests: the whole day where the shared data folder lies beside the checkout, else the excerpt."""

import csv
import gzip
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
WHOLE_DAY = ROOT.parent / "shared" / "data" / "spy-trades-20131008.csv.gz"
EXCERPT = ROOT / "Examples" / "data" / "spy-trades.csv.gz"


def spy_trades() -> pathlib.Path:
    if WHOLE_DAY.exists():
        return WHOLE_DAY
    print(f"note: {WHOLE_DAY.name} is not beside the checkout; using the bundled excerpt")
    return EXCERPT


def rows(path: pathlib.Path):
    with gzip.open(path, "rt") as f:
        for row in csv.DictReader(f):
            yield int(row["ts_event_ns"]), row["price"], row["size"], row["exchange"]

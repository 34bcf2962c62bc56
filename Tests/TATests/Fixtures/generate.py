#!/usr/bin/env python3
"""Makes the reference values that the indicators are compared to.

    pip install TA-Lib==0.8.2 numpy
    python3 generate.py FOLDER-WITH-BARS

TA-Lib (https://ta-lib.org, BSD-3-Clause) computes all columns after `volume`; only its Python wrapper's `nan` becomes an
empty cell. Bars: see README.md beside this file. Numbers are written as the shortest text that reads back the same.
"""

import gzip
import sys

import numpy
import talib

# name of the fixture, file with the bars, first row, rows, indicators
FIXTURES = [
    ("spy-1m", "spy-bars1m-20131008.csv.gz", 150, 480, "usual"),
    ("btcusd-1m", "btcusd-bars1m-20180404.csv.gz", 0, 420, "other"),
    ("yesbank-1m", "yesbank-bars1m-20190709.csv.gz", 0, 377, "short"),
]
SETS = {
    "usual": dict(sma=20, ema=12, rsi=14, macd=(12, 26, 9), bbands=(20, 2.0), atr=14),
    "other": dict(sma=50, ema=21, rsi=9, macd=(5, 35, 5), bbands=(10, 1.5), atr=7),
    "short": dict(sma=2, ema=2, rsi=2, macd=(2, 3, 2), bbands=(5, 3.0), atr=2),
}


def text(value):
    if value != value:
        return ""
    return repr(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))


def main(folder):
    for name, source, first, count, chosen in FIXTURES:
        with gzip.open(f"{folder}/{source}", "rt") as file:
            rows = [line.strip().split(",") for line in file][1 + first : 1 + first + count]
        times = [row[0] for row in rows]
        opened, high, low, close, volume = (numpy.array([float(row[i]) for row in rows]) for i in range(1, 6))
        p = SETS[chosen]
        fast, slow, signal = p["macd"]
        macd = talib.MACD(close, fastperiod=fast, slowperiod=slow, signalperiod=signal)
        period, deviations = p["bbands"]
        bands = talib.BBANDS(close, timeperiod=period, nbdevup=deviations, nbdevdn=deviations, matype=0)
        columns = {
            f"sma({p['sma']}).sma": talib.SMA(close, p["sma"]),
            f"ema({p['ema']}).ema": talib.EMA(close, p["ema"]),
            f"rsi({p['rsi']}).rsi": talib.RSI(close, p["rsi"]),
            f"atr({p['atr']}).atr": talib.ATR(high, low, close, p["atr"]),
        }
        for output, values in zip(("macd", "signal", "histogram"), macd):
            columns[f"macd({fast},{slow},{signal}).{output}"] = values
        for output, values in zip(("upper", "middle", "lower"), bands):
            columns[f"bbands({period},{text(deviations)}).{output}"] = values
        with open(f"{name}.csv", "w") as out:
            out.write(";".join(["time", "open", "high", "low", "close", "volume", *columns]) + "\n")
            for i in range(len(rows)):
                bar = [text(column[i]) for column in (opened, high, low, close, volume)]
                out.write(";".join([times[i], *bar, *(text(values[i]) for values in columns.values())]) + "\n")
        print(f"{name}.csv: {len(rows)} bars, TA-Lib {talib.__version__}, C library {talib.__ta_version__.decode()}")


main(sys.argv[1])

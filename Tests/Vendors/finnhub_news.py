"""Finnhub's news, made up by the quarter of an hour: the same question gets the same items."""

import datetime as dt
import zlib

STEP_S = 900
CATEGORIES = ("general", "forex", "crypto", "merger")
MOST = 250


class Refusal(Exception):
    def __init__(self, status: int, text: str):
        super().__init__(text)
        self.status, self.text = status, text


class News:
    """A part of `Replies`, whose members it uses."""

    @staticmethod
    def _item(step: int, category: str, related: str, about: str) -> dict:
        number = 100_000_000 + step * 10 + len(category) % 10
        return {
            "category": category,
            "datetime": step * STEP_S,
            "headline": f"{about} & friends: \u201cnumber {number}\u201d",
            "id": number,
            "image": "",
            "related": related,
            "source": ("Yahoo", "Reuters", "SeekingAlpha")[step % 3],
            "summary": f"Nothing happened to {about} <again>.",
            "url": f"https://news.example/{number}",
        }

    def company_news(self, query: dict, _call: str) -> list[dict]:
        listing = self._listing(query)
        try:
            first = dt.datetime.fromisoformat(query["from"]).replace(tzinfo=dt.UTC).timestamp()
            last = dt.datetime.fromisoformat(query["to"]).replace(tzinfo=dt.UTC).timestamp() + 86399
        except (KeyError, ValueError):
            raise Refusal(422, "Wrong or missing parameters: from, to") from None
        if listing is None or listing.is_pair:
            return []
        now = self.market.clock.now()
        if self.settings["plan"] == "free":
            first = max(first, now - 365 * 86400)
        salt, items = zlib.crc32(listing.key.encode()), []
        for step in range(int(min(last, now) // STEP_S), int(-(-first // STEP_S)) - 1, -1):
            if (step * 2654435761 + salt) % 97 < 5:
                items.append(self._item(step, "company", listing.fh_symbol, listing.name))
            if len(items) == MOST:
                break
        return items

    def news(self, query: dict, _call: str) -> list[dict]:
        """The newest hundred of a category, newest first; with `minId` only what is newer than that."""
        category, least = query.get("category", "general"), int(query.get("minId", 0) or 0)
        if category not in CATEGORIES:
            return []
        newest = int(self.market.clock.now() // STEP_S)
        items = [self._item(step, category, "", f"The {category} market") for step in range(newest, newest - 100, -1)]
        return [item for item in items if item["id"] > least]

    def news_sentiment(self, query: dict, _call: str) -> dict:
        listing = self._listing(query)
        if listing is None:
            return {"buzz": None, "companyNewsScore": 0, "sentiment": None, "symbol": query["symbol"]}
        bullish = round(0.3 + zlib.crc32(listing.key.encode()) % 6000 / 10_000, 4)
        return {
            "buzz": {"articlesInLastWeek": 20, "buzz": 0.8888, "weeklyAverage": 22.5},
            "companyNewsScore": 0.9166,
            "sectorAverageBullishPercent": 0.6482,
            "sectorAverageNewsScore": 0.5191,
            "sentiment": {"bearishPercent": round(1 - bullish, 4), "bullishPercent": bullish},
            "symbol": listing.fh_symbol,
        }

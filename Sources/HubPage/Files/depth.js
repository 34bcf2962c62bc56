// Both sides of the book, and the latest trades.

import { byId, make, onFrame, setText } from "/page/frame.js";
import * as format from "/page/format.js";

const levels = 10;
const trades = 18;

/** Rows that are made once and filled again and again. */
function rows(parent, count, kind, cells) {
  return Array.from({ length: count }, () => {
    const row = make(kind, { hidden: true }, ...cells.map(([name, className]) => make(name, { class: className })));
    parent.append(row);
    return row;
  });
}

function fill(row, texts) {
  row.hidden = false;
  texts.forEach((text, index) => setText(row.children[index], text));
}

export class Depth {
  #bids = rows(byId("bids"), levels, "tr", [["td", "bid"], ["td", "end"], ["td", "end faint"]]);
  #asks = rows(byId("asks"), levels, "tr", [["td", "ask"], ["td", "end"], ["td", "end faint"]]);
  #trades = rows(byId("tape"), trades, "li", [["span", "faint"], ["span", "end"], ["span", "end"]]);
  #book = null;
  #quote = null;
  #latest = [];
  #places = 2;
  #zone = "UTC";

  /** Empties it for another instrument. */
  reset(places, zone) {
    this.#places = places;
    this.#zone = zone;
    this.#book = null;
    this.#quote = null;
    this.#latest = [];
    onFrame(this.#drawBook);
    onFrame(this.#drawTrades);
  }

  /** Takes an event in; those that show nothing here are ignored. */
  take(event) {
    switch (event.type) {
      case "book":
        this.#book = event;
        onFrame(this.#drawBook);
        break;
      case "quote":
        this.#quote = event;
        onFrame(this.#drawBook);
        break;
      case "trade":
        this.#latest.push(event);
        if (this.#latest.length > 4 * trades) this.#latest = this.#latest.slice(-trades);
        onFrame(this.#drawTrades);
        break;
      default:
    }
  }

  #drawBook = () => {
    const best = this.#quote;
    const side = (price, size) => (typeof price === "number" ? [[price, size]] : []);
    const bids = this.#book?.bids ?? (best ? side(best.bid, best.bid_size) : []);
    const asks = this.#book?.asks ?? (best ? side(best.ask, best.ask_size) : []);
    const shownBids = bids.slice(0, levels);
    const shownAsks = asks.slice(0, levels);
    const largest = Math.max(1e-12, ...[...shownBids, ...shownAsks].map(([, size]) => size ?? 0));
    // Asks stand on their heads: the best prices meet in the middle.
    this.#drawSide(this.#asks, [...Array(levels - shownAsks.length).fill(null), ...shownAsks.toReversed()], largest);
    this.#drawSide(this.#bids, shownBids, largest);
    const [bid, ask] = [bids[0]?.[0], asks[0]?.[0]];
    setText(byId("spread"), bid !== undefined && ask !== undefined ? `spread ${format.price(ask - bid, this.#places)}` : "");
    const note = byId("depth-note");
    note.hidden = shownBids.length + shownAsks.length > 0;
    setText(note, "No bids and asks from this source.");
  };

  #drawSide(rows, levels, largest) {
    rows.forEach((row, index) => {
      const level = levels[index];
      if (!level) {
        row.hidden = true;
        return;
      }
      const [price, size, orders] = level;
      fill(row, [format.price(price, this.#places), format.size(size), orders === undefined ? "" : String(orders)]);
      row.style.setProperty("--part", `${(100 * (size ?? 0)) / largest}%`);
    });
  }

  #drawTrades = () => {
    const latest = this.#latest.slice(-trades).reverse();
    this.#trades.forEach((row, index) => {
      const trade = latest[index];
      if (!trade) {
        row.hidden = true;
        return;
      }
      fill(row, [format.timeOfDay(trade.time, this.#zone), format.price(trade.price, this.#places), format.size(trade.size)]);
      const side = trade.side ?? "";
      if (row.dataset.side !== side) row.dataset.side = side;
    });
  };
}

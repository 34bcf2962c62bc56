// The list of instruments: search, prices moving, the keyboard.

import { byId, make, onFrame, setText } from "/page/frame.js";
import { get } from "/page/hub.js";
import * as format from "/page/format.js";

/** As many are shown; who wants another one searches. */
const shownMost = 200;
/** How long a price that moved keeps its colour. */
const movedFor = 700;

export class Instruments {
  #list = byId("instruments");
  #search = byId("search");
  #note = byId("instruments-note");
  #rows = new Map();
  #shown = [];
  #active = null;
  #chosen = null;
  #changed = new Set();
  #moved = new Map();
  #request = null;
  #options;

  /** `options.onChoose(symbol)`, `options.onShown(symbols)`. */
  constructor(options) {
    this.#options = options;
    let typing = 0;
    this.#search.addEventListener("input", () => {
      clearTimeout(typing);
      typing = setTimeout(() => this.load(), 120);
    });
    this.#search.addEventListener("keydown", (event) => this.#key(event, true));
    this.#list.addEventListener("keydown", (event) => this.#key(event, false));
    this.#list.addEventListener("click", (event) => {
      const row = event.target.closest("li");
      if (row) this.#choose(row.dataset.symbol);
    });
    document.addEventListener("keydown", (event) => {
      if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.target === this.#search) return;
      event.preventDefault();
      this.#search.focus();
      this.#search.select();
    });
    setInterval(() => this.#calm(), movedFor / 2);
  }

  /** Reads the list for what stands in the search field. */
  async load() {
    this.#request?.abort();
    const request = new AbortController();
    this.#request = request;
    const query = this.#search.value.trim();
    try {
      const page = await get("/v1/instruments", { query: query || undefined, limit: shownMost }, request.signal);
      this.#show(page.data, query, page.meta.next !== undefined);
      if (page.data.length) await this.#price(page.data.map((row) => row.symbol), request.signal);
    } catch (error) {
      if (error.name !== "AbortError") this.#say(error.message);
    }
  }

  /** Latest prices of everything that is shown, at once. */
  async refresh() {
    try {
      if (this.#shown.length) await this.#price(this.#shown);
    } catch { /* the stream tells when the hub is back */ }
  }

  /** Takes a `summary` in. */
  take(summary) {
    const row = this.#rows.get(summary.symbol);
    if (!row) return;
    const old = row.quote?.last;
    row.quote = summary;
    if (old !== undefined && summary.last !== old) row.move = summary.last > old ? "up" : "down";
    this.#changed.add(row);
    onFrame(this.#draw);
  }

  /** Marks the instrument that is in focus, however it came there. */
  mark(symbol) {
    this.#chosen = symbol;
    for (const row of this.#rows.values()) row.element.setAttribute("aria-selected", String(row.symbol === symbol));
    this.#activate(symbol, false);
  }

  /** What to show somebody who has chosen nothing: the first whose market is open, else the first. */
  get liveliest() {
    return this.#shown.find((symbol) => this.#rows.get(symbol).quote?.phase === "open") ?? this.#shown[0];
  }

  async #price(symbols, signal) {
    const quotes = await get("/v1/quotes", { symbols: symbols.join(",") }, signal);
    for (const quote of quotes.data) this.take(quote);
  }

  #show(instruments, query, hasMore) {
    this.#shown = instruments.map((instrument) => instrument.symbol);
    for (const instrument of instruments) {
      if (!this.#rows.has(instrument.symbol)) this.#rows.set(instrument.symbol, makeRow(instrument, this.#rows.size));
    }
    this.#list.replaceChildren(...this.#shown.map((symbol) => this.#rows.get(symbol).element));
    if (!instruments.length) this.#say(query ? `Nothing found for “${query}”.` : "No instruments yet: hub.yaml names them under pipelines.");
    else this.#say(hasMore ? `The first ${shownMost}; search for more.` : "");
    this.mark(this.#chosen);
    this.#options.onShown(this.#shown);
  }

  #say(text) {
    this.#note.hidden = !text;
    setText(this.#note, text);
  }

  #draw = () => {
    const now = performance.now();
    for (const row of this.#changed) {
      const { quote } = row;
      setText(row.last, format.price(quote.last, row.places));
      setText(row.change, typeof quote.change_percent === "number" ? `${format.signed(quote.change_percent)} %` : "–");
      const direction = quote.change_percent > 0 ? "up" : quote.change_percent < 0 ? "down" : "";
      if (row.change.dataset.direction !== direction) row.change.dataset.direction = direction;
      if (row.element.classList.contains("stale") !== Boolean(quote.stale)) row.element.classList.toggle("stale");
      if (row.move) {
        row.last.dataset.move = row.move;
        row.move = "";
        this.#moved.set(row, now);
      }
    }
    this.#changed.clear();
  };

  #calm() {
    const now = performance.now();
    for (const [row, at] of this.#moved) {
      if (now - at < movedFor) continue;
      delete row.last.dataset.move;
      this.#moved.delete(row);
    }
  }

  #key(event, isSearch) {
    const at = this.#shown.indexOf(this.#active);
    const to = (index) => {
      event.preventDefault();
      this.#activate(this.#shown[Math.max(0, Math.min(this.#shown.length - 1, index))], true);
    };
    switch (event.key) {
      case "ArrowDown": return to(at + 1);
      case "ArrowUp": return to(at < 0 ? 0 : at - 1);
      case "PageDown": return to(at + 10);
      case "PageUp": return to(at - 10);
      case "Home": return isSearch ? undefined : to(0);
      case "End": return isSearch ? undefined : to(this.#shown.length - 1);
      case "Enter":
        event.preventDefault();
        return this.#choose(this.#shown.includes(this.#active) ? this.#active : this.#shown[0]);
      case " ":
        if (isSearch) return undefined;
        event.preventDefault();
        return this.#choose(this.#active);
      case "Escape":
        if (!isSearch) return undefined;
        if (!this.#search.value) return this.#search.blur();
        event.preventDefault();
        this.#search.value = "";
        return this.load();
      default:
        return undefined;
    }
  }

  #activate(symbol, scrolls) {
    const row = this.#rows.get(symbol);
    this.#rows.get(this.#active)?.element.classList.remove("active");
    this.#active = row ? symbol : null;
    for (const owner of [this.#list, this.#search]) {
      if (row) owner.setAttribute("aria-activedescendant", row.element.id);
      else owner.removeAttribute("aria-activedescendant");
    }
    row?.element.classList.add("active");
    if (scrolls) row?.element.scrollIntoView({ block: "nearest" });
  }

  #choose(symbol) {
    if (symbol) this.#options.onChoose(symbol);
  }
}

function makeRow(instrument, index) {
  const [venue, ...rest] = instrument.symbol.split(":");
  const last = make("span", { class: "last number" }, "–");
  const change = make("span", { class: "change number" }, "–");
  const element = make("li", { id: `instrument-${index}`, role: "option", "aria-selected": "false", "data-symbol": instrument.symbol },
    make("span", { class: "who" }, make("b", {}, rest.join(":")), make("small", {}, instrument.name ? `${venue} · ${instrument.name}` : venue)),
    last, change);
  return { symbol: instrument.symbol, element, last, change, places: format.placesOf(instrument.tick_size), quote: null, move: "" };
}

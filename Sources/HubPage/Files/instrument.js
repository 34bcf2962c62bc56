// The instrument in focus: headline, chart, depth. History by HTTP, then the stream from the cursor of that answer.

import { byId, make, onFrame, setText } from "/page/frame.js";
import { Problem, Stream, get, part } from "/page/hub.js";
import { Chart, isInstalled } from "/page/chart.js";
import { Depth } from "/page/depth.js";
import { Series } from "/page/series.js";
import * as format from "/page/format.js";

const barsAtOnce = 600;
const events = ["trade", "tick", "quote", "book", "status"];

export class Instrument {
  symbol = null;
  interval = null;
  #options;
  #depth = new Depth();
  #stream = null;
  #series = new Series();
  #chart = null;
  #studies = [];
  #hidden = new Set(readHidden());
  #catalogue = null;
  #about = {};
  #quote = null;
  #opening = null;
  #isComplete = false;
  #isReading = false;

  /** `options.onState(state, detail)`, `options.onDelay(ms)`, `options.onOpened()`, `options.gaps()`. */
  constructor(options) {
    this.#options = options;
    window.addEventListener("hub-theme", () => onFrame(() => this.#chart?.rebuild()));
    byId("intervals").addEventListener("change", (event) => this.open(this.symbol, event.target.value));
    byId("indicators").addEventListener("click", (event) => {
      const name = event.target.closest("button")?.dataset.name;
      if (!name) return;
      if (!this.#hidden.delete(name)) this.#hidden.add(name);
      writeHidden(this.#hidden);
      this.#drawStudies();
      this.#chart?.rebuild(this.#shownStudies());
    });
  }

  /** Brings an instrument into focus; `interval` may be one it does not have. */
  async open(symbol, interval = this.interval) {
    this.#opening?.abort();
    const opening = new AbortController();
    this.#opening = opening;
    this.#stream?.close();
    this.#stream = null;
    const isOther = symbol !== this.symbol;
    this.symbol = symbol;
    try {
      if (isOther) {
        this.#about = await get(`/v1/instruments/${part(symbol)}`, {}, opening.signal);
        this.symbol = this.#about.symbol;
        this.#headline();
      }
      this.#catalogue ??= (await get("/v1/indicators", {}, opening.signal)).data;
      const kept = this.#about.intervals.length ? this.#about.intervals : ["1m"];
      this.interval = kept.includes(interval) ? interval : kept.includes("1m") ? "1m" : kept[0];
      this.#drawIntervals(kept);
      const page = await get(`/v1/bars/${part(this.symbol)}`, { interval: this.interval, limit: barsAtOnce }, opening.signal);
      this.#series = new Series();
      for (const row of page.data) this.#series.put(row);
      this.#isComplete = page.data.length < barsAtOnce;
      this.#studies = [];
      this.#draw();
      this.#follow(page.meta.as_of, opening);
      this.#options.onOpened();
    } catch (error) {
      if (error.name === "AbortError") return;
      this.#note(error.message);
      // The hub cannot be reached: tried again until somebody chooses something else.
      if (!(error instanceof Problem)) setTimeout(() => { if (this.#opening === opening) { this.symbol = isOther ? null : symbol; this.open(symbol, interval); } }, 2000);
    }
  }

  /** New gaps are marked in the chart. */
  redraw() {
    this.#chart?.redraw();
  }

  #follow(cursor, opening) {
    const types = [...events, "summary", `bar:${this.interval}`, "value"];
    this.#stream = new Stream({
      from: { cursor },
      subscribe: () => ({ symbols: [this.symbol], types, snapshot: true, forming: true, every_ms: 250, on_slow: "conflate" }),
      onObject: (object) => this.#take(object, opening),
      onState: this.#options.onState,
      onFresh: () => this.open(this.symbol),
    });
  }

  #take(object, opening) {
    switch (object.type) {
      case "subscribed":
        this.#learnStudies(object.matched[0]?.types ?? [], opening.signal);
        break;
      case "snapshot":
        for (const event of object.data) if (event.type !== "bar") this.#takeEvent(event);
        break;
      default:
        this.#takeEvent(object);
    }
  }

  #takeEvent(event) {
    switch (event.type) {
      case "summary":
        this.#quote = event;
        onFrame(this.#drawQuote);
        return;
      case "bar":
        if (event.interval === this.interval) this.#changed(this.#series.put(event));
        return;
      case "value":
        if (event.interval !== this.interval || !this.#series.putValue(event)) return;
        this.#changed(event.time >= (this.#series.bars.at(-1)?.time ?? 0) ? "last" : "older");
        return;
      case "trade":
      case "quote":
      case "tick":
        this.#options.onDelay(this.#stream.age(event.received));
        break;
      default:
    }
    this.#depth.take(event);
  }

  #changed(what) {
    if (what === "last") this.#chart?.redrawLast();
    else if (what === "older") this.#chart?.redraw();
  }

  /** Indicators are those the pipeline computes at this interval; their past is in the journal. */
  async #learnStudies(types, signal) {
    const names = types.filter((type) => type.startsWith("value:") && type.endsWith(`@${this.interval}`)).map((type) => type.slice(6, type.lastIndexOf("@")));
    const studies = names.map((name) => {
      const entry = this.#catalogue.find((row) => row.name === name.split("(")[0]);
      return { name, outputs: entry?.outputs ?? [], overlay: entry?.overlay ?? false };
    }).filter((study) => study.outputs.length);
    if (studies.map((study) => study.name).join() === this.#studies.map((study) => study.name).join()) return;
    this.#studies = studies;
    this.#drawStudies();
    try {
      await this.#readValues({}, signal);
    } catch { /* the lines begin where the page does */ }
    if (!signal.aborted) this.#chart?.rebuild(this.#shownStudies());
  }

  async #readValues(range, signal) {
    if (!this.#studies.length) return;
    const types = this.#studies.map((study) => `value:${study.name}@${this.interval}`).join(",");
    const page = await get("/v1/events", { symbols: this.symbol, types, limit: barsAtOnce * this.#studies.length, ...range }, signal);
    for (const event of page.data) if (event.type === "value") this.#series.putValue(event);
  }

  /** Bars from before the oldest one, when the reader has scrolled there. */
  async #readOlder() {
    const oldest = this.#series.bars[0]?.time;
    if (this.#isComplete || this.#isReading || oldest === undefined) return;
    this.#isReading = true;
    const series = this.#series;
    try {
      const page = await get(`/v1/bars/${part(this.symbol)}`, { interval: this.interval, to: oldest, limit: barsAtOnce }, this.#opening.signal);
      if (series !== this.#series) return;
      this.#isComplete = page.data.length < barsAtOnce;
      if (!page.data.length) return;
      series.prepend(page.data);
      await this.#readValues({ from: page.data[0].time, to: oldest }, this.#opening.signal);
    } catch { /* asked again at the next scroll */ } finally {
      this.#isReading = false;
      if (series === this.#series) this.#chart?.redraw();
    }
  }

  #shownStudies() {
    return this.#studies.filter((study) => !this.#hidden.has(study.name));
  }

  #draw() {
    this.#chart?.destroy();
    this.#chart = null;
    this.#drawStudies();
    if (!isInstalled()) {
      this.#note("The chart's script is not installed beside the hub: run scripts/fetch-web-assets with the folder of the binary, and load this page again. Everything else works without it.");
      return;
    }
    this.#note(this.#series.bars.length ? "" : "No bars yet.");
    this.#chart = new Chart(byId("panes"), byId("legend"), this.#series, {
      places: this.#places, zone: this.#about.timezone, interval: this.interval, studies: this.#shownStudies(),
      gaps: () => this.#options.gaps().filter((gap) => gap.symbols.some((glob) => matches(glob, this.symbol))),
      onOldest: () => this.#readOlder(),
    });
  }

  get #places() {
    return format.placesOf(this.#about.tick_size);
  }

  #note(text) {
    byId("chart-note").hidden = !text;
    setText(byId("chart-note"), text);
  }

  #headline() {
    const about = this.#about;
    document.title = `${about.symbol} · hub`;
    setText(byId("symbol"), about.symbol);
    setText(byId("about"), [about.name, about.type, about.currency, about.timezone].filter(Boolean).join(" · "));
    this.#quote = null;
    this.#drawQuote();
    this.#depth.reset(this.#places, about.timezone);
    get(`/v1/quotes/${part(about.symbol)}`).then((quote) => {
      if (this.symbol !== quote.symbol || this.#quote) return;
      this.#quote = quote;
      onFrame(this.#drawQuote);
    }, () => { /* no price yet */ });
  }

  #drawQuote = () => {
    const quote = this.#quote ?? {};
    const places = this.#places;
    setText(byId("last"), format.price(quote.last, places));
    const change = byId("change");
    const isKnown = typeof quote.change === "number";
    setText(change, isKnown ? `${format.signed(quote.change, places)}  ${format.signed(quote.change_percent)} %` : "");
    change.dataset.direction = quote.change > 0 ? "up" : quote.change < 0 ? "down" : "";
    const facts = [
      ["Open", format.price(quote.open, places)], ["High", format.price(quote.high, places)], ["Low", format.price(quote.low, places)],
      ["Previous", format.price(quote.previous_close, places)], ["Volume", format.short(quote.volume)],
      ["Market", quote.phase ? quote.phase.replaceAll("_", " ") + (quote.stale ? ", stale" : "") : "–"],
      ["Source", quote.source ? quote.source + (quote.simulated ? " (simulated)" : "") : "–"],
    ];
    const list = byId("facts");
    if (!list.children.length) for (const [name] of facts) list.append(make("div", {}, make("dt", {}, name), make("dd", { class: "number" })));
    facts.forEach(([, text], index) => setText(list.children[index].lastChild, text));
  };

  #drawIntervals(kept) {
    const box = byId("intervals");
    const drawn = [...box.querySelectorAll("input")].map((input) => input.value).join();
    if (drawn !== kept.join()) {
      box.querySelectorAll("label").forEach((label) => label.remove());
      for (const interval of kept) {
        box.append(make("label", {}, make("input", { type: "radio", name: "interval", value: interval }), make("span", {}, interval)));
      }
    }
    for (const input of box.querySelectorAll("input")) input.checked = input.value === this.interval;
  }

  #drawStudies() {
    byId("indicators").replaceChildren(...this.#studies.map((study) =>
      make("button", { type: "button", "data-name": study.name, "aria-pressed": String(!this.#hidden.has(study.name)) }, study.name)));
  }
}

/** Whether a glob such as `SIM:*` names a symbol. */
function matches(glob, symbol) {
  const pattern = glob.replace(/[.+^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*").replaceAll("?", ".");
  return new RegExp(`^${pattern}$`).test(symbol);
}

function readHidden() {
  try {
    return JSON.parse(localStorage.getItem("hub.hidden") ?? "[]");
  } catch {
    return [];
  }
}

function writeHidden(hidden) {
  try {
    localStorage.setItem("hub.hidden", JSON.stringify([...hidden]));
  } catch { /* the choice lasts as long as the page */ }
}

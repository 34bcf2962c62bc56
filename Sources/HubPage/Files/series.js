// Bars and values of one instrument and interval, in the order of time: what the chart shows, without the chart.

/** As many bars are kept; a page that is left open over night with bars of a second must not grow. */
const most = 20_000;

export class Series {
  /** Rows as /v1/bars gives them, oldest first. */
  bars = [];
  /** Definition → (time → values). */
  values = new Map();

  /**
   * Takes a bar in: a row, an event or a forming view.
   *
   * Returns what changed: `"last"`, `"older"` (anything but the newest), or `null`.
   */
  put(bar) {
    const bars = this.bars;
    const last = bars.at(-1);
    if (!last || bar.time > last.time) {
      bars.push(bar);
      if (bars.length <= most) return "last";
      for (const removed of bars.splice(0, most / 10)) for (const values of this.values.values()) values.delete(removed.time);
      return "older";
    }
    const at = this.#find(bar.time);
    const old = bars[at];
    if (old.time !== bar.time) {
      // A closed bar from before the oldest one we show belongs to history that was not asked for yet.
      if (at === 0 || bar.state === "forming") return null;
      bars.splice(at, 0, bar);
      return "older";
    }
    // A view that was overtaken by the bar's end, or a revision by an older one.
    if (bar.state === "forming" && old.state !== "forming") return null;
    if (old.state !== "forming" && bar.revision < old.revision) return null;
    bars[at] = bar;
    return at === bars.length - 1 ? "last" : "older";
  }

  /** Puts older rows in front. */
  prepend(rows) {
    const first = this.bars[0]?.time ?? Infinity;
    this.bars = rows.filter((row) => row.time < first).concat(this.bars);
  }

  /** Takes a value in; events and views. */
  putValue(event) {
    let values = this.values.get(event.name);
    if (!values) this.values.set(event.name, values = new Map());
    const old = values.get(event.time);
    if (old && old.state !== "forming" && (event.state === "forming" || event.revision < old.revision)) return false;
    values.set(event.time, event);
    return true;
  }

  /** First place whose time is not before. */
  #find(time) {
    let low = 0;
    let high = this.bars.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.bars[middle].time < time) low = middle + 1; else high = middle;
    }
    return low;
  }
}

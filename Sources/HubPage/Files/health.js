// Providers, pipelines, sinks and gaps: what is well, what is not, and since when.

import { byId, make, onFrame, setText } from "/page/frame.js";
import { get } from "/page/hub.js";
import * as format from "/page/format.js";

const every = 3000;
const gapsMost = 50;

/** What a state means to somebody who looks for trouble. */
const moods = {
  ok: "good", live: "good", running: "good", starting: "busy", degraded: "warn", reconnecting: "warn", stale: "warn", behind: "warn",
  retrying: "warn", auth_needed: "bad", failed: "bad", disk_full: "bad", closed: "calm", stopped: "calm", ended: "calm",
};

function state(row) {
  const badge = make("span", { class: "state", "data-mood": moods[row.state] ?? "warn" }, row.state.replaceAll("_", " "));
  const cell = make("td", {}, badge);
  if (row.reason) cell.append(make("small", {}, row.reason));
  if (row.login_url) cell.append(" ", make("a", { href: row.login_url, rel: "noreferrer" }, "log in"));
  return cell;
}

const end = (text, title) => make("td", { class: "end number", title }, text);

function name(row) {
  const cell = make("th", { scope: "row" }, row.name);
  if (row.simulated) cell.append(make("small", {}, "simulated"));
  return cell;
}

/** Lags are counted up to 2^31 µs: what is older comes from a recording. */
const lag = (ms) => (ms >= 2_147_483 ? "recorded" : format.duration(ms));

export class Health {
  #gaps = new Map();
  #timer = 0;

  constructor() {
    document.addEventListener("visibilitychange", () => this.load());
    this.load();
  }

  /** All gaps that are known, newest first. */
  get gaps() {
    return [...this.#gaps.values()].sort((a, b) => b.from - a.from);
  }

  async load() {
    clearTimeout(this.#timer);
    if (document.hidden) return;
    try {
      const status = await get("/v1/status");
      onFrame(() => this.#draw(status));
    } catch { /* the connection's own sign says it */ }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.load(), every);
  }

  /** Gaps from before this page was opened. */
  async loadGaps() {
    const page = await get("/v1/quality/gaps", { limit: gapsMost });
    for (const gap of page.data) this.#keep(gap);
    onFrame(this.#drawGaps);
  }

  /** Takes a `gap`, a `control` or a heartbeat in. */
  take(object) {
    if (object.type === "gap") {
      this.#keep(object);
      onFrame(this.#drawGaps);
    } else if (object.type === "control") {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.load(), 200);
    }
  }

  /** A gap is told when it opens and when it closes; the later word counts. */
  #keep(gap) {
    const known = this.#gaps.get(gap.gap_id);
    if (!known || gap.seq >= known.seq) this.#gaps.set(gap.gap_id, gap);
    if (this.#gaps.size > 2 * gapsMost) this.#gaps = new Map(this.gaps.slice(0, gapsMost).map((gap) => [gap.gap_id, gap]));
  }

  #draw(status) {
    const { hub } = status;
    setText(byId("hub-about"), `hub ${hub.version} · up ${format.duration(hub.uptime_ms)} · position ${hub.head.toLocaleString("en")} · ${format.short(hub.memory_bytes / 1048576)} MiB`);
    rows("providers", status.providers.map((row) => [
      name(row), state(row), end(format.size(row.events_per_second)), end(lag(row.lag_ms.p50)), end(lag(row.lag_ms.p99)),
      end(row.last_event ? format.dayAndTime(row.last_event) : "–"),
    ]));
    rows("pipelines", status.pipelines.map((row) => [
      name(row), state(row), make("td", {}, row.active ?? "none", row.from.length > 1 ? make("small", {}, `of ${row.from.join(", ")}`) : ""),
      end(row.failed_instruments ? `${row.instruments} (${row.failed_instruments} failed)` : String(row.instruments)),
      end(format.size(row.events_per_second)),
    ]));
    rows("sinks", status.sinks.map((row) => [name(row), state(row), end(`${format.short(row.behind)}`), end(format.short(row.written))]), "No sinks.");
    this.#drawGaps();
  }

  #drawGaps = () => {
    rows("gaps", this.gaps.slice(0, 8).map((gap) => [
      make("th", { scope: "row", class: "number" }, format.dayAndTime(gap.from)),
      end(gap.to === null ? "open" : format.duration((gap.to - gap.from) / 1000)),
      make("td", {}, gap.symbols.join(", "), make("small", {}, gap.types.join(", "))),
      make("td", {}, gap.reason.replaceAll("_", " "), make("small", {}, gap.source)),
      make("td", {}, gap.repair),
    ]), "No gaps known.");
  };
}

/** Replaces the rows of a table; text that did not change leaves the table alone. */
function rows(id, rows, nothing = "None.") {
  const body = byId(id).tBodies[0];
  const fresh = make("tbody", {}, ...rows.map((cells) => make("tr", {}, ...cells)));
  if (!rows.length) fresh.append(make("tr", {}, make("td", { colspan: "9", class: "faint" }, nothing)));
  if (fresh.innerHTML !== body.innerHTML) body.replaceWith(fresh);
}

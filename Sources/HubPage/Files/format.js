// Numbers and times as people read them.

const formats = new Map();

function number(places, most = places) {
  const key = `${places}.${most}`;
  let format = formats.get(key);
  if (!format) {
    format = new Intl.NumberFormat("en", { minimumFractionDigits: places, maximumFractionDigits: most });
    formats.set(key, format);
  }
  return format;
}

/** Decimals of a tick size, at most 8; 2 where there is none. */
export function placesOf(tickSize) {
  if (!(tickSize > 0)) return 2;
  for (let places = 0; places < 8; places++) {
    if (Math.abs(tickSize * 10 ** places - Math.round(tickSize * 10 ** places)) < 1e-9) return places;
  }
  return 8;
}

const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

export const price = (value, places = 2) => (isNumber(value) ? number(places, Math.max(places, 4)).format(value) : "–");

/** An indicator's value: as many decimals as its size needs. */
export const value = (value) => number(Math.abs(value) >= 10 ? 2 : Math.abs(value) >= 1 ? 3 : 4).format(value);

export const size = (value) => (isNumber(value) ? number(0, 4).format(value) : "–");

/** `+1.25`, `−0.40`; a real minus, as wide as the plus. */
export function signed(value, places = 2) {
  if (!isNumber(value)) return "–";
  const text = number(places).format(Math.abs(value));
  return value > 0 ? `+${text}` : value < 0 ? `−${text}` : text;
}

/** Thousands and more, short: `5.02M`. */
export function short(value) {
  if (!isNumber(value)) return "–";
  for (const [limit, letter] of [[1e12, "T"], [1e9, "B"], [1e6, "M"], [1e4, "K"]]) {
    if (Math.abs(value) >= limit) return number(1, 2).format(value / (letter === "K" ? 1e3 : limit)) + letter;
  }
  return number(0, 2).format(value);
}

/** A duration given in milliseconds. The hub counts lags to about 35 minutes: what is older is old data, not a slow line. */
export function duration(ms) {
  if (!isNumber(ms)) return "–";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 100) return `${Math.round(seconds)} s`;
  if (seconds < 6000) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

const clocks = new Map();

function clock(zone, options) {
  const key = zone + JSON.stringify(options);
  let format = clocks.get(key);
  if (!format) {
    format = new Intl.DateTimeFormat("en-GB", { timeZone: zone, ...options });
    clocks.set(key, format);
  }
  return format;
}

const time = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };

/** Times are microseconds since 1970, as everywhere in the hub. */
export const timeOfDay = (us, zone = "UTC") => clock(zone, { ...time, second: "2-digit" }).format(us / 1000);

export const dayAndTime = (us, zone = "UTC") =>
  clock(zone, { day: "numeric", month: "short", ...time, second: "2-digit" }).format(us / 1000);

/** Under the chart: years, months, days, times, by the kind of mark (0 to 4 as the chart counts them). */
export function axisMark(us, kind, zone) {
  const options = [
    { year: "numeric" }, { month: "short" }, { day: "numeric", month: "short" }, time, { ...time, second: "2-digit" },
  ][kind];
  return clock(zone, options ?? time).format(us / 1000);
}

/** At the crosshair. */
export function barTime(us, intervalMs, zone) {
  const day = { weekday: "short", day: "numeric", month: "short", year: "numeric" };
  if (intervalMs >= 86_400_000) return clock("UTC", day).format(us / 1000);
  const seconds = intervalMs < 60_000 ? { second: "2-digit" } : {};
  return clock(zone, { day: "numeric", month: "short", ...time, ...seconds }).format(us / 1000);
}

const units = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000, M: 2_592_000_000 };

/** Length of an interval such as `15m`. */
export const intervalMs = (text) => parseInt(text, 10) * units[text.at(-1)];

// Candles, volume and indicators, drawn by TradingView's lightweight-charts (version 4).

import { make, onFrame, setText } from "/page/frame.js";
import * as format from "/page/format.js";

const library = () => window.LightweightCharts;

export const isInstalled = () => library() !== undefined;

/** A colour of the style sheet as the browser computes it for the theme in force; the chart cannot read variables. */
function colour(name) {
  const probe = make("i", { class: `colour-${name}` });
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

function colours() {
  const names = ["text", "grid", "surface", "up", "down", "volume", "warn", "line1", "line2", "line3", "line4", "line5", "line6"];
  return Object.fromEntries(names.map((name) => [name, colour(name)]));
}

const seconds = (us) => us / 1e6;

/** The chart of one instrument and interval. */
export class Chart {
  #host;
  #legend;
  #series;
  #options;
  #colours = colours();
  #panes = [];
  #lines = [];
  #candles;
  #volume;
  #hovered = null;
  #isDirty = false;
  #isSyncing = false;
  /** How many bars the chart has. */
  #drawn = 0;

  /**
   * `options`: `places` and `zone` of the instrument, `interval`, `studies` (name, outputs, overlay), `gaps`, and
   * `onOldest`, called when the reader comes near the oldest bar.
   */
  constructor(host, legend, series, options) {
    this.#host = host;
    this.#legend = legend;
    this.#series = series;
    this.#options = options;
    this.#build();
    this.redraw();
  }

  destroy() {
    for (const pane of this.#panes) {
      pane.chart.remove();
      pane.element.remove();
    }
    this.#panes = [];
    this.#lines = [];
  }

  /** Other indicators or another theme: built anew, at the place where the reader was. */
  rebuild(studies = this.#options.studies) {
    const range = this.#panes[0]?.chart.timeScale().getVisibleLogicalRange();
    this.#options.studies = studies;
    this.#colours = colours();
    this.destroy();
    this.#build();
    this.redraw();
    if (range) this.#panes[0].chart.timeScale().setVisibleLogicalRange(range);
  }

  /** Draws everything; a change of the newest bar needs `redrawLast` only. */
  redraw() {
    if (this.#isDirty) return;
    this.#isDirty = true;
    onFrame(this.#redrawNow);
  }

  redrawLast() {
    if (!this.#isDirty) onFrame(this.#redrawLastNow);
  }

  #redrawNow = () => {
    this.#isDirty = false;
    if (!this.#panes.length) return;
    const { bars } = this.#series;
    this.#candles.setData(bars.map(candle));
    this.#volume.setData(bars.map((bar) => this.#volumeOf(bar)));
    for (const line of this.#lines) line.series.setData(bars.map((bar) => this.#point(line, bar)));
    for (const pane of this.#panes) pane.frame?.setData(bars.map((bar) => ({ time: seconds(bar.time) })));
    this.#candles.setMarkers(this.#markers());
    this.#drawn = bars.length;
    this.#describe();
  };

  /** What was the newest bar at the last drawing, and those that came since. */
  #redrawLastNow = () => {
    if (!this.#panes.length || this.#isDirty) return;
    const { bars } = this.#series;
    for (const bar of bars.slice(Math.max(0, this.#drawn - 1))) {
      this.#candles.update(candle(bar));
      this.#volume.update(this.#volumeOf(bar));
      for (const line of this.#lines) line.series.update(this.#point(line, bar));
      for (const pane of this.#panes) pane.frame?.update({ time: seconds(bar.time) });
    }
    this.#drawn = bars.length;
    this.#describe();
  };

  #build() {
    const { studies } = this.#options;
    const below = studies.filter((study) => !study.overlay);
    const main = this.#addPane("candles", below.length === 0);
    const { up, down } = this.#colours;
    this.#volume = main.chart.addHistogramSeries({
      priceScaleId: "volume", priceFormat: { type: "volume" }, priceLineVisible: false, lastValueVisible: false,
    });
    this.#volume.priceScale().applyOptions({ scaleMargins: { top: 0.84, bottom: 0 } });
    const prices = { type: "price", precision: this.#options.places, minMove: 10 ** -this.#options.places };
    const values = { type: "custom", minMove: 1e-6, formatter: format.value };
    this.#candles = main.chart.addCandlestickSeries({
      upColor: up, downColor: down, borderUpColor: up, borderDownColor: down, wickUpColor: up, wickDownColor: down, priceFormat: prices,
    });
    let number = 0;
    const nextColour = () => this.#colours[`line${(number++ % 6) + 1}`];
    for (const study of studies.filter((study) => study.overlay)) this.#addLines(main, study, prices, nextColour);
    below.forEach((study, index) => {
      const pane = this.#addPane("study", index === below.length - 1);
      pane.element.append(make("span", { class: "study-name" }, study.name));
      // Every pane has a point for every bar, so that all of them count bars alike.
      pane.frame = pane.chart.addLineSeries({ visible: false, priceFormat: values });
      this.#addLines(pane, study, values, nextColour);
    });
    this.#synchronise();
  }

  #addPane(kind, isLast) {
    const element = make("div", { class: `pane ${kind}` });
    this.#host.append(element);
    const { interval, zone } = this.#options;
    const { text, grid } = this.#colours;
    const length = format.intervalMs(interval);
    const axisZone = length >= 86_400_000 ? "UTC" : zone;
    const chart = library().createChart(element, {
      autoSize: true,
      layout: { background: { color: "transparent" }, textColor: text, fontFamily: getComputedStyle(element).fontFamily, fontSize: 11 },
      grid: { vertLines: { color: grid }, horzLines: { color: grid } },
      crosshair: { mode: 0, vertLine: { labelVisible: isLast } },
      rightPriceScale: { borderVisible: false, minimumWidth: 68, scaleMargins: kind === "candles" ? { top: 0.12, bottom: 0.2 } : { top: 0.2, bottom: 0.1 } },
      timeScale: {
        visible: isLast, borderVisible: false, timeVisible: length < 86_400_000, secondsVisible: length < 60_000,
        rightOffset: 4, barSpacing: 7, minBarSpacing: 1,
        tickMarkFormatter: (time, mark) => format.axisMark(time * 1e6, mark, axisZone),
      },
      localization: { timeFormatter: (time) => format.barTime(time * 1e6, length, zone) },
    });
    const pane = { chart, element };
    this.#panes.push(pane);
    return pane;
  }

  #addLines(pane, study, priceFormat, nextColour) {
    for (const output of study.outputs) {
      const isHistogram = output === "histogram";
      const color = isHistogram ? this.#colours.volume : nextColour();
      const shared = { color, priceFormat, priceLineVisible: false, lastValueVisible: !isHistogram };
      const series = isHistogram
        ? pane.chart.addHistogramSeries(shared)
        : pane.chart.addLineSeries({ ...shared, lineWidth: 1.5, crosshairMarkerVisible: false });
      this.#lines.push({ series, study, output, isHistogram });
    }
  }

  /** Panes are charts of their own: scrolled and pointed at together. */
  #synchronise() {
    for (const pane of this.#panes) {
      const scale = pane.chart.timeScale();
      scale.subscribeVisibleLogicalRangeChange((range) => {
        if (!range || this.#isSyncing) return;
        this.#isSyncing = true;
        for (const other of this.#panes) if (other !== pane) other.chart.timeScale().setVisibleLogicalRange(range);
        this.#isSyncing = false;
        if (range.from < 30 && this.#series.bars.length) this.#options.onOldest();
      });
      pane.chart.subscribeCrosshairMove((move) => {
        this.#hovered = move.time === undefined ? null : move.time * 1e6;
        onFrame(this.#describe);
      });
    }
  }

  #point(line, bar) {
    const time = seconds(bar.time);
    const value = this.#series.values.get(line.study.name)?.get(bar.time)?.values[line.output];
    if (typeof value !== "number") return { time };
    if (line.isHistogram) return { time, value, color: value < 0 ? fade(this.#colours.down) : fade(this.#colours.up) };
    return { time, value };
  }

  #volumeOf(bar) {
    return { time: seconds(bar.time), value: bar.volume, color: fade(bar.close < bar.open ? this.#colours.down : this.#colours.up) };
  }

  /** Gaps stand at the first bar after their beginning. */
  #markers() {
    const { bars } = this.#series;
    const markers = new Map();
    for (const gap of this.#options.gaps()) {
      const bar = bars.find((bar) => bar.time >= gap.from) ?? bars.at(-1);
      if (!bar || gap.from < bars[0].time) continue;
      markers.set(bar.time, { time: seconds(bar.time), position: "aboveBar", shape: "square", color: this.#colours.warn, text: "gap", size: 0.6 });
    }
    return [...markers.values()].sort((a, b) => a.time - b.time);
  }

  /** Figures of the bar under the crosshair, else of the newest. */
  #describe = () => {
    const { bars, values } = this.#series;
    const bar = (this.#hovered !== null && bars.findLast((bar) => bar.time === this.#hovered)) || bars.at(-1);
    if (!bar) return setText(this.#legend, "");
    const { places, interval, zone, studies } = this.#options;
    const figures = [["O", bar.open], ["H", bar.high], ["L", bar.low], ["C", bar.close]].map(([name, value]) => `${name} ${format.price(value, places)}`);
    const shown = studies.flatMap((study) => study.outputs.map((output) => {
      const value = values.get(study.name)?.get(bar.time)?.values[output];
      const name = study.outputs.length > 1 ? `${study.name} ${output}` : study.name;
      return typeof value === "number" ? `${name} ${format.value(value)}` : null;
    })).filter(Boolean);
    const state = bar.state === "forming" ? " · forming" : bar.state === "revised" ? ` · revision ${bar.revision}` : "";
    setText(this.#legend, [
      `${format.barTime(bar.time, format.intervalMs(interval), zone)}${state}`, figures.join("  "), `Vol ${format.short(bar.volume)}`, ...shown,
    ].join("   "));
  };
}

const candle = (bar) => ({ time: seconds(bar.time), open: bar.open, high: bar.high, low: bar.low, close: bar.close });

const fade = (rgb) => rgb.replace("rgb(", "rgba(").replace(")", ", 0.35)");

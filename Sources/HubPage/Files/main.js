// The page: what is in focus is in the address, `#SIM:ALPHA/1m`; everything else comes from the hub.

import { byId, onFrame, setText } from "/page/frame.js";
import { Stream } from "/page/hub.js";
import { Health } from "/page/health.js";
import { Instrument } from "/page/instrument.js";
import { Instruments } from "/page/instruments.js";
import * as format from "/page/format.js";

// The state of the page's streams: the worst of them is shown.

const order = ["live", "behind", "catching_up", "connecting", "waiting", "refused"];
const states = { board: ["connecting"], focus: ["live"] };
let delay = 0;

const words = { live: "Live", behind: "Behind", catching_up: "Catching up", connecting: "Connecting", waiting: "Reconnecting", refused: "Refused" };

function showConnection() {
  const [state, detail] = Object.values(states).sort((a, b) => order.indexOf(b[0]) - order.indexOf(a[0]))[0];
  byId("connection").dataset.state = state;
  setText(byId("connection-text"), words[state]);
  setText(byId("delay"), state === "live" ? format.duration(delay) : state === "behind" ? `${format.short(detail)} events` : "");
  const trouble =
    state === "refused" ? `The hub refused the stream: ${detail}.`
    : state === "waiting" && detail > 3 ? "The hub cannot be reached; the page goes on from where it was as soon as it is back. If the hub does answer, this page was opened under a name that it does not know as its own: add it to hub.cors.origins."
    : "";
  byId("trouble").hidden = !trouble;
  setText(byId("trouble"), trouble);
}

function setState(stream, state, detail) {
  states[stream] = [state, detail];
  onFrame(showConnection);
}

const health = new Health();

const focus = new Instrument({
  onState: (state, detail) => setState("focus", state, detail),
  onDelay: (ms) => {
    delay += (ms - delay) / 16;
  },
  onOpened: () => {
    const address = `#${encodeURI(focus.symbol)}/${focus.interval}`;
    if (location.hash !== address) history.replaceState(null, "", address);
    instruments.mark(focus.symbol);
  },
  gaps: () => health.gaps,
});
setInterval(() => onFrame(showConnection), 1000);

// The board: a summary of everything that is listed, and what happens to sources.

let board = null;
const followed = new Set();
const wanted = () => ({ symbols: [...followed], types: ["summary", "control"] });

function takeFromBoard(object) {
  if (object.type === "summary") instruments.take(object);
  else if (object.type === "live") instruments.refresh();
  else {
    health.take(object);
    if (object.type === "gap") focus.redraw();
    if (object.type === "control" && object.what === "instrument") instruments.load();
  }
}

function followBoard() {
  board?.close();
  board = new Stream({
    subscribe: () => ({ ...wanted(), every_ms: 500, on_slow: "conflate" }),
    onObject: takeFromBoard,
    onState: (state, detail) => setState("board", state, detail),
    onFresh: followBoard,
  });
}

const instruments = new Instruments({
  onChoose: (symbol) => {
    instruments.mark(symbol);
    focus.open(symbol);
  },
  onShown: (symbols) => {
    const fresh = symbols.filter((symbol) => !followed.has(symbol));
    if (!fresh.length) return;
    // Searching far and wide must not end in following everything.
    if (followed.size > 1000) followed.clear();
    for (const symbol of symbols) followed.add(symbol);
    if (board && followed.size > symbols.length) board.widen({ symbols: fresh, types: wanted().types });
    else followBoard();
  },
});

function openAddress() {
  const [symbol, interval] = decodeURI(location.hash.slice(1)).split("/");
  const chosen = symbol || instruments.liveliest;
  if (chosen && (chosen !== focus.symbol || (interval && interval !== focus.interval))) focus.open(chosen, interval);
}

window.addEventListener("hashchange", openAddress);

async function begin() {
  await instruments.load();
  openAddress();
  await health.loadGaps().then(() => focus.redraw(), () => { /* the table says that none is known */ });
  // A hub that starts with nothing learns its instruments later.
  if (!instruments.liveliest) setTimeout(begin, 2000);
}

begin();

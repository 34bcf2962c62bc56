// The hub over HTTP and WebSocket, as docs/clients.md describes both.

/** An answer that says what went wrong: `code` as in /v1/errors, the message for people. */
export class Problem extends Error {
  constructor(problem, status) {
    super(problem.detail ?? problem.title ?? `the hub answered ${status}`);
    this.code = problem.code ?? "internal";
    this.status = status;
  }
}

/** One answer as an object. Throws `Problem`, or what `fetch` throws when the hub cannot be reached. */
export async function get(path, parameters = {}, signal = undefined) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) query.set(name, value);
  const response = await fetch(query.size ? `${path}?${query}` : path, { signal, headers: { Accept: "application/json" } });
  const body = await response.json();
  if (!response.ok) throw new Problem(body, response.status);
  return body;
}

/** A symbol as a part of a path. */
export const part = (symbol) => encodeURIComponent(symbol);

const longestWait = 8000;
/** Away longer than this, it is quicker to begin anew than to be sent everything that happened. */
const longestAway = 300_000;

/**
 * One stream that comes back by itself. After a cut it goes on from its cursor: nothing is missing, nothing comes twice.
 *
 * `subscribe()` gives what to ask for, without `from`; `from` is where to start the first time. `onObject` gets everything
 * the hub sends, `onState` one of `connecting`, `catching_up`, `live`, `behind`, `waiting`, `refused` with a detail,
 * `onFresh` is called when there is no going on from the cursor: whoever keeps state reads it again and opens a new stream.
 */
export class Stream {
  #options;
  #socket = null;
  #cursor = null;
  #epoch = "";
  #failures = 0;
  #heartbeat = 5000;
  #silence = 0;
  #retry = 0;
  #lostAt = 0;
  #isClosed = false;
  /** Milliseconds the hub's clock is ahead of ours. */
  #ahead = 0;

  constructor(options) {
    this.#options = options;
    this.#open();
  }

  /** Widens the filter now, and after every cut: `subscribe()` must give it too from now on. */
  widen(request) {
    if (this.#socket?.readyState === WebSocket.OPEN && this.#epoch) this.#send({ op: "subscribe", ...request });
  }

  /** Ends it for good. */
  close() {
    this.#isClosed = true;
    clearTimeout(this.#silence);
    clearTimeout(this.#retry);
    this.#socket?.close(1000);
  }

  #open() {
    this.#state("connecting");
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}/v1/stream`);
    this.#socket = socket;
    this.#epoch = "";
    socket.onmessage = (message) => {
      if (socket !== this.#socket || this.#isClosed) return;
      this.#watch();
      for (const object of JSON.parse(message.data)) this.#take(object);
    };
    socket.onclose = () => { if (socket === this.#socket) this.#lost(); };
    this.#watch();
  }

  /** Three heartbeats without a message, and the connection is dead although nobody said so. */
  #watch() {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => {
      const socket = this.#socket;
      this.#lost();
      socket?.close();
    }, 3 * this.#heartbeat);
  }

  #take(object) {
    switch (object.type) {
      case "hello":
        this.#epoch = object.epoch;
        this.#heartbeat = object.heartbeat_ms;
        this.#ahead = object.time / 1000 - Date.now();
        this.#send({ op: "subscribe", from: this.#cursor ? { cursor: this.#cursor } : this.#options.from ?? "live", ...this.#options.subscribe() });
        this.#state("catching_up");
        break;
      case "live":
        this.#failures = 0;
        this.#lostAt = 0;
        this.#state("live");
        break;
      case "lag":
        this.#state(object.behind > 0 ? "behind" : "live", object.behind);
        break;
      case "error":
        if (object.code === "cursor_ahead" || object.code === "epoch_unknown") return this.#fresh();
        if (!object.retry) this.#state("refused", object.message);
        break;
      default:
    }
    // Views say what they were computed from; only events and positions are places to go on from.
    if (object.cursor !== undefined) this.#cursor = object.cursor;
    else if (object.seq !== undefined && object.received !== undefined && object.as_of === undefined) {
      this.#cursor = `${this.#epoch}.${object.seq}`;
    }
    this.#options.onObject(object, this);
  }

  /** How long ago something happened by the hub's clock, in milliseconds. */
  age(us) {
    return Math.max(0, Date.now() + this.#ahead - us / 1000);
  }

  #send(request) {
    this.#socket.send(JSON.stringify(request));
  }

  #lost() {
    clearTimeout(this.#silence);
    this.#socket = null;
    if (this.#isClosed) return;
    this.#lostAt ||= Date.now();
    const wait = Math.min(longestWait, 250 * 2 ** this.#failures) * (0.5 + Math.random() / 2);
    this.#failures += 1;
    this.#state("waiting", this.#failures);
    this.#retry = setTimeout(() => {
      if (this.#cursor && Date.now() - this.#lostAt > longestAway) this.#fresh();
      else this.#open();
    }, wait);
  }

  #fresh() {
    this.close();
    this.#options.onFresh();
  }

  #state(state, detail) {
    this.#options.onState?.(state, detail);
  }
}

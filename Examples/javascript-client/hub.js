// The stream of a hub as an async generator: nothing but fetch, so it runs in Node 18 and newer and in browsers.

/** One connection: the hub's objects and their lines, until it is cut. */
async function* connection(url, parameters) {
  const abort = new AbortController();
  let timer, silence = 15_000, rest = "";
  // Three heartbeats of silence: the line is dead, although nobody said so.
  const watch = () => { clearTimeout(timer); timer = setTimeout(() => abort.abort(new Error("silence")), silence); };
  watch();
  try {
    const response = await fetch(`${url}/v1/stream/ndjson?${new URLSearchParams(parameters)}`, { signal: abort.signal });
    if (!response.ok) throw Object.assign(new Error((await response.json()).detail), { isFinal: response.status < 500 });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let part; !(part = await reader.read()).done; watch()) {
      const lines = (rest + part.value).split("\n");
      rest = lines.pop();
      for (const line of lines) {
        const object = JSON.parse(line);
        if (object.heartbeat_ms) silence = 3 * object.heartbeat_ms;
        yield [object, line];
      }
    }
  } finally {
    clearTimeout(timer);
    abort.abort();
  }
}

/**
 * Events after `cursor`, or from the oldest record on, through any number of cuts: nothing is missing, nothing comes twice.
 * Yields `[event, line, cursor]`; on heartbeats `event` is `null` and `cursor` a place that is safe to go on from.
 */
export async function* follow(url, { symbols, types, cursor, onCut = () => {} }) {
  for (let failures = 0, epoch; ; failures++) {
    try {
      for await (const [object, line] of connection(url, { symbols, types, ...(cursor ? { cursor } : { from: "earliest" }) })) {
        failures = 0;
        epoch = object.epoch ?? epoch;
        if (object.type === "error") throw Object.assign(new Error(object.message), { isFinal: true });
        if (object.cursor) yield [null, line, (cursor = object.cursor)];
        else if (object.seq && object.received) yield [object, line, (cursor = `${epoch}.${object.seq}`)];
      }
    } catch (error) {
      if (error.isFinal) throw error;
      onCut(error);
    }
    await new Promise((again) => setTimeout(again, Math.min(30_000, 250 * 2 ** failures) * (0.5 + Math.random() / 2)));
  }
}

// One write to the document per frame, however many events arrive between two of them.

const waiting = new Set();
let isAsked = false;

function flush() {
  isAsked = false;
  const jobs = [...waiting];
  waiting.clear();
  for (const job of jobs) job();
}

/** Runs `job` before the next frame is drawn; asked for several times until then, once. In a hidden page nothing is drawn. */
export function onFrame(job) {
  waiting.add(job);
  if (isAsked) return;
  isAsked = true;
  requestAnimationFrame(flush);
}

/** An element with attributes and children; a text becomes a text, never markup. */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value === undefined) continue;
    if (key === "class") element.className = value;
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

/** Sets a text where it is another one: an unchanged node costs the browser nothing. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export const byId = (id) => document.getElementById(id);

// Prints the events of a hub, one JSON object a line, and goes on where it was: node follow.js --symbols 'SIM:*'
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { follow } from "./hub.js";

const defaults = { url: "http://127.0.0.1:8080", symbols: "*", types: "trade", cursor: "cursor.txt", count: "-1" };
const { values } = parseArgs({
  options: Object.fromEntries(Object.entries(defaults).map(([name, value]) => [name, { type: "string", default: value }])),
});
const save = (cursor) => {
  writeFileSync(`${values.cursor}.new`, cursor);
  renameSync(`${values.cursor}.new`, values.cursor);
};

let left = Number(values.count);
let cursor = existsSync(values.cursor) ? readFileSync(values.cursor, "utf8").trim() : "";
const onCut = (error) => {
  save(cursor);
  console.error(`cut: ${error.cause?.code ?? error.message}`);
};
for await (const [event, line, place] of follow(values.url, { ...values, cursor, onCut })) {
  cursor = place;
  if (event) console.log(line);
  else save(cursor);
  if (event && --left === 0) break;
}
save(cursor);

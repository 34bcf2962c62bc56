"use strict";
// Shows the hub's two contract documents, and lets every GET route be tried.

const make = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
};

const resolve = (root, thing) => {
  while (thing && thing.$ref) thing = thing.$ref.slice(2).split("/").reduce((at, key) => at[key], root);
  return thing ?? {};
};

const nameOf = (thing) => thing.$ref ? thing.$ref.split("/").pop() : null;

// A type in a few words: "number", "list of Level", "buy or sell".
const words = (root, schema) => {
  const name = nameOf(schema);
  if (name) return name;
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.join(" | ");
  if (schema.type === "array") return "list of " + words(root, schema.items ?? {});
  if (schema.oneOf || schema.anyOf) return (schema.oneOf ?? schema.anyOf).map((one) => words(root, one)).join(" | ");
  return [schema.type ?? "any"].flat().join(" | ");
};

const table = (heads, rows) => make("table", {},
  make("thead", {}, make("tr", {}, ...heads.map((head) => make("th", { scope: "col" }, head)))),
  make("tbody", {}, ...rows.map((row) => make("tr", {}, ...row.map((cell) => make("td", {}, cell))))));

const fields = (root, schema) => {
  const required = new Set(schema.required ?? []);
  return table(["field", "type", "meaning"], Object.entries(schema.properties ?? {}).map(([name, property]) => {
    const label = make("code", required.has(name) ? {} : { class: "optional" }, required.has(name) ? name : name + "?");
    return [label, words(root, property), property.description ?? resolve(root, property).description ?? ""];
  }));
};

const tryOut = (path, parameters) => {
  const form = make("form");
  const output = make("pre", { hidden: "", tabindex: "0" });
  for (const parameter of parameters.filter((one) => one.in !== "header")) {
    const choices = parameter.schema.enum;
    const input = choices
      ? make("select", { name: parameter.name }, ...["", ...choices].map((one) => make("option", {}, one)))
      : make("input", { name: parameter.name, autocomplete: "off" });
    if (parameter.required) input.required = true;
    form.append(make("label", {}, parameter.name + " ", input), " ");
  }
  form.append(make("button", {}, "Try"));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    let target = path;
    const query = new URLSearchParams();
    for (const [name, value] of new FormData(form)) {
      if (path.includes(`{${name}}`)) target = target.replace(`{${name}}`, encodeURIComponent(value));
      else if (value !== "") query.append(name, value);
    }
    const address = query.size ? `${target}?${query}` : target;
    output.hidden = false;
    output.textContent = `GET ${address} …`;
    try {
      const answer = await fetch(address);
      const body = await answer.text();
      let shown = body;
      try { shown = JSON.stringify(JSON.parse(body), null, 1); } catch { /* not JSON */ }
      output.textContent = `GET ${address}\n${answer.status} ${answer.headers.get("content-type")}\n\n${shown.slice(0, 50000)}`;
    } catch (error) {
      output.textContent = `GET ${address}\n${error}`;
    }
  });
  return [form, output];
};

const entry = (title, about, body) => {
  const node = make("details", {}, make("summary", {}, make("code", {}, title), make("span", {}, about)));
  // Filled when opened: there are hundreds of fields.
  node.addEventListener("toggle", () => {
    if (node.open && node.children.length === 1) node.append(make("div", { class: "body" }, ...body()));
  });
  node.dataset.text = (title + " " + about).toLowerCase();
  return node;
};

const route = (root, path, method, operation) => entry(`${method.toUpperCase()} ${path}`, operation.summary, () => {
  const parameters = (operation.parameters ?? []).map((one) => resolve(root, one));
  const parts = [];
  if (operation.description) parts.push(make("p", {}, operation.description));
  if (parameters.length) {
    parts.push(table(["parameter", "type", "meaning"], parameters.map((one) =>
      [make("code", one.required ? {} : { class: "optional" }, one.name), words(root, one.schema), one.description ?? ""])));
  }
  parts.push(table(["answer", "type", "meaning"], Object.entries(operation.responses).map(([status, answer]) => {
    const full = resolve(root, answer);
    const types = Object.entries(full.content ?? {}).map(([type, one]) =>
      one.schema ? `${type}: ${words(root, one.schema)}` : type).join(", ");
    return [make("code", {}, status), types, full.description];
  })));
  const streams = Object.keys(resolve(root, operation.responses["200"] ?? {}).content ?? {}).includes("text/event-stream")
    || path.startsWith("/v1/stream") || path === "/v1/export";
  if (method === "get" && !streams) parts.push(...tryOut(path, parameters));
  return parts;
});

const show = async () => {
  const main = document.getElementById("main");
  const [openapi, asyncapi] = await Promise.all(["/openapi.json", "/asyncapi.json"].map(async (address) => {
    const answer = await fetch(address);
    if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
    return answer.json();
  }));
  main.textContent = "";
  for (const tag of openapi.tags) {
    main.append(make("h2", {}, tag.name));
    for (const [path, operations] of Object.entries(openapi.paths)) {
      for (const [method, operation] of Object.entries(operations)) {
        if (operation.tags?.[0] === tag.name) main.append(route(openapi, path, method, operation));
      }
    }
  }
  for (const [title, root] of [["messages of the stream", asyncapi], ["objects", openapi]]) {
    main.append(make("h2", {}, title));
    for (const [name, schema] of Object.entries(root.components.schemas)) {
      if (schema.properties && (root === asyncapi ? schema.properties.type || schema.properties.op : !asyncapi.components.schemas[name])) {
        main.append(entry(name, schema.description ?? "", () => [fields(root, schema)]));
      }
    }
  }
  document.getElementById("find").addEventListener("input", (event) => {
    const wanted = event.target.value.toLowerCase().trim();
    for (const node of main.querySelectorAll("details")) node.hidden = !node.dataset.text.includes(wanted);
  });
};

show().catch((error) => { document.getElementById("main").textContent = `The documents could not be read: ${error}`; });

// Renders /openapi.json: every call with its parameters and the fields of its answer. No library, no CDN.
"use strict";

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function table(heads, rows) {
  const made = element("table");
  const head = element("tr");
  head.append(...heads.map((text) => Object.assign(element("th", text), { scope: "col" })));
  const body = element("tbody");
  body.append(...rows.map((cells) => {
    const line = element("tr");
    line.append(...cells.map((text) => element("td", text)));
    return line;
  }));
  const top = element("thead");
  top.append(head);
  made.append(top, body);
  return made;
}

const kind = (schema = {}) => {
  if (schema.anyOf) return schema.anyOf.map(kind).join(" or ");
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.enum || schema.const) return (schema.enum || [schema.const]).join(" | ");
  return schema.type === "array" ? `list of ${kind(schema.items)}` : schema.type || "any";
};

function section(path, method, operation, schemas) {
  const made = element("section", undefined, "wide");
  made.append(element("h2", `${method.toUpperCase()} ${path}`, "path"), element("p", operation.description || operation.summary, "note"));
  const parameters = (operation.parameters || []).filter((parameter) => parameter.in !== "header");
  if (parameters.length) {
    made.append(table(["Parameter", "In", "Type", "Default"], parameters.map((parameter) => [
      parameter.name, parameter.in, kind(parameter.schema), String(parameter.schema.default ?? (parameter.required ? "required" : "–"))])));
  }
  const example = operation.requestBody?.content?.["application/json"]?.example;
  if (example) made.append(element("pre", JSON.stringify(example, null, 1)));
  const answer = operation.responses["200"] || operation.responses["202"];
  const name = kind(answer?.content?.["application/json"]?.schema);
  const fields = Object.entries(schemas[name]?.properties || {});
  if (fields.length) {
    made.append(table([`Answer: ${name}`, "Type", ""], fields.map(([field, schema]) => [field, kind(schema), schema.description || ""])));
  }
  return made;
}

const BASE = new URL("..", document.currentScript.src).pathname.slice(0, -1); // "" or the sub-path behind a proxy
fetch(`${BASE}/openapi.json`).then((answer) => answer.json()).then((api) => {
  document.getElementById("about").textContent = api.info.description;
  document.getElementById("calls").replaceChildren(...Object.entries(api.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => section(path, method, operation, api.components.schemas))));
});

// Live page: asks the API every second while the tab is visible. Text goes in as text, never as markup.
"use strict";

const BASE = new URL("..", document.currentScript.src).pathname.slice(0, -1); // "" or the sub-path behind a proxy
const ask = (id) => document.getElementById(id);
const titles = new Map(); // item → title, once asked for
let learned = 0; // how many titles have come in: a new one redraws
let key = sessionStorage.getItem("key") || "";

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

async function call(path, options = {}) {
  const headers = { ...(options.headers || {}), ...(key ? { "X-API-Key": key } : {}) };
  const answer = await fetch(BASE + path, { ...options, headers, signal: AbortSignal.timeout(5000) });
  if (answer.status === 401) ask("key-form").hidden = false;
  const body = await answer.json();
  if (body.error) throw new Error(body.error.message);
  return body;
}

// Only what differs is replaced, so that focus and selection survive the refresh.
function fill(body, rows, columns, empty) {
  const text = JSON.stringify(rows) + learned;
  if (body.dataset.shown === text) return;
  const focused = document.activeElement && document.activeElement.dataset.focus;
  body.dataset.shown = text;
  body.replaceChildren(...rows.map((row) => {
    const line = element("tr");
    line.append(...columns(row));
    return line;
  }));
  if (!rows.length) {
    const cell = element("td", empty, "note");
    cell.colSpan = 5;
    const line = element("tr");
    line.append(cell);
    body.append(line);
  }
  if (focused) body.querySelector(`[data-focus="${CSS.escape(focused)}"]`)?.focus();
}

function itemCell(row, place) {
  const cell = element("td", undefined, "article");
  const button = element("button", row.item_id, "item");
  button.title = "send a click as the user below";
  button.dataset.focus = `${place}:${row.item_id}`;
  button.onclick = () => send("click", row.item_id);
  cell.append(button);
  const title = titles.get(row.item_id);
  if (title) cell.append(element("span", title, "title"));
  return cell;
}

// Places since an hour ago, in words for who does not see the arrow; nothing where there is nothing to compare with.
function changeCell(row) {
  const cell = element("td", undefined, "change");
  const shown = (sign, name, words) => {
    const mark = element("span", sign, name);
    mark.title = `${words} since an hour ago`;
    mark.setAttribute("role", "img");
    mark.setAttribute("aria-label", words);
    cell.append(mark);
  };
  if (row.new) shown("new", "new", "new");
  else if (row.change > 0) shown(`▲ ${row.change}`, "up", `up ${row.change}`);
  else if (row.change < 0) shown(`▼ ${-row.change}`, "down", `down ${-row.change}`);
  else if (row.change === 0) shown("=", "same", "the same");
  return cell;
}

function learnTitles(rows) {
  for (const { item_id: item } of rows) {
    if (titles.has(item)) continue;
    titles.set(item, "");
    call(`/v1/items/${encodeURIComponent(item)}`)
      .then((product) => { titles.set(item, product.title || ""); learned += 1; })
      .catch(() => titles.delete(item));
  }
}

function offerCategories(rows) {
  const select = ask("category");
  const known = new Set([...select.options].map((option) => option.value));
  const found = [...new Set(rows.map((row) => row.category))].filter((name) => name && !known.has(name));
  for (const name of found.sort()) select.append(new Option(name, name));
}

async function showRanking(name, value) {
  const category = ask("category").value;
  const scope = category ? `&category=${encodeURIComponent(category)}` : "";
  const ranking = await call(`/v1/rankings/${encodeURIComponent(name)}?limit=10${scope}`);
  learnTitles(ranking.items);
  offerCategories(ranking.items);
  fill(ask(name), ranking.items, (row) => [
    element("td", row.rank), changeCell(row), itemCell(row, name), element("td", row.category || "–"), element("td", value(row), "n"),
  ], "waiting for events");
  if (ranking.as_of) ask("as-of").textContent = `as of ${ranking.as_of.slice(0, 16).replace("T", " ")} UTC (event time)`;
}

async function showKeywords() {
  const trending = await call("/v1/keywords/trending?limit=10");
  fill(ask("keywords"), trending.keywords, (row) => [
    element("td", row.rank), element("td", row.keyword), element("td", row.searches, "n"),
    element("td", row.baseline.toFixed(1), "n"), element("td", `× ${row.change.toFixed(1)}`, "n"),
  ], "nothing is searched more than usual");
}

async function showPipeline() {
  const state = await call("/readyz");
  ask("parts").replaceChildren(...Object.entries(state.parts).map(([name, part]) => {
    const group = element("div");
    group.append(element("dt", `${name} ${part.ok ? "✓" : "✗"}`, part.ok ? "good" : "bad"), element("dd", part.detail));
    return group;
  }));
  say(state.ready ? "ready" : "not ready", state.ready);
}

function say(text, good) {
  const pill = ask("state");
  if (pill.textContent !== text) pill.textContent = text;
  pill.className = `pill ${good ? "good" : "bad"}`;
}

async function send(type, item) {
  const event = {
    event_id: crypto.randomUUID ? crypto.randomUUID() : `page-${Date.now()}-${Math.random()}`,
    event_type: type, event_time: new Date().toISOString(), item_id: item, surface: "dashboard",
    user_id: ask("user").value.trim() || "visitor",
  };
  try {
    await call("/v1/events", { method: "POST", body: JSON.stringify(event), headers: { "Content-Type": "application/json" } });
    await showSurfaces();
  } catch (error) {
    say(error.message, false);
  }
}

let busy = false;
async function refresh() {
  if (document.hidden || busy) return;
  busy = true;
  const shown = await Promise.allSettled([
    showPipeline(), showRanking("views-1h", (row) => row.views),
    showRanking("popular", (row) => row.score.toFixed(1)), showSurfaces(), showKeywords()]);
  busy = false;
  const failed = shown.find((one) => one.status === "rejected");
  if (failed) say(failed.reason.name === "TypeError" ? "the server does not answer" : failed.reason.message, false);
}

ask("user").value = sessionStorage.getItem("user") || `visitor-${Math.random().toString(36).slice(2, 7)}`;
ask("user").addEventListener("input", () => { sessionStorage.setItem("user", ask("user").value); refresh(); });
ask("category").addEventListener("change", refresh);
ask("key-form").addEventListener("submit", (submitted) => {
  submitted.preventDefault();
  key = ask("key").value;
  sessionStorage.setItem("key", key);
  ask("key-form").hidden = true;
  refresh();
});
document.addEventListener("visibilitychange", refresh);
setInterval(refresh, 1000);
refresh();

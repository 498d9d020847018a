// A page for the tracker without a browser: storage, a clock, beacons and answers as a test gives them.
// node tracker_page.js TRACKER STEPS: prints what was posted, beaconed and stored after the steps, as JSON.
"use strict";
const fs = require("fs");
const vm = require("vm");

const [source, steps] = [fs.readFileSync(process.argv[2], "utf-8"), JSON.parse(process.argv[3])];
const seen = { posts: [], beacons: [], waits: [] };
let now = Date.parse("2026-01-31T09:30:00Z");
let answers = [];
let limits = { request: Infinity, beacon: Infinity }; // bytes: of a body for 202, of all beacons of a page
let page;

function storage() {
  const kept = {};
  return {
    kept,
    getItem: (name) => (name in kept ? kept[name] : null),
    setItem: (name, value) => { kept[name] = String(value); },
    removeItem: (name) => { delete kept[name]; },
  };
}
const local = storage();
const refusing = new Proxy({}, { get() { throw new Error("SecurityError"); } });
let tab = storage();

class Clock extends Date {
  constructor(...given) { super(...(given.length ? given : [now])); }
  static now() { return now; }
}

function open(dataset = {}, early = [], storageRefused = false) {
  page = { timers: [], listeners: {}, hidden: false, beaconed: 0 };
  const opened = page;
  const listen = (name, call) => { (opened.listeners[name] = opened.listeners[name] || []).push(call); };
  const document = {
    currentScript: { src: "https://api.example/assets/tracker.js", dataset },
    addEventListener: listen,
    get hidden() { return opened.hidden; },
  };
  const window = { addEventListener: listen, stylestream: early.length ? { q: early } : undefined };
  window.localStorage = storageRefused ? refusing : local;
  window.sessionStorage = storageRefused ? refusing : tab;
  opened.window = window;
  const fetch = async (url, options) => {
    seen.posts.push({ url, ...options, body: JSON.parse(options.body) });
    if (options.keepalive && !room(options.body)) throw new TypeError("Failed to fetch");
    const status = answers.length ? answers.shift() : Buffer.byteLength(options.body) > limits.request ? 413 : 202;
    if (!status) throw new TypeError("Failed to fetch");
    return { status };
  };
  const setTimeout = (call, wait) => { opened.timers.push({ call, at: now + wait }); seen.waits.push(wait); return opened.timers.length; };
  const clearTimeout = (number) => { if (number) opened.timers[number - 1].call = null; };
  const navigator = { sendBeacon: (url, body) => room(body) && seen.beacons.push({ url, body: JSON.parse(body) }) > 0 };
  const room = (body) => {
    const bytes = opened.beaconed + Buffer.byteLength(body);
    if (bytes > limits.beacon) return false;
    opened.beaconed = bytes;
    return true;
  };
  vm.runInNewContext(source, { window, document, navigator, fetch, setTimeout, clearTimeout, crypto, Blob, Date: Clock, console });
}

async function pass(millis) {
  const until = now + millis;
  for (;;) {
    const due = page.timers.filter((timer) => timer.call && timer.at <= until).sort((a, b) => a.at - b.at)[0];
    if (!due) break;
    now = Math.max(now, due.at);
    const { call } = due;
    due.call = null;
    call();
    await new Promise(setImmediate);
  }
  now = until;
}

const actions = {
  open,
  pass,
  call: (...given) => page.window.stylestream(...given),
  times: (number, ...given) => { for (let n = 0; n < number; n++) page.window.stylestream(...given); },
  limit: (given) => { Object.assign(limits, given); },
  answer: (...statuses) => { answers = statuses; },
  leave: () => { page.hidden = true; for (const name of ["visibilitychange", "pagehide"]) page.listeners[name].forEach((call) => call()); },
  close: () => { tab = storage(); },
};

(async () => {
  for (const [name, ...given] of steps) await actions[name](...given);
  console.log(JSON.stringify({ ...seen, local: local.kept, tab: tab.kept }));
})();

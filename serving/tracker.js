// Sends a page's events in batches, again under the same event_id until the API has them. Its use: docs/api.md.
// Served without indentation and lines of comment (serving/routes/page.py).
(function (w, d, name, all, tab) {
  "use strict";
  var script = d.currentScript || {}, old = (w[name] || {}).q || [];
  var conf = Object.assign({ endpoint: (script.src || "").split("/assets/")[0] + "/v1/events" }, script.dataset);
  var may = 1, queue = [], held = [], bad = 0, got, session, busy, due, left, most = 50;

  // may: 1 where sending and storing is allowed, 0 where nobody has been asked yet (held in memory), -1 refused.
  // Reads without a value, removes for null. A browser may refuse both.
  function store(kind, value) {
    try {
      if (value === null) w[kind].removeItem(name);
      else if (value) w[kind].setItem(name, JSON.stringify(value));
      else return JSON.parse(w[kind].getItem(name));
    } catch (e) {}
  }

  var id = () =>
    Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => (b + 256).toString(16).slice(1)).join("");

  // First what an earlier page of this tab could not see arrive. The API knows an event_id for an hour.
  function load() {
    if (!got) queue = (store(tab) || []).filter((text) =>
      Date.parse(JSON.parse(text).event_time) > Date.now() - 36e5);
    got = 1;
    later(1e3);
  }

  function track(type, fields, time) {
    load();
    var now = Date.now(), known = store(all) || session || {};
    store(all, session = { id: now - known.at < 18e5 ? known.id : id(), at: now });
    queue = queue.concat(JSON.stringify(Object.assign({
      event_id: id(), event_type: type, event_time: time, session_id: session.id,
      user_id: /^(undefined|n(ull|one|an))$/i.test(conf.userId) ? null : conf.userId
    }, fields))).slice(-200);
    store(tab, queue);
    later(1e3);
  }

  function later(wait) {
    if (queue.length && !due && !busy) due = setTimeout(send, wait);
  }

  function post(body, last) {
    return fetch(conf.endpoint, {
      method: "POST",
      body,
      headers: conf.apiKey ? { "X-API-Key": conf.apiKey } : {},
      keepalive: last
    });
  }

  var json = (part) => '{"events":[' + part + "]}";

  // Only what a later try may change is tried again. What is too large together is sent in halves.
  function send() {
    var part = queue.slice(0, most);
    function done(said) {
      var code = said.status, more = !(code < 500) || code == 429, many = code == 413 && part[1];
      busy = 0;
      bad = more ? Math.min(bad + 1, 6) : 0;
      most = many ? part.length >> 1 : 50;
      if (!more && !many) queue = queue.filter((text) => !part.includes(text));
      if (may > 0) store(tab, queue);
      later(more ? (1e3 << bad) * (1 + Math.random()) : 0);
    }
    due = 0;
    busy = 1;
    post(json(part)).then(done, done);
  }

  // Nobody says whether this arrived: it stays in the queue. A beacon has no headers, so a key needs fetch.
  // Browsers refuse more than 64 KiB on its way from one page: then the newer half goes.
  function leave() {
    for (var text = queue + "", n = left != text && queue.length; n; n >>= 1) {
      var body = json(queue.slice(-n));
      if (conf.apiKey ? new Blob([body]).size < 65e3 && post(body, true).catch(id)
        : navigator.sendBeacon(conf.endpoint, body)) break;
    }
    left = text;
  }

  function allow(yes) {
    may = yes ? 1 : -1;
    if (yes) {
      load();
      held.forEach((one) => track.apply(0, one));
    } else {
      clearTimeout(due);
      due = bad = session = 0;
      queue = [];
      store(all, null);
      store(tab, null);
    }
    held = [];
  }

  w[name] = (type, value) => {
    if (type == "consent") allow(value);
    else if (type == "init") {
      Object.assign(conf, value);
      if (conf.consent == "required" && !got && may > 0) may = 0;
    } else {
      held = held.concat([[type, value, new Date().toISOString()]]).slice(-200);
      if (may) allow(may > 0);
    }
  };

  w[name]("init");
  old.forEach((one) => w[name].apply(0, one));
  if (may > 0) load();
  w.addEventListener("pagehide", leave);
  d.addEventListener("visibilitychange", () => d.hidden && leave());
})(window, document, "stylestream", "localStorage", "sessionStorage");

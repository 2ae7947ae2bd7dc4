// What the pages of rules and alerts share. Names, labels and errors come from strangers: they
// get into a page as text, never as markup, and never as the address of a link.
"use strict";

const $ = id => document.getElementById(id);
const chosen = new Map();  // sections that somebody opened or closed himself
let serverNow = Date.now();

function make(tag, properties, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

async function get(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path}: HTTP ${answer.status}: ${(await answer.text()).slice(0, 300)}`);
  // Ages are by the server's clock, which also wrote the times.
  serverNow = Date.parse(answer.headers.get("Date")) || Date.now();
  return answer.json();
}

// 90 is "1m30s", as durations are written in rule files.
function duration(seconds) {
  let text = "", rest = Math.round(seconds * 1000);
  for (const [unit, size] of [["d", 86400000], ["h", 3600000], ["m", 60000], ["s", 1000], ["ms", 1]]) {
    if (rest >= size) text += Math.floor(rest / size) + unit;
    rest %= size;
  }
  return text || "0s";
}

function took(seconds) {
  if (seconds < 0.001) return `${Math.round(seconds * 1e6)}\u00a0\u00b5s`;
  return seconds < 1 ? `${(seconds * 1000).toFixed(1)}\u00a0ms` : `${seconds.toFixed(2)}\u00a0s`;
}

const counted = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

const isNever = time => !time || time.startsWith("0001");

function age(time) {
  if (isNever(time)) return "never";
  const seconds = (serverNow - Date.parse(time)) / 1000;
  if (seconds < 1) return "now";
  return `${duration(Math.round(seconds))} ago`;
}

// A time as its age, the time itself in the tooltip.
function ageNode(time) {
  const node = make("time", { textContent: age(time) });
  if (!isNever(time)) {
    node.dateTime = time;
    node.title = new Date(time).toLocaleString();
  }
  return node;
}

function labelList(labels, separator = "=") {
  const list = make("div", { className: "labels" });
  for (const [name, value] of Object.entries(labels || {})) {
    list.append(make("span", { textContent: separator === "=" ? `${name}=${JSON.stringify(value)}` : `${name}${separator}${value}` }));
  }
  return list;
}

// Rows are arrays of cells: a text, a node or an array of both.
function makeTable(label, titles, rows) {
  const table = make("table");
  table.setAttribute("aria-label", label);
  const head = table.createTHead().insertRow();
  for (const title of titles) head.append(make("th", { scope: "col", textContent: title }));
  const body = table.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    for (const cell of row) line.insertCell().append(...[cell].flat());
  }
  return make("div", { className: "wide" }, table);
}

// Shows `most` at most: a page of a hundred thousand rows helps nobody.
function firstOf(items, most, target) {
  if (items.length > most) target.append(make("p", { className: "soft", textContent: `The first ${most} of ${items.length}.` }));
  return items.slice(0, most);
}

// A part of the page that can be closed. `fill` is called when it is first seen.
function section(key, open, title, fill) {
  const summary = make("summary", {}, ...title);
  const body = make("div");
  const details = make("details", { className: "card" }, summary, body);
  summary.dataset.key = key;
  summary.addEventListener("click", event => {
    if (!event.target.closest("a")) chosen.set(key, !details.open);
  });
  const show = () => { if (details.open && !body.hasChildNodes()) fill(body); };
  details.addEventListener("toggle", show);
  details.open = chosen.has(key) ? chosen.get(key) : open;
  show();
  return details;
}

// Puts new content in place of the old one; who uses the keyboard stays where he is.
function replace(target, ...nodes) {
  const key = target.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  target.replaceChildren(...nodes);
  if (key === undefined) return;
  for (const node of target.querySelectorAll("[data-key]")) {
    if (node.dataset.key === key) return node.focus({ preventScroll: true });
  }
}

function say(text) {
  $("message").hidden = !text;
  $("message").textContent = text;
}

// Loads now and, while the switch is on and the page is seen, every five seconds: more seldom where
// an answer takes long. Returns what loads at once.
function keepLoading(load, draw) {
  let timer = null, running = false, again = false, failed = false;
  async function run() {
    clearTimeout(timer);
    if (running) { again = true; return; }
    running = true;
    const began = performance.now();
    try {
      await load();
      // What somebody is about to copy is left in place.
      if (getSelection().isCollapsed || !$("result").contains(getSelection().anchorNode)) draw();
      if (failed) say("");  // what somebody's own action came to stays
      failed = false;
    } catch (error) {
      failed = true;
      say(error.message);
    }
    running = false;
    if (again) { again = false; return run(); }
    if ($("refresh").checked && !document.hidden) timer = setTimeout(run, Math.max(5000, 10 * (performance.now() - began)));
  }
  const restart = () => { clearTimeout(timer); if ($("refresh").checked && !document.hidden) run(); };
  $("refresh").addEventListener("change", restart);
  document.addEventListener("visibilitychange", restart);
  run();
  return run;
}

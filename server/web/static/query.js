// The query page: the address holds all of its state.
"use strict";

const $ = id => document.getElementById(id);
const maxRows = 2000, maxLines = 200;
let tab = "table", timer = null, running = null;

function say(text, note) {
  $("message").hidden = !text;
  $("message").className = note ? "note" : "";
  $("message").textContent = text;
}

function selectTab(name) {
  tab = name;
  $("tab-table").setAttribute("aria-selected", name === "table");
  $("tab-graph").setAttribute("aria-selected", name === "graph");
  $("range-label").hidden = name !== "graph";
}

function drawTable(data) {
  const table = document.createElement("table");
  const row = (series, value) => {
    const tr = table.insertRow();
    const left = tr.insertCell(), right = tr.insertCell();
    left.className = "series";
    right.className = "value";
    left.textContent = series;
    right.textContent = value;
  };
  if (data.resultType === "vector") {
    for (const s of data.result.slice(0, maxRows)) row(seriesName(s.metric), s.value[1]);
  } else if (data.resultType === "matrix") {
    for (const s of data.result.slice(0, maxRows)) row(seriesName(s.metric), s.values.map(([t, v]) => `${v} @${t}`).join("\n"));
  } else {
    row(data.resultType, data.result[1]);
  }
  $("result").replaceChildren(table);
}

async function execute() {
  const expr = $("expr").value.trim();
  const state = new URLSearchParams({ expr, tab, range: $("range").value });
  history.replaceState(null, "", "?" + state);
  if (!expr) return;
  if (running) running.abort();
  running = new AbortController();
  const now = Date.now() / 1000, span = +$("range").value;
  const step = Math.max(1, Math.ceil(span / 400));
  const end = Math.floor(now / step) * step, start = end - span;
  const form = tab === "table" ? { query: expr, time: now } : { query: expr, start, end, step };
  const began = performance.now();
  try {
    const answer = await fetch(tab === "table" ? "api/v1/query" : "api/v1/query_range",
      { method: "POST", body: new URLSearchParams(form), signal: running.signal });
    const text = await answer.text();
    let body;
    try { body = JSON.parse(text); } catch { throw new Error(`HTTP ${answer.status}: ${text.slice(0, 300)}`); }
    if (body.status !== "success") throw new Error(`${body.errorType}: ${body.error}`);
    const result = body.data.result, count = Array.isArray(result) && body.data.resultType !== "scalar" && body.data.resultType !== "string" ? result.length : 1;
    const notes = [...(body.warnings || []), ...(body.infos || [])];
    if (tab === "graph" && count > maxLines) notes.push(`drawing the first ${maxLines} of ${count} series`);
    if (tab === "table" && count > maxRows) notes.push(`showing the first ${maxRows} of ${count} series`);
    if (count === 0) notes.push("The query is fine and nothing matches it.");
    say(notes.join("\n"), true);
    $("stats").textContent = `${count} series in ${Math.round(performance.now() - began)} ms`;
    if (count === 0) $("result").replaceChildren();
    else if (tab === "table") drawTable(body.data);
    else drawGraph($("result"), result.slice(0, maxLines), start, end, step);
  } catch (error) {
    if (error.name === "AbortError") return;
    $("result").replaceChildren();
    $("stats").textContent = "";
    say(error.message);
  }
}

$("form").addEventListener("submit", event => { event.preventDefault(); execute(); });
$("expr").addEventListener("keydown", event => {
  if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); execute(); }
});
for (const name of ["table", "graph"]) $("tab-" + name).addEventListener("click", () => { selectTab(name); execute(); });
$("range").addEventListener("change", execute);
$("refresh").addEventListener("change", () => {
  clearInterval(timer);
  if ($("refresh").checked) timer = setInterval(execute, 5000);
});

const state = new URLSearchParams(location.search);
// g0.expr is how generator links of alerts name it.
$("expr").value = state.get("expr") || state.get("g0.expr") || "";
if (state.get("range")) $("range").value = state.get("range");
selectTab(state.get("tab") === "graph" || state.get("g0.tab") === "0" ? "graph" : "table");
execute();

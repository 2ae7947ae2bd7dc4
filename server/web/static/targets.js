// The targets page: every target, its state and why it is down.
"use strict";

function cell(row, text, className) {
  const td = row.insertCell();
  td.textContent = text;
  if (className) td.className = className;
  return td;
}

function draw(targets) {
  const table = document.createElement("table");
  const head = table.createTHead().insertRow();
  for (const title of ["Job", "Target", "State", "Labels", "Last scrape", "Took", "Error"]) {
    const th = document.createElement("th");
    th.textContent = title;
    head.append(th);
  }
  const body = table.createTBody();
  for (const target of targets) {
    const row = body.insertRow();
    cell(row, target.scrapePool);
    const link = document.createElement("a");
    link.href = target.globalUrl;
    link.textContent = target.scrapeUrl;
    cell(row, "", "url").append(link);
    cell(row, target.health, target.health);
    const labels = cell(row, "", "labels");
    for (const [name, value] of Object.entries(target.labels)) {
      const span = document.createElement("span");
      span.textContent = `${name}="${value}"`;
      labels.append(span);
    }
    const age = (Date.now() - Date.parse(target.lastScrape)) / 1000;
    cell(row, target.lastScrape.startsWith("0001") ? "never" : `${age.toFixed(1)} s ago`);
    cell(row, `${(target.lastScrapeDuration * 1000).toFixed(1)} ms`);
    cell(row, target.lastError, "down");
  }
  document.getElementById("result").replaceChildren(table);
}

async function load() {
  const message = document.getElementById("message");
  try {
    const answer = await fetch("api/v1/targets?state=active");
    if (!answer.ok) throw new Error(`HTTP ${answer.status}: ${(await answer.text()).slice(0, 300)}`);
    draw((await answer.json()).data.activeTargets);
    message.hidden = true;
  } catch (error) {
    message.hidden = false;
    message.textContent = error.message;
  }
}
load();
setInterval(load, 5000);

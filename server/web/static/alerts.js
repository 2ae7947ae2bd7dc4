// The alerts page: alerting rules with their alerts and, with the routing service on, silences and
// the groups in which receivers are told.
"use strict";

const states = ["firing", "pending", "inactive", "unknown"];
const mostAlerts = 100, mostGroups = 200;
const openUpTo = 300;  // alerts: with more, rules are closed at first
let rules = [], routing = null, silences = [], groups = [];
let routed = new Map();  // alerts of the routing service by what is cheap to compare

const placeOf = labels => `${labels.alertname}\0${labels.instance}`;
const isWithin = (labels, more) => Object.entries(labels).every(([name, value]) => more[name] === value);

// On its way to the routing service an alert gets external labels.
function fingerprintOf(labels) {
  const candidates = routed.get(placeOf(labels)) || [];
  const found = candidates.find(alert => isWithin(labels, alert.labels));
  return found && found.fingerprint;
}

function explainLink(fingerprint, key) {
  if (!fingerprint) return "";
  const link = make("a", { textContent: "explain", href: "api/v1/alert_explain?" + new URLSearchParams({ fingerprint }) });
  link.dataset.key = `${key}\0${fingerprint}`;
  return link;
}

function valueText(value) {
  const number = Number(value);
  return Number.isFinite(number) ? String(number) : value;
}

const isChosen = state => $("state-" + state).checked;
const stateNode = state => make("span", { className: state, textContent: state });

function drawAlerts(rule, key, body) {
  const link = make("a", { className: "expr", textContent: rule.query, href: "./?" + new URLSearchParams({ expr: rule.query, tab: "table" }) });
  link.dataset.key = key + "\0expr";
  const about = [];
  if (rule.duration) about.push(`for ${duration(rule.duration)}`);
  if (rule.keepFiringFor) about.push(`keep_firing_for ${duration(rule.keepFiringFor)}`);
  body.append(make("p", {}, link, make("div", { className: "soft", textContent: about.join(", ") })));
  if (rule.lastError) body.append(make("p", { className: "err reason", textContent: rule.lastError }));
  if (rule.alerts.length === 0) return;
  const titles = ["Labels", "Annotations", "State", "Active since", "Value"];
  if (routing) titles.push("Why");
  const alerts = firstOf(rule.alerts.filter(alert => isChosen(alert.state)), mostAlerts, body);
  body.append(makeTable(`Alerts of ${rule.name}`, titles, alerts.map(alert => {
    const row = [labelList(alert.labels), labelList(alert.annotations, ": "),
      [stateNode(alert.state), ...(alert.keepFiringSince ? [make("div", { className: "soft" }, "kept since ", ageNode(alert.keepFiringSince))] : [])],
      ageNode(alert.activeAt), valueText(alert.value)];
    if (routing) row.push(explainLink(fingerprintOf(alert.labels), key));
    return row;
  })));
}

// An alerting rule in the words of the filter: a firing rule may have pending alerts beside.
function statesOf(rule) {
  return rule.alerts.length === 0 ? [rule.state] : [...new Set(rule.alerts.map(alert => alert.state))];
}

function ruleSection({ group, rule, index }, open) {
  const key = `${group.file}\0${group.name}\0${index}`;
  const title = [make("strong", { textContent: rule.name })];
  if (rule.alerts.length === 0) title.push(stateNode(rule.state));
  for (const state of ["firing", "pending"]) {
    const count = rule.alerts.filter(alert => alert.state === state).length;
    if (count > 0) title.push(make("span", { className: state, textContent: `${count} ${state}` }));
  }
  title.push(make("span", { className: "soft", textContent: `${group.name}, ${group.file}` }), labelList(rule.labels));
  if (rule.health === "err") title.push(make("span", { className: "mark", textContent: "evaluation fails" }));
  return section(key, open && rule.alerts.length > 0, title, body => drawAlerts(rule, key, body));
}

function matcherText({ name, value, isEqual, isRegex }) {
  const operator = isEqual ? (isRegex ? "=~" : "=") : isRegex ? "!~" : "!=";
  return name + operator + JSON.stringify(value);
}

async function expire(silence, button) {
  const about = silence.matchers.map(matcherText).join(", ");
  if (!confirm(`Expire the silence ${about}?\nAlerts that it mutes are told again.`)) return;
  button.disabled = true;
  say("");
  try {
    const answer = await fetch("api/v2/silence/" + encodeURIComponent(silence.id), { method: "DELETE" });
    if (!answer.ok) throw new Error(`Could not expire the silence: HTTP ${answer.status}: ${(await answer.text()).slice(0, 300)}`);
    await refresh();
  } catch (error) {
    button.disabled = false;
    say(error.message);
  }
}

function drawSilences(body) {
  if (silences.length === 0) return body.append(make("p", { className: "soft", textContent: "None." }));
  const shown = firstOf(silences, mostGroups, body);
  body.append(makeTable("Silences", ["Matchers", "State", "Until", "By", "Comment", ""], shown.map(silence => {
    const button = make("button", { type: "button", textContent: "Expire" });
    button.dataset.key = silence.id;
    button.addEventListener("click", () => expire(silence, button));
    const matchers = make("div", { className: "labels" });
    for (const matcher of silence.matchers) matchers.append(make("span", { textContent: matcherText(matcher) }));
    return [matchers, silence.status.state, make("time", { dateTime: silence.endsAt, textContent: new Date(silence.endsAt).toLocaleString() }),
      silence.createdBy, silence.comment, button];
  })));
}

// Why an alert of a group is told, or not.
function standing({ status }) {
  const words = [];
  if (status.silencedBy.length > 0) words.push("silenced");
  if (status.inhibitedBy.length > 0) words.push("inhibited");
  if (status.mutedBy.length > 0) words.push(`muted by ${status.mutedBy.join(", ")}`);
  return words.join(", ") || "active";
}

function drawGroups(body) {
  if (groups.length === 0) return body.append(make("p", { className: "soft", textContent: "None." }));
  firstOf(groups, mostGroups, body).forEach(group => {
    const key = `group\0${group.receiver.name}\0${JSON.stringify(group.labels)}\0${JSON.stringify(group.routeLabels)}`;
    const title = [make("strong", { textContent: group.receiver.name }), labelList(group.labels),
      make("span", { className: "soft", textContent: counted(group.alerts.length, "alert") })];
    body.append(section(key, false, title, inner => inner.append(makeTable("Alerts of the group",
      ["Labels", "Annotations", "State", "Since", "Why"], firstOf(group.alerts, mostAlerts, inner).map(alert => [
        labelList(alert.labels), labelList(alert.annotations, ": "), standing(alert), ageNode(alert.startsAt),
        explainLink(alert.fingerprint, key)])))));
  });
}

function draw() {
  const search = $("search").value.trim().toLowerCase();
  const counts = { firing: 0, pending: 0, inactive: 0, unknown: 0 };
  const wanted = [];
  for (const entry of rules) {
    ++counts[entry.rule.state];
    if (entry.rule.name.toLowerCase().includes(search) && statesOf(entry.rule).some(isChosen)) wanted.push(entry);
  }
  for (const state of states) $("count-" + state).textContent = counts[state];
  const order = entry => states.indexOf(entry.rule.state);
  wanted.sort((a, b) => order(a) - order(b));
  const nodes = [];
  if (rules.length === 0) nodes.push(make("p", { className: "soft", textContent: "No alerting rules are loaded." }));
  else if (wanted.length === 0) nodes.push(make("p", { className: "soft", textContent: "No rule of these states and this name." }));
  const head = make("div");
  const few = wanted.reduce((sum, { rule }) => sum + rule.alerts.length, 0) <= openUpTo;
  for (const entry of firstOf(wanted, 1000, head)) nodes.push(ruleSection(entry, few));
  if (routing) {
    nodes.push(section("silences", true, [make("strong", { textContent: "Silences" }), String(silences.length)], drawSilences),
      section("groups", true, [make("strong", { textContent: "Groups by receiver" }), String(groups.length)], drawGroups));
  } else if (routing === false) {
    nodes.push(make("p", { className: "soft", textContent: "Silences and receivers are shown here with --alerting.config.file." }));
  }
  replace($("result"), head, ...nodes);
}

async function loadRouting() {
  // Asked once: it changes with a new start of the server only.
  if (routing === null) {
    const answer = await fetch("api/v2/status");
    if (!answer.ok && answer.status !== 404) throw new Error(`api/v2/status: HTTP ${answer.status}`);
    routing = answer.ok;
  }
  if (!routing) return;
  [silences, groups] = await Promise.all([get("api/v2/silences?expired=false"), get("api/v2/alerts/groups")]);
  routed = new Map();
  for (const group of groups) for (const alert of group.alerts) {
    const place = placeOf(alert.labels);
    if (!routed.has(place)) routed.set(place, []);
    routed.get(place).push(alert);
  }
}

async function load() {
  const [answer] = await Promise.all([get("api/v1/rules?type=alert"), loadRouting()]);
  rules = answer.data.groups.flatMap(group => group.rules.map((rule, index) => ({ group, rule, index })));
}

function filter() {
  const state = new URLSearchParams();
  if ($("search").value) state.set("search", $("search").value);
  const hidden = states.filter(name => !isChosen(name));
  if (hidden.length > 0) state.set("hide", hidden.join(","));
  history.replaceState(null, "", "?" + state);
  draw();
}

const state = new URLSearchParams(location.search);
$("search").value = state.get("search") || "";
for (const name of (state.get("hide") || "").split(",")) if (states.includes(name)) $("state-" + name).checked = false;
$("search").addEventListener("input", filter);
for (const name of states) $("state-" + name).addEventListener("change", filter);
$("form").addEventListener("submit", event => event.preventDefault());
const refresh = keepLoading(load, draw);

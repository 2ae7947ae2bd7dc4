// The rules page: groups, how long their rounds take, and which rules fail.
"use strict";

const openUpTo = 300;  // rules: with more, only groups in trouble are open at first
let groups = [], missed = new Map();

// What is wrong with the group as a whole, in words.
function groupTrouble(group) {
  const words = [];
  if (group.evaluationTime > group.interval) words.push("took longer than its interval");
  const rounds = missed.get(`${group.file};${group.name}`) || 0;
  if (rounds > 0) words.push(`${counted(rounds, "round")} missed since the start`);
  const silent = (serverNow - Date.parse(group.lastEvaluation)) / 1000;
  // Two rounds, and a second for clocks that show whole seconds only.
  if (!isNever(group.lastEvaluation) && silent > 2 * group.interval + 1) words.push("late");
  return words;
}

function nameCell(rule, key) {
  const name = rule.type === "alerting"
    ? make("a", { href: "alerts?" + new URLSearchParams({ search: rule.name }), textContent: rule.name })
    : make("span", { textContent: rule.name });
  name.dataset.key = key + "\0name";
  return [make("div", { className: "soft", textContent: rule.type }), make("div", { className: "name" }, name)];
}

function expressionCell(rule, key) {
  const link = make("a", { className: "expr", textContent: rule.query, href: "./?" + new URLSearchParams({ expr: rule.query, tab: "table" }) });
  link.dataset.key = key + "\0expr";
  const cell = [link];
  if (rule.duration) cell.push(make("div", { className: "soft", textContent: `for ${duration(rule.duration)}` }));
  if (rule.keepFiringFor) cell.push(make("div", { className: "soft", textContent: `keep_firing_for ${duration(rule.keepFiringFor)}` }));
  return cell;
}

function healthCell(rule) {
  const cell = [make("div", { className: rule.health, textContent: rule.health })];
  if (rule.lastError) cell.push(make("div", { className: "err reason", textContent: rule.lastError }));
  return cell;
}

function tookCell(rule, group) {
  const long = rule.evaluationTime > group.interval;
  return make("span", { className: long ? "err" : "", textContent: took(rule.evaluationTime) + (long ? ", longer than the interval" : "") });
}

function groupTitle(group, rules, trouble) {
  const failing = rules.filter(rule => rule.health === "err").length;
  const title = [
    make("strong", { textContent: group.name }),
    make("span", { className: "soft", textContent: group.file }),
    make("span", {}, "every ", duration(group.interval), ...(isNever(group.lastEvaluation) ? [", not evaluated yet"] : [
      ", evaluated ", ageNode(group.lastEvaluation), " in ",
      make("span", { className: group.evaluationTime > group.interval ? "err" : "", textContent: took(group.evaluationTime) })])),
    make("span", { className: "soft", textContent: counted(rules.length, "rule") })];
  if (group.limit) title.push(make("span", { className: "soft", textContent: `limit ${group.limit}` }));
  if (failing) title.push(make("span", { className: "mark", textContent: `${failing} failing` }));
  for (const words of trouble) title.push(make("span", { className: "mark", textContent: words }));
  return title;
}

// Groups with the rules that the filter wants.
function wantedGroups() {
  const search = $("search").value.trim().toLowerCase(), only = $("trouble").checked;
  const wanted = [];
  for (const group of groups) {
    const trouble = groupTrouble(group);
    const named = group.name.toLowerCase().includes(search);
    const rules = group.rules.filter(rule => (named || rule.name.toLowerCase().includes(search)) &&
      (!only || trouble.length > 0 || rule.health === "err"));
    if (rules.length > 0) wanted.push({ group, trouble, rules });
  }
  return wanted;
}

function draw() {
  const wanted = wantedGroups();
  const count = wanted.reduce((sum, { rules }) => sum + rules.length, 0);
  const nodes = wanted.map(({ group, trouble, rules }) => {
    const key = `${group.file}\0${group.name}`;
    const open = count <= openUpTo || trouble.length > 0 || rules.some(rule => rule.health === "err");
    return section(key, open, groupTitle(group, rules, trouble), body => body.append(makeTable(
      `Rules of ${group.name}`, ["Rule", "Expression", "Labels", "Health", "Last evaluation", "Took"],
      rules.map((rule, i) => [nameCell(rule, `${key}\0${i}`), expressionCell(rule, `${key}\0${i}`), labelList(rule.labels), healthCell(rule),
        ageNode(rule.lastEvaluation), tookCell(rule, group)]))));
  });
  if (nodes.length === 0) {
    const text = groups.length === 0 ? "No rules are loaded: name their files under rule_files in the configuration."
      : $("trouble").checked ? "No rule in trouble here." : "No rule has this in its name.";
    nodes.push(make("p", { className: "soft", textContent: text }));
  }
  const failing = groups.reduce((sum, group) => sum + group.rules.filter(rule => rule.health === "err").length, 0);
  const slow = groups.filter(group => groupTrouble(group).length > 0).length;
  const all = groups.reduce((sum, group) => sum + group.rules.length, 0);
  $("stats").textContent = `${counted(all, "rule")} in ${counted(groups.length, "group")}, ${failing} failing, ${counted(slow, "group")} not on time`;
  replace($("result"), ...nodes);
}

async function load() {
  const [rules, metrics] = await Promise.all([
    get("api/v1/rules?exclude_alerts=true"),
    get("api/v1/status/self_metrics?metric_name_pattern=prometheus_rule_group_iterations_missed_total")]);
  groups = rules.data.groups;
  missed = new Map();
  for (const family of metrics.data) for (const { label, counter } of family.metric) {
    missed.set(label.find(({ name }) => name === "rule_group").value, counter.value);
  }
}

function filter() {
  const state = new URLSearchParams();
  if ($("search").value) state.set("search", $("search").value);
  if ($("trouble").checked) state.set("trouble", "1");
  history.replaceState(null, "", "?" + state);
  draw();
}

const state = new URLSearchParams(location.search);
$("search").value = state.get("search") || "";
$("trouble").checked = state.get("trouble") === "1";
$("search").addEventListener("input", filter);
$("trouble").addEventListener("change", filter);
$("form").addEventListener("submit", event => event.preventDefault());
keepLoading(load, draw);

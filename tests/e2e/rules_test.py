# SPDX-License-Identifier: Apache-2.0
"""Rules in a real server: evaluated, shown, kept over kill -9, reloaded; beside the real
prometheus."""
import copy
import os
import re
import shutil
import subprocess

import harness

CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s, external_labels: {{site: north}}}}
rule_files: [rules.yml]
scrape_configs:
  - job_name: self
    static_configs: [{{targets: ["127.0.0.1:{port}"], labels: {{kind: own}}}}]
  - job_name: away
    static_configs: [{{targets: ["127.0.0.1:1"]}}]
"""

RULES = """
groups:
- name: recorded
  rules:
  - {record: 'job:up:sum', expr: sum by (job) (up), labels: {team: a}}
  - {record: 'up:doubled', expr: 'job:up:sum * 2'}
- name: alerts
  limit: 20
  rules:
  - alert: Away
    expr: up == 0
    for: 1s
    labels: {severity: page}
    annotations:
      summary: '{{ $labels.job }} is {{ $value }} at {{ $externalLabels.site }}'
      count: '{{ query "count(up)" | first | value }}'
  - {alert: Slow, expr: up == 0, for: 1h}
  - {alert: Quiet, expr: up > 5}
- name: broken
  rules:
  - {record: twins, expr: 'label_replace(up, "job", "x", "", "")', labels: {instance: i, kind: ''}}
"""


def rule_of(server, name):
    for group in server.api("rules")["groups"]:
        for rule in group["rules"]:
            if rule["name"] == name:
                return rule
    raise KeyError(name)


def state_of(server, name):
    rule = rule_of(server, name)
    return rule["state"], [(a["state"], a["activeAt"]) for a in rule["alerts"]]


def without_times(value):
    """An answer with what differs between two servers removed."""
    if isinstance(value, dict):
        return {k: without_times(v) for k, v in value.items()
                if k not in ("evaluationTime", "lastEvaluation", "activeAt", "instance")}
    if isinstance(value, list):
        return [without_times(v) for v in value]
    return value


class Rules(harness.Case):
    def write_rules(self, text):
        with open(self.directory + "/rules.yml", "w", encoding="utf-8") as f:
            f.write(text)

    def rules_server(self):
        self.write_rules(RULES)
        server = self.server(start=False, flags=["--enable-feature=concurrent-rule-eval"])
        server.write_config(CONFIG.format(port=server.port))
        return server.start()

    def test_a_life_with_rules(self):
        server = self.rules_server()
        harness.wait_for("a recorded rule", lambda: server.value('up:doubled{job="self"}') == 2)
        self.assertEqual(server.query('job:up:sum{job="self"}')[0]["metric"]["team"], "a")
        harness.wait_for("a firing alert", lambda: rule_of(server, "Away")["state"] == "firing")
        alert, = rule_of(server, "Away")["alerts"]
        self.assertEqual(alert["labels"], {"alertname": "Away", "instance": "127.0.0.1:1",
                                           "job": "away", "severity": "page"})
        self.assertEqual(alert["annotations"], {"summary": "away is 0 at north", "count": "2"})
        harness.wait_for("ALERTS", lambda: server.value('ALERTS{alertname="Away"}') == 1
                         and server.query('ALERTS{alertname="Away"}')[0]["metric"]["alertstate"]
                         == "firing")
        self.assertEqual(server.value('ALERTS_FOR_STATE{alertname="Away"}'),
                         int(harness.seconds_of(alert["activeAt"])))
        self.assertEqual(rule_of(server, "twins")["lastError"], "vector contains metrics with the "
                         "same labelset after applying rule labels")
        group = f'rule_group="{self.directory}/rules.yml;recorded"'
        harness.wait_for("figures", lambda: server.metric(
            f"prometheus_rule_evaluations_total{{{group}}}") >= 2)
        self.assertEqual(server.metric(f"prometheus_rule_group_rules{{{group}}}"), 2)
        self.look_at_pages(server)
        self.kill_and_compare(server)
        self.reload(server)

    def look_at_pages(self, server):
        """Pages and what they consist of; what the rules page puts together from two answers."""
        node = shutil.which("node")
        for path in ("/", "/alerts", "/rules", "/targets"):
            page = server.get(path)
            self.assertEqual((page.status, page.headers["Content-Type"]),
                             (200, "text/html; charset=utf-8"), path)
            scripts = re.findall(r'<script defer src="(static/\w+\.js)">', page.text)
            self.assertGreaterEqual(len(scripts), 1, path)
            for script in scripts:
                answer = server.get("/" + script)
                self.assertEqual((answer.status, answer.headers["Content-Type"]),
                                 (200, "text/javascript; charset=utf-8"), script)
                if node:
                    check = subprocess.run([node, "--check", "-"], input=answer.body,
                                           capture_output=True, check=False)
                    self.assertEqual(check.returncode, 0, (script, check.stderr))
        missed, = server.api("status/self_metrics", metric_name_pattern="prometheus_rule_group_"
                             "iterations_missed_total")
        named = {label["value"] for metric in missed["metric"] for label in metric["label"]
                 if label["name"] == "rule_group"}
        self.assertEqual(named, {f"{g['file']};{g['name']}" for g in server.api("rules")["groups"]})

    def kill_and_compare(self, server):
        before = {name: state_of(server, name) for name in ("Away", "Slow", "Quiet")}
        harness.wait_for("stored state", lambda: server.psql(
            "SELECT count(*) FROM vigil.rule_alert WHERE state = 'firing'") == [["1"]])
        server.kill9()
        server.start()
        # Not evaluated yet, or evaluated: the alerts are the same.
        self.assertEqual({name: state_of(server, name)[1] for name in before},
                         {name: alerts for name, (_, alerts) in before.items()})
        harness.wait_for("evaluation", lambda: "unknown" not in [
            state_of(server, name)[0] for name in before])
        self.assertEqual({name: state_of(server, name) for name in before}, before)

    def reload(self, server):
        before = state_of(server, "Slow")
        self.write_rules("groups: [{name: a, rules: [{record: x}]}]")
        answer = harness.http(server.url + "/-/reload", method="POST")
        self.assertEqual(answer.status, 500)
        self.assertIn("rules.yml:1:28: group \"a\", rule 1, \"x\": field 'expr' must be set in rule",
                      answer.text)
        self.assertEqual(state_of(server, "Slow"), before)
        # Only what this process wrote itself can be ended by it.
        harness.wait_for("a round of all groups", lambda: all(
            g["lastEvaluation"] > "0002" for g in server.api("rules")["groups"]))
        self.write_rules(RULES.replace("  - {alert: Quiet, expr: up > 5}\n", "")
                         .replace("up:doubled", "up:twice"))
        self.assertEqual(harness.http(server.url + "/-/reload", method="POST").status, 200)
        harness.wait_for("the new rule", lambda: server.value('up:twice{job="self"}') == 2)
        harness.wait_for("the end of the old one", lambda: not server.query("up:doubled"))
        self.assertRaises(KeyError, rule_of, server, "Quiet")
        harness.wait_for("the state before",
                         lambda: self.assertEqual(state_of(server, "Slow"), before) is None)

    def test_a_bad_rule_file_is_said_at_once(self):
        self.write_rules("groups: [{name: a, rules: [{record: 'x', expr: 'sum('}]}]")
        server = self.server("rule_files: [rules.yml]\n", start=False)
        server.start(wait=False)
        self.assertNotEqual(server.program.process.wait(60), 0)
        server.program.log_file.close()
        self.assertIn("could not parse expression: 1:5: parse error", server.program.log())

    def test_the_real_prometheus_shows_the_same(self):
        prometheus = self.require_peer("prometheus")
        server = self.rules_server()
        port = harness.free_port()
        config = self.directory + "/peer.yml"
        with open(config, "w", encoding="utf-8") as f:
            f.write(CONFIG.format(port=server.port))
        peer = self.run_program(
            prometheus, f"--config.file={config}", f"--storage.tsdb.path={self.directory}/peer",
            f"--web.listen-address=127.0.0.1:{port}")
        url = f"http://127.0.0.1:{port}"
        peer.wait_http(url + "/-/ready")

        def theirs(path):
            return harness.http(f"{url}/api/v1/{path}").json["data"]

        def firing(answer):
            return sum(a["state"] == "firing" for a in answer["alerts"]) == 1

        harness.wait_for("both to fire",
                         lambda: firing(theirs("alerts")) and firing(server.api("alerts")))
        # The rounds of the two are not at the same moments.
        harness.wait_for("the same rules", lambda: self.assertEqual(
            self.shown(server.api("rules")), self.shown(theirs("rules"))) is None)

        def alerts(answer):
            return sorted(map(str, without_times(answer)["alerts"]))
        self.assertEqual(alerts(server.api("alerts")), alerts(theirs("alerts")))

    def shown(self, rules):
        """What is comparable with the older upstream: it leaves out empty fields."""
        rules = copy.deepcopy(without_times(rules))
        for group in rules["groups"]:
            group["file"] = os.path.basename(group["file"])
            for rule in group["rules"]:
                rule.pop("keepFiringFor", None)
                if not rule.get("labels"):
                    rule.pop("labels", None)
        return rules


if __name__ == "__main__":
    harness.main()

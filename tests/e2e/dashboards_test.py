# SPDX-License-Identifier: Apache-2.0
"""Every expression of the shipped dashboards and rules runs on a live server."""
import glob
import json
import os
import re
import subprocess

import harness

DASHBOARDS = sorted(glob.glob(os.path.join(harness.ROOT, "dashboards/grafana/*.json")))
RULES = sorted(glob.glob(os.path.join(harness.ROOT, "dashboards/rules/*.yml")))
# Panels that are rightly empty on a virtual machine or in a container without such hardware.
MAY_BE_EMPTY = ("node_disk_", "node_filesystem_")


def panels(dashboard):
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", [])


def rule_expressions(path):
    """(name, expr) of a rule file: `expr: one line` or a folded block."""
    lines = open(path, encoding="utf-8").read().split("\n")
    name, found = None, []
    for at, line in enumerate(lines):
        if match := re.match(r"\s+- (?:alert|record): (\S+)", line):
            name = match.group(1)
        if match := re.match(r"(\s+)expr: (.*)", line):
            expr = match.group(2)
            if expr in (">", "|"):
                block = []
                for follower in lines[at + 1:]:
                    if follower.strip() and not follower.startswith(match.group(1) + "  "):
                        break
                    block.append(follower.strip())
                expr = " ".join(block)
            found.append((name, expr))
    return found


class Dashboards(harness.Case):
    def test_shape(self):
        self.assertTrue(DASHBOARDS)
        uids = set()
        for path in DASHBOARDS:
            text = open(path, encoding="utf-8").read()
            dashboard = json.loads(text)
            self.assertNotIn("__inputs", dashboard)
            self.assertIsNone(dashboard["id"])
            self.assertRegex(dashboard["uid"], r"^[A-Za-z0-9_-]{1,40}$")
            self.assertNotIn(dashboard["uid"], uids)
            uids.add(dashboard["uid"])
            first = dashboard["templating"]["list"][0]
            self.assertEqual((first["type"], first["name"]), ("datasource", "datasource"))
            ids = [panel["id"] for panel in panels(dashboard)]
            self.assertEqual(len(ids), len(set(ids)))
            for panel in panels(dashboard):
                grid = panel["gridPos"]
                self.assertLessEqual(grid["x"] + grid["w"], 24)
                if panel["type"] == "row":
                    continue
                self.assertTrue(panel["description"], panel["title"])
                self.assertEqual(panel["datasource"]["uid"], "${datasource}")
                refs = [target["refId"] for target in panel["targets"]]
                self.assertEqual(len(refs), len(set(refs)))
                for target in panel["targets"]:
                    self.assertEqual(target["datasource"]["uid"], "${datasource}")
                    for window in re.findall(r"rate\([^[]*\[([^\]]*)\]", target["expr"]):
                        self.assertEqual(window, "$__rate_interval")

    def test_every_expression_runs(self):
        node, push = self.node_exporter(), self.pushgateway()
        server = self.server(f"""
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: node
    static_configs: [{{targets: ["127.0.0.1:{node}"]}}]
  - job_name: push
    honor_labels: true
    static_configs: [{{targets: ["127.0.0.1:{push}"]}}]
""")
        harness.wait_for("two scrapes", lambda: server.query("rate(node_intr_total[10s])"))
        replace = {"$job": "node", "$instance": f"127.0.0.1:{node}", "$__rate_interval": "20s"}
        count = 0
        for path in DASHBOARDS:
            dashboard = json.load(open(path, encoding="utf-8"))
            for panel in panels(dashboard):
                for target in panel.get("targets", []):
                    expr = target["expr"]
                    for variable, value in replace.items():
                        expr = expr.replace(variable, value)
                    result = server.query(expr)
                    count += 1
                    if not any(name in expr for name in MAY_BE_EMPTY):
                        self.assertTrue(result, f"{panel['title']}: {expr}")
        for path in RULES:
            for name, expr in rule_expressions(path):
                self.assertIsInstance(server.query(expr), list, name)
                formatted = server.api("format_query", query=expr)
                self.assertEqual(server.api("format_query", query=formatted), formatted)
                count += 1
        self.assertGreater(count, 40)

    def test_promtool_accepts_the_rules(self):
        promtool = self.require_peer("promtool")
        for path in RULES:
            subprocess.run([promtool, "check", "rules", path], check=True, capture_output=True)


if __name__ == "__main__":
    harness.main()

# SPDX-License-Identifier: Apache-2.0
"""Alertmanager's API: the real amtool and the real Prometheus (Debian packages) at work against
vigil-server, vigilctl beside amtool word for word, the answers beside those of the real
alertmanager 0.25, and the acceptance scenarios of upstream that need a running server."""
import concurrent.futures
import http.server
import json
import os
import re
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.parse

import jsonschema
import yaml

import harness

CONFIG = """
global: {{resolve_timeout: 5m, smtp_auth_password: hush, smtp_from: a@b, smtp_smarthost: 'h:25'}}
route:
  receiver: ops
  group_by: [alertname]
  group_wait: 200ms
  group_interval: 500ms
  repeat_interval: 1h
  routes:
  - {{receiver: db, matchers: [team="db"], continue: true}}
  - {{receiver: ops, matchers: [team=~"db|web"]}}
  - {{receiver: slow, matchers: [alertname="Slow"]}}
receivers:
- name: ops
  webhook_configs: [{{url: '{hook}ops'}}]
- {{name: db}}
- {{name: slow, webhook_configs: [{{url: '{hook}slow', timeout: 300ms}}]}}
inhibit_rules:
- {{source_matchers: [severity="critical"], target_matchers: [severity="warning"], equal: [alertname]}}
"""

SPAN = '"startsAt":"2026-01-01T00:00:00Z","endsAt":"2096-01-01T00:00:00Z"'
MATCHERS = '"matchers":[{"name":"a","value":"b","isRegex":false}]'

# Requests in their order, for the differential run: method, path, body. ID is the last silence's.
REQUESTS = [
    ("GET", "/alerts", None), ("GET", "/alerts/groups", None), ("GET", "/silences", None),
    ("GET", "/receivers", None),
    ("POST", "/alerts", '[{"labels":{"alertname":"x","team":"db"},"annotations":{"summary":"s <b>"},'
     '"startsAt":"2026-01-01T00:00:00Z","endsAt":"2096-01-01T01:02:03.456789Z",'
     '"generatorURL":"http://h/?a=<>&b"},{"labels":{"alertname":"y","n":"1"},'
     '"startsAt":"2026-01-01T00:00:00.5Z"}]'),
    ("POST", "/alerts", '[{"labels":{"alertname":"w","severity":"warning"},"startsAt":'
     '"2026-01-01T00:00:00Z"},{"labels":{"alertname":"w","severity":"critical"},"startsAt":'
     '"2026-01-01T00:00:00Z"}]'),
    ("POST", "/silences", '{%s,"createdBy":"me","comment":"c","matchers":[{"name":"n","value":"1",'
     '"isRegex":true}]}' % SPAN),
    ("GET", "/silence/ID", None), ("GET", "/silences", None),
    ("GET", "/alerts", None), ("GET", "/alerts/groups", None),
    *[("GET", "/alerts?" + q, None) for q in (
        "active=false", "active=x", "active=TRUE", "active=on", "active=", "silenced=false",
        "inhibited=false", "unprocessed=false", "filter=alertname%3Dx", "filter=n%3D~%22.%2B%22",
        "filter=n%3D%22%22", "filter=n!%3D1", "filter=a", "filter=", "filter=%7Ba%3Db%7D",
        "filter=a%3D~%28", "filter=a%3Db%2Cc%3Dd", "receiver=%28", "receiver=db", "receiver=d",
        "receiver=d.", "receiver=", "zzz=1")],
    *[("GET", "/alerts/groups?" + q, None) for q in (
        "active=false", "silenced=false", "inhibited=false", "receiver=db", "receiver=%28",
        "filter=a", "filter=alertname%3Dx")],
    *[("GET", "/silences?" + q, None) for q in (
        "filter=n%3D~%221%22", "filter=n%3D1", "filter=n", "filter=n%3D~1&filter=z%3D1")],
    ("DELETE", "/silence/ID", None), ("DELETE", "/silence/ID", None), ("GET", "/silence/ID", None),
    *[("POST", "/alerts", body) for body in (
        "", "null", "{}", "x", "[1]", "[{}]", '[{"labels":null}]', '[{"labels":{}}]',
        '[{"labels":{"a":1}}]', '[{"labels":{"a":""}}]', '[{"labels":{"":"x"}}]',
        '[{"labels":{"a":"b"},"annotations":{"":"x"}}]', '[{"labels":{"a":"b"},"startsAt":"x"}]',
        '[{"labels":{"a":"b"},"endsAt":5}]', '[{"labels":{"a":"b"},"generatorURL":"x y"}]',
        '[{"labels":{"a":"b"},"startsAt":"2026-01-01T00:00:00Z","endsAt":"2025-01-01T00:00:00Z"}]',
        '[{"labels":{"a":"b"}},]', '[{"labels":{"a":"b"}', '[{"labels":[]}]')],
    *[("POST", "/silences", body) for body in (
        "", "{}", "[]", "x", "{%s}" % SPAN, '{%s,"createdBy":"","comment":""}' % SPAN,
        '{%s,"createdBy":"","comment":"","matchers":[]}' % SPAN,
        '{%s,"createdBy":"","comment":"","matchers":[{"name":"a"}]}' % SPAN,
        '{%s,"createdBy":"","comment":"","matchers":[{"name":"a","value":"b","isRegex":5}]}' % SPAN,
        '{%s,%s,"createdBy":"","comment":"","id":"zz"}' % (SPAN, MATCHERS),
        '{%s,"createdBy":"","comment":"","startsAt":"2026-01-01T00:00:00Z",'
        '"endsAt":"2025-01-01T00:00:00Z"}' % MATCHERS,
        '{%s,"createdBy":"","comment":"","startsAt":"2020-01-01T00:00:00Z",'
        '"endsAt":"2025-01-01T00:00:00Z"}' % MATCHERS,
        '{%s,"createdBy":"","comment":"","startsAt":"x","endsAt":"x"}' % MATCHERS,
        '{%s,"createdBy":"","comment":"","matchers":[{"name":"a","value":"","isRegex":false}]}' % SPAN,
        '{%s,"createdBy":"","comment":"","matchers":[{"name":"","value":"b","isRegex":false}]}' % SPAN,
        '{%s,"createdBy":"","comment":"","matchers":[{"name":"a","value":"(","isRegex":true}]}' % SPAN)],
    ("GET", "/silence/x", None), ("DELETE", "/silence/x", None),
    ("GET", "/silence/12345678-1234-1234-1234-123456789012", None),
    ("GET", "/silence/12345678123412341234123456789012", None),
    ("DELETE", "/silence/12345678-1234-1234-1234-123456789012", None),
    ("PUT", "/alerts", "[]"), ("DELETE", "/silences", None), ("POST", "/status", "{}"),
    ("POST", "/silence/x", "{}"), ("GET", "/nope", None), ("GET", "", None), ("GET", "/alerts/", None),
    ("POST", "/alerts", '[{"labels":{"0a":"b"}}]'),
    ("POST", "/alerts", '[{"labels":{"a":"b"}},{"labels":{}},{"labels":{"":"x"}}]'),
    ("POST", "/alerts", "[null]"),
    ("POST", "/silences", '{%s,"createdBy":"","comment":"","matchers":[null]}' % SPAN),
    ("POST", "/silences", '{%s,"createdBy":"","comment":"","matchers":[{"name":"0a","value":"b",'
     '"isRegex":false}]}' % SPAN),
    ("GET", "/alerts?filter=%220a%22%3Db", None),
    ("OPTIONS", "/alerts", None),
]

# What is meant to differ from 0.25: method, path, body, and why. Besides, times are shown in UTC
# whatever zone they were posted in, <, > and & stand in JSON as \\u003c as Go writes them by default,
# HEAD is answered where GET is, OPTIONS with an Origin is answered as a browser needs it.
DIFFERENCES = {
    ("GET", "/receivers", None): "0.33 and later show the labels of receivers, name first of all",
    ("DELETE", "/silence/12345678-1234-1234-1234-123456789012", None): "0.28: 404 instead of 500",
    ("POST", "/alerts", '[{"labels":{"0a":"b"}}]'): "0.27: label names are UTF-8",
    ("GET", "/alerts?filter=%220a%22%3Db", None): "0.27: matchers of UTF-8 names",
    ("POST", "/alerts", '[{"labels":{"a":"b"}},{"labels":{}},{"labels":{"":"x"}}]'):
        "the first problem of a list is told, not all of them",
    ("POST", "/alerts", "[null]"): "upstream's handler panics and cuts the connection",
    ("POST", "/silences", '{%s,"createdBy":"","comment":"","matchers":[null]}' % SPAN):
        "upstream's handler panics and cuts the connection",
    ("POST", "/silences", '{%s,"createdBy":"","comment":"","matchers":[{"name":"0a","value":"b",'
     '"isRegex":false}]}' % SPAN): "0.27: label names are UTF-8",
    ("GET", "/alerts?filter=%7Ba%3Db%7D", None): "0.27: the sentence for braces",
    ("GET", "/alerts?filter=a%3D~%28", None): "RE2's words, without the anchors",
    ("GET", "/alerts?receiver=%28", None): "RE2's words, without the anchors",
    ("GET", "/alerts/groups?receiver=%28", None): "RE2's words, without the anchors",
}


class Collector(http.server.ThreadingHTTPServer):
    """Webhooks, by path; `delays` holds back answers."""
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Hook)
        self.got = []  # (path, message)
        self.delays = {}
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/"

    def told(self, name):
        """The statuses of the alerts of this alertname, message by message."""
        return [[a["status"] for a in message["alerts"]] for _, message in list(self.got)
                if message["groupLabels"].get("alertname") == name]


class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.got.append((self.path[1:], message))
        delays = self.server.delays.get(self.path[1:], [])
        if delays:
            time.sleep(delays.pop(0))
        try:
            self.send_response(200)
            self.end_headers()
        except OSError:
            pass  # the client did not wait

    def log_message(self, *args):
        pass


class ApiV2(unittest.TestCase):
    """One server for all: each test uses alertnames of its own."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="vigil-e2e-")
        cls.addClassCleanup(cls.folder.cleanup)
        directory = cls.folder.name
        os.chmod(directory, 0o755)
        cls.hooks = Collector()
        cls.addClassCleanup(cls.hooks.shutdown)
        cls.alertmanager_yml = os.path.join(directory, "alertmanager.yml")
        with open(cls.alertmanager_yml, "w", encoding="utf-8") as f:
            f.write(CONFIG.format(hook=cls.hooks.url))
        cls.server = harness.Server(directory, flags=[
            f"--alerting.config.file={cls.alertmanager_yml}", "--web.enable-admin-api"])
        cls.server.start()
        cls.addClassCleanup(cls.server.stop)
        cls.v2 = cls.server.url + "/api/v2"
        if harness.peer("prometheus"):
            cls.start_prometheus()

    def ask(self, method, path, body=None, **headers):
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        return harness.http(self.v2 + path, body, method, headers)

    def post(self, *alerts):
        answer = self.ask("POST", "/alerts", json.dumps(alerts))
        self.assertEqual((answer.status, answer.body), (200, b""))

    def alert(self, name, **labels):
        return {"labels": {"alertname": name, **labels}}

    def run_tool(self, program, *words, code=0, stdin=None):
        environment = {**os.environ, "HOME": self.folder.name}
        run = subprocess.run([program, *words], capture_output=True, text=True, check=False,
                             input=stdin, env=environment, timeout=60)
        self.assertEqual(run.returncode, code, f"{words}: {run.stdout} {run.stderr}")
        return run.stdout

    def tools(self):
        """amtool and vigilctl, as (name, call)."""
        amtool = harness.peer("amtool")
        url = "--alertmanager.url=" + self.server.url
        found = [("vigilctl", lambda *w, **k: self.run_tool(harness.binary("vigilctl"), *w, url, **k))]
        if amtool:
            found.append(("amtool", lambda *w, **k: self.run_tool(
                amtool, *w, url, "--no-version-check", **k)))
        return found

    # --- amtool and vigilctl ------------------------------------------------------------------

    def test_tools_add_and_query_alerts(self):
        seen = []
        for name, tool in self.tools():
            tool("alert", "add", "Tool", "node=bar", "--annotation=summary=hello world",
                 "--start=2026-01-01T00:00:00Z", "--end=2096-01-01T00:00:00Z",
                 "--generator-url=http://x/")
            found = [self.ask("GET", "/alerts?filter=alertname%3DTool").json]
            self.assertEqual(found[0][0]["labels"], {"alertname": "Tool", "node": "bar"}, name)
            for words in (["alert", "Tool"], ["alert", "query", "Tool", "-o", "extended"],
                          ["alert", "query", "alertname=~To+l", "node!=x"],
                          ["alert", "query", "Tool", "-s"], ["alert", "query", "Tool", "-a", "-i"],
                          ["alert", "query", "Tool", "-r", "op.*"],
                          ["alert", "query", "Tool", "-r", "op"]):
                found.append(tool(*words))
            found.append(json.loads(tool("alert", "query", "Tool", "-o", "json")))
            for one in found[0] + found[-1]:
                one.pop("updatedAt")
                one["status"].pop("mutedBy", None)  # amtool 0.25 does not know it
            seen.append(found)
            tool("alert", "add", code=1)
        self.assertIn("hello world", seen[0][1])
        for other in seen[1:]:
            self.assertEqual(seen[0], other)

    def test_tools_handle_silences(self):
        for name, tool in self.tools():
            value = "tool-" + name
            tool("silence", "add", f"by={value}", code=1)  # no comment
            tool("silence", "add", "-c", "x", code=1)      # no matchers
            first = tool("silence", "add", "Sil", f"by={value}", "-c", "some words", "-a", "me",
                         "-d", "2h").strip()
            later = tool("silence", "add", f"by={value}", "n!=1", "m!~x.*", "-c", "c",
                         "--start=2095-01-01T00:00:00Z", "--end=2096-01-01T00:00:00Z").strip()
            stored = self.ask("GET", f"/silence/{later}").json
            self.assertEqual(stored["status"]["state"], "pending")
            self.assertEqual([(m["isEqual"], m["isRegex"]) for m in stored["matchers"]],
                             [(True, False), (False, True), (False, False)]
                             if stored["matchers"][1]["name"] == "m"
                             else [(True, False), (False, False), (False, True)])
            query = lambda *words: tool("silence", "query", f"by={value}", *words)
            self.assertEqual(query("-q").split(), [first, later] if name == "vigilctl"
                             else sorted(query("-q").split(), key=[first, later].index))
            self.assertEqual(query("-q", "--within=3h").split(), [first])
            self.assertEqual(query("-q", "--created-by=me").split(), [first])
            updated = tool("silence", "update", first, "-d", "5h", "-c", "longer", "-q").strip()
            if name == "vigilctl":  # amtool 0.25 prints a pointer
                self.assertEqual(updated, first)
            self.assertEqual(self.ask("GET", f"/silence/{first}").json["comment"], "longer")
            exported = query("-o", "json")
            tool("silence", "expire", first, later)
            self.assertEqual(query("-q"), "")
            self.assertEqual(sorted(query("-q", "--expired").split()), sorted([first, later]))
            tool("silence", "expire", "12345678-1234-1234-1234-123456789012", code=1)
            tool("silence", "expire", code=1)
            # What expired comes back under another id.
            path = os.path.join(self.folder.name, "silences.json")
            with open(path, "w", encoding="utf-8") as f:
                f.write(exported)
            imported = tool("silence", "import", path).split()
            self.assertEqual(sorted(query("-q").split()), sorted(imported))
            self.assertEqual(len(imported), 2)
            self.assertEqual(len(tool("silence", "import", "-f", "-w", "2", stdin=exported).split()), 2)
            tool("silence", "import", path + ".none", code=1)
            tool("silence", "import", stdin="x", code=1)
            bad = json.loads(exported)
            bad[0]["matchers"] = []
            tool("silence", "import", "-f", stdin=json.dumps(bad), code=1)
            for silence in query("-q").split():
                tool("silence", "expire", silence)

    def test_tools_print_the_same(self):
        words = [["silence", "query", "by=same"], ["silence", "query", "by=same", "-o", "extended"],
                 ["config", "show"]]
        self.run_tool(harness.binary("vigilctl"), "silence", "add", "by=same", "-c", "some words",
                      "--alertmanager.url=" + self.server.url)
        printed = [[tool(*one) for one in words] for _, tool in self.tools()]
        self.assertIn("<secret>", printed[0][2])
        self.assertNotIn("hush", printed[0][2])
        for other in printed[1:]:
            self.assertEqual(printed[0], other)
        for _, tool in self.tools():
            self.assertIn("original", json.loads(tool("config", "show", "-o", "json"))["config"])

    def test_tools_show_routes(self):
        old = os.path.join(self.folder.name, "old.yml")
        with open(self.alertmanager_yml, encoding="utf-8") as f:
            text = f.read().replace(", timeout: 300ms", "")  # 0.25 does not know it
        with open(old, "w", encoding="utf-8") as f:
            f.write(text)
        amtool = harness.peer("amtool")
        own = harness.binary("vigilctl")
        server, file = "--alertmanager.url=" + self.server.url, "--config.file=" + old
        for words in (["config", "routes"], ["config", "routes", "show"],
                      ["config", "routes", "test", "team=db", "x=y"],
                      ["config", "routes", "test", "--tree", "team=db"],
                      ["config", "routes", "test", "--verify.receivers=db,ops", "team=db"]):
            printed = self.run_tool(own, *words, server)
            self.assertIn("ops", printed)
            self.assertEqual(self.run_tool(own, *words, file), printed)
            if amtool:  # 0.25 cannot read the server's <secret> for the URL of a webhook
                self.assertEqual(self.run_tool(amtool, *words, file), printed)
        self.run_tool(own, "config", "routes", "test", "--verify.receivers=ops", "team=db", server,
                      code=1)

    def test_tools_check_files(self):
        bad = os.path.join(self.folder.name, "bad.yml")
        with open(bad, "w", encoding="utf-8") as f:
            f.write("route: {}\n")
        amtool = harness.peer("amtool")
        own = harness.binary("vigilctl")
        good = self.run_tool(own, "check", "alerting-config", self.alertmanager_yml)
        self.assertIn("SUCCESS\nFound:\n - global config\n - route\n - 1 inhibit rules\n"
                      " - 3 receivers\n - 0 templates\n", good)
        both = self.run_tool(own, "check", "alerting-config", bad, self.alertmanager_yml, code=1)
        self.assertIn("FAILED: ", both)
        self.assertIn("root route must specify a default receiver", both)
        if amtool:
            # 0.25 does not know the timeout of webhooks.
            old = os.path.join(self.folder.name, "old.yml")
            with open(self.alertmanager_yml, encoding="utf-8") as f:
                text = f.read().replace(", timeout: 300ms", "")
            with open(old, "w", encoding="utf-8") as f:
                f.write(text)
            self.assertEqual(self.run_tool(own, "check", "alerting-config", old),
                             self.run_tool(amtool, "check-config", old))

    def test_vigilctl_renders_templates(self):
        path = os.path.join(self.folder.name, "own.tmpl")
        with open(path, "w", encoding="utf-8") as f:
            f.write('{{ define "own" }}{{ .Receiver }}: {{ range .Alerts }}{{ .Labels.label1 }}'
                    '{{ .Labels.foo }} {{ end }}{{ .CommonLabels.SortedPairs.Values | join "," }}'
                    '<b>{{ .ExternalURL }}</b>{{ end }}')
        words = ["template", "render", "--template.glob=" + path,
                 '--template.text={{ template "own" . }}']
        text = self.run_tool(harness.binary("vigilctl"), *words)
        self.assertEqual(text, "receiver: value1 bar commonlabelvalue1,commonlabelvalue2"
                               "<b>https://example.com</b>")
        data = os.path.join(self.folder.name, "data.json")
        with open(data, "w", encoding="utf-8") as f:
            json.dump({"receiver": "<r>", "alerts": [{"labels": {"foo": "x"}}]}, f)
        html = self.run_tool(harness.binary("vigilctl"), *words, "--template.type=html",
                             "--template.data=" + data)
        self.assertEqual(html, "&lt;r&gt;: x <b></b>")
        self.run_tool(harness.binary("vigilctl"), *words[:-1], "--template.text={{ x", code=1)

    def test_amtool_files_are_read(self):
        folder = os.path.join(self.folder.name, ".config", "amtool")
        os.makedirs(folder)
        self.addCleanup(os.remove, os.path.join(folder, "config.yml"))
        with open(os.path.join(folder, "config.yml"), "w", encoding="utf-8") as f:
            f.write(f"alertmanager.url: {self.server.url}\ncomment_required: false\nauthor: them\n"
                    "output: json\n")
        own = harness.binary("vigilctl")
        silence = self.run_tool(own, "silence", "add", "by=file").strip()
        found = json.loads(self.run_tool(own, "silence", "query", "by=file"))
        self.assertEqual([(s["id"], s["createdBy"]) for s in found], [(silence, "them")])

    # --- the real Prometheus --------------------------------------------------------------------

    @classmethod
    def start_prometheus(cls):
        """With a rule that fires. It looks for Alertmanagers every five seconds, and drops what it
        has for nobody: it starts before all tests, and repeats itself."""
        directory = os.path.join(cls.folder.name, "prometheus")
        os.mkdir(directory)
        with open(os.path.join(directory, "rules.yml"), "w", encoding="utf-8") as f:
            f.write("groups: [{name: g, interval: 1s, rules: [{alert: FromPrometheus, expr: vector(1), "
                    "labels: {team: web}, annotations: {summary: 'value {{ $value }}'}}]}]\n")
        with open(os.path.join(directory, "prometheus.yml"), "w", encoding="utf-8") as f:
            f.write("rule_files: [rules.yml]\nalerting: {alertmanagers: [{static_configs: [{targets: "
                    f"['127.0.0.1:{cls.server.port}']}}]}}]}}\n")
        program = harness.Program(harness.peer("prometheus"), [
            f"--config.file={directory}/prometheus.yml", f"--storage.tsdb.path={directory}/data",
            f"--web.listen-address=127.0.0.1:{harness.free_port()}",
            "--rules.alert.resend-delay=1s"], directory)
        cls.addClassCleanup(program.stop)

    def test_prometheus_sends_here(self):
        if harness.peer("prometheus") is None:
            self.skipTest("prometheus is not on this machine: ./dev deps peers")
        harness.wait_for("a message", lambda: self.hooks.told("FromPrometheus"))
        message = next(m for _, m in self.hooks.got
                       if m["groupLabels"].get("alertname") == "FromPrometheus")
        self.assertEqual(message["alerts"][0]["annotations"], {"summary": "value 1"})
        self.assertEqual(message["alerts"][0]["labels"]["team"], "web")
        found = self.ask("GET", "/alerts?filter=alertname%3DFromPrometheus").json
        self.assertEqual([r["name"] for r in found[0]["receivers"]], ["ops"])

    # --- scenarios of upstream's acceptance tests that need a server -----------------------------

    def test_add_alerts(self):
        """AddAlerts, AlertGetReturnsCurrentAlertStatus, UTF-8."""
        self.post(self.alert("Add", **{"föö 1": "bär", "severity": "warning"}))
        self.post(self.alert("Add", severity="critical"))
        path = "/alerts?" + urllib.parse.urlencode({"filter": 'alertname="Add"'})
        found = {a["labels"]["severity"]: a for a in self.ask("GET", path).json}
        self.assertEqual(found["warning"]["labels"]["föö 1"], "bär")
        self.assertEqual(found["warning"]["status"]["state"], "suppressed")
        self.assertEqual(found["warning"]["status"]["inhibitedBy"], [found["critical"]["fingerprint"]])
        self.assertEqual(found["critical"]["status"]["state"], "active")
        silence = self.ask("POST", "/silences", '{%s,"createdBy":"","comment":"","matchers":[{"name":'
                           '"föö 1","value":"bär","isRegex":false}]}' % SPAN)
        path = "/alerts?" + urllib.parse.urlencode({"filter": '"föö 1"="bär"'})
        found = self.ask("GET", path).json
        self.assertEqual(found[0]["status"]["silencedBy"], [silence.json["silenceID"]])
        self.assertEqual(self.ask("DELETE", "/silence/" + silence.json["silenceID"]).status, 200)
        self.assertEqual(self.ask("GET", path).json[0]["status"]["silencedBy"], [])

    def test_silencing_and_deleting_the_silence(self):
        """Silencing, SilenceDelete."""
        silence = self.ask("POST", "/silences", '{%s,"createdBy":"","comment":"","matchers":[{"name":'
                           '"alertname","value":"Hush","isRegex":false}]}' % SPAN).json["silenceID"]
        self.post(self.alert("Hush"), self.alert("Loud"))
        harness.wait_for("the other alert", lambda: self.hooks.told("Loud"))
        time.sleep(0.7)  # a flush of the group and one more
        self.assertEqual(self.hooks.told("Hush"), [])
        self.ask("DELETE", "/silence/" + silence)
        harness.wait_for("the alert", lambda: self.hooks.told("Hush"))

    def test_a_receiver_that_is_slow(self):
        """WebhookTimeout: the first answer takes longer than the timeout, the next try is in time."""
        self.hooks.delays["slow"] = [1.0]
        self.post(self.alert("Slow"))
        harness.wait_for("two tries", lambda: len(self.hooks.told("Slow")) >= 2)
        time.sleep(1.2)
        self.assertLess(len(self.hooks.told("Slow")), 4)

    def test_resolved(self):
        """Batching, Resolved: the ends of many alerts are told once, together."""
        alerts = [self.alert("Many", i=str(i)) for i in range(20)]
        self.post(*alerts)
        harness.wait_for("a message", lambda: self.hooks.told("Many"))
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 1))
        self.post(*[{**a, "startsAt": "2026-01-01T00:00:00Z", "endsAt": now} for a in alerts])
        harness.wait_for("the end", lambda: self.hooks.told("Many")[-1][0] == "resolved")
        self.assertEqual(self.hooks.told("Many"), [["firing"] * 20, ["resolved"] * 20])

    def test_grafana_finds_the_kind_of_server(self):
        """Its health check: the first must fail, the second must not."""
        self.assertEqual(harness.http(self.server.url + "/alertmanager/api/v2/status").status, 404)
        self.assertEqual(self.ask("GET", "/status").status, 200)
        answer = self.ask("OPTIONS", "/silence/x", Origin="http://grafana")
        self.assertEqual(answer.status, 204)
        self.assertIn("DELETE", answer.headers["Access-Control-Allow-Methods"])

    # --- the description --------------------------------------------------------------------------

    def check(self, description, answer, method, path, body):
        template = "/silence/{id}" if path.startswith("/silence/") else path.split("?")[0]
        operation = description["paths"].get(template, {}).get(method.lower())
        if operation is None:
            return None
        where = f"{method} {path} {body}"
        described = operation["responses"].get(str(answer.status), operation["responses"].get("default"))
        self.assertIsNotNone(described, where)
        if "$ref" in described:
            described = description["components"]["responses"][described["$ref"].split("/")[-1]]
        if "content" not in described:
            self.assertEqual(answer.body, b"", where)
            return template, method
        schema = {**described["content"]["application/json"]["schema"],
                  "components": description["components"]}
        errors = jsonschema.Draft202012Validator(schema).iter_errors(answer.json)
        self.assertEqual([f"{e.json_path}: {e.message}"[:300] for e in errors], [],
                         f"{where}: {answer.text[:500]}")
        return template, method

    def play(self, url):
        """All requests in turn: the answers. What they store is found by its labels only."""
        silence, answers = "", []
        for method, path, body in REQUESTS:
            headers = {"Content-Type": "application/json"} if body is not None else {}
            try:
                answer = harness.http(url + path.replace("ID", silence), body, method, headers)
            except OSError as error:
                answer = harness.Answer(0, {}, str(error).encode())
            answers.append(answer)
            if method == "POST" and path == "/silences" and answer.status == 200 and not silence:
                silence = answer.json["silenceID"]
            if method == "POST" and answer.status == 200 and path == "/alerts":
                time.sleep(0.3)  # groups are formed
        return answers

    def test_answers_are_as_described(self):
        description = yaml.safe_load(self.ask("GET", "/openapi.yaml").text)
        jsonschema.Draft202012Validator.check_schema({"$defs": description["components"]["schemas"]})
        seen = {("/openapi.yaml", "GET")}
        more = [("GET", "/status", None), ("POST", "/receivers/test", '{"receiver":"ops"}'),
                ("POST", "/receivers/test", '{"receiver":"none"}')]
        requests = REQUESTS + more
        answers = self.play(self.v2) + [self.ask(*request) for request in more]
        for (method, path, body), answer in zip(requests, answers, strict=True):
            seen.add(self.check(description, answer, method, path, body))
        operations = {(path, method.upper()) for path, methods in description["paths"].items()
                      for method in methods if method != "parameters"}
        self.assertEqual(operations - seen, set())

    # --- the real alertmanager ----------------------------------------------------------------------

    def normal(self, text):
        """Without what differs from run to run, and what 0.25 does not have yet."""
        try:
            value = json.loads(text)
        except ValueError:
            return text
        ids = {}

        def walk(node):
            if isinstance(node, dict):
                return {k: ("TIME" if k in ("updatedAt", "uptime") or
                            (k in ("startsAt", "endsAt") and "2026-01-01T" not in v and "2096" not in v)
                            else walk(v))
                        for k, v in node.items() if k not in ("mutedBy", "routeLabels")}
            if isinstance(node, list):
                return [walk(item) for item in node]
            if isinstance(node, str) and re.fullmatch(r"[0-9a-f-]{36}", node):
                return ids.setdefault(node, f"id{len(ids)}")
            if isinstance(node, str):
                # Names that changed after 0.25, and the order of a Go map.
                node = node.replace("silence invalid: ", "invalid silence: ")
                return re.sub(r"\[(GET|POST|DELETE),(GET|POST|DELETE)\]",
                              lambda m: "[" + ",".join(sorted(m.groups())) + "]", node)
            return node
        return walk(value)

    def test_answers_as_the_real_alertmanager(self):
        directory = tempfile.mkdtemp(prefix="real-", dir=self.folder.name)
        config = os.path.join(directory, "alertmanager.yml")
        with open(self.alertmanager_yml, encoding="utf-8") as f:
            text = f.read().replace(", timeout: 300ms", "")
        with open(config, "w", encoding="utf-8") as f:
            f.write(text)
        port = harness.free_port()
        url = f"http://127.0.0.1:{port}"
        real = harness.real_alertmanager(config, port, directory)
        if real is None:
            self.skipTest("the real alertmanager cannot run here: ./dev deps peers, and be root or "
                          "allow user namespaces")
        self.addCleanup(real.stop)
        fresh = tempfile.mkdtemp(prefix="ours-", dir=self.folder.name)
        os.chmod(fresh, 0o755)
        # WebWithPrefix: below a prefix all is the same.
        server = harness.Server(fresh, flags=[f"--alerting.config.file={self.alertmanager_yml}",
                                              "--web.route-prefix=/below"])
        server.start(wait=False)
        self.addCleanup(server.stop)
        server.program.wait_http(server.url + "/below/-/ready")
        with concurrent.futures.ThreadPoolExecutor() as pool:
            ours, theirs = pool.map(self.play, [server.url + "/below/api/v2", url + "/api/v2"])
        wrong = []
        for request, a, b in zip(REQUESTS, ours, theirs, strict=True):
            same = (a.status, self.normal(a.text)) == (b.status, self.normal(b.text))
            if same == (request in DIFFERENCES):
                wrong.append(f"{request}\n   ours   {a.status} {a.text[:700]}\n"
                             f"   theirs {b.status} {b.text[:700]}")
        self.assertEqual(wrong, [], "\n" + "\n".join(wrong))


if __name__ == "__main__":
    harness.main()

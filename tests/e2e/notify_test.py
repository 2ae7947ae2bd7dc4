# SPDX-License-Identifier: Apache-2.0
"""What receivers and Alertmanagers elsewhere are sent: beside the real alertmanager's requests."""
import http.server
import json
import os
import threading
import time
import urllib.parse

import harness

EXTERNAL_URL = "http://vigil.example"
# %s: where the services are.
CONFIG = """
route: {receiver: team.a, group_by: [alertname], group_wait: 2s, group_interval: 2s}
receivers:
- name: team.a
  webhook_configs: [{url: "%(url)s/webhook"}]
  slack_configs:
  - {api_url: "%(url)s/slack", channel: "#ops", send_resolved: true}
  - api_url: "%(url)s/slack2"
    channel: "#{{ .CommonLabels.job }}"
    title: "t {{ .Status }}"
    text: "{{ range .Alerts }}{{ .Labels.instance }} {{ end }}"
    fields: [{title: a, value: "{{ len .Alerts }}", short: false}, {title: b, value: c}]
    short_fields: true
    link_names: true
    mrkdwn_in: [text]
    actions:
    - {type: button, text: "Go <", url: "http://go.example/?a=1&b=2", style: danger}
    - {type: button, text: Do, name: n, value: v, confirm: {text: sure, title: Sure}}
  telegram_configs:
  - {api_url: "%(url)s", bot_token: "1:secret", chat_id: -100123}
  - {api_url: "%(url)s", bot_token: "2:secret", chat_id: -42, parse_mode: "",
     disable_notifications: true, message: "{{ .CommonAnnotations.summary }}"}
  discord_configs: [{webhook_url: "%(url)s/discord"}]
  webex_configs: [{api_url: "%(url)s/webex", room_id: r,
                   http_config: {authorization: {credentials: abc}}}]
  wechat_configs: [{api_url: "%(url)s/cgi-bin/", api_secret: s2, corp_id: c,
                    message_type: markdown, send_resolved: true}]
  opsgenie_configs: [{api_url: "%(url)s/og/", api_key: k}]
  victorops_configs: [{api_url: "%(url)s/vo/", api_key: k, routing_key: r}]
  pagerduty_configs: [{url: "%(url)s/pd", routing_key: k}]
"""
ANSWERS = {"gettoken": {"access_token": "tok1"}, "cgi-bin": {"errcode": 0, "errmsg": "ok"},
           "sendMessage": {"ok": True, "result": {"message_id": 1, "chat": {"id": 1}}},
           "oauth/token": {"access_token": "o1", "token_type": "bearer"}}
# What is not in the payloads of 0.25.
NEWER = {"routeLabels", "notification_reason"}


class Services(http.server.ThreadingHTTPServer):
    """All services at once: keeps the requests and says that all went well."""
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def by_path(self):
        """The requests by path, each as (method, authorization, body)."""
        out = {}
        for path, *request in list(self.requests):
            out.setdefault(path, []).append(tuple(request))
        return out


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        path = urllib.parse.urlsplit(self.path)
        answer = next((a for word, a in ANSWERS.items() if word in path.path), None)
        text = "ok" if answer is None else json.dumps(answer)
        if path.path == "/scraped":
            text = "scraped 1\n"
        is_form = "form" in (self.headers.get("Content-Type") or "")
        self.server.requests.append((self.path, self.command, self.headers.get("Authorization"),
                                     json.loads(body) if body and not is_form else body or None))
        self.send_response(200)
        self.send_header("Content-Type", "text/plain" if answer is None else "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_POST

    def log_message(self, *_):
        pass


def this_second():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def alerts(start, second_ends=None):
    def one(instance, ends, **annotations):
        return {"labels": {"alertname": "Down", "job": "db", "instance": instance},
                "annotations": {"summary": 'a <b> & "c"', **annotations},
                "startsAt": start, "endsAt": ends or "2099-01-01T00:00:00Z",
                "generatorURL": "http://prometheus.example/graph?g0.expr=up&g0.tab=1"}
    return [one("a:1", None), one("b:1", second_ends, runbook="http://run.example/x")]


def post_alerts(url, batch):
    answer = harness.http(url + "/api/v2/alerts", data=json.dumps(batch).encode(),
                          headers={"Content-Type": "application/json"})
    assert answer.status == 200, (answer.status, answer.text)


def without_newer(request):
    method, authorization, body = request
    if isinstance(body, dict):
        body = {key: value for key, value in body.items() if key not in NEWER}
        # PagerDuty's details were texts once and are structures now.
        body.get("payload", {}).pop("custom_details", None)
    return method, authorization, body


class Notify(harness.Case):
    def services(self):
        services = Services()
        self.addCleanup(services.server_close)
        self.addCleanup(services.shutdown)
        return services

    def alerting_file(self, name, services):
        path = os.path.join(self.directory, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(CONFIG % {"url": services.url})
        return path

    def test_requests_are_those_of_the_real_alertmanager(self):
        """Two messages of a group at each of nine types, request by request."""
        ours, theirs = self.services(), self.services()
        port = harness.free_port()
        peer = harness.real_alertmanager(self.alerting_file("theirs.yml", theirs), port,
                                         os.path.join(self.directory, "alertmanager"),
                                         f"--web.external-url={EXTERNAL_URL}")
        if peer is None:
            self.skipTest("the real alertmanager cannot run here")
        self.addCleanup(peer.stop)
        server = self.server(flags=[
            "--alerting.config.file=" + self.alerting_file("ours.yml", ours),
            f"--web.external-url={EXTERNAL_URL}"])
        urls = (server.url, f"http://127.0.0.1:{port}")
        start = this_second()
        for url in urls:
            post_alerts(url, alerts(start))
        for services in (ours, theirs):
            harness.wait_for("the first messages", lambda s=services: len(s.requests) >= 12)
        end = this_second()
        for url in urls:
            post_alerts(url, alerts(start, end))
        # wechat has its token; pagerduty, slack's second and the like take resolved alerts, too.
        wanted = None
        for services in (theirs, ours):
            harness.wait_for("the second messages", lambda s=services: all(
                len(list(requests)) >= 2 for path, requests in s.by_path().items()
                if "gettoken" not in path and path != "/slack2"))
            got = {path: [without_newer(r) for r in requests[:2]]
                   for path, requests in services.by_path().items() if path != "/slack2"}
            slack = [r for r in services.by_path()["/slack2"]][:1]
            if wanted is None:
                wanted, wanted_slack = got, slack
        self.assertEqual(sorted(wanted), sorted(got))
        for path, requests in wanted.items():
            self.assertEqual(requests, got[path], path)
        self.assertEqual(wanted_slack, slack)

    def test_alertmanagers_elsewhere_get_the_alerts_of_rules(self):
        """Found in the file and by files, chosen and labelled; the real one takes them, too."""
        services = self.services()
        real = f"127.0.0.1:{harness.free_port()}"
        peer = harness.real_alertmanager(self.alerting_file("theirs.yml", services),
                                         real.rpartition(":")[2],
                                         os.path.join(self.directory, "alertmanager"))
        if peer is not None:
            self.addCleanup(peer.stop)
        address = services.url.removeprefix("http://")
        targets = os.path.join(self.directory, "am.json")
        with open(targets, "w", encoding="utf-8") as f:
            json.dump([{"targets": [address]}], f)
        with open(os.path.join(self.directory, "rules.yml"), "w", encoding="utf-8") as f:
            f.write("""groups: [{name: g, interval: 1s, rules: [
  {alert: Always, expr: vector(1), labels: {replica: x, kind: "{{ $value }}"}},
  {alert: Dropped, expr: vector(1)}]}]""")
        server = self.server(f"""
global: {{external_labels: {{cluster: c1, kind: not-this}}}}
rule_files: [rules.yml]
alerting:
  alert_relabel_configs:
  - {{regex: replica, action: labeldrop}}
  alertmanagers:
  - path_prefix: /sub
    basic_auth: {{username: u, password: p}}
    static_configs: [{{targets: ["{address}", "127.0.0.1:1"]}}]
    relabel_configs: [{{source_labels: [__address__], regex: "127.0.0.1:1", action: drop}}]
  - static_configs: [{{targets: ["{real}"]}}]
  - file_sd_configs: [{{files: ["{targets}"]}}]
    alert_relabel_configs: [{{source_labels: [alertname], regex: Dropped, action: drop}}]
    oauth2: {{client_id: am, client_secret: s, token_url: "{services.url}/oauth/token"}}
scrape_configs:
- job_name: with-token
  scrape_interval: 1s
  metrics_path: /scraped
  oauth2: {{client_id: me, client_secret: s, token_url: "{services.url}/oauth/token", scopes: [a]}}
  static_configs: [{{targets: ["{address}"]}}]
""")
        active = [f"http://{address}/sub/api/v2/alerts", f"http://{real}/api/v2/alerts",
                  f"http://{address}/api/v2/alerts"]
        known = harness.wait_for("all to be found", lambda: (lambda data: data if len(
            data["activeAlertmanagers"]) == 3 else None)(server.api("alertmanagers")))
        self.assertEqual([one["url"] for one in known["activeAlertmanagers"]], active)
        self.assertEqual(known["droppedAlertmanagers"],
                         [{"url": "http://127.0.0.1:1/sub/api/v2/alerts"}])
        def alerts_at(path):
            """In their order; each rule posts its own."""
            return [a for request in services.by_path()[path] for a in request[2]]

        harness.wait_for("alerts at the first", lambda: len(alerts_at("/sub/api/v2/alerts")) >= 2)
        harness.wait_for("an alert at the second", lambda: alerts_at("/api/v2/alerts"))
        self.assertEqual({request[:2] for request in services.by_path()["/sub/api/v2/alerts"]},
                         {("POST", "Basic dTpw")})
        got = alerts_at("/sub/api/v2/alerts")
        self.assertEqual([a["labels"] for a in got[:2]],
                         [{"alertname": "Always", "cluster": "c1", "kind": "1"},
                          {"alertname": "Dropped", "cluster": "c1", "kind": "not-this"}])
        self.assertRegex(got[0]["startsAt"], r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertIn("/graph?g0.expr=vector%281%29", got[0]["generatorURL"])
        self.assertEqual({a["labels"]["alertname"] for a in alerts_at("/api/v2/alerts")},
                         {"Always"})
        self.assertEqual({request[:2] for request in services.by_path()["/api/v2/alerts"]},
                         {("POST", "Bearer o1")})
        harness.wait_for("a scrape with a token", lambda: services.by_path().get("/scraped"))
        self.assertEqual(services.by_path()["/scraped"][0][:2], ("GET", "Bearer o1"))
        self.assertEqual(set(services.by_path()["/oauth/token"]), {
            ("POST", "Basic YW06cw==", "grant_type=client_credentials"),
            ("POST", "Basic bWU6cw==", "grant_type=client_credentials&scope=a")})
        self.assertEqual(len(services.by_path()["/oauth/token"]), 2)
        sent = harness.wait_for("the count", lambda: server.metric(
            f'prometheus_notifications_sent_total{{alertmanager="{active[2]}"}}'))
        self.assertEqual(sent, 1)
        self.assertEqual(server.metric("prometheus_notifications_alertmanagers_discovered"), 3)
        self.assertEqual(server.metric("prometheus_notifications_queue_capacity"), 10000)
        self.check_the_real_one(peer, real)
        server.write_config("scrape_configs: []\n")
        self.assertEqual(harness.http(server.url + "/-/reload", method="POST").status, 200)
        harness.wait_for("nobody to be left", lambda: server.api("alertmanagers") == {
            "activeAlertmanagers": [], "droppedAlertmanagers": []})

    def check_the_real_one(self, peer, real):
        if peer is None:
            return
        known = harness.wait_for("the real one to know both", lambda: (lambda data: data if len(
            data) == 2 else None)(harness.http(f"http://{real}/api/v2/alerts").json))
        self.assertEqual(sorted(a["labels"]["alertname"] for a in known), ["Always", "Dropped"])
        self.assertEqual({a["status"]["state"] for a in known}, {"active"})


if __name__ == "__main__":
    harness.main()

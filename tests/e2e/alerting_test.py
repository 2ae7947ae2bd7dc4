# SPDX-License-Identifier: Apache-2.0
"""Alerts go in by the API, messages come out at a webhook; nothing is forgotten or repeated."""
import http.server
import json
import os
import threading
import time

import harness

CONFIG = """
route:
  receiver: team
  group_by: [alertname]
  group_wait: 200ms
  group_interval: 1s
  repeat_interval: 1h
receivers:
  - name: team
    webhook_configs: [{url: '%s'}]
inhibit_rules:
  - source_matchers: [severity="critical"]
    target_matchers: [severity="warning"]
    equal: [cluster]
"""


class Collector(http.server.ThreadingHTTPServer):
    """A webhook that keeps what it is told, and may hold its answers back."""
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.messages = []  # answered ones
        self.begun = []
        self.status = 200
        self.hold = lambda message: False
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/"

    def told(self, name):
        """Of one alertname, per message: [(status, {jobs}), ...]."""
        return [[(a["status"], a["labels"].get("job")) for a in m["alerts"]]
                for m in list(self.messages) if m["groupLabels"].get("alertname") == name]


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        collector = self.server
        collector.begun.append(message)
        while collector.hold(message):
            time.sleep(0.02)
        try:
            self.send_response(collector.status)
            self.end_headers()
        except OSError:
            return  # the server was killed meanwhile
        if collector.status == 200:
            collector.messages.append(message)

    def log_message(self, *_):
        pass


def alert(name, job, ends_in=None, **labels):
    out = {"labels": {"alertname": name, "job": job, **labels}, "annotations": {"summary": "s"},
           "generatorURL": "http://rules/"}
    if ends_in is not None:
        out["endsAt"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + ends_in))
    return out


class Alerting(harness.Case):
    def begin(self, *flags):
        self.collector = Collector()
        self.addCleanup(self.collector.server_close)
        self.addCleanup(self.collector.shutdown)
        self.addCleanup(lambda: setattr(self.collector, "hold", lambda message: False))
        self.config_path = os.path.join(self.directory, "alertmanager.yml")
        self.write(CONFIG % self.collector.url)
        return self.server(flags=[f"--alerting.config.file={self.config_path}", *flags])

    def write(self, text):
        with open(self.config_path, "w", encoding="utf-8") as f:
            f.write(text)

    def post(self, server, *alerts):
        answer = harness.http(server.url + "/api/v2/alerts", json.dumps(alerts), "POST",
                              {"Content-Type": "application/json"})
        self.assertEqual(answer.status, 200, answer.text)

    def silence(self, server, **equal):
        matchers = [{"name": n, "value": v, "isRegex": False} for n, v in equal.items()]
        now = time.time()
        answer = harness.http(server.url + "/api/v2/silences", json.dumps({
            "matchers": matchers, "createdBy": "me", "comment": "test",
            "startsAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now - 1)),
            "endsAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now + 3600))}), "POST",
            {"Content-Type": "application/json"})
        self.assertEqual(answer.status, 200, answer.text)
        return answer.json["silenceID"]

    def wait_told(self, name, count):
        harness.wait_for(f"{count} messages about {name}",
                         lambda: len(self.collector.told(name)) >= count, 20)
        self.assertEqual(len(self.collector.told(name)), count)
        return self.collector.told(name)

    def stays_quiet(self, name, count, seconds=2.5):
        time.sleep(seconds)
        self.assertEqual(len(self.collector.told(name)), count, self.collector.told(name))

    def test_alerts_are_grouped_muted_and_resolved(self):
        server = self.begin()
        self.post(server, alert("disk", "a"), alert("disk", "b"))
        self.assertEqual(self.wait_told("disk", 1), [[("firing", "a"), ("firing", "b")]])
        message = self.collector.messages[0]
        self.assertEqual(message["receiver"], "team")
        self.assertEqual(message["groupKey"], '{}:{alertname="disk"}')
        self.assertEqual(message["commonAnnotations"], {"summary": "s"})

        silenced = self.silence(server, alertname="quiet")
        self.post(server, alert("quiet", "a"),
                  alert("down", "a", severity="critical", cluster="x"),
                  alert("slow", "a", severity="warning", cluster="x"),
                  alert("slow", "b", severity="warning", cluster="y"),
                  alert("disk", "a", ends_in=-1))
        self.assertEqual(self.wait_told("down", 1), [[("firing", "a")]])
        self.assertEqual(self.wait_told("slow", 1), [[("firing", "b")]])
        # The end of one, the other still firing.
        self.assertEqual(self.wait_told("disk", 2)[1], [("resolved", "a"), ("firing", "b")])
        self.stays_quiet("quiet", 0, 1.5)

        answer = harness.http(f"{server.url}/api/v2/silence/{silenced}", method="DELETE")
        self.assertEqual(answer.status, 200, answer.text)
        self.wait_told("quiet", 1)
        self.check_history(server, silenced)
        self.check_reload(server)

    def check_history(self, server, silenced):
        events = harness.wait_for("history", lambda: [
            e for e in server.api("alert_history", **{"match[]": 'alertname="quiet"'})
            if e["event"] == "unmuted"] and server.api(
                "alert_history", **{"match[]": 'alertname="quiet"'}), 10)
        self.assertEqual([e["event"] for e in events],
                         ["unmuted", "muted", "grouped", "firing"])
        self.assertEqual(events[1]["silencedBy"], [silenced])
        told = server.api("notification_history", **{"match[]": 'alertname="disk"'})
        self.assertEqual([(n["reason"], n["result"], n["tries"]) for n in told],
                         [("some alerts resolved", "sent", 1), ("first notification", "sent", 1)])
        self.assertEqual(len(told[1]["firing"]), 2)
        explained = server.api("alert_explain", fingerprint=events[0]["fingerprint"])
        self.assertEqual(explained["state"], "firing")
        self.assertEqual([(r["receiver"], r["integrations"][0]["as"]) for r in explained["routes"]],
                         [("team", "firing")])
        self.assertEqual(server.psql(
            "SELECT receiver, n_firing, reason FROM vigil.notification_history "
            "WHERE labels->>'alertname' = 'down'"), [["team", "1", "first notification"]])
        page = server.get("/metrics").text
        for line in ('alertmanager_notifications_total{integration="webhook"} 5',
                     'alertmanager_silences{state="expired"} 1',
                     "alertmanager_config_last_reload_successful 1"):
            self.assertIn(line + "\n", page)

    def check_reload(self, server):
        self.write(CONFIG % self.collector.url + "bad: 1\n")
        answer = harness.http(server.url + "/-/reload", method="POST")
        self.assertEqual(answer.status, 500)
        self.assertIn("bad", answer.text)
        self.assertEqual(server.metric("alertmanager_config_last_reload_successful"), 0)
        self.post(server, alert("kept", "a"))
        self.wait_told("kept", 1)
        self.write((CONFIG % self.collector.url).replace("[alertname]", "[job]"))
        self.assertEqual(harness.http(server.url + "/-/reload", method="POST").status, 200)
        self.post(server, alert("other", "z"))
        harness.wait_for("a message of the new groups", lambda: any(
            m["groupLabels"] == {"job": "z"} for m in self.collector.messages), 20)

    def test_a_broken_file_ends_the_start_with_its_reason(self):
        path = os.path.join(self.directory, "alertmanager.yml")
        with open(path, "w", encoding="utf-8") as f:
            f.write("route: {receiver: nobody}\n")
        server = self.server(flags=[f"--alerting.config.file={path}"], start=False)
        server.start(wait=False)
        self.assertEqual(server.program.process.wait(60), 1, server.program.log())
        self.assertIn("cannot start", server.program.log())
        self.assertIn("alertmanager.yml", server.program.log())
        server.program.stop()

    def test_a_kill_in_the_middle_of_a_flush(self):
        server = self.begin()
        held = {f"group{i}" for i in range(5, 10)}
        self.collector.hold = lambda message: message["groupLabels"]["alertname"] in held
        silenced = self.silence(server, alertname="quiet")
        self.post(server, *[alert(f"group{i}", "a") for i in range(10)], alert("quiet", "a"))
        for i in range(5):
            self.wait_told(f"group{i}", 1)
        harness.wait_for("all groups", lambda: len(self.collector.begun) >= 10)
        harness.wait_for("the log of those that answered", lambda: len(
            server.api("notification_history")) == 5, 10)
        server.kill9()
        held.clear()
        time.sleep(0.1)
        self.collector.messages.clear()
        server.start()
        for i in range(5, 10):
            self.wait_told(f"group{i}", 1)
        # Whoever had answered hears nothing again, and the silence is still there.
        self.stays_quiet("group0", 0)
        self.assertEqual([m["groupLabels"]["alertname"] for m in self.collector.messages
                          if m["groupLabels"]["alertname"] not in
                          {f"group{i}" for i in range(5, 10)}], [])
        self.assertEqual(server.get(f"/api/v2/silence/{silenced}").json["status"]["state"],
                         "active")

        # A clean restart is quiet, and the end of an alert is told after it.
        self.collector.messages.clear()
        server.stop()
        server.start()
        self.stays_quiet("group0", 0)
        self.assertEqual(self.collector.messages, [])
        self.post(server, alert("group0", "a", ends_in=-1))
        self.assertEqual(self.wait_told("group0", 1), [[("resolved", "a")]])

    def test_a_receiver_that_is_down_is_told_later(self):
        server = self.begin()
        self.collector.status = 503
        self.post(server, alert("disk", "a"))
        harness.wait_for("tries", lambda: len(self.collector.begun) >= 2, 20)
        server.stop()
        server.start()
        self.collector.status = 200
        self.assertEqual(self.wait_told("disk", 1), [[("firing", "a")]])
        failed = harness.wait_for("its history", lambda: [
            n for n in server.api("notification_history") if n["result"] == "failed"], 10)
        self.assertEqual(failed[0]["httpStatus"], 503)


if __name__ == "__main__":
    harness.main()

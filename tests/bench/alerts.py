# SPDX-License-Identifier: Apache-2.0
"""Rules, alerts and notifications beside the real prometheus with the real alertmanager."""
import http.client
import http.server
import json
import os
import threading
import time

import harness
from subjects import Meter, Subject, cpu_seconds

BATCH = 256  # what Prometheus sends at once


class Collector(http.server.ThreadingHTTPServer):
    """A webhook receiver: when each alert was first told of, by its label n."""

    daemon_threads = True
    request_queue_size = 256  # more than messages at once: a refused connection costs seconds

    def __init__(self):
        collector = self
        self.seen = {}
        self.mutex = threading.Lock()

        class Hook(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                now = time.time()
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with collector.mutex:
                    for alert in body["alerts"]:
                        collector.seen.setdefault(
                            alert["labels"].get("n", ""),
                            (now, harness.seconds_of(alert["startsAt"])))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", 0), Hook)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/"


def routing(url, wait="0s"):
    return f"""
route: {{receiver: hook, group_by: [group], group_wait: {wait}, group_interval: 5m, repeat_interval: 4h}}
receivers:
  - name: hook
    webhook_configs: [{{url: '{url}'}}]
"""


class Alerting:
    """Who takes alerts: vigil-server, or the real alertmanager."""

    def __init__(self, name, directory, hook, wait="0s"):
        self.name = name
        self.subject = Subject(name, directory)
        path = os.path.join(self.subject.directory, "alertmanager.yml")
        with open(path, "w", encoding="utf-8") as f:
            f.write(routing(hook, wait))
        if name == "vigil":
            self.subject.start("scrape_configs: []\n", [f"--alerting.config.file={path}"])
            self.program, self.port = self.subject.program, self.subject.port
        else:
            self.port = harness.free_port()
            self.program = harness.real_alertmanager(
                path, self.port, os.path.join(self.subject.directory, "am"))
        self.url = f"http://127.0.0.1:{self.port}"

    def stop(self):
        self.program.stop(120)


def body_of(first, count, ends):
    return json.dumps([{
        "labels": {"alertname": "HighLatency", "group": str((first + i) % 1000),
                   "n": str(first + i), "job": "api", "severity": "page",
                   "instance": f"host-{first + i}:9100", "cluster": "eu-1"},
        "annotations": {"summary": f"latency of host-{first + i} is 1.5 s",
                        "runbook": "https://example.org/runbooks/latency"},
        "endsAt": ends, "generatorURL": "http://prometheus.example.org/graph?g0.expr=latency",
    } for i in range(count)]).encode()


def post_all(port, bodies):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    for body in bodies:
        connection.request("POST", "/api/v2/alerts", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        assert answer.status == 200, f"{answer.status} {text[:300]}"
    connection.close()


def bench_accept(table, directory, alerts, rounds):
    """`alerts` active alerts, each posted again `rounds` times; nobody is told within the run."""
    cpu, memory = {}, {}
    for name in ("vigil", "alertmanager"):
        collector = Collector()
        alerting = Alerting(name, directory, collector.url, wait="1h")
        ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 7200))
        bodies = [body_of(at, min(BATCH, alerts - at), ends) for at in range(0, alerts, BATCH)]
        meter = Meter(alerting.program.pid)
        for _ in range(rounds):
            post_all(alerting.port, bodies)
        time.sleep(3)  # what is stored behind
        used, peak = meter.stop()
        cpu[name] = alerts * rounds / used / 1000
        memory[name] = peak
        alerting.stop()
        collector.shutdown()
    table.add(f"alerts accepted ({alerts} active, posted {rounds} times), thousands per CPU second",
              "k/s", cpu, "higher")
    table.add(f"{alerts} active alerts, peak memory (PSS)", "MB", memory)


def rule_file(groups, rules, interval):
    lines = ["groups:"]
    for g in range(groups):
        lines += [f"  - name: g{g}", f"    interval: {interval}", "    rules:"]
        for r in range(rules):
            lines += [f"      - record: out:{r}", f"        expr: sum(up{{x!='{r}'}}) + {r}",
                      f"        labels: {{g: '{g}'}}"]
    return "\n".join(lines) + "\n"


CONFIG = """
global: {{scrape_interval: 1s, evaluation_interval: {interval}}}
rule_files: [rules.yml]
{alerting}
scrape_configs:
  - job_name: self
    static_configs: [{{targets: ['127.0.0.1:{port}']}}]
"""


def bench_rules(table, directory, seconds):
    """10,000 rules in 1,000 groups, each every 15 s."""
    cpu, missed = {}, {}
    for name in ("vigil", "prometheus"):
        subject = Subject(name, directory)
        with open(os.path.join(subject.directory, "rules.yml"), "w", encoding="utf-8") as f:
            f.write(rule_file(1000, 10, "15s"))
        subject.start(CONFIG.format(interval="15s", alerting="", port=subject.port))
        evaluations = "sum(prometheus_rule_evaluations_total)"
        harness.wait_for("all groups", lambda s=subject: s.value(evaluations) >= 20_000, 120)
        before, used = subject.value(evaluations), cpu_seconds(subject.program.pid)
        time.sleep(seconds)
        done = subject.value(evaluations) - before
        cpu[name] = (cpu_seconds(subject.program.pid) - used) / done * 1e6
        missed[name] = subject.value("sum(prometheus_rule_group_iterations_missed_total)")
        print(f"  {name}: {done:.0f} evaluations in {seconds} s, {missed[name]:.0f} rounds missed",
              flush=True)
        subject.stop()
    table.add("10,000 rules in 1,000 groups, CPU per million evaluations", "s", cpu)


def bench_latency(table, directory, alerts):
    """From the round in which an alert fires to its receiver, group_wait 0."""
    median, worst = {}, {}
    for name in ("vigil", "prometheus"):
        collector = Collector()
        subject = Subject(name, directory)
        # Late enough that who is to be told is known: prometheus repeats after a minute only.
        begin = int(time.time()) + 15
        rules = "groups:\n  - name: a\n    interval: 1s\n    rules:\n" + "".join(
            f"      - {{alert: A{n}, expr: vector(time()) > {begin}, labels: {{n: '{n}', "
            f"group: '{n}'}}}}\n" for n in range(alerts))
        with open(os.path.join(subject.directory, "rules.yml"), "w", encoding="utf-8") as f:
            f.write(rules)
        path = os.path.join(subject.directory, "alertmanager.yml")
        with open(path, "w", encoding="utf-8") as f:
            f.write(routing(collector.url))
        other, alerting = None, ""
        if name == "prometheus":
            port = harness.free_port()
            other = harness.real_alertmanager(path, port, os.path.join(subject.directory, "am"))
            alerting = ("alerting: {alertmanagers: [{static_configs: [{targets: "
                        f"['127.0.0.1:{port}']}}]}}]}}")
        subject.start(CONFIG.format(interval="1s", alerting=alerting, port=subject.port),
                      [f"--alerting.config.file={path}"])
        harness.wait_for("all messages", lambda c=collector: len(c.seen) == alerts, 60)
        delays = sorted((told - fired) * 1000 for told, fired in collector.seen.values())
        median[name], worst[name] = delays[len(delays) // 2], delays[-1]
        subject.stop()
        if other:
            other.stop(60)
        collector.shutdown()
    table.add(f"rule to receiver ({alerts} alerts in as many groups), median", "ms", median)
    table.add(f"rule to receiver ({alerts} alerts in as many groups), worst", "ms", worst)


def bench_alerts(table, directory):
    if harness.peer("prometheus-alertmanager") is None:
        print("  no alertmanager here: ./dev deps peers", flush=True)
        return
    for part, run in (("accept", lambda d: bench_accept(table, d, 100_000, 5)),
                      ("rules", lambda d: bench_rules(table, d, 45)),
                      ("latency", lambda d: bench_latency(table, d, 100))):
        if os.environ.get("VIGIL_ALERTS", part) != part:
            continue
        folder = os.path.join(directory, part)
        os.makedirs(folder)
        os.chmod(folder, 0o755)
        run(folder)

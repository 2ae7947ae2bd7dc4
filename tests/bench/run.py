#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures vigil-server beside the real prometheus and victoria-metrics on the same data in one
run; PostgreSQL's processes are counted with ours.

  run.py --bin DIR --out DIR [scrape] [write] [query] [exporter] [push]     (default: all)

Prints a table and writes results.json. CPU seconds are user plus system time of the program and
all its children; memory is the peak of the summed proportional set sizes."""
import argparse
import atexit
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../e2e"))
import harness  # noqa: E402

TICK = os.sysconf("SC_CLK_TCK")


def tree(pid):
    """The process and all its descendants."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", encoding="ascii", errors="replace") as f:
                    fields = f.read().rsplit(")", 1)[1].split()
                children.setdefault(int(fields[1]), []).append(int(entry))
            except OSError:
                pass
    found, queue = [], [pid]
    while queue:
        current = queue.pop()
        found.append(current)
        queue += children.get(current, [])
    return found


def cpu_seconds(pid):
    total = 0
    for member in tree(pid):
        try:
            with open(f"/proc/{member}/stat", encoding="ascii", errors="replace") as f:
                fields = f.read().rsplit(")", 1)[1].split()
            # Own time and that of children already gone.
            total += sum(int(x) for x in fields[11:15])
        except OSError:
            pass
    return total / TICK


def pss_mb(pid):
    total = 0
    for member in tree(pid):
        try:
            with open(f"/proc/{member}/smaps_rollup", encoding="ascii") as f:
                for line in f:
                    if line.startswith("Pss:"):
                        total += int(line.split()[1])
        except OSError:
            pass
    return total / 1024


class Meter:
    """CPU used and peak memory between start and stop."""

    def __init__(self, pid):
        self.pid, self.peak, self.going = pid, 0.0, True
        self.begin = cpu_seconds(pid)
        self.thread = threading.Thread(target=self.sample, daemon=True)
        self.thread.start()

    def sample(self):
        while self.going:
            self.peak = max(self.peak, pss_mb(self.pid))
            time.sleep(1)

    def stop(self):
        self.going = False
        self.thread.join()
        return cpu_seconds(self.pid) - self.begin, self.peak


class Subject:
    """A program under test: how it is started and where it is asked."""

    def __init__(self, name, directory):
        self.name = name
        self.directory = os.path.join(directory, name)
        os.makedirs(self.directory, exist_ok=True)
        os.chmod(self.directory, 0o755)
        self.port = harness.free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def command(self, config):
        listen = f"127.0.0.1:{self.port}"
        data = os.path.join(self.directory, "data")
        if self.name == "vigil":
            return [harness.binary("vigil-server"), f"--config.file={config}",
                    f"--storage.path={data}", f"--web.listen-address={listen}",
                    "--web.enable-remote-write-receiver"]
        if self.name == "prometheus":
            return [harness.peer("prometheus"), f"--config.file={config}",
                    f"--storage.tsdb.path={data}", f"--web.listen-address={listen}",
                    "--web.enable-remote-write-receiver"]
        return [harness.peer("victoria-metrics"), f"-promscrape.config={config}",
                f"-storageDataPath={data}", f"-httpListenAddr={listen}", "-retentionPeriod=10y",
                "-search.latencyOffset=0s", "-search.disableCache=false", "-loggerLevel=WARN"]

    def start(self, config_text):
        config = os.path.join(self.directory, "config.yml")
        with open(config, "w", encoding="utf-8") as f:
            f.write(config_text)
        command = self.command(config)
        self.program = harness.Program(command[0], command[1:], self.directory)
        # A run that fails half-way must leave nothing behind that disturbs the next.
        atexit.register(self.kill)
        self.program.wait_http(self.url + ("/-/ready" if self.name != "victoria" else "/health"))
        return self

    def stop(self):
        self.program.stop(120)

    def kill(self):
        if self.program.process.poll() is None:
            self.program.process.terminate()
            try:
                self.program.process.wait(30)
            except subprocess.TimeoutExpired:
                self.program.process.kill()

    def disk_bytes(self):
        out = subprocess.run(["du", "-sb", os.path.join(self.directory, "data")],
                             capture_output=True, text=True, check=True).stdout
        return int(out.split()[0])

    def query(self, path, **params):
        answer = harness.http(self.url + path, params, timeout=120)
        assert answer.status == 200, f"{self.name} {path}: {answer.status} {answer.text[:300]}"
        return answer

    def value(self, expr):
        result = self.query("/api/v1/query", query=expr).json["data"]["result"]
        return float(result[0]["value"][1]) if result else 0.0


def subjects(directory):
    names = ["vigil"]
    names += ["prometheus"] if harness.peer("prometheus") else []
    names += ["victoria"] if harness.peer("victoria-metrics") else []
    return [Subject(name, directory) for name in names]


class Table:
    def __init__(self):
        self.rows = []

    def add(self, work, unit, values, better="lower"):
        self.rows.append({"work": work, "unit": unit, "values": values})
        ratio = "  ".join(f"{name} {value:.3g} {unit}" for name, value in values.items())
        others = [v for k, v in values.items() if k != "vigil" and v]
        if others and values.get("vigil"):
            best = min(others) if better == "lower" else max(others)
            ratio += f"   vigil/best peer {values['vigil'] / best:.2f}"
        print(f"{work}: {ratio}", flush=True)


SCRAPE_TARGETS, SCRAPE_SERIES = 100, 1000


def scrape_config(port):
    lines = ["global: {scrape_interval: 1s, scrape_timeout: 1s}", "scrape_configs:",
             "  - job_name: bench", "    static_configs:"]
    for i in range(SCRAPE_TARGETS):
        lines.append(f"      - {{targets: ['127.0.0.1:{port}'], labels: "
                     f"{{instance: 'host-{i}', __metrics_path__: '/t/{i}/metrics'}}}}")
    return "\n".join(lines) + "\n"


def bench_scrape(table, directory, seconds):
    """100 targets of 1000 series every second."""
    port = harness.free_port()
    load = subprocess.Popen([harness.binary("vigil-bench"), "targets", str(port),
                             str(SCRAPE_SERIES)], stdout=subprocess.PIPE)
    load.stdout.readline()
    cpu, memory, disk = {}, {}, {}
    try:
        for subject in subjects(directory):
            subject.start(scrape_config(port))
            harness.wait_for("all targets",
                             lambda s=subject: s.value("sum(up)") == SCRAPE_TARGETS, 60)
            time.sleep(5)  # series are created once; this is about the steady state
            before = subject.value("sum(sum_over_time(scrape_samples_scraped[1h]))")
            meter = Meter(subject.program.pid)
            time.sleep(seconds)
            used, peak = meter.stop()
            after = subject.value("sum(sum_over_time(scrape_samples_scraped[1h]))")
            samples = after - before
            expected = SCRAPE_TARGETS * SCRAPE_SERIES * seconds
            print(f"  {subject.name}: {samples:.0f} samples of {expected} expected, "
                  f"{used:.1f} CPU s", flush=True)
            cpu[subject.name] = used / (samples / 1e6)
            memory[subject.name] = peak
            subject.stop()
            disk[subject.name] = subject.disk_bytes() / 1e6
    finally:
        load.kill()
        load.wait()
    table.add("scrape ingest, CPU per million samples", "s", cpu)
    table.add("scrape ingest, peak memory (PSS)", "MB", memory)
    table.add("scrape ingest, disk after a clean stop (journal, WAL and catalogue included)", "MB",
              disk)


def bench_write(table, directory, rounds):
    """50 k series, one sample each per round, 5 k series a request, one connection."""
    series, per_request = 50_000, 5_000
    cpu, rate, memory = {}, {}, {}
    for subject in subjects(directory):
        subject.start("scrape_configs: []\n")
        start = int(time.time() * 1000) - rounds * 15_000
        write = [harness.binary("vigil-bench"), "write", subject.url + "/api/v1/write",
                 str(series), str(per_request)]
        # The first round creates the series.
        subprocess.run([*write, "1", "15000", str(start - 15_000)], check=True)
        meter, began = Meter(subject.program.pid), time.monotonic()
        subprocess.run([*write, str(rounds), "15000", str(start)], check=True)
        took = time.monotonic() - began
        used, peak = meter.stop()
        cpu[subject.name] = used / (series * rounds / 1e6)
        rate[subject.name] = series * rounds / took / 1000
        memory[subject.name] = peak
        subject.stop()
    table.add("remote write, CPU per million samples", "s", cpu)
    table.add("remote write, thousand samples per second on one connection", "k/s", rate, "higher")
    table.add("remote write, peak memory (PSS)", "MB", memory)


def timed(function, times):
    runs = []
    for _ in range(times):
        began = time.perf_counter()
        function()
        runs.append((time.perf_counter() - began) * 1000)
    return statistics.median(runs)


def load_history(subject, end):
    subprocess.run([harness.binary("vigil-bench"), "history", subject.url + "/api/v1/write",
                    str(end)], check=True)


def bench_query(table, directory, times):
    """The query table of the yardsticks, warm, over HTTP."""
    end = int(time.time()) // 60 * 60
    day = {"start": end - 86_400 + 600, "end": end - 60, "step": 60}
    hour = {"start": end - 3_600 + 600, "end": end - 60, "step": 15}
    range_path = "/api/v1/query_range"
    cases = [
        ("range query 24 h at 60 s, sum by (instance)(rate()) over 100 series", range_path,
         {"query": "sum by (instance) (rate(bench_requests_total[5m]))", **day}),
        ("24 h at 60 s, histogram_quantile over 50 buckets", range_path,
         {"query": "histogram_quantile(0.9, sum by (le) (rate(bench_latency_seconds_bucket[5m])))",
          **day}),
        ("1 h at 15 s over 2500 series", range_path,
         {"query": "sum by (instance) (rate({__name__=~\"rw_.*\"}[5m]))", **hour}),
        ("raw 24 h matrix of 100 series as JSON", "/api/v1/query",
         {"query": "bench_requests_total[24h]", "time": end}),
        ("series match", "/api/v1/series",
         {"match[]": "bench_requests_total{instance=\"host-1\"}", "start": end - 86_400,
          "end": end}),
        ("label values", "/api/v1/label/path/values", None),
        ("instant query, one series", "/api/v1/query",
         {"query": "bench_requests_total{path=\"/p/1\"}", "time": end - 60}),
    ]
    everyone = subjects(directory)
    for subject in everyone:
        subject.start("scrape_configs: []\n")
        load_history(subject, end * 1000)
        if subject.name == "victoria":
            harness.http(subject.url + "/internal/force_flush")
    # One after the other, so that a query is measured alone; the answers must agree.
    results = {work: {} for work, _, _ in cases}
    used_cpu = {work: {} for work, _, _ in cases}
    counts = {}
    for subject in everyone:
        for work, path, params in cases:
            def ask(s=subject, p=path, q=params):
                if q is None:
                    return harness.http(f"{s.url}{p}?start={end - 86_400}&end={end}")
                return s.query(p, **q)
            data = ask().json["data"]
            size = len(data["result"] if isinstance(data, dict) else data)
            counts.setdefault(work, {})[subject.name] = size
            ask()
            before = cpu_seconds(subject.program.pid)
            results[work][subject.name] = timed(ask, times)
            used_cpu[work][subject.name] = (cpu_seconds(subject.program.pid) - before) / times * 1e3
    for work, _, _ in cases:
        print(f"  series: {counts[work]}", flush=True)
        table.add(work, "ms", results[work])
        table.add(work + ", CPU", "ms", used_cpu[work])
    for subject in everyone:
        subject.stop()


def bench_exporter(table, directory, times):
    """CPU per scrape and memory of the node exporter beside the real one."""
    common = ["cpu", "meminfo", "loadavg", "diskstats", "filesystem", "netdev", "stat", "uname",
              "time", "vmstat"]
    cpu, memory = {}, {}
    for name, program in [("vigil", harness.binary("vigil-node-exporter")),
                          ("node_exporter", harness.peer("prometheus-node-exporter"))]:
        if program is None:
            continue
        port = harness.free_port()
        where = os.path.join(directory, name)
        os.makedirs(where, exist_ok=True)
        run = harness.Program(program, [f"--web.listen-address=127.0.0.1:{port}",
                                        "--collector.disable-defaults",
                                        *(f"--collector.{c}" for c in common)], where)
        url = f"http://127.0.0.1:{port}/metrics"
        run.wait_http(url)
        for _ in range(5):
            harness.http(url)
        before = cpu_seconds(run.pid)
        for _ in range(times):
            harness.http(url)
        cpu[name] = (cpu_seconds(run.pid) - before) / times * 1000
        memory[name] = pss_mb(run.pid)
        run.stop()
    table.add("node exporter, CPU per scrape (the ten common collectors)", "ms", cpu)
    table.add("node exporter, memory (PSS)", "MB", memory)


def bench_push(table, directory, pushes):
    """Pushes per second over 1500 groups on 8 connections, from one client process."""
    rate = {}
    for name, program in [("vigil", harness.binary("vigil-pushgateway")),
                          ("pushgateway", harness.peer("prometheus-pushgateway"))]:
        if program is None:
            continue
        port = harness.free_port()
        where = os.path.join(directory, name)
        os.makedirs(where, exist_ok=True)
        run = harness.Program(program, [f"--web.listen-address=127.0.0.1:{port}"], where)
        run.wait_http(f"http://127.0.0.1:{port}/-/ready")
        count = pushes if name == "vigil" else max(1500, pushes // 10)
        done = subprocess.run([harness.binary("vigil-bench"), "push", f"http://127.0.0.1:{port}",
                               str(count), "1500", "8"], capture_output=True, text=True,
                              check=True).stdout
        rate[name] = float(done)
        run.stop()
    table.add("pushgateway, pushes per second over 1500 groups, 8 connections", "1/s", rate,
              "higher")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", default=harness.BIN)
    parser.add_argument("--out", required=True)
    parser.add_argument("--seconds", type=int, default=30, help="of the scrape run")
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    harness.BIN = os.path.abspath(args.bin)
    os.makedirs(args.out, exist_ok=True)
    table = Table()
    benches = {
        "scrape": lambda d: bench_scrape(table, d, args.seconds),
        "write": lambda d: bench_write(table, d, 40),
        "query": lambda d: bench_query(table, d, 15),
        "exporter": lambda d: bench_exporter(table, d, 200),
        "push": lambda d: bench_push(table, d, 20_000),
    }
    unknown = set(args.names) - set(benches)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(benches)}")
    for name, bench in benches.items():
        if args.names and name not in args.names:
            continue
        print(f"== {name}", flush=True)
        directory = tempfile.mkdtemp(prefix="vigil-bench-")
        os.chmod(directory, 0o755)
        try:
            bench(directory)
        finally:
            shutil.rmtree(directory, ignore_errors=True)
    with open(os.path.join(args.out, "results.json"), "w", encoding="utf-8") as f:
        json.dump(table.rows, f, indent=2)


if __name__ == "__main__":
    main()

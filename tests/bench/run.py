#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures vigil-server beside the real prometheus and victoria-metrics on the same data in one
run; PostgreSQL's processes are counted with ours.

  run.py --bin DIR --out DIR [scrape] [write] [query] [cold] [exporter] [push]
      [growth] [restart] [disk] [alerts] [million]     (default: all but the last, which takes minutes)

Prints a table and writes results.json. CPU seconds are user plus system time of the program and
all its children; memory is the peak of the summed proportional set sizes."""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../e2e"))
import harness  # noqa: E402

from subjects import Meter, Subject, Table, cpu_seconds, pss_mb, subjects  # noqa: E402
import alerts  # noqa: E402
import cost  # noqa: E402
import query  # noqa: E402

SCRAPE_TARGETS, SCRAPE_SERIES = 100, 1000
ONLY_BY_NAME = {"million"}


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
        "query": lambda d: query.bench_query(table, d, args.out),
        "cold": lambda d: query.bench_cold(table, d),
        "million": lambda d: query.bench_million(table, d),
        "exporter": lambda d: bench_exporter(table, d, 200),
        "push": lambda d: bench_push(table, d, 20_000),
        "growth": lambda d: cost.bench_growth(table, d, args.out),
        "restart": lambda d: cost.bench_restart(table, d),
        "disk": lambda d: cost.bench_disk(table, d),
        "alerts": lambda d: alerts.bench_alerts(table, d),
    }
    unknown = set(args.names) - set(benches)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(benches)}")
    for name, bench in benches.items():
        if name not in args.names and (args.names or name in ONLY_BY_NAME):
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

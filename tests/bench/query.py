# SPDX-License-Identifier: Apache-2.0
"""The query side: latency and CPU of each line of the query table, warm, with 16 clients and as the
first one after a restart; how cost grows with series, samples and steps; a query over a million
series."""
import os
import statistics
import subprocess
import time
import urllib.parse

import harness
import plot
from subjects import Meter, cpu_seconds, subjects

CLIENTS = 16
COLD_ROUNDS = 5  # restarts per query and program
RANGE, INSTANT = "/api/v1/query_range", "/api/v1/query"


def cases(end):
    """What is asked: a name, a path and its parameters. `end` is a full minute."""
    day = {"start": end - 86_400 + 600, "end": end - 60, "step": 60}
    hour = {"start": end - 3_600 + 600, "end": end - 60, "step": 15}
    span = {"start": end - 86_400, "end": end}
    quantile = "histogram_quantile(0.9, sum by (le) (rate(bench_latency_seconds_bucket[5m])))"
    return [
        ("24 h at 60 s, sum by (instance)(rate()) over 100 series", RANGE,
         {"query": "sum by (instance) (rate(bench_requests_total[5m]))", **day}),
        ("24 h at 60 s, histogram_quantile over 50 buckets", RANGE, {"query": quantile, **day}),
        ("1 h at 15 s over 2500 series", RANGE,
         {"query": "sum by (instance) (rate({__name__=~\"rw_.*\"}[5m]))", **hour}),
        ("raw 24 h matrix of 100 series as JSON", INSTANT,
         {"query": "bench_requests_total[24h]", "time": end}),
        ("series match", "/api/v1/series",
         {"match[]": "bench_requests_total{instance=\"host-1\"}", **span}),
        ("label values", "/api/v1/label/path/values", span),
        ("instant query, one series", INSTANT,
         {"query": "bench_requests_total{path=\"/p/1\"}", "time": end - 60}),
    ]


class Asked:
    """What a row of requests cost: ms of one, ms of CPU (children included) of one, per second."""

    def __init__(self, subject, path, params, clients=1, milliseconds=700):
        url = f"{subject.url}{path}?{urllib.parse.urlencode(params)}"
        before = cpu_seconds(subject.program.pid)
        run = subprocess.run([harness.binary("vigil-bench"), "ask", url, str(clients),
                              str(milliseconds)], capture_output=True, text=True, check=False)
        assert run.returncode == 0, f"{subject.name} {path} {params}: {run.stderr}"
        used = cpu_seconds(subject.program.pid) - before
        count, seconds, self.ms, self.slow_ms, _ = (float(x) for x in run.stdout.split())
        self.cpu_ms = used / count * 1000
        self.per_second = count / seconds


def load(everyone, end):
    """24 h of 100 counters and 50 buckets at 30 s, an hour of 2500 mixed series at 15 s."""
    for subject in everyone:
        subject.start("scrape_configs: []\n")
        subprocess.run([harness.binary("vigil-bench"), "history", subject.url + "/api/v1/write",
                        str(end * 1000)], check=True)
        if subject.name == "victoria":
            harness.http(subject.url + "/internal/force_flush")


def check_same(everyone, path, params):
    """All answer the same number of results."""
    counts = {}
    for subject in everyone:
        data = harness.http(f"{subject.url}{path}?{urllib.parse.urlencode(params)}").json["data"]
        counts[subject.name] = len(data["result"] if isinstance(data, dict) else data)
    assert len(set(counts.values())) == 1 and counts["vigil"] > 0, f"{params}: {counts}"


def bench_warm(table, everyone, work, path, params):
    check_same(everyone, path, params)
    alone, many = {}, {}
    for subject in everyone:
        Asked(subject, path, params, milliseconds=100)
        alone[subject.name] = Asked(subject, path, params)
    for subject in everyone:
        many[subject.name] = Asked(subject, path, params, CLIENTS, 1_000)
    table.add(work, "ms", {k: v.ms for k, v in alone.items()})
    if path == RANGE and "victoria" in alone:
        # It keeps the answers of range queries, and the question above is always the same one.
        computed = {**alone, "victoria": Asked(everyone[-1], path, {**params, "nocache": 1})}
        table.add(work + ", nobody answers from a cache", "ms",
                  {k: v.ms for k, v in computed.items()})
        table.add(work + ", nobody answers from a cache, CPU", "ms",
                  {k: v.cpu_ms for k, v in computed.items()})
    table.add(work + ", CPU", "ms", {k: v.cpu_ms for k, v in alone.items()})
    table.add(f"{work}, {CLIENTS} clients", "1/s", {k: v.per_second for k, v in many.items()},
              "higher")
    table.add(f"{work}, {CLIENTS} clients: CPU of one query, times that with one client", "x",
              {k: v.cpu_ms / max(alone[k].cpu_ms, 1e-3) for k, v in many.items()})


def evict(directory):
    """Takes the files below it out of the page cache, as far as nobody has them mapped."""
    os.sync()
    for folder, _, names in os.walk(directory):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.isfile(path) and not os.path.islink(path):
                with open(path, "rb") as f:
                    os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


class Cold:
    """A query's first run after a restart, and its runs after that, ms each. A connection each."""

    def __init__(self):
        self.first, self.warm = [], []

    def measure(self, subject, path, params, evicted):
        subject.stop()
        if evicted:
            evict(subject.directory)
        subject.start("scrape_configs: []\n")
        self.first.append(Asked(subject, path, params, milliseconds=0).ms)
        self.warm += [Asked(subject, path, params, milliseconds=0).ms for _ in range(9)]

    def ratio(self):
        return statistics.median(self.first) / statistics.median(self.warm)


def bench_cold(table, directory):
    """Each query of the table as the first one of a server that was just restarted, beside the same
    query warm. A restart leaves the page cache as it is; VIGIL_COLD=evicted empties it of the data
    as well, as if the machine had been restarted."""
    end = int(time.time()) // 60 * 60
    everyone = subjects(directory)
    load(everyone, end)
    evicted = os.environ.get("VIGIL_COLD") == "evicted"
    lines = []
    for work, path, params in cases(end):
        costs = {subject.name: Cold() for subject in everyone}
        for _ in range(COLD_ROUNDS):
            for subject in everyone:
                costs[subject.name].measure(subject, path, params, evicted)
        table.add(f"{work}, first query after a restart", "ms",
                  {k: statistics.median(v.first) for k, v in costs.items()})
        table.add(f"{work}, first query after a restart, times warm", "x",
                  {k: v.ratio() for k, v in costs.items()})
        lines.append("  ".join([f"{work:56}", *(
            f"{statistics.median(c.first):7.2f}{statistics.median(c.warm):8.2f}{c.ratio():6.2f} "
            for c in costs.values())]))
    for subject in everyone:
        subject.stop()
    print(" " * 56 + "".join(f"{s.name + ': first, warm, ratio':>25}" for s in everyone))
    print("\n".join(lines), flush=True)


def bench_growth(table, everyone, end, out):
    """Cost as a function of series, samples and steps; a plot of CPU each. This is about what
    computing costs: victoria-metrics is told not to answer from its cache of results."""
    def at(window, step):
        return {"start": end - window, "end": end - 60, "step": step, "nocache": 1}

    hour = at(3_000, 60)
    minutes, steps = (15, 60, 240, 1_440), (3_600, 600, 60, 15)
    growths = [
        ("series", "Rate over 50 minutes at 60 s, CPU ms", "series", (50, 500, 2_500),
         [(RANGE, {"query": f"sum(rate({{{match}}}[5m]))", **hour}) for match in
          ('__name__="rw_depth",instance="host-1"',
           '__name__=~"rw_.*",instance="host-1"', '__name__=~"rw_.*"')]),
        ("samples", "sum_over_time of 100 series, CPU ms", "samples", [m * 200 for m in minutes],
         [(INSTANT, {"query": f"sum(sum_over_time(bench_requests_total[{m}m]))", "time": end,
                     "nocache": 1}) for m in minutes]),
        ("steps", "Rate of 100 series over 23 hours, CPU ms", "steps",
         [82_740 // s + 1 for s in steps],
         [(RANGE, {"query": "sum(rate(bench_requests_total[5m]))", **at(82_800, s)})
          for s in steps]),
    ]
    for name, title, axis, xs, asked in growths:
        cost = {}
        for subject in everyone:
            for path, params in asked:
                Asked(subject, path, params, milliseconds=0)
                cost.setdefault(subject.name, []).append(
                    Asked(subject, path, params, milliseconds=400).cpu_ms)
        for i, x in enumerate(xs):
            table.add(f"query over {x} {axis}, CPU", "ms", {k: v[i] for k, v in cost.items()})
        plot.lines(os.path.join(out, f"query_{name}.svg"), title, xs, cost, axis)


def bench_query(table, directory, out):
    end = int(time.time()) // 60 * 60
    everyone = subjects(directory)
    load(everyone, end)
    asked = cases(end)
    for case in asked:
        bench_warm(table, everyone, *case)
    bench_growth(table, everyone, end, out)
    for subject in everyone:
        subject.stop()


def bench_million(table, directory):
    """A million series with four samples each: latency, and the peak of memory while asked."""
    series, rounds, step = 1_000_000, 4, 15
    asked = [
        ("sum by (instance)(rate())", 'sum by (instance) (rate({__name__=~"rw_.*"}[2m]))'),
        ("count by (__name__)", 'count by (__name__) ({__name__=~"rw_.*"})'),
        ("topk of all", 'topk(5, {__name__=~"rw_.*"} > 10)'),
    ]
    peak, took = {}, {work: {} for work, _ in asked}
    for subject in subjects(directory):
        subject.start("scrape_configs: []\n")
        start = int(time.time()) - rounds * step
        subprocess.run([harness.binary("vigil-bench"), "write", subject.url + "/api/v1/write",
                        str(series), "5000", str(rounds), str(step * 1000), str(start * 1000)],
                       check=True)
        if subject.name == "victoria":
            harness.http(subject.url + "/internal/force_flush")
        meter = Meter(subject.program.pid)
        for work, query in asked:
            params = {"query": query, "start": start + step, "end": start + (rounds - 1) * step,
                      "step": step}
            for _ in range(2):
                result = subject.query(RANGE, **params).json["data"]["result"]
            assert result, f"{subject.name}: {query} is empty"
            took[work][subject.name] = Asked(subject, RANGE, params, milliseconds=0).ms
            print(f"  {subject.name}: {work}: {took[work][subject.name]:.0f} ms", flush=True)
        _, peak[subject.name] = meter.stop()
        print(f"  {subject.name}: {peak[subject.name]:.0f} MB at most", flush=True)
        subject.kill()
    for work, values in took.items():
        table.add(f"over 1 M series, {work}", "ms", values)
    table.add("over 1 M series, peak memory (PSS)", "MB", peak)
    assert peak["vigil"] <= 2_048, f"a query over 1 M series took {peak['vigil']:.0f} MB"

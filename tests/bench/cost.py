# SPDX-License-Identifier: Apache-2.0
"""How cost grows with the number of series, how long a restart takes, what a sample takes on disk."""
import os
import shutil
import subprocess
import time

import harness
import plot
from subjects import Meter, subjects

# VIGIL_GROWTH: other numbers of series, separated by commas.
GROWTH = tuple(int(n) for n in os.environ.get("VIGIL_GROWTH", "10000,100000,1000000").split(","))


def write(subject, series, rounds, step_ms, start_ms, per_request=5_000):
    subprocess.run([harness.binary("vigil-bench"), "write", subject.url + "/api/v1/write",
                    str(series), str(per_request), str(rounds), str(step_ms), str(start_ms)],
                   check=True)


def bench_growth(table, directory, out):
    """Remote write and one aggregation at 10 k, 100 k and 1 M series; two plots."""
    cpu, memory, query = {}, {}, {}
    for series in GROWTH:
        folder = os.path.join(directory, str(series))
        os.makedirs(folder)
        os.chmod(folder, 0o755)
        for subject in subjects(folder):
            subject.start("scrape_configs: []\n", ["--storage.flush-interval=1d"])
            rounds = 10 if series < 1_000_000 else 4
            start = int(time.time() * 1000) - (rounds + 1) * 15_000
            write(subject, series, 1, 15_000, start)
            meter = Meter(subject.program.pid)
            write(subject, series, rounds, 15_000, start + 15_000)
            used, peak = meter.stop()
            cpu.setdefault(subject.name, []).append(used / (series * rounds / 1e6))
            memory.setdefault(subject.name, []).append(peak)
            if subject.name == "victoria":
                harness.http(subject.url + "/internal/force_flush")
            at = (start + rounds * 15_000) / 1000
            subject.query("/api/v1/query", query='count({__name__=~"rw_.*"})', time=at)
            began = time.perf_counter()
            answer = subject.query("/api/v1/query", query='count({__name__=~"rw_.*"})', time=at)
            query.setdefault(subject.name, []).append((time.perf_counter() - began) * 1000)
            result = answer.json["data"]["result"]
            print(f"  {subject.name}, {series} series: counted "
                  f"{result[0]['value'][1] if result else 0}", flush=True)
            subject.kill()
    for i, series in enumerate(GROWTH):
        name = f"{series // 1000} k series"
        table.add(f"remote write at {name}, CPU per million samples", "s",
                  {k: v[i] for k, v in cpu.items()})
        table.add(f"remote write at {name}, peak memory (PSS)", "MB",
                  {k: v[i] for k, v in memory.items()})
        table.add(f"count over {name}", "ms", {k: v[i] for k, v in query.items()})
    plot.lines(os.path.join(out, "growth_cpu.svg"), "Remote write: CPU seconds per million samples",
               GROWTH, cpu)
    plot.lines(os.path.join(out, "growth_memory.svg"), "Remote write: peak memory, MB", GROWTH,
               memory)
    plot.lines(os.path.join(out, "growth_query.svg"), "Count over all series, ms", GROWTH, query)


def bench_restart(table, directory):
    """kill -9 with 100 k series and an hour of samples in the journal, then the time to ready."""
    series, rounds = 100_000, 240
    ready = {}
    for subject in subjects(directory):
        flags = ["--storage.flush-interval=1d", "--storage.flush-size=8GB"]
        subject.start("scrape_configs: []\n", flags)
        write(subject, series, rounds, 15_000, int(time.time() * 1000) - rounds * 15_000)
        subject.program.process.kill()
        subject.program.process.wait()
        began = time.monotonic()
        subject.start("scrape_configs: []\n", flags)
        ready[subject.name] = time.monotonic() - began
        if subject.name != "victoria":  # what it had only in memory is lost with a kill
            count = subject.value('count({__name__=~"rw_.*"})')
            assert count == series, f"{subject.name}: {count} of {series} series after a kill"
        subject.kill()
    table.add("restart after a kill, 100 k series and one hour of samples: time to ready", "s",
              ready)


def vigil_store_bytes(subject):
    """Chunks with indexes and TOAST, and the catalogue. What is still in the journal does not count,
    nor do tables that a merge replaced: they are dropped five minutes later."""
    sql = ("SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c JOIN pg_namespace n "
           "ON n.oid = c.relnamespace WHERE n.nspname = 'vigil' AND c.relkind = 'r' "
           "AND c.relname !~ '^journal_' "
           "AND c.relname NOT IN (SELECT rel FROM vigil.detached_leaf)")
    return int(harness.psql(subject.program, sql)[0][0])


def vigil_chunk_parts(subject):
    """Of the chunk tables: the encoded chunks alone, their rows with page headers and what stays empty
    at the ends of pages, their indexes."""
    return [int(n) for n in harness.psql(
        subject.program,
        "SELECT (SELECT sum(octet_length(data)) FROM vigil.chunk), "
        "sum(pg_relation_size(to_regclass('vigil.' || quote_ident(rel)))), "
        "sum(pg_indexes_size(to_regclass('vigil.' || quote_ident(rel)))) FROM vigil.leaf")[0]]


def compacted(subject):
    """Everything is in chunks, and all leaves that can be merged are."""
    metrics = dict(line.rsplit(" ", 1) for line in harness.http(subject.url + "/metrics").text
                   .split("\n") if line and line[0] != "#")
    return (float(metrics["vigil_compaction_runs_total"]) >= 4
            and float(metrics["vigil_compaction_pending_leaves"]) == 0)


def bench_disk(table, directory):
    """A day of 2000 noisy series at 15 s, written in order, after compaction. The noise is even
    and each series has its own, so no codec that looks at single series comes below 1.06 B: the
    mean of log2(rate) of counters, log2(1000) of gauges, log2(rate * share) of buckets."""
    series, day = 2_000, 86_400_000
    end = (int(time.time()) // 21_600 * 21_600 - 3 * 3_600) * 1000
    samples = series * day // 15_000
    size = {}
    for subject in subjects(directory):
        flags = ["--storage.flush-interval=10s"]
        subject.start("scrape_configs: []\n", flags)
        subprocess.run([harness.binary("vigil-bench"), "span", subject.url + "/api/v1/write",
                        str(series), str(day), "15000", str(end)], check=True)
        if subject.name == "vigil":
            harness.wait_for("compaction of all closed leaves", lambda s=subject: compacted(s), 300)
            size[subject.name] = vigil_store_bytes(subject) / samples
            encoded, rows, indexes = (n / samples for n in vigil_chunk_parts(subject))
            print(f"  vigil: {encoded:.3f} B of it encoded samples, {rows - encoded:.3f} B rows and "
                  f"pages, {indexes:.3f} B indexes, {size[subject.name] - rows - indexes:.3f} B "
                  "catalogue and other tables", flush=True)
            subject.stop()
            continue
        if subject.name == "victoria":
            harness.http(subject.url + "/internal/force_flush")
            harness.http(subject.url + "/internal/force_merge")
            time.sleep(20)
        subject.stop()
        cache = os.path.join(subject.directory, "data", "cache")  # victoria's, of what it was asked
        shutil.rmtree(cache, ignore_errors=True)
        size[subject.name] = subject.disk_bytes() / samples
    table.add("disk per sample after compaction, a day of noisy series (prometheus: with its WAL)",
              "B", size)

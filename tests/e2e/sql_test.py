# SPDX-License-Identifier: Apache-2.0
"""The SQL surface on a real server: the README's examples, PromQL's results, a reading role."""
import json
import os
import re
import subprocess
import time

import harness

README = os.path.join(harness.ROOT, "server/postgres/README.md")
STEP = 15


def readme_blocks():
    with open(README, encoding="utf-8") as f:
        return re.findall(r"```sql\n(.*?)```", f.read(), re.S)


def statements(block):
    plain = "\n".join(line for line in block.split("\n") if not line.lstrip().startswith("--"))
    return [s.strip() for s in plain.split(";") if s.strip()]


def history(now, hours):
    """Two hosts of a node exporter with resets, gaps and a target that went down."""
    times = [(now - i * STEP) * 1000 for i in range(hours * 3600 // STEP, 0, -1)]
    series = []
    for host in ("a:9100", "b:9100"):
        base = {"job": "node", "instance": host}

        def add(name, values, base=base, **labels):
            series.append(({"__name__": name, **base, **labels}, values))
        for cpu in ("0", "1"):
            for mode, slope in (("idle", 0.7), ("user", 0.2), ("system", 0.1)):
                # A counter that resets at sample 200 and misses samples 100 to 110.
                add("node_cpu_seconds_total",
                    [(t, round((i % 200) * slope * STEP + int(cpu) / 100, 2))
                     for i, t in enumerate(times) if not 100 <= i < 110], cpu=cpu, mode=mode)
        add("node_network_receive_bytes_total",
            [(t, i * 1234.0 + i % 7) for i, t in enumerate(times)], device="eth0")
        add("node_filesystem_avail_bytes",
            [(t, 1e9 - i * 1e6 if host[0] == "a" else 9e9) for i, t in enumerate(times)],
            mountpoint="/")
        add("node_filesystem_size_bytes", [(t, 1e10) for t in times], mountpoint="/")
        add("up", [(t, 0.0 if host[0] == "b" and i > 300 else 1.0)
                   for i, t in enumerate(times)])
    return series


class Sql(harness.Case):
    def setUp(self):
        super().setUp()
        self.begin = int(time.time())
        # A flush in the middle: old samples come from chunks, fresh ones from the journal.
        self.srv = self.server(flags=["--storage.flush-interval=1h"])
        series = history(self.begin, 2)
        half = (self.begin - 3000) * 1000
        # Within the bounds of the head the oldest come first, series side by side.
        for start in range(self.begin - 7200, self.begin, 1500):
            batch = [(labels, [s for s in values if start * 1000 <= s[0] < (start + 1500) * 1000])
                     for labels, values in series]
            if start * 1000 >= half and half:
                self.srv.stop()
                self.srv.start()
                half = 0
            answer = self.srv.remote_write([b for b in batch if b[1]])
            self.assertEqual(answer.status, 204, answer.text)

    def test_every_example_of_the_readme_answers(self):
        examples, role = readme_blocks()[0], readme_blocks()[1]
        self.assertGreaterEqual(len(re.findall(r"^-- \d+\.", examples, re.M)), 10)
        for statement in statements(examples):
            rows = self.srv.psql(statement)
            if "broken_chunk" in statement:
                self.assertEqual(rows, [], statement)
            elif re.search(r"vigil\.(alert|notification)", statement):
                self.assertEqual(rows, [], statement)  # none here; alerting_test has some
            elif "vigil.storage" in statement:
                self.assertGreater(float(rows[0][4]), 0)
            else:
                self.assertGreater(len(rows), 0, statement)
        for statement in statements(role):
            self.srv.psql(statement)
        self.check_role()

    def check_role(self):
        reads = self.srv.psql("SET ROLE grafana; SELECT count(*) FROM vigil.samples('up')")
        self.assertGreater(int(reads[-1][0]), 400)
        self.srv.psql("SET ROLE grafana; "
                      "SELECT count(*) FROM metric.node_filesystem_avail_bytes")
        for write in ("DELETE FROM vigil.chunk", "TRUNCATE vigil.journal_0",
                      "UPDATE vigil.ingester SET epoch = 99", "CREATE TABLE vigil.mine (x int)"):
            with self.assertRaisesRegex(AssertionError, "permission denied"):
                self.srv.psql(f"SET ROLE grafana; {write}")

    def test_rates_are_promql_s_to_the_bit(self):
        end = self.begin // 60 * 60
        start = end - 5400
        compared = 0
        for function in ("rate", "increase", "delta"):
            for span in ("1m", "5m", "37s", "1h"):
                for selector in ('node_cpu_seconds_total{mode!="user"}', "up",
                                 "node_network_receive_bytes_total"):
                    answer = self.srv.api("query_range", query=f"{function}({selector}[{span}])",
                                          start=start, end=end, step=60)["result"]
                    promql = {}
                    for series in answer:
                        # delta() and its kin drop the name; so does the comparison.
                        labels = json.dumps(series["metric"], sort_keys=True)
                        for at, value in series["values"]:
                            promql[labels, float(at)] = float(value)
                    sql = {}
                    for labels, at, value in self.srv.psql(
                            "SELECT labels - '__name__', extract(epoch FROM time), value FROM "
                            f"vigil.{function}('{selector}', '{span}', to_timestamp({start}), "
                            f"to_timestamp({end}))"):
                        sql[json.dumps(json.loads(labels), sort_keys=True),
                            float(at)] = float(value)
                    self.assertEqual(sql, promql, f"{function}({selector}[{span}])")
                    compared += len(promql)
        self.assertGreater(compared, 5000)

    def test_samples_are_those_of_promql(self):
        promql = self.srv.samples("node_cpu_seconds_total", self.begin - 7300, self.begin)
        count = sum(len(v) for v in promql.values())
        rows = self.srv.psql("SELECT labels, extract(epoch FROM time), value FROM vigil.samples("
                             f"'node_cpu_seconds_total', to_timestamp({self.begin - 7300}), "
                             f"to_timestamp({self.begin}))")
        self.assertEqual(len(rows), count)
        for labels, at, value in rows:
            series = dict(promql[json.dumps(json.loads(labels), sort_keys=True)])
            self.assertEqual(float(series[float(at)]), float(value))
        chunks, pages = self.srv.psql("SELECT (SELECT count(*) FROM vigil.chunk), "
                                      "(SELECT count(*) FROM vigil.unflushed_page)")[0]
        self.assertGreater(int(chunks), 0)
        self.assertGreater(int(pages), 0)

    def test_views_grow_with_labels(self):
        self.srv.psql("SELECT vigil.metric_view('up')")
        now = int(time.time() * 1000)
        self.assertEqual(self.srv.remote_write([
            ({"__name__": "up", "job": "x", "time": "noon", "a b": "c"}, [(now, 1.0)])]).status,
            204)
        self.assertEqual(self.srv.psql("SELECT vigil.metric_view('up')"), [["metric.up"]])
        self.assertEqual(self.srv.psql(
            "SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute "
            "WHERE attrelid = 'metric.up'::regclass AND attnum > 0"),
            [["time,value,series_id,labels,instance,job,a b,label_time"]])
        self.assertEqual(self.srv.psql('SELECT label_time, "a b", instance IS NULL FROM metric.up '
                                       "WHERE job = 'x'"), [["noon", "c", "t"]])
        narrowed = self.srv.psql("SET vigil.view_from = '2100-01-01'; "
                                 "SELECT count(*) FROM metric.up")
        self.assertEqual(narrowed[-1], ["0"])
        self.srv.psql("SELECT vigil.drop_metric_view('up')")
        with self.assertRaisesRegex(AssertionError, "does not exist"):
            self.srv.psql("SELECT * FROM metric.up")
        for bad in ("nothing_of_the_name", "x" * 64):
            with self.assertRaises(AssertionError):
                self.srv.psql(f"SELECT vigil.metric_view('{bad}')")

    def test_deleted_samples_are_left_out(self):
        count = ("SELECT count(*) FILTER (WHERE time < to_timestamp({0})), "
                 "count(*) FILTER (WHERE time >= to_timestamp({0})) FROM vigil.samples("
                 "'up', to_timestamp({1}), to_timestamp({2}))")
        middle, start = self.begin - 1800, self.begin - 7300
        count = count.format(middle, start, self.begin)
        before, after = map(int, self.srv.psql(count)[0])
        self.srv.psql("INSERT INTO vigil.tombstone (matchers, series, t0, t1, created_at) "
                      "SELECT 'up', array_agg(id ORDER BY id), 0, "
                      f"{middle * 1000 - 1}, 0 FROM vigil.series WHERE metric = 'up'")
        self.assertGreater(before, 0)
        self.assertEqual(self.srv.psql(count), [["0", str(after)]])
        self.assertGreater(int(self.srv.psql(
            "SELECT count(*) FROM vigil.samples('node_filesystem_size_bytes', '-infinity')")[0][0]),
            before)

    def test_late_duplicates_are_one_row(self):
        self.srv.stop()
        self.srv.flags += ["--storage.allow-backfill"]
        self.srv.start()
        # Of these times only the database knows; they are stored as often as they come.
        # The second and the third overlap, and begin anew at the border of the leaves.
        border = (self.begin - 86_400) // 21_600 * 21_600
        old = [(border + (i - 60) * STEP) * 1000 for i in range(100)]
        for start, value in ((0, 1.0), (50, 2.0), (25, 3.0)):
            answer = self.srv.remote_write([({"__name__": "again"}, [
                (t, value * i) for i, t in enumerate(old) if start <= i < start + 50])])
            self.assertEqual(answer.status, 204, answer.text)
        self.assertEqual(self.srv.psql(
            "SELECT sum(c.n) FROM vigil.chunk c JOIN vigil.series s ON s.id = c.series_id "
            "WHERE s.metric = 'again'"), [["150"]])
        (promql,) = self.srv.samples("again", old[0] / 1000 - 1, old[-1] / 1000).values()
        self.assertEqual(len(promql), len(old))
        span = f"to_timestamp({old[0] / 1000}), to_timestamp({old[-1] / 1000})"
        sql = self.srv.psql(f"SELECT extract(epoch FROM time), value FROM vigil.samples('again', {span})"
                            " ORDER BY 1")
        self.assertEqual([(float(t), float(v)) for t, v in sql],
                         [(float(t), float(v)) for t, v in promql])
        end = old[-1] / 1000
        rate = self.srv.psql("SELECT value FROM vigil.rate('again', '5 min', "
                             f"to_timestamp({end}), to_timestamp({end}))")
        self.assertEqual(float(rate[0][0]), self.srv.value("rate(again[5m])", time=end))
        self.srv.psql("SELECT vigil.metric_view('again')")
        self.assertEqual(self.srv.psql(f"SELECT count(*) FROM metric.again({span})"), [["100"]])

    def test_a_flipped_bit_is_found(self):
        self.assertEqual(self.srv.psql("SELECT count(*) FROM vigil.broken_chunk"), [["0"]])
        series = self.srv.psql("SELECT min(series_id) FROM vigil.chunk")[0][0]
        self.srv.psql("UPDATE vigil.chunk SET data = set_byte(data, octet_length(data) - 1, "
                      f"get_byte(data, octet_length(data) - 1) # 1) WHERE series_id = {series}")
        self.assertGreater(int(self.srv.psql("SELECT count(*) FROM vigil.broken_chunk")[0][0]), 0)
        name = self.srv.psql(f"SELECT metric FROM vigil.series WHERE id = {series}")[0][0]
        run = subprocess.run(
            [*re.findall(r'psql -h [^"\n]*', self.srv.program.log())[-1].split(), "-X", "-c",
             "SET vigil.verify = on", "-c",
             f"SELECT count(*) FROM vigil.samples('{name}', '-infinity')"],
            capture_output=True, text=True, check=True)
        self.assertIn("its checksum is wrong", run.stderr)


if __name__ == "__main__":
    harness.main()

# SPDX-License-Identifier: Apache-2.0
"""What the write path takes beside plain samples in order: late samples, native histograms,
exemplars; and what its limits and status pages say."""
import http.server
import os
import random
import signal
import string
import struct
import threading
import time

import harness
from harness import field, varint

WINDOW = "storage:\n  tsdb:\n    out_of_order_time_window: 30m\nscrape_configs: []\n"


def number(tag, value):
    return varint(tag << 3 | 1) + struct.pack("<d", value)


def integer(tag, value):
    return varint(tag << 3) + varint(value)


def zigzag(value):
    return value << 1 if value >= 0 else (-value << 1) - 1


def labels(**names):
    return b"".join(field(1, field(1, n.encode()) + field(2, v.encode()))
                    for n, v in sorted(names.items()))


def histogram(timestamp, total):
    """Buckets (0.5, 1] and (1, 2] of schema 0 with 1 and total - 1 observations."""
    deltas = varint(zigzag(1)) + varint(zigzag(total - 2))
    return (integer(1, total) + number(3, total * 1.5) + integer(4, zigzag(0)) +
            number(5, 0.001) + integer(6, 0) +
            field(11, integer(1, zigzag(0)) + integer(2, 2)) + field(12, deltas) +
            integer(15, timestamp))


def compressed(message):
    out = bytearray(varint(len(message)))
    for at in range(0, len(message), 65536):
        piece = message[at:at + 65536]
        out += bytes([61 << 2]) + struct.pack("<H", len(piece) - 1) + piece
    return bytes(out)


class WritePath(harness.Case):
    def serve(self, page):
        """The port of a target with this page."""
        class Target(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # noqa: N802 (the name is the library's)
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.end_headers()
                self.wfile.write(page.encode())

            def log_message(self, *args):
                pass
        web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Target)
        threading.Thread(target=web.serve_forever, daemon=True).start()
        self.addCleanup(web.server_close)
        self.addCleanup(web.shutdown)
        return web.server_port

    def post(self, server, message, proto="prometheus.WriteRequest"):
        return harness.http(server.url + "/api/v1/write", compressed(message), "POST",
                            {"Content-Type": f"application/x-protobuf;proto={proto}",
                             "Content-Encoding": "snappy"})

    def test_late_samples(self):
        server = self.server(flags=["--storage.flush-interval=1s"])
        now = int(time.time()) * 1000
        series = {"__name__": "late"}
        self.assertEqual(server.remote_write([(series, [(now, 100.0)])]).status, 204)
        answer = server.remote_write([(series, [(now - 60_000, 1.0)])])
        self.assertEqual((answer.status, answer.text), (400, "out of order sample\n"))

        server.write_config(WINDOW)
        self.assertEqual(harness.http(server.url + "/-/reload", b"", "POST").status, 200)
        sent = {now: 100.0}
        for back in (60_000, 1_200_000, 600_000, 1_800_000 - 5000):
            sent[now - back] = float(back)
            answer = server.remote_write([(series, [(now - back, float(back))])])
            self.assertEqual(answer.status, 204, answer.text)
            # A flush comes in between, so that the next one is late to what memory knows.
            flushes = server.metric("prometheus_tsdb_compactions_total")
            harness.wait_for("a flush", lambda: server.metric(
                "prometheus_tsdb_compactions_total") > flushes)
        answer = server.remote_write([(series, [(now - 3_600_000, 1.0)])])
        self.assertEqual((answer.status, answer.text), (400, "too old sample\n"))
        self.assertEqual(server.remote_write([(series, [(now - 60_000, 60_000.0)])]).status, 204)

        def check():
            got = server.samples("late", now / 1000 - 3600, now / 1000 + 1)
            self.assertEqual([{round(t * 1000): float(v) for t, v in s} for s in got.values()],
                             [sent])
            rows = server.psql("SELECT (extract(epoch FROM time) * 1000)::int8, value FROM "
                               "vigil.samples('late', now() - interval '1 hour', now())")
            self.assertEqual({int(t): float(v) for t, v in rows}, sent)

        check()
        # The last one is a repetition, which is not known as one once a flush has taken the first.
        self.assertIn(
            server.metric('prometheus_tsdb_head_out_of_order_samples_appended_total{type="float"}'),
            (4, 5))
        self.assertEqual(server.metric('prometheus_tsdb_too_old_samples_total{type="float"}'), 1)
        server.kill9()
        server.start()
        check()
        server.stop()
        server.start()
        check()

    def test_native_histograms(self):
        server = self.server()
        now = int(time.time()) * 1000
        body = labels(__name__="h", job="x")
        for i in range(4):
            body += field(4, histogram(now - 45_000 + i * 15_000, 10 + i * 5))
        answer = self.post(server, field(1, body))
        self.assertEqual(answer.status, 204, answer.text)

        def check():
            result = server.query("h")
            self.assertEqual(result[0]["histogram"][1]["count"], "25")
            self.assertEqual(result[0]["histogram"][1]["sum"], "37.5")
            self.assertEqual(result[0]["histogram"][1]["buckets"],
                             [[0, "0.5", "1", "1"], [0, "1", "2", "24"]])
            self.assertEqual(server.value("histogram_count(h)"), 25)
            self.assertEqual(server.value(f"histogram_count(h @ {now / 1000 - 45})"), 10)

        check()
        server.kill9()  # from the journal
        server.start()
        check()
        server.stop()  # from chunks
        server.start()
        check()
        broken = field(1, labels(__name__="h") +
                       field(4, histogram(now + 1000, 10) + field(12, varint(2))))
        self.assertEqual(self.post(server, broken).status, 400)

    def test_exemplars(self):
        server = self.server()
        now = int(time.time()) * 1000
        exemplar = labels(trace_id="abc") + number(2, 0.25) + integer(3, now)
        sample = number(1, 1.0) + integer(2, now)
        message = field(1, labels(__name__="e", job="x") + field(2, sample) + field(3, exemplar))
        self.assertEqual(self.post(server, message).status, 204)
        want = [{"seriesLabels": {"__name__": "e", "job": "x"},
                 "exemplars": [{"labels": {"trace_id": "abc"}, "value": "0.25",
                                "timestamp": now // 1000}]}]
        self.assertEqual(server.api("query_exemplars", query='rate(e{job="x"}[5m]) + up'), want)
        self.assertEqual(server.api("query_exemplars", query="e", end=now / 1000 - 1), [])
        self.assertEqual(server.get("/api/v1/query_exemplars", query="e{").status, 400)
        harness.wait_for("the exemplar in SQL", lambda: server.psql(
            "SELECT value, labels FROM vigil.exemplar") == [["0.25", '{"trace_id": "abc"}']])

    def test_metadata_outlives_the_process(self):
        server = self.server(start=False)
        server.write_config("scrape_configs:\n- job_name: self\n  scrape_interval: 1s\n"
                            "  static_configs: [{targets: ['127.0.0.1:%d']}]\n" % server.port)
        server.start()
        told = field(3, integer(1, 3) + field(2, b"seconds") + field(4, b"How long") +
                     field(5, b"s"))
        series = field(1, labels(__name__="seconds_bucket", le="1") +
                       field(2, number(1, 1.0) + integer(2, int(time.time() * 1000))))
        self.assertEqual(self.post(server, told + series).status, 204)
        scraped = "prometheus_build_info"
        harness.wait_for("metadata to be written", lambda: {"seconds", scraped} <= {
            row[0] for row in server.psql("SELECT metric FROM vigil.metric_metadata")})
        # Later pages tell of metrics that the first one had not: wait for all that is told now.
        def written():
            told = server.api("metadata")
            rows = {row[0] for row in server.psql("SELECT metric FROM vigil.metric_metadata")}
            return told if rows.issuperset(told) else None

        before = harness.wait_for("all metadata to be written", written)
        self.assertEqual(before["seconds"], [{"type": "histogram", "help": "How long",
                                              "unit": "s"}])
        server.kill9()
        server.write_config("scrape_configs: []\n")
        server.start()
        # What has no series is forgotten at the start.
        series = set(server.api("label/__name__/values"))
        kept = {name: rows for name, rows in before.items()
                if any(name + end in series for end in ("", "_total", "_bucket", "_count", "_sum"))}
        self.assertGreater(len(kept), 20)
        after = server.api("metadata")
        self.assertEqual({name: after.get(name) for name in kept}, kept)
        self.assertEqual(server.api("metadata", metric=scraped), {scraped: before[scraped]})
        self.assertEqual(server.psql(
            "SELECT type, help, unit FROM vigil.metrics WHERE name = 'seconds_bucket'"),
            [["histogram", "How long", "s"]])

    def test_long_names(self):
        """What is too long is refused with a sentence, and blocks neither the journal, nor a flush,
        nor the metadata of the others."""
        sizes = (3_000, 10_000, 100_000)
        # Letters in no order, so that the database cannot make an index entry of them small.
        noise = {size: "".join(random.Random(size).choices(string.ascii_letters, k=size))
                 for size in sizes}
        page = "# HELP fine Told\n# TYPE fine gauge\nfine 1\n" + "".join(
            f"# HELP {text} Told\n# TYPE {text} gauge\n{text} 1\n"
            f'of_name{{{text}="{size}"}} 1\nof_value{{l="{text}"}} {size}\n'
            for size, text in noise.items()) + "last 1\n"
        target = self.serve(page)
        server = self.server(start=False)
        server.write_config("scrape_configs:\n- job_name: long\n  scrape_interval: 1s\n"
                            "  static_configs: [{targets: ['127.0.0.1:%d']}]\n" % target)
        server.start()
        now = int(time.time() * 1000)

        def values(expr):
            # By POST: some are too long for a URL.
            answer = harness.http(server.url + "/api/v1/query", {"query": expr})
            self.assertEqual(answer.status, 200, answer.text[:300])
            return [float(row["value"][1]) for row in answer.json["data"]["result"]]

        def check(prefix, last):
            for size, text in noise.items():
                self.assertEqual(values(f'{{__name__="{text}"}}'), [])
                self.assertEqual(values(f'{prefix}of_name{{{text}="{size}"}}'), [1])
                self.assertEqual(values(f'{prefix}of_value{{l="{text}"}}'), [size])
            self.assertEqual(values(f"count({prefix}last)"), [last])

        for size, text in noise.items():
            answer = server.remote_write([({"__name__": text}, [(now, 1.0)])])
            self.assertEqual(answer.status, 400)
            self.assertIn(f"the name of a metric has {size} bytes, at most 2000", answer.text)
            self.assertLess(len(answer.text), 400)
            told = field(3, integer(1, 2) + field(2, text.encode()) + field(4, b"Told"))
            self.assertEqual(self.post(server, told).status, 204)
            self.assertEqual(server.remote_write([
                ({"__name__": "w_of_name", text: str(size)}, [(now, 1.0)]),
                ({"__name__": "w_of_value", "l": text}, [(now, float(size))]),
                ({"__name__": "w_last", "size": str(size)}, [(now, 1.0)])]).status, 204)
        harness.wait_for("a scrape", lambda: server.value("last") == 1)
        check("", 1)
        check("w_", 3)
        self.assertGreaterEqual(
            server.metric('vigil_head_series_refused_total{reason="too_long"}'), 6)
        harness.wait_for("the metadata of the others", lambda: server.psql(
            "SELECT help FROM vigil.metric_metadata WHERE metric = 'fine'") == [["Told"]])
        server.kill9()  # from the journal
        server.write_config("scrape_configs: []\n")
        server.start()
        check("w_", 3)
        server.stop()  # from chunks
        server.start()
        check("w_", 3)
        self.assertEqual(server.metric('prometheus_tsdb_compactions_failed_total'), 0)

    def test_version_two(self):
        server = self.server()
        now = int(time.time()) * 1000
        symbols = b"".join(field(4, s) for s in (b"", b"__name__", b"two", b"job", b"j"))
        sample = field(2, number(1, 7.5) + integer(2, now))
        native = field(3, histogram(now, 3))
        message = (symbols + field(5, field(1, bytes([1, 2, 3, 4])) + sample) +
                   field(5, field(1, bytes([1, 4])) + native))
        answer = self.post(server, message, "io.prometheus.write.v2.Request")
        self.assertEqual(answer.status, 204, answer.text)
        self.assertEqual(answer.headers["X-Prometheus-Remote-Write-Samples-Written"], "1")
        self.assertEqual(answer.headers["X-Prometheus-Remote-Write-Histograms-Written"], "1")
        self.assertEqual(server.value('two{job="j"}'), 7.5)
        self.assertEqual(server.value("histogram_count(j)"), 3)

    def test_a_database_that_hangs(self):
        page = "scrape_configs: [{job_name: self, scrape_interval: 1s, static_configs: " \
               "[{targets: ['127.0.0.1:%d']}]}]\n"
        server = self.server(start=False)
        server.write_config(page % server.port)
        server.start()
        now = int(time.time()) * 1000
        self.assertEqual(server.remote_write([({"__name__": "w"}, [(now, 1.0)])]).status, 204)
        scrapes = "count_over_time(up[5m])"
        before = harness.wait_for("a scrape", lambda: server.value(scrapes))
        (pid,), = server.psql("SELECT pid FROM pg_stat_activity "
                              "WHERE application_name = 'vigil-journal'")
        os.kill(int(pid), signal.SIGSTOP)
        try:
            answer = server.remote_write([({"__name__": "w"}, [(now + 1000, 2.0)])])
            self.assertEqual(answer.status, 503, answer.text)
            self.assertEqual(answer.headers["Retry-After"], "1")
            # Scrapes went on meanwhile, and queries see them. There was time for thirty; how many
            # of them a busy machine manages is not what this is about.
            during = server.value(scrapes)
            self.assertGreaterEqual(during, before + 5)
            self.assertGreater(server.metric("vigil_journal_queued_bytes"), 0)
        finally:
            os.kill(int(pid), signal.SIGCONT)

        # As senders do; while the journal connects anew it is 503 at once.
        def sent_again():
            answer = server.remote_write([({"__name__": "w"}, [(now + 1000, 2.0)])])
            self.assertIn(answer.status, (204, 503), answer.text)
            return answer.status == 204
        harness.wait_for("the database to take samples again", sent_again)
        server.kill9()
        server.start()
        self.assertEqual(server.value("w", time=now / 1000 + 2), 2)
        # The repeated sample was committed behind those of the scrapes before it.
        self.assertGreaterEqual(server.value(scrapes), during)

    def test_limits_and_cardinality(self):
        server = self.server(config="global: {series_limit: 2}\nscrape_configs: []\n")
        now = int(time.time()) * 1000
        for name in ("a", "b"):
            self.assertEqual(
                server.remote_write([({"__name__": name, "job": "x"}, [(now, 1.0)])]).status, 204)
        answer = server.remote_write([({"__name__": "c", "job": "x"}, [(now, 1.0)]),
                                      ({"__name__": "a", "job": "x"}, [(now + 1000, 2.0)])])
        self.assertEqual(answer.status, 400)
        self.assertIn('the limit of 2 series (series_limit) of the job "x" is reached: c',
                      answer.text)
        self.assertEqual(server.value("a", time=now / 1000 + 2), 2)
        self.assertEqual(server.metric('vigil_head_series_refused_total{reason="job_limit"}'), 1)
        status = server.api("status/tsdb", limit=1)
        self.assertEqual(status["headStats"]["numSeries"], 2)
        self.assertEqual(status["headStats"]["maxTime"], now + 1000)
        self.assertEqual(status["seriesCountByMetricName"], [{"name": "a", "value": 1}])
        self.assertEqual(status["seriesCountByLabelValuePair"], [{"name": "job=x", "value": 2}])
        self.assertEqual(status["labelValueCountByLabelName"], [{"name": "__name__", "value": 2}])
        self.assertEqual(status["memoryInBytesByLabelName"], [{"name": "__name__", "value": 2}])
        self.assertEqual(server.get("/api/v1/status/tsdb", limit=0).status, 400)
        server.kill9()
        server.start()
        replay = server.api("status/walreplay")
        self.assertEqual((replay["min"], replay["max"]), (0, replay["current"]))
        self.assertGreater(replay["current"], 0)


if __name__ == "__main__":
    harness.main()

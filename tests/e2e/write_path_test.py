# SPDX-License-Identifier: Apache-2.0
"""What the write path takes beside plain samples in order: late samples, native histograms,
exemplars; and what its limits and status pages say."""
import os
import signal
import struct
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
            time.sleep(0.6)  # flushes come in between
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
        before = server.api("metadata")
        self.assertEqual(before["seconds"], [{"type": "histogram", "help": "How long",
                                              "unit": "s"}])
        server.kill9()
        server.write_config("scrape_configs: []\n")
        server.start()
        self.assertEqual(server.api("metadata"), before)
        self.assertEqual(server.api("metadata", metric=scraped), {scraped: before[scraped]})
        self.assertEqual(server.psql(
            "SELECT type, help, unit FROM vigil.metrics WHERE name = 'seconds_bucket'"),
            [["histogram", "How long", "s"]])

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
        harness.wait_for("a scrape", lambda: server.query("up"))
        (pid,), = server.psql("SELECT pid FROM pg_stat_activity "
                              "WHERE application_name = 'vigil-journal'")
        os.kill(int(pid), signal.SIGSTOP)
        try:
            answer = server.remote_write([({"__name__": "w"}, [(now + 1000, 2.0)])])
            self.assertEqual(answer.status, 503, answer.text)
            self.assertEqual(answer.headers["Retry-After"], "1")
            # Scrapes went on meanwhile, and queries see them.
            self.assertGreater(server.value("count_over_time(up[30s])"), 20)
            self.assertGreater(server.metric("vigil_journal_queued_bytes"), 0)
        finally:
            os.kill(int(pid), signal.SIGCONT)
        self.assertEqual(server.remote_write([({"__name__": "w"}, [(now + 1000, 2.0)])]).status, 204)
        server.kill9()
        server.start()
        self.assertEqual(server.value("w", time=now / 1000 + 2), 2)
        self.assertGreater(server.value("count_over_time(up[2m])"), 20)

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

# SPDX-License-Identifier: Apache-2.0
"""Targets that answer in protobuf: native histograms and exemplars end to end, and a real Prometheus
that is scraped in both formats."""
import http.server
import struct
import subprocess
import tarfile
import threading
import time

import harness

TYPE = ("application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
        "encoding=delimited")
CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: native
    scrape_native_histograms: true
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
  - job_name: both
    scrape_native_histograms: true
    always_scrape_classic_histograms: true
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
  - job_name: classic
    scrape_protocols: [PrometheusProto]
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
  - job_name: untyped
    fallback_scrape_protocol: PrometheusProto
    metrics_path: /blank
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
  - job_name: custom
    scrape_protocols: [PrometheusProto]
    convert_classic_histograms_to_nhcb: true
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""
BEGAN = int(time.time())


def varint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def number(field, n):
    return varint(field << 3) + varint(n)


def signed(field, n):
    return number(field, n << 1 if n >= 0 else -n * 2 - 1)


def double(field, v):
    return varint(field << 3 | 1) + struct.pack("<d", v)


def message(field, body):
    return varint(field << 3 | 2) + varint(len(body)) + body


def label(name, value):
    return message(1, message(1, name.encode()) + message(2, value.encode()))


def family(name, kind, metrics):
    body = message(1, name.encode()) + message(2, b"A metric.") + number(3, kind) + metrics
    return varint(len(body)) + body


def page(n):
    """Request durations after n requests of 0.5 s and as many of 3 s, and a counter."""
    exemplar = message(3, label("trace_id", "abc") + double(2, 0.5) +
                       message(3, number(1, int(time.time()))))
    spans = message(12, signed(1, 0) + number(2, 1)) + message(12, signed(1, 2) + number(2, 1))
    histogram = (number(1, 2 * n) + double(2, 3.5 * n)
                 + message(3, number(1, n) + double(2, 1.0) + exemplar)
                 + signed(5, 0) + double(6, 1e-9) + spans
                 + message(13, varint(n << 1) + varint(0)))
    return (family("requests_seconds", 4, message(4, label("path", "/") + message(7, histogram)))
            + family("requests_total", 0, message(4, message(3, double(1, 2 * n) +
                                                             message(3, number(1, 1000)))))
            + family("began_total", 0, message(4, message(3, double(1, 5) +
                                                          message(3, number(1, BEGAN))))))


class Exporter(http.server.BaseHTTPRequestHandler):
    count = 0
    accepted = {}

    def do_GET(self):
        Exporter.count += 10
        Exporter.accepted[self.path] = self.headers["Accept"]
        body = page(Exporter.count)
        self.send_response(200)
        if self.path != "/blank":
            self.send_header("Content-Type", TYPE)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class ProtobufScrape(harness.Case):
    def test_native_histograms(self):
        exporter = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Exporter)
        threading.Thread(target=exporter.serve_forever, daemon=True).start()
        self.addCleanup(exporter.server_close)
        self.addCleanup(exporter.shutdown)
        srv = self.server(CONFIG.format(port=exporter.server_address[1]),
                          flags=["--enable-feature=exemplar-storage,created-timestamp-zero-ingestion"])
        harness.wait_for("samples of all jobs",
                         lambda: len(srv.query("count_over_time(requests_total[1m]) > 3")) == 5)
        self.assertTrue(Exporter.accepted["/metrics"].startswith("application/vnd.google.protobuf"))
        # Half of the requests took 0.5 s, the others 3 s.
        for job in ("native", "both"):
            where = f'requests_seconds{{job="{job}"}}'
            rate = srv.value(f"histogram_count(rate({where}[1m]))")
            self.assertGreater(rate, 0)
            self.assertAlmostEqual(srv.value(f"histogram_avg(rate({where}[1m]))"), 1.75)
            self.assertAlmostEqual(srv.value(f"histogram_fraction(0, 1, rate({where}[1m]))"), 0.5)
        names = {(r["metric"]["job"], r["metric"]["__name__"])
                 for r in srv.query('{__name__=~"requests_seconds.*"}')}
        classic = {"requests_seconds_count", "requests_seconds_sum", "requests_seconds_bucket"}
        self.assertEqual({n for j, n in names if j == "native"}, {"requests_seconds"})
        self.assertEqual({n for j, n in names if j == "both"}, classic | {"requests_seconds"})
        self.assertEqual({n for j, n in names if j == "classic"}, classic)
        self.assertEqual({n for j, n in names if j == "untyped"}, classic)
        self.assertEqual({n for j, n in names if j == "custom"}, {"requests_seconds"})
        custom = 'rate(requests_seconds{job="custom"}[1m])'
        self.assertAlmostEqual(srv.value(f"histogram_avg({custom})"), 1.75)
        self.assertAlmostEqual(srv.value(f"histogram_fraction(-Inf, 1, {custom})"), 0.5)
        # A zero stands where it began to count, once; that of requests_total is too long ago.
        self.assertGreater(srv.value('min_over_time(requests_total{job="native"}[5m])'), 0)
        self.assertEqual(srv.value('min_over_time(began_total{job="native"}[5m])'), 0)
        self.assertEqual(srv.value('changes(began_total{job="native"}[5m])'), 1)
        bounds = {r["metric"]["le"] for r in srv.query('requests_seconds_bucket{job="both"}')}
        self.assertEqual(bounds, {"1.0", "+Inf"})
        self.look_with_vigilctl(srv)
        now = time.time()
        found = srv.api("query_exemplars", query='requests_seconds{job="native"}', start=now - 60,
                        end=now + 60)
        self.assertEqual(found[0]["exemplars"][0]["labels"], {"trace_id": "abc"})
        metadata = srv.api("metadata", metric="requests_seconds")["requests_seconds"]
        self.assertEqual(metadata, [{"type": "histogram", "help": "A metric.", "unit": ""}])

    def look_with_vigilctl(self, srv):
        def run(*args):
            done = subprocess.run([harness.binary("vigilctl"), *args], capture_output=True, text=True,
                                  cwd=self.directory, timeout=60, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            return done.stdout

        usage = run("query", "analyze", f"--server={srv.url}", "--type=histogram", "--duration=5m",
                    '--match={__name__=~"requests_seconds.*", job="both"}')
        for name in ("requests_seconds", "requests_seconds_bucket"):
            self.assertRegex(usage, name + r"\{.*\}=Bucket stats \(min/avg/max\) - number of buckets "
                             r"changed: 2/2\.000/2 .*total number of buckets: 2\n")
        self.assertIn("count - 2\n", usage)
        run("debug", "all", srv.url)
        with tarfile.open(self.directory + "/debug.tar.gz") as archive:
            self.assertIn("metrics.txt", archive.getnames())
            self.assertIn(b"prometheus_build_info",
                          archive.extractfile("metrics.txt").read())

    def test_a_real_target_in_both_formats(self):
        self.require_peer("prometheus")
        port = harness.free_port()
        empty = self.directory + "/peer.yml"
        with open(empty, "w", encoding="utf-8") as f:
            f.write("scrape_configs: []\n")
        peer = self.run_program(harness.peer("prometheus"), f"--config.file={empty}",
                                f"--storage.tsdb.path={self.directory}/peer",
                                f"--web.listen-address=127.0.0.1:{port}")
        peer.wait_http(f"http://127.0.0.1:{port}/-/ready")
        jobs = "".join(f"""
  - job_name: {name}
    scrape_protocols: [{protocol}]
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]""" for name, protocol in
                       (("text", "PrometheusText0.0.4"), ("proto", "PrometheusProto")))
        srv = self.server("global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:"
                          + jobs)

        def series(job):
            result = srv.query(f'{{job="{job}", __name__!~"up|scrape_.*"}}')
            return {tuple(sorted((k, v) for k, v in r["metric"].items() if k != "job"))
                    for r in result}
        harness.wait_for("both jobs", lambda: len(series("text")) > 300
                         and series("text") == series("proto"), 30)
        for constant in ("prometheus_build_info", "go_info", "process_max_fds"):
            self.assertEqual(srv.value(f'{constant}{{job="proto"}}'),
                             srv.value(f'{constant}{{job="text"}}'))


if __name__ == "__main__":
    harness.main()

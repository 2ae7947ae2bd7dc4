# SPDX-License-Identifier: Apache-2.0
"""OTLP metrics over HTTP: from an exporter's request to series, exemplars, metadata, target_info."""
import gzip
import json
import struct
import time

import harness
from harness import field, varint
from write_path_test import integer, number, zigzag


class Otlp(harness.Case):
    def test_otlp(self):
        server = self.server(flags=["--web.enable-otlp-receiver"])
        now = int(time.time())

        def fixed(tag, value):
            return varint(tag << 3 | 1) + struct.pack("<q", value)

        def text(tag, key, value):
            return field(tag, field(1, key) + field(2, field(1, value)))

        def metric(name, unit, kind, data):
            return field(2, field(1, name) + field(2, b"Told") + field(3, unit) + field(kind, data))

        at = fixed(3, now * 1_000_000_000)
        exemplar = field(8, fixed(2, now * 1_000_000_000) + number(3, 0.3) + field(5, b"\xab\xcd"))
        metrics = (
            metric(b"http.server.requests", b"1", 7, field(1, at + fixed(6, 42) + text(
                7, b"http.method", b"GET")) + integer(2, 2) + integer(3, 1)) +
            metric(b"http.server.duration", b"s", 9, field(
                1, at + fixed(4, 3) + number(5, 1.5) + field(6, struct.pack("<3q", 1, 1, 1)) +
                field(7, struct.pack("<2d", 0.1, 0.5)) + exemplar) + integer(2, 2)) +
            metric(b"latency", b"ms", 10, field(
                1, at + fixed(4, 6) + number(5, 9.0) + integer(6, zigzag(0)) +
                field(8, integer(1, zigzag(-1)) + field(2, bytes([1, 2, 3])))) + integer(2, 2)) +
            metric(b"dropped", b"", 7, field(1, at + fixed(6, 1)) + integer(2, 1)))
        resource = field(1, text(1, b"service.name", b"shop") + text(1, b"service.instance.id", b"i") +
                         text(1, b"host.name", b"h"))
        message = field(1, resource + field(2, metrics))
        url = server.url + "/api/v1/otlp/v1/metrics"
        kind = {"Content-Type": "application/x-protobuf"}
        self.assertEqual(harness.http(url, message, "POST", kind).status, 200)
        again = harness.http(url, gzip.compress(message), "POST",
                             {**kind, "Content-Encoding": "gzip"})
        self.assertEqual((again.status, again.body), (200, b""))

        def check():
            self.assertEqual(server.value(
                'http_server_requests_total{job="shop",instance="i",http_method="GET"}'), 42)
            self.assertEqual(server.value('http_server_duration_seconds_bucket{le="0.5"}'), 2)
            self.assertEqual(server.value('http_server_duration_seconds_count'), 3)
            self.assertEqual(server.value("histogram_count(latency_milliseconds)"), 6)
            self.assertEqual(server.value(
                'http_server_requests_total * on (job, instance) group_left (host_name) '
                'target_info{host_name="h"}'), 42)
            self.assertEqual(server.query("dropped_total"), [])

        check()
        self.assertEqual(server.api("query_exemplars", query="http_server_duration_seconds_bucket")
                         [0]["exemplars"][0]["labels"], {"trace_id": "abcd"})
        self.assertEqual(server.api("metadata", metric="http_server_duration_seconds"), {
            "http_server_duration_seconds": [{"type": "histogram", "help": "Told",
                                              "unit": "seconds"}]})
        self.assertGreater(server.metric("vigil_otlp_samples_total"), 0)
        self.assertIn("OTLP metrics were left out", server.program.log())
        for body, headers, status in ((b"\x0a\x7f", kind, 400),
                                      (b"{}", {"Content-Type": "text/plain"}, 415),
                                      (b"x", {**kind, "Content-Encoding": "gzip"}, 400)):
            self.assertEqual(harness.http(url, body, "POST", headers).status, status, body)
        self.json_with_settings(server, url, now)
        server.kill9()
        server.start()
        check()
        off = harness.http(server.url + "/api/v1/otlp/v1/logs", b"", "POST", kind)
        self.assertEqual(off.status, 404)

    def json_with_settings(self, server, url, now):
        """The same in JSON, by an `otlp` section that is reloaded."""
        kind = {"Content-Type": "application/json"}

        def send(value):
            body = {"resourceMetrics": [{
                "resource": {"attributes": [
                    {"key": "service.name", "value": {"stringValue": "cart"}},
                    {"key": "host.name", "value": {"stringValue": "h2"}}]},
                "scopeMetrics": [{"metrics": [{"name": "queue.length", "unit": "By", "gauge": {
                    "dataPoints": [{"timeUnixNano": str(now * 10**9), "asInt": str(value)}]}}]}]}]}
            return harness.http(url, json.dumps(body).encode(), "POST", kind)

        answer = send(5)
        self.assertEqual((answer.status, answer.body, answer.headers["Content-Type"]),
                         (200, b"{}", "application/json"))
        self.assertEqual(server.value('queue_length_bytes{job="cart"}'), 5)
        server.write_config("""
otlp:
  promote_resource_attributes: [host.name]
  translation_strategy: NoTranslation
""")
        self.assertEqual(harness.http(server.url + "/-/reload", b"", "POST").status, 200)
        self.assertEqual(send(6).status, 200)
        self.assertEqual(server.value('{"queue.length", job="cart", "host.name"="h2"}'), 6)
        self.assertEqual(server.value('queue_length_bytes{job="cart"}'), 5)
        wrong = send("many")
        self.assertEqual(wrong.status, 400)
        self.assertIn("expected an integer", json.loads(wrong.body)["message"])


if __name__ == "__main__":
    harness.main()

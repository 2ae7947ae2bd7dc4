# SPDX-License-Identifier: Apache-2.0
"""Every endpoint of the HTTP API: held to the OpenAPI description that the server itself serves, and
compared with the real prometheus 2.42 for the same requests; remote read, federation, CORS,
compression, prefixes."""
import gzip
import http.client
import json
import os
import re
import shutil
import struct
import subprocess
import time
import urllib.parse
import zlib

import jsonschema
import yaml

import harness

CONFIG = """
global:
  scrape_interval: 1s
  scrape_timeout: 1s
  external_labels: {{site: north, area: x}}
rule_files: [rules/*.yml]
scrape_configs:
  - job_name: self
    static_configs: [{{targets: ["127.0.0.1:{port}"], labels: {{kind: own}}}}]
  - job_name: dropped
    static_configs: [{{targets: ["127.0.0.1:1"]}}]
    relabel_configs: [{{action: drop, regex: ".*"}}]
  - job_name: relabelled
    relabel_configs:
    - {{source_labels: [__address__], regex: "(.*):.*", target_label: instance}}
    - {{source_labels: [job], regex: x, action: drop}}
"""

# An hour between two rounds: alerts of the first one, if any, stay as they are.
RULES = """
groups:
- name: g
  interval: 1h
  rules:
  - {record: 'a:b', expr: up, labels: {x: ''}}
  - {alert: A, expr: vector(1), for: 1h, annotations: {text: '{{ $value }}', none: ''}}
- name: h
  interval: 1s
  rules:
  - {alert: B, expr: vector(1), keep_firing_for: 1m}
"""

# path, parameters, expected status. Every operation of the description must occur.
REQUESTS = [
    ("/query", {"query": "up"}, 200),
    ("/query", {"query": "test_total", "stats": "all"}, 200),
    ("/query", {"query": "1e21"}, 200),
    ("/query", {"query": "'text'"}, 200),
    ("/query", {"query": "test_total[1h]"}, 200),
    ("/query", {"query": "test_histogram"}, 200),
    ("/query", {"query": "test_histogram[1h]"}, 200),
    ("/query", {"query": "test_total", "limit": "1", "timeout": "5s", "lookback_delta": "2h"}, 200),
    ("/query", {"query": "test_total", "limit": "-1"}, 400),
    ("/query", {"query": "sum("}, 400),
    ("/query", {"query": "up", "time": "x"}, 400),
    ("/query", {"query": "label_replace(up, 'a', 'b', 'c', '(')"}, 422),
    ("/query_range", {"query": "test_total", "start": "{start}", "end": "{end}", "step": "15"}, 200),
    ("/query_range", {"query": "test_total", "start": "{start}", "end": "{end}", "step": "1m",
                      "stats": "x", "limit": "1"}, 200),
    ("/query_range", {"query": "up"}, 400),
    ("/query_range", {"query": "up", "start": "0", "end": "1e6", "step": "1"}, 400),
    ("/query_explain", {"query": "sum(rate(test_total[5m])) / 2"}, 200),
    ("/query_explain", {"query": "sum(rate(test_total[5m]))", "start": "{start}", "end": "{end}",
                        "step": "30"}, 200),
    ("/query_explain", {"query": "sum("}, 400),
    ("/query_exemplars", {"query": "test_total"}, 200),
    ("/query_exemplars", {"query": "1"}, 204),
    ("/query_exemplars", {"query": "up", "start": "5", "end": "2"}, 400),
    ("/format_query", {"query": "sum(up)by(job)"}, 200),
    ("/format_query", {"query": "sum("}, 400),
    ("/parse_query", {"query": "topk by (a) (3, -rate(x{a='b',c=~'d'}[5m] offset 1h @ end())) + "
                               "on (a) group_left (b) y[1h:1m] @ 5 or 'a' == bool (2)"}, 400),
    ("/parse_query", {"query": "topk by (a) (3, -rate(x{a='b',c=~'d'}[5m] @ end() offset 1h)) + "
                               "on (a) group_left (b) max_over_time(y[1h:1m] @ 5) > bool (2)"}, 200),
    ("/parse_query", {"query": "sum("}, 400),
    ("/series", {"match[]": ["up", "test_total"]}, 200),
    ("/series", {"match[]": "test_total", "limit": "1"}, 200),
    ("/series", {}, 400),
    ("/labels", {}, 200),
    ("/labels", {"match[]": "up", "start": "{start}", "end": "{end}", "limit": "1"}, 200),
    ("/labels", {"match[]": "{}"}, 400),
    ("/label/{name}/values", {"name": "job"}, 200),
    ("/label/{name}/values", {"name": "U__odd_2e_name", "limit": "1"}, 200),
    ("/label/{name}/values", {"name": "job", "start": "x"}, 400),
    ("/search/metric_names", {"search[]": ["tst", "up"], "include_score": "true",
                              "include_metadata": "1", "sort_by": "score", "batch_size": "2"}, 200),
    ("/search/metric_names", {"fuzz_alg": "x"}, 400),
    ("/search/label_names", {"limit": "1", "sort_by": "alpha", "sort_dir": "dsc"}, 200),
    ("/search/label_names", {"sort_dir": "asc"}, 400),
    ("/search/label_values", {"label": "i", "match[]": "test_total", "fuzz_alg": "jarowinkler"}, 200),
    ("/search/label_values", {}, 400),
    ("/metadata", {}, 200),
    ("/metadata", {"metric": "process_cpu_seconds_total", "limit_per_metric": "1"}, 200),
    ("/metadata", {"limit": "x"}, 400),
    ("/targets", {}, 200),
    ("/targets", {"state": "active", "scrapePool": "self"}, 200),
    ("/targets/metadata", {"match_target": '{job="self"}', "limit": "3"}, 200),
    ("/targets/metadata", {"match_target": "x{"}, 400),
    ("/targets/relabel_steps", {"scrapePool": "dropped", "labels": '{"job": "x"}'}, 200),
    ("/targets/relabel_steps", {"scrapePool": "dropped", "labels": "[1]"}, 400),
    ("/targets/relabel_steps", {"scrapePool": "none", "labels": "{}"}, 404),
    ("/scrape_pools", {}, 200),
    ("/scrape_pools/config", {"scrapePool": "self"}, 200),
    ("/scrape_pools/config", {}, 400),
    ("/rules", {}, 200),
    ("/rules", {"type": "x"}, 400),
    ("/alerts", {}, 200),
    ("/alertmanagers", {}, 200),
    ("/alert_history", {"match[]": 'alertname="x"', "limit": "5"}, 200),
    ("/alert_history", {"fingerprint": "x"}, 400),
    ("/notification_history", {"receiver": "x", "start": "{start}", "end": "{end}"}, 200),
    ("/notification_history", {"match[]": "=x"}, 400),
    ("/alert_explain", {}, 400),
    ("/alert_acknowledge", {"fingerprint": "0123456789abcdef", "by": "me"}, 404),
    ("/alert_acknowledge", {"fingerprint": "x"}, 400),
    ("/alert_unacknowledge", {"fingerprint": "0123456789abcdef"}, 404),
    ("/alert_explain", {"fingerprint": "0123456789abcdef"}, 404),
    ("/status/config", {}, 200),
    ("/status/flags", {}, 200),
    ("/status/buildinfo", {}, 200),
    ("/status/runtimeinfo", {}, 200),
    ("/status/tsdb", {}, 200),
    ("/status/tsdb", {"limit": "3"}, 200),
    ("/status/tsdb", {"limit": "0"}, 400),
    ("/status/walreplay", {}, 200),
    ("/status/queries", {}, 200),
    ("/features", {}, 200),
    ("/notifications", {}, 200),
    ("/openapi.yaml", {}, 200),
    ("/openapi.json", {}, 200),
    ("/status/tsdb/blocks", {}, 200),
    ("/status/self_metrics", {}, 200),
    ("/status/self_metrics", {"metric_name_pattern": "prometheus_http_.*"}, 200),
    ("/status/self_metrics", {"metric_name_pattern": "("}, 400),
    ("/federate", {"match[]": "up"}, 200),
    ("/federate", {"match[]": "up{"}, 400),
    ("/version", {}, 200),
    ("/-/healthy", {}, 200),
    ("/-/ready", {}, 200),
    ("/-/reload", {}, 200),
    ("/admin/queries/{id}/cancel", {"id": "0"}, 404),
    ("/admin/queries/{id}/cancel", {"id": "x"}, 400),
    ("/admin/tsdb/delete_series", {"match[]": "nothing_of_this_name"}, 204),
    ("/admin/tsdb/delete_series", {}, 400),
    ("/admin/tsdb/clean_tombstones", {}, 204),
]
# Tested by themselves, below and in admin_test.py.
ELSEWHERE = {("/notifications/live", "get"), ("/read", "post"), ("/write", "post"),
             ("/otlp/v1/metrics", "post"),
             ("/admin/tsdb/snapshot", "post"), ("/admin/tsdb/snapshot", "put"),
             ("/-/quit", "post"), ("/-/quit", "put")}
NOT_API = ("/federate", "/version", "/-/")

# Requests whose answers must be the same to the byte in prometheus 2.42: path, parameters.
SAME = [
    ("/api/v1/query", {"query": "sum("}),
    ("/api/v1/query", {"query": "up", "time": "x"}),
    ("/api/v1/query", {"query": "up", "timeout": "x"}),
    ("/api/v1/query", {"query": "1", "time": "1.5"}),
    ("/api/v1/query", {"query": "1e21", "time": "2020-01-01T00:00:00Z"}),
    ("/api/v1/query", {"query": "'<a>&\u2028'", "time": "-0.001"}),
    ("/api/v1/query", {"query": "test_total", "time": "{end}"}),
    ("/api/v1/query", {"query": "test_total[295s]", "time": "{end}"}),
    ("/api/v1/query", {"query": "vector(1e-7)", "time": "1"}),
    ("/api/v1/query", {"query": "up + on(job) group_left() up", "time": "1"}),
    ("/api/v1/query_range", {"query": "up"}),
    ("/api/v1/query_range", {"query": "up", "start": "1", "end": "x"}),
    ("/api/v1/query_range", {"query": "up", "start": "2", "end": "1", "step": "1"}),
    ("/api/v1/query_range", {"query": "up", "start": "1", "end": "2", "step": "0"}),
    ("/api/v1/query_range", {"query": "up", "start": "1", "end": "2", "step": "-1"}),
    ("/api/v1/query_range", {"query": "up", "start": "1", "end": "2", "step": "x"}),
    ("/api/v1/query_range", {"query": "up", "start": "0", "end": "11001", "step": "1"}),
    ("/api/v1/query_range", {"query": "up", "start": "0", "end": "11000.5", "step": "1"}),
    ("/api/v1/query_range", {"query": "test_total", "start": "{start}", "end": "{end}",
                             "step": "30"}),
    ("/api/v1/query_exemplars", {"query": "1"}), ("/api/v1/query_exemplars", {"query": "up("}),
    ("/api/v1/query_exemplars", {"query": "up", "start": "5", "end": "2"}),
    ("/api/v1/query_exemplars", {"query": "up", "start": "x"}),
    ("/api/v1/query_exemplars", {"query": "nothing_here"}),
    ("/api/v1/format_query", {"query": "sum("}),
    ("/api/v1/series", {}), ("/api/v1/series", {"match[]": "{}"}),
    ("/api/v1/series", {"match[]": "x{"}), ("/api/v1/series", {"match[]": "test_total"}),
    ("/api/v1/series", {"match[]": ["test_total{i='1'}", "test_total"]}),
    ("/api/v1/series", {"match[]": "test_total", "start": "x"}),
    ("/api/v1/series", {"match[]": "nothing_here"}),
    ("/api/v1/labels", {"match[]": "{}"}), ("/api/v1/labels", {"match[]": "test_total"}),
    ("/api/v1/labels", {"end": "x"}), ("/api/v1/label/i/values", {"match[]": "x{"}),
    ("/api/v1/label/i/values", {}), ("/api/v1/label/nothing/values", {}),
    ("/api/v1/label/i/values", {"match[]": "test_total{i!='1'}"}),
    ("/api/v1/metadata", {"limit": "x"}), ("/api/v1/metadata", {"limit": "0"}),
    ("/api/v1/metadata", {"metric": "nothing_here"}),
    ("/api/v1/targets/metadata", {"limit": "x"}),
    ("/api/v1/targets/metadata", {"match_target": "x{"}),
    ("/api/v1/targets/metadata", {"metric": "nothing_here"}),
    ("/api/v1/rules", {}), ("/api/v1/rules", {"type": "x"}),
    ("/api/v1/rules", {"type": "alert"}), ("/api/v1/alerts", {}), ("/api/v1/alertmanagers", {}),
    ("/api/v1/nothing", {}), ("/api/v1/query/deeper", {}), ("/nothing", {}),
    ("/-/reload", {}), ("/-/quit", {}), ("/federate", {}), ("/federate", {"match[]": "x{"}),
    ("/federate", {"match[]": "nothing_here"}),
]
# The same with other methods: method, path.
SAME_METHODS = [("POST", "/api/v1/targets"), ("DELETE", "/api/v1/query"), ("GET", "/api/v1/read"),
                ("GET", "/api/v1/write"), ("POST", "/federate"), ("OPTIONS", "/api/v1/query"),
                ("OPTIONS", "/api/v1/nothing/x"), ("POST", "/api/v1/read"), ("PUT", "/-/ready"),
                ("GET", "/api/v1/admin/tsdb/snapshot"), ("POST", "/api/v1/admin/tsdb/snapshot")]

# Formatting at every kind of node, short and long.
LONG_A = 'rate(a_metric_with_a_long_name_total{instance="one",job="some job"}[5m])'
LONG_B = 'rate(another_metric_with_a_long_name_total{instance="two"}[5m] offset 1h)'
EXPRESSIONS = [
    "sum(up)by(job)", "up", "1 + 2 * 3", f"{LONG_A} + {LONG_B}", f"-({LONG_A} / {LONG_B})",
    f"sum by (job, instance) ({LONG_A} / on (job) group_left (x) {LONG_B})",
    f"topk(3, {LONG_A} + {LONG_B})", f"histogram_quantile(0.9, sum by (le) ({LONG_A} + {LONG_B}))",
    f"({LONG_A} - {LONG_B}) > bool 1", f"max_over_time(({LONG_A} + {LONG_B})[1h:1m] @ 5 offset 1m)",
    f"clamp({LONG_A}, 1, 2) + {LONG_B}", f"count_values without (x) ('a', {LONG_A} or {LONG_B})",
    f"label_replace({LONG_A} and {LONG_B}, 'a', '$1', 'b', '(.*)')",
    f"sum_over_time(({LONG_A})[5m:10s]) + {LONG_B}", f"-{LONG_A} ^ -{LONG_B}",
]


def snappy_block(message):
    """Literals only: valid, if not small."""
    out = bytearray(harness.varint(len(message)))
    for at in range(0, len(message), 65536):
        piece = message[at:at + 65536]
        out += bytes([61 << 2]) + struct.pack("<H", len(piece) - 1) + piece
    return bytes(out)


def zigzag(number):
    return harness.varint((number << 1) ^ (number >> 63))


def histogram(timestamp, count):
    """The body of a native histogram with `count` observations in each of three buckets."""
    def double(number, value):
        return bytes([number << 3 | 1]) + struct.pack("<d", value)
    span = b"\x08" + zigzag(0) + b"\x10" + harness.varint(3)
    return (b"\x08" + harness.varint(3 * count) + double(3, 4.5 * count) + b"\x20" + zigzag(0) +
            double(5, 0.001) + b"\x30\x00" + harness.field(11, span) +
            harness.field(12, zigzag(count) + zigzag(0) + zigzag(0)) +
            b"\x78" + harness.varint(timestamp))


def write_histograms(url, name, samples):
    labels = harness.field(1, harness.field(1, b"__name__") + harness.field(2, name.encode()))
    body = labels + b"".join(harness.field(4, histogram(t, c)) for t, c in samples)
    return harness.http(url + "/api/v1/write", snappy_block(harness.field(1, body)), "POST",
                        {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy"})


def fields(message):
    """(number, value) of a protobuf message: integers and bytes."""
    at, found = 0, []

    def varint():
        nonlocal at
        number = shift = 0
        while True:
            byte = message[at]
            at += 1
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return number
    while at < len(message):
        key = varint()
        if key & 7 == 0:
            found.append((key >> 3, varint()))
        elif key & 7 == 1:
            found.append((key >> 3, message[at:at + 8]))
            at += 8
        else:
            size = varint()
            found.append((key >> 3, message[at:at + size]))
            at += size
    return found


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def streamed_chunks(body):
    """{labels: [(query, min, max, encoding, bytes)]} of a ChunkedReadResponse stream."""
    series, at = {}, 0
    while at < len(body):
        size = shift = 0
        while True:
            byte = body[at]
            at += 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        crc = struct.unpack(">I", body[at:at + 4])[0]
        frame = body[at + 4:at + 4 + size]
        at += 4 + size
        if crc32c(frame) != crc:
            raise AssertionError("a frame has the wrong checksum")
        parts = fields(frame)
        query = dict(parts).get(2, 0)
        for number, one in parts:
            if number != 1:
                continue
            labels = tuple(tuple(v for _, v in fields(label)) for n, label in fields(one) if n == 1)
            for n, chunk in fields(one):
                if n == 2:
                    told = dict(fields(chunk))
                    # Upstream may have an empty byte behind the last bit.
                    series.setdefault(labels, []).append(
                        (query, told.get(1, 0), told.get(2, 0), told[3], told[4].rstrip(b"\0")))
    return series


def read_query(start, end, *matchers):
    body = b"\x08" + harness.varint(start) + b"\x10" + harness.varint(end)
    for kind, name, value in matchers:
        body += harness.field(3, b"\x08" + harness.varint(kind) +
                              harness.field(2, name.encode()) + harness.field(3, value.encode()))
    return harness.field(1, body)


def remote_read(url, message):
    return harness.http(url + "/api/v1/read", snappy_block(message), "POST", {
        "Content-Type": "application/x-protobuf", "Content-Encoding": "snappy",
        "Accept-Encoding": "gzip", "X-Prometheus-Remote-Read-Version": "0.1.0"})


class Api(harness.Case):
    maxDiff = None

    def setUp(self):
        super().setUp()
        self.end = int(time.time()) // 60 * 60 - 60
        self.start = self.end - 1800

    def series(self):
        """Counters every 10 s in three series, and names that need quotes."""
        times = range(self.start, self.end + 1, 10)
        made = [({"__name__": "test_total", "i": str(i), "text": 'a"\\\n<&>'},
                 [(t * 1000, (t - self.start) * (i + 0.5)) for t in times]) for i in range(3)]
        return made + [({"__name__": "test_total", "i": "9", "odd.name": "odd value"},
                        [(self.end * 1000, 1)])]

    def started(self, *flags, series=4):
        server = self.server(flags=flags, start=False)
        server.write_config(CONFIG.format(port=server.port))
        server.start()
        self.assertEqual(server.remote_write(self.series()[:series]).status, 204)
        answer = write_histograms(server.url, "test_histogram",
                                  [((self.end - 300 + i * 10) * 1000, i + 1) for i in range(30)])
        self.assertEqual(answer.status, 204, answer.text)
        harness.wait_for("a scrape", lambda: server.value('up{job="self"}') == 1)
        return server

    def peer(self, server, extra="", flags=()):
        program = self.require_peer("prometheus")
        config = self.directory + "/peer.yml"
        with open(config, "w", encoding="utf-8") as f:
            f.write("global: {external_labels: {site: north, area: x}}\nscrape_configs:\n"
                    "  - {job_name: self, static_configs: [{targets: ['127.0.0.1:1']}]}\n" + extra)
        url = f"http://127.0.0.1:{harness.free_port()}"
        self.run_program(program, f"--config.file={config}", "--web.enable-lifecycle",
                         f"--storage.tsdb.path={self.directory}/peer", *flags,
                         "--web.enable-remote-write-receiver",
                         "--enable-feature=native-histograms,exemplar-storage",
                         f"--web.listen-address={url[7:]}").wait_http(url + "/-/ready")
        return url

    def filled(self, params):
        return {k: [x.format(start=self.start, end=self.end) if "{start}" in x or "{end}" in x
                    else x for x in (v if isinstance(v, list) else [v])]
                for k, v in params.items()}

    # --- the description -------------------------------------------------------------------

    def check(self, description, operation, answer, where):
        responses = operation["responses"]
        described = responses.get(str(answer.status), responses.get("default"))
        self.assertIsNotNone(described, f"{where}: {answer.status} is not described")
        if "$ref" in described:
            described = description["components"]["responses"][described["$ref"].split("/")[-1]]
        if answer.status == 204:
            self.assertEqual(answer.body, b"", where)
            self.assertNotIn("content", described, where)
            return
        kind = answer.headers["Content-Type"].split(";")[0]
        self.assertIn(kind, described["content"], where)
        if not kind.endswith("json"):
            return
        schema = {**described["content"][kind]["schema"], "components": description["components"]}
        validator = jsonschema.Draft202012Validator(schema)
        documents = answer.text.splitlines() if kind == "application/x-ndjson" else [answer.text]
        for document in documents:
            errors = validator.iter_errors(json.loads(document))
            self.assertEqual([f"{e.json_path}: {e.message}"[:300] for e in errors], [],
                             f"{where}: {answer.text[:500]}")

    def test_answers_are_as_described(self):
        os.mkdir(self.directory + "/rules")
        with open(self.directory + "/rules/a.yml", "w", encoding="utf-8") as f:
            f.write(RULES)
        server = self.started("--web.enable-admin-api", "--enable-feature=search-api")
        harness.wait_for("an alert", lambda: server.api("alerts")["alerts"])
        served = server.get("/api/v1/openapi.yaml")
        self.assertEqual(served.headers["Content-Type"], "application/yaml; charset=utf-8")
        description = yaml.safe_load(served.text)
        jsonschema.Draft202012Validator.check_schema(
            {"$defs": description["components"]["schemas"]})
        self.assertEqual(server.get("/api/v1/openapi.json").json,
                         json.loads(json.dumps(description)))
        seen = set()
        for path, params, status in REQUESTS:
            params = self.filled(params)
            url = server.url + (path if path.startswith(NOT_API) else "/api/v1" + path)
            for name in re.findall(r"{(\w+)}", url):
                url = url.replace("{" + name + "}", params.pop(name)[0])
            for method, operation in description["paths"][path].items():
                if method not in ("get", "post", "put", "head"):
                    continue
                seen.add((path, method))
                where = f"{method} {path} {params}"
                query = urllib.parse.urlencode(params, doseq=True)
                if method == "post":
                    answer = harness.http(url, params, "POST")
                else:
                    answer = harness.http(url + "?" + query, method=method.upper())
                self.assertEqual(answer.status, status, f"{where}: {answer.text[:300]}")
                if method != "head":
                    self.check(description, operation, answer, where)
        described = {(path, method) for path, item in description["paths"].items()
                     for method in item if method in ("get", "post", "put", "head", "delete")}
        self.assertEqual(sorted(described - seen - ELSEWHERE), [])

    def test_what_is_new_since_2_42(self):
        server = self.started()
        limited = server.get("/api/v1/query", query="test_total", limit=2, time=self.end).json
        self.assertEqual(len(limited["data"]["result"]), 2)
        self.assertEqual(limited["warnings"], ["results truncated due to limit"])
        for path, params in (("series", {"match[]": "test_total"}), ("labels", {}),
                             ("label/i/values", {})):
            cut = server.get("/api/v1/" + path, limit=1, **params).json
            self.assertEqual(len(cut["data"]), 1)
            self.assertEqual(cut["warnings"], ["results truncated due to limit"])
            whole = server.get("/api/v1/" + path, limit=1000, **params).json
            self.assertNotIn("warnings", whole)
        self.assertEqual(server.api("label/U__odd_2e_name/values"), ["odd value"])
        self.assertEqual(server.api("query", query="test_total", time=self.end + 600,
                                    lookback_delta="30s")["result"], [])
        per_step = server.api("query_range", query="test_total", start=self.end - 30, end=self.end,
                              step=10, stats="all")["stats"]["samples"]
        self.assertEqual(len(per_step["totalQueryableSamplesPerStep"]), 4)
        self.assertTrue(server.api("features")["promql_functions"]["rate"])
        self.assertEqual(server.api("targets", state="dropped")["droppedTargetCounts"]["dropped"],
                         1)
        steps = server.api("targets/relabel_steps", scrapePool="relabelled",
                           labels='{"__address__": "host:1", "job": "x"}')["steps"]
        self.assertEqual([(s["output"].get("instance"), s["keep"]) for s in steps],
                         [("host", True), (None, False)])
        self.assertEqual(steps[0]["rule"], {
            "sourceLabels": ["__address__"], "separator": ";", "regex": "(.*):.*",
            "targetLabel": "instance", "replacement": "$1", "action": "replace"})
        self.assertIn("job_name: relabelled",
                      server.api("scrape_pools/config", scrapePool="relabelled")["yaml"])

    def test_search(self):
        off = self.server()
        answer = off.get("/api/v1/search/metric_names")
        self.assertEqual((answer.status, answer.json["error"]), (500, "search API disabled"))
        self.assertEqual(off.stop(), 0)
        server = self.started("--enable-feature=search-api")

        def lines(path, **params):
            found = server.get("/api/v1/search/" + path, **params)
            return [json.loads(line) for line in found.text.splitlines()]
        first, trailer = lines("metric_names", **{"search[]": "test_", "include_score": "true",
                                                  "fuzz_threshold": "100"})
        self.assertEqual(first["results"], [{"name": "test_histogram", "score": 1},
                                            {"name": "test_total", "score": 1}])
        self.assertEqual(trailer, {"status": "success", "has_more": False})
        self.assertEqual(lines("label_values", label="i", limit=2, batch_size=1), [
            {"results": [{"name": "0"}]}, {"results": [{"name": "1"}]},
            {"status": "success", "has_more": True}])
        self.assertEqual(lines("label_names", **{"search[]": "ODD", "case_sensitive": "false"})[0],
                         {"results": [{"name": "odd.name"}]})
        self.assertEqual(lines("label_names", **{"search[]": "zzz"})[0], {"results": []})

    def test_reload_failures_are_notified(self):
        server = self.started()
        self.assertEqual(server.api("notifications"), [])
        live = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        live.request("GET", "/api/v1/notifications/live")
        response = live.getresponse()
        self.assertEqual(response.getheader("Content-Type"), "text/event-stream")
        good = CONFIG.format(port=server.port)
        server.write_config("nonsense: true\n")
        self.assertEqual(harness.http(server.url + "/-/reload", method="POST").status, 500)

        def event():
            for line in iter(response.readline, b""):
                if line.startswith(b"data: "):
                    return json.loads(line[6:])
            raise AssertionError("the stream ended")
        text = "Configuration reload has failed."
        self.assertEqual([n["text"] for n in server.api("notifications")], [text])
        failed = event()
        self.assertEqual((failed["text"], failed["active"]), (text, True))
        server.write_config(good)
        self.assertEqual(harness.http(server.url + "/-/reload", method="PUT").status, 200)
        self.assertFalse(event()["active"])
        self.assertEqual(server.api("notifications"), [])
        # A reader does not hold up the end.
        began = time.monotonic()
        self.assertEqual(server.stop(), 0)
        self.assertLess(time.monotonic() - began, 30)
        live.close()

    # --- the peer ------------------------------------------------------------------------------

    def test_answers_are_those_of_prometheus(self):
        server = self.server("""
global: {external_labels: {site: north, area: x}}
scrape_configs:
  - {job_name: self, static_configs: [{targets: ["127.0.0.1:1"]}]}
""")
        peer = self.peer(server)
        data = self.series()[:3]  # 2.42 refuses names that need quotes
        body = harness.write_request(data)
        for url in (server.url, peer):
            answer = harness.http(url + "/api/v1/write", body, "POST", {
                "Content-Type": "application/x-protobuf", "Content-Encoding": "snappy"})
            self.assertEqual(answer.status, 204, answer.text)
        different = []

        def compare(where, ours, theirs):
            if ours.status != theirs.status:
                different.append((where, ours.status, theirs.status))
            elif self.comparable(ours) != self.comparable(theirs):
                different.append((where, ours.text[:300], theirs.text[:300]))
            ours_type, their_type = (a.headers.get("Content-Type", "") for a in (ours, theirs))
            if ours_type.replace("; escaping=underscores", "") != their_type:
                different.append((where, ours_type, their_type))
        for path, params in SAME:
            query = urllib.parse.urlencode(self.filled(params), doseq=True)
            compare((path, params), *(harness.http(f"{url}{path}?{query}")
                                      for url in (server.url, peer)))
        for method, path in SAME_METHODS:
            ours, theirs = (harness.http(url + path, b"" if method != "OPTIONS" else None, method)
                            for url in (server.url, peer))
            compare((method, path), ours, theirs)
            if ours.headers["Allow"] != theirs.headers["Allow"]:
                different.append((method, path, ours.headers["Allow"], theirs.headers["Allow"]))
        compare("the form wins", *(harness.http(url + "/api/v1/query?query=1&time=1",
                                                {"query": "2"}, "POST")
                                   for url in (server.url, peer)))
        for expression in EXPRESSIONS:
            ours, theirs = (harness.http(url + "/api/v1/format_query", {"query": expression}).json
                            for url in (server.url, peer))
            if ours != theirs:
                different.append((expression, ours, theirs))
        harness.wait_for("the same pools", lambda: server.get("/api/v1/scrape_pools").json ==
                         harness.http(peer + "/api/v1/scrape_pools").json)
        federated = "/federate?match[]=test_total&match[]=" + urllib.parse.quote('{i="1"}')
        if time.time() < self.end + 270:
            compare(federated, *(harness.http(url + federated) for url in (server.url, peer)))
        self.assertEqual(different, [])

    @staticmethod
    def comparable(answer):
        """JSON as values, else the text; infos and warnings came after 2.42."""
        if not answer.headers.get("Content-Type", "").startswith("application/json"):
            return answer.text
        body = answer.json
        body.pop("infos", None)
        # Upstream lists vectors and metadata in the order of a hash table.
        if isinstance(body.get("data"), dict) and body["data"].get("resultType") == "vector":
            body["data"]["result"].sort(key=lambda s: sorted(s["metric"].items()))
        return body

    # --- remote read ---------------------------------------------------------------------------

    def test_a_real_prometheus_reads_remotely(self):
        server = self.started(series=3)  # 2.42 refuses names that need quotes
        peer = self.peer(server, f"remote_read: [{{url: '{server.url}/api/v1/read', "
                                 "read_recent: true}]\n")
        # 2.42 does not take histograms from remote read yet.
        for query in ("test_total", "test_total[20m]", 'count({i=~".+"})', "rate(test_total[5m])"):
            ours = server.api("query", query=query, time=self.end - 5)["result"]
            theirs = harness.http(peer + "/api/v1/query",
                                  {"query": query, "time": self.end - 5}).json
            self.assertEqual(theirs["status"], "success", (query, theirs))
            self.assertNotIn("warnings", theirs, query)
            self.assertTrue(ours, query)
            self.assertEqual(self.in_order(theirs["data"]["result"]), self.in_order(ours), query)
        # A matcher on an external label of the server read from finds its series.
        self.assertEqual(len(harness.http(peer + "/api/v1/query", {
            "query": 'test_total', "time": self.end - 5}).json["data"]["result"]), 3)

    @staticmethod
    def in_order(result):
        """By labels; external labels are taken off by the reader, which has the same."""
        return sorted(result, key=lambda s: sorted(s["metric"].items()))

    def test_streamed_chunks_are_those_of_prometheus(self):
        """To the bit: short series are one chunk in both."""
        server = self.started("--storage.remote.read-max-bytes-in-frame=100B")
        peer = self.peer(server)
        # Upstream cuts every chunk where two hours end.
        begin = self.end - 600
        if begin // 7200 != self.end // 7200:
            begin = self.end // 7200 * 7200 - 601
        base = begin * 1000
        irregular = [base + t for t in (0, 10_000, 20_001, 29_999, 41_000, 41_001, 120_000, 300_000,
                                        300_500, 599_999)]
        odd = [1, 1, -0.0, 1e300, 5e-324, 0.1, 123456789.125, float("inf"), float("nan"), 2]
        stale = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]
        data = [({"__name__": "chunked", "kind": "odd"}, list(zip(irregular, odd))),
                ({"__name__": "chunked", "kind": "even"},
                 [(base + i * 15_000, 1000 + i * i) for i in range(25)]),
                ({"__name__": "chunked", "kind": "ended"}, [(base, 1), (base + 1, stale)]),
                ({"__name__": "chunked", "kind": "one", "site": "own"}, [(base + 7, 7)])]
        body = harness.write_request(data)
        histograms = [(base + i * 10_000, 1 + i * i) for i in range(20)]
        for url in (server.url, peer):
            self.assertEqual(harness.http(url + "/api/v1/write", body, "POST", {
                "Content-Type": "application/x-protobuf",
                "Content-Encoding": "snappy"}).status, 204)
            answer = write_histograms(url, "chunked_sizes", histograms)
            self.assertEqual(answer.status, 204, answer.text)
        request = (read_query(base, base + 600_000, (0, "__name__", "chunked"), (0, "area", "x")) +
                   read_query(base, base + 600_000, (2, "__name__", "chunked_.*")) +
                   read_query(base + 15_000, base + 45_000, (0, "kind", "even")) +
                   read_query(base, base + 1, (0, "__name__", "nothing")) + b"\x10\x01")
        ours, theirs = remote_read(server.url, request), remote_read(peer, request)
        self.assertEqual(theirs.status, 200, theirs.text)
        for name in ("Content-Type", "Content-Encoding"):
            self.assertEqual(ours.headers[name], theirs.headers[name])
        ours, theirs = streamed_chunks(ours.body), streamed_chunks(theirs.body)
        self.assertEqual(len(theirs), 5)
        self.assertEqual(sorted(ours), sorted(theirs))
        for labels, chunks in theirs.items():
            # What reaches over the end of the third query, upstream sends as it lies in the store.
            self.assertEqual([c for c in ours[labels] if c[0] != 2],
                             [c for c in chunks if c[0] != 2], labels)
        even = ((b"__name__", b"chunked"), (b"area", b"x"), (b"kind", b"even"), (b"site", b"north"))
        cut = [c for c in ours[even] if c[0] == 2]
        self.assertEqual([(c[1], c[2]) for c in cut], [(base + 15_000, base + 45_000)])

    def test_remote_read_answers(self):
        server = self.started()
        peer = self.peer(server)
        query = read_query(self.start * 1000, self.end * 1000, (0, "__name__", "test_total"),
                           (0, "site", "north"))
        streamed = remote_read(server.url, query + b"\x10\x01")
        self.assertEqual(streamed.headers["Content-Type"],
                         "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse")
        self.assertIsNone(streamed.headers["Content-Encoding"])
        self.assertEqual(len(streamed_chunks(streamed.body)), 4)
        samples = remote_read(server.url, query)
        self.assertEqual((samples.headers["Content-Type"], samples.headers["Content-Encoding"]),
                         ("application/x-protobuf", "snappy"))
        different = []
        for broken in (b"xxx", snappy_block(b"\x0a\x7f"), b"", snappy_block(b""),
                       snappy_block(read_query(1, 2, (7, "a", "b"))),
                       snappy_block(read_query(1, 2, (2, "a", "("))),
                       snappy_block(query + b"\x10\x09")):
            ours, theirs = (harness.http(url + "/api/v1/read", broken, "POST")
                            for url in (server.url, peer))
            if (ours.status, ours.headers["Content-Type"]) != (
                    theirs.status, theirs.headers["Content-Type"]):
                different.append((broken, ours.status, ours.text, theirs.status, theirs.text))
        self.assertEqual(different, [])

    # --- federation and the edge -----------------------------------------------------------------

    def test_federation(self):
        server = self.started()
        page = server.get("/federate", **{"match[]": "test_total"})
        if time.time() > self.end + 270:
            self.skipTest("this machine is too slow: the samples are old by now")
        lines = page.text.strip().split("\n")
        self.assertEqual(lines[0], "# TYPE test_total untyped")
        self.assertEqual(
            lines[1], 'test_total{i="0",text="a\\"\\\\\\n<&>",area="x",instance="",site="north"} '
                      f'900 {self.end}000')
        self.assertIn('odd_name="odd value"', lines[4])
        both = server.get("/federate", **{"match[]": ["test_histogram", "test_total{i='0'}"]})
        self.assertNotIn("test_histogram", both.text)
        families = harness.http(server.url + "/federate?match[]=test_histogram", headers={
            "Accept": "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
                      "encoding=delimited;q=0.7,text/plain;version=0.0.4;q=0.3"})
        self.assertTrue(families.headers["Content-Type"].startswith(
            "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
            "encoding=delimited"))
        self.assertIn(b"test_histogram", families.body)

    def test_compression(self):
        server = self.started()
        url = server.url + "/api/v1/label/__name__/values"
        plain = harness.http(url).body
        self.assertGreater(len(plain), 1024)
        zstd = shutil.which("zstd")
        for accepted, coding in (("gzip", "gzip"), ("deflate", "deflate"), ("zstd", "zstd"),
                                 ("gzip;q=0.2, zstd;q=0", "gzip"), ("gzip;q=0", None),
                                 ("identity", None), ("br", None), ("*", "gzip"),
                                 ("gzip;q=0.5, zstd;q=0.8", "zstd")):
            answer = harness.http(url, headers={"Accept-Encoding": accepted})
            self.assertEqual(answer.headers["Content-Encoding"], coding, accepted)
            self.assertEqual(answer.headers["Vary"], "Accept-Encoding", accepted)
            body = answer.body
            if coding == "gzip":
                body = gzip.decompress(body)
            elif coding == "deflate":
                body = zlib.decompress(body)
            elif coding == "zstd":
                if zstd is None:
                    continue
                body = subprocess.run([zstd, "-dc"], input=body, capture_output=True,
                                      check=True).stdout
            self.assertEqual(body, plain, accepted)

    def test_cors_and_methods(self):
        server = self.server(flags=["--web.cors.origin=https?://(a|b)\\.example"])

        def origin(name, path="/api/v1/labels", method="GET"):
            return harness.http(server.url + path, method=method,
                                headers={"Origin": name}).headers
        self.assertEqual(origin("https://a.example")["Access-Control-Allow-Origin"],
                         "https://a.example")
        self.assertIsNone(origin("https://c.example")["Access-Control-Allow-Origin"])
        self.assertEqual(origin("http://b.example", method="OPTIONS")[
            "Access-Control-Allow-Methods"], "GET, POST, OPTIONS")
        self.assertIn("Origin",
                      origin("http://b.example", "/api/v1/features").get_all("Vary"))
        head = harness.http(server.url + "/api/v1/status/buildinfo", method="HEAD")
        self.assertEqual((head.status, head.body), (200, b""))
        broken = self.run_program(harness.binary("vigil-server"), "--web.cors.origin=(",
                                  f"--storage.path={self.directory}/other",
                                  "--web.listen-address=127.0.0.1:0")
        self.assertNotEqual(broken.process.wait(60), 0)
        self.assertIn("--web.cors.origin", broken.log())

    def test_external_url_and_route_prefix(self):
        server = self.server(flags=["--web.external-url=http://example.org/mon/"], start=False)
        server.start(wait=False)
        server.program.wait_http(server.url + "/mon/-/ready")
        self.assertEqual(server.get("/mon/api/v1/query", query="1").json["status"], "success")
        self.assertEqual(server.get("/api/v1/query", query="1").status, 404)
        self.assertEqual(server.get("/mon/api/v1/nothing").status, 404)
        self.assertEqual(harness.http(server.url + "/mon/api/v1/x/y", method="OPTIONS").status, 204)
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        connection.request("GET", "/")
        answer = connection.getresponse()
        self.assertEqual((answer.status, answer.getheader("Location")), (302, "/mon/"))
        connection.close()
        self.assertEqual(server.stop(), 0)
        server.flags.append("--web.route-prefix=/")
        server.start()
        self.assertEqual(server.get("/api/v1/query", query="1").json["status"], "success")

    def test_lifecycle_needs_its_flag(self):
        server = self.server(start=False)
        program = self.run_program(harness.binary("vigil-server"),
                                   f"--config.file={server.config_path}",
                                   f"--storage.path={server.data}",
                                   f"--web.listen-address=127.0.0.1:{server.port}")
        program.wait_http(server.url + "/-/ready")
        for path in ("/-/reload", "/-/quit"):
            refused = harness.http(server.url + path, method="POST")
            self.assertEqual((refused.status, refused.text), (403, "Lifecycle API is not enabled."))
            self.assertEqual(server.get(path).status, 405)
        self.assertEqual(program.stop(), 0)
        server.start()
        answer = harness.http(server.url + "/-/quit", method="PUT")
        self.assertEqual((answer.status, answer.text), (200, "Requesting termination... Goodbye!"))
        self.assertEqual(server.program.process.wait(60), 0)


if __name__ == "__main__":
    harness.main()

# SPDX-License-Identifier: Apache-2.0
"""Bad input gets one clear error and harms nothing that is stored."""
import http.server
import socket
import subprocess
import threading
import time

import harness

GOOD = "good_metric 1\n"


class Misbehaving(http.server.BaseHTTPRequestHandler):
    """One path per way to be a bad target."""

    def do_GET(self):  # noqa: N802 (the name is the library's)
        kind = self.path.strip("/")
        if kind == "silent":
            time.sleep(3)
            return
        body = {
            "good": GOOD, "garbage": "\x00\x01 this is { not = a metric page\n",
            "half": "good_metric 1\nhalf_a_line{a=\"b", "html": "<html>hello</html>",
            "error": "broken", "bad_type": GOOD, "bomb": GOOD,
        }.get(kind, "")
        self.send_response(500 if kind == "error" else 200)
        self.send_header("Content-Type", "application/octet-stream" if kind == "bad_type" else
                         "text/html" if kind == "html" else "text/plain; version=0.0.4")
        if kind == "bomb":
            self.send_header("Content-Encoding", "gzip")  # which it is not
        # A promised length that never comes.
        self.send_header("Content-Length", str(len(body) + (100 if kind == "cut" else 0)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *args):
        pass


class BadInput(harness.Case):
    def exits_with(self, name, *args):
        run = subprocess.run([harness.binary(name), *args], capture_output=True, text=True,
                             timeout=60, check=False, cwd=self.directory)
        return run.returncode, run.stdout + run.stderr

    def test_bad_flags(self):
        for name in ("vigil-server", "vigil-node-exporter", "vigil-pushgateway"):
            code, output = self.exits_with(name, "--no-such-flag")
            self.assertEqual(code, 1, name)
            self.assertIn("unknown long flag '--no-such-flag'", output)
            code, output = self.exits_with(name, "--web.listen-address=nonsense")
            self.assertEqual(code, 1, name)
            self.assertIn("nonsense", output)
        code, output = self.exits_with("vigil-server", "--storage.flush-interval=fast")
        self.assertEqual(code, 1)
        self.assertIn("storage.flush-interval", output)

    def test_bad_configuration_names_line_and_key(self):
        path = self.directory + "/bad.yml"
        with open(path, "w", encoding="utf-8") as f:
            f.write("global:\n  scrape_interval: 1s\nscrape_configs:\n  - job_nam: x\n")
        code, output = self.exits_with("vigil-server", f"--config.file={path}",
                                       f"--storage.path={self.directory}/d")
        self.assertEqual(code, 1)
        self.assertIn("bad.yml:4:5", output)
        self.assertIn("job_nam", output)
        code, output = self.exits_with("vigil-server", "--config.file=/does/not/exist.yml",
                                       f"--storage.path={self.directory}/d")
        self.assertEqual(code, 1)
        self.assertIn("/does/not/exist.yml", output)

    def test_a_bad_reload_changes_nothing(self):
        server = self.server(f"""
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: node
    static_configs: [{{targets: ["127.0.0.1:{self.node_exporter()}"]}}]
""")
        harness.wait_for("up", lambda: server.value("up") == 1)
        server.write_config("scrape_configs: [{job_name: a}, {job_name: a}]\n")
        answer = harness.http(server.url + "/-/reload", "")
        self.assertEqual(answer.status, 500)
        self.assertIn("job", answer.text)
        self.assertEqual(server.metric("prometheus_config_last_reload_successful"), 0)
        seen = server.value("timestamp(up)")
        harness.wait_for("scraping to go on", lambda: server.value("timestamp(up)") > seen)

    def test_bad_targets_are_down_with_the_reason(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
        web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Misbehaving)
        threading.Thread(target=web.serve_forever, daemon=True).start()
        self.addCleanup(web.server_close)
        self.addCleanup(web.shutdown)
        kinds = ["good", "garbage", "half", "html", "error", "bad_type", "bomb", "cut", "silent"]
        server = self.server("global: {scrape_interval: 1s, scrape_timeout: 500ms}\n"
                             "scrape_configs:\n" + "".join(
                                 f"  - job_name: {kind}\n    metrics_path: /{kind}\n"
                                 f"    static_configs: [{{targets: ['127.0.0.1:{web.server_port}']}}]\n"
                                 for kind in kinds))

        def targets():
            found = {t["scrapePool"]: t for t in server.api("targets")["activeTargets"]}
            return all(t["health"] != "unknown" for t in found.values()) and found
        found = harness.wait_for("every target's verdict", targets)
        self.assertEqual(found["good"]["health"], "up")
        for kind in kinds[1:]:
            self.assertEqual(found[kind]["health"], "down", kind)
            self.assertTrue(found[kind]["lastError"], kind)
            self.assertEqual(server.value(f"up{{job='{kind}'}}"), 0)
        self.assertIn("500", found["error"]["lastError"])
        self.assertIn("deadline exceeded", found["silent"]["lastError"])
        # Half a page leaves nothing behind but the report series.
        self.assertFalse(server.query("good_metric{job='half'}"))
        self.assertEqual(server.value("good_metric"), 1)

    def test_bad_queries(self):
        server = self.server()
        for expr, status, kind, text in [
                ("up{", 400, "bad_data", "parse error"),
                ("", 400, "bad_data", "no expression found"),
                ("no_such_function(up)", 400, "bad_data", "unknown function"),
                ("up[5m]", 200, None, None),
                ("(" * 5000, 400, "bad_data", "parse error"),
                ("label_replace(vector(1), 'a', '$1', 'b', '(')", 422, "execution", "regular exp"),
                ("{}", 400, "bad_data", "non-empty matcher")]:
            answer = harness.http(server.url + "/api/v1/query", {"query": expr})
            self.assertEqual(answer.status, status, (expr[:40], answer.text[:300]))
            if kind:
                self.assertEqual(answer.json["errorType"], kind)
                self.assertIn(text, answer.json["error"])
        for params in ({"query": "up"}, {"query": "up", "start": 1, "end": 0, "step": 1},
                       {"query": "up", "start": 0, "end": 1, "step": 0},
                       {"query": "up", "start": 0, "end": 1e6, "step": 1},
                       {"query": "up", "start": "x", "end": 1, "step": 1},
                       {"query": "up[5m]", "start": 0, "end": 1, "step": 1}):
            self.assertEqual(server.get("/api/v1/query_range", **params).status, 400, params)
        self.assertEqual(server.get("/api/v1/series").status, 400)
        self.assertEqual(server.get("/api/v1/query?query=%zz").status, 400)

    def test_bad_remote_writes(self):
        server = self.server()
        now = int(time.time() * 1000)
        self.assertEqual(server.remote_write([({"__name__": "kept"}, [(now, 1.0)])]).status, 204)
        headers = {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy"}
        url = server.url + "/api/v1/write"
        self.assertEqual(harness.http(url, b"garbage", "POST", headers).status, 400)
        self.assertEqual(harness.http(url, b"", "POST", headers).status, 400)
        good = harness.write_request([({"__name__": "kept"}, [(now + 1, 2.0)])])
        self.assertEqual(harness.http(url, good[:-3], "POST", headers).status, 400)
        self.assertEqual(harness.http(url, good, "POST", {"Content-Encoding": "gzip"}).status, 415)
        # Whole batches only: the good sample beside an old one is not taken.
        answer = server.remote_write([({"__name__": "kept"}, [(now + 2, 3.0), (now - 5000, 4.0)])])
        self.assertEqual((answer.status, answer.text.strip()), (400, "out of order sample"))
        answer = server.remote_write([({"__name__": "kept"}, [(now, 9.0)])])
        self.assertEqual(answer.status, 400)
        self.assertIn("duplicate sample", answer.text)
        answer = server.remote_write([({"__name__": "kept"}, [(now + 3_600_000, 1.0)])])
        self.assertEqual((answer.status, answer.text.strip()), (400, "out of bounds"))
        # A sender that repeats an acknowledged request is not punished for it.
        self.assertEqual(server.remote_write([({"__name__": "kept"}, [(now, 1.0)])]).status, 204)
        found = server.samples("kept", now / 1000 - 60, now / 1000 + 60)
        self.assertEqual([[v for _, v in s] for s in found.values()], [["1"]])

    def test_the_receiver_is_off_unless_asked_for(self):
        port = harness.free_port()
        program = self.run_program(harness.binary("vigil-server"),
                                   f"--storage.path={self.directory}/off",
                                   f"--web.listen-address=127.0.0.1:{port}",
                                   f"--config.file={self.off_config()}")
        program.wait_http(f"http://127.0.0.1:{port}/-/ready")
        self.assertEqual(harness.http(f"http://127.0.0.1:{port}/api/v1/write", b"x").status, 404)
        self.assertEqual(harness.http(f"http://127.0.0.1:{port}/-/reload", b"").status, 403)
        self.assertEqual(harness.http(f"http://127.0.0.1:{port}/-/quit", b"").status, 403)
        self.assertEqual(program.stop(), 0)

    def off_config(self):
        path = self.directory + "/off.yml"
        with open(path, "w", encoding="utf-8") as f:
            f.write("scrape_configs: []\n")
        return path

    def test_bad_pushes(self):
        url = f"http://127.0.0.1:{self.pushgateway()}/metrics/job"
        for path, body, status in [
                ("/a", "good 1\n", 200), ("/a", "no_newline 1", 400), ("/a", "gar{bage\n", 400),
                ("/a", "timed 1 1000\n", 400), ("/a/odd", "good 1\n", 400),
                ("/a/__bad/x", "good 1\n", 400), ("@base64/%%%", "good 1\n", 400),
                ("@base64/YQ", "good 1\n", 200), ("/", "good 1\n", 404),
                ("/b", "# TYPE good counter\ngood 1\n", 400)]:
            answer = harness.http(url + path, body)
            self.assertEqual(answer.status, status, (path, body, answer.text))
            if status == 400:
                self.assertTrue(answer.text.strip(), path)


if __name__ == "__main__":
    harness.main()

# SPDX-License-Identifier: Apache-2.0
"""Queries while they run: the list, cancelling, clients that go away, the queue, the log, explain."""
import json
import os
import socket
import struct
import subprocess
import threading
import time
import urllib.parse

import harness

# Much work on any machine, with little data.
ENDLESS = "count_over_time((" + " + ".join(
    f"quantile_over_time(0.{n}, wide[6000s])" for n in range(1, 9)) + ")[6000s:1s])"


class RunningQueries(harness.Case):
    def setUp(self):
        super().setUp()
        self.log_file = os.path.join(self.directory, "query.log")
        self.config = f"global: {{query_log_file: {self.log_file}}}\n"
        self.ours = self.server(self.config, [
            "--web.enable-admin-api", "--query.max-concurrency=2", "--query.max-samples=3000000"])
        self.now = int(time.time())
        series = [({"__name__": "wide", "n": str(n)},
                   [((self.now - 3000 + k) * 1000, float(k * n % 17)) for k in range(3000)])
                  for n in range(8)]
        for begin in range(0, 3000, 1000):
            answer = self.ours.remote_write(
                [(labels, samples[begin:begin + 1000]) for labels, samples in series])
            self.assertEqual(answer.status, 204, answer.text)

    def test_running_queries(self):
        # One server for all; metrics and log first, for they count, the server's end last.
        for part in (self.metrics, self.query_log, self.list_and_cancel,
                     self.a_client_that_goes_away_ends_its_query, self.queue, self.limits,
                     self.answers_that_nobody_takes, self.remote_reads,
                     self.explain, self.commands, self.the_end_of_the_server_ends_queries):
            with self.subTest(part.__name__):
                part()

    def ask(self, query, **form):
        return harness.http(self.ours.url + "/api/v1/query",
                            {"query": query, "time": self.now, **form}, timeout=150)

    def running(self):
        return self.ours.api("status/queries")["queries"]

    def begin(self, query=ENDLESS, **form):
        """The thread that asks, and where its answer will be."""
        answers = []
        thread = threading.Thread(target=lambda: answers.append(self.ask(query, **form)))
        thread.start()
        self.addCleanup(thread.join)
        return thread, answers

    def wait_running(self, count, state=None):
        def found():
            queries = [q for q in self.running() if state in (None, q["state"])]
            return [queries] if len(queries) == count else None
        return harness.wait_for(f"{count} queries", found)[0]

    def cancel(self, query_id):
        return harness.http(f"{self.ours.url}/api/v1/admin/queries/{query_id}/cancel", b"", "POST")

    def metrics(self):
        self.ask("count(wide)")
        self.assertEqual(self.ours.metric("prometheus_engine_queries"), 0)
        self.assertEqual(self.ours.metric("prometheus_engine_queries_concurrent_max"), 2)
        self.assertEqual(self.ours.metric("prometheus_engine_query_log_enabled"), 1)
        self.assertEqual(self.ours.metric("prometheus_engine_query_samples_total"), 8)
        for name in ("inner_eval", "prepare_time", "queue_time", "result_sort"):
            series = 'prometheus_engine_query_duration_seconds_%s{slice="' + name + '"}'
            self.assertEqual(self.ours.metric(series % "count"), 1)
            self.assertLess(self.ours.metric(series % "sum"), 10)

    def list_and_cancel(self):
        self.assertEqual(self.running(), [])
        thread, answers = self.begin()
        query = self.wait_running(1, "running")[0]
        self.assertEqual((query["query"], query["kind"]), (ENDLESS, "instant"))
        self.assertTrue(query["client"].startswith("127.0.0.1:"), query)
        harness.wait_for("what it costs", lambda: [
            q for q in self.running() if q["cpuSeconds"] > 0.2 and q["series"] >= 8
            and q["samples"] > 0 and q["chunksInMemory"] >= 8])
        began = time.monotonic()
        self.assertEqual(self.cancel(query["id"]).status, 204)
        thread.join()
        # Some milliseconds of the engine; the rest is the machine's.
        self.assertLess(time.monotonic() - began, 2)
        self.assertEqual(answers[0].status, 499)
        self.assertEqual(answers[0].json["errorType"], "canceled")
        self.assertEqual(answers[0].json["error"],
                         "query was canceled in expression evaluation")
        self.assertEqual(self.running(), [])
        self.assertEqual(self.cancel(query["id"]).status, 404)
        self.assertEqual(self.cancel("x").status, 400)

    def a_client_that_goes_away_ends_its_query(self):
        with socket.create_connection(("127.0.0.1", self.ours.port)) as client:
            form = urllib.parse.urlencode({"query": ENDLESS, "time": self.now})
            client.sendall(f"POST /api/v1/query HTTP/1.1\r\nHost: x\r\nContent-Length: {len(form)}"
                           f"\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n{form}"
                           .encode())
            self.wait_running(1, "running")
        began = time.monotonic()
        self.wait_running(0)
        self.assertLess(time.monotonic() - began, 5)

    def queue(self):
        for _ in range(2):
            self.begin()
        self.wait_running(2, "running")
        # Two run, so these wait; their waiting is part of their time.
        answer = self.ask("wide", timeout="0.2")
        self.assertEqual((answer.status, answer.json["errorType"], answer.json["error"]),
                         (503, "timeout", "query timed out in query queue"))
        thread, answers = self.begin("wide")
        queued = self.wait_running(1, "queued")[0]
        self.assertEqual(self.cancel(queued["id"]).status, 204)
        thread.join()
        self.assertEqual((answers[0].status, answers[0].json["error"]),
                         (499, "query was canceled in query queue"))
        thread, answers = self.begin("count(wide)")
        self.wait_running(1, "queued")
        # Somebody's turn comes.
        self.cancel(self.wait_running(2, "running")[0]["id"])
        thread.join()
        self.assertEqual(answers[0].json["data"]["result"][0]["value"][1], "8")
        for query in self.running():
            self.cancel(query["id"])
        self.wait_running(0)

    def limits(self):
        answer = self.ask(ENDLESS, timeout="0.3")
        self.assertEqual((answer.status, answer.json["errorType"], answer.json["error"]),
                         (503, "timeout", "query timed out in expression evaluation"))
        answer = self.ask("(wide + wide)[3000s:1ms]")
        self.assertEqual((answer.status, answer.json["errorType"], answer.json["error"]),
                         (422, "execution", "query processing would load too many samples into "
                          "memory in query execution"))

    def slow_client(self, request):
        """Asks and takes nothing of the answer; its socket holds little."""
        client = socket.socket()
        self.addCleanup(client.close)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", self.ours.port))
        client.sendall(request)
        return client

    def answers_that_nobody_takes(self):
        # Fifteen megabytes: much more than sockets hold.
        query = " or ".join(f'label_replace(vector(time() * pi()), "n", "{n}", "", "")'
                            for n in range(40))
        form = urllib.parse.urlencode({"query": query, "step": 1, "start": self.now - 10_900,
                                       "end": self.now})
        request = (f"GET /api/v1/query_range?{form} HTTP/1.1\r\nHost: x\r\n\r\n").encode()
        slow = self.slow_client(request)
        sending = self.wait_running(1, "sending")[0]
        self.assertEqual(sending["kind"], "range")
        self.assertEqual(self.ours.metric("prometheus_engine_queries"), 0)
        # It holds no turn of a query.
        for _ in range(3):
            self.assertEqual(self.ask("count(wide)").status, 200)
        client = self.slow_client(request)
        self.wait_running(2, "sending")
        client.close()
        self.wait_running(1, "sending")
        self.assertEqual(self.cancel(sending["id"]).status, 204)
        harness.wait_for("the mark", lambda: [
            q for q in self.running() if q["state"] == "canceled"])
        slow.close()
        self.wait_running(0)

    def remote_reads(self):
        """Streamed chunks that nobody takes are listed, and end with their client."""
        matcher = harness.field(3, harness.field(2, b"__name__") + harness.field(3, b"wide"))
        start, end = (self.now - 3600) * 1000, self.now * 1000
        query = harness.field(1, b"\x08" + harness.varint(start) + b"\x10" + harness.varint(end) +
                              matcher)
        # So many times that the answer is long; 2 = accepted types, 1 = streamed chunks.
        message = query * 400 + b"\x10\x01"
        body = harness.varint(len(message)) + b"".join(
            bytes([61 << 2]) + struct.pack("<H", len(piece) - 1) + piece
            for piece in (message[at:at + 65536] for at in range(0, len(message), 65536)))
        client = self.slow_client(
            f"POST /api/v1/read HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
            "Content-Type: application/x-protobuf\r\nContent-Encoding: snappy\r\n\r\n".encode()
            + body)

        def reads():
            return [q for q in self.running() if q["kind"] == "remote_read"]
        read = harness.wait_for("the read", lambda: [
            q for q in reads() if q["state"] == "sending"])[0]
        self.assertTrue(read["query"].startswith('{__name__="wide"}, '), read)
        self.assertEqual(read["series"], 8 * 400)
        self.assertEqual(self.ours.metric("prometheus_remote_read_handler_queries"), 1)
        client.close()
        harness.wait_for("its end", lambda: not reads())
        self.assertEqual(self.ours.metric("prometheus_remote_read_handler_queries"), 0)

    def the_end_of_the_server_ends_queries(self):
        _, answers = self.begin()
        self.wait_running(1, "running")
        self.assertEqual(self.ours.stop(), 0)
        harness.wait_for("the answer", lambda: answers)
        self.assertIn(answers[0].status, (499, 503))

    def query_log(self):
        with open(self.log_file, encoding="utf-8") as f:
            before = len(f.readlines())
        self.ask("count(wide)")
        self.ask("wide + on () wide")
        harness.http(self.ours.url + "/api/v1/query_range",
                     {"query": "sum(wide)", "start": self.now - 60, "end": self.now, "step": 15})
        with open(self.log_file, encoding="utf-8") as f:
            lines = [json.loads(line) for line in f.readlines()[before:]]
        self.assertEqual([line["params"]["query"] for line in lines],
                         ["count(wide)", "wide + on () wide", "sum(wide)"])
        self.assertEqual(lines[0]["httpRequest"], {"clientIP": "127.0.0.1", "method": "POST",
                                                   "path": "/api/v1/query"})
        self.assertEqual(lines[2]["params"]["step"], 15)
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(self.now - 60))
        self.assertTrue(lines[2]["params"]["start"].startswith(stamp), lines[2])
        self.assertGreater(lines[0]["stats"]["timings"]["execTotalTime"], 0)
        self.assertGreater(lines[0]["stats"]["samples"]["totalQueryableSamples"], 0)
        self.assertNotIn("error", lines[0])
        self.assertIn("found duplicate series", lines[1]["error"])
        # Rotated: after a reload the lines go to the new file.
        os.rename(self.log_file, self.log_file + ".1")
        self.assertEqual(harness.http(self.ours.url + "/-/reload", "").status, 200)
        self.ask("vector(7)")
        with open(self.log_file, encoding="utf-8") as f:
            self.assertIn("vector(7)", f.read())

    def explain(self):
        data = self.ours.api("query_explain", query="sum by (n) (rate(wide[5m])) / 2",
                             start=self.now - 600, end=self.now, step=15)
        self.assertEqual((data["resultType"], data["resultSeries"], data["series"]),
                         ("matrix", 8, 8))
        root = data["plan"]
        self.assertEqual((root["kind"], root["evaluation"], root["outputSeries"], root["steps"]),
                         ("binaryExpr", "vector with scalar", 8, 41))
        self.assertEqual(root["position"], {"start": 0, "end": 31})
        aggregation, number = root["children"]
        self.assertEqual(number["text"], "2")
        self.assertTrue(number["onceForAllSteps"] or number["steps"] == 41)
        rate = aggregation["children"][0]
        self.assertEqual((rate["text"], rate["evaluation"]), ("rate(wide[5m])", "sliding windows"))
        selector = rate["children"][0]
        self.assertEqual((selector["series"], selector["children"]), (8, []))
        self.assertEqual(selector["samples"], data["samples"])
        self.assertGreaterEqual(selector["samples"], 8 * 800)
        self.assertGreaterEqual(selector["chunksInMemory"], 8)

        def nodes(node):
            return [node] + [n for child in node["children"] for n in nodes(child)]
        self.assertAlmostEqual(sum(n["share"] for n in nodes(root)), 1, delta=0.1)
        wrong = self.ours.get("/api/v1/query_explain", query="sum(").json
        self.assertEqual((wrong["errorType"], wrong["error"]), (
            "bad_data", 'invalid parameter "query": 1:5: parse error: unclosed left parenthesis'))

    def vigilctl(self, *args):
        return subprocess.run([harness.binary("vigilctl"), "query", *args], capture_output=True,
                              text=True, timeout=60, check=False)

    def commands(self):
        run = self.vigilctl("explain", self.ours.url, "sum(rate(wide[5m]))",
                            f"--start={self.now - 600}", f"--end={self.now}", "--step=15s")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("1 series as the result, 8 series selected", run.stdout)
        self.assertIn("└─ rate(wide[5m])  [sliding windows, 8 series out", run.stdout)
        thread, answers = self.begin()
        query = self.wait_running(1, "running")[0]
        listed = self.vigilctl("running", self.ours.url)
        self.assertIn(f"{query['id']} running", listed.stdout)
        self.assertIn("quantile_over_time", listed.stdout)
        canceled = self.vigilctl("cancel", self.ours.url, str(query["id"]))
        self.assertEqual((canceled.returncode, canceled.stderr), (0, ""))
        thread.join()
        self.assertEqual(answers[0].status, 499)
        again = self.vigilctl("cancel", self.ours.url, str(query["id"]))
        self.assertEqual(again.returncode, 1)
        self.assertIn("no query with the id", again.stderr)


if __name__ == "__main__":
    harness.main()

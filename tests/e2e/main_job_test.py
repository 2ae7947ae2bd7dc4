# SPDX-License-Identifier: Apache-2.0
"""The main job, end to end: host and batch metrics scraped into PostgreSQL, answered by PromQL."""
import json
import os
import time

import harness

CONFIG = """
global:
  scrape_interval: 1s
  scrape_timeout: 1s
scrape_configs:
  - job_name: node
    static_configs:
      - targets: ["127.0.0.1:{node}"]
        labels: {{rack: r1}}
  - job_name: push
    honor_labels: true
    static_configs:
      - targets: ["127.0.0.1:{push}"]
  - job_name: files
    file_sd_configs:
      - files: ["{directory}/targets/*.json"]
"""


class MainJob(harness.Case):
    def setUp(self):
        super().setUp()
        os.mkdir(os.path.join(self.directory, "targets"))
        self.node = self.node_exporter()
        self.push = self.pushgateway()
        # Everything from nothing, the database as well.
        self.target = self.server(fresh=True, config=CONFIG.format(
            node=self.node, push=self.push, directory=self.directory))

    def test_host_metrics_by_promql_and_sql(self):
        server = self.target
        cpus = os.sysconf("SC_NPROCESSORS_ONLN")
        rates = harness.wait_for("CPU rates", lambda: (
            lambda r: len(r) >= 8 * cpus and r)(server.query("rate(node_cpu_seconds_total[10s])")))
        self.assertEqual({r["metric"]["cpu"] for r in rates}, {str(i) for i in range(cpus)})
        self.assertTrue(all(r["metric"]["rack"] == "r1" for r in rates))
        # Every CPU's modes add up to about a second a second.
        for r in server.query("sum by (cpu) (rate(node_cpu_seconds_total[10s]))"):
            self.assertLess(float(r["value"][1]), 1.6)
        self.assertEqual(server.value("up{job='node'}"), 1)
        self.assertGreater(server.value("scrape_samples_scraped{job='node'}"), 100)

        now = time.time()
        matrix = server.api("query_range", query="node_load1", start=now - 5, end=now, step=1)
        self.assertEqual(matrix["resultType"], "matrix")
        self.assertGreater(len(matrix["result"][0]["values"]), 1)

        # The same samples by SQL, before and after they move from journal to chunks.
        want = server.value("count_over_time(node_load1[1h])")
        rows = harness.wait_for("samples by psql", lambda: (
            lambda r: int(r[0][0]) >= want and r)(server.psql(
                "select count(*) from vigil.samples('node_load1', now() - interval '1 hour', now())")))
        self.assertGreaterEqual(int(rows[0][0]), want)
        self.assertEqual(server.stop(), 0)
        server.start()
        rows = server.psql("select count(*), min(value) from vigil.samples("
                           "'node_load1{job=\"node\"}', now() - interval '1 hour', now())")
        self.assertGreaterEqual(int(rows[0][0]), want)
        labels = json.loads(server.psql(
            "select labels from vigil.series where labels->>'__name__' = 'node_load1'")[0][0])
        self.assertEqual(labels["rack"], "r1")

    def test_a_pushed_job_appears(self):
        base = f"http://127.0.0.1:{self.push}/metrics/job/backup/instance/db1"
        self.assertEqual(harness.http(base, "last_success 42\n").status, 200)
        value = lambda: self.target.value("last_success{job='backup',instance='db1'}")
        self.assertEqual(harness.wait_for("the pushed sample", value), 42)
        self.assertGreater(self.target.value("push_time_seconds{job='backup'}"), time.time() - 60)
        self.assertEqual(harness.http(base, method="DELETE").status, 202)
        harness.wait_for("staleness of the deleted group",
                         lambda: not self.target.query("last_success"))

    def test_file_discovery_follows_the_file(self):
        path = os.path.join(self.directory, "targets", "a.json")

        def write(groups):
            with open(path + ".new", "w", encoding="utf-8") as f:
                json.dump(groups, f)
            os.rename(path + ".new", path)

        write([{"targets": [f"127.0.0.1:{self.node}"], "labels": {"from": "file"}}])
        harness.wait_for("the target of the file",
                         lambda: self.target.value("up{job='files',from='file'}") == 1)
        write([])
        harness.wait_for("the target to go stale",
                         lambda: not self.target.query("up{job='files'}"))

    def test_targets_say_why_they_are_down(self):
        closed = harness.free_port()
        harness.wait_for("the first scrape", lambda: self.target.query("up{job='node'}"))
        self.target.write_config(f"""
global: {{scrape_interval: 1s, scrape_timeout: 500ms}}
scrape_configs:
  - job_name: nobody
    static_configs: [{{targets: ["127.0.0.1:{closed}"]}}]
  - job_name: wrong_path
    metrics_path: /nothing
    static_configs: [{{targets: ["127.0.0.1:{self.node}"]}}]
""")
        self.assertEqual(harness.http(self.target.url + "/-/reload", "").status, 200)

        def errors():
            targets = self.target.api("targets")["activeTargets"]
            found = {t["scrapePool"]: t["lastError"] for t in targets if t["health"] == "down"}
            return len(found) == 2 and found
        found = harness.wait_for("both targets to be down", errors)
        self.assertIn("connection refused", found["nobody"])
        self.assertIn("server returned HTTP status 404", found["wrong_path"])
        self.assertEqual(self.target.value("up{job='nobody'}"), 0)
        # The jobs that left are stale, their history is not.
        harness.wait_for("node to go stale", lambda: not self.target.query("up{job='node'}"))
        self.assertTrue(self.target.query("last_over_time(up{job='node'}[5m])"))

    def test_the_api_answers_what_dashboards_ask(self):
        server = self.target
        harness.wait_for("data", lambda: server.query("node_load1"))
        now = time.time()
        self.assertIn("node_load1", server.api("label/__name__/values"))
        self.assertIn("rack", server.api("labels"))
        self.assertEqual(server.api("series", **{"match[]": "node_load1", "start": now - 60})[0]
                         ["rack"], "r1")
        self.assertEqual(server.api("metadata", metric="node_load1")["node_load1"][0]["type"],
                         "gauge")
        self.assertIn("version", server.api("status/buildinfo"))
        self.assertIn("job_name: node", server.api("status/config")["yaml"])
        self.assertEqual(server.api("status/flags")["web.enable-lifecycle"], "true")
        posted = harness.http(server.url + "/api/v1/query", {"query": "1+1", "time": "4"})
        self.assertEqual(posted.json["data"], {"resultType": "scalar", "result": [4, "2"]})
        self.assertEqual(harness.http(server.url + "/api/v1/targets", {"a": "b"}).status, 405)
        self.assertEqual(server.get("/api/v1/nothing").status, 404)
        for page in ("/", "/targets", "/static/query.js", "/-/healthy", "/-/ready", "/metrics"):
            self.assertEqual(server.get(page).status, 200, page)
        packed = harness.http(server.url + "/api/v1/series?match[]={job=%22node%22}",
                              headers={"Accept-Encoding": "gzip"})
        self.assertEqual(packed.headers["Content-Encoding"], "gzip")


if __name__ == "__main__":
    harness.main()

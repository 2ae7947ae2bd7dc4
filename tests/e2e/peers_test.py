# SPDX-License-Identifier: Apache-2.0
"""The real promtool and prometheus against our programs."""
import subprocess
import time

import harness


class Peers(harness.Case):
    def test_promtool_queries_our_server(self):
        promtool = self.require_peer("promtool")
        node = self.node_exporter()
        server = self.server(f"""
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: node
    static_configs: [{{targets: ["127.0.0.1:{node}"]}}]
""")
        harness.wait_for("up", lambda: server.value("up") == 1)

        def run(*args):
            return subprocess.run([promtool, "query", *args], capture_output=True, text=True,
                                  timeout=60, check=True).stdout
        self.assertIn(f'up{{instance="127.0.0.1:{node}", job="node"}} => 1 @',
                      run("instant", server.url, "up"))
        harness.wait_for("the sample in a range", lambda: "up{" in run(
            "range", server.url, "up", f"--start={time.time() - 60:.0f}",
            f"--end={time.time():.0f}"))
        self.assertIn("node", run("labels", server.url, "job"))
        self.assertIn("node_load1", run("series", server.url, "--match=node_load1"))
        broken = subprocess.run([promtool, "query", "instant", server.url, "up{"],
                                capture_output=True, text=True, timeout=60, check=False)
        self.assertNotEqual(broken.returncode, 0)
        self.assertIn("parse error", broken.stderr + broken.stdout)

    def test_promtool_likes_our_pages(self):
        promtool = self.require_peer("promtool")
        node, push, server = self.node_exporter(), self.pushgateway(), self.server()
        for port in (node, push, server.port):
            page = harness.http(f"http://127.0.0.1:{port}/metrics").text
            checked = subprocess.run([promtool, "check", "metrics"], input=page, text=True,
                                     capture_output=True, timeout=60, check=False)
            # 3: only style remarks (upstream's own names earn some); 1: not parsable.
            self.assertIn(checked.returncode, (0, 3), checked.stderr)

    def test_a_real_prometheus_scrapes_exporter_and_pushgateway(self):
        prometheus = self.require_peer("prometheus")
        node, push = self.node_exporter(), self.pushgateway()
        server = self.server()
        harness.http(f"http://127.0.0.1:{push}/metrics/job/batch", "batch_done 7\n")
        config = self.directory + "/peer.yml"
        with open(config, "w", encoding="utf-8") as f:
            f.write(f"""
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: node
    static_configs: [{{targets: ["127.0.0.1:{node}"]}}]
  - job_name: server
    static_configs: [{{targets: ["127.0.0.1:{server.port}"]}}]
  - job_name: push
    honor_labels: true
    static_configs: [{{targets: ["127.0.0.1:{push}"]}}]
remote_write:
  - url: {server.url}/api/v1/write
    queue_config: {{batch_send_deadline: 1s}}
""")
        port = harness.free_port()
        self.run_program(prometheus, f"--config.file={config}",
                         f"--storage.tsdb.path={self.directory}/peer",
                         f"--web.listen-address=127.0.0.1:{port}").wait_http(
                             f"http://127.0.0.1:{port}/-/ready")

        def peer_value(expr):
            result = harness.http(f"http://127.0.0.1:{port}/api/v1/query",
                                  {"query": expr}).json["data"]["result"]
            return float(result[0]["value"][1]) if result else 0
        harness.wait_for("all targets up", lambda: peer_value("sum(up)") == 3)
        harness.wait_for("the pushed job", lambda: peer_value("batch_done{job='batch'}") == 7)
        harness.wait_for("CPU rates",
                         lambda: peer_value("count(rate(node_cpu_seconds_total[10s]))") >= 8)
        # And what it scraped comes back to us by remote write.
        harness.wait_for("remote write from the real prometheus",
                         lambda: server.value("batch_done{job='batch'}") == 7)
        self.assertEqual(server.value("up{job='node'}"), 1)


if __name__ == "__main__":
    harness.main()

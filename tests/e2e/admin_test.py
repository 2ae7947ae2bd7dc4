# SPDX-License-Identifier: Apache-2.0
"""Deletes, snapshots and retention with the real server."""
import os
import shutil
import time

from harness import Case, Server, http, main

CLASSES = """
storage:
  tsdb: {retention: {time: 30d, size: 10GB}}
  retention_classes:
  - {match: '{__name__=~"debug_.*"}', retention: 2d}
scrape_configs: []
"""


def post(server, path, **params):
    return http(server.url + "/api/v1/admin/tsdb/" + path, params, "POST")


class Admin(Case):
    def test_is_off_unless_asked_for(self):
        server = self.server()
        for path in ("delete_series", "clean_tombstones", "snapshot"):
            answer = post(server, path)
            self.assertEqual(answer.status, 500)
            self.assertEqual(answer.json, {"status": "error", "errorType": "unavailable",
                                           "error": "admin APIs disabled"})
        self.assertEqual(server.get("/api/v1/admin/tsdb/snapshot").status, 405)

    def write(self, server, name, instance, times, value=1.0):
        answer = server.remote_write([({"__name__": name, "instance": instance},
                                       [(t, value) for t in times])])
        self.assertEqual(answer.status, 204, answer.text)

    def count(self, server, name):
        return {s["metric"]["instance"]: int(s["value"][1])
                for s in server.query(f"count_over_time({name}[1h])")}

    def ask(self, server, sql):
        return server.psql(sql)[0][0]

    def test_deletes_hold_at_once_and_are_made_true(self):
        server = self.server(flags=["--web.enable-admin-api"])
        now = int(time.time() * 1000)
        times = [now - 600_000 + i * 10_000 for i in range(50)]
        for instance in ("a", "b"):
            self.write(server, "m", instance, times)
        self.assertEqual(post(server, "delete_series").json["error"],
                         "no match[] parameter provided")
        self.assertEqual(post(server, "delete_series", **{"match[]": "m{"}).status, 400)
        answer = post(server, "delete_series", **{
            "match[]": 'm{instance="a"}', "end": (now - 400_001) / 1000})
        self.assertEqual((answer.status, answer.text), (204, ""))
        self.assertEqual(self.count(server, "m"), {"a": 30, "b": 50})
        # After a kill the journal brings the samples back, and the tombstone hides them.
        server.kill9()
        server.start()
        self.assertEqual(self.count(server, "m"), {"a": 30, "b": 50})
        self.assertEqual(self.ask(server, "SELECT count(*) FROM vigil.samples('m')"), "80")
        self.assertEqual(post(server, "clean_tombstones").status, 204)
        self.assertEqual(self.ask(server, "SELECT count(*) FROM vigil.tombstone"), "0")
        self.assertEqual(self.count(server, "m"), {"a": 30, "b": 50})
        self.assertEqual(self.ask(server, "SELECT sum(n) FROM vigil.chunk"), "80")
        # All of a series, without end: what comes later is kept.
        self.assertEqual(post(server, "delete_series", **{"match[]": ["m", "none"]}).status, 204)
        self.assertEqual(self.count(server, "m"), {})
        time.sleep(0.01)
        self.write(server, "m", "b", [int(time.time() * 1000)])
        self.assertEqual(self.count(server, "m"), {"b": 1})

    def test_a_snapshot_starts_as_a_server_of_its_own(self):
        server = self.server(flags=["--web.enable-admin-api"])
        now = int(time.time() * 1000)
        self.write(server, "m", "a", [now - 1000, now])
        name = post(server, "snapshot").json["data"]["name"]
        self.assertRegex(name, r"^\d{8}T\d{6}Z-[0-9a-f]{16}$")
        self.write(server, "m", "later", [now])
        skipped = post(server, "snapshot", skip_head="true").json["data"]["name"]
        self.assertEqual(post(server, "snapshot", skip_head="perhaps").status, 400)
        server.stop()
        for snapshot, expected in ((name, {"a": 2}), (skipped, {"a": 2, "later": 1})):
            directory = os.path.join(self.directory, "restored-" + snapshot)
            os.makedirs(directory + "/data")
            shutil.move(os.path.join(server.data, "snapshots", snapshot, "postgres"),
                        directory + "/data/postgres")
            restored = Server(directory)
            self.addCleanup(restored.stop)
            restored.start()
            self.assertEqual(self.count(restored, "m"), expected)

    def test_retention_follows_the_configuration(self):
        server = self.server(CLASSES)
        now = int(time.time() * 1000)
        self.write(server, "debug_x", "a", [now])
        self.write(server, "up", "a", [now])
        self.assertEqual(server.api("status/runtimeinfo")["storageRetention"], "30d or 10GiB")
        self.assertEqual(server.metric("prometheus_tsdb_retention_limit_seconds"), 30 * 86400)
        server.stop()
        server.start()
        self.assertEqual(self.ask(server, 
            "SELECT string_agg(metric || ':' || class, ' ' ORDER BY metric) "
            "FROM vigil.chunk c JOIN vigil.series s ON s.id = c.series_id"), "debug_x:2 up:1")
        server.write_config(CLASSES.replace("2d}", "2x}"))
        self.assertEqual(http(server.url + "/-/reload", "", "POST").status, 500)
        server.write_config(CLASSES.replace("debug_.*", "(up|x)"))
        self.assertEqual(http(server.url + "/-/reload", "", "POST").status, 200)
        self.assertEqual(self.ask(server, 
            "SELECT string_agg(id || ' ' || coalesce(rank, 0), ',' ORDER BY id) FROM "
            "vigil.retention_class WHERE id > 1"), "2 0,3 1")
        server.stop()
        server = self.server(flags=["--storage.tsdb.retention.size=512MB"])
        self.assertEqual(server.api("status/runtimeinfo")["storageRetention"], "512MiB")


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""Two servers on one database: one leads, the other stands by, passes on and takes over. Each alert
is notified once over it all, and every acknowledged sample is answered."""
import base64
import json
import os
import re
import signal
import ssl
import subprocess
import time

import alerting_test
import faults_test
import harness
import kill_test
import security_test

CONFIG = """
route:
  receiver: team
  group_by: [alertname]
  group_wait: 200ms
  group_interval: 1s
  repeat_interval: 1h
  routes:
  - {receiver: team, matchers: [alertname="Again"], repeat_interval: 2s}
receivers:
  - name: team
    webhook_configs: [{url: '%s'}]
"""
LEASE_SECONDS = 3


class Pair:
    """What a sender that knows both addresses does: the other one when one is away."""

    def __init__(self, *servers):
        self.servers = list(servers)

    def remote_write(self, series, timeout):
        last = None
        for server in list(self.servers):
            try:
                answer = server.remote_write(series, timeout=min(timeout, 5))
            except OSError as error:
                last = error
                continue
            if answer.status != 503:
                return answer
            last = OSError(answer.text)
        self.servers.reverse()
        raise last


class Ha(kill_test.Kill):
    def start_cluster(self):
        self.cluster = faults_test.Cluster(self)
        self.addCleanup(lambda: self.cluster.stop("immediate"))

    def member(self, name, *flags, dsn=None):
        directory = os.path.join(self.directory, name)
        os.mkdir(directory)
        server = harness.Server(directory, flags=[
            "--storage.postgres.dsn=" + (dsn or self.cluster.dsn), "--cluster.standby",
            f"--cluster.lease={LEASE_SECONDS}s", *flags])
        prefix = next((f.split("=")[1] for f in flags if "route-prefix" in f), "")
        scheme = "https" if any("web.config" in f for f in flags) else "http"
        server.flags.append(f"--cluster.advertise-url={scheme}://127.0.0.1:{server.port}{prefix}")
        self.addCleanup(lambda: server.program and server.program.process.poll() is None
                        and server.kill9())
        return server

    def stands_by(self, server, leader):
        """Waits for it; the sentence."""
        def standing():
            self.assertIsNone(server.program.process.poll(), server.program.log()[-2000:])
            answer = server.get("/-/ready")
            return answer.status == 503 and leader.url in answer.text and answer
        answer = harness.wait_for(f"{server.url} to stand by for {leader.url}", standing)
        self.assertRegex(answer.text, r"^this server stands by: the database is owned by \S+ at "
                         + leader.url + r" since \d{4}-\S+Z\n$")
        self.assertEqual(answer.headers["Retry-After"], "1")
        self.assertEqual(server.get("/-/healthy").status, 200)

    def leads_within(self, server, seconds):
        began = time.monotonic()
        harness.wait_for(f"{server.url} to lead",
                         lambda: server.get("/-/ready").status == 200)
        took = time.monotonic() - began
        # Sanitized programs are slower.
        self.assertLess(took, seconds * max(1.0, harness.PATIENCE / 60), server.program.log()[-2000:])

    def post(self, server, name):
        answer = harness.http(server.url + "/api/v2/alerts", json.dumps(
            [alerting_test.alert(name, "j", ends_in=600)]), "POST",
            {"Content-Type": "application/json"})
        self.assertEqual(answer.status, 200, answer.text)

    def told(self, name):
        return self.collector.told(name)

    def told_once(self, *names):
        for name in names:
            harness.wait_for(f"a message about {name}", lambda n=name: self.told(n), 20)
            # Until then a kill repeats it.
            harness.wait_for("it to be stored", lambda n=name: self.cluster.sql(
                "SELECT count(*) FROM vigil.notification_history WHERE result = 'sent' AND "
                f"labels->>'alertname' = '{n}'") == "1")
            self.assertEqual(self.told(name), [[("firing", None if name == "Real" else "j")]], name)

    def start_prometheus(self, *servers):
        if harness.peer("prometheus") is None:
            return []
        with open(self.directory + "/rules.yml", "w", encoding="utf-8") as f:
            f.write("groups: [{name: g, interval: 3s, rules: [{alert: Real, expr: vector(1)}]}]\n")
        with open(self.directory + "/peer.yml", "w", encoding="utf-8") as f:
            targets = ", ".join(f"'127.0.0.1:{server.port}'" for server in servers)
            f.write("rule_files: [rules.yml]\nalerting: {alertmanagers: [{static_configs: [{targets: "
                    f"[{targets}]}}]}}]}}\n")
        self.run_program(harness.peer("prometheus"), f"--config.file={self.directory}/peer.yml",
                         f"--storage.tsdb.path={self.directory}/peer",
                         f"--web.listen-address=127.0.0.1:{harness.free_port()}",
                         "--rules.alert.resend-delay=1s")
        return ["Real"]

    def amtool(self, server, *words):
        path = harness.peer("amtool")
        if path is None:
            return None
        run = subprocess.run([path, f"--alertmanager.url={server.url}", "--no-version-check", *words],
                             capture_output=True, text=True, timeout=30, check=False,
                             env={**os.environ, "HOME": self.directory})
        self.assertEqual(run.returncode, 0, run.stderr)
        return run.stdout

    def look_at_standby(self, leader, standby):
        """Everything but its own pages comes from the leader."""
        self.assertEqual(standby.value("vector(1) + 1"), 2)
        self.assertEqual(standby.get("/").text, leader.get("/").text)
        self.assertEqual(standby.get("/api/v1/label/x%2Fy/values").text,
                         leader.get("/api/v1/label/x%2Fy/values").text)
        form = harness.http(standby.url + "/api/v1/query", {"query": "vector(7)"})
        self.assertEqual(form.json["data"]["result"][0]["value"][1], "7")
        self.assertEqual(standby.get("/federate", **{"match[]": "written"}).status, 200)
        self.assertEqual(standby.get("/nothing").status, 404)
        self.assertEqual(standby.get("/api/v1/query", query="1 +").status, 400)
        again = harness.http(standby.url + "/api/v1/query?query=1",
                             headers={"X-Vigil-Forwarded-By": leader.url})
        self.assertEqual(again.status, 503)
        self.assertIn("does not pass on", again.text)
        page = standby.get("/metrics").text
        for line in ('vigil_cluster_role{role="standby"} 1', 'vigil_cluster_role{role="leader"} 0',
                     "vigil_cluster_forward_refused_total 1", "prometheus_ready 0",
                     "vigil_cluster_failovers_total 0", "vigil_cluster_epoch 1"):
            self.assertIn("\n" + line + "\n", page)
        self.assertRegex(page, r'\nvigil_cluster_forwarded_requests_total\{code="2xx"\} [1-9]')
        self.assertRegex(page, r"\nvigil_cluster_owner_seen_seconds [0-2]")
        self.assertIn('\nvigil_cluster_role{role="leader"} 1\n', leader.get("/metrics").text)
        rows = self.cluster.sql("SELECT url, role FROM vigil.member WHERE seen_at > "
                                "now() - interval '10 s' ORDER BY role")
        self.assertEqual(rows, f"{leader.url}|leader\n{standby.url}|standby")
        for server in (leader, standby):
            status = server.get("/api/v2/status").json["cluster"]
            self.assertEqual(status["status"], "ready")
            self.assertEqual({p["address"] for p in status["peers"]},
                             {one.url.split("//")[1] for one in (leader, standby)})
            shown = self.amtool(server, "cluster", "show", "-o", "extended")
            if shown is not None:
                self.assertRegex(shown, r"Cluster Status:\s+ready")
                self.assertIn(standby.url.split("//")[1], shown)

    def silence_at_standby(self, leader, standby):
        at = [time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + s)) for s in (-1, 3600)]
        made = harness.http(standby.url + "/api/v2/silences", json.dumps({
            "matchers": [{"name": "alertname", "value": "Hush", "isRegex": False}], "createdBy": "me",
            "comment": "c", "startsAt": at[0], "endsAt": at[1]}), "POST",
            {"Content-Type": "application/json"})
        self.assertEqual(made.status, 200, made.text)
        self.post(leader, "Hush")
        listed = self.amtool(standby, "alert", "query", "--silenced", "alertname=Hush")
        self.assertTrue(listed is None or "Hush" in listed, listed)
        found = standby.get("/api/v2/alerts", filter='alertname="Hush"').json
        self.assertEqual(found[0]["status"]["state"], "suppressed")

    def begin_collector(self):
        self.collector = alerting_test.Collector()
        self.addCleanup(self.collector.server_close)
        self.addCleanup(self.collector.shutdown)
        config = os.path.join(self.directory, "alertmanager.yml")
        with open(config, "w", encoding="utf-8") as f:
            f.write(CONFIG % self.collector.url)
        return f"--alerting.config.file={config}"

    def begin_pair(self):
        self.start_cluster()
        flag = self.begin_collector()
        one, two = self.member("one", flag), self.member("two", flag)
        self.once = ["Posted", *self.start_prometheus(one, two)]
        one.start()
        two.start(wait=False)
        self.stands_by(two, one)
        return one, two

    def test_each_takes_over_from_the_other(self):
        one, two = self.begin_pair()
        once = self.once
        writer = kill_test.Writer(Pair(one, two))
        writer.start()
        self.addCleanup(writer.going.clear)
        for server in (one, two):
            self.post(server, "Posted")
        self.silence_at_standby(one, two)
        harness.wait_for("acknowledged samples", lambda: len(writer.acknowledged) > 5)
        self.look_at_standby(one, two)
        self.told_once(*once)

        # Killed: its session is gone at once.
        one.kill9()
        self.leads_within(two, 6)
        self.post(two, "Posted")
        self.post(two, "Hush")
        self.post(two, "Again")
        self.assertIn("\nvigil_cluster_failovers_total 1\n", two.get("/metrics").text)
        one.start(wait=False)
        self.stands_by(one, two)
        harness.wait_for("repeated messages", lambda: len(self.told("Again")) > 1)

        # Hanging: its lease runs out. When it goes on, repeating "Again" is overdue.
        self.hang_and_wake(one, two)
        self.post(one, "New")
        self.told_once(*once, "New")

        # Stopped in order: handed over at once.
        self.assertEqual(one.stop(), 0)
        self.leads_within(two, 3)
        writer.finish()
        self.assertGreater(len(writer.acknowledged), 20)
        self.check(two, writer)
        self.post(two, "Posted")
        time.sleep(1.5)
        self.told_once(*once, "New")
        self.assertEqual(self.told("Hush"), [])
        self.assertEqual(two.stop(), 0)
        self.assertEqual(self.cluster.sql("SELECT count(*) FROM vigil.member"), "0")

    def hang_and_wake(self, standby, leader):
        """The leader is stopped and goes on once the other one leads."""
        pid = leader.program.pid
        leader.program.process.send_signal(signal.SIGSTOP)
        try:
            self.leads_within(standby, LEASE_SECONDS + 5)
            # The new one repeats; the other one has missed a repetition or two.
            before = len(self.told("Again"))
            harness.wait_for("the new leader to notify", lambda: len(self.told("Again")) > before)
            begun = len(self.collector.begun)
        finally:
            leader.program.process.send_signal(signal.SIGCONT)
        self.stands_by(leader, standby)
        self.assertEqual(leader.program.pid, pid)
        self.assertIn("another vigil-server has taken the database over: this one ends at once",
                      leader.program.log())
        late = [m for m in self.collector.begun[begun:]
                if m["externalURL"].rstrip("/").endswith(f":{leader.port}")]
        self.assertEqual(late, [])

    def test_a_leader_that_is_cut_off_is_silent_once_the_other_one_leads(self):
        self.start_cluster()
        flag = self.begin_collector()
        # Its own way to the database, which can be taken away.
        way = os.path.join(self.directory, "way")
        os.mkdir(way)
        name = ".s.PGSQL.5432"
        os.symlink(os.path.join(self.cluster.socket, name), os.path.join(way, name))
        one = self.member("one", flag, dsn=self.cluster.dsn.replace(self.cluster.socket, way))
        two = self.member("two", flag)
        one.start()
        two.start(wait=False)
        self.stands_by(two, one)
        self.assertEqual((one.get("/-/role").text, two.get("/-/role").text),
                         ("leader 1\n", "standby 1\n"))
        harness.wait_for("the standby to be known", lambda: self.cluster.sql(
            "SELECT count(*) FROM vigil.member WHERE role = 'standby'") == "1")
        lease = "SELECT lease_until FROM vigil.ingester"
        for _ in range(2):
            until = self.cluster.sql(lease)
            harness.wait_for("the next lease", lambda u=until: self.cluster.sql(lease) != u)

        os.remove(os.path.join(way, name))
        self.cluster.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
                         "application_name LIKE 'vigil-%' AND application_name <> 'vigil-standby'")
        self.leads_within(two, 6)
        self.assertIsNone(one.program.process.poll())
        self.assertEqual((one.get("/-/role").text, two.get("/-/role").text),
                         ("leader 1\n", "leader 2\n"))
        for server in (one, two):
            self.post(server, "Once")
        harness.wait_for("the one that is cut off to be silent", lambda: "another server leads: it "
                         "notifies, this one does not" in one.program.log())
        self.told_once("Once")
        # What only it were told nobody would hear of.
        refused = harness.http(one.url + "/api/v2/alerts", json.dumps(
            [alerting_test.alert("Lost", "j", ends_in=600)]), "POST",
            {"Content-Type": "application/json"})
        self.assertEqual((refused.status, refused.headers["Retry-After"]), (503, "1"), refused.text)

        # The way back: it learns that it was replaced.
        os.symlink(os.path.join(self.cluster.socket, name), os.path.join(way, name))
        self.stands_by(one, two)
        self.told_once("Once")

    def test_tls_and_passwords_reach_the_leader(self):
        cert, key = self.directory + "/cert.pem", self.directory + "/key.pem"
        subprocess.run([*security_test.CERTIFICATE_COMMAND, "-keyout", key, "-out", cert], check=True,
                       capture_output=True)
        web = self.directory + "/web.yml"
        with open(web, "w", encoding="utf-8") as f:
            f.write("tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\n"
                    f"basic_auth_users:\n  alice: {security_test.bcrypt('secret')}\n")
        context = ssl.create_default_context(cafile=cert)
        auth = {"Authorization": "Basic " + base64.b64encode(b"alice:secret").decode()}

        def get(server, path, headers=None):
            return harness.http(f"https://127.0.0.1:{server.port}{path}", headers=headers,
                                context=context)
        self.start_cluster()
        flags = [f"--web.config.file={web}", f"--cluster.tls-ca-file={cert}", "--web.route-prefix=/p"]
        one, two = self.member("one", *flags), self.member("two", *flags)
        one.start(wait=False)
        harness.wait_for("the leader", lambda: get(one, "/p/-/ready", auth).status == 200)
        two.start(wait=False)
        harness.wait_for("the standby",
                         lambda: f"https://127.0.0.1:{one.port}/p since" in
                         get(two, "/p/-/ready", auth).text)
        self.assertEqual(get(two, "/p/api/v1/query?query=1", auth).json["data"]["result"][1], "1")
        for path in ("/p/-/healthy", "/p/-/ready", "/p/api/v1/query?query=1", "/p/metrics"):
            self.assertEqual(get(two, path).status, 401)
        self.assertEqual(get(two, "/api/v1/query?query=1", auth).status, 404)
        # An unreachable leader is said to be so, and a standby stops in order.
        one.kill9()
        answer = get(two, "/p/api/v1/query?query=1", auth)
        self.assertEqual(answer.status, 503)
        self.assertEqual(answer.headers["Retry-After"], "1")
        self.assertEqual(two.stop(), 0)

    def test_flags_that_make_no_sense_are_explained(self):
        for flags, text in ((["--cluster.standby"], r"--cluster\.standby needs --storage\.postgres\.dsn"),
                            (["--cluster.peer=am:9094"],
                             r"--cluster\.peer belongs to Alertmanager's gossip"),
                            (["--cluster.standby", "--storage.postgres.dsn=host=/nowhere",
                              "--web.listen-address=127.0.0.1:0"],
                             r"--cluster\.standby needs --cluster\.advertise-url"),
                            (["--cluster.advertise-url=http://me:pw@host"],
                             r"--cluster\.advertise-url must be without user and password"),
                            (["--cluster.listen-address=", "--cluster.lease=1ms"],
                             r"--cluster\.lease must be at least 1s")):
            run = subprocess.run([harness.binary("vigil-server"), f"--storage.path={self.directory}/x",
                                  *flags], capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(run.returncode, 1)
            self.assertTrue(re.search(text, run.stderr + run.stdout), run.stderr)


# unittest finds the inherited tests of Kill as well: they run in kill_test.py.
for inherited in [name for name in dir(kill_test.Kill) if name.startswith("test_")]:
    setattr(Ha, inherited, None)


def load_tests(loader, _tests, _pattern):
    return loader.loadTestsFromTestCase(Ha)


if __name__ == "__main__":
    harness.main()

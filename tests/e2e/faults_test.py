# SPDX-License-Identifier: Apache-2.0
"""What goes wrong around the server: the database stops, hangs, is full or damaged, the clock jumps,
two servers share one database. After each every acknowledged sample is answered, none twice, and the
operator is told by log, metric and /-/ready.

VIGIL_FAULT_SECONDS: how long PostgreSQL is away (15)."""
import os
import pwd
import re
import signal
import subprocess
import time

import harness
import kill_test

AWAY_SECONDS = float(os.environ.get("VIGIL_FAULT_SECONDS", "15"))
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
SELF = ("global:\n  scrape_interval: 1s\nscrape_configs:\n- job_name: self\n  static_configs:\n"
        "  - targets: ['127.0.0.1:%d']\n")


def postgres_bin(name):
    directories = sorted(os.listdir("/usr/lib/postgresql"), key=float)
    return f"/usr/lib/postgresql/{directories[-1]}/bin/{name}"


class Cluster:
    """A PostgreSQL that is not the server's own."""

    def __init__(self, case):
        self.case = case
        self.data = os.path.join(case.directory, "cluster")
        self.socket = os.path.join(case.directory, "socket")
        self.user = []
        for path in (self.data, self.socket):
            os.mkdir(path, 0o700)
        if os.getuid() == 0:
            self.user = ["runuser", "-u", "postgres", "--"]
            owner = pwd.getpwnam("postgres")
            for path in (self.data, self.socket):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        self.run("initdb", "-D", self.data, "-U", "vigil", "-A", "trust", "--no-sync")
        self.dsn = f"host={self.socket} user=vigil dbname=postgres"
        self.start()

    def run(self, name, *args):
        subprocess.run([*self.user, postgres_bin(name), *args], check=True, timeout=60,
                       stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)

    def start(self):
        self.run("pg_ctl", "-D", self.data, "-w", "-l", os.path.join(self.data, "log"), "-o",
                 f"-c listen_addresses='' -c unix_socket_directories={self.socket} "
                 "-c shared_buffers=16MB", "start")

    def stop(self, mode="fast"):
        self.run("pg_ctl", "-D", self.data, "-w", "-m", mode, "stop")

    def sql(self, text):
        run = subprocess.run([*self.user, postgres_bin("psql"), self.dsn, "-X", "-A", "-t", "-c",
                              text], capture_output=True, text=True, timeout=60, check=True)
        return run.stdout.strip()


class Faults(kill_test.Kill):
    """The checks of kill_test; its tests are not run again."""

    def cluster(self):
        cluster = Cluster(self)
        self.addCleanup(lambda: cluster.stop("immediate")
                        if os.path.exists(os.path.join(cluster.data, "postmaster.pid")) else None)
        return cluster

    def writing(self, server):
        writer = kill_test.Writer(server)
        writer.start()
        self.addCleanup(writer.going.clear)
        self.goes_on(writer)
        return writer

    def goes_on(self, writer, more=3):
        before = len(writer.acknowledged)
        harness.wait_for("writing to go on", lambda: writer.failure is not None
                         or len(writer.acknowledged) > before + more)
        self.assertIsNone(writer.failure)

    def is_told(self, server, text):
        harness.wait_for(f"the log to say {text!r}",
                         lambda: re.search(text, server.program.log()) is not None)

    def becomes_unready(self, server):
        harness.wait_for("/-/ready to say no", lambda: server.get("/-/ready").status == 503)

    def becomes_ready(self, server):
        harness.wait_for("/-/ready to say yes", lambda: server.get("/-/ready").status == 200)

    def scraped(self, server, begin, end):
        """Times of the samples of `up` of the server's own target."""
        return [float(t) for samples in server.samples('up{job="self"}', begin, end).values()
                for t, _ in samples]

    def test_postgres_is_away_for_a_while(self):
        cluster = self.cluster()
        server = self.server(flags=["--storage.postgres.dsn=" + cluster.dsn,
                                    "--storage.flush-interval=2s"], start=False)
        server.write_config(SELF % server.port)
        server.start()
        writer = self.writing(server)
        harness.wait_for("the first scrape", lambda: server.query("up"))
        begin = time.time()
        cluster.stop()
        self.becomes_unready(server)
        self.is_told(server, "level=(warn|error) component=postgres")
        self.assertEqual(server.metric("vigil_database_connected"), 0)
        self.assertGreater(server.metric("vigil_journal_failures_total"), 0)
        # Fresh queries go on without the database.
        self.assertEqual(len(server.query("up")), 1)
        time.sleep(max(0.0, AWAY_SECONDS - (time.time() - begin)))
        acknowledged = len(writer.acknowledged)
        cluster.start()
        end = time.time()
        self.goes_on(writer)
        self.becomes_ready(server)
        self.is_told(server, "connected to the database again")
        self.assertEqual(server.metric("vigil_database_connected"), 1)
        writer.finish()
        self.assertGreater(len(writer.acknowledged), acknowledged)
        self.check(server, writer)
        # Scrapes went on meanwhile, and are all there.
        times = self.scraped(server, begin, end)
        self.assertEqual(len(times), len(set(times)))
        self.assertGreater(len(times), AWAY_SECONDS - 4)
        server.kill9()
        server.start()
        self.check(server, writer)
        self.assertEqual(self.scraped(server, begin, end), times)

    def test_postgres_hangs(self):
        server = self.server(flags=["--storage.flush-interval=2s"])
        writer = self.writing(server)
        postmaster = server.postmaster_pid()
        pids = [postmaster] + [int(p) for p in subprocess.run(
            ["pgrep", "-P", str(postmaster)], capture_output=True, text=True,
            check=True).stdout.split()]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            time.sleep(4)
            self.assertEqual(server.get("/-/healthy").status, 200)
            stuck = len(writer.acknowledged)
            time.sleep(1)
            self.assertEqual(len(writer.acknowledged), stuck)
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
        self.goes_on(writer)
        writer.finish()
        self.check(server, writer)
        server.kill9()
        server.start()
        self.check(server, writer)

    def test_the_disk_is_full(self):
        disk = os.path.join(self.directory, "data")
        os.mkdir(disk)
        mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256m", "tmpfs", disk],
                               capture_output=True, text=True, check=False)
        if mount.returncode:
            self.skipTest("a small file system cannot be mounted here: " + mount.stderr.strip())
        os.chmod(disk, 0o755)
        self.addCleanup(subprocess.run, ["umount", "-l", disk], check=False)
        server = self.server(flags=["--storage.flush-interval=1s"])
        self.addCleanup(lambda: server.program.process.poll() is None and server.kill9())
        writer = self.writing(server)
        ballast = os.path.join(disk, "ballast")
        with open(ballast, "wb", buffering=0) as f:
            try:
                while True:
                    f.write(bytes(1 << 16))
            except OSError:
                pass
        # New files cannot be made; PostgreSQL says so at the latest when its log needs one.
        server.psql_quietly = lambda sql: subprocess.run(
            [*re.findall(r'psql -h [^"\n]*', server.program.log())[-1].split(), "-X", "-c", sql],
            capture_output=True, timeout=60, check=False)
        server.psql_quietly("SELECT pg_switch_wal()")
        server.psql_quietly("CREATE TABLE full_disk AS SELECT repeat('x', 1000) "
                            "FROM generate_series(1, 100000)")
        self.is_told(server, "No space left on device")
        self.becomes_unready_or_slow(server, writer)
        os.remove(ballast)
        self.goes_on(writer)
        self.becomes_ready(server)
        writer.finish()
        self.check(server, writer)
        server.kill9()
        server.start()
        self.check(server, writer)
        self.assertEqual(server.stop(), 0)

    def becomes_unready_or_slow(self, server, writer):
        """With luck PostgreSQL still has room in its files; then writing goes on, safely."""
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            if server.get("/-/ready").status == 503:
                return
            time.sleep(0.1)
        self.goes_on(writer)

    def test_a_torn_journal_page(self):
        server = self.server(flags=["--storage.flush-interval=1h"])
        now = int(time.time()) * 1000
        for i in range(3):
            self.assertEqual(server.remote_write(
                [({"__name__": "page", "n": str(i)}, [(now - 1000, 1.0), (now, 2.0)])]).status, 204)
        # As if the second half of the middle one had never reached the disk.
        torn = server.psql(
            "SELECT seq FROM vigil.unflushed_page ORDER BY seq OFFSET 1 LIMIT 1")[0][0]
        for slot in range(8):
            server.psql(f"UPDATE vigil.journal_{slot} SET page = substr(page, 1, "
                        f"octet_length(page) / 2) WHERE seq = {torn}")
        self.assertEqual(len(server.psql("SELECT * FROM vigil.broken_page")), 1)
        server.kill9()
        server.start()
        self.is_told(server, "level=error component=store msg=\"a page of the journal is broken")
        self.assertEqual(server.metric("prometheus_tsdb_wal_corruptions_total"), 1)
        found = server.samples("page", now / 1000 - 60, now / 1000)
        self.assertEqual(sorted(found), ['{"__name__": "page", "n": "0"}',
                                         '{"__name__": "page", "n": "2"}'])
        for samples in found.values():
            self.assertEqual([v for _, v in samples], ["1", "2"])
        # The journal goes on behind it.
        self.assertEqual(server.remote_write(
            [({"__name__": "page", "n": "1"}, [(now, 3.0)])]).status, 204)
        self.assertEqual(server.value('page{n="1"}', time=now / 1000), 3)

    def test_a_flipped_bit_in_a_chunk(self):
        server = self.server(flags=["--storage.flush-interval=1h"])
        now = int(time.time()) * 1000
        for i in range(3):
            self.assertEqual(server.remote_write(
                [({"__name__": "chunk", "n": str(i)}, [(now - 1000, 1.0), (now, 2.0)])]).status,
                204)
        self.assertEqual(server.stop(), 0)  # flushes
        server.start()
        server.psql("UPDATE vigil.chunk SET data = set_bit(data, 50, 1 - get_bit(data, 50)) "
                    "WHERE series_id = (SELECT id FROM vigil.series WHERE labels->>'n' = '1')")
        answer = server.get("/api/v1/query", query="chunk[1m]", time=now / 1000).json
        self.assertEqual(sorted(s["metric"]["n"] for s in answer["data"]["result"]), ["0", "2"])
        self.assertEqual(len(answer["warnings"]), 1)
        self.assertIn('n="1"', answer["warnings"][0])
        self.assertGreater(server.metric("vigil_chunks_corrupt_total"), 0)
        self.assertEqual(server.psql("SELECT count(*) FROM vigil.broken_chunk"), [["1"]])
        self.assertEqual(server.get("/-/ready").status, 200)

    def test_the_clock_jumps_an_hour(self):
        if not os.path.exists(FAKETIME):
            self.skipTest("libfaketime is not on this machine: ./dev deps test")
        offset = os.path.join(self.directory, "offset")

        def jump(seconds):
            with open(offset + ".new", "w", encoding="ascii") as f:
                f.write(f"{seconds:+d}\n")
            os.chmod(offset + ".new", 0o644)
            os.rename(offset + ".new", offset)
        jump(0)
        server = self.server(flags=["--storage.flush-interval=2s"], start=False)
        server.write_config(SELF % server.port
                            + "storage:\n  tsdb:\n    out_of_order_time_window: 2h\n")
        faked = {"LD_PRELOAD": FAKETIME, "FAKETIME_TIMESTAMP_FILE": offset,
                 "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        os.environ.update(faked)
        try:
            server.start()
        finally:
            for name in faked:
                del os.environ[name]
        begin = time.time()
        spans = []
        for hours in (0, 1, 0, -1, 0):
            jump(hours * 3600)
            start = time.time() + hours * 3600
            time.sleep(3.2)
            spans.append((start, time.time() + hours * 3600))
            sent = int(spans[-1][1] * 1000)
            answer = server.remote_write([({"__name__": "jumped"}, [(sent, float(len(spans)))])])
            self.assertEqual(answer.status, 204, answer.text)
        for number, (start, end) in enumerate(spans):
            times = self.scraped(server, start - 0.5, end + 0.5)
            self.assertEqual(len(times), len(set(times)))
            self.assertGreaterEqual(len(times), 2, f"span {number}")
        values = [v for samples in server.samples("jumped", begin - 7200, begin + 7200).values()
                  for _, v in samples]
        self.assertEqual(sorted(values), ["1", "2", "3", "4", "5"])
        self.assertEqual(server.get("/-/ready").status, 200)
        server.kill9()
        server.start()
        values = [v for samples in server.samples("jumped", begin - 7200, begin + 7200).values()
                  for _, v in samples]
        self.assertEqual(sorted(values), ["1", "2", "3", "4", "5"])

    def test_two_servers_on_one_database(self):
        cluster = self.cluster()
        dsn = "--storage.postgres.dsn=" + cluster.dsn
        first = self.server(flags=[dsn])
        writer = self.writing(first)
        other = os.path.join(self.directory, "other")
        os.mkdir(other)
        second = harness.Server(other, flags=[dsn])
        second.start(wait=False)
        self.addCleanup(lambda: second.program.process.poll() is None and second.kill9())
        # While the first one lives the second one never becomes ready.
        harness.wait_for("the second server to be refused", lambda: re.search(
            "in use by another vigil-server", second.program.log()))
        harness.wait_for("the second server to end",
                         lambda: second.program.process.poll() is not None)
        self.assertNotEqual(second.program.process.returncode, 0)
        second.program.log_file.close()
        self.goes_on(writer)
        # The first one hangs and loses its session: now the second one takes over.
        first.program.process.send_signal(signal.SIGSTOP)
        cluster.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE application_name LIKE 'vigil%'")
        second.start()
        first.program.process.send_signal(signal.SIGCONT)
        self.is_told(first, "another vigil-server has taken this database over")
        self.becomes_unready(first)
        writer.going.clear()
        writer.join(40)
        refused = first.remote_write([({"__name__": "late"}, [(int(time.time() * 1000), 1.0)])])
        self.assertEqual(refused.status, 503)
        # What the first one acknowledged is with the second one.
        self.check(second, writer)
        self.assertEqual(second.remote_write(
            [({"__name__": "taken"}, [(int(time.time() * 1000), 1.0)])]).status, 204)
        first.kill9()
        self.check(second, writer)
        self.assertEqual(second.stop(), 0)


# unittest finds the inherited tests of Kill as well: they run in kill_test.py.
for inherited in [name for name in dir(kill_test.Kill) if name.startswith("test_")]:
    setattr(Faults, inherited, None)


def load_tests(loader, _tests, _pattern):
    return loader.loadTestsFromTestCase(Faults)


if __name__ == "__main__":
    harness.main()

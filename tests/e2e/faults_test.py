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
import threading
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


class Session:
    """A psql that stays, to hold locks."""

    def __init__(self, server, sql):
        command = re.findall(r'psql -h [^"\n]*', server.program.log())[-1].split()
        self.process = subprocess.Popen([*command, "-X", "-A", "-t", "-q"], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL)
        self.process.stdin.write(f"BEGIN; {sql}; SELECT 'held';\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "held\n"

    def end(self):
        self.process.kill()
        self.process.communicate()


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

    # Where a merge is held, and how to see that it stands there. In the build the new table has
    # begun and is not committed; in the swap the old leaf is detached and the new one not attached.
    HOLDS = {
        "build": ("LOCK TABLE vigil.series_data IN ACCESS EXCLUSIVE MODE",
                  "SELECT count(*) FROM pg_stat_activity w, pg_stat_activity r "
                  "WHERE w.query LIKE 'COPY vigil.chunk_c1%FROM STDIN%' AND w.state = 'active' "
                  "AND r.query LIKE '%series_data%' AND r.wait_event_type = 'Lock'"),
        "swap": ("LOCK TABLE vigil.detached_leaf IN SHARE MODE",
                 "SELECT count(*) FROM pg_locks WHERE NOT granted "
                 "AND relation = 'vigil.detached_leaf'::regclass"),
    }

    def old_history(self, server):
        """Two flushes of a leaf that is closed: {series: samples}; and one series to delete."""
        start = (int(time.time()) // 21_600 - 3) * 21_600_000
        halves = [[start + i * 15_000 for i in range(half, half + 200)] for half in (1, 201)]
        for number, times in enumerate(halves):
            answer = server.remote_write(
                [({"__name__": name, "n": str(n)}, [(t, float(n) + t / 1000) for t in times])
                 for name in ("old", "gone") for n in range(10)])
            self.assertEqual(answer.status, 204, answer.text)
            harness.wait_for("the flush", lambda want=(number + 1) * 20: server.psql(
                "SELECT sum(n_chunks) FROM vigil.leaf")[0][0] == str(want))
        answer = self.admin(server, "delete_series", **{"match[]": "gone"})
        self.assertEqual(answer.status, 204)
        return start, [t for half in halves for t in half]

    def check_old(self, server, start, times):
        found = server.samples("old", start / 1000, start / 1000 + 21_600)
        self.assertEqual(len(found), 10)
        for metric, samples in found.items():
            n = int(metric.split('"n": "')[1].split('"')[0])
            self.assertEqual([(int(round(float(t) * 1000)), float(v)) for t, v in samples],
                             [(t, n + t / 1000) for t in times])
        self.assertEqual(server.samples("gone", start / 1000, start / 1000 + 21_600), {})
        span = f"to_timestamp({start / 1000}), to_timestamp({start / 1000 + 21_600})"
        self.assertEqual(server.psql(
            "SELECT count(*), count(DISTINCT (s.series_id, s.time)) "
            f"FROM vigil.samples('{{__name__=~\"old|gone\"}}', {span}) s"),
            [[str(10 * len(times)), str(10 * len(times))]])

    def kill_in_a_merge(self, victim, where):
        server = self.server(flags=["--storage.flush-interval=1s", "--web.enable-admin-api"])
        start, times = self.old_history(server)
        writer = self.writing(server)
        lock, stands = self.HOLDS[where]
        session = Session(server, lock)
        cleaning = threading.Thread(target=self.clean, args=(server,), daemon=True)
        cleaning.start()
        harness.wait_for(f"the merge to stand in the middle of its {where}",
                         lambda: server.psql(stands)[0][0] != "0")
        if victim == "server":
            server.kill9()
            session.end()
            server.start()
        else:
            os.kill(server.postmaster_pid(), signal.SIGKILL)
            session.end()
        cleaning.join(60)
        self.goes_on(writer)
        self.becomes_ready(server)
        self.check_old(server, start, times)
        # The next merge does it, and nothing is left over.
        harness.wait_for("the merge", lambda: self.clean(server) == 204)
        self.check_old(server, start, times)
        self.assertEqual(server.psql("SELECT count(*), min(generation) FROM vigil.leaf "
                                     f"WHERE min_time = {start}"), [["1", "1"]])
        self.assertEqual(server.psql(
            "SELECT c.relname FROM pg_class c WHERE c.relname ~ '^chunk_c1_[0-9]+(_g[0-9]+)?$' "
            "AND c.relkind = 'r' AND NOT EXISTS (SELECT FROM vigil.leaf l WHERE l.rel = c.relname) "
            "AND NOT EXISTS (SELECT FROM vigil.detached_leaf d WHERE d.rel = c.relname)"), [])
        writer.finish()
        self.check(server, writer)
        self.assertEqual(server.stop(), 0)

    def clean(self, server):
        try:
            return self.admin(server, "clean_tombstones").status
        except OSError:
            return None

    def admin(self, server, action, **params):
        return harness.http(server.url + "/api/v1/admin/tsdb/" + action, params, "POST")

    def test_kill_of_the_server_while_a_merge_builds(self):
        self.kill_in_a_merge("server", "build")

    def test_kill_of_the_server_while_a_merge_swaps(self):
        self.kill_in_a_merge("server", "swap")

    def test_kill_of_the_postmaster_while_a_merge_builds(self):
        self.kill_in_a_merge("postmaster", "build")

    def test_kill_of_the_postmaster_while_a_merge_swaps(self):
        self.kill_in_a_merge("postmaster", "swap")

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
        server.kill9()  # its cache may have the chunk as it was
        server.start()
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
        self.is_told(first, "another vigil-server has taken the database over: this one ends")
        # It says so by its exit code, and writes nothing more.
        self.assertEqual(first.program.process.wait(30), 3)
        writer.going.clear()
        writer.join(40)
        # What the first one acknowledged is with the second one.
        self.check(second, writer)
        self.assertEqual(second.remote_write(
            [({"__name__": "taken"}, [(int(time.time() * 1000), 1.0)])]).status, 204)
        first.program.log_file.close()
        self.assertEqual(second.stop(), 0)


# unittest finds the inherited tests of Kill as well: they run in kill_test.py.
for inherited in [name for name in dir(kill_test.Kill) if name.startswith("test_")]:
    setattr(Faults, inherited, None)


def load_tests(loader, _tests, _pattern):
    return loader.loadTestsFromTestCase(Faults)


if __name__ == "__main__":
    harness.main()

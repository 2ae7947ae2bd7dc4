# SPDX-License-Identifier: Apache-2.0
"""kill -9 at any moment loses no acknowledged sample and answers none twice."""
import os
import random
import signal
import subprocess
import threading
import time

import harness

SERIES = 40


class Writer(threading.Thread):
    """Sends one sample per series and request, retries until acknowledged, remembers what was."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server = server
        self.acknowledged = []  # timestamps in ms
        self.going = threading.Event()
        self.going.set()
        self.failure = None

    def run(self):
        timestamp = int(time.time() * 1000) - 3_000_000
        while self.going.is_set():
            timestamp += 1000
            while self.going.is_set():
                try:
                    answer = self.server.remote_write(
                        [({"__name__": "written", "series": str(i)},
                          [(timestamp, float(timestamp + i))]) for i in range(SERIES)], timeout=20)
                except OSError:
                    time.sleep(0.05)  # the server is away: the sender repeats, as real ones do
                    continue
                if answer.status == 204:
                    self.acknowledged.append(timestamp)
                    break
                if answer.status == 400:
                    self.failure = answer.text
                    return
                time.sleep(0.05)

    def finish(self):
        self.going.clear()
        self.join(30)
        assert self.failure is None, self.failure


class Kill(harness.Case):
    def check(self, server, writer):
        """Every acknowledged sample is answered, once, with its value; SQL agrees."""
        end = time.time() + 60
        found = server.samples("written", end - 7200, end)
        self.assertEqual(len(found), SERIES)
        for metric, samples in found.items():
            index = int(metric.split('"series": "')[1].split('"')[0])
            times = [int(round(float(t) * 1000)) for t, _ in samples]
            self.assertEqual(len(times), len(set(times)), f"answered twice: {metric}")
            have = dict(zip(times, (v for _, v in samples)))
            missing = [t for t in writer.acknowledged if t not in have]
            self.assertEqual(missing, [], f"{metric}: lost {len(missing)} of "
                             f"{len(writer.acknowledged)} acknowledged samples")
            for t in writer.acknowledged:
                self.assertEqual(float(have[t]), float(t + index))

    def begin(self, *flags):
        server = self.server(flags=flags)
        writer = Writer(server)
        writer.start()
        harness.wait_for("the first acknowledged samples", lambda: len(writer.acknowledged) > 5)
        return server, writer

    def test_kill_of_the_server(self):
        # Flushes every second, so that kills hit them too.
        server, writer = self.begin("--storage.flush-interval=1s")
        random.seed(os.getpid())
        for _ in range(4):
            time.sleep(random.uniform(0.3, 2.0))
            before = len(writer.acknowledged)
            server.kill9()
            server.start()
            harness.wait_for("writing to go on", lambda b=before: len(writer.acknowledged) > b + 3)
        writer.finish()
        self.check(server, writer)
        self.assertEqual(server.stop(), 0)
        server.start()
        self.check(server, writer)

    def test_kill_of_the_postmaster(self):
        server, writer = self.begin("--storage.flush-interval=2s")
        for _ in range(3):
            time.sleep(0.7)
            before = len(writer.acknowledged)
            os.kill(server.postmaster_pid(), signal.SIGKILL)
            harness.wait_for("writing to go on", lambda b=before: len(writer.acknowledged) > b + 3)
        writer.finish()
        self.check(server, writer)
        server.kill9()
        server.start()
        self.check(server, writer)

    def test_kill_of_a_backend(self):
        server, writer = self.begin("--storage.flush-interval=1s")
        for _ in range(3):
            time.sleep(0.5)
            before = len(writer.acknowledged)
            backends = subprocess.run(["pgrep", "-P", str(server.postmaster_pid())],
                                      capture_output=True, text=True, check=True).stdout.split()
            os.kill(int(random.choice(backends)), signal.SIGKILL)
            harness.wait_for("writing to go on", lambda b=before: len(writer.acknowledged) > b + 3)
        writer.finish()
        self.check(server, writer)

    def test_kill_of_both_at_once(self):
        server, writer = self.begin()
        postmaster = server.postmaster_pid()
        server.kill9()
        try:
            os.kill(postmaster, signal.SIGKILL)
        except ProcessLookupError:
            pass
        server.start()
        before = len(writer.acknowledged)
        harness.wait_for("writing to go on", lambda: len(writer.acknowledged) > before + 3)
        writer.finish()
        self.check(server, writer)

    def test_a_second_server_on_the_same_data_is_refused(self):
        server, writer = self.begin()
        second = harness.Program(harness.binary("vigil-server"), [
            f"--config.file={server.config_path}", f"--storage.path={server.data}",
            f"--web.listen-address=127.0.0.1:{harness.free_port()}"], self.directory)
        self.programs.append(second)
        harness.wait_for("the second server to give up",
                         lambda: second.process.poll() is not None)
        self.assertNotEqual(second.process.returncode, 0)
        writer.finish()
        self.check(server, writer)


if __name__ == "__main__":
    harness.main()

# SPDX-License-Identifier: Apache-2.0
"""vigilctl: a month of history goes in and comes back; queries and checks as promtool's."""
import os
import subprocess
import time

import harness

DAY = 86400
STEP = 600


def vigilctl(*args, stdin=None):
    return subprocess.run([harness.binary("vigilctl"), *args], input=stdin, capture_output=True,
                          text=True, timeout=120, check=False)


class Import(harness.Case):
    def history(self, now, days=31):
        """An OpenMetrics file; {series: [(seconds, value), ...]}."""
        begin = (now - days * DAY) // STEP * STEP
        written = {}
        lines = ["# HELP temp Degrees.", "# TYPE temp gauge"]
        for room in range(5):
            samples = []
            for i, t in enumerate(range(begin, now, STEP)):
                value = round(20 + room + (i % 144) / 100, 2)
                samples.append((t, value))
                lines.append(f'temp{{room="{room}"}} {value} {t}.000')
            written[str(room)] = samples
        lines += ["# TYPE jobs counter", "# EOF"]
        # A counter whose samples come newest first, with exemplars.
        counter = [(t, float(i)) for i, t in enumerate(range(begin, now, STEP))]
        lines[-1:-1] = [f'jobs_total {v} {t} # {{id="x"}} 1' for t, v in reversed(counter)]
        written["jobs"] = counter
        path = os.path.join(self.directory, "history.txt")
        with open(path, "w", encoding="utf-8") as f:
            f.write("\n".join(lines) + "\n")
        return path, written

    def check(self, server, now, written):
        for key, expected in written.items():
            selector = "jobs_total" if key == "jobs" else f'temp{{room="{key}"}}'
            got = []
            # In pieces of a week, as graphs do.
            for end in range(now - 28 * DAY, now + 1, 7 * DAY):
                for samples in server.samples(selector, end - 7 * DAY, end).values():
                    got += [(float(t), float(v)) for t, v in samples]
            self.assertEqual(got, [(float(t), v) for t, v in expected
                                   if t > now - 35 * DAY], f"{selector}: {len(got)}")

    def test_a_month_goes_in_and_comes_back(self):
        now = int(time.time())
        path, written = self.history(now)
        server = self.server(flags=["--storage.allow-backfill", "--storage.retention.time=100d"])
        run = vigilctl("import", path, f"--url={server.url}", "--batch=5000")
        self.assertEqual(run.returncode, 0, run.stderr)
        total = sum(len(s) for s in written.values())
        self.assertIn(f"imported {total} samples of 6 series", run.stdout)
        self.check(server, now, written)
        self.assertGreater(server.metric("vigil_backfill_samples_total"), total - 100)
        # Once more, from the standard input: nothing is there twice.
        with open(path, encoding="utf-8") as f:
            again = vigilctl("import", "-", f"--url={server.url.split('//')[1]}", stdin=f.read())
        self.assertEqual(again.returncode, 0, again.stderr)
        self.check(server, now, written)
        sql = server.psql("SELECT count(*), count(DISTINCT (series_id, time)) FROM vigil.samples("
                          "'{__name__=~\"temp|jobs_total\"}', '-infinity', 'infinity')")
        self.assertEqual(sql, [[str(total), str(total)]])
        self.assertEqual(server.stop(), 0)
        server.start()
        self.check(server, now, written)
        server.kill9()
        server.start()
        self.check(server, now, written)

    def test_without_the_flag_the_past_is_refused(self):
        path, _ = self.history(int(time.time()), days=1)
        server = self.server()
        run = vigilctl("import", path, f"--url={server.url}")
        self.assertEqual(run.returncode, 1)
        self.assertIn("HTTP 400", run.stderr)
        self.assertIn("--storage.allow-backfill", run.stderr)
        self.assertRegex(run.stderr, r"history\.txt:\d+-\d+: ")

    def test_errors_name_file_and_line(self):
        path = os.path.join(self.directory, "bad.txt")
        with open(path, "w", encoding="utf-8") as f:
            f.write("up 1 1700000000\nup one 1700000001\n# EOF\n")
        run = vigilctl("import", path, "--url=http://127.0.0.1:1", "--retry-for=0s")
        self.assertEqual(run.returncode, 1)
        self.assertIn(f"{path}:2: expected a value", run.stderr)
        run = vigilctl("import", path + "x")
        self.assertIn("cannot be opened", run.stderr)
        self.assertEqual(vigilctl().returncode, 1)
        self.assertEqual(vigilctl("--help").returncode, 0)

    def test_queries_print_as_promtool_does(self):
        promtool = self.require_peer("promtool")
        now = int(time.time())
        server = self.server()
        self.assertEqual(server.remote_write([
            ({"__name__": "up", "job": "a", "instance": 'q"x'}, [(now * 1000 - 1000, 1.0),
                                                                 (now * 1000, 0.5)]),
            ({"__name__": "up", "job": "b"}, [(now * 1000, float("nan"))])]).status, 204)
        for args in (["query", "instant", f"--time={now}", server.url, "up"],
                     ["query", "instant", f"--time={now}", server.url, "sum(up) * 2"],
                     ["query", "instant", f"--time={now}", server.url, "7"],
                     ["query", "instant", server.url, "sum("],
                     ["query", "range", f"--start={now - 2}", f"--end={now}", "--step=1s",
                      server.url, "up"],
                     ["query", "labels", server.url, "job"],
                     ["query", "series", "--match=up", server.url]):
            ours = vigilctl(*args)
            theirs = subprocess.run([promtool, *args], capture_output=True, text=True,
                                    timeout=60, check=False)
            if args[1] == "series":  # promtool prints __name__ as a label there
                self.assertEqual(ours.stdout, 'up{instance="q\\"x", job="a"}\nup{job="b"}\n')
                continue
            # The API's order is ours, promtool sorts anew.
            self.assertEqual(sorted(ours.stdout.split()), sorted(theirs.stdout.split()), args)
            self.assertEqual(ours.returncode, theirs.returncode, args)
            self.assertEqual(bool(ours.stderr), bool(theirs.stderr), ours.stderr)

    def test_check_config_agrees_with_promtool(self):
        promtool = self.require_peer("promtool")
        for number, (text, good) in enumerate((
                ("scrape_configs:\n- job_name: a\n  static_configs:\n  - targets: [x:1]\n", True),
                ("scrape_configs: []\n", True),
                ("scrape_configs:\n- job_name: a\n- job_name: a\n", False),
                ("global:\n  scrape_intervall: 1s\n", False), ("a: [\n", False))):
            path = os.path.join(self.directory, f"c{number}.yml")
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
            ours = vigilctl("check", "config", path)
            theirs = subprocess.run([promtool, "check", "config", path], capture_output=True,
                                    text=True, timeout=60, check=False)
            self.assertEqual(ours.returncode == 0, good, ours.stderr)
            self.assertEqual(theirs.returncode == 0, good, theirs.stderr)
            self.assertEqual(ours.stdout.strip(), theirs.stdout.strip())
            self.assertEqual("FAILED" in ours.stderr, not good)


if __name__ == "__main__":
    harness.main()

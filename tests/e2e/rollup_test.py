# SPDX-License-Identifier: Apache-2.0
"""Weeks of history of which only roll-ups are left: PromQL answers from them and says so."""
import math
import time

import harness

DAY = 86400
DAYS = 26
HOUR = 3600
STEP = 60
CONFIG = """
scrape_configs: []
storage:
  tsdb:
    retention:
      time: {retention}
  rollups:
    5m: {{retention: 90d}}
    1h: {{retention: 2y}}
"""


def value(i):
    """A counter that is reset every 3,000 samples."""
    return i % 3000 * 3 + i % 7 / 8


def wave(i):
    return 10 + 5 * math.sin(i / 500) + (i * 7919 % 100) / 100


class Rollups(harness.Case):
    def answer(self, expr, **params):
        path = "query_range" if "step" in params else "query"
        body = self.srv.get("/api/v1/" + path, query=expr, **params).json
        self.assertEqual(body["status"], "success", body)
        return body["data"]["result"], body.get("infos", []), body.get("warnings", [])

    def rows(self, expr, start, end, step, **params):
        """{time: value} of the one series of a range query, and the infos."""
        result, infos, warnings = self.answer(expr, start=start, end=end, step=step, **params)
        self.assertEqual(warnings, [], expr)
        self.assertEqual(len(result), 1, expr)
        return {int(t): float(v) for t, v in result[0]["values"]}, infos

    # The history, computed here and nowhere else: samples at begin + i * STEP.
    def window(self, f, start, end):
        """The samples of (start, end]."""
        first = max(0, (start - self.begin) // STEP + 1)
        last = min(self.count - 1, (end - self.begin) // STEP)
        return [f(i) for i in range(first, last + 1)]

    def rise(self, start, end):
        """From the last sample up to start to the last one up to end."""
        last = min(self.count - 1, (end - self.begin) // STEP)
        first = max(0, (start - self.begin) // STEP)
        total = 0.0
        for i in range(first + 1, last + 1):
            before, now = value(i - 1), value(i)
            total += now - before if now >= before else now
        return total

    def fill(self):
        """Written as a sender would that allows backfill."""
        now = int(time.time())
        self.begin = (now - DAYS * DAY) // DAY * DAY
        self.count = (now - 2 * HOUR - self.begin) // STEP
        for at in range(0, self.count, 10_000):
            part = range(at, min(at + 10_000, self.count))
            written = self.srv.remote_write([
                ({"__name__": name, "job": "h"},
                 [((self.begin + i * STEP) * 1000, f(i)) for i in part])
                for name, f in (("jobs_total", value), ("wave", wave))])
            self.assertIn(written.status, (200, 204), written.text)
        self.end = self.begin + (self.count - 1) * STEP

    def wait_for_rollups(self):
        def covered():
            leaves, late = self.srv.psql(
                "SELECT count(*) FILTER (WHERE rolled_up = generation), count(*) FILTER (WHERE "
                "(rolled_up <> generation OR n_chunks <> merged_chunks) AND "
                f"end_time <= {(self.end - DAY) * 1000}) FROM vigil.leaf")[0]
            return int(leaves) > 2 * (DAYS - 4) and int(late) == 0
        harness.wait_for("roll-ups of all days", covered, 300)

    def setUp(self):
        super().setUp()
        self.srv = self.server(CONFIG.format(retention="100d"),
                               flags=["--storage.allow-backfill", "--storage.flush-interval=1s",
                                      "--storage.upkeep-interval=1s"])
        self.fill()
        self.wait_for_rollups()

    def check_windows(self, start, end, expect_info):
        """Aligned windows of two hours, each against what is computed here."""
        for function, f, compute, tolerance in (
                ("count_over_time", wave, len, 0), ("min_over_time", wave, min, 0),
                ("max_over_time", wave, max, 0), ("last_over_time", wave, lambda w: w[-1], 0),
                ("first_over_time", wave, lambda w: w[0], 0),
                ("sum_over_time", wave, math.fsum, 1e-12),
                ("avg_over_time", wave, lambda w: math.fsum(w) / len(w), 1e-12)):
            got, infos = self.rows(f"{function}(wave[2h])", start, end, HOUR)
            self.assertEqual(len(got), (end - start) // HOUR + 1, function)
            for t, v in got.items():
                want = compute(self.window(f, t - 2 * HOUR, t))
                self.assertAlmostEqual(v, want, delta=tolerance * abs(want), msg=f"{function} {t}")
            self.assertEqual(any("roll-ups of 1h stand in" in i for i in infos), expect_info,
                             f"{function}: {infos}")

    def test_weeks(self):
        # With all samples there: old ones are answered from roll-ups when that is the same.
        start = self.begin + 2 * DAY
        self.check_windows(start, start + 12 * DAY, True)
        plain, infos = self.rows("max_over_time(wave[2h])", start, start + 5 * DAY, HOUR,
                                 max_source_resolution="0s")
        self.assertEqual(infos, [])
        rolled, infos = self.rows("max_over_time(wave[2h])", start, start + 5 * DAY, HOUR)
        self.assertEqual(plain, rolled)
        for resolution, stand_ins in (("auto", ("rollups",)), ("0s", ("none", "chunkSummaries"))):
            plan = self.srv.api("query_explain", query="max_over_time(wave[2h])", start=start,
                                end=start + 5 * DAY, step=HOUR,
                                max_source_resolution=resolution)["plan"]
            self.assertIn(plan["children"][0]["standIns"], stand_ins)
        # The samples expire: from now on nobody reads them, whether they are dropped yet or not.
        self.srv.write_config(CONFIG.format(retention="2d"))
        reload = harness.http(self.srv.url + "/-/reload", b"", "POST")
        self.assertEqual(reload.status, 200, reload.text)
        _, infos = self.rows("count_over_time(wave[2h])", start, start + DAY, HOUR)
        self.assertEqual(len(infos), 1)
        result, _, _ = self.answer("count_over_time(wave[2h])", start=start, end=start + DAY,
                                   step=HOUR, max_source_resolution="0s")
        self.assertEqual(result, [])
        # From the first days to the last hour.
        edge = (self.end // HOUR) * HOUR
        self.check_windows(start, edge, True)
        # Rises from the last sample before each window; at the edge as upstream extrapolates.
        got, infos = self.rows("increase(jobs_total[6h])", start, edge, 6 * HOUR)
        for t, v in got.items():
            want = self.rise(t - 6 * HOUR, t)
            if t < edge - 3 * DAY:
                self.assertAlmostEqual(v, want, delta=1e-9 * want, msg=str(t))
            self.assertAlmostEqual(v, want, delta=0.02 * want, msg=str(t))
        self.assertEqual(len(infos), 1, infos)
        self.assertRegex(infos[0], r"^PromQL info: roll-ups of 1h stand in for the samples from "
                         r"\d{4}-\d\d-\d\dT\d\d:00:00\.000Z to \S+Z: counted from the last sample "
                         r"before each window, not extrapolated \(1:10\)$")
        rate, _ = self.rows("rate(jobs_total[6h])", start, start + 12 * DAY, 6 * HOUR)
        for t, v in rate.items():
            self.assertAlmostEqual(v, got[t] / (6 * HOUR), delta=1e-12)
        self.check_plain(start, edge)

    def check_plain(self, start, edge):
        # A graph: the last value of each five minutes.
        got, infos = self.rows("wave", start, start + 10 * DAY, 1800)
        for t, v in got.items():
            self.assertEqual(v, wave((t - self.begin) // STEP), t)
        self.assertEqual(len(infos), 1, infos)
        self.assertIn("roll-ups of 5m", infos[0])
        # At times and ranges that fit no bucket.
        at = start + 17 * HOUR + 1234
        result, infos, _ = self.answer("max_over_time(wave[7h13m])", time=at)
        highest = max(self.window(wave, at - 8 * HOUR, at + HOUR))
        self.assertLessEqual(float(result[0]["value"][1]), highest)
        self.assertIn("windows are rounded to whole buckets", infos[0])
        result, infos, _ = self.answer("stddev_over_time(wave[1d])", time=at)
        self.assertEqual(len(result), 1)
        self.assertIn("one sample per bucket, its last", infos[0])
        # A window from the roll-ups into the samples of a moment ago.
        result, infos, _ = self.answer("sum_over_time(wave[20d])", time=edge)
        want = math.fsum(self.window(wave, edge - 20 * DAY, edge))
        self.assertAlmostEqual(float(result[0]["value"][1]), want, delta=1e-9 * want)
        self.assertGreater(self.srv.metric("vigil_rollup_reads_total"), 0)


if __name__ == "__main__":
    harness.main()

# SPDX-License-Identifier: Apache-2.0
"""Data and expressions for promql_peer_test.py; all of it follows from one seed.

Clear of what 3.x changed on purpose:
- Windows are open on the left since 3.0. No sample lies on a whole second, and no point of a
  subquery on the left border of its window: evaluation times are 7 s behind a multiple of 15 s,
  subqueries step by multiples of 15 s, their ranges end in 5 s, offsets are multiples of 15 s.
- Counters start high, so that extrapolation never reaches zero: the cap moved in 2.51.
- Values are multiples of 1/8, so that plain sums of them are exact.
- No value has a line break, which `.` matches since 3.0.
And of what neither version promises: topk, bottomk and sort see no equal values, whose order is
that of the series in the store."""
import random
import re
import struct

START = 1_709_640_000  # a whole hour; two hours of data
STEP = 15
COUNT = 240
SKEW_MS = 3217  # samples lie on no whole second
BORDER = START + 7200  # border_test has samples at whole minutes up to here

TRANSCENDENTAL = ("exp", "ln", "log2", "log10", "sin", "cos", "tan", "asin", "acos", "atan", "sinh",
                  "cosh", "tanh", "asinh", "acosh", "atanh")
STALE = 0x7FF0000000000002


def stale():
    return struct.unpack("<d", struct.pack("<Q", STALE))[0]


def _gauge(rng, k):
    return rng.randrange(-8000, 8000) / 8


def _special(rng, k):
    return rng.choice([float("nan"), float("inf"), float("-inf"), 0.0, -0.0, 1e21, 1e-7,
                       rng.randrange(1, 999) / 8, rng.randrange(1, 999) / 8])


def _series(rng):
    """[(labels, [(ms, value)])], long before it is cut into batches by time."""
    series = []

    def add(name, labels, value_of, holes=()):
        samples = []
        for k in range(COUNT):
            if any(a <= k < b for a, b in holes):
                continue
            jitter = rng.randrange(-400, 400) if labels.get("jitter") else 0
            samples.append(((START + k * STEP) * 1000 + SKEW_MS + jitter, value_of(rng, k)))
        series.append(({"__name__": name, **labels}, samples))

    def counter(step, resets=()):
        state = {"v": 1_000_000.0 + rng.randrange(1000)}

        def value(r, k):
            state["v"] = 500_000.0 if k in resets else state["v"] + r.randrange(step)
            return state["v"]
        return value

    for i, instance in enumerate(("a:9100", "b:9100", "c:9100")):
        for j, job in enumerate(("node", "web")):
            base = {"instance": instance, "job": job}
            add("temperature", {**base, "room": f"r{(i + j) % 2}"}, _gauge)
            holes = [(), [(50, 90)], [(100, 104), (150, 180)]][i]
            add("requests_total", {**base, "code": "200"}, counter(40), holes)
            add("requests_total", {**base, "code": "500"}, counter(5, {60, 61, 170}))
            add("info", {**base, "version": f"1.{i}", "zone": "z"}, lambda r, k: 1.0)
    add("strange", {"instance": "a:9100", "kind": "x"}, _special)
    add("strange", {"instance": "b:9100", "kind": "y"}, _special, [(30, 60)])
    add("strange", {"instance": "c:9100", "kind": "z", "jitter": "1"}, _gauge)
    add("constant", {"job": "node"}, lambda r, k: 2.5)
    add("constant", {"job": "web"}, lambda r, k: 4.0)
    add("constant", {}, lambda r, k: 8.0)
    add("sparse", {"job": "node"}, _gauge, [(k, k + 17) for k in range(1, COUNT, 18)])
    add("clock", {"job": "node"}, lambda r, k: float(START + k * 86_400 * 5))
    add("text", {"job": "node", "path": "/a\\b\"c", "empty": "", "utf": "ä😀"},
        lambda r, k: float(k % 7))
    # One series that ends with a marker and begins again.
    end = stale()
    add("vanishing", {"job": "node"}, lambda r, k: end if k in (80, 81, 200) else float(k),
        [(82, 120), (201, COUNT)])
    for instance in ("a:9100", "b:9100"):
        totals = [float(rng.randrange(100)) for _ in range(6)]
        columns = []
        for k in range(COUNT):
            for b in range(6):
                totals[b] += rng.randrange(12)
            columns.append([sum(totals[:b + 1]) for b in range(6)])
        for b, le in enumerate(("0.1", "0.5", "1", "2.5", "10", "+Inf")):
            add("latency_bucket", {"instance": instance, "job": "web", "le": le},
                lambda r, k, b=b, c=columns: c[k][b])
        add("latency_count", {"instance": instance, "job": "web"}, lambda r, k, c=columns: c[k][5])
        add("latency_sum", {"instance": instance, "job": "web"},
            lambda r, k, c=columns: c[k][5] * 3 / 8)
    # For the rows about borders: on whole minutes.
    series.append(({"__name__": "border_test"},
                   [((BORDER - m * 60) * 1000, float(m)) for m in range(10, -1, -1)]))
    series.append(({"__name__": "border_text", "line": "a\nb"}, [(BORDER * 1000, 1.0)]))
    return [({k: v for k, v in labels.items() if v}, samples) for labels, samples in series]


def batches():
    """Requests in order of time: neither server has an out-of-order window."""
    series = _series(random.Random(42))
    for begin in range(START, BORDER + 600, 600):
        cut = [(labels, [s for s in samples if begin * 1000 <= s[0] < (begin + 600) * 1000])
               for labels, samples in series]
        yield [(labels, samples) for labels, samples in cut if samples]


# --- expressions ---

SELECTORS = ["temperature", "requests_total", "strange", "constant", "sparse", "text", "vanishing",
             "latency_bucket", "latency_count", "latency_sum", "info", "clock",
             '{__name__="constant"}', '{__name__=~"constant|sparse"}', '{__name__=~"latency_.*"}',
             'temperature{instance="a:9100"}', 'temperature{job!="web"}',
             'temperature{room=~"r[01]",instance=~"[ab].*"}', 'temperature{job!~"w.b"}',
             'requests_total{code="200"}', 'requests_total{code=~"5.."}', 'constant{job=""}',
             'constant{job!=""}', 'constant{nothere=""}', 'nothing', 'requests_total{code="404"}',
             'text{path="/a\\\\b\\"c"}', "text{utf='ä😀'}", '{job="node",__name__!~"c.*"}',
             'latency_bucket{le="+Inf"}', 'latency_bucket{le=~"0.*"}', 'strange{kind!="x"}']
COUNTERS = ["requests_total", 'requests_total{code="200"}', "latency_bucket", "latency_count",
            "latency_sum", 'requests_total{code="500"}']
MODIFIERS = ["", "", "", "", " offset 5m", " offset 45s", " offset -15m", f" @ {START + 3607}",
             " @ start()", " @ end()", f" @ {START + 1807} offset 1m", f" offset 1m @ {START + 5407}",
             " @ end() offset 15m"]
RANGES = ["1m", "2m", "5m", "10m", "47s", "30m", "1h", "20s", "90s"]
SUBQUERIES = ["[5m5s:30s]", "[2m35s:15s]", "[20m5s:1m]", "[10m50s:]", "[5m20s:45s]"]
MAPS = ["abs", "ceil", "floor", "sqrt", "sgn", "exp", "ln", "log2", "log10", "sin", "cos", "tan",
        "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "deg", "rad",
        "round", "timestamp", "minute", "hour", "day_of_week", "day_of_month", "day_of_year",
        "days_in_month", "month", "year", "absent"]
OVER_TIME = ["avg_over_time", "min_over_time", "max_over_time", "sum_over_time", "count_over_time",
             "stddev_over_time", "stdvar_over_time", "last_over_time", "present_over_time",
             "absent_over_time", "changes", "delta", "idelta", "deriv"]
OF_COUNTERS = ["rate", "irate", "increase", "resets", "changes"]
# No two values are the same.
UNEQUAL = ["temperature", 'requests_total{job="node"}', "temperature offset 5m", "latency_sum * 3",
           f'-temperature{{room="r1"}} @ {START + 3607}', "max_over_time(temperature[1m])"]
AGGREGATIONS = ["sum", "avg", "min", "max", "count", "group", "stddev", "stdvar"]
GROUPINGS = ["", " by (job)", " by (instance, job)", " without (instance)", " by ()",
             " without (job, code, le)", " by (nothere)", " by (room)"]
ARITHMETIC = ["+", "-", "*", "/", "%", "^"]
COMPARISONS = ["==", "!=", "<", "<=", ">", ">="]
NUMBERS = ["0", "1", "2.5", "-3", "1e3", "0x1F", "NaN", "Inf", "-Inf", "0.125", "100"]


class Grammar:
    def __init__(self, seed):
        self.rng = random.Random(seed)

    def one(self, choices):
        return self.rng.choice(choices)

    def scalar(self, depth):
        kind = self.rng.randrange(6 if depth > 0 else 2)
        if kind < 2:
            return self.one(NUMBERS)
        if kind == 2:
            return f"scalar({self.vector(depth - 1)})"
        if kind == 3:
            return self.one(["time()", "pi()"])
        if kind == 4:
            return f"({self.scalar(depth - 1)} {self.one(ARITHMETIC)} {self.scalar(depth - 1)})"
        return f"({self.scalar(depth - 1)} {self.one(COMPARISONS)} bool {self.scalar(depth - 1)})"

    def selector(self):
        return self.one(SELECTORS) + self.one(MODIFIERS)

    def ranged(self, depth, of=None):
        if depth > 0 and self.rng.random() < 0.3:
            inner = self.vector(depth - 1)
            if of is not None:
                inner = f"{self.one(of)}"
            return f"({inner}){self.one(SUBQUERIES)}{self.one(MODIFIERS)}"
        return f"{self.one(of or SELECTORS)}[{self.one(RANGES)}]{self.one(MODIFIERS)}"

    def over_time(self, depth):
        kind = self.rng.randrange(6)
        if kind < 2:
            return f"{self.one(OF_COUNTERS)}({self.ranged(depth, COUNTERS)})"
        if kind < 4:
            return f"{self.one(OVER_TIME)}({self.ranged(depth)})"
        if kind == 4:
            return f"quantile_over_time({self.one(['0.5', '0.9', '0', '1', '-1', '2'])}, " \
                   f"{self.ranged(depth)})"
        return self.one([f"predict_linear({self.ranged(depth)}, {self.one(['60', '3600', '0'])})",
                         f"holt_winters({self.ranged(depth)}, 0.5, 0.25)"])

    def aggregation(self, depth):
        by = self.one(GROUPINGS)
        operand = self.vector(depth - 1)
        kind = self.rng.randrange(10)
        if kind < 7:
            name = self.one(AGGREGATIONS)
            return f"{name}{by}({operand})" if kind % 2 else f"{name}({operand}){by}"
        if kind == 7:
            return f"{self.one(['topk', 'bottomk'])}{by}({self.one(['1', '2', '3', '50'])}, " \
                   f"{self.one(UNEQUAL)})"
        if kind == 8:
            return f"quantile{by}({self.one(['0.5', '0.9', '0', '1', '-1', 'NaN'])}, {operand})"
        # Whose values become text: nothing that the C library computes.
        return f'count_values{by}("value", round({self.selector()}))'

    def matching(self):
        return self.one(["", "", " on (job)", " on (instance, job)", " ignoring (code)",
                         " ignoring (room, version, zone)", " on (instance) group_left ()",
                         " on (instance, job) group_left (version)", " on ()",
                         " ignoring (code, version, zone) group_left (zone)",
                         " on (job, instance) group_right (room)"])

    def binary(self, depth):
        lhs, rhs = self.vector(depth - 1), self.vector(depth - 1)
        kind = self.rng.randrange(10)
        if kind < 3:
            op = self.one(ARITHMETIC + COMPARISONS)
            number = self.scalar(depth - 1)
            return self.one([f"({lhs}) {op} {number}", f"{number} {op} ({lhs})"])
        if kind < 6:
            # Sides that have a chance to match.
            lhs = self.one(["temperature", 'requests_total{code="200"}', "latency_count",
                            "rate(latency_sum[5m])", "requests_total", lhs])
            rhs = self.one(["info", "temperature", "latency_sum", "rate(latency_count[5m])",
                            "requests_total", "constant", rhs])
            return f"{lhs} {self.one(ARITHMETIC)}{self.matching()} {rhs}"
        if kind < 8:
            op = self.one(COMPARISONS) + self.one(["", " bool"])
            return f"{lhs} {op}{self.matching()} {rhs}"
        matching = self.one(["", " on (job)", " ignoring (code, room)", " on ()", " on (instance)"])
        return f"{lhs} {self.one(['and', 'or', 'unless'])}{matching} {rhs}"

    def other(self, depth):
        inner = self.vector(depth - 1)
        return self.one([
            f'label_replace({inner}, "new", "$1-x", "instance", "(.*):.*")',
            f'label_replace({inner}, "job", "", "job", ".*")',
            f'label_replace({inner}, "__name__", "renamed_${{1}}", "job", "(w).*")',
            f'label_join({inner}, "both", "/", "job", "instance")',
            f"histogram_quantile({self.one(['0.5', '0.9', '0', '1', '-1', '1.5'])}, "
            + self.one(["latency_bucket", "rate(latency_bucket[5m])",
                        "sum by (le) (rate(latency_bucket[10m]))",
                        "sum by (le, job) (latency_bucket)"]) + ")",
            f"clamp({inner}, -100, {self.one(NUMBERS)})", f"clamp_min({inner}, 2)",
            f"clamp_max({inner}, {self.scalar(depth - 1)})", f"round({inner}, 0.25)",
            f"vector({self.scalar(depth - 1)})", f"-({inner})", f"+({inner})", f"-{self.selector()}",
            f"sort({self.one(UNEQUAL)})", f"sort_desc({self.one(UNEQUAL)})",
            f"absent({self.selector()})", f"timestamp({self.selector()})"])

    def vector(self, depth):
        if depth <= 0:
            return self.selector()
        kind = self.rng.randrange(12)
        if kind == 0:
            return self.selector()
        if kind < 4:
            return self.over_time(depth - 1)
        if kind < 7:
            return self.aggregation(depth)
        if kind < 9:
            return self.binary(depth)
        if kind == 9:
            return f"{self.one(MAPS)}({self.vector(depth - 1)})"
        return self.other(depth)


# timestamp() of a pinned selector with an offset finds nothing in 2.42; the last bit of a power is
# another sine.
UNCOMPARABLE = re.compile(r"timestamp\([^()]*@|\^.*(sin|cos|tan)|(sin|cos|tan).*\^")


def expressions(count):
    """Distinct expressions, from simple to nested."""
    made = Grammar(2042)
    found = {}
    while len(found) < count:
        depth = 1 + len(found) * 3 // count
        expr = made.vector(depth) if made.rng.random() < 0.93 else made.scalar(depth)
        if not UNCOMPARABLE.search(expr):
            found.setdefault(expr)
    return list(found)


def catalogue():
    """Every function and aggregation of 2.42 at least once over data that suits it."""
    exprs = [f"{name}({arg})" for name in MAPS
             for arg in ("temperature", "strange", "constant / 10", "clock")]
    exprs += [f"{name}()" for name in ("time", "pi", "minute", "hour", "day_of_week", "day_of_month",
                                       "day_of_year", "days_in_month", "month", "year")]
    exprs += [f"{name}({arg})" for name in OVER_TIME
              for arg in ("temperature[5m]", "strange[10m]", "sparse[20m]", "vanishing[30m]",
                          "(temperature > 0)[10m5s:30s]")]
    exprs += [f"{name}({arg})" for name in OF_COUNTERS
              for arg in ("requests_total[5m]", "latency_bucket[2m]", "vanishing[30m]")]
    exprs += [f"{name}{by}({arg})" for name in AGGREGATIONS for by in GROUPINGS[:5]
              for arg in ("temperature", "strange", "requests_total")]
    exprs += [f"{name} by (job) ({k}, temperature)" for name in ("topk", "bottomk")
              for k in ("1", "2.9", "0", "-1", "scalar(constant{job=\"node\"})")]
    exprs += [f"topk({k}, strange)" for k in (1, 2, 3)] + ["bottomk(2, strange)"]
    exprs += [f"quantile({q}, {arg})" for q in ("0", "0.3", "1", "-0.1", "1.1", "NaN")
              for arg in ("temperature", "strange")]
    exprs += ['count_values("v", constant)', 'count_values("v", strange)',
              'count_values without (kind) ("job", strange)']
    exprs += [f"histogram_quantile({q}, {arg})" for q in ("0", "0.2", "0.5", "0.99", "1", "NaN")
              for arg in ("latency_bucket", "rate(latency_bucket[5m])",
                          'latency_bucket{le!="+Inf"}', 'latency_bucket{le="+Inf"}',
                          "temperature", "sum by (le) (latency_bucket)")]
    exprs += ["sort(temperature)", "sort_desc(strange)", "sort_desc(requests_total)",
              'absent(nothing{job="x",instance=~"y"})', 'absent_over_time(nothing{a="b"}[5m])',
              'absent(sum(nothing{job="x"}))', "scalar(temperature)", "scalar(clock)",
              "vector(1e21)", "1e21", "1e-7", "vector(1e-7)", '"a string"', "-1 ^ 2", "2 ^ 3 ^ 2",
              "1 + 2 * 3 - 4 % 3", "temperature[1m]", "strange[5m] offset 10m",
              f"temperature[1m] @ {START + 607}", "(temperature > 0)[2m35s:15s]",
              "sum(rate(requests_total[5m])) / on () group_right () vector(2)",
              "temperature * on (instance, job) group_left (version) info",
              "info * on (instance, job) group_right (version) temperature",
              "temperature + on (job) temperature", "temperature + ignoring (room) info",
              "constant == constant", "constant != bool 4", "strange == strange",
              '-({__name__=~"latency_.*"} <= NaN)', '-({__name__=~"latency_(sum|count)"} > 1e9)',
              "1 > bool 0", "NaN == bool NaN", "temperature and strange",
              "temperature unless on (instance) strange", "nothing or vector(1)",
              "vector(0) or on () constant", "rate(requests_total[1m] offset -2m)",
              "max_over_time(rate(requests_total[2m])[10m5s:30s])",
              "sum_over_time(sum_over_time(temperature[1m])[5m20s:45s])",
              "max_over_time((time() - max(timestamp(vanishing)))[10m5s:15s])",
              'label_replace(temperature, "a", "b", "nothere", "")',
              'label_replace(temperature, "job", "$2", "instance", "(.):(.*)")',
              'label_join(temperature, "instance", "")', "histogram_count(temperature)",
              "histogram_sum(temperature)", "histogram_fraction(0, 1, temperature)",
              "predict_linear(temperature[10m], 600)", "deriv(clock[10m])",
              "holt_winters(temperature[10m], 0.3, 0.6)", "clamp(temperature, 5, 1)",
              "clamp(temperature, NaN, 1)", "round(temperature, 100)", "round(temperature, 0)",
              "day_of_year(clock)", "days_in_month(clock)", "sgn(strange)",
              "stddev(strange)", "quantile_over_time(0.5, strange[1h])", "last_over_time(strange[20s])"]
    return exprs


def evaluations(expr):
    """Instant at two times and, where it can be, a range."""
    # 2.42 answers predict_linear over a pinned selector for the first step only.
    pinned = "predict_linear" in expr and "@" in expr
    queries = [{"query": expr, "time": START + 3607}, {"query": expr, "time": START + 1927}]
    if not (pinned or expr.startswith('"') or expr.endswith("]") or "] @" in expr[-20:] or
            "] offset" in expr[-20:]):
        queries.append({"query": expr, "start": START + 607, "end": START + 2707, "step": 150})
    return queries


def broken():
    """Errors: kind and text must be the same."""
    at = START + 3607
    texts = ["sum(", "temperature{", "temperature{job=}", 'temperature{job="a"', "temperature[5m",
             "foo bar", "1 +", "* 2", "sum(temperature) by job", "rate(temperature)", "rate()",
             "sum()", "abs(temperature[5m])", "abs(1)", "nofunction(temperature)", "topk(temperature)",
             "topk(1)", "1 and 2", "temperature and 1", "1 == 2", "temperature == bool", "{}",
             '{job=""}', '{job=~".*"}', 'temperature{__name__="x"}',
             "temperature[5m] + 1", "temperature[5m][5m]", "sum(temperature[5m])", "-temperature[5m]",
             "(temperature[5m])[5m:1m]", "temperature @", "temperature @ foo", "temperature @ 1 @ 2",
             "temperature offset 1m offset 2m", "rate(temperature[5m]) offset 1m",
             "sum(temperature) @ 1", "1 bool == 2", "1 + bool 2", "temperature + on (job",
             "temperature + group_left temperature", "temperature and on (job) group_left info",
             "temperature == on (job) group_left (x) on (y) info", "'unterminated", '"\\q"', "`raw",
             "temperature{job='a',,}", "temperature{,}", "label_replace(temperature, 1, 2, 3, 4)",
             "count_values(1, temperature)", 'label_replace(temperature, "a", "", "job", "(")',
             "temperature + requests_total", "temperature + on (job) info",
             "requests_total * on (instance, job) info", "info * on (job) group_left () info",
             "temperature * on (job) group_right () temperature", "holt_winters(temperature[5m], 0, 1)",
             "holt_winters(temperature[5m], 0.5, 1)", "0xZ", "temperature{job==\"a\"}",
             "#", "sum by (job (temperature)", "🦄",
             "quantile(temperature)", "vector(temperature)", "scalar(1)", "time(1)",
             'label_replace(requests_total, "code", "", "", "")', "rate(requests_total[0s])",
             'sum without (instance) (temperature) + ', "temperature[1m:0s]", "temperature[1m:] + 1",
             '{__name__=~"requests_total|latency_count"} * 1 + abs({__name__=~".*_total|.*_count"})',
             'abs({__name__=~"latency_sum|latency_count"})', "rate({__name__=~\"latency_.*\"}[5m])",
             'label_replace({job="node"}, "instance", "same", "", "")']
    queries = [{"query": text, "time": at} for text in texts]
    ranges = {"start": START, "end": START + 60, "step": 15}
    queries += [{"query": text, **ranges} for text in ("temperature[5m]", '"a"', "sum(", "1 and 2")]
    good = {"query": "constant", **ranges}
    queries += [dict(good, **change) for change in (
        {"start": "x"}, {"end": ""}, {"step": "0"}, {"step": "-1"}, {"step": "abc"}, {"end": 1},
        {"step": "0.001", "end": START + 600}, {"timeout": "x"}, {"step": "1e300"})]
    queries += [{"query": "constant", "time": "never"}, {"query": "constant", "timeout": "1x"}]
    return queries


def metadata_requests():
    window = {"start": START, "end": START + 3600}
    matches = ["temperature", '{job="node"}', 'requests_total{code=~"2.."}', "nothing",
               '{__name__=~"latency_.*",le!=""}']
    for match in matches:
        yield "series", {"match[]": match, **window}
        yield "labels", {"match[]": match, **window}
        yield "label/instance/values", {"match[]": match, **window}
        yield "label/__name__/values", {"match[]": match, **window}
    yield "series", {"match[]": matches, **window}
    yield "series", {}
    yield "series", {"match[]": "{}"}
    yield "series", {"match[]": "sum("}
    yield "labels", {}
    yield "label/job/values", {}
    yield "label/nothere/values", {}
    yield "labels", {"start": "x"}


def sorts(expr):
    return expr.startswith("sort(") or expr.startswith("sort_desc(")


def in_3x(expr):
    return expr.replace("holt_winters(", "double_exponential_smoothing(")


# (expression at BORDER, what 2.42 answers, what 3.x answers); values, or the text of the error.
_PARSE = 'invalid parameter "query": '
CHANGED_IN_3X = [
    # Windows are open on the left.
    ("count_over_time(border_test[1m])", ["2"], ["1"]),
    ("count_over_time(border_test[5m])", ["6"], ["5"]),
    ("count_over_time(border_test[1m:1m])", ["2"], ["1"]),
    # . matches a line break.
    ('border_text{line=~"a.b"}', [], ["1"]),
    # Durations and numbers are the same.
    ("vector(5m)", _PARSE + '1:8: parse error: unexpected duration "5m"', ["300"]),
    ("count_over_time(border_test[300])",
     _PARSE + "1:29: parse error: missing unit character in duration", ["5"]),
    ("border_test offset 60",
     _PARSE + '1:20: parse error: unexpected number "60" in offset, expected duration', ["1"]),
    ("border_test offset", _PARSE + "1:19: parse error: unexpected end of input in offset, "
     "expected duration", _PARSE + "1:19: parse error: unexpected end of input in offset, expected "
     "number, duration, step(), or range()"),
    ("border_test[5q]", _PARSE + '1:13: parse error: bad duration syntax: "5"',
     _PARSE + '1:13: parse error: bad number or duration syntax: "5"'),
    ("vector(1_000)", _PARSE + '1:8: parse error: bad number or duration syntax: "1"', ["1000"]),
    ("1e", _PARSE + '1:1: parse error: error parsing number: strconv.ParseFloat: parsing "1e": '
     "invalid syntax", _PARSE + '1:1: parse error: bad number or duration syntax: "1e"'),
    ("1.2.3", _PARSE + '1:4: parse error: unexpected number ".3"',
     _PARSE + '1:1: parse error: bad number or duration syntax: "1.2."'),
    # Names of any characters.
    ('border_test{"le le"=""}', _PARSE + '1:13: parse error: unexpected string "\\"le le\\"" in '
     'label matching, expected identifier or "}"', ["0"]),
    ('label_replace(border_test, "a b", "", "job", "")',
     "invalid destination label name in label_replace(): a b", ["0"]),
    ('label_join(border_test, "a b", "", "job")',
     "invalid destination label name in label_join(): a b", ["0"]),
    ('label_join(border_test, "x", "", "a b")',
     "invalid source label name in label_join(): a b", ["0"]),
    ('count_values("a b", border_test)', 'invalid label name "a b"', ["1"]),
    # Texts.
    ("", _PARSE + "1:1: parse error: no expression found in input",
     _PARSE + "unknown position: parse error: no expression found in input"),
    ("@", _PARSE + '1:1: parse error: unexpected "<Item 57385>" <op:@>',
     _PARSE + "1:1: parse error: unexpected <op:@>"),
    ('x{a=~"("}', _PARSE + "1:3: parse error: error parsing regexp: missing closing ): `^(?:()$`",
     _PARSE + "1:3: parse error: error parsing regexp: missing closing ): `(`"),
    # Names are dropped by atan2, too.
    ('sum(label_replace(border_test atan2 border_test, "named", "yes", "__name__", ".+") * on '
     '(named) label_replace(vector(1), "named", "yes", "", "")) or vector(7)', ["0"], ["7"]),
    # What a comparison drops has matched all the same.
    (f'{{__name__=~"latency_sum|latency_count"}} @ {START + 3607} < on () border_test', [],
     "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"),
    # Functions.
    ("holt_winters(border_test[5m], 0.5, 0.5)", ["0"],
     _PARSE + '1:1: parse error: unknown function with name "holt_winters"'),
    ("mad_over_time(border_test[5m])",
     _PARSE + '1:1: parse error: unknown function with name "mad_over_time"', ["1"]),
]

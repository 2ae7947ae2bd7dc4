# SPDX-License-Identifier: Apache-2.0
"""The same data in the real prometheus 2.42 and in our server, the same expressions, the same JSON.

Expressions come from a grammar with a fixed seed; promql_grammar.py has the data and the grammar,
and says how both keep clear of what 3.x changed on purpose. What is left of the differences between
2.42 and 3.x is listed in INTENDED below: one row each, as narrow as it can be said."""
import concurrent.futures
import json
import math
import re

import harness
import promql_grammar as grammar

# Annotations came after 2.42; everything else in an envelope is compared.
IGNORED_KEYS = ("infos", "warnings")


class Peer:
    """A prometheus 2.42 with a remote write receiver, and an empty configuration."""

    def __init__(self, case, program):
        config = case.directory + "/peer.yml"
        with open(config, "w", encoding="utf-8") as f:
            f.write("global: {evaluation_interval: 1m}\n")
        self.url = f"http://127.0.0.1:{harness.free_port()}"
        case.run_program(program, f"--config.file={config}",
                         f"--storage.tsdb.path={case.directory}/peer",
                         "--storage.tsdb.retention.time=100y",
                         "--web.enable-remote-write-receiver",
                         f"--web.listen-address={self.url[7:]}").wait_http(self.url + "/-/ready")


def post(url, path, form):
    # Both answer errors as JSON, too.
    return harness.http(url + "/api/v1/" + path, form).json


def numbers_of(result):
    """Every value of a result with where it stands, and the rest without values."""
    values, frame = {}, []
    if isinstance(result, dict):
        result = [result]
    for series in result:
        labels = json.dumps(series["metric"], sort_keys=True)
        points = series.get("values", [series["value"]] if "value" in series else [])
        frame.append((labels, [p[0] for p in points]))
        for point in points:
            values[labels, point[0]] = point[1]
    return values, frame


def within(factor):
    """Whether two texts are numbers that differ by no more than this part of them."""
    def close(ours, theirs):
        a, b = float(ours), float(theirs)
        if a == b or (math.isnan(a) and math.isnan(b)):
            return True
        return math.isfinite(a) and math.isfinite(b) and abs(a - b) <= factor * max(abs(a), abs(b))
    return close


def calls(expr, *names):
    return re.search(r"\b(" + "|".join(names) + r")\b\s*(\(|by|without)", expr) is not None


# What 3.x computes otherwise than 2.42: the reason, the expressions, and when a pair of values
# (ours, theirs) is no difference.
INTENDED = [
    # Only sums of values that are no small dyadic fractions can tell.
    ("sums and means of aggregations carry the rounding error along since 2.54",
     lambda e: calls(e, "sum", "avg", "stddev", "stdvar"), within(1e-11)),
    ("means over time divide a compensated sum since 2.54",
     lambda e: calls(e, "avg_over_time", "stddev_over_time", "stdvar_over_time"), within(1e-11)),
    ("the deviation of anything that holds an infinity is NaN; 2.42 says 0 where it stands alone",
     lambda e: calls(e, "stddev", "stdvar"),
     lambda ours, theirs: ours == "NaN" and theirs == "0"),
    ("Go has a mathematics library of its own, whose last bits differ from the C library's",
     lambda e: calls(e, *grammar.TRANSCENDENTAL) or "^" in e or "atan2" in e, within(1e-12)),
]


class Difference(AssertionError):
    pass


def explain(expr, differing):
    """The reason why these (where, ours, theirs) differ, or Difference."""
    rows = [(reason, same) for reason, applies, same in INTENDED if applies(expr)]
    for reason, same in rows:
        if all(same(a, b) for _, a, b in differing):
            return reason
    raise Difference("\n  ".join(f"{at}: ours {a}, theirs {b}" for at, a, b in differing[:5]))


def normalised_error(text, is_range, is_ours):
    """What 3.x words otherwise, or neither server promises."""
    # Range queries name the parameter of a parse error since 2.43.
    if is_range and is_ours:
        text = text.removeprefix('invalid parameter "query": ')
    # Which of several bad groups is found first follows from the order of series in the store.
    return re.sub(r"(match group) .*(;many-to-many)", r"\1 ...\2", text)


def compare(query, ours, theirs):
    """Raises Difference; returns the reason when an intended difference was seen."""
    for key in IGNORED_KEYS:
        ours.pop(key, None)
        theirs.pop(key, None)
    for answer in (ours, theirs):
        if "error" in answer:
            answer["error"] = normalised_error(answer["error"], "step" in query, answer is ours)
    if ours == theirs:
        return None
    if (ours["status"] != theirs["status"] or ours["status"] == "error" or
            ours["data"]["resultType"] != theirs["data"]["resultType"]):
        raise Difference(f"ours:   {json.dumps(ours)[:600]}\n  theirs: {json.dumps(theirs)[:600]}")
    kind = theirs["data"]["resultType"]
    our_result, their_result = ours["data"]["result"], theirs["data"]["result"]
    if kind in ("scalar", "string"):
        our_values, their_values = {"": our_result[1]}, {"": their_result[1]}
        our_frame, their_frame = our_result[0], their_result[0]
    else:
        our_values, our_frame = numbers_of(our_result)
        their_values, their_frame = numbers_of(their_result)
    # Upstream sorts the results of range queries, and what a query says to sort.
    if kind in ("vector", "matrix") and "step" not in query and not grammar.sorts(query["query"]):
        our_frame.sort()
        their_frame.sort()
    if our_frame != their_frame:
        raise Difference(f"ours:   {str(our_result)[:1500]}\n  theirs: {str(their_result)[:1500]}")
    differing = [(at, our_values[at], text) for at, text in their_values.items()
                 if our_values[at] != text]
    return explain(query["query"], differing) if differing else None


class SameAnswers(harness.Case):
    def setUp(self):
        super().setUp()
        self.peer = Peer(self, self.require_peer("prometheus"))
        self.ours = self.server(flags=["--storage.retention.time=100y",
                                       "--enable-feature=promql-experimental-functions"])
        for batch in grammar.batches():
            body = harness.write_request(batch)
            for url in (self.peer.url, self.ours.url):
                answer = harness.http(url + "/api/v1/write", body, "POST",
                                      {"Content-Type": "application/x-protobuf",
                                       "Content-Encoding": "snappy",
                                       "X-Prometheus-Remote-Write-Version": "0.1.0"})
                self.assertEqual(answer.status // 100, 2, f"{url}: {answer.text}")

    def test_same_answers(self):
        # One test: the data is loaded once.
        for part in (self.every_function_and_aggregation, self.generated_expressions, self.errors,
                     self.series_and_labels, self.what_3x_changed,
                     self.the_same_from_the_database, self.explained):
            with self.subTest(part.__name__):
                part()

    def ask_both(self, query):
        path = "query_range" if "step" in query else "query"
        ours = dict(query, query=grammar.in_3x(query["query"]))
        return (post(self.ours.url, path, ours), post(self.peer.url, path, query))

    def check_all(self, queries):
        """Asks everything, then reports all differences at once."""
        wrong, reasons, succeeded, filled = [], {}, 0, 0
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            for query, (ours, theirs) in zip(queries, pool.map(self.ask_both, queries)):
                if theirs["status"] == "success":
                    succeeded += 1
                    filled += bool(theirs["data"]["result"])
                try:
                    reason = compare(query, ours, theirs)
                    reasons[reason] = reasons.get(reason, 0) + 1
                except Difference as difference:
                    wrong.append(f"{query}\n  {difference}")
        print(f"{len(queries)} queries, {succeeded} succeed, {filled} have results; " +
              "; ".join(f"{n}: {r or 'same text'}" for r, n in reasons.items()))
        self.assertEqual(wrong, [], f"{len(wrong)} of {len(queries)} differ:\n" +
                         "\n".join(wrong[:40]))
        return succeeded, filled

    def generated_expressions(self):
        queries = [q for e in grammar.expressions(420) for q in grammar.evaluations(e)]
        succeeded, filled = self.check_all(queries)
        # Else the grammar makes rubbish and proves nothing.
        self.assertGreater(succeeded, len(queries) * 0.8)
        self.assertGreater(filled, len(queries) * 0.5)

    def every_function_and_aggregation(self):
        self.check_all([q for e in grammar.catalogue() for q in grammar.evaluations(e)])

    def the_same_from_the_database(self):
        """Until here memory answered; after a restart everything is in chunks."""
        self.assertEqual(self.ours.stop(), 0)
        self.ours.start()
        plan = self.ours.api("query_explain", query="temperature[1h]", time=grammar.START + 3607)
        self.assertEqual(plan["chunksInMemory"], 0)
        self.assertGreater(plan["chunksInDatabase"], 0)
        self.every_function_and_aggregation()

    def errors(self):
        self.check_all(grammar.broken())

    def series_and_labels(self):
        for path, form in grammar.metadata_requests():
            with self.subTest(path=path, form=form):
                ours, theirs = (harness.http(
                    f"{url}/api/v1/{path}?" + harness.urllib.parse.urlencode(form, doseq=True)).json
                    for url in (self.ours.url, self.peer.url))
                for answer in (ours, theirs):
                    answer["data"] = sorted(answer.get("data", []), key=str)
                self.assertEqual(ours, theirs)

    def what_3x_changed(self):
        for query, theirs, ours in grammar.CHANGED_IN_3X:
            with self.subTest(query=query):
                form = {"query": query, "time": grammar.BORDER}
                for url, expected in ((self.peer.url, theirs), (self.ours.url, ours)):
                    answer = post(url, "query", form)
                    if isinstance(expected, str):
                        self.assertEqual(answer.get("error"), expected, url)
                        continue
                    self.assertEqual(answer["status"], "success", answer)
                    result = answer["data"]["result"]
                    self.assertEqual([s["value"][1] for s in result], expected, url)

    def explained(self):
        """Every expression can be explained, and its nodes account for all that was read."""
        def nodes(node):
            return [node] + [n for child in node["children"] for n in nodes(child)]

        def check(query):
            path = "query_range" if "step" in query else "query"
            query = dict(query, query=grammar.in_3x(query["query"]))
            plain, plan = (post(self.ours.url, p, query) for p in (path, "query_explain"))
            if plain["status"] == "error":
                return plain == plan or f"{query}: {plain} {plan}"
            data = plan["data"]
            for what in ("series", "samples", "chunksInMemory", "chunksInDatabase"):
                if sum(n[what] for n in nodes(data["plan"])) != data[what]:
                    return f"{query}: {what} is not that of the nodes: {data}"
            if data["resultType"] in ("vector", "matrix") and (
                    data["resultSeries"] != len(plain["data"]["result"])):
                return f"{query}: {data['resultSeries']} series: {plain}"
            return True
        queries = [grammar.evaluations(e)[-1] for e in
                   (*grammar.catalogue(), *grammar.expressions(420))]
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            wrong = [w for w in pool.map(check, queries) if w is not True]
        self.assertEqual(wrong[:5], [], f"{len(wrong)} of {len(queries)} are wrong")


if __name__ == "__main__":
    harness.main()

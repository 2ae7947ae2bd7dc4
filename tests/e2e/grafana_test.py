# SPDX-License-Identifier: Apache-2.0
"""What Grafana's Prometheus data source sends, and what it needs in the answers.

Its backend sends forms by POST and goes back to GET on 405; its queries carry the headers below."""
import gzip
import http.server
import json
import threading
import time
import urllib.parse

import harness

HEADERS = {"User-Agent": "Grafana/11.3.0", "Accept-Encoding": "gzip",
           "X-Grafana-Org-Id": "1", "X-Datasource-Uid": "P1809F7CD0C75ACF3",
           "X-Dashboard-Uid": "d0", "X-Panel-Id": "2", "X-Grafana-From-Expr": "false"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
LIMIT = "40000"  # of its metric browser

PAGE = """# HELP shop_orders Orders that were paid.
# TYPE shop_orders counter
shop_orders_total{city="Ulm"} 17 # {trace_id="4bf92f35"} 1.5
# HELP shop_seconds How long an order takes.
# TYPE shop_seconds histogram
# UNIT shop_seconds seconds
shop_seconds_bucket{le="0.5"} 3 # {trace_id="00f067aa"} 0.25
shop_seconds_bucket{le="+Inf"} 4
shop_seconds_count 4
shop_seconds_sum 3.5
# EOF
"""


class Shop(http.server.BaseHTTPRequestHandler):
    def do_GET(self):  # noqa: N802 (the name is the library's)
        self.send_response(200)
        self.send_header("Content-Type", "application/openmetrics-text; version=1.0.0")
        self.end_headers()
        self.wfile.write(PAGE.encode())

    def log_message(self, *args):
        pass


class Grafana(harness.Case):
    def setUp(self):
        super().setUp()
        web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Shop)
        threading.Thread(target=web.serve_forever, daemon=True).start()
        self.addCleanup(web.server_close)
        self.addCleanup(web.shutdown)
        self.target = f"127.0.0.1:{web.server_port}"
        self.vigil = self.server(f"""
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: shop
    static_configs: [{{targets: ["{self.target}"]}}]
""", ["--enable-feature=exemplar-storage"])
        # Half an hour of known data that ends on a whole minute.
        self.end = int(time.time()) // 60 * 60 - 60
        self.start = self.end - 1800
        series = [({"__name__": "lamp_watts", "room": room, "job": "lamps"},
                   [(t * 1000, float(base + (t - self.start) // 15))
                    for t in range(self.start, self.end + 1, 15)])
                  for room, base in (("hall", 100), ("attic", 500))]
        answer = self.vigil.remote_write(series)
        self.assertEqual(answer.status, 204, answer.text)
        harness.wait_for("a scrape", lambda: self.vigil.value("shop_orders_total") == 17)

    def test_requests_of_the_data_source(self):
        # One test: the server starts once.
        for part in (self.data_source_test, self.metric_browser, self.metadata, self.range_panel,
                     self.instant_panel_and_variables, self.exemplars, self.rules_and_alerts,
                     self.browser_access, self.expressions_can_be_formatted_and_parsed):
            with self.subTest(part.__name__):
                part()

    def decoded(self, answer):
        self.assertTrue(answer.headers["Content-Type"].startswith("application/json"),
                        answer.headers["Content-Type"])
        body = answer.body
        if answer.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        return json.loads(body)

    def data(self, answer):
        body = self.decoded(answer)
        self.assertEqual((answer.status, body["status"]), (200, "success"), body)
        self.assertLessEqual(set(body), {"status", "data", "warnings", "infos"})
        return body["data"]

    def get(self, path, *params):
        query = "?" + urllib.parse.urlencode(params) if params else ""
        return harness.http(f"{self.vigil.url}/api/v1/{path}{query}", headers=HEADERS)

    def post(self, path, *params, **headers):
        return harness.http(f"{self.vigil.url}/api/v1/{path}", urllib.parse.urlencode(params),
                            "POST", {**HEADERS, **FORM, **headers})

    def window(self):
        return ("start", str(self.start)), ("end", str(self.end))

    def data_source_test(self):
        # "Save & test": a constant, then what kind of server it is.
        data = self.data(self.post("query", ("query", "1+1"), ("time", f"{self.end}.042")))
        self.assertEqual(data["resultType"], "scalar")
        self.assertEqual(data["result"], [self.end + 0.042, "2"])
        info = self.data(self.get("status/buildinfo"))
        # Anything in `features` makes Grafana take the server for Mimir.
        self.assertFalse(info.get("features"))
        for key in ("version", "revision", "branch", "buildUser", "buildDate", "goVersion"):
            self.assertIsInstance(info[key], str, key)
        # Label requests may carry match[] from 2.24 on.
        self.assertGreaterEqual([int(n) for n in info["version"].split("-")[0].split(".")[:2]],
                                [2, 24])
        # A wrong query is a message in the editor.
        answer = self.post("query", ("query", "lamp_watts{"), ("time", str(self.end)))
        self.assertEqual(answer.status, 400)
        self.assertEqual(self.decoded(answer), {
            "status": "error", "errorType": "bad_data", "error":
            'invalid parameter "query": 1:12: parse error: unexpected end of input inside braces'})

    def metric_browser(self):
        names = self.data(self.get("label/__name__/values", *self.window(), ("limit", LIMIT)))
        self.assertIn("lamp_watts", names)
        self.assertEqual(names, sorted(names))
        labels = self.data(self.post("labels", *self.window(), ("limit", LIMIT)))
        self.assertLessEqual({"__name__", "job", "room"}, set(labels))
        self.assertEqual(self.data(self.post("labels", *self.window(),
                                             ("match[]", "lamp_watts"))),
                         ["__name__", "job", "room"])
        self.assertEqual(self.data(self.get("labels", *self.window(),
                                            ("match[]", '{__name__="lamp_watts"}'))),
                         ["__name__", "job", "room"])
        self.assertEqual(self.data(self.get("label/room/values", *self.window(),
                                            ("match[]", 'lamp_watts{job="lamps"}'),
                                            ("limit", LIMIT))), ["attic", "hall"])
        self.assertEqual(self.data(self.get("label/room/values", *self.window(),
                                            ("match[]", 'lamp_watts{room=~"h.*"}'))), ["hall"])
        self.assertEqual(self.data(self.get("label/nothere/values", *self.window())), [])
        # What it sends for a label's values by POST is sent again by GET.
        self.assertEqual(self.post("label/room/values", *self.window()).status, 405)

        series = self.data(self.post("series", ("match[]", "lamp_watts"), *self.window(),
                                     ("limit", LIMIT)))
        self.assertEqual(sorted(series, key=str), sorted(
            [{"__name__": "lamp_watts", "job": "lamps", "room": r} for r in ("hall", "attic")],
            key=str))
        answer = self.decoded(self.post("series", ("match[]", "lamp_watts"), *self.window(),
                                        ("limit", "1")))
        self.assertEqual((len(answer["data"]), answer["warnings"]),
                         (1, ["results truncated due to limit"]))
        answer = self.decoded(self.get("label/room/values", *self.window(), ("limit", "1")))
        self.assertEqual((answer["data"], answer["warnings"]),
                         (["attic"], ["results truncated due to limit"]))
        self.assertEqual(self.post("series", *self.window()).status, 400)

    def metadata(self):
        metadata = self.data(self.get("metadata", ("limit", LIMIT)))
        self.assertEqual(metadata["shop_orders"], [
            {"type": "counter", "help": "Orders that were paid.", "unit": ""}])
        self.assertEqual(metadata["shop_seconds"], [
            {"type": "histogram", "help": "How long an order takes.", "unit": "seconds"}])
        only = self.data(self.get("metadata", ("metric", "shop_orders")))
        self.assertEqual(list(only), ["shop_orders"])

    def range_panel(self):
        form = [("query", 'sum by (room) (lamp_watts{job="lamps"})'), ("start", str(self.start)),
                ("end", str(self.end)), ("step", "60")]
        answer = self.post("query_range", *form)
        self.assertEqual(answer.headers.get("Content-Encoding"), "gzip")
        data = self.data(answer)
        self.assertEqual(data["resultType"], "matrix")
        self.assertEqual(data["result"], [
            {"metric": {"room": room}, "values": [
                [t, str(base + (t - self.start) // 15)]
                for t in range(self.start, self.end + 1, 60)]}
            for room, base in (("attic", 500), ("hall", 100))])
        # Times as its backend formats those that are not whole, and steps.
        data = self.data(self.post("query_range", ("query", "lamp_watts > bool 1e9"),
                                   ("start", f"{self.start}.5"), ("end", f"{self.end}.25"),
                                   ("step", "0.5")))
        self.assertEqual(data["result"][0]["values"][1], [self.start + 1, "0"])
        # An empty panel.
        data = self.data(self.post("query_range", ("query", "nothing_here"), *form[1:]))
        self.assertEqual(data, {"resultType": "matrix", "result": []})
        # What $__rate_interval becomes.
        data = self.data(self.post("query_range", ("query", "rate(lamp_watts[1m0s])"), *form[1:]))
        for _, value in [v for s in data["result"] for v in s["values"]]:
            self.assertAlmostEqual(float(value), 1 / 15)
        answer = self.post("query_range", ("query", "lamp_watts"), ("start", "0"), *form[2:])
        self.assertEqual(answer.status, 400)
        self.assertIn("exceeded maximum resolution of 11,000 points",
                      self.decoded(answer)["error"])

    def instant_panel_and_variables(self):
        # A table, and query_result() of a variable.
        data = self.data(self.post("query", ("query", "topk(1, lamp_watts)"),
                                   ("time", str(self.end))))
        self.assertEqual(data, {"resultType": "vector", "result": [
            {"metric": {"__name__": "lamp_watts", "job": "lamps", "room": "attic"},
             "value": [self.end, "620"]}]})
        data = self.data(self.post("query", ("query", "lamp_watts[30s]"), ("time", str(self.end))))
        self.assertEqual(data["resultType"], "matrix")
        self.assertEqual({s["metric"]["room"]: s["values"] for s in data["result"]}, {
            "hall": [[self.end - 15, "219"], [self.end, "220"]],
            "attic": [[self.end - 15, "619"], [self.end, "620"]]})
        # Heat maps of classic histograms.
        data = self.data(self.post("query", ("query", "sum by (le) (shop_seconds_bucket)")))
        self.assertEqual({s["metric"]["le"]: s["value"][1] for s in data["result"]},
                         {"0.5": "3", "+Inf": "4"})

    def exemplars(self):
        # A probe when the data source loads, then with every panel that shows them.
        self.assertEqual(self.data(self.get("query_exemplars", ("query", "test"),
                                            *self.window())), [])
        form = [("query", "rate(shop_orders_total[5m])"), ("start", str(self.start)),
                ("end", str(int(time.time()) + 60)), ("step", "15")]

        def found():
            return self.data(self.post("query_exemplars", *form))
        data = harness.wait_for("the exemplar", found)
        self.assertEqual(len(data), 1)
        self.assertEqual(data[0]["seriesLabels"], {
            "__name__": "shop_orders_total", "city": "Ulm", "instance": self.target,
            "job": "shop"})
        exemplar = data[0]["exemplars"][0]
        self.assertEqual((exemplar["labels"], exemplar["value"]),
                         ({"trace_id": "4bf92f35"}, "1.5"))
        self.assertAlmostEqual(exemplar["timestamp"], time.time(), delta=60)

    def rules_and_alerts(self):
        # Recording rules are expanded in the editor; alert lists ask with and without a type.
        for params in ((), (("type", "alert"),), (("type", "record"),)):
            self.assertEqual(self.data(self.get("rules", *params))["groups"], [])
        self.assertEqual(self.data(self.get("alerts")), {"alerts": []})

    def browser_access(self):
        # Data sources in browser mode: a preflight, then the query with an Origin.
        answer = harness.http(self.vigil.url + "/api/v1/query_range", method="OPTIONS", headers={
            "Origin": "http://grafana", "Access-Control-Request-Method": "POST"})
        self.assertEqual(answer.status, 204)
        self.assertIn("POST", answer.headers["Access-Control-Allow-Methods"])
        answer = self.post("query", ("query", "1"), Origin="http://grafana")
        self.assertIn(answer.headers["Access-Control-Allow-Origin"], ("*", "http://grafana"))

    def expressions_can_be_formatted_and_parsed(self):
        self.assertEqual(self.data(self.get("format_query",
                                            ("query", "sum(rate(a[5m]))by(b)"))),
                         "sum by (b) (rate(a[5m]))")
        tree = self.data(self.get("parse_query", ("query", "sum(a)")))
        self.assertEqual((tree["type"], tree["expr"]["type"]), ("aggregation", "vectorSelector"))


if __name__ == "__main__":
    harness.main()

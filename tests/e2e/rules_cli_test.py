# SPDX-License-Identifier: Apache-2.0
"""vigilctl's rule commands beside the real promtool (2.42): the same files, exit codes, messages.
Backfill against a real server."""
import os
import random
import re
import subprocess
import time
import xml.etree.ElementTree

import harness

RULES = """
groups:
- name: g
  rules:
  - record: job:up:sum
    expr: sum by (job) (up)
    labels: {team: a}
  - alert: Down
    expr: up == 0
    for: 2m
    labels: {severity: page}
    annotations: {summary: '{{ $labels.instance }} down {{ $value }}'}
"""

DUPLICATES = """
groups:
- name: g
  rules:
  - {record: a, expr: up}
  - {record: a, expr: up, labels: {x: y, b: c}}
  - {record: a, expr: up}
  - {record: a, expr: up, labels: {x: y, b: c}}
  - {record: a, expr: up, labels: {x: y, b: c}}
- name: h
  rules: [{alert: A, expr: up}, {alert: A, expr: up, labels: {c: d}}, {alert: A, expr: down}]
"""


def rule(text):
    return "groups: [{name: g, rules: [{%s}]}]\n" % text


# Rule files; of those with a star promtool's messages are ours as well.
RULE_FILES = {
    "good": RULES,
    "empty": "",
    "no groups": "groups:\n",
    "comment": "# nothing\n",
    "group keys": "groups: [{name: g, interval: 30s, limit: 5, rules: []}, {name: h}]\n",
    "second document": RULES + "---\nfoo: bar\n",
    "alert keys": rule("alert: a, expr: up, for: 1m, keep_firing_for: 2m, labels: {a: '{{ $value }}'}"),
    "folded": "groups:\n- name: g\n  rules:\n  - record: a\n    expr: |\n      sum(\n        up)\n",
    "number": rule("record: a, expr: 5"),
    "duplicates *": DUPLICATES,
    "unknown key": "groups: [{name: g, foo: 1}]\n",
    "unknown rule key": rule("record: a, expr: up, foo: 1"),
    "expression *": rule("record: a, expr: 'sum by (job) (up'"),
    "two expressions *": "groups: [{name: g, rules: [{record: a, expr: 'up{'}, {alert: b, expr: '1 +'}]}]\n",
    "types *": rule("record: a, expr: 'sum(5)'"),
    "unknown function *": rule("record: a, expr: 'summ(up)'"),
    "both *": rule("record: a, alert: b, expr: up"),
    "neither *": rule("expr: up"),
    "no expression *": rule("record: a"),
    "label name *": rule("alert: a, expr: up, labels: {__name__: x}"),
    "template *": rule("alert: a, expr: up, annotations: {s: '{{ $labels.x '}"),
    "template label *": rule("alert: a, expr: up, labels: {s: '{{ nope }}'}"),
    "for *": rule("record: a, expr: up, for: 5m"),
    "keep *": rule("record: a, expr: up, keep_firing_for: 5m"),
    "annotations *": rule("record: a, expr: up, annotations: {a: b}"),
    "duration": rule("alert: a, expr: up, for: 5 minutes"),
    "duration number": rule("alert: a, expr: up, for: 5"),
    "twice *": "groups: [{name: g}, {name: h}, {name: g}]\n",
    "no name *": "groups: [{rules: []}]\n",
    "name with braces": rule("record: 'a{b}', expr: up"),
    "broken yaml": "a: [",
    "list": "- a\n",
    "text": "foo\n",
    "rules no list": "groups: [{name: g, rules: x}]\n",
    "key twice": "groups: []\ngroups: []\n",
    "labels no map": rule("record: a, expr: up, labels: [a]"),
}

SERIES = """
  input_series:
  - series: 'up{job="a",instance="x"}'
    values: '1 0 0 0 0 0'
  - series: 'up{job="b",instance="y"}'
    values: '0x10'
"""


def test(text="", head="rule_files: [rules.yml]\n", series=SERIES):
    return f"{head}tests:\n- interval: 1m{series}{text}"


def expr(query, at, *samples):
    listed = ", ".join("{labels: '%s', value: %s}" % sample for sample in samples)
    return f"\n  - expr: '{query}'\n    eval_time: {at}\n    exp_samples: [{listed}]"


def exprs(*rows):
    return "\n  promql_expr_test:" + "".join(rows) + "\n"


def values(text, series="up"):
    return f"tests:\n- interval: 1m\n  input_series:\n  - series: '{series}'\n    values: '{text}'\n"


FIRING = """
  alert_rule_test:
  - eval_time: 3m
    alertname: Down
    exp_alerts:
    - exp_labels: {severity: page, job: a, instance: x}
      exp_annotations: {summary: x down 0}
    - exp_labels: {severity: page, job: b, instance: y}
      exp_annotations: {summary: y down 0}
  - {eval_time: 1m59s, alertname: Down}
  - {eval_time: 2m, alertname: Down, exp_alerts: [{exp_labels: {severity: page, job: b,
     instance: y}, exp_annotations: {summary: y down 0}}]}
"""

ORDER = """
groups:
- {name: first, rules: [{record: 'a:b', expr: 'b:c'}]}
- {name: second, rules: [{record: 'b:c', expr: 'foo * 2'}]}
"""
COUNTING = ("\n  input_series: [{series: 'foo{a=\"1\"}', values: '1+1x10'},"
            " {series: bar, values: '_x2 5 stale 6'}]")
EXTERNAL = """groups: [{name: g, rules: [{alert: E, expr: 'foo > 1', labels: {c: '{{ $externalLabels.c }}'},
annotations: {u: '{{ $externalURL }}', v: '{{ $value | humanize }}', q: '{{ query "bar" | len }}'}}]}]
"""

# Unit tests beside rules.yml, order.yml, external.yml, failing.yml; a star as above.
TEST_FILES = {
    "good *": test(FIRING + exprs(expr("job:up:sum", "3m", ('job:up:sum{job="a",team="a"}', "0"),
                                       ('job:up:sum{job="b",team="a"}', "0.0")))),
    "nothing *": "",
    "no tests *": "tests: []\nrule_files: [rules.yml]\n",
    "empty test *": "tests: [{}]\n",
    "no rules *": test(head="rule_files: ['none*.yml']\n"),
    "wrong alerts *": test("""
  name: first
  alert_rule_test:
  - {eval_time: 3m, alertname: Down, exp_alerts: []}
  - eval_time: 3m
    alertname: Down
    exp_alerts:
    - exp_labels: {severity: page, job: a, instance: x}
    - exp_labels: {severity: page, job: b, instance: x}
      exp_annotations: {a: b, c: "d\\ne"}
  - {eval_time: 4m30s, alertname: Nope, exp_alerts: [{exp_labels: {a: b}}]}
  - {eval_time: 4m30s, alertname: Nope}
"""),
    "wrong samples *": test(exprs(
        expr("job:up:sum", "3m", ('job:up:sum{job="a"}', "1"), ("foo", ".nan")),
        expr("job:up:sum", "3m"), expr("vector(NaN)", "3m", ("{}", ".nan")),
        expr("0.1 + 0.2", "0s", ("{}", "0.3")), expr("5", "1h2m3s4ms", ("{}", "5")),
        expr("-1 / 0", "1m", ("{}", "+.inf")), expr("up * 1e30", "1m", ("x", "0x1F")),
        expr("nope", "1m", ('up{a="b"}', "1e30")))),
    "wrong queries *": test(exprs(
        expr("up[5m]", "3m"), expr('"a"', "3m"), expr("summ(up)", "3m"), expr("up +", "3m"),
        expr("up", "1m", ("up{", "0.3")), expr("up * on() up", "1m"))),
    "order *": test(exprs(expr("a:b", "1m", ('a:b{a="1"}', "4"))),
                    "rule_files: [order.yml]\ngroup_eval_order: [second, first]\n", COUNTING),
    "order unsaid *": test(exprs(expr("a:b", "2m", ('a:b{a="1"}', "4"))),
                           "rule_files: [order.yml]\ngroup_eval_order: [first, second]\n", COUNTING),
    "order twice *": "group_eval_order: [g, g]\n",
    "no future *": test(exprs(
        expr("foo offset -1m", "3m", ('foo{a="1"}', "1")), expr("foo", "4m30s", ('foo{a="1"}', "5")),
        expr("bar", "1m"), expr("bar", "2m", ("bar", "5")), expr("bar", "3m"),
        expr("foo @ 60", "0s", ('foo{a="1"}', "2"))), "evaluation_interval: 30s\n", COUNTING),
    "slow evaluation *": test(exprs(expr("foo", "9m", ('foo{a="1"}', "9"))),
                              "evaluation_interval: 4m\n", COUNTING),
    "external *": test("""
  external_labels: {c: d, e: 5}
  external_url: http://h/p
  alert_rule_test: [{eval_time: 2m, alertname: E, exp_alerts: [{exp_labels: {a: '1', c: d},
    exp_annotations: {u: 'http://h/p', v: '3', q: '1'}}]}]""",
                       "rule_files: [external.yml]\n", COUNTING),
    "rule fails *": test("", "rule_files: [failing.yml]\n") + exprs(expr("up", "1m")),
    "bad rules": test("", "rule_files: [broken.yml]\n"),
    "no alertname *": "tests: [{alert_rule_test: [{eval_time: 90s}], name: foo}]\n",
    "unknown key": "foo: 1\n", "unknown test key": "tests: [{foo: 1}]\n",
    "number as text": test(exprs(expr("up", "1m", ("up", "'3'")))),
    "tests no list": "tests: 5\n", "interval": "tests: [{interval: 1x}]\n",
    "interval number": "evaluation_interval: 60\n", "negative": "tests: [{promql_expr_test: "
    "[{eval_time: -1m}]}]\n", "key twice": "tests: [{name: x, name: y}]\n",
    "two documents *": "tests: []\n---\nfoo: bar\n", "top list": "[]\n",
    **{f"values {text} *": values(text) for text in (
        "1 b", "1y", "1 2x", "1+x3", "1 + 2", "1+2", "_ x3", "1x3+2", "1,2", "é", "1 # c", "--1",
        "_x-1", "inf nan -Inf", "1 .5 -3x2 stale _ _x3", "NaN+1x2", "")},
    **{f"series {text} *": values("1 2", text) for text in (
        "", "{}", "up{", "up{a}", 'up{a="b"', "up up", "a-b", '{__name__="x"}', 'up{a="b",}',
        "up{a=b}", "up[5m]")},
}

SUPPORT = {
    "rules.yml": RULES, "order.yml": ORDER, "external.yml": EXTERNAL, "broken.yml": "groups: [{}]\n",
    "failing.yml": "groups: [{name: g, rules: [{record: a, expr: up * on() up}, "
                   "{alert: b, expr: up * on() up}]}]\n",
}

HISTOGRAMS = """
evaluation_interval: 1m
tests:
- input_series:
  - series: h
    values: '{{schema:0 sum:3 count:3 buckets:[1 2]}}+{{sum:1 count:1 buckets:[1]}}x5'
  start_timestamp: 2026-01-01T00:00:00Z
  promql_expr_test:
  - expr: histogram_count(h)
    eval_time: 2m
    exp_samples: [{labels: '{}', value: 5}]
  - expr: h
    eval_time: 0m
    exp_samples: [{labels: h, histogram: '{{schema:0 sum:3 count:3 buckets:[1 2]}}'}]
  - expr: time()
    eval_time: 1m
    exp_samples: [{labels: '{}', value: 1767225660}]
"""


def random_rules(rng):
    """Groups of rules over `a` and `c`. Now and then two alerts have the same name, and the second
    one's samples may be duplicates."""
    text = "groups:\n"
    for group in range(rng.randrange(1, 3)):
        text += f"- name: g{group}\n  rules:\n"
        for number in range(rng.randrange(1, 4)):
            name = f"{group}{number}"
            if rng.random() < 0.3:
                expr_text = rng.choice(["a > 1", "sum(a)", "a * 2", "rate(c[3m31s])", "count(ALERTS)"])
                text += f"  - {{record: 'r{name}', expr: '{expr_text}', labels: {{x: y, z: ''}}}}\n"
                continue
            keys = rng.choice(["", "for: 1m, ", "for: 90s, "])
            keys += rng.choice(["", "keep_firing_for: 2m, ", "keep_firing_for: 1m, "])
            expr_text = rng.choice(["a > 1", "a == 0", "sum(a) > 3", "a > 1 or a == 0", "absent(a)",
                                    "changes(a[2m31s]) > 1"])
            label = rng.choice(["x", "{{ $value }}", "x{{ $labels.i }}"])
            if rng.random() < 0.2:
                name = "00"
            text += (f"  - {{alert: A{name}, {keys}expr: '{expr_text}', labels: {{l: '{label}'}}, "
                     "annotations: {v: '{{ $value | humanize }} {{ $labels.i }}'}}\n")
    return text


def random_test(rng):
    """Everything that is expected is wrong, so that both must show what there is."""
    text = ("rule_files: [rules.yml]\ngroup_eval_order: [g0, g1]\nevaluation_interval: %s\ntests:\n- interval: %s\n"
            "  input_series:\n" % (rng.choice(["1m", "30s", "2m"]), rng.choice(["1m", "30s"])))
    for series in range(rng.randrange(1, 4)):
        row = " ".join(rng.choice(["0", "1", "2", "3", "_", "stale", "0x2", "NaN"]) for _ in range(8))
        text += "  - {series: 'a{i=\"%d\"}', values: '%s'}\n" % (series, row)
    text += "  - {series: c, values: '0+3x5 2+7x9'}\n  alert_rule_test:\n"
    for minute in range(5):
        at = f"{minute}m{rng.choice(['', '10s'])}"
        text += "".join(f"  - {{eval_time: {at}, alertname: A{g}{n}, exp_alerts: [{{exp_labels: "
                        "{a: b}}]}\n" for g in range(2) for n in range(3))
    text += "  promql_expr_test:\n"
    for query in ("ALERTS", "ALERTS_FOR_STATE", '{__name__=~"r.*"}', "timestamp(a)",
                  'count_over_time({__name__=~"r.*|ALERTS"}[91s])'):
        text += "".join(f"  - {{expr: '{query}', eval_time: {minute}m, exp_samples: [{{labels: no, "
                        "value: 1}]}\n" for minute in range(5))
    return text


def vigilctl(*args, stdin=None, cwd=None):
    return subprocess.run([harness.binary("vigilctl"), *args], input=stdin, capture_output=True,
                          text=True, timeout=60, check=False, cwd=cwd)


class RuleCommands(harness.Case):
    def write(self, name, text):
        path = os.path.join(self.directory, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return name

    def both(self, *args):
        """What ours and promtool say of the same words."""
        promtool = self.require_peer("promtool")
        with subprocess.Popen([promtool, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              stdin=subprocess.DEVNULL, text=True, cwd=self.directory) as running:
            ours = vigilctl(*args, cwd=self.directory)
            out, err = running.communicate(timeout=60)
        return ours, subprocess.CompletedProcess(args, running.returncode, out, err)

    def test_checks_rules_as_promtool_does(self):
        def reasons(text):
            """Without places in the file: ours come with column, promtool's sometimes."""
            text = re.sub(r"^rules\.yml: ?(\d+:\d+: )*", "", text, flags=re.M)
            return sorted(text.splitlines())

        wrong = []
        for name, text in RULE_FILES.items():
            self.write("rules.yml", text)
            lint = name.startswith(("good", "dup", "text"))
            for flags in ([], ["--lint-fatal"], ["--lint=none"]) if lint else ([],):
                ours, theirs = self.both("check", "rules", *flags, "rules.yml")
                same = (ours.returncode == theirs.returncode and ours.stdout == theirs.stdout
                        and bool(ours.stderr) == bool(theirs.stderr)
                        and (not name.endswith("*")
                             or reasons(ours.stderr) == reasons(theirs.stderr)))
                if not same:
                    wrong.append(f"--- {name} {flags}\npromtool: {theirs}\nours: {ours}")
        self.assertEqual(wrong, [], "\n".join(wrong))

    def test_runs_unit_tests_as_promtool_does(self):
        def unordered(text):
            """Which of two series comes first is chance with promtool."""
            return re.sub(r"\[({.*}), ({.*})\];", lambda m: str(sorted(m.groups())), text)

        for name, text in SUPPORT.items():
            self.write(name, text)
        wrong, passed = [], 0
        for name, text in TEST_FILES.items():
            self.write("test.yml", text)
            ours, theirs = self.both("test", "rules", "test.yml")
            passed += ours.returncode == 0
            same = ours.returncode == theirs.returncode and ours.stdout == theirs.stdout
            if name.endswith("*"):
                same = same and unordered(ours.stderr) == unordered(theirs.stderr)
            if not same:
                wrong.append(f"--- {name}\npromtool: {theirs.returncode}\n{theirs.stdout}"
                             f"{theirs.stderr}ours: {ours.returncode}\n{ours.stdout}{ours.stderr}")
        self.assertEqual(wrong, [], "\n".join(wrong))
        self.assertGreater(passed, 10)
        self.assertGreater(len(TEST_FILES) - passed, 25)
        # Several at once, one of them missing.
        self.write("good.yml", TEST_FILES["good *"])
        self.write("wrong.yml", TEST_FILES["wrong alerts *"])
        ours, theirs = self.both("test", "rules", "good.yml", "wrong.yml")
        self.assertEqual((ours.returncode, ours.stdout, ours.stderr),
                         (theirs.returncode, theirs.stdout, theirs.stderr))
        ours, theirs = self.both("test", "rules", "good.yml", "missing.yml")
        self.assertEqual(ours.returncode, theirs.returncode)
        self.assertEqual(ours.stderr, theirs.stderr.replace("promtool", "vigilctl"))

    def test_alerts_live_as_in_promtool(self):
        for seed in range(12):
            rng = random.Random(seed)
            rules, text = random_rules(rng), random_test(rng)
            self.write("rules.yml", rules)
            self.write("test.yml", text)
            ours, theirs = self.both("test", "rules", "test.yml")
            self.assertEqual((ours.returncode, ours.stdout, ours.stderr),
                             (theirs.returncode, theirs.stdout, theirs.stderr),
                             f"seed {seed}\n{rules}{text}")
            self.assertIn("alertname: A00", ours.stderr)

    def test_checks_configurations_as_promtool_does(self):
        self.write("rules.yml", RULES)
        self.write("dup.yml", DUPLICATES)
        self.write("broken.yml", rule("record: a, expr: 'up('"))
        self.write("sd.json", '[{"targets": ["a:1"]}]')
        self.write("badsd.json", '[{"targets": 5}]')
        wrong = []
        for text in (
                "", "remote_read: [{url: 'http://a'}]\n", "alerting: {alertmanagers: [{scheme: http}]}\n",
                "rule_files: [rules.yml, 'r*les.yml', 'nox*.yml']\n", "rule_files: [missing.yml]\n",
                "rule_files: [dup.yml, broken.yml]\n", "rule_files: [dup.yml]\n", "foo: bar\n",
                "scrape_configs: [{job_name: a, scrape_interval: 10m}]\n",
                "scrape_configs: [{job_name: a, file_sd_configs: [{files: [sd.json]}]}]\n",
                "scrape_configs: [{job_name: a, file_sd_configs: [{files: [badsd.json]}]}]\n",
                "scrape_configs: [{job_name: a, file_sd_configs: [{files: [none.json]}]}]\n",
                "alerting: {alertmanagers: [{file_sd_configs: [{files: [none.json, 'n*.yml']}]}]}\n",
                "alerting: {alertmanagers: [{file_sd_configs: [{files: [badsd.json]}]}]}\n",
                "scrape_configs: [{job_name: a, oauth2: {client_id: i, client_secret_file: none, "
                "token_url: 'http://t'}}]\n",
                "scrape_configs: [{job_name: a, static_configs: [{targets: ['http://h/']}]}]\n",
                "scrape_configs: [{job_name: a, static_configs: [{targets: ['http://h/']}], "
                "relabel_configs: [{target_label: __address__, replacement: b}]}]\n",
                "scrape_configs: [{job_name: a, authorization: {credentials_file: none}}]\n",
                "scrape_configs: [{job_name: a, tls_config: {cert_file: none, key_file: none}}]\n"):
            self.write("p.yml", text)
            lint = ["--lint-fatal"], ["--lint=none"]
            for flags in ([], ["--syntax-only"], ["--agent"], *(lint if "rule_files" in text else ())):
                ours, theirs = self.both("check", "config", *flags, "p.yml")
                out = re.sub(r"  WARNING: p\.yml:.*not supported yet.*\n", "", ours.stdout)
                out = out.replace(self.directory + "/", "")
                if ours.returncode != theirs.returncode or out != theirs.stdout:
                    wrong.append(f"--- {text} {flags}\npromtool: {theirs}\nours: {ours}")
        self.assertEqual(wrong, [], "\n".join(wrong))
        self.write("p.yml", """
scrape_configs:
- job_name: a
  static_configs: [{targets: ['a:1', 'b:2', 'a:1'], labels: {x: '<y>'}}]
  relabel_configs: [{source_labels: [__address__], regex: 'b.*', action: drop}]
- job_name: b
""")
        for job in ("a", "none"):
            ours, theirs = self.both("check", "service-discovery", "--timeout=1s", "p.yml", job)
            # Labels that 2.42 does not have.
            shown = re.sub(r' *"__(scrape_native|always_scrape_classic|convert_classic)_.*\n', "",
                           ours.stdout)
            self.assertEqual((ours.returncode, shown, ours.stderr),
                             (theirs.returncode, theirs.stdout, theirs.stderr))

    def test_lints_metrics_as_promtool_does(self):
        def page(name, kind, *samples, text="x"):
            return (f"# HELP {name} {text}\n# TYPE {name} {kind}\n"
                    + "".join(f"{name}{sample}\n" for sample in samples))

        histogram = ['_bucket{le="1",aB="c"} 1', '_bucket{le="+Inf",aB="c"} 1', '_sum{aB="c"} 1',
                     '_count{aB="c"} 1']
        summary = ['{quantile="0.5",camelCase="x"} 1', '_sum{camelCase="x"} 1',
                   '_count{camelCase="x"} 1']
        pages = {
            "good": page("up", "gauge", '{a="1"} 1', '{a="2"} 1')
            + page("a_long_name_total", "counter", " 1") + page("a_seconds", "histogram", *[
                line.replace(',aB="c"', "").replace('{aB="c"}', "") for line in histogram]),
            "none": "", "no value": "a b\n", "no newline": "a 1", "no help": "# TYPE a counter\na 1\n",
            "empty help": "# HELP up \nup 1\n", "colon": "a:b 1\n",
            "histogram": page("a_seconds", "histogram", *histogram),
            "summary": page("s_seconds", "summary", *summary),
            "labels": page("x_ms", "gauge", '{le="1"} 1', '{le="2"} 2', '{quantile="2"} 2'),
            "suffixes": page("x_total_count", "untyped", '{quantile="1"} 1')
            + page("y_total", "gauge", " 1") + page("z_bucket", "gauge", " 1")
            + page("s_sum", "counter", " 1") + page("s_count", "untyped", " 1"),
            "units": page("my_gauge_milliseconds_kb", "gauge", " 1")
            + page("c_kilometers", "counter", " 1") + page("c_minutes_total", "counter", " 1"),
            "types": page("foo_histogram_x", "gauge", " 1")
            + page("b_gauge_histogram_x", "gauge", " 1") + page("camelCase", "gauge", " 1"),
        }
        promtool = self.require_peer("promtool")
        for name, text in pages.items():
            for flags in ([], ["--extended"]):
                args = ["check", "metrics", *flags]
                theirs = subprocess.run([promtool, *args], input=text, capture_output=True,
                                        text=True, timeout=60, check=False)
                ours = vigilctl(*args, stdin=text)
                self.assertEqual((ours.returncode, ours.stdout), (theirs.returncode, theirs.stdout),
                                 f"{name}: {ours.stderr} promtool: {theirs.stderr}")
                if ours.returncode != 1:
                    self.assertEqual(ours.stderr, theirs.stderr, name)
        for name, text in {"good": "", "unknown": "foo: 1\n",
                           "no key": "tls_server_config: {cert_file: none}\n",
                           "headers": "http_server_config: {headers: {X-Frame-Options: deny}}\n"}.items():
            self.write("web.yml", text)
            ours, theirs = self.both("check", "web-config", "web.yml")
            self.assertEqual(ours.returncode, theirs.returncode, f"{name}: {ours.stderr}")
            self.assertEqual(ours.stderr.split()[:2], theirs.stderr.split()[:2])

    def test_has_what_later_promtools_have(self):
        """2.42 does not know these."""
        def run(*args, **kwargs):
            done = vigilctl(*args, cwd=self.directory, **kwargs)
            return done.returncode, done.stdout, done.stderr

        self.assertEqual(run("check", "rules", stdin=RULES),
                         (0, "Checking standard input\n  SUCCESS: 2 rules found\n\n", ""))
        self.write("h.yml", HISTOGRAMS)
        self.assertEqual(run("test", "rules", "h.yml"),
                         (0, "Unit Testing:  h.yml\n  SUCCESS\n\n", ""))
        self.write("unknown.yml", "foo: 1\ngroups: [{name: g, bar: 2}]\n")
        self.assertEqual(run("check", "rules", "--ignore-unknown-fields", "unknown.yml")[0], 0)
        self.write("p.yml", "scrape_configs: [{job_name: a, scrape_interval: 10m}]\n")
        code, _, err = run("check", "config", "--lint=too-long-scrape-interval", "--lint-fatal", "p.yml")
        self.assertEqual(code, 3)
        self.assertIn("job: a, interval: 10m", err)
        self.write("limit.yml", "groups: [{name: g, rules: [{record: a, expr: 'limitk(1, up)'}]}]\n")
        self.assertEqual(run("check", "rules", "limit.yml")[0], 1)
        self.assertEqual(run("check", "rules", "--enable-feature=promql-experimental-functions",
                             "limit.yml")[0], 0)
        self.assertEqual(run("promql", "format", "--experimental", "sum by(a)(up{b='c'})>1"),
                         (0, 'sum by (a) (up{b="c"}) > 1\n', ""))
        self.assertEqual(run("--experimental", "promql", "format", "up"), (0, "up\n", ""))
        self.assertEqual(run("promql", "format", "up")[0], 1)
        self.assertEqual(run("promql", "label-matchers", "set", "--experimental", "-t", "=~", "up + x",
                             "a", "b")[1], 'up{a=~"b"} + x{a=~"b"}\n')
        self.assertEqual(run("promql", "label-matchers", "delete", "--experimental",
                             'up{a="1",b="2"}', "a")[1], 'up{b="2"}\n')
        # --run, --diff, --debug, --junit
        self.write("rules.yml", RULES)
        self.write("t.yml", test("  name: one" + FIRING.replace("x down 0", "x up")) + test(
            "  name: two\n", head="")[len("tests:\n"):])
        self.assertEqual(run("test", "rules", "--run=tw", "t.yml")[0], 0)
        code, out, err = run("test", "--junit=out.xml", "rules", "--diff", "--debug", "t.yml")
        self.assertEqual(code, 1)
        self.assertIn('"summary": \x1b[0;33m"x up" => "x down 0"\x1b[0m', err)
        self.assertIn("DEBUG: Starting test one\n", out)
        self.assertIn('{__name__="up", instance="x", job="a"} =>\n1 @[0]\n0 @[60000]\n', out)
        tree = xml.etree.ElementTree.parse(os.path.join(self.directory, "out.xml"))
        suite = tree.getroot().find("testsuite")
        self.assertEqual((suite.get("name"), suite.get("tests"), suite.get("failures")),
                         ("t.yml", "2", "1"))
        self.assertEqual([c.get("name") for c in suite], ["one", "two"])
        self.assertIn("alertname: Down", suite[0].find("failure").text)

    def test_backfills_rules_over_the_past(self):
        now = int(time.time()) // 60 * 60
        begin = now - 6 * 3600
        server = self.server(flags=["--storage.allow-backfill"])
        gap = (begin + 3600, begin + 7200)
        samples = {"a": [(t * 1000, float(i)) for i, t in enumerate(range(begin, now, 60))],
                   "b": [(t * 1000, 2.0 * i) for i, t in enumerate(range(begin, now, 60))
                         if not gap[0] <= t < gap[1]]}
        answer = server.remote_write([({"__name__": "c", "x": x}, s) for x, s in samples.items()])
        self.assertEqual(answer.status, 204, answer.text)
        path = os.path.join(self.directory, self.write("r.yml", """
groups:
- name: g
  interval: 5m
  labels: {team: t}
  rules:
  - {record: 'x:c:max', expr: 'max by (x) (c)', labels: {kind: max}}
  - {alert: A, expr: up}
  - {record: 'c:sum', expr: 'sum(x:c:max)'}
  - {record: 'c:bad', expr: 'c * on() c'}
"""))
        run = vigilctl("rules", "backfill", f"--url={server.url}", f"--start={begin}",
                       f"--end={now - 600}", path)
        self.assertEqual(run.returncode, 1)
        self.assertIn("rule c:bad: ", run.stderr)
        self.assertIn("many-to-many", run.stderr)
        got = server.samples("x:c:max", begin - 1, now)
        expected = {x: {t // 1000: v for t, v in s} for x, s in samples.items()}
        first = -(-begin // 300) * 300
        for labels, points in got.items():
            x = re.search(r'"x": "(.)"', labels)[1]
            self.assertIn('"kind": "max"', labels)
            self.assertIn('"team": "t"', labels)
            times = [t for t in range(first, now - 599, 300)
                     if x == "a" or not gap[0] + 240 <= t < gap[1]]
            self.assertEqual([t for t, _ in points], times)
            for t, value in points:
                self.assertEqual(float(value), expected[x].get(t, expected[x].get(gap[0] - 60)))
        self.assertEqual(len(got), 2)
        # The second rule saw what the first gave; the end of b is marked within its gap.
        total = dict(next(iter(server.samples("c:sum", begin - 1, now).values())))
        middle = (gap[0] + 1800) // 300 * 300
        self.assertEqual(float(total[middle]), expected["a"][middle])
        self.assertEqual(len(server.query("x:c:max", time=gap[0] + 600,
                                          lookback_delta="20m")), 1)
        self.assertEqual(len(server.query("x:c:max", time=gap[1] + 600)), 2)

    def test_backfill_says_what_the_server_lacks(self):
        server = self.server()
        path = os.path.join(self.directory, self.write("r.yml", rule("record: a, expr: up")))
        run = vigilctl("rules", "backfill", f"--url={server.url}", "--start=0", "--end=60", path)
        self.assertEqual(run.returncode, 1)
        self.assertIn("--storage.allow-backfill is missing", run.stderr)
        run = vigilctl("rules", "backfill", f"--url={server.url}", path)
        self.assertIn("required flag --start not provided", run.stderr)
        # The other commands that ask a server.
        self.assertEqual(vigilctl("check", "healthy", f"--url={server.url}").returncode, 0)
        self.assertIn("SUCCESS", vigilctl("check", "ready", f"--url={server.url}").stderr)
        self.assertEqual(vigilctl("check", "ready", "--url=http://127.0.0.1:1").returncode, 1)
        run = vigilctl("push", "metrics", "--label=job=j", server.url, stdin='pushed{a="b"} 5\n')
        self.assertEqual((run.returncode, run.stdout), (0, "Parsing standard input\n  SUCCESS: "
                                                        "metrics pushed to remote write.\n"))
        self.assertEqual(server.value('pushed{a="b",job="j"}'), 5)
        run = vigilctl("push", "metrics", server.url, stdin="pushed\n")
        self.assertEqual(run.returncode, 1)
        self.assertIn("  FAILED: line 1: ", run.stderr)
        run = vigilctl("rules", "backfill", "--start=60", "--end=0", path)
        self.assertIn("start time is not before end time", run.stderr)


if __name__ == "__main__":
    harness.main()

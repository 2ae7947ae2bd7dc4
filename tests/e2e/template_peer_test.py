# SPDX-License-Identifier: Apache-2.0
"""The same templates in the real amtool 0.25 and promtool 2.42 and in ours: the same texts and the
same errors. amtool renders; promtool compares, for `test rules` prints no annotation that is right.

Alertmanager's own templates are read where its package has them."""
import glob
import json
import os
import re
import subprocess

import harness

# A field of the alerts' data each, so that all kinds of values are there.
NOTIFICATION = {
    "receiver": "team-x", "status": "firing", "externalURL": "http://am.example:9093",
    "groupLabels": {"alertname": "HighLoad", "job": "node"},
    "commonLabels": {"alertname": "HighLoad", "job": "node", "severity": "critical"},
    "commonAnnotations": {"summary": "it's <high> & \"rising\""},
    "alerts": [
        {"status": "firing", "fingerprint": "0123456789abcdef",
         "labels": {"alertname": "HighLoad", "job": "node", "instance": "a:9100", "n": "1"},
         "annotations": {"summary": "it's <high> & \"rising\"", "link": "http://x/?a=b&c=d e"},
         "startsAt": "2024-02-29T15:04:05.123456Z", "endsAt": "0001-01-01T00:00:00Z",
         "generatorURL": "http://prom/graph?g0.expr=up%7B%7D&g0.tab=1"},
        {"status": "resolved", "fingerprint": "fedcba9876543210",
         "labels": {"alertname": "HighLoad", "job": "node", "instance": "b:9100"},
         "annotations": {}, "startsAt": "2024-01-01T00:00:00Z",
         "endsAt": "2024-01-01T01:30:00Z", "generatorURL": "javascript:alert(1)"}]}

# Both engines, text first.
TEXTS = [
    "plain", "a {{- 1 -}} b", "{{/* c */}}x{{- /* d */ -}} y",
    '{{ "x" | printf "%s-%s" "a" }}', "{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ end }}{{ $x }}",
    "{{ range .Alerts }}{{ .Status }}:{{ .Labels.instance }} {{ else }}none{{ end }}",
    "{{ range $i, $a := .Alerts.Firing }}{{ $i }}{{ $a.Labels.n }}{{ $.Status }}{{ end }}",
    "{{ range .Alerts.Resolved }}{{ .EndsAt.Sub .StartsAt }} {{ .EndsAt.IsZero }}{{ end }}",
    "{{ range $k, $v := .CommonLabels }}{{ $k }}={{ $v }};{{ end }}",
    '{{ range .CommonLabels.SortedPairs }}{{ .Name }}={{ .Value }} {{ end }}',
    '{{ .CommonLabels.Names | join "," }} {{ .CommonLabels.Values | join "," }}',
    '{{ (.CommonLabels.Remove .GroupLabels.Names).Values | join " " }}',
    '{{ len .Alerts }} {{ .Alerts | len }} {{ len .CommonLabels }} {{ len "é" }}',
    '{{ index .CommonLabels "job" }} {{ index .CommonLabels "none" }}|{{ .CommonLabels.none }}|',
    '{{ (index .Alerts 0).StartsAt.Format "Mon Jan _2 2006 15:04:05.000 -0700 MST" }}',
    '{{ ((index .Alerts 0).StartsAt.Add 28800e9).Format "2006-01-02 15:04:05" }}',
    "{{ with index .Alerts 0 }}{{ .StartsAt }} {{ .StartsAt.Unix }} {{ .StartsAt.Weekday }}{{ end }}",
    '{{ (index .Alerts 0).StartsAt.Format "3:4:5PM 1/2/06 02 Jan Monday .999999 .00" }}',
    '{{ title "hello wORLD it\'s 3am foo_bar a.b node-exp x:y éa" }} {{ toUpper "é" }}',
    '{{ match "a.c" "xabcx" }} {{ reReplaceAll "(.*):\\\\d+" "$1" "h:9100" }}',
    '{{ reReplaceAll "x*" "-" "abc" }} {{ reReplaceAll "(?P<n>b)" "<${n}$$$n>" "abc" }}',
    '{{ reReplaceAll "a(b)?" "$1c" "aab" }} {{ reReplaceAll "(a)" "$1x" "a" }}',
    '{{ stringSlice "a" "b" | join "+" }}',
    "{{ and 1 0 }} {{ and 1 2 }} {{ or 0 \"x\" }} {{ not 0 }} {{ or .Status 1 }}",
    "{{ eq 1 2 1 }} {{ ne 1 2 }} {{ lt 1 2 }} {{ le 2.5 2.5 }} {{ gt \"b\" \"a\" }} {{ ge 1 2 }}",
    '{{ slice "hello" 1 3 }} {{ index "abc" 1 }} {{ len (slice .Alerts 1) }}',
    '{{ html "<a b=\'c\'>&\\"" }} {{ js "it\'s <b>\\n" }} {{ urlquery "a b/c&d=é" }}',
    '{{ print 1 2 "a" "b" 3 4 }}{{ println 1 "a" }}',
    "{{ 1 }} {{ 0x1F }} {{ 0o17 }} {{ 0b101 }} {{ 1_000 }} {{ 'a' }} {{ 1.5 }} {{ 1e3 }} {{ -3 }}",
    '{{ "q\\"\\u00e9\\x41\\t" }}{{ `raw \\n` }}{{ true }}',
    "{{ range .Alerts }}{{ if eq .Status \"resolved\" }}{{ continue }}{{ end }}{{ .Status }}{{ end }}",
    "{{ range .Alerts }}{{ break }}{{ end }}ok",
    '{{ define "x" }}[{{ . }}]{{ end }}{{ template "x" .Status }}{{ block "y" 1 }}<{{ . }}>{{ end }}',
    '{{ with .CommonLabels.none }}x{{ else }}none{{ end }}',
    '{{ printf "%d|%5d|%-5d|%05d|%+d|% d|%x|%X|%#x|%o|%#o|%O|%b|%c|%q|%U|%#U" '
    "42 42 42 42 42 42 255 255 255 8 8 8 5 65 65 9731 9731 }}",
    '{{ printf "%.3d|%8.3d|%-8.3d|%+.3d|%.0d|%08d" 7 7 7 7 0 -42 }}',
    '{{ printf "%f|%.2f|%8.2f|%-8.2f|%08.2f|%+.1f|%e|%.3e|%g|%.3g|%G|%v|%v|%v" '
    "1.5 3.14159 3.14159 3.14159 -3.14159 2.0 123456.789 123456.789 1e21 1234.5678 1e-7 1.5e6 "
    "100000.0 1e-5 }}",
    '{{ printf "%#g|%#.3f|%#e|%x|%X|%.2x|%6.1f%%" 1.5 2.0 1.0 1.5 -0.1 3.7 99.55 }}',
    '{{ printf "%s|%10s|%-10s|%.2s|%q|%x|% x|%#x|%v|%#v" '
    '"héllo" "héllo" "héllo" "héllo" "a\\"b\\n" "hi" "hi" "hi" "v" "v" }}',
    '{{ printf "%+q|%#q|%q|%q" "é" "a`b" "tab\\t\\x00" "\\xff" }}',
    '{{ printf "%d %s %z %t %5d" "hi" 5 1 "x" "hi" }}',
    '{{ printf "%d %d" 1 }} {{ printf "%d" 1 2 "x" }} {{ printf "100%" }} {{ printf "%%" }}',
    '{{ printf "%*d|%-*d|%.*f|%*d" 5 1 5 1 2 3.14159 "x" 7 }}',
    '{{ printf "%[2]d %[1]d" 1 2 }} {{ printf "%[3]d" 1 }} {{ printf "%[1]*d" 3 }} '
    '{{ printf "%[x]d" 1 }}',
    '{{ printf "%v %T %d %s" nil nil nil nil }} {{ printf "%t %v" true false }}',
    '{{ printf "%v %v" .CommonLabels .GroupLabels }} {{ printf "%T %T" 1 1.5 }} {{ printf "%T" . }}',
    '{{ printf "%q %s %d" .CommonLabels.Names .CommonLabels.Names .CommonLabels.Names }}',
    '{{ printf "%+v" (index .CommonLabels.SortedPairs 0) }} {{ .CommonLabels.SortedPairs }}',
    # Errors
    "{{ .Nope }}", "{{ .Status.x }}", "one\ntwo {{ .Status.x.y }}", "{{ toUpper 1 }}",
    "{{ toUpper .Alerts }}", "{{ 1 | toUpper }}", "{{ toUpper }}", '{{ eq 1 "a" }}',
    "{{ lt true false }}", "{{ eq 1 }}", '{{ range "abc" }}{{ end }}', "{{ 1 2 }}", "{{ nil }}",
    '{{ template "nope" }}', '{{ .CommonLabels.job 1 }}', '{{ index .Alerts 9 }}',
    '{{ index .Alerts 2 }}', '{{ index .Alerts "x" }}', '{{ (index .Alerts 0).StartsAt.Format 1 }}',
    '{{ len 3 }}', '{{ slice "abc" 3 2 }}', '{{ printf 1 }}', '{{ .Status | nope }}',
    "{{ .x", "a\n{{ if", "{{ $x }}", "{{ end }}", "{{ if true }}x", "{{ if }}x{{ end }}", "{{ }}",
    "{{ .a } }}", '{{ "abc }}', "{{ 12ab }}", "{{ 1 | 2 }}", '{{ "a".b }}', "{{ (print 1 }}",
    "{{ break }}", "{{ template x }}", "{{/* x", "{{/* x */ y}}", "{{ .a := 1 }}", "{{ 'ab' }}",
    "{{ if true }}x{{ else }}y{{ else }}z{{ end }}", "{{ define \"q\" }}", "{{ .Status | }}", "{{ | . }}",
    "{{ range $a, $b, $c := . }}{{ end }}", "{{ .a.b..c }}", "{{ \x01 }}", "{{ $x := }}",
]

# The HTML engine only.
PAGES = [
    '<p>{{ .CommonAnnotations.summary }}</p>', '{{ safeHtml "<b>" }}{{ "<b>" }}',
    '<a title="{{ .CommonAnnotations.summary }}" alt=\'{{ .CommonAnnotations.summary }}\'>',
    "<a title={{ .CommonAnnotations.summary }}>",
    '{{ range .Alerts }}<a href="{{ .GeneratorURL }}">{{ end }}',
    '<a href="/x/{{ .CommonAnnotations.summary }}?q={{ .CommonAnnotations.summary }}">',
    "<script>var a = {{ .CommonAnnotations.summary }}, b = {{ .CommonLabels }}, c = {{ 1.5 }}, "
    "d = '{{ .CommonAnnotations.summary }}', e = {{ .Alerts.Resolved }};</script>",
    '<a onclick="f({{ .CommonAnnotations.summary }})">',
    '<p style="color: {{ .Status }}; x: {{ .CommonAnnotations.summary }}">',
    "<style>p { color: {{ .Status }} }</style>",
    "<title>{{ .CommonAnnotations.summary }}</title><textarea>{{ .Status }}</textarea>",
    "a<!-- {{ .Status }} -->b 1 < 2 <!DOCTYPE html><br>",
    "{{ .CommonAnnotations.summary | html }} {{ html .CommonAnnotations.summary }}",
    '<a href="?q={{ .CommonAnnotations.summary | urlquery }}">',
    '{{ define "v" }}{{ .CommonAnnotations.summary }}{{ end }}{{ template "v" . }}'
    '<a title="{{ template "v" . }}" href="/{{ template "v" . }}">',
    '<p class="{{ if .Status }}x{{ else }}y{{ end }}">{{ range .Alerts }}<li>{{ .Labels.n }}{{ end }}',
    "<script>/* {{ .Status }} */ var a = 1; // {{ .Status }}\nvar b = {{ .Status }};</script>",
]

# Rule templates: promtool's labels are fixed; $value is 93.456.
RULES = [
    "{{ $labels.instance }} {{ $value }} {{ .Value | printf \"%.2f\" }} {{ $labels.none }}|",
    "{{ $externalLabels.dc }} {{ .ExternalLabels.none }}|",
    '{{ with query "load" }}{{ . | first | value }} {{ . | first | label "instance" }}{{ end }}',
    '{{ range query "load" | sortByLabel "instance" }}{{ .Labels.instance }}={{ .Value }};{{ end }}',
    '{{ first (query "none") }}', '{{ define "a" }}{{ .arg0 }}{{ .arg1 }}{{ end }}{{ template "a" (args 1 "x") }}',
    "{{ humanize 0 }} {{ humanize 1234567.0 }} {{ humanize 0.00012 }} {{ humanize -1500.0 }} "
    "{{ humanize \"12345\" }} {{ humanize 1e30 }}",
    "{{ humanize1024 1536.0 }} {{ humanize1024 0.5 }} {{ humanize1024 -2048.0 }} {{ humanize1024 1e12 }}",
    "{{ humanizeDuration 0 }} {{ humanizeDuration 59.9 }} {{ humanizeDuration 3661.0 }} "
    "{{ humanizeDuration 90061.0 }} {{ humanizeDuration 0.0005 }} {{ humanizeDuration -3661.0 }}",
    "{{ humanizePercentage 0.12345 }} {{ humanizeTimestamp 1435065584.128 }}",
    '{{ stripPort "a.b:1" }} {{ stripPort "[::1]:80" }} {{ stripDomain "a.b.c:9100" }} '
    '{{ stripDomain "10.1.2.3:90" }} {{ stripDomain "[::1]:80" }}',
    '{{ graphLink "up{a=\\"b\\"} + 1" }} {{ tableLink "up" }} {{ parseDuration "1h30m" }}',
    '{{ title "hello wORLD" }} {{ toUpper "aé" }} {{ reReplaceAll "h.*" "$0!" "xhost" }}',
    '{{ (toTime 1435065584.0).Format "2006-01-02" }}', '{{ humanize "x" }}', '{{ parseDuration "x" }}',
    "{{ if gt $value 90.0 }}critical{{ else }}fine{{ end }}", '{{ $labels.instance.x }}', "{{ .Nope }}",
    '{{ label "a" 1 }}', '{{ $labels | printf "%v" }}', "{{ . }}",
]

# What newer versions word otherwise than the peers, on purpose: a pattern in ours or theirs.
NEWER = [
    # Go 1.20 no longer says which character.
    (r"unexpected right paren.*", "unexpected right paren"),
    # The real alertmanager hands a pointer over, amtool does not.
    (r"\*template.Data", "template.Data"),
    (r"(non-comparable|uncomparable) type.*", "comparable"),
]


def newer(text):
    for pattern, same in NEWER:
        text = re.sub(pattern, same, text)
    return text


def default_templates():
    """The files of Alertmanager's own templates, where its package is unpacked or installed."""
    return [path for base in (harness.PEERS, "/")
            for path in sorted(glob.glob(
                os.path.join(base, "usr/share/prometheus/alertmanager/*.tmpl")))]


def rendered(request, data):
    """What our program makes of it; `data` is in the notation of the tests' data."""
    text = json.dumps(request, ensure_ascii=False)[:-1] + f', "data": {data}}}'
    done = subprocess.run([harness.binary("template-render")], input=text, capture_output=True,
                          text=True, timeout=60, check=False)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return json.loads(done.stdout)


class TemplatePeers(harness.Case):
    def render(self, templates, mode, files=()):
        request = {"set": "alertmanager", "mode": mode, "files": list(files),
                   "templates": [{"name": "", "text": t} for t in templates]}
        return rendered(request, f"notification({json.dumps(NOTIFICATION, ensure_ascii=False)})")

    def amtool(self, template, mode, files=()):
        data, empty = self.directory + "/data.json", self.directory + "/empty.tmpl"
        with open(data, "w", encoding="utf-8") as f:
            json.dump(NOTIFICATION, f)
        with open(empty, "w", encoding="utf-8") as f:
            f.write("")
        done = subprocess.run([harness.peer("amtool"), "template", "render",
                               *(f"--template.glob={path}" for path in files or [empty]),
                               f"--template.text={template}", f"--template.type={mode}",
                               f"--template.data={data}"],
                              capture_output=True, timeout=60, check=False)
        if done.returncode != 0:
            text = done.stderr.decode("utf-8", "replace")
            return {"error": text.removeprefix("amtool: error: ").rstrip("\n")}
        return {"output": done.stdout.decode("utf-8", "replace")}

    def compare(self, templates, mode, files=()):
        texts = []
        for path in files:
            with open(path, encoding="utf-8") as f:
                texts.append(f.read())
        differences = []
        for template, mine in zip(templates, self.render(templates, mode, texts)):
            theirs = self.amtool(template, mode, files)
            if newer(json.dumps(mine)) != newer(json.dumps(theirs)):
                differences.append(f"{template!r}\n  ours:   {mine}\n  theirs: {theirs}")
        self.assertFalse(differences, "\n" + "\n".join(differences))

    def test_texts_are_those_of_amtool(self):
        self.require_peer("amtool")
        self.compare(TEXTS, "text")

    def test_pages_are_those_of_amtool(self):
        self.require_peer("amtool")
        self.compare(PAGES, "html")

    def test_default_templates_render_as_upstream(self):
        self.require_peer("amtool")
        files = default_templates()
        if not files:
            self.skipTest("Alertmanager's own templates are not here: ./dev deps peers")
        names = set()
        for path in files:
            with open(path, encoding="utf-8") as f:
                names.update(re.findall(r'\{\{-?\s*define "([^"]+)"', f.read()))
        self.assertIn("slack.default.title", names)
        # Lists of alerts are handed to some of them.
        of_alerts = re.compile("alert_list|instances")
        calls = [f'{{{{ template "{name}" {".Alerts" if of_alerts.search(name) else "."} }}}}'
                 for name in sorted(names)]
        pages = [call for call in calls if "html" in call]
        self.compare([call for call in calls if call not in pages], "text", files)
        self.compare(pages, "html", files)

    def promtool_case(self, results):
        """Rules and a test file that expects these texts of annotations."""
        rules, expected = [], []
        for i, (template, result) in enumerate(zip(RULES, results)):
            name = f"R{i}"
            text = result.get("output")
            if text is None:
                text = f"<error expanding template: {result['error']}>"
            rules.append({"alert": name, "expr": 'load{instance="h:1"}', "annotations": {"t": template}})
            expected.append({"eval_time": "0s", "alertname": name, "exp_alerts": [
                {"exp_labels": {"instance": "h:1"}, "exp_annotations": {"t": text}}]})
        with open(self.directory + "/rules.yml", "w", encoding="utf-8") as f:
            json.dump({"groups": [{"name": "g", "rules": rules}]}, f)
        test = {"rule_files": ["rules.yml"], "tests": [
            {"interval": "1m", "external_labels": {"dc": "eu"}, "alert_rule_test": expected,
             "input_series": [{"series": 'load{instance="h:1"}', "values": "93.456"},
                              {"series": 'load{instance="a:1"}', "values": "1.5"}]}]}
        with open(self.directory + "/test.yml", "w", encoding="utf-8") as f:
            json.dump(test, f)

    def test_annotations_are_those_of_promtool(self):
        self.require_peer("promtool")
        prelude = ("{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}"
                   "{{$externalURL := .ExternalURL}}{{$value := .Value}}")
        samples = [{"labels": {"__name__": "load", "instance": i}, "value": v}
                   for i, v in (("h:1", 93.456), ("a:1", 1.5))]
        request = {"set": "prometheus", "mode": "text", "prelude": prelude, "now_ms": 0,
                   "queries": {"load": samples, "none": []},
                   "templates": [{"name": f"__alert_R{i}", "text": t} for i, t in enumerate(RULES)]}
        data = {"labels": {"__name__": "load", "instance": "h:1"},
                "external_labels": {"dc": "eu"}, "external_url": "", "value": 93.456}
        results = rendered(request, f"rule({json.dumps(data)})")
        for i, result in enumerate(results):
            if "error" in result:
                parse = "executing" not in result["error"]
                result["error"] = (f"error {'parsing' if parse else 'executing'} template "
                                   f"__alert_R{i}: {result['error']}")
        self.promtool_case(results)
        done = subprocess.run([harness.peer("promtool"), "test", "rules", "test.yml"],
                              cwd=self.directory, capture_output=True, text=True, timeout=60,
                              check=False)
        self.assertEqual(0, done.returncode, done.stdout[-6000:] + done.stderr[-6000:])


if __name__ == "__main__":
    harness.main()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""alertmanager.yml beside the real amtool (0.25): what is accepted, and where alerts are routed."""
import os
import random
import re
import subprocess
import tempfile
import unittest

from harness import binary, peer

AMTOOL = peer("amtool")
TOOL = binary("alertingtool")

ROOT = "route: {receiver: r}\n"


def receiver(text, glob=""):
    """A configuration with one receiver block, written as a flow mapping."""
    head = f"global: {{{glob}}}\n" if glob else ""
    return head + ROOT + f"receivers: [{{name: r, {text}}}]\n"


def route(text):
    return ("route: {receiver: r, routes: [{%s}]}\nreceivers: [{name: r}, {name: s}]\n"
            "time_intervals: [{name: t, time_intervals: [{}]}]\n" % text)


def interval(text):
    return ROOT + "receivers: [{name: r}]\ntime_intervals: [{name: t, time_intervals: [{%s}]}]\n" % text


URL = "'http://h/'"
CASES = [
    # the top
    "", "{}", ROOT, ROOT + "receivers: [{name: r}]\n", ROOT + "receivers: [{name: x}]\n",
    "route: {}\nreceivers: [{name: r}]\n", "route: null\n", "zz: 1\n" + ROOT, "- a\n", "a: b: c\n",
    ROOT + "receivers: [{name: r}, {name: r}]\n", ROOT + "receivers: [{}]\n",
    ROOT + "receivers: [{name: r, zz_configs: []}]\n", ROOT + "receivers: [{name: r, zz: 1}]\n",
    ROOT + "receivers: {name: r}\n", ROOT + ROOT + "receivers: [{name: r}]\n",
    ROOT + "receivers: [{name: r}]\ntemplates: ['*.tmpl', 'a/b']\n",
    ROOT + "receivers: [{name: r}]\ntemplates: x\n",
    "global:\n" + ROOT + "receivers: [{name: r}]\n",
    "global: {resolve_timeout: 5m}\n" + ROOT + "receivers: [{name: r}]\n",
    "global: {resolve_timeout: 5}\n" + ROOT + "receivers: [{name: r}]\n",
    "global: {zz: 5}\n" + ROOT + "receivers: [{name: r}]\n",
    "global: {slack_api_url: 'http://h', slack_api_url_file: x}\n" + ROOT + "receivers: [{name: r}]\n",
    "global: {slack_api_url: 'ftp://h'}\n" + ROOT + "receivers: [{name: r}]\n",
    "global: {slack_api_url: ''}\n" + ROOT + "receivers: [{name: r}]\n",
    "global: {slack_api_url: <secret>}\n" + ROOT + "receivers: [{name: r}]\n",
    "global: {pagerduty_url: 'http:///x'}\n" + ROOT + "receivers: [{name: r}]\n",
    "global: {pagerduty_url: 'http://h:x/'}\n" + ROOT + "receivers: [{name: r}]\n",
    "global: {opsgenie_api_key: a, opsgenie_api_key_file: b}\n" + ROOT + "receivers: [{name: r}]\n",
    "global: {smtp_smarthost: 'h'}\n" + ROOT + "receivers: [{name: r}]\n",
    "global: {smtp_smarthost: 'h:'}\n" + ROOT + "receivers: [{name: r}]\n",
    "global: {smtp_smarthost: 'h:25'}\n" + ROOT + "receivers: [{name: r}]\n",
    "global: {smtp_smarthost: '[::1]:25'}\n" + ROOT + "receivers: [{name: r}]\n",
    "global: {smtp_smarthost: '::1:25'}\n" + ROOT + "receivers: [{name: r}]\n",
    "global: {smtp_require_tls: maybe}\n" + ROOT + "receivers: [{name: r}]\n",
    "global: {http_config: {follow_redirects: false, proxy_url: 'http://p:1'}}\n" + ROOT
    + "receivers: [{name: r}]\n",
    "global: {http_config: {zz: 1}}\n" + ROOT + "receivers: [{name: r}]\n",
    # the root
    "route: {receiver: r, continue: true}\nreceivers: [{name: r}]\n",
    "route: {receiver: r, match: {a: b}}\nreceivers: [{name: r}]\n",
    "route: {receiver: r, matchers: [a=b]}\nreceivers: [{name: r}]\n",
    "route: {receiver: r, mute_time_intervals: [t]}\nreceivers: [{name: r}]\n",
    "route: {receiver: r, active_time_intervals: [t]}\nreceivers: [{name: r}]\n",
    "route: {receiver: r, group_by: ['...']}\nreceivers: [{name: r}]\n",
    "route: {receiver: r, group_by: ['...', a]}\nreceivers: [{name: r}]\n",
    "route: {receiver: r, group_by: [a, a]}\nreceivers: [{name: r}]\n",
    "route: {receiver: r, group_by: []}\nreceivers: [{name: r}]\n",
    "route: {receiver: r, group_by: ['']}\nreceivers: [{name: r}]\n",
    "route: {receiver: r, group_by: a}\nreceivers: [{name: r}]\n",
    "route: {receiver: r, group_interval: 0s}\nreceivers: [{name: r}]\n",
    "route: {receiver: r, repeat_interval: 0s}\nreceivers: [{name: r}]\n",
    "route: {receiver: r, group_wait: 0s}\nreceivers: [{name: r}]\n",
    "route: {receiver: r, group_wait: 1h30m}\nreceivers: [{name: r}]\n",
    "route: {receiver: r, group_wait: 90}\nreceivers: [{name: r}]\n",
    # routes
    route("receiver: s"), route("receiver: t"), route("matchers: [a=b]"), route("matchers: ['a=~(']"),
    route("matchers: ['{a=b, c!=d}', 'e=~\"f|g\"']"), route("matchers: ['a']"), route("matchers: a=b"),
    route("matchers: ['a=\"b']"), route("matchers: ['']"),
    route("match: {a: b}"), route("match: {a: 5}"), route("match: {'a-b': c}"),
    route("match_re: {a: '('}"), route("match_re: {a: 'b|c'}"), route("match_re: {'a b': c}"),
    route("mute_time_intervals: [t]"), route("mute_time_intervals: [u]"),
    route("active_time_intervals: [t]"), route("active_time_intervals: [u]"),
    route("continue: true"), route("continue: 5"), route("zz: 1"), route("routes: [{receiver: s}]"),
    route("routes: [{receiver: u}]"), route("group_by: [b]"), route("group_by: [b, b]"),
    # inhibition
    ROOT + "receivers: [{name: r}]\ninhibit_rules: [{}]\n",
    ROOT + "receivers: [{name: r}]\ninhibit_rules: [{source_matchers: [a=b], target_matchers: "
    "['c=~d'], equal: [e]}]\n",
    ROOT + "receivers: [{name: r}]\ninhibit_rules: [{source_match: {a: b}, target_match_re: {c: 'd|e'}}]\n",
    ROOT + "receivers: [{name: r}]\ninhibit_rules: [{source_match: {'a-b': b}}]\n",
    ROOT + "receivers: [{name: r}]\ninhibit_rules: [{target_match_re: {a: '('}}]\n",
    ROOT + "receivers: [{name: r}]\ninhibit_rules: [{source_matchers: ['a']}]\n",
    ROOT + "receivers: [{name: r}]\ninhibit_rules: [{equal: a}]\n",
    ROOT + "receivers: [{name: r}]\ninhibit_rules: [{zz: a}]\n",
    # time intervals
    interval(""), interval("times: [{start_time: '09:00', end_time: '17:00'}]"),
    interval("times: [{start_time: '9:00', end_time: '17:00'}]"),
    interval("times: [{start_time: '17:00', end_time: '09:00'}]"),
    interval("times: [{start_time: '17:00', end_time: '24:00'}]"),
    interval("times: [{start_time: '17:00', end_time: '24:01'}]"),
    interval("times: [{start_time: '17:00'}]"), interval("times: []"),
    interval("times: [{start_time: '17:00', end_time: '18:00', zz: 1}]"),
    interval("weekdays: [monday, 'tuesday:friday']"), interval("weekdays: [Monday]"),
    interval("weekdays: ['saturday:sunday']"), interval("weekdays: [mon]"), interval("weekdays: ['1']"),
    interval("days_of_month: ['1', '2:5', '-3:-1', '1:-1']"), interval("days_of_month: ['0']"),
    interval("days_of_month: ['32']"), interval("days_of_month: ['-32']"),
    interval("days_of_month: ['-3:3']"), interval("days_of_month: ['5:3']"),
    interval("days_of_month: ['20:-15']"), interval("days_of_month: [1]"),
    interval("days_of_month: ['x']"), interval("days_of_month: ['1:2:3']"),
    interval("months: [january, '2:3', 'April:may']"), interval("months: [jan]"),
    interval("months: ['march:january']"), interval("months: ['13']"), interval("months: ['0']"),
    interval("years: ['2020:2022', '2024']"), interval("years: ['2022:2020']"),
    interval("location: Europe/Berlin"), interval("location: UTC"), interval("location: Local"),
    interval("location: ''"), interval("location: Mars/Base"), interval("zz: 1"),
    ROOT + "receivers: [{name: r}]\ntime_intervals: [{time_intervals: []}]\n",
    ROOT + "receivers: [{name: r}]\ntime_intervals: [{name: a}, {name: a}]\n",
    ROOT + "receivers: [{name: r}]\ntime_intervals: [{name: a}]\nmute_time_intervals: [{name: a}]\n",
    ROOT + "receivers: [{name: r}]\nmute_time_intervals: [{name: a}]\n",
    # http_config
    *[receiver("webhook_configs: [{url: %s, http_config: {%s}}]" % (URL, http)) for http in (
        "", "basic_auth: {username: u, password: p}", "basic_auth: {password: p, password_file: f}",
        "authorization: {credentials: c}", "authorization: {type: Basic, credentials: c}",
        "authorization: {credentials: c, credentials_file: f}",
        "basic_auth: {username: u}, authorization: {credentials: c}",
        "bearer_token: t", "bearer_token: t, bearer_token_file: f",
        "bearer_token: t, basic_auth: {username: u}",
        "oauth2: {client_id: i, client_secret: s, token_url: 'http://h/'}",
        "oauth2: {client_id: i, client_secret_file: s, token_url: 'http://h/', scopes: [a], "
        "endpoint_params: {a: b}, tls_config: {insecure_skip_verify: true}}",
        "oauth2: {client_secret: s, token_url: 'http://h/'}",
        "oauth2: {client_id: i, client_secret: s}",
        "oauth2: {client_id: i, client_secret: s, client_secret_file: f, token_url: 'http://h/'}",
        "oauth2: {client_id: i, client_secret: s, token_url: 'http://h/'}, basic_auth: {username: u}",
        "tls_config: {ca_file: a, insecure_skip_verify: true, min_version: TLS12}",
        "tls_config: {zz: 1}", "follow_redirects: x", "proxy_url: 'http://p:3128'", "zz: 1")],
    # receivers
    *[receiver("webhook_configs: [%s]" % c) for c in (
        "{url: %s}" % URL, "{}", "{url: ''}", "{url: 'h'}", "{url: %s, max_alerts: 5}" % URL,
        "{url: %s, max_alerts: -1}" % URL, "{url: %s, send_resolved: false}" % URL,
        "{url: %s, zz: 1}" % URL, "{url: 'https://u:p@h:8080/x?y=z#f'}", "{url: 'mailto:a@b'}")],
    *[receiver("email_configs: [%s]" % c, "smtp_smarthost: 'h:25', smtp_from: a@b") for c in (
        "{to: a@b}", "{}", "{to: a@b, headers: {Subject: x}}",
        "{to: a@b, headers: {Subject: x, subject: y}}", "{to: a@b, smarthost: 'h'}",
        "{to: a@b, html: '', text: t, require_tls: false, tls_config: {insecure_skip_verify: true}}",
        "{to: a@b, auth_username: u, auth_password: p, auth_secret: s, auth_identity: i, hello: h}")],
    receiver("email_configs: [{to: a@b}]"), receiver("email_configs: [{to: a@b}]", "smtp_from: a@b"),
    receiver("email_configs: [{to: a@b}]", "smtp_smarthost: 'h:25'"),
    *[receiver("slack_configs: [%s]" % c, "slack_api_url: %s" % URL) for c in (
        "{}", "{channel: c}", "{api_url: %s, api_url_file: f}" % URL, "{api_url: x}",
        "{actions: [{type: button, text: t, url: u}]}", "{actions: [{type: button, text: t}]}",
        "{actions: [{text: t, url: u}]}", "{actions: [{type: button, url: u}]}",
        "{actions: [{type: button, text: t, name: n, confirm: {text: t}}]}",
        "{actions: [{type: button, text: t, name: n, confirm: {title: t}}]}",
        "{fields: [{title: t, value: v, short: true}]}", "{fields: [{title: t}]}",
        "{fields: [{value: v}]}", "{mrkdwn_in: [text], link_names: true, short_fields: true}",
        "{mrkdwn_in: text}", "{zz: 1}")],
    receiver("slack_configs: [{channel: c}]"), receiver("slack_configs: [{api_url_file: f}]"),
    *[receiver("pagerduty_configs: [%s]" % c) for c in (
        "{routing_key: k}", "{service_key: k}", "{}", "{routing_key_file: f}",
        "{routing_key: k, routing_key_file: f}", "{service_key: k, service_key_file: f}",
        "{routing_key: k, details: {a: b}, images: [{src: s, alt: a, href: h}], links: [{href: h, "
        "text: t}], severity: s, class: c, component: c, group: g, source: s}",
        "{routing_key: k, url: x}", "{routing_key: k, images: [{zz: 1}]}")],
    *[receiver("opsgenie_configs: [%s]" % c, "opsgenie_api_key: k") for c in (
        "{}", "{api_key: a, api_key_file: b}", "{api_url: 'http://h'}",
        "{responders: [{name: n, type: team}]}", "{responders: [{type: team}]}",
        "{responders: [{id: n, type: Team}]}", "{responders: [{id: n, type: x}]}",
        "{responders: [{username: n, type: '{{ .A }}'}]}", "{responders: [{username: n}]}",
        "{details: {a: b}, tags: t, note: n, priority: P1, update_alerts: true, entity: e, actions: a}")],
    receiver("opsgenie_configs: [{}]"),
    *[receiver("victorops_configs: [%s]" % c, "victorops_api_key: k") for c in (
        "{}", "{routing_key: r}", "{routing_key: r, api_key: a, api_key_file: f}",
        "{routing_key: r, custom_fields: {a: b}}", "{routing_key: r, custom_fields: {entity_state: b}}")],
    receiver("victorops_configs: [{routing_key: r}]"),
    *[receiver("pushover_configs: [%s]" % c) for c in (
        "{user_key: u, token: t}", "{user_key: u}", "{token: t}",
        "{user_key: u, token: t, retry: 1m30s, expire: 1h}", "{user_key: u, token: t, retry: 1d}",
        "{user_key: u, token: t, retry: 30}", "{user_key: u, token: t, html: true, sound: s, priority: p}")],
    *[receiver("sns_configs: [%s]" % c) for c in (
        "{topic_arn: a}", "{}", "{topic_arn: a, target_arn: b}", "{phone_number: '1'}",
        "{topic_arn: a, target_arn: b, phone_number: c}",
        "{topic_arn: a, sigv4: {region: r, access_key: a, secret_key: s, profile: p, role_arn: r}}",
        "{topic_arn: a, sigv4: {access_key: a}}", "{topic_arn: a, attributes: {a: b}}")],
    *[receiver("telegram_configs: [%s]" % c) for c in (
        "{bot_token: t, chat_id: -5}", "{bot_token: t}", "{chat_id: 5}", "{bot_token: t, chat_id: x}",
        "{bot_token: t, chat_id: 5, parse_mode: Markdown}", "{bot_token: t, chat_id: 5, parse_mode: x}",
        "{bot_token: t, chat_id: 5, parse_mode: ''}",
        "{bot_token: t, chat_id: 5, disable_notifications: true, api_url: 'http://h'}")],
    *[receiver("discord_configs: [%s]" % c) for c in (
        "{webhook_url: %s}" % URL, "{}", "{webhook_url: %s, title: t, message: m}" % URL)],
    *[receiver("webex_configs: [%s]" % c) for c in (
        "{room_id: r, http_config: {authorization: {credentials: c}}}", "{room_id: r}",
        "{http_config: {authorization: {credentials: c}}}",
        "{room_id: r, http_config: {}}", "{room_id: r, api_url: 'http://h', message: m, http_config: "
        "{authorization: {credentials: c}}}")],
    *[receiver("wechat_configs: [%s]" % c, "wechat_api_secret: s, wechat_api_corp_id: c") for c in (
        "{}", "{message_type: markdown}", "{message_type: x}", "{to_user: u, to_party: p, to_tag: t, "
        "agent_id: a, corp_id: c, api_secret: s}")],
    receiver("wechat_configs: [{}]"), receiver("wechat_configs: [{api_secret: s}]"),
    *[receiver("%s_configs: x" % t) for t in ("webhook", "email", "slack", "sns")],
]

# Where upstream's 0.25 is known to differ from the later releases that are followed here.
NEWER_GOOD = [
    receiver("webhook_configs: [{url: %s, timeout: 5s}]" % URL),
    receiver("webhook_configs: [{url_file: /x}]"),
    receiver("webhook_configs: [{url: 'http://{{ .GroupLabels.host }}/'}]"),
    receiver("jira_configs: [{api_url: %s, project: p, issue_type: t, fields: {a: 5, b: [c], d: {e: "
             "'6'}}}]" % URL),
    receiver("rocketchat_configs: [{token: t, token_id: i}]"),
    receiver("mattermost_configs: [{webhook_url: %s}]" % URL),
    receiver("incidentio_configs: [{url: %s, alert_source_token: t}]" % URL),
    receiver("msteams_configs: [{webhook_url: %s}]" % URL),
    receiver("msteamsv2_configs: [{webhook_url_file: f}]"),
    receiver("telegram_configs: [{chat_id: 5}]", "telegram_bot_token: t"),
    route("matchers: ['0a=b']"),
    route("matchers: ['föö=bar', '\"a b\"=c']"),
    "route: {receiver: r, labels: {a: b}}\nreceivers: [{name: r, labels: {team: x}}]\n",
]
NEWER_BAD = [
    receiver("jira_configs: [{api_url: %s, project: p}]" % URL),
    receiver("incidentio_configs: [{url: %s}]" % URL),
    receiver("rocketchat_configs: [{token: t}]"),
    receiver("mattermost_configs: [{}]"),
    receiver("pushover_configs: [{user_key: u, token: t, html: true, monospace: true}]"),
]


def random_tree(rng, depth=0):
    node = {"receiver": f"r{rng.randrange(8)}"}
    if depth:
        ops = ["a={v}", "b!={v}", 'c=~"{v}|{w}"', 'a!~"{v}.*"', 'd=""']
        node["matchers"] = [rng.choice(ops).format(v=rng.choice("xyz"), w=rng.choice("xyz"))
                            for _ in range(rng.randrange(1, 3))]
        if rng.random() < 0.4:
            node["continue"] = True
        if rng.random() < 0.3:
            del node["receiver"]
    if depth < 3:
        node["routes"] = [random_tree(rng, depth + 1) for _ in range(rng.randrange(4))]
    return node


def flow(value):
    """JSON-like text that is YAML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow(v) for v in value) + "]"
    return str(value).lower() if isinstance(value, bool) else "'" + str(value) + "'"


class AlertingConfig(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def ours(self, paths):
        run = subprocess.run([TOOL, "check", *paths], capture_output=True, text=True, check=False)
        verdicts = dict(line.split(": ", 1) for line in run.stdout.splitlines())
        self.assertEqual(len(verdicts), len(paths), run.stdout + run.stderr)
        return verdicts

    def amtool(self, paths):
        """What amtool says of each file: SUCCESS, or FAILED and why."""
        run = subprocess.run([AMTOOL, "check-config", *paths], capture_output=True, text=True,
                             check=False)
        parts = re.split(r"^Checking '([^']*)'  ", run.stdout, flags=re.M)[1:]
        verdicts = dict(zip(parts[::2], parts[1::2]))
        self.assertEqual(len(verdicts), len(paths), run.stderr)
        return verdicts

    @unittest.skipUnless(AMTOOL, "no amtool here")
    def test_accepts_what_amtool_accepts(self):
        paths = [self.write(f"{i}.yml", text) for i, text in enumerate(CASES)]
        ours = self.ours(paths)
        theirs = self.amtool(paths)
        wrong = [f"{text}  amtool: {theirs[path]}\n  ours: {ours[path]}\n"
                 for path, text in zip(paths, CASES)
                 if theirs[path].startswith("SUCCESS") != (ours[path] == "SUCCESS")]
        self.assertEqual(wrong, [], "\n".join(wrong))
        good = sum(1 for v in ours.values() if v == "SUCCESS")
        self.assertGreater(good, 60)
        self.assertGreater(len(ours) - good, 60)

    def test_knows_what_is_newer(self):
        good = [self.write(f"good{i}.yml", text) for i, text in enumerate(NEWER_GOOD)]
        bad = [self.write(f"bad{i}.yml", text) for i, text in enumerate(NEWER_BAD)]
        verdicts = self.ours(good + bad)
        for path, text in zip(good, NEWER_GOOD):
            self.assertEqual(verdicts[path], "SUCCESS", text)
        for path, text in zip(bad, NEWER_BAD):
            self.assertTrue(verdicts[path].startswith("FAILED"), text)

    def test_shows_what_it_can_read_again(self):
        good = [text for text in CASES + NEWER_GOOD]
        paths = [self.write(f"{i}.yml", text) for i, text in enumerate(good)]
        verdicts = self.ours(paths)
        again = []
        for i, path in enumerate(paths):
            if verdicts[path] != "SUCCESS":
                continue
            shown = subprocess.run([TOOL, "show", path], capture_output=True, text=True, check=True)
            again.append(self.write(f"again{i}.yml", shown.stdout))
        for path, verdict in self.ours(again).items():
            with open(path, encoding="utf-8") as f:
                self.assertEqual(verdict, "SUCCESS", f.read())

    @unittest.skipUnless(AMTOOL, "no amtool here")
    def test_routes_as_amtool_does(self):
        rng = random.Random(5)
        for tree in range(8):
            root = random_tree(rng)
            receivers = ", ".join(f"{{name: r{i}}}" for i in range(8))
            path = self.write("tree.yml", f"route: {flow(root)}\nreceivers: [{receivers}]\n")
            sets = []
            for _ in range(6):
                names = rng.sample("abcd", rng.randrange(1, 4))
                sets.append([f"{n}={rng.choice(['x', 'y', 'z', 'xx'])}" for n in names])
            words = [word for one in sets for word in ["--", *one]][1:]
            ours = subprocess.run([TOOL, "routes", path, *words], capture_output=True, text=True,
                                  check=True).stdout.splitlines()
            for labels, got in zip(sets, ours, strict=True):
                theirs = subprocess.run(
                    [AMTOOL, "config", "routes", "test", f"--config.file={path}", *labels],
                    capture_output=True, text=True, check=True).stdout.strip()
                self.assertEqual(got, theirs, f"tree {tree} {labels}\n{flow(root)}")


if __name__ == "__main__":
    unittest.main()

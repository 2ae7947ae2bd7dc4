# SPDX-License-Identifier: Apache-2.0
"""Mails to a real SMTP server (aiosmtpd), read back by Python's email package; fire drills."""
import email
import email.policy
import hashlib
import hmac
import json
import logging
import os
import ssl
import subprocess
import sys
import time
import warnings

import harness

try:
    from aiosmtpd.controller import Controller
except ImportError:
    # Debian's package, when this Python is not Debian's.
    sys.path.append("/usr/lib/python3/dist-packages")
    from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

CONFIG = """
global:
  smtp_from: 'Vigil <vigil@x.org>'
  resolve_timeout: 1h
route:
  receiver: plain
  group_by: [alertname]
  group_wait: 100ms
  group_interval: 1s
receivers:
  - name: plain
    email_configs:
      - to: 'Jürgen <j@x.org>, "Doe, J" <d@x.org>'
        smarthost: 127.0.0.1:{plain}
        require_tls: false
        send_resolved: true
        threading: {{enabled: true}}
        headers: {{X-Team: 'é {{{{ .CommonLabels.team }}}}'}}
        text: |
          .a line that begins with a dot
          From here, {{{{ range .Alerts }}}}{{{{ .Labels.long }}}}{{{{ end }}}} end
  - name: starttls
    email_configs:
      - to: a@x.org
        smarthost: 127.0.0.1:{starttls}
        hello: vigil.example
        auth_username: user
        auth_password_file: {password}
        tls_config: {{ca_file: {ca}}}
  - name: login
    email_configs:
      - {{to: a@x.org, smarthost: 'localhost:{login}', auth_username: user, auth_password: secret,
         tls_config: {{ca_file: {ca}}}}}
  - name: cram
    email_configs:
      - {{to: a@x.org, smarthost: '127.0.0.1:{cram}', force_implicit_tls: true, auth_username: user,
         auth_secret: secret, tls_config: {{insecure_skip_verify: true}}}}
  - name: no-starttls
    email_configs: [{{to: a@x.org, smarthost: '127.0.0.1:{plain}'}}]
  - name: stranger
    email_configs: [{{to: a@x.org, smarthost: '127.0.0.1:{starttls}'}}]
  - name: wrong-password
    email_configs:
      - {{to: a@x.org, smarthost: '127.0.0.1:{starttls}', auth_username: user, auth_password: no,
         tls_config: {{ca_file: {ca}}}}}
  - name: refused
    email_configs:
      - {{to: 'a@x.org, nobody@x.org', smarthost: '127.0.0.1:{plain}', require_tls: false}}
      - {{to: b@x.org, smarthost: '127.0.0.1:{plain}', require_tls: false}}
"""


class Mailbox:
    """What a server was told, and how."""

    def __init__(self):
        self.mails = []
        self.hello = None

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        self.hello = session.host_name = hostname
        return responses

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.mails.append((session, envelope))
        return "250 2.0.0 queued"

    async def auth_CRAM__MD5(self, server, args):
        challenge = b"<17.42@x.org>"
        answer = await server.challenge_auth(challenge)
        want = hmac.new(b"secret", challenge, hashlib.md5).hexdigest()
        good = answer == f"user {want}".encode()
        return AuthResult(success=good, auth_data="cram")

    def message(self, index=-1):
        return email.message_from_bytes(self.mails[index][1].content, policy=email.policy.default)


def check_password(server, session, envelope, mechanism, data):
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (b"user", b"secret")
    return AuthResult(success=good, handled=False, auth_data=mechanism)


class Email(harness.Case):
    def setUp(self):
        super().setUp()
        logging.getLogger("mail.log").setLevel(logging.CRITICAL)
        warnings.filterwarnings("ignore", module="aiosmtpd")
        self.ca = os.path.join(self.directory, "mail.crt")
        key = os.path.join(self.directory, "mail.key")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                        "/CN=mail", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                        "-keyout", key, "-out", self.ca], check=True, capture_output=True)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(self.ca, key)
        self.boxes, ports = {}, {}
        for name, options in {
                "plain": {},
                "starttls": {"tls_context": tls, "require_starttls": True, "auth_required": True,
                             "auth_exclude_mechanism": ["CRAM-MD5", "LOGIN"]},
                "login": {"tls_context": tls, "require_starttls": True, "auth_required": True,
                          "auth_exclude_mechanism": ["CRAM-MD5", "PLAIN"]},
                "cram": {"ssl_context": tls, "auth_required": True, "auth_require_tls": False,
                         "auth_exclude_mechanism": ["PLAIN", "LOGIN"]}}.items():
            self.boxes[name] = Mailbox()
            ports[name] = harness.free_port()
            controller = Controller(self.boxes[name], hostname="127.0.0.1", port=ports[name],
                                    authenticator=check_password, **options)
            controller.start()
            self.addCleanup(controller.stop)
        password = os.path.join(self.directory, "password")
        with open(password, "w", encoding="ascii") as f:
            f.write("secret\n")
        self.config_path = os.path.join(self.directory, "alertmanager.yml")
        with open(self.config_path, "w", encoding="utf-8") as f:
            f.write(CONFIG.format(ca=self.ca, password=password, **ports))
        self.vigil = self.server(flags=[f"--alerting.config.file={self.config_path}",
                                        "--web.enable-admin-api",
                                        "--web.external-url=http://vigil.example/"])

    def drill(self, receiver, **more):
        """(status of the answer, its document)"""
        answer = harness.http(self.vigil.url + "/api/v2/receivers/test",
                              json.dumps({"receiver": receiver, **more}), "POST",
                              {"Content-Type": "application/json"}, timeout=60)
        return answer.status, answer.json

    def sent(self, receiver):
        status, results = self.drill(receiver)
        self.assertEqual((status, [r["result"] for r in results]), (200, ["sent"]), results)

    def failed(self, receiver, text):
        status, results = self.drill(receiver, timeout="10s")
        self.assertEqual(status, 200)
        self.assertEqual(results[0]["result"], "retry", results)
        self.assertIn(text, results[0]["error"])
        return results

    def parts(self, message):
        """{type: text} of a mail that is written well."""
        self.assertEqual(message.defects, [])
        self.assertEqual(message.get_content_type(), "multipart/alternative")
        out = {}
        for part in message.iter_parts():
            self.assertEqual(part.defects, [])
            out[part.get_content_type()] = part.get_content()
        return out

    def test_mail(self):
        """One server for all of it: to start one takes longer."""
        for part in (self.encryption_and_authentication, self.fire_drills, self.mails_of_a_group):
            with self.subTest(part.__name__):
                part()

    def mails_of_a_group(self):
        box = self.boxes["plain"]
        box.mails.clear()
        long = "lang ü " * 100 + "=" * 100
        alerts = [{"labels": {"alertname": "Disk", "team": "db", "long": long, "x": "<b>&"},
                   "annotations": {"summary": "it's \"full\""},
                   "generatorURL": "http://prometheus.example/graph?a=1&b=2"}]
        headers = {"Content-Type": "application/json"}
        posted = harness.http(self.vigil.url + "/api/v2/alerts", json.dumps(alerts), "POST",
                              headers)
        self.assertEqual(posted.status, 200, posted.text)
        harness.wait_for("the mail", lambda: box.mails)
        envelope = box.mails[0][1]
        self.assertEqual(envelope.mail_from, "vigil@x.org")
        self.assertEqual(envelope.rcpt_tos, ["j@x.org", "d@x.org"])
        first = box.message(0)
        self.assertEqual(first["Subject"], f"[FIRING:1] Disk ({long} db <b>&)")
        self.assertEqual([(a.display_name, a.addr_spec) for a in first["To"].addresses],
                         [("Jürgen", "j@x.org"), ("Doe, J", "d@x.org")])
        self.assertEqual(first["From"].addresses[0].display_name, "Vigil")
        self.assertEqual(first["X-Team"], "é db")
        self.assertLess(abs(first["Date"].datetime.timestamp() - time.time()), 60)
        for line in envelope.content.split(b"\r\n"):
            self.assertLess(len(line), 998)
            line.decode("ascii")
        parts = self.parts(first)
        self.assertEqual(list(parts), ["text/plain", "text/html"])
        self.assertEqual(parts["text/plain"].splitlines()[:2],
                         [".a line that begins with a dot", f"From here, {long} end"])
        self.assertIn("&lt;b&gt;&amp;", parts["text/html"])
        self.assertIn('href="http://prometheus.example/graph?a=1&amp;b=2"', parts["text/html"])
        self.assertIn("http://vigil.example/#/alerts?receiver=plain", parts["text/html"])

        alerts[0]["endsAt"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 1))
        harness.http(self.vigil.url + "/api/v2/alerts", json.dumps(alerts), "POST", headers)
        harness.wait_for("the second mail", lambda: len(box.mails) > 1)
        second = box.message(1)
        self.assertTrue(second["Subject"].startswith("[RESOLVED] Disk"), second["Subject"])
        self.assertNotEqual(first["Message-Id"], second["Message-Id"])
        self.assertRegex(first["References"], r"^<alert-[0-9a-f]{16}-[0-9-]{10}@alertmanager>$")
        self.assertEqual({first["References"], first["In-Reply-To"]},
                         {second["References"], second["In-Reply-To"]})

    def encryption_and_authentication(self):
        for receiver, mechanism in (("starttls", "PLAIN"), ("login", "LOGIN"), ("cram", "cram")):
            with self.subTest(receiver):
                self.sent(receiver)
                box = self.boxes[receiver]
                session, envelope = box.mails[0]
                self.assertEqual(session.auth_data, mechanism)
                self.assertEqual(envelope.rcpt_tos, ["a@x.org"])
                self.assertEqual(box.message()["Subject"], "[FIRING:1] VigilTest")
                self.assertIn("text/html", self.parts(box.message()))
        self.assertEqual(self.boxes["starttls"].hello, "vigil.example")
        self.failed("no-starttls", "does not advertise the STARTTLS extension")
        self.failed("stranger", "send STARTTLS command: tls: failed to verify certificate: self")
        self.failed("wrong-password", "*smtp.plainAuth auth: 535 5.7.8")
        self.assertEqual([len(box.mails) for box in self.boxes.values()], [0, 1, 1, 1])

    def fire_drills(self):
        results = self.failed("refused", "send RCPT command: 550 5.1.1 no such user")
        self.assertEqual([(r["integration"], r["index"], r["result"]) for r in results],
                         [("email", 0, "retry"), ("email", 1, "sent")])
        self.assertEqual(self.drill("nobody"), (404, 'there is no receiver "nobody"'))
        self.assertEqual(self.drill(""), (400, "receiver is required"))

        def vigilctl(*args):
            run = subprocess.run([harness.binary("vigilctl"), "receiver", "test",
                                  f"--alertmanager.url={self.vigil.url}", *args],
                                 capture_output=True, text=True, timeout=60, check=False)
            return run.returncode, run.stdout, run.stderr

        code, out, err = vigilctl("plain", "--resolve", "--label=team=db",
                                  "--annotation=summary=hello there")
        self.assertEqual((code, err), (0, ""), out)
        self.assertEqual([line.split()[:3] for line in out.splitlines()],
                         [["Integration", "Message", "Result"], ["email[0]", "firing", "sent"],
                          ["email[0]", "resolved", "sent"]])
        box = self.boxes["plain"]
        self.assertIn("hello there", self.parts(box.message(-2))["text/html"])
        self.assertEqual(box.message()["Subject"], "[RESOLVED] VigilTest (db)")
        code, out, err = vigilctl("refused")
        self.assertEqual(code, 1, out)
        self.assertIn("failed", out)
        self.assertIn("not every message was sent", err)
        self.assertEqual(vigilctl("nobody")[0], 1)
        # Nothing of it is an alert.
        self.assertEqual(self.vigil.get("/api/v2/alerts").json, [])


if __name__ == "__main__":
    harness.main()

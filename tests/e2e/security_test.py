# SPDX-License-Identifier: Apache-2.0
"""The web config file: TLS and basic auth on all three programs, and scraping through both."""
import base64
import ssl
import subprocess

import harness

CERTIFICATE_COMMAND = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                       "-nodes", "-days", "2", "-subj", "/CN=localhost",
                       "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]


def bcrypt(password):
    """A $2b$ hash by the system's own crypt(3); the lowest cost, for the test is not about it."""
    import ctypes
    import ctypes.util
    library = ctypes.CDLL(ctypes.util.find_library("crypt") or "libcrypt.so.1")
    library.crypt.restype = ctypes.c_char_p
    hashed = library.crypt(password.encode(), b"$2b$04$abcdefghijklmnopqrstuu")
    assert hashed.startswith(b"$2b$"), hashed
    return hashed.decode()


class Security(harness.Case):
    def setUp(self):
        super().setUp()
        self.cert = self.directory + "/cert.pem"
        self.key = self.directory + "/key.pem"
        subprocess.run([*CERTIFICATE_COMMAND, "-keyout", self.key, "-out", self.cert], check=True,
                       capture_output=True)
        self.web_config = self.directory + "/web.yml"
        with open(self.web_config, "w", encoding="utf-8") as f:
            f.write("tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\n"
                    f"basic_auth_users:\n  alice: {bcrypt('secret')}\n")
        self.context = ssl.create_default_context(cafile=self.cert)

    def get(self, port, path, user=None):
        headers = {}
        if user:
            headers["Authorization"] = "Basic " + base64.b64encode(user.encode()).decode()
        return harness.http(f"https://127.0.0.1:{port}{path}", headers=headers,
                            context=self.context)

    def test_every_program_asks_for_tls_and_password(self):
        server = self.server(flags=[f"--web.config.file={self.web_config}"], start=False)
        server.start(wait=False)
        ports = {"vigil-node-exporter": harness.free_port(),
                 "vigil-pushgateway": harness.free_port()}
        for name, port in ports.items():
            self.run_program(harness.binary(name), f"--web.listen-address=127.0.0.1:{port}",
                             f"--web.config.file={self.web_config}")
        ports["vigil-server"] = server.port
        for name, port in ports.items():
            harness.wait_for(name, lambda p=port: self.get(p, "/metrics", "alice:secret")
                             .status == 200)
            self.assertEqual(self.get(port, "/metrics").status, 401)
            self.assertEqual(self.get(port, "/metrics", "alice:wrong").status, 401)
            self.assertEqual(self.get(port, "/metrics", "bob:secret").status, 401)
            with self.assertRaises(OSError):
                harness.http(f"http://127.0.0.1:{port}/metrics", timeout=5)

        # A server scrapes the protected exporter when it knows how.
        server.write_config(f"""
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: node
    scheme: https
    tls_config: {{ca_file: cert.pem}}
    basic_auth: {{username: alice, password: secret}}
    static_configs: [{{targets: ["127.0.0.1:{ports['vigil-node-exporter']}"]}}]
  - job_name: refused
    scheme: https
    tls_config: {{ca_file: cert.pem}}
    static_configs: [{{targets: ["127.0.0.1:{ports['vigil-node-exporter']}"]}}]
  - job_name: untrusted
    scheme: https
    static_configs: [{{targets: ["127.0.0.1:{ports['vigil-node-exporter']}"]}}]
""")
        harness.wait_for("ready", lambda: self.get(server.port, "/-/ready", "alice:secret")
                         .status == 200)
        auth = {"Authorization": "Basic " + base64.b64encode(b"alice:secret").decode()}
        harness.http(f"https://127.0.0.1:{server.port}/-/reload", "", headers=auth,
                     context=self.context)

        def targets():
            body = self.get(server.port, "/api/v1/targets", "alice:secret").json
            found = {t["scrapePool"]: t for t in body["data"]["activeTargets"]}
            return len(found) == 3 and all(t["health"] != "unknown" for t in found.values()) \
                and found
        found = harness.wait_for("verdicts", targets)
        self.assertEqual(found["node"]["health"], "up", found["node"]["lastError"])
        self.assertIn("401", found["refused"]["lastError"])
        self.assertEqual(found["untrusted"]["health"], "down")
        self.assertNotIn("secret", self.get(server.port, "/api/v1/status/config",
                                            "alice:secret").text.replace("<secret>", "")
                         .replace("\\u003csecret\\u003e", ""))

    def test_a_bad_web_config_is_refused_at_start(self):
        with open(self.web_config, "a", encoding="utf-8") as f:
            f.write("basic_auth_user:\n  x: y\n")
        for name in ("vigil-server", "vigil-node-exporter", "vigil-pushgateway"):
            run = subprocess.run([harness.binary(name), f"--web.config.file={self.web_config}",
                                  f"--web.listen-address=127.0.0.1:{harness.free_port()}",
                                  *([f"--storage.path={self.directory}/s"]
                                    if name == "vigil-server" else [])],
                                 capture_output=True, text=True, timeout=60, check=False,
                                 cwd=self.directory)
            self.assertEqual(run.returncode, 1, name)
            self.assertIn("basic_auth_user", run.stdout + run.stderr)
            self.assertIn("web.yml", run.stdout + run.stderr)


if __name__ == "__main__":
    harness.main()

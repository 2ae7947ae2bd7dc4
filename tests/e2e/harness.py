# SPDX-License-Identifier: Apache-2.0
"""Starts the real programs on loopback ports chosen by the system and talks to them.

Standard library only. VIGIL_BIN_DIR names the binaries under test; VIGIL_PEERS_DIR the unpacked
peers (else PATH)."""
import datetime
import fcntl
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.path.abspath(os.environ.get("VIGIL_BIN_DIR", os.path.join(ROOT, "build/release/bin")))
PEERS = os.environ.get("VIGIL_PEERS_DIR", os.path.join(ROOT, "build/peers"))
# Sanitized binaries are slow to start; waits end as soon as what they wait for is there.
PATIENCE = float(os.environ.get("VIGIL_E2E_PATIENCE", "60"))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def peer(name):
    """Path of a peer program, or None."""
    unpacked = os.path.join(PEERS, "usr/bin", name)
    return unpacked if os.path.exists(unpacked) else shutil.which(name)


def binary(name):
    return os.path.join(BIN, name)


def real_alertmanager(config, port, directory, *flags):
    """The real alertmanager, as a Program, or None where it cannot run. Its templates' path,
    /usr/share/prometheus, is compiled in: it sees the unpacked package there, in a mount
    namespace of its own."""
    path = peer("prometheus-alertmanager")
    if path is None:
        return None
    os.makedirs(directory, exist_ok=True)
    command = [path]
    share = os.path.join(os.path.dirname(os.path.dirname(path)), "share")
    templates = "/usr/share/prometheus/alertmanager"
    if not all(os.path.exists(f"{templates}/{name}.tmpl") for name in ("default", "email")):
        command = ["unshare", *([] if os.geteuid() == 0 else ["-r"]), "-m", "sh", "-c",
                   'mount --bind "$0" /usr/share && exec "$@"', share, path]
        probe = subprocess.run([*command[:-1], "true"], capture_output=True, check=False)
        if probe.returncode:
            return None
    program = Program(command[0], [*command[1:], f"--config.file={config}",
                                   f"--storage.path={directory}/data", "--cluster.listen-address=",
                                   f"--web.listen-address=127.0.0.1:{port}", *flags], directory)
    program.wait_http(f"http://127.0.0.1:{port}/-/ready")
    return program


def seconds_of(text):
    """Of a time in RFC 3339."""
    base, fraction, zone = re.fullmatch(
        r"(\d+-\d+-\d+T\d+:\d+:\d+)(\.\d+)?(Z|[+-]\d\d:\d\d)", text).groups()
    zone = "+00:00" if zone == "Z" else zone
    return (datetime.datetime.fromisoformat(base + zone).timestamp() + float(fraction or 0))


def wait_for(what, condition, seconds=None):
    """The first true value of condition(); fails with its last exception or `what`."""
    deadline = time.monotonic() + (PATIENCE if seconds is None else seconds)
    last = None
    while time.monotonic() < deadline:
        try:
            value = condition()
            if value:
                return value
            last = None
        except (OSError, AssertionError, KeyError, IndexError, ValueError) as error:
            last = error
        time.sleep(0.05)
    raise AssertionError(f"waited in vain for {what}" + (f": {last}" if last else ""))


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    @property
    def json(self):
        return json.loads(self.body)


def http(url, data=None, method=None, headers=None, timeout=30, context=None):
    """Any status is an answer; a dict as data is sent as a form."""
    if isinstance(data, dict):
        data = urllib.parse.urlencode(data, doseq=True).encode()
    elif isinstance(data, str):
        data = data.encode()
    request = urllib.request.Request(url, data=data, method=method, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=timeout, context=context) as response:
            return Answer(response.status, response.headers, response.read())
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.headers, error.read())


class Program:
    """One process with its log in a file; always ends with the test."""

    def __init__(self, name, args, directory, env=None):
        self.name = name
        self.log_path = os.path.join(directory, os.path.basename(name) + ".log")
        self.log_file = open(self.log_path, "ab")
        self.process = subprocess.Popen([name, *args], stdout=self.log_file,
                                        stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                        env={**os.environ, **(env or {})})

    @property
    def pid(self):
        return self.process.pid

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def wait_http(self, url, seconds=None):
        def ready():
            if self.process.poll() is not None:
                raise SystemExit(f"{self.name} ended with {self.process.returncode}:\n"
                                 f"{self.log()[-4000:]}")
            return http(url, timeout=5).status == 200
        wait_for(f"{self.name} at {url}\n{self.log()[-2000:]}", ready, seconds)

    def kill9(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.log_file.close()

    def stop(self, seconds=60):
        """SIGTERM; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"{self.name} did not stop within {seconds} s:\n"
                                 f"{self.log()[-3000:]}") from None
        finally:
            self.log_file.close()
        return code


def psql(program, sql):
    """Rows of unaligned text, through the command that a server prints for people."""
    command = re.findall(r'psql -h [^"\n]*', program.log())[-1].split()
    run = subprocess.run([*command, "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql],
                         capture_output=True, text=True, timeout=120, check=False)
    if run.returncode:
        raise AssertionError(f"psql: {run.stderr}")
    return [line.split("|") for line in run.stdout.strip().split("\n") if line]


def ready_cluster():
    """An empty database, stopped, as the server under test leaves it after its first start. Made
    once a build: making one takes longer than many a test."""
    info = os.stat(binary("vigil-server"))
    path = os.path.join(os.path.dirname(BIN), f"e2e-cluster-{info.st_mtime_ns}-{info.st_size}")
    with open(os.path.join(os.path.dirname(BIN), "e2e-cluster.lock"), "w", encoding="ascii") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        if os.path.exists(path):
            return path
        for name in os.listdir(os.path.dirname(BIN)):
            if re.fullmatch(r"e2e-cluster-\d+-\d+", name):
                shutil.rmtree(os.path.join(os.path.dirname(BIN), name), ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix="vigil-e2e-") as directory:
            os.chmod(directory, 0o755)
            server = Server(directory, fresh=True).start()
            assert server.stop() == 0, server.program.log()
            subprocess.run(["cp", "-a", server.data + "/postgres", path + ".part"], check=True)
        os.rename(path + ".part", path)
    return path


class Server:
    """A vigil-server with a storage directory that outlives its process. It begins with a copy of
    an empty database, or with none at all when fresh."""

    def __init__(self, directory, config=None, flags=(), fresh=False):
        self.fresh = fresh or any(flag.startswith("--storage.postgres.dsn") for flag in flags)
        self.directory = directory
        self.data = os.path.join(directory, "data")
        self.config_path = os.path.join(directory, "prometheus.yml")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.flags = list(flags)
        self.program = None
        self.write_config(config or "scrape_configs: []\n")

    def write_config(self, text):
        with open(self.config_path, "w", encoding="utf-8") as f:
            f.write(text)

    def start(self, wait=True):
        if not self.fresh and not os.path.exists(self.data):
            cluster = ready_cluster()
            os.mkdir(self.data)
            subprocess.run(["cp", "-a", cluster, self.data + "/postgres"], check=True)
        self.program = Program(binary("vigil-server"), [
            f"--config.file={self.config_path}", f"--storage.path={self.data}",
            f"--web.listen-address=127.0.0.1:{self.port}", "--web.enable-lifecycle",
            "--web.enable-remote-write-receiver", *self.flags], self.directory)
        if wait:
            self.program.wait_http(self.url + "/-/ready")
        return self

    def stop(self):
        return self.program.stop()

    def kill9(self):
        self.program.kill9()

    def get(self, path, **params):
        query = "?" + urllib.parse.urlencode(params, doseq=True) if params else ""
        return http(self.url + path + query)

    def api(self, path, **params):
        """The data of a successful API answer."""
        answer = self.get("/api/v1/" + path, **params)
        body = answer.json
        if body.get("status") != "success":
            raise AssertionError(f"{path} {params}: HTTP {answer.status}: {body}")
        return body["data"]

    def query(self, expr, **params):
        return self.api("query", query=expr, **params)["result"]

    def value(self, expr, **params):
        """The value of a query with exactly one result."""
        result = self.query(expr, **params)
        assert len(result) == 1, f"{expr}: {len(result)} results: {result[:3]}"
        return float(result[0]["value"][1])

    def samples(self, selector, start, end):
        """{labels: [(seconds, text), ...]} of raw samples in (start, end]."""
        span = int(end - start)
        result = self.query(f"{selector}[{span}s]", time=end)
        return {json.dumps(s["metric"], sort_keys=True): [tuple(v) for v in s["values"]]
                for s in result}

    def metric(self, name):
        for line in self.get("/metrics").text.split("\n"):
            if line.startswith(name + " "):
                return float(line.split()[1])
        raise KeyError(name)

    def postmaster_pid(self):
        with open(os.path.join(self.data, "postgres", "postmaster.pid"), encoding="ascii") as f:
            return int(f.readline())

    def psql(self, sql):
        return psql(self.program, sql)

    def remote_write(self, series, timeout=60):
        return http(self.url + "/api/v1/write", write_request(series), "POST",
                    {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy"},
                    timeout)


def varint(number):
    number &= (1 << 64) - 1
    out = bytearray()
    while True:
        low, number = number & 0x7F, number >> 7
        if not number:
            out.append(low)
            return bytes(out)
        out.append(low | 0x80)


def field(number, body):
    return varint(number << 3 | 2) + varint(len(body)) + body


def write_request(series):
    """Snappy-compressed prometheus.WriteRequest of [({label: value}, [(ms, value)])]."""
    message = bytearray()
    for labels, samples in series:
        body = bytearray()
        for name in sorted(labels):
            body += field(1, field(1, name.encode()) + field(2, labels[name].encode()))
        for timestamp, value in samples:
            body += field(2, b"\x09" + struct.pack("<d", value) + b"\x10" + varint(timestamp))
        message += field(1, bytes(body))
    # A snappy block of literals only: valid, if not small.
    out = bytearray(varint(len(message)))
    for at in range(0, len(message), 65536):
        piece = message[at:at + 65536]
        out += bytes([61 << 2]) + struct.pack("<H", len(piece) - 1) + piece
    return bytes(out)


class Case(unittest.TestCase):
    """A test with a directory the database's user can enter, and programs that end with it."""

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="vigil-e2e-")
        os.chmod(self.directory, 0o755)
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.programs = []

    def tearDown(self):
        for program in reversed(self.programs):
            if program.process.poll() is None:
                program.process.kill()
                program.process.wait()

    def run_program(self, name, *args, env=None):
        program = Program(name, args, self.directory, env)
        self.programs.append(program)
        return program

    def server(self, config=None, flags=(), start=True, fresh=False):
        server = Server(self.directory, config, flags, fresh)
        self.addCleanup(lambda: server.program and server.program.process.poll() is None
                        and server.program.stop())
        return server.start() if start else server

    def node_exporter(self, *flags):
        port = free_port()
        program = self.run_program(binary("vigil-node-exporter"),
                                   f"--web.listen-address=127.0.0.1:{port}", *flags)
        program.wait_http(f"http://127.0.0.1:{port}/metrics")
        return port

    def pushgateway(self, *flags):
        port = free_port()
        program = self.run_program(binary("vigil-pushgateway"),
                                   f"--web.listen-address=127.0.0.1:{port}", *flags)
        program.wait_http(f"http://127.0.0.1:{port}/-/ready")
        return port

    def require_peer(self, name):
        path = peer(name)
        if path is None:
            self.skipTest(f"{name} is not on this machine: ./dev deps peers")
        return path


def main():
    # The failing end of a log is more use than unittest's docstrings.
    unittest.main(verbosity=2, argv=[sys.argv[0], *sys.argv[1:]])

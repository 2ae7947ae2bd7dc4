# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks share: the programs under test, their cost, the table of results."""
import atexit
import os
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../e2e"))
import harness  # noqa: E402

TICK = os.sysconf("SC_CLK_TCK")


def tree(pid):
    """The process and all its descendants."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", encoding="ascii", errors="replace") as f:
                    fields = f.read().rsplit(")", 1)[1].split()
                children.setdefault(int(fields[1]), []).append(int(entry))
            except OSError:
                pass
    found, queue = [], [pid]
    while queue:
        current = queue.pop()
        found.append(current)
        queue += children.get(current, [])
    return found


def cpu_seconds(pid):
    total = 0
    for member in tree(pid):
        try:
            with open(f"/proc/{member}/stat", encoding="ascii", errors="replace") as f:
                fields = f.read().rsplit(")", 1)[1].split()
            # Own time and that of children already gone.
            total += sum(int(x) for x in fields[11:15])
        except OSError:
            pass
    return total / TICK


def pss_mb(pid):
    total = 0
    for member in tree(pid):
        try:
            with open(f"/proc/{member}/smaps_rollup", encoding="ascii") as f:
                for line in f:
                    if line.startswith("Pss:"):
                        total += int(line.split()[1])
        except OSError:
            pass
    return total / 1024


class Meter:
    """CPU used and peak memory between start and stop."""

    def __init__(self, pid):
        self.pid, self.peak, self.going = pid, 0.0, True
        self.begin = cpu_seconds(pid)
        self.thread = threading.Thread(target=self.sample, daemon=True)
        self.thread.start()

    def sample(self):
        while self.going:
            self.peak = max(self.peak, pss_mb(self.pid))
            time.sleep(1)

    def stop(self):
        self.going = False
        self.thread.join()
        return cpu_seconds(self.pid) - self.begin, self.peak


class Subject:
    """A program under test: how it is started and where it is asked."""

    def __init__(self, name, directory):
        self.name = name
        self.directory = os.path.join(directory, name)
        os.makedirs(self.directory, exist_ok=True)
        os.chmod(self.directory, 0o755)
        self.port = harness.free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def command(self, config, more):
        listen = f"127.0.0.1:{self.port}"
        data = os.path.join(self.directory, "data")
        if self.name == "vigil":
            return [harness.binary("vigil-server"), f"--config.file={config}",
                    f"--storage.path={data}", f"--web.listen-address={listen}",
                    "--web.enable-remote-write-receiver", *more]
        if self.name == "prometheus":
            return [harness.peer("prometheus"), f"--config.file={config}",
                    f"--storage.tsdb.path={data}", f"--web.listen-address={listen}",
                    "--web.enable-remote-write-receiver"]
        return [harness.peer("victoria-metrics"), f"-promscrape.config={config}",
                f"-storageDataPath={data}", f"-httpListenAddr={listen}", "-retentionPeriod=10y",
                "-search.latencyOffset=0s", "-search.disableCache=false",
                "-search.maxUniqueTimeseries=3000000", "-search.maxQueryDuration=3m",
                "-loggerLevel=WARN"]

    def start(self, config_text, more=()):
        """`more` flags are for vigil only."""
        config = os.path.join(self.directory, "config.yml")
        with open(config, "w", encoding="utf-8") as f:
            f.write(config_text)
        command = self.command(config, more)
        self.program = harness.Program(command[0], command[1:], self.directory)
        # A run that fails half-way must leave nothing behind that disturbs the next.
        atexit.register(self.kill)
        self.program.wait_http(self.url + ("/-/ready" if self.name != "victoria" else "/health"))
        return self

    def stop(self):
        self.program.stop(120)

    def kill(self):
        if self.program.process.poll() is None:
            self.program.process.terminate()
            try:
                self.program.process.wait(30)
            except subprocess.TimeoutExpired:
                self.program.process.kill()

    def disk_bytes(self):
        out = subprocess.run(["du", "-sb", os.path.join(self.directory, "data")],
                             capture_output=True, text=True, check=True).stdout
        return int(out.split()[0])

    def query(self, path, **params):
        answer = harness.http(self.url + path, params, timeout=120)
        assert answer.status == 200, f"{self.name} {path}: {answer.status} {answer.text[:300]}"
        return answer

    def value(self, expr):
        result = self.query("/api/v1/query", query=expr).json["data"]["result"]
        return float(result[0]["value"][1]) if result else 0.0


def subjects(directory):
    names = ["vigil"]
    names += ["prometheus"] if harness.peer("prometheus") else []
    names += ["victoria"] if harness.peer("victoria-metrics") else []
    return [Subject(name, directory) for name in names]


class Table:
    def __init__(self):
        self.rows = []

    def add(self, work, unit, values, better="lower"):
        self.rows.append({"work": work, "unit": unit, "values": values})
        ratio = "  ".join(f"{name} {value:.3g} {unit}" for name, value in values.items())
        others = [v for k, v in values.items() if k != "vigil" and v]
        if others and values.get("vigil"):
            best = min(others) if better == "lower" else max(others)
            ratio += f"   vigil/best peer {values['vigil'] / best:.2f}"
        print(f"{work}: {ratio}", flush=True)

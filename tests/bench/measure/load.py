"""Load, and what it cost the process that answered: as much as goes by wrk, or at a steady rate by
h2load."""

import json
import os
import subprocess
import tempfile
from dataclasses import dataclass

from harness.tools import tool
from harness.waiting import HarnessError

from . import usage
from .series import quantile

_SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "wrk.lua")
_THREADS = 2


@dataclass(frozen=True)
class Request:
    """One of the requests that a load sends in turn."""

    path: str
    method: str = "GET"
    token: str = ""
    body: dict = None

    def line(self):
        body = json.dumps(self.body) if self.body is not None else "-"
        return f"{self.method} {self.path} {self.token or '-'} {body}\n"


class Load:
    """wrk at work: requests in turn on `connections` for some seconds, as fast as they are
    answered. begin() and end() leave room for something else to be measured meanwhile."""

    def __init__(self, port, requests, connections, seconds):
        self._requests = tempfile.NamedTemporaryFile("w", prefix="requests-", encoding="ascii")
        self._requests.writelines(request.line() for request in requests)
        self._requests.flush()
        self._seconds = seconds
        self._command = [
            tool("wrk"), f"-t{min(_THREADS, connections)}", f"-c{connections}", f"-d{seconds}s",
            "--timeout", "10s", "-s", _SCRIPT, f"http://127.0.0.1:{port}", "--",
            self._requests.name]

    def begin(self):
        self._wrk = subprocess.Popen(["setpriv", "--pdeathsig=KILL", *self._command],
                                     stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return self

    def end(self):
        """{metric: number}: requests, rate, p50, p99 (ms), errors."""
        try:
            said, _ = self._wrk.communicate(timeout=self._seconds + 60)
        finally:
            self._wrk.kill()
            self._wrk.wait()
            self._requests.close()
        line = said.strip().rpartition("\n")[2]
        if self._wrk.returncode or not line.startswith("{"):
            raise HarnessError(f"wrk failed: {said[-1000:]}")
        sample = json.loads(line)
        sample["rate"] = sample["requests"] / sample.pop("seconds")
        return sample


def measure(process, port, requests, connections, seconds):
    """The sample of one load, with CPU µs a request and resident memory of the process."""
    before = usage.cpu_seconds(process.pid)
    sample = Load(port, requests, connections, seconds).begin().end()
    spent = usage.cpu_seconds(process.pid) - before
    sample["cpu"] = 1e6 * spent / max(sample["requests"], 1)
    sample["memory"] = usage.resident_mb(process.pid)
    return sample


def steady(port, paths, rate, seconds, token="", connections=4):
    """The sample of GETs in turn at a steady rate, whether or not answers are late."""
    headers = ["-H", f"Authorization: Bearer {token}"] if token else []
    with tempfile.NamedTemporaryFile("r", prefix="h2load-", encoding="ascii") as log:
        done = subprocess.run(
            [tool("h2load"), "--h1", "-t1", f"-c{connections}", f"-n{rate * seconds}",
             f"--rps={rate / connections}", f"--log-file={log.name}", *headers,
             *(f"http://127.0.0.1:{port}{path}" for path in paths)],
            capture_output=True, text=True, check=False, timeout=seconds + 60)
        rows = [line.split() for line in log]
    good = [int(took) / 1000 for _, status, took in rows if status == "200"]
    if done.returncode or len(good) < 50:
        raise HarnessError(f"h2load failed: {(done.stderr or done.stdout)[-1000:]}")
    return {"requests": len(rows), "p50": quantile(good, 50), "p99": quantile(good, 99),
            "errors": rate * seconds - len(good)}

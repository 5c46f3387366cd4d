"""Load, and what it cost the processes that answered: as much as goes by wrk; at a steady rate, or by
gRPC, by h2load."""

import json
import os
import re
import subprocess
import tempfile
from dataclasses import dataclass

from harness.tools import tool
from harness.waiting import HarnessError

from . import usage
from .series import quantile

_SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "wrk.lua")
_THREADS = 2
_GRPC_CONNECTIONS = 4


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
    answered, each with further `headers`. begin() and end() leave room for something else to be
    measured meanwhile."""

    def __init__(self, port, requests, connections, seconds, headers=()):
        self._requests = tempfile.NamedTemporaryFile("w", prefix="requests-", encoding="ascii")
        self._requests.writelines(request.line() for request in requests)
        self._requests.flush()
        self._seconds = seconds
        self._command = [
            tool("wrk"), f"-t{min(_THREADS, connections)}", f"-c{connections}", f"-d{seconds}s",
            "--timeout", "10s", *(f"-H{header}" for header in headers), "-s", _SCRIPT, f"http://127.0.0.1:{port}", "--",
            self._requests.name]

    def begin(self):
        self._wrk = subprocess.Popen(["setpriv", "--pdeathsig=KILL", *self._command],
                                     stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return self

    def end(self):
        """{metric: number}: requests, rate, p50, p99 (ms), errors, and of these statuses, which are
        answers from 400 on."""
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


class Cost:
    """What requests cost processes, {prefix of the metrics: process}, between now and add_to()."""

    def __init__(self, processes):
        self._processes = processes
        self._before = {prefix: usage.cpu_seconds(process.pid)
                        for prefix, process in processes.items()}

    def add_to(self, sample):
        """Adds CPU µs a request, and resident memory, to a sample with `requests`."""
        for prefix, process in self._processes.items():
            spent = usage.cpu_seconds(process.pid) - self._before[prefix]
            sample[prefix + "cpu"] = 1e6 * spent / max(sample["requests"], 1)
            sample[prefix + "memory"] = usage.resident_mb(process.pid)
        return sample


def measure(program, service, requests, connections, seconds):
    """The sample of one load on a program with a service behind it (or None), with what it cost
    both."""
    behind = {"service_": service.process} if service else {}
    cost = Cost({"": program.process, **behind})
    return cost.add_to(Load(program.port, requests, connections, seconds).begin().end())


def _h2load(options, targets, seconds):
    """What h2load says, and (status, ms) of each request."""
    with tempfile.NamedTemporaryFile("r", prefix="h2load-", encoding="ascii") as log:
        done = subprocess.run([tool("h2load"), "-t1", f"--log-file={log.name}", *options, *targets],
                              capture_output=True, text=True, check=False, timeout=seconds + 60)
        rows = [line.split() for line in log]
    if done.returncode or len(rows) < 50:
        raise HarnessError(f"h2load failed: {(done.stderr or done.stdout)[-1000:]}")
    return done.stdout, [(status, int(took) / 1000) for _, status, took in rows]


def _sample(answers):
    good = [took for status, took in answers if status == "200"]
    if len(good) < 2:
        raise HarnessError(f"h2load: {len(good)} of {len(answers)} requests succeeded")
    return {"requests": len(answers), "p50": quantile(good, 50), "p99": quantile(good, 99),
            "errors": len(answers) - len(good)}


def steady(port, paths, rate, seconds, token="", connections=4, headers=()):
    """The sample of GETs in turn at a steady rate, whether or not answers are late."""
    headers = [f"-H{header}" for header in headers] + (
        ["-H", f"Authorization: Bearer {token}"] if token else [])
    _, answers = _h2load(["--h1", f"-c{connections}", f"-n{rate * seconds}",
                          f"--rps={rate / connections}", *headers],
                         [f"http://127.0.0.1:{port}{path}" for path in paths], seconds)
    return _sample(answers)


def grpc(service, method, message, answer_size, calls, seconds):
    """The sample of a unary method, called as fast as it answers, `calls` at a time on a few
    connections. An answer smaller than `answer_size` tells that calls failed: h2load does not see
    their status."""
    connections = min(_GRPC_CONNECTIONS, calls)
    cost = Cost({"service_": service.process})
    with tempfile.NamedTemporaryFile(prefix="call-") as file:
        file.write(b"\0" + len(message).to_bytes(4, "big") + message)
        file.flush()
        said, answers = _h2load(
            [f"-c{connections}", f"-m{calls // connections}", f"-D{seconds}", "-d", file.name,
             "-H", "content-type: application/grpc", "-H", "te: trailers"],
            [f"http://127.0.0.1:{service.port}{method}"], seconds)
    sample = cost.add_to(_sample(answers))
    data = int(re.search(r"\((\d+)\) data$", said, re.M).group(1))
    if data < answer_size * sample["requests"] * 0.99:  # the last answers are cut off
        sample["errors"] = sample["requests"]
    sample["rate"] = sample["requests"] / seconds
    return sample

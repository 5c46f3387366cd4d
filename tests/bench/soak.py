#!/usr/bin/python3
"""Half of what the mesh can do, for a long time: memory, descriptors, threads, latency and tables are
to be at the end as they were when it had warmed up."""

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, deque
from http.client import HTTPConnection, HTTPException

from harness.stack import Stack
from harness.tools import tool
from harness.waiting import HarnessError
from local import build, state
from measure import usage
from measure.client import CREDENTIALS, Client, blog, signed_in
from measure.course import FEWEST, Courses
from measure.load import Load, Request
from measure.page import course_page
from measure.series import quantile, show
from measure.turns import Turns

CAPACITY_SECONDS, CAPACITY_CONNECTIONS = 10, 32
BLOGS, STREAMS = 20, 4
CHANGES = 0.1  # of all requests
LOGINS, REGISTERS = 1, 1  # a second: bcrypt would have all of the processor otherwise
WRITTEN, KEPT = 3, 100  # new blogs a second, and how many of them there are: then old ones go
# Tables that grow with what users do, for good or for as long as it is kept.
GROWING = {"users", "sessions", "refresh_tokens", "mailboxes", "notifications", "emails", "inbox"}
_TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
_SIZE = "SELECT pg_total_relation_size('{0}'), count(*) FROM {0}"


class Steady:
    """h2load at work: requests in turn at a steady rate, whether or not answers are late."""

    def __init__(self, mesh, method, paths, rate, seconds, token="", body=None):
        self._seconds = seconds
        self._log = tempfile.NamedTemporaryFile("r", prefix="soak-", encoding="ascii")
        self._body = tempfile.NamedTemporaryFile("w", prefix="soak-", encoding="ascii")
        json.dump(body, self._body)
        self._body.flush()
        connections = min(4, rate)
        options = [f"-c{connections}", f"-n{rate * seconds}", f"--rps={rate / connections}",
                   f"--log-file={self._log.name}", "-H", f":method: {method}"]
        if token:
            options += ["-H", f"Authorization: Bearer {token}"]
        if body:
            options += ["-d", self._body.name, "-H", "Content-Type: application/json"]
        self._h2load = subprocess.Popen(
            ["setpriv", "--pdeathsig=KILL", tool("h2load"), "--h1", "-t1", *options,
             *(f"{mesh.url}{path}" for path in paths)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def end(self):
        """(milliseconds of each good answer, the statuses of the others; -1: none came)"""
        try:
            said, _ = self._h2load.communicate(timeout=self._seconds + 60)
        finally:
            self._h2load.kill()
            self._h2load.wait()
            self._body.close()
        with self._log as log:
            rows = [line.split() for line in log]
        good = [int(took) / 1000 for _, status, took in rows if status.startswith("2")]
        if self._h2load.returncode or len(good) < 2:
            raise HarnessError(f"h2load failed: {said[-1000:]}")
        return good, [status for _, status, _ in rows if not status.startswith("2")]


class Listener(threading.Thread):
    """A stream, and the next one when it ends."""

    def __init__(self, port, token):
        super().__init__(daemon=True)
        self._port, self._token, self.heard = port, token, 0

    def run(self):
        while True:
            try:
                connection = HTTPConnection("127.0.0.1", self._port, timeout=60)
                connection.request("GET", "/api/v1/notifications/stream",
                                   headers={"Authorization": f"Bearer {self._token}"})
                for line in connection.getresponse():
                    self.heard += line.startswith(b"data:")
            except (OSError, HTTPException):
                time.sleep(1)


class Soak:
    """A mesh at work, and what is seen of it."""

    def __init__(self, mesh, seconds):
        self.mesh, self.seconds, self.courses, self.errors = mesh, seconds, Courses(), Counter()
        self.port = mesh.front.port
        self.client = signed_in(self.port)
        self.token = self.client.token
        self.blogs = [f"/api/v1/blogs/{self.client.call('POST', '/api/v1/blogs', blog(n), 201)['id']}"
                      for n in range(BLOGS)]
        self.lists = ["/api/v1/users/profile", "/api/v1/blogs?pageSize=20",
                      "/api/v1/notifications/user?pageSize=20"]
        self.change = {"title": "On keeping more bees"}
        self.written = deque()
        for number in range(KEPT):
            self.write(number)
        registers = Turns(REGISTERS, {"registers": Client(self.port).register})
        writers = Turns(WRITTEN, {"creates": self.write, "deletes": self.delete})
        self.turns = [registers, writers]

    def write(self, number):
        self.written.append(self.client.call("POST", "/api/v1/blogs", blog(number), 201)["id"])

    def delete(self, _):
        self.client.call("DELETE", f"/api/v1/blogs/{self.written.popleft()}", expected=204)

    def capacity(self):
        """Requests a second when there is no pause; every blog is read and changed."""
        reads = itertools.cycle([*self.blogs, *self.lists])
        mix = []
        for path in self.blogs:
            mix += [Request(next(reads), token=self.token) for _ in range(round(1 / CHANGES) - 1)]
            mix.append(Request(path, "PATCH", self.token, self.change))
        load = Load(self.port, mix, CAPACITY_CONNECTIONS, CAPACITY_SECONDS)
        return load.begin().end()["rate"]

    def window(self, rate, minute):
        """Some seconds of work, and what there is to see then."""
        changes = max(round(rate * CHANGES), 2)
        loads = {
            "reads": Steady(self.mesh, "GET", [*self.blogs, *self.lists], max(rate - changes, 2),
                            self.seconds, self.token),
            "changes": Steady(self.mesh, "PATCH", self.blogs, changes, self.seconds, self.token,
                              self.change),
            "logins": Steady(self.mesh, "POST", ["/api/v1/auth/login"], LOGINS, self.seconds,
                             body=CREDENTIALS)}
        for name, load in loads.items():
            self.note(minute, name, *load.end())
        for turns in self.turns:
            for name, answers in turns.take().items():
                self.note(minute, name, *answers)
        self.look(minute)

    def note(self, minute, name, took, failed):
        self.errors.update(f"{name}: {what}" for what in failed)
        if len(took) > 1:
            self.courses.add(minute, "p50", name, quantile(took, 50))
        if len(took) >= 100:  # of fewer it is the slowest one
            self.courses.add(minute, "p99", name, quantile(took, 99))

    def look(self, minute):
        for program in self.mesh.programs():
            pid, name = program.process.pid, program.name
            self.courses.add(minute, "memory", name, usage.resident_mb(pid))
            self.courses.add(minute, "descriptors", name, len(os.listdir(f"/proc/{pid}/fd")))
            self.courses.add(minute, "threads", name, len(os.listdir(f"/proc/{pid}/task")))
        self.courses.add(minute, "memory", "redis", usage.resident_mb(self.mesh.redis.process.pid))
        for service, database in self.mesh.databases.items():
            for table in database.psql(_TABLES).split():
                size, rows = map(int, database.psql(_SIZE.format(table)).split("|"))
                name = f"{service}: {table}"
                if table not in GROWING:
                    self.courses.add(minute, "table", name, size / 1e6)
                elif rows >= 1000:  # below, empty pages say more than rows
                    self.courses.add(minute, "row", name, size / rows)


def lines(courses):
    """A table: each number after warming up, at the end, and the verdict."""
    yield ["what", "of", "warm", "end", "verdict"]
    for course in courses.all():
        ends = course.ends()
        flat = {True: "flat", False: "RISES", None: "too few"}[course.flat()]
        yield [course.kind, course.name, *(map(show, ends) if ends else "––"), flat]


def which(errors):
    return f" ({', '.join(f'{count} {what}' for what, count in errors.items())})" if errors else ""


def keep(soak, facts):
    base = state.path("bench", "soak")
    rows = list(lines(soak.courses))
    document = {"facts": facts, "errors": soak.errors, "courses": [
        {"kind": one.kind, "name": one.name, "flat": one.flat(), "points": one.points}
        for one in soak.courses.all()]}
    with open(base + ".json", "w", encoding="utf-8") as file:
        json.dump(document, file, indent=1)
    with open(base + ".html", "w", encoding="utf-8") as file:
        file.write(course_page("inkmesh soak", facts, soak.courses, rows))
    for row in rows:
        print("  {:<12} {:<32} {:>10} {:>10}  {}".format(*row))
    print(f"\n{facts}\nall of it: {base}.html, .json")


def run(options):
    with tempfile.TemporaryDirectory(prefix="inkmesh-soak-") as folder:
        mesh = Stack(binary=build.binary, kafka_jars=build.kafka_jars(),
                     folder=lambda name: os.path.join(folder, name),
                     log=lambda name: os.path.join(folder, "log", name + ".log"))
        print("starting a mesh of its own on free ports ...", flush=True)
        with mesh:
            soak = Soak(mesh, options.window)
            listeners = [Listener(soak.port, soak.token) for _ in range(STREAMS)]
            for listener in listeners:
                listener.start()
            capacity = soak.capacity()
            rate = max(round(capacity / 2), 4)
            print(f"{capacity:.0f} requests a second are possible: {rate} for "
                  f"{options.minutes} minutes", flush=True)
            for turns in soak.turns:
                turns.start()
            begun = time.monotonic()
            while (minute := (time.monotonic() - begun) / 60) < options.minutes:
                soak.window(rate, minute)
            heard = sum(listener.heard for listener in listeners)
            facts = (f"{rate} requests a second, half of what is possible, for {options.minutes} "
                     f"minutes; {LOGINS} logins, {REGISTERS} registers, {WRITTEN} creates and as "
                     f"many deletes a second; and {STREAMS} streams, which heard {heard} notifications; "
                     f"{soak.errors.total()} requests failed{which(soak.errors)}; "
                     f"{len(soak.courses.rising())} numbers rise")
            keep(soak, facts)
    told = soak.courses.of("p50")[0].flat() is not None  # a table may have become large late
    return 0 if told and not soak.errors and not soak.courses.rising() else 1


def main():
    parser = argparse.ArgumentParser(prog="./inkmesh soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30, metavar="N",
                        help="how long (default: 30)")
    parser.add_argument("--window", type=int, default=15, metavar="SECONDS",
                        help="between two looks (default: 15)")
    options = parser.parse_args()
    if options.minutes * 60 < 2 * FEWEST * options.window:
        parser.error(f"--minutes must be at least {2 * FEWEST * options.window / 60:g} for that "
                     "--window: too few looks tell nothing")
    sys.exit(run(options))


if __name__ == "__main__":
    try:
        main()
    except HarnessError as problem:
        sys.exit(f"soak: {problem}")

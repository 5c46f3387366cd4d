#!/usr/bin/python3
"""A fuzzer of the running gateway: raw connections to the real program, built with sanitizers, with
real services behind it. Requests of all routes of /openapi.json, right ones and damaged ones, in
all kinds of pieces, many at once; each answer is held against a second reading of what was asked
(model.py, answers.py). The same --seed makes the same conversations, and --only N that one.
"""

import argparse
import collections
import json
import os
import random
import re
import signal
import sys
import tempfile
import threading
import time
import traceback
import urllib.request

import conversation
from answers import Wrong, check
from grammar import Grammar
from harness import ports
from harness.certificates import Authority
from harness.program import Program
from harness.server import scratch
from harness.stack import Stack, runfiles_binary

WORKERS = 16
# Of what grows with use at first: threads have their buffers, pools their connections.
WARM_UP = 0.2
# What may be more at the end than after the warm-up.
MORE_DESCRIPTORS, MORE_THREADS, MORE_MEMORY = 16, 8, 192 << 20
LOG_LIMIT = 64 << 20
# Of what a conversation sent.
SHOWN = 10_000
SANITIZERS = {
    "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:strict_string_checks=1:quarantine_size_mb=8",
    "UBSAN_OPTIONS": "print_stacktrace=1",
}
SETTINGS = {"BCRYPT_COST": "4", "JWT_TTL": "7d", "HTTP_THREADS": "96",
            "HTTP_ADDRESS_PERCENT": "100", "HTTP_KEEP_ALIVE": "20s",
            "TRUSTED_PROXIES": conversation.PROXY, "RATE_LIMIT_ADDRESS": "200/5s"}
PASSWORD = "correct horse battery"


class Mesh:
    """The servers: the mesh, and a second gateway that serves HTTPS."""

    def __init__(self, binary):
        self.stack = Stack(settings=SETTINGS, binary=binary)
        authority = Authority(scratch("tls-"))
        certificate = authority.issue("localhost", ["DNS:localhost", "IP:127.0.0.1"])
        plain, port, admin = self.stack.gateway, ports.reserve(), ports.reserve()
        self.tls = Program("gateway-tls", plain.command, {
            **plain.env, "HTTP_ADDRESS": f"127.0.0.1:{port}", "ADMIN_ADDRESS": f"127.0.0.1:{admin}",
            "HTTP_TLS_CERT_FILE": certificate.cert, "HTTP_TLS_KEY_FILE": certificate.key},
            port, admin)
        self.ports = conversation.Ports(plain.port, port, authority.cert)
        self.gateways = (plain, self.tls)
        self.programs = (*self.gateways, *self.stack.services.values())

    def __enter__(self):
        try:
            self.stack.start()
            self.tls.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        """Stops everything; what it was called with goes on."""
        if self.tls.running():
            self.tls.stop()
        self.stack.stop()

    def ask(self, method, path, body=None, token=None):
        request = urllib.request.Request(
            self.stack.url + path, method=method, data=body and json.dumps(body).encode(),
            headers={"Content-Type": "application/json",
                     **({"Authorization": f"Bearer {token}"} if token else {})})
        with urllib.request.urlopen(request, timeout=conversation.PATIENCE) as answer:
            text = answer.read()
            return json.loads(text) if text else None

    def world(self):
        """Makes what requests are about."""
        accounts, users, sessions = [], [], []
        for name in ("fuzz", "keeper"):
            account = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
            accounts.append(account)
            users.append(self.ask("POST", "/api/v1/auth/register", account)["id"])
            sessions.append(self.ask("POST", "/api/v1/auth/login",
                                     {"email": account["email"], "password": PASSWORD}))
        tokens = [session["token"] for session in sessions]
        blogs = [self.ask("POST", "/api/v1/blogs",
                          {"title": f"On bees {number}", "content": "Long enough, and with honey."},
                          tokens[number % 2])["id"] for number in range(30)]
        told = [self.ask("POST", "/api/v1/notifications",
                         {"message": f"Note {number}", "type": "in-app", "userId": users[0]},
                         tokens[0])["id"] for number in range(30)]
        return {"account": accounts[0], "users": users, "tokens": tokens, "blogs": blogs,
                "notifications": told, "refresh": [session["refreshToken"] for session in sessions],
                "pages": [self.ask("GET", f"/api/v1/blogs?pageSize={size}")["nextPageToken"]
                          for size in (1, 7)],
                "etags": ["*", '"1"']}


class Watch:
    """What the programs say and need while strangers talk to them."""

    def __init__(self, mesh, token):
        self.mesh, self.token = mesh, token
        self.read = {program.name: 0 for program in mesh.programs}

    def probe(self):
        """Somebody else is served all the while."""
        begun = time.monotonic()
        for path in ("/health", "/api/v1/blogs?pageSize=1", "/api/v1/users/profile"):
            try:
                self.mesh.ask("GET", path, token=self.token)
            except OSError as problem:
                raise Wrong(f"GET {path} of somebody else failed: {problem}") from problem
        check(time.monotonic() - begun < conversation.PATIENCE, "others wait")

    def look(self):
        """All programs live, no sanitizer said a word, and each line of a log is one of ours."""
        for program in self.mesh.programs:
            check(program.running(), f"{program.name} has ended:\n{program.log_tail(60)}")
            self.read_log(program)

    def read_log(self, program):
        """What it logged since."""
        with open(program.log, "rb") as log:
            log.seek(self.read[program.name])
            text = log.read()
        whole = text.rpartition(b"\n")[0]
        self.read[program.name] += len(whole) + 1 if whole else 0
        for line in filter(None, whole.split(b"\n")):
            try:
                check("ts" in json.loads(line.decode("utf-8")), "it has no time")
            except (ValueError, Wrong, TypeError) as problem:
                time.sleep(1)  # until a sanitizer has said all
                raise Wrong(f"{program.name} logs {line[:500]!r} ({problem}):\n"
                            f"{program.log_tail(60)}") from problem
            check(not re.search(rb'"level":"(error|fatal)"', line),
                  f"{program.name} logs {line[:2000]!r}")
        if self.read[program.name] > LOG_LIMIT:
            os.truncate(program.log, 0)
            self.read[program.name] = 0

    def settled(self, before):
        """Waits until the gateways need about what they needed."""
        for gateway in (each for each in self.mesh.gateways if each.name in before):
            deadline = time.monotonic() + conversation.PATIENCE
            while True:
                over = [f"{what}: {was} and now {now}" for what, was, now, more in zip(
                    ("descriptors", "threads", "memory"), before[gateway.name], gateway.process.needs(),
                    (MORE_DESCRIPTORS, MORE_THREADS, MORE_MEMORY)) if now > was + more]
                if not over:
                    break
                check(time.monotonic() < deadline, f"{gateway.name} keeps {over}")
                time.sleep(0.2)


class Fuzzer:
    """Threads that talk, and what they found."""

    def __init__(self, mesh, seed, stop):
        self.mesh, self.seed, self.stop = mesh, seed, stop
        self.world = mesh.world()
        self.grammar = Grammar(mesh.ask("GET", "/openapi.json"), self.world)
        self.watch = Watch(mesh, self.world["tokens"][1])
        self.lock = threading.Lock()
        self.number = 0
        self.statuses = collections.Counter()
        self.found = []

    def plan(self, number):
        return conversation.plan(self.grammar, random.Random(f"{self.seed}/{number}"), number)

    def talk(self):
        """The work of one thread."""
        while not self.stop.is_set():
            with self.lock:
                number, self.number = self.number, self.number + 1
            self.one(number)

    def one(self, number):
        what = self.plan(number)
        try:
            answers = conversation.hold(self.mesh.ports, what)
        except Exception as problem:  # pylint: disable=broad-except
            self.failed(problem, number, what)
            return
        with self.lock:
            self.statuses.update(answer.status for answer in answers)

    def failed(self, problem, number=None, what=None):
        with self.lock:
            self.found.append(str(problem))
        self.stop.set()
        print(f"FOUND: {problem}", flush=True)
        if not isinstance(problem, Wrong):
            traceback.print_exception(problem)
        if what:
            print(f"in conversation {number} ({what.origin}, {what.ending}; again: "
                  f"--seed {self.seed} --only {number}), which sent, in {len(what.pieces)} "
                  f"pieces:\n  {what.data[:SHOWN]!r}", flush=True)

    def run(self, seconds):
        """Fuzzes for that time; True when nothing was found."""
        threads = [threading.Thread(target=self.talk) for _ in range(WORKERS)]
        begun, before = time.monotonic(), None
        for thread in threads:
            thread.start()
        try:
            while not self.stop.wait(0.2) and (passed := time.monotonic() - begun) < seconds:
                self.watch.probe()
                self.watch.look()
                if passed > seconds * WARM_UP and before is None:
                    before = {each.name: each.process.needs() for each in self.mesh.gateways}
        except Wrong as problem:
            self.failed(problem)
        self.stop.set()
        for thread in threads:
            thread.join()
        if self.found:
            self._say_who_ended()
        else:
            self._end(before)
        return not self.found

    def _say_who_ended(self):
        """What else was found is of no interest then."""
        time.sleep(1)  # until a sanitizer has said all
        try:
            self.watch.look()
        except Wrong as problem:
            self.failed(problem)

    def again(self, number):
        """That conversation alone."""
        self.one(number)
        try:
            self.watch.look()
        except Wrong as problem:
            self.failed(problem)
        return not self.found

    def _end(self, before):
        """When everybody has gone: what is left, and how the programs end."""
        try:
            self.watch.probe()
            self.watch.settled(before or {})
            for gateway in self.mesh.gateways:
                code = gateway.stop(timeout=conversation.PATIENCE)
                check(code == 0, f"{gateway.name} ended with {code}:\n{gateway.log_tail(60)}")
                self.watch.read_log(gateway)
        except Wrong as problem:
            self.failed(problem)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    parser.add_argument("--only", type=int, metavar="N", help="this conversation alone")
    parser.add_argument("--programs", metavar="FOLDER",
                        help="where they are, if not where Bazel has them")
    args = parser.parse_args()
    binary = (lambda name: os.path.join(args.programs, name)) if args.programs else runfiles_binary
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    print(f"seed {args.seed}", flush=True)
    with tempfile.TemporaryDirectory(dir=os.environ.get("TEST_TMPDIR")) as folder:
        os.chmod(folder, 0o711)  # PostgreSQL may be another user
        os.environ.update(SANITIZERS, TEST_TMPDIR=folder)
        with Mesh(binary) as mesh:
            fuzzer = Fuzzer(mesh, args.seed, stop)
            if args.only is None:
                good = fuzzer.run(args.seconds)
            else:
                good = fuzzer.again(args.only)
    statuses = ", ".join(f"{count} {status}" for status, count in sorted(fuzzer.statuses.items()))
    print(f"gateway: {'nothing found' if good else 'FAILED'}, {fuzzer.number:,} connections, "
          f"answers: {statuses}", flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/python3
"""What hostile clients do to everybody else: `./inkmesh bench hostile`.

A paced client reads a blog again and again, first in quiet, then while others hold what they can of
the gateway: headers and bodies that drip, idle connections, answers that nobody reads.
"""

import asyncio
import http.client
import json
import os
import selectors
import socket
import statistics
import subprocess
import sys
import time

from harness.stack import Stack
from harness.waiting import HarnessError
from local import build

SECONDS = 3.0
STRETCHES = 3
SETTLED = 4  # s after which an attack is measured
CLIENTS, PACE = 8, 0.02  # each asks once in 20 ms
ATTACKERS = {"one address": ["127.0.0.2"],
             "16 addresses": [f"127.0.1.{number}" for number in range(1, 17)]}
BLOGS, CONTENT = 18, "x" * (1 << 20)  # a page of the list is 18 MiB
ACCOUNT = {"username": "bench", "email": "bench@example.com", "password": "correct horse battery"}
PATIENCE = 30


# The others: a process of its own, so that they cost the measuring client nothing but the processor.

class Hostile:
    """A connection that is opened again whenever the gateway ends it."""

    def __init__(self, target, source, opening, drip, reads=True, narrow=False):
        self.target, self.source, self.opening, self.drip = target, source, opening, drip
        self.reads, self.narrow = reads, narrow
        self.sock = None

    def open(self, selector):
        self.sock = socket.socket()
        if self.narrow:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.sock.bind((self.source, 0))
        self.sock.settimeout(1)
        try:
            self.sock.connect(self.target)
            self.sock.sendall(self.opening)
            self.sock.setblocking(False)
            if self.reads:
                selector.register(self.sock, selectors.EVENT_READ, self)
        except OSError:
            self.close(selector)

    def close(self, selector):
        if self.reads and self.sock in selector.get_map():
            selector.unregister(self.sock)
        self.sock.close()
        self.sock = None

    def tick(self, selector):
        """Once a second."""
        if self.sock is None:
            self.open(selector)
            return
        try:
            if not self.reads and not self.sock.recv(1):
                self.close(selector)
            elif self.drip:
                self.sock.send(self.drip)
        except BlockingIOError:
            pass
        except OSError:
            self.close(selector)

    def readable(self, selector):
        try:
            if self.sock.recv(65536):
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        self.close(selector)


KINDS = {
    "drip-header": (200, b"GET /health HTTP/1.1\r\nHost: x\r\nX-Slow: ", b"x", {}),
    "drip-body": (200, b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json"
                       b"\r\nContent-Length: 1000\r\n\r\n{", b" ", {}),
    "idle": (1000, b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n", b"", {}),
    "silent": (1000, b"", b"", {}),
    "slow-reader": (100, b"GET /api/v1/blogs?pageSize=100 HTTP/1.1\r\nHost: x\r\n\r\n", b"",
                    {"reads": False, "narrow": True}),
}


def attack(port, kinds, addresses):
    """Until stdin ends; prints how many connections there are, each second."""
    selector = selectors.DefaultSelector()
    selector.register(sys.stdin, selectors.EVENT_READ)
    crowd = [Hostile(("127.0.0.1", port), addresses[number % len(addresses)], opening, drip, **how)
             for kind in kinds for count, opening, drip, how in [KINDS[kind]]
             for number in range(count)]
    turn, begun = 0, time.monotonic()
    while True:
        for key, _ in selector.select(0.01):
            if key.data is None:
                return
            if key.data.sock is not None:
                key.data.readable(selector)
        # Evenly over the second, so that the attack is no burst.
        due = int((time.monotonic() - begun) * len(crowd))
        while turn < due:
            crowd[turn % len(crowd)].tick(selector)
            turn += 1
            if turn % len(crowd) == 0:
                print(sum(one.sock is not None for one in crowd), flush=True)


class Attack:
    def __init__(self, port, kinds, addresses):
        # pylint: disable-next=consider-using-with
        self.process = subprocess.Popen(
            [sys.executable, __file__, str(port), ",".join(kinds), ",".join(addresses)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        """When it has settled: what it costs to begin is not what it costs to go on."""
        for _ in range(SETTLED):
            self.held = self.process.stdout.readline().strip()
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(PATIENCE)
        self.process.stdout.close()


# Everybody else.

class Reader:
    """A client that keeps its connection as long as it may."""

    def __init__(self, port, path):
        self.port = port
        self.request = f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        self.streams = None

    async def once(self):
        if self.streams is None:
            self.streams = await asyncio.open_connection("127.0.0.1", self.port)
        reader, writer = self.streams
        writer.write(self.request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        if not head.startswith(b"http/1.1 200 "):
            raise HarnessError(f"somebody else got {head[:60]!r}")
        await reader.readexactly(int(head.split(b"content-length: ")[1].split(b"\r\n")[0]))
        if b"\r\nconnection: close" in head:
            await self.close()

    async def close(self):
        if self.streams is not None:
            self.streams[1].close()
            self.streams = None


async def read_for(seconds, port, path):
    took = []

    async def one(number):
        reader = Reader(port, path)
        due = time.perf_counter() + PACE * number / CLIENTS
        end = due + seconds
        while due < end:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            begun = time.perf_counter()
            await asyncio.wait_for(reader.once(), PATIENCE)
            took.append(time.perf_counter() - begun)
            due = max(due + PACE, time.perf_counter())
        await reader.close()
    await asyncio.gather(*(one(number) for number in range(CLIENTS)))
    return took


def measure(port, path):
    """(median, p99) in ms: the medians of those of some stretches, of which one may have had a
    hiccup of the machine's own."""
    cuts = [statistics.quantiles(asyncio.run(read_for(SECONDS, port, path)), n=100,
                                 method="inclusive") for _ in range(STRETCHES)]
    return tuple(1000 * statistics.median(stretch[at] for stretch in cuts) for at in (49, 98))


def cost(pid):
    """Resident MB, threads."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        fields = dict(line.split(":", 1) for line in status)
    return int(fields["VmRSS"].split()[0]) / 1000, int(fields["Threads"])


def prepare(port):
    """A short blog's path, and so many long ones that a page of them is large."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    headers = {"Content-Type": "application/json"}

    def post(path, body, expected):
        connection.request("POST", path, json.dumps(body), headers)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != expected:
            raise HarnessError(f"POST {path}: {answer.status} {text[:300]!r}")
        return json.loads(text)
    post("/api/v1/auth/register", ACCOUNT, 201)
    session = post("/api/v1/auth/login",
                   {key: ACCOUNT[key] for key in ("email", "password")}, 200)
    headers["Authorization"] = "Bearer " + session["token"]
    for number in range(BLOGS):
        post("/api/v1/blogs", {"title": f"Long {number}", "content": CONTENT}, 201)
    blog = post("/api/v1/blogs", {"title": "Short", "content": "Long enough to be a blog."}, 201)
    return f"/api/v1/blogs/{blog['id']}"


def row(name, held, quiet, during, memory, threads):
    ratio = f"{during[1] / quiet[1]:5.1f}"
    print(f"  {name:<34} {held:>5}  {quiet[0]:6.1f} {quiet[1]:6.1f}  {during[0]:6.1f} "
          f"{during[1]:6.1f}  {ratio}   {memory:5.0f}  {threads:5d}", flush=True)


ATTACKS = (("200 dripping headers", ["drip-header"]), ("200 dripping bodies", ["drip-body"]),
           ("1,000 idle connections", ["idle"]), ("1,000 silent connections", ["silent"]),
           ("100 readers of 18 MB who do not", ["slow-reader"]),
           ("the first three at once", ["drip-header", "drip-body", "idle"]),
           ("all of them at once", list(KINDS)))


def run(gateway, path):
    for where, addresses in ATTACKERS.items():
        print(f"\n  {'from ' + where:<34}  held   quiet, ms     during, ms    p99    memory\n"
              f"  {'':<34}         p50    p99     p50    p99  ratio      MB  threads")
        for name, kinds in ATTACKS:
            quiet = measure(gateway.port, path)
            with Attack(gateway.port, kinds, addresses) as hostile:
                during = measure(gateway.port, path)
                row(name, hostile.held, quiet, during, *cost(gateway.process.pid))
            time.sleep(1)


def main():
    print("starting a mesh of its own on free ports ...", flush=True)
    with Stack(binary=build.binary) as stack:
        path = prepare(stack.gateway.port)
        print(f"{CLIENTS} clients read a blog, each {1 / PACE:.0f} times a second, "
              f"{STRETCHES} times {SECONDS:.0f} s; the gateway has its default limits ({os.cpu_count()} cores,\nload "
              f"{os.getloadavg()[0]:.1f} over the last minute). Attackers come back at once when "
              "they are turned away.")
        run(stack.gateway, path)


if __name__ == "__main__":
    try:
        if len(sys.argv) > 1:
            attack(int(sys.argv[1]), sys.argv[2].split(","), sys.argv[3].split(","))
        else:
            main()
    except HarnessError as problem:
        sys.exit(f"bench: {problem}")

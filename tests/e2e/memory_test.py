#!/usr/bin/python3
"""No leak: the memory of both programs stays what it is over 100,000 requests of many kinds."""

import os
import subprocess
import tempfile
import threading
import time
import unittest

from harness.tools import tool
from mesh import PASSWORD, MeshTest, samples, scrape

WARM_UP, REQUESTS = 40_000, 100_000
# 100 bytes kept by each request of one kind in ten would be more than this.
MOST_GROWTH = 1 << 20


def resident(program):
    """Bytes of memory that only this process holds."""
    with open(f"/proc/{program.process.pid}/status", encoding="ascii") as file:
        fields = dict(line.split(":", 1) for line in file)
    return int(fields["RssAnon"].split()[0]) * 1024


class Memory(MeshTest):
    # Few threads, so that the warm-up reaches each: a thread's first request makes it its buffers.
    settings = {**MeshTest.settings, "HTTP_THREADS": "16", "GRPC_WORKERS": "16",
                "BCRYPT_QUEUE": "4", "BCRYPT_THREADS": "2", "DATABASE_POOL": "6"}

    def write_mix(self):
        """The requests of a round; each kind's status is known."""
        _, session = self.signed_in()
        lines = [
            (200, "GET", "/api/v1/users/profile", session["token"], "-"),
            (200, "GET", "/api/v1/auth/profile", session["token"], "-"),
            (200, "GET", "/health", "-", "-"),
            (404, "GET", "/api/v1/no/such/path", "-", "-"),
            (400, "GET", "/api/v1/users/profile?colour=red", session["token"], "-"),
            (400, "POST", "/api/v1/auth/register", "-",
             '{"username": "ab", "email": "none", "password": "short"}'),
            (400, "POST", "/api/v1/auth/login", "-", '{"email": "a@b.example", "pass'),
            (401, "GET", "/api/v1/users/profile", "-", "-"),
            (401, "GET", "/api/v1/users/profile", "x.y.z", "-"),
            (405, "DELETE", "/api/v1/auth/login", "-", "-"),
        ]
        self.addCleanup(os.unlink, self.mix.name)
        for line in lines:
            print(*line[1:], file=self.mix)
        self.mix.close()
        self.statuses = {line[0] for line in lines}

    def load(self, seconds):
        """Sends the mix for a while on a few connections; returns how many answers came."""
        done = subprocess.run(
            [tool("wrk"), "-t1", "-c12", f"-d{seconds}s", "-s", "tests/e2e/memory.lua",
             f"http://127.0.0.1:{self.mesh.gateway.port}", "--", self.mix.name],
            capture_output=True, text=True, check=True, timeout=60)
        counts = dict(line.split() for line in done.stdout.splitlines()
                      if len(line.split()) == 2 and line.split()[1].isdigit())
        self.assertEqual(counts.pop("errors"), "0", done.stdout)
        self.assertEqual({int(status) for status in counts}, self.statuses, done.stdout)
        return sum(map(int, counts.values()))

    def sign_in_until(self, stop):
        """Accounts and sessions beside the load, about thirty a second."""
        while not stop.wait(0.03):
            account, _ = self.registered()
            session = self.post("/api/v1/auth/login", {"email": account["email"],
                                                       "password": PASSWORD}).json()
            self.post("/api/v1/auth/login", {"email": account["email"], "password": "wrong"})
            answer = self.post("/api/v1/auth/refresh", {"refreshToken": session["refreshToken"]})
            self.assertEqual(answer.status, 200, answer)
            self.sessions += 1

    def requests(self, count):
        done = 0
        while done < count:
            done += self.load(2)
        return done

    def test_memory_stays_flat(self):
        self.mix = tempfile.NamedTemporaryFile("w", delete=False)
        self.sessions, stop = 0, threading.Event()
        self.write_mix()
        thread = threading.Thread(target=self.sign_in_until, args=(stop,))
        thread.start()
        programs = (self.mesh.gateway, *self.mesh.services.values())
        try:
            self.requests(WARM_UP)
            before, begun = {each: resident(each) for each in programs}, time.monotonic()
            done = self.requests(REQUESTS)
            seconds = time.monotonic() - begun
        finally:
            stop.set()
            thread.join()
        for each in programs:
            after = resident(each)
            print(f"{each.name}: {before[each] >> 10} KiB, and after {done} requests "
                  f"({done / seconds:.0f}/s, {self.sessions} sessions) {after >> 10} KiB")
            self.assertLess(after - before[each], MOST_GROWTH)
        handled = samples(scrape(self.mesh.services["user"])[1], "grpc_server_handled_total")
        self.assertGreater(sum(handled.values()), done / 4, handled)
        self.assertGreater(self.sessions, 20)


if __name__ == "__main__":
    unittest.main(verbosity=2)

#!/usr/bin/python3
"""How long it takes from a created blog to its notification: `./inkmesh bench events`."""

import http.client
import json
import os
import statistics
import sys
import time

from harness.stack import Stack
from harness.waiting import HarnessError
from local import build

POSTS = 200
WARM_UP = 20
PATIENCE = 30
PASSWORD = "correct horse battery"
ACCOUNT = {"username": "bench", "email": "bench@example.com", "password": PASSWORD}


class Client:
    """A connection to the gateway that is kept open."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        self.headers = {"Content-Type": "application/json"}

    def call(self, method, path, body=None, expected=200):
        self.connection.request(method, path, json.dumps(body) if body else None, self.headers)
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status != expected:
            raise HarnessError(f"{method} {path}: {answer.status} {text[:300]!r}")
        if answer.getheader("Connection") == "close":
            self.connection.close()
        return json.loads(text)


def signed_in(port):
    client = Client(port)
    client.call("POST", "/api/v1/auth/register", ACCOUNT, 201)
    session = client.call("POST", "/api/v1/auth/login",
                          {key: ACCOUNT[key] for key in ("email", "password")})
    client.headers["Authorization"] = "Bearer " + session["token"]
    return client


def readable_after(client, message, start):
    """Seconds until the message is the newest notification, asked for without a pause."""
    while True:
        newest = client.call("GET", "/api/v1/notifications/user?pageSize=1")
        now = time.perf_counter()
        if newest and newest[0]["message"] == message:
            return now - start
        if now - start > PATIENCE:
            raise HarnessError(f"not told within {PATIENCE} s: {message}")


def one(client, number):
    """(seconds of the request itself, seconds from its answer to the readable notification)."""
    title = f"Measured {number}"
    begun = time.perf_counter()
    client.call("POST", "/api/v1/blogs", {"title": title, "content": "Long enough to be a blog."},
                201)
    created = time.perf_counter()
    return created - begun, readable_after(client, f"Your blog {title} has been created.", created)


def line(name, seconds):
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return (f"  {name:<42} median {1000 * cuts[49]:6.1f} ms   p99 {1000 * cuts[98]:6.1f} ms   "
            f"max {1000 * max(seconds):6.1f} ms")


def measure(port):
    client = signed_in(port)
    registered = time.perf_counter()
    welcome = readable_after(client, "Welcome, bench! Your account has been created.", registered)
    for number in range(WARM_UP):
        one(client, -1 - number)
    return welcome, [one(client, number) for number in range(POSTS)]


def main():
    print("starting a mesh of its own on free ports ...", flush=True)
    with Stack(binary=build.binary, kafka_jars=build.kafka_jars()) as stack:
        welcome, results = measure(stack.gateway.port)
    load = os.getloadavg()[0]
    print(f"{POSTS} blogs, one after the other, through the gateway, with PostgreSQL, Redis and "
          f"Kafka on this machine\n({os.cpu_count()} cores, load {load:.1f} over the last minute); "
          f"notifications asked for without a pause:\n")
    print(line("POST /api/v1/blogs until its 201", [request for request, _ in results]))
    print(line("from the 201 to the readable notification", [told for _, told in results]))
    print(f"  {'the welcome, on the just started mesh':<42}        {1000 * welcome:6.1f} ms "
          "(from the login's answer)")


if __name__ == "__main__":
    try:
        main()
    except HarnessError as problem:
        sys.exit(f"bench: {problem}")

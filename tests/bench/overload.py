#!/usr/bin/python3
"""More than can be done: how much of it is done still, and what others notice of a service that is
frozen, of a method that is slow, or of an address that asks without end."""

import contextlib
import itertools
import re
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import psycopg2

from harness.waiting import HarnessError
from measure.bench import main
from measure.client import CREDENTIALS, blog, signed_in
from measure.load import Load, Request, steady
from measure.offer import ask, offer
from measure.series import Table, ratio

TIMES = (1, 2, 4)
# Connections that saturate two processors, when each asks again at once.
SATURATED = {"read": 64, "write": 64, "search": 8, "login": 8}
WORDS = {"read": "GET a blog", "search": "search", "write": "POST a blog", "login": "login"}
# These take so long that a hundred a second are more than can be done, and few for who offers them.
OFFERED = ("search", "login")
# What a search finds and has to rank.
_FOUND = """
INSERT INTO blogs (id, title, content, author_id)
SELECT gen_random_uuid(), 'On bees, part ' || n, repeat('Bees keep time. ', 20), gen_random_uuid()
FROM generate_series(1, 40000) AS n
"""
EXPECTED = {"200", "201", "503"}

QUIET, FROZEN, FLOOD = "quiet", "beside a frozen service", "beside a flood"
PROFILE, NOTIFICATIONS = "/api/v1/users/profile", "/api/v1/notifications"
SEARCHES, LOCKED = "beside searches", "beside writes that a lock holds up"
READS = 40  # a second; an address may ask 50 times
CROWD = 64  # connections of the flood
SLOW = 100  # a second, of what is slow or frozen
SETTLED = 1  # s, after which it is measured
# Who floods and who reads, as a proxy would say it.
FLOODER, READER = ("X-Forwarded-For: 192.0.2.1",), ("X-Forwarded-For: 192.0.2.2",)


def unexpected(gateway):
    """How many answers there were so far that are neither good nor 503."""
    with urllib.request.urlopen(f"http://127.0.0.1:{gateway.admin_port}/metrics",
                                timeout=10) as answer:
        counts = re.findall(r'^http_server_request_duration_seconds_count\{.*http_response_status_'
                            r'code="(\d+)"\} (\S+)$', answer.read().decode(), re.M)
    return sum(float(count) for status, count in counts if status not in EXPECTED)


def goodput(gateway, request, connections, seconds):
    """The sample of a load, in which the rate is that of good answers."""
    before = unexpected(gateway)
    sample = Load(gateway.port, [request], connections, seconds).begin().end()
    good = sample["requests"] - sample["statuses"]
    sample["refused"] = sample["statuses"] * sample["rate"] / sample["requests"]
    sample["rate"] *= good / sample["requests"]
    sample["errors"] += unexpected(gateway) - before - sample["statuses"]
    return sample


def loads(client):
    blog_id = client.call("POST", "/api/v1/blogs", blog(0), 201)["id"]
    return {"read": Request(f"/api/v1/blogs/{blog_id}"),
            "write": Request("/api/v1/blogs", "POST", client.token, blog(1)),
            "search": Request("/api/v1/blogs?q=bees"),
            "login": Request("/api/v1/auth/login", "POST", body=CREDENTIALS)}


def capacity(gateway, request, connections):
    """Requests a second, as many as are done when nobody is refused."""
    return round(Load(gateway.port, [request], connections, 4).begin().end()["rate"])


def measure_of(bench, mesh, name, request):
    """The function that makes a sample of so many times the load."""
    if name not in OFFERED:
        return lambda times: goodput(mesh.gateway, request, times * SATURATED[name], bench.seconds)
    rate = capacity(mesh.gateway, request, SATURATED[name])
    bench.report.remark(f"{WORDS[name]}: {rate} a second can be done.")
    return lambda times: offer(mesh.gateway.port, [request], times * rate, bench.seconds)


def above_capacity(bench):
    table = Table("Goodput", f"GET and POST by wrk on {SATURATED['read']} connections, and twice and "
                  "four times as many; searches and logins each on a connection of its own, as many "
                  "a second as can be done, and twice and four times as many. The rate is that of "
                  "good answers, so are the times of searches and logins.",
                  ("rate", "refused", "p50", "p99", "errors"), plots=("rate",))
    with bench.stack() as mesh:
        requests = loads(signed_in(mesh.gateway.port))
        mesh.databases["blog"].psql(_FOUND)
        mesh.databases["blog"].psql("ANALYZE blogs")
        for name in WORDS:
            one = measure_of(bench, mesh, name, requests[name])
            for _, times in bench.rounds(TIMES):
                table.of(WORDS[name], f"{times} ×").samples.append(one(times))
    bench.report.add(table)
    for name, words in WORDS.items():
        at = {times: table.of(words, f"{times} ×") for times in TIMES}
        peak = max(at.values(), key=lambda each: each.median("rate"))
        bench.report.judge(f"overload.{name}", ratio(at[TIMES[-1]], peak, "rate"))
        if name in OFFERED and at[TIMES[-1]].median("refused") == 0:
            raise HarnessError(f"{words}: nothing was refused of {TIMES[-1]} times what can be done")


@contextlib.contextmanager
def offered(mesh, request, seconds):
    """More is asked of one method than it can do."""
    with ThreadPoolExecutor(1) as thread:
        crowd = thread.submit(ask, mesh.gateway.port, [request], SLOW, seconds + SETTLED + 1)
        time.sleep(SETTLED)
        yield
    if 503 not in (status for status, _ in crowd.result()):
        raise HarnessError(f"{request.path}: nothing was refused")


@contextlib.contextmanager
def frozen(mesh, token, seconds):
    """The notification service does not answer, and is asked all the same."""
    mesh.services["notification"].pause()
    try:
        with offered(mesh, Request(NOTIFICATIONS, token=token), seconds):
            yield
    finally:
        mesh.services["notification"].resume()


@contextlib.contextmanager
def flood(mesh, token, seconds):
    """One address asks as much as it can."""
    crowd = Load(mesh.gateway.port, [Request(PROFILE, token=token)], CROWD,
                 seconds + SETTLED + 1, FLOODER).begin()
    try:
        time.sleep(SETTLED)
        yield
    finally:
        crowd.end()


def neighbours(bench):
    table = Table("Others", f"h2load reads a profile {READS} times a second; meanwhile {SLOW} requests "
                  "a second ask for notifications, whose service is frozen, each on a connection of its "
                  f"own, or wrk asks on {CROWD} connections for as much as it gets, from an address "
                  "that has the default limits.", ("p50", "p99", "errors"), plots=("p50", "p99"))
    setting = f"{READS} reads a second"
    around = {QUIET: lambda *_: contextlib.nullcontext(), FROZEN: frozen, FLOOD: flood}
    with bench.stack(settings={"TRUSTED_PROXIES": "127.0.0.1", "RATE_LIMIT_EXEMPT": "none",
                               "RATE_LIMIT_ADDRESS": "3000/1m"}) as mesh:
        token = signed_in(mesh.gateway.port).token
        for _, name in bench.rounds(around):
            with around[name](mesh, token, bench.seconds):
                table.of(setting, name).samples.append(steady(
                    mesh.gateway.port, [PROFILE], READS, bench.seconds, token, headers=READER))
            time.sleep(2 * SETTLED)
    bench.report.add(table)
    quiet = table.of(setting, QUIET)
    for key, name in (("overload.frozen", FROZEN), ("overload.flood", FLOOD)):
        bench.report.judge(key, ratio(table.of(setting, name), quiet, "p99"))


def searches(mesh, _, seconds):
    """They take as much of the database's time as they can get."""
    return offered(mesh, Request("/api/v1/blogs?q=bees"), seconds)


@contextlib.contextmanager
def locked(mesh, token, seconds):
    """Somebody holds a lock, and writes take as many connections as they can get."""
    with contextlib.closing(psycopg2.connect(mesh.databases["blog"].url)) as database, \
            database.cursor() as cursor:
        cursor.execute("LOCK TABLE blogs IN SHARE MODE")
        with offered(mesh, Request("/api/v1/blogs", "POST", token, blog(1)), seconds):
            yield
            database.rollback()


def beside_one_route(bench):
    table = Table("The same service", f"{READS} blogs are read a second that Redis does not have; "
                  f"meanwhile {SLOW} searches are asked for, which find 40,000 blogs, or {SLOW} blogs "
                  "are written, to a table that somebody has locked. Each on a connection of its own.",
                  ("refused", "p50", "p99", "errors"), plots=("p50", "p99"))
    setting = f"{READS} reads a second"
    around = {QUIET: lambda *_: contextlib.nullcontext(), SEARCHES: searches, LOCKED: locked}
    with bench.stack() as mesh:
        token = signed_in(mesh.gateway.port).token
        mesh.databases["blog"].psql(_FOUND)
        mesh.databases["blog"].psql("ANALYZE blogs")
        unread = iter(mesh.databases["blog"].psql("SELECT id FROM blogs").split())
        for _, name in bench.rounds(around):
            reads = [Request(f"/api/v1/blogs/{blog_id}")
                     for blog_id in itertools.islice(unread, READS * bench.seconds)]
            with around[name](mesh, token, bench.seconds):
                table.of(setting, name).samples.append(
                    offer(mesh.gateway.port, reads, READS, bench.seconds))
            time.sleep(2 * SETTLED)
    bench.report.add(table)
    quiet = table.of(setting, QUIET)
    for key, name in (("overload.searches", SEARCHES), ("overload.locked", LOCKED)):
        bench.report.judge(key, ratio(table.of(setting, name), quiet, "p99"))


def run(bench):
    above_capacity(bench)
    neighbours(bench)
    beside_one_route(bench)


if __name__ == "__main__":
    main(__doc__, run)

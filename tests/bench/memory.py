#!/usr/bin/python3
"""What each program needs: memory after a load of many kinds of requests, and the time from its start
until it is ready."""

import time
import urllib.error
import urllib.request

from measure import usage
from measure.bench import main
from measure.client import CREDENTIALS, blog, signed_in
from measure.load import Load, Request
from measure.series import Table

CONNECTIONS = 64
LOGIN_CONNECTIONS = 4
LOAD_SECONDS = 4  # for each of the requested seconds


def requests(client):
    """A bit of everything that users do."""
    known = client.call("POST", "/api/v1/blogs", blog(0), 201)["id"]
    token = client.token
    return [
        *[Request(f"/api/v1/blogs/{known}")] * 20,
        *[Request("/api/v1/users/profile", token=token)] * 10,
        Request("/api/v1/blogs?pageSize=20"), Request("/api/v1/blogs?q=bees%20time"),
        Request("/api/v1/notifications/user?pageSize=20", token=token),
        Request("/api/v1/blogs", "POST", token, blog(1)),
        Request(f"/api/v1/blogs/{known}", "PATCH", token, {"title": "On keeping more bees"})]


def programs(mesh):
    return [mesh.gateway, *mesh.services.values()]


def after_load(bench, mesh, table):
    port, seconds = mesh.gateway.port, LOAD_SECONDS * bench.seconds
    mix = requests(signed_in(port))
    login = [Request("/api/v1/auth/login", "POST", body=CREDENTIALS)]
    for _ in range(bench.options.rounds):
        loads = [Load(port, mix, CONNECTIONS, seconds).begin(),
                 Load(port, login, LOGIN_CONNECTIONS, seconds).begin()]
        errors = sum(load.end()["errors"] for load in loads)
        for program in programs(mesh):
            table.of(program.name, "after the load").samples.append(
                {"memory": usage.resident_mb(program.process.pid), "errors": errors})


def ready(program):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{program.admin_port}/readyz", timeout=2):
            return True
    except (urllib.error.URLError, OSError):
        return False


def starts(bench, mesh, table):
    """Everything else runs already: what is measured is the program, not what it waits for."""
    for _ in range(bench.options.rounds):
        for program in programs(mesh):
            program.stop()
            begin = time.perf_counter()
            program.launch()
            while not ready(program):
                time.sleep(0.001)
            table.of(program.name, "just started").samples.append(
                {"ready": 1000 * (time.perf_counter() - begin),
                 "memory": usage.resident_mb(program.process.pid)})


def largest(table, contender, metric):
    """None when a request failed: a program that refuses needs little."""
    series = [each for each in table.series if each.contender == contender]
    if any(each.errors for each in series):
        return None
    return max(each.median(metric) for each in series)


def run(bench):
    table = Table("Memory and start",
                  f"Programs with their default settings, Kafka included; reads, writes, lists and "
                  f"searches by wrk with {CONNECTIONS} connections, logins with "
                  f"{LOGIN_CONNECTIONS} more. A start is from fork to 200 of "
                  f"/readyz, with everything else running.",
                  ("memory", "ready", "errors"), plots=("memory", "ready"))
    with bench.stack(kafka=True) as mesh:
        after_load(bench, mesh, table)
        starts(bench, mesh, table)
    table.series.sort(key=lambda each: each.setting)
    bench.report.add(table)
    bench.report.judge("memory.resident", largest(table, "after the load", "memory"))
    bench.report.judge("memory.ready", largest(table, "just started", "ready"))


if __name__ == "__main__":
    main(__doc__, run)

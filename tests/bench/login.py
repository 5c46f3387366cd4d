#!/usr/bin/python3
"""Signing in: how much of what the processors could hash arrives as logins, and what a storm of logins
does to those who only read."""

from measure import limits
from measure.bench import main
from measure.client import CREDENTIALS, signed_in
from measure.load import Load, Request, measure, steady
from measure.series import Table, ratio

OURS, LIMIT = "inkmesh", "bare bcrypt"
QUIET, STORM = "quiet", "during logins"
CONNECTIONS = 8
COST = 10
READS = 200  # a second
PROFILE = "/api/v1/users/profile"


def logins(bench, mesh, request):
    hashes = limits.make("hashes")
    table = Table("Logins", f"wrk with {CONNECTIONS} connections, bcrypt at cost {COST}; the limit "
                  "is libxcrypt alone, a thread a processor. CPU and memory are the gateway's, and the "
                  "user service's behind it.",
                  ("rate", "p50", "p99", "cpu", "memory", "service_cpu", "service_memory",
                   "errors"), plots=("rate",))
    setting = f"{CONNECTIONS} connections"
    for _, contender in bench.rounds((OURS, LIMIT)):
        table.of(setting, contender).samples.append(
            limits.rate(hashes, COST, bench.seconds) if contender == LIMIT else
            measure(mesh.gateway, mesh.services["user"], [request], CONNECTIONS, bench.seconds))
    bench.report.add(table)
    bench.report.judge("login.rate", ratio(table.of(setting, OURS), table.of(setting, LIMIT),
                                           "rate"))


def reads(bench, gateway, request, token):
    table = Table("Reads beside logins", f"h2load reads a profile {READS} times a second; during "
                  f"logins wrk signs in on {CONNECTIONS} connections without a pause.",
                  ("p50", "p99", "errors"), plots=("p50", "p99"))
    setting = f"{READS} reads a second"
    for _, contender in bench.rounds((QUIET, STORM)):
        storm = Load(gateway.port, [request], CONNECTIONS, bench.seconds + 1).begin() \
            if contender == STORM else None
        sample = steady(gateway.port, [PROFILE], READS, bench.seconds, token)
        if storm:
            sample["errors"] += storm.end()["errors"]
        table.of(setting, contender).samples.append(sample)
    bench.report.add(table)
    bench.report.judge("login.p99", ratio(table.of(setting, STORM), table.of(setting, QUIET),
                                          "p99"))


def run(bench):
    with bench.stack(settings={"BCRYPT_COST": str(COST)}) as mesh:
        token = signed_in(mesh.gateway.port).token
        request = Request("/api/v1/auth/login", "POST", body=CREDENTIALS)
        logins(bench, mesh, request)
        reads(bench, mesh.gateway, request, token)


if __name__ == "__main__":
    main(__doc__, run)

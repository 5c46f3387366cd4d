#!/usr/bin/python3
"""Writing blogs through the gateway, and the same statement by pgbench: how much of what PostgreSQL can
do arrives."""

import itertools

from measure import pgbench
from measure.bench import main
from measure.client import blog, signed_in
from measure.load import Request, measure
from measure.series import Table, ratio

OURS, LIMIT = "inkmesh", "pgbench"
CONNECTIONS = 64
POOL = 10

# $1 and $5 of the statement, the ids of the blog and of its event: new ones, which like those of the
# service (UUIDv7) go into an index one beside the other.
_ID = ("(lpad(to_hex(:run::bigint), 8, '0') || lpad(to_hex(:client_id::bigint), 8, '0')"
       " || '{}' || lpad(to_hex(:number::bigint), 12, '0'))::uuid")
_BLOG_ID, _EVENT_ID = _ID.format("7000"), _ID.format("7001")


def script(database, client):
    """What the blog service sends to store a blog, as a script of pgbench."""
    numbers = itertools.count()
    sql = pgbench.statement(database, "blog_add",
                            lambda: client.call("POST", "/api/v1/blogs", blog(next(numbers)), 201))
    for parameter, value in (("$1", _BLOG_ID), ("$2", ":title"), ("$3", ":content"),
                             ("$4", ":author"), ("$5", _EVENT_ID), ("$6", ":headers")):
        sql = sql.replace(parameter, value)
    return f"\\set number :number + 1\n{sql};\n"


def variables(author, run):
    body = blog(0)
    return {"run": run, "number": 0, "title": body["title"], "content": body["content"],
            "author": author,
            "headers": '{"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}'}


def run(bench):
    table = Table(
        "POST a blog",
        f"wrk with {CONNECTIONS} connections through the gateway to PostgreSQL, which syncs its "
        f"log; pgbench sends the blog service's own statement on as many connections as its pool "
        f"has ({POOL}). CPU and memory are the gateway's, and the blog service's behind it.",
        ("rate", "p50", "p99", "cpu", "memory", "service_cpu", "service_memory", "errors"),
        plots=("rate", "p99"))
    setting = f"{CONNECTIONS} connections"
    with bench.stack(durable=True, settings={"DATABASE_POOL": str(POOL)}) as mesh:
        database, client = mesh.databases["blog"], signed_in(mesh.gateway.port)
        author = client.call("GET", "/api/v1/users/profile")["id"]
        sql = script(database, client)
        request = Request("/api/v1/blogs", "POST", client.token, blog(0))

        def one(contender, number, seconds):
            if contender == LIMIT:
                return pgbench.run(database, sql, POOL, seconds, variables(author, number))
            return measure(mesh.gateway, mesh.services["blog"], [request], CONNECTIONS, seconds)

        for contender in (OURS, LIMIT):
            one(contender, 0, 1)
        for number, contender in bench.rounds((OURS, LIMIT)):
            table.of(setting, contender).samples.append(
                one(contender, number + 1, bench.seconds))
    bench.report.add(table)
    bench.report.judge("write.rate", ratio(table.of(setting, OURS), table.of(setting, LIMIT),
                                           "rate"))


if __name__ == "__main__":
    main(__doc__, run)

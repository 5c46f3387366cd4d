#!/usr/bin/python3
"""Tables that must not grow for ever, with a million rows that are past their time: how soon these are
gone, whether a statement held anybody up meanwhile, and whether the next million finds room."""

import re
import time
from dataclasses import dataclass

import events
from measure.bench import main
from measure.client import Client
from measure.series import Table

ROWS, QUICK_ROWS = 1_000_000, 30_000
PATIENCE = 1800
OURS = "inkmesh"

# The inbox's retention is 30 days, a session's a day after it expired.
_INBOX = """
INSERT INTO inbox (consumer, event_id, received_at)
SELECT 'notification-group', gen_random_uuid()::text,
       now() - interval '40 days' + n * interval '1 ms'
FROM generate_series(1, {count}) AS n
"""
_TOKENS = """
WITH made AS (
    INSERT INTO sessions (id, user_id, expires_at)
    SELECT gen_random_uuid(), users.id, now() - interval '40 days' + n * interval '1 ms'
    FROM users, generate_series(1, {count}) AS n RETURNING id, expires_at)
INSERT INTO refresh_tokens (hash, family, session_id, expires_at)
SELECT sha256(uuid_send(id)), sha256(uuid_send(gen_random_uuid())), id, expires_at FROM made
"""


@dataclass(frozen=True)
class Case:
    """Tables of a service, what fills them, and the statements that empty them. The tables' rows go
    with those of the first one."""

    name: str
    service: str
    tables: tuple
    fill: str
    statements: str


CASES = (
    Case("refresh tokens", "user", ("refresh_tokens", "sessions"), _TOKENS, "session_prune"),
    Case("inbox", "notification", ("inbox",), _INBOX, "ink_inbox_prune"),
    Case("outbox", "blog", ("outbox",), events.PILE_OF_ROWS, "ink_relay_(?:read|read_on|delete)"))


def megabytes(database, case):
    return sum(int(database.psql(f"SELECT pg_total_relation_size('{table}')")) / 1e6
               for table in case.tables)


def vacuum(database, case):
    for table in 2 * case.tables:  # as PostgreSQL does in time; the second finds the pages of indexes
        database.psql(f"VACUUM {table}")


def longest(database, case):
    """Milliseconds of the longest statement that took rows away, by the server's log."""
    with open(database.log, encoding="utf-8", errors="replace") as log:
        return max(map(float, re.findall(
            rf"duration: ([\d.]+) ms  execute {case.statements}:", log.read())))


def rows(database, case):
    return int(database.psql(f"SELECT count(*) FROM {case.tables[0]}"))


def emptied(database, case, full, left):
    """Seconds from when there were less than `full` rows to when there are `left`."""
    begun = time.perf_counter()
    while time.perf_counter() < begun + PATIENCE:
        found = rows(database, case)
        if found == left:
            return time.perf_counter() - begun
        if found == full:
            begun = time.perf_counter()
        time.sleep(0.1)
    return None


def measure(mesh, case, count):
    """The sample of a case. While the table is filled the service does not run; afterwards it stays
    away, so that the next cases have the machine."""
    database, service = mesh.databases[case.service], mesh.services[case.service]
    service.stop()
    database.psql("ALTER SYSTEM SET log_min_duration_statement = 0")
    database.psql("SELECT pg_reload_conf()")
    others = rows(database, case)
    database.psql(case.fill.format(count=count))
    vacuum(database, case)
    full = megabytes(database, case)
    service.launch()
    service.wait_ready()
    seconds = emptied(database, case, count + others, others)
    service.stop()
    vacuum(database, case)
    left = megabytes(database, case)
    database.psql(case.fill.format(count=count))
    return {"full": full, "seconds": seconds, "longest": longest(database, case), "left": left,
            "again": megabytes(database, case)}


def run(bench):
    count = QUICK_ROWS if bench.quick else ROWS
    table = Table("Tables that must not grow",
                  f"{count:,} rows in each of the tables, all past their time (in the outbox: not "
                  f"published), in one transaction; then the service starts and takes them away, at "
                  f"its own pace: the size before and after, the time, the longest statement, and "
                  f"the size when as many are there again. PostgreSQL syncs its log.",
                  ("full", "seconds", "longest", "left", "again"))
    with bench.stack(kafka=True, durable=True) as mesh:
        Client(mesh.gateway.port).register(0)
        for case in CASES:
            bench.say(f"{count:,} rows in {case.name}")
            sample = measure(mesh, case, count)
            table.of(case.name, OURS).samples.append(sample)
    bench.report.add(table)
    for case in CASES:
        series = table.of(case.name, OURS)
        seconds = series.median("seconds")
        key = f"tables.{case.service}"
        bench.report.judge(f"{key}.seconds", seconds * 1_000_000 / count if seconds else None)
        bench.report.judge(f"{key}.longest", series.median("longest"))
        bench.report.judge(f"{key}.again", series.median("again") / series.median("full"))


if __name__ == "__main__":
    main(__doc__, run)

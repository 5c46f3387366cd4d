#!/usr/bin/python3
"""Events: how long it takes from a created blog to its notification, how fast the relay publishes what
has piled up, and how fast the consumer deals with it."""

import time

from harness.waiting import HarnessError, until
from measure import limits, pgbench
from measure.bench import main
from measure.client import PATIENCE, signed_in
from measure.load import Cost
from measure.scrape import metric
from measure.series import Table, quantile, ratio

OURS = "inkmesh"
POSTS, QUICK_POSTS = 200, 50  # a round
WARM_UP = 20
PILE, QUICK_PILE = 200_000, 10_000
PILE_PATIENCE = 300
PARTITIONS = 6  # as our topics have
AUTHORS = 1000
TOLD = "from the 201 to the readable notification"
RELAY, CONSUMER = "relay", "consumer"
LIMITS = {RELAY: "bare producer", CONSUMER: "bare INSERT"}

# What creating blogs leaves in the outbox (services/blog/store.c), all of it visible at once.
PILE_OF_ROWS = f"""
INSERT INTO outbox (id, headers, aggregatetype, aggregateid, type, payload)
SELECT gen_random_uuid(),
       json_build_object('traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'),
       'blog', id, 'blog-published', (SELECT row_to_json(payload) FROM (
           SELECT 'blog-published' AS type, id AS "blogId", 'On keeping bees, part ' || n AS title,
                  ('00000000-0000-7001-8000-' || lpad(to_hex(n % {AUTHORS}), 12, '0'))::uuid
                  AS "authorId") AS payload)
FROM (SELECT n, gen_random_uuid() AS id FROM generate_series(1, {{count}}) AS n) AS blog
"""

# The rows that a consumer of such events cannot do without, in transactions of many.
_BATCH = 500
_INSERT = f"""
\\set number :number + 1
BEGIN;
INSERT INTO inbox (consumer, event_id)
  SELECT 'bare', gen_random_uuid()::text FROM generate_series(1, {_BATCH});
INSERT INTO notifications (id, user_id, message, type, seq, created_at)
  SELECT gen_random_uuid(),
         ('00000000-0000-7002-8000-' || lpad(to_hex(n % {AUTHORS}), 12, '0'))::uuid,
         'Your blog On keeping bees has been created.', 'in-app',
         (:run::bigint << 40) + (:number::bigint << 16) + n, clock_timestamp()
  FROM generate_series(1, {_BATCH}) AS n;
COMMIT;
"""
_BARE_MAILBOXES = f"""
INSERT INTO mailboxes SELECT
  ('00000000-0000-7002-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 0, 0
  FROM generate_series(0, {AUTHORS}) AS n
"""


def readable_after(client, message, start):
    """Seconds until the message is the newest notification, asked for without a pause."""
    while True:
        newest = client.call("GET", "/api/v1/notifications/user?pageSize=1")
        now = time.perf_counter()
        if newest and newest[0]["message"] == message:
            return now - start
        if now - start > PATIENCE:
            raise HarnessError(f"not told within {PATIENCE} s: {message}")


def post(client, title):
    """(ms of the request itself, ms from its answer to the readable notification)."""
    begun = time.perf_counter()
    client.call("POST", "/api/v1/blogs", {"title": title, "content": "Long enough to be a blog."},
                201)
    created = time.perf_counter()
    told = readable_after(client, f"Your blog {title} has been created.", created)
    return 1000 * (created - begun), 1000 * told


def told(bench, mesh):
    client = signed_in(mesh.gateway.port)
    readable_after(client, "Welcome, bench! Your account has been created.", time.perf_counter())
    table = Table("A blog and its notification",
                  "One blog after the other through the gateway, with PostgreSQL, Redis and Kafka on "
                  "this machine; notifications are asked for without a pause.",
                  ("p50", "p99"), plots=("p50", "p99"))
    for number in range(WARM_UP):
        post(client, f"Warm-up {number}")
    for number in range(bench.options.rounds):
        times = [post(client, f"Measured {number}, {place}")
                 for place in range(QUICK_POSTS if bench.quick else POSTS)]
        for what, values in zip(("POST until its 201", TOLD), zip(*times)):
            table.of(what, OURS).samples.append(
                {"p50": quantile(values, 50), "p99": quantile(values, 99)})
    bench.report.add(table)
    for percentile in ("p50", "p99"):
        bench.report.judge(f"events.told.{percentile}", table.of(TOLD, OURS).median(percentile))


def counted(program, name, target):
    """[(when, how many)] of a counter, until it is at the target."""
    seen = []

    def there():
        seen.append((time.perf_counter(), metric(program, name)))
        return seen[-1][1] >= target

    until(f"{target:,.0f} {name}", there, PILE_PATIENCE)
    return seen


def relay(mesh, count):
    """The sample of publishing that many events, from their commit on."""
    program = mesh.services["blog"]
    before = metric(program, "relay_published_total")
    cost = Cost({"": program.process})
    mesh.databases["blog"].psql(PILE_OF_ROWS.format(count=count))
    begun = time.perf_counter()
    ended, _ = counted(program, "relay_published_total", before + count)[-1]
    mesh.databases["blog"].psql("VACUUM outbox")
    return cost.add_to({"requests": count, "rate": count / (ended - begun)})


def consumer(mesh, count):
    """The sample of dealing with that many events, from the first batch on. Before, the service did
    not run."""
    program = mesh.services["notification"]
    program.launch()
    program.wait_ready()
    cost = Cost({"": program.process})
    seen = counted(program, "event_consumer_handled_total", count)
    begun, first = next((when, handled) for when, handled in seen if handled)
    ended, _ = seen[-1]
    if first >= count:
        raise HarnessError(f"{count:,} events were dealt with before the first look")
    return cost.add_to({"requests": count, "rate": (count - first) / (ended - begun)})


class Limits:
    """The parts on their own: a producer, and INSERTs on one connection."""

    def __init__(self, bench, mesh, count):
        self._mesh, self._count, self._seconds, self._runs = mesh, count, bench.seconds, 0
        self._produce = limits.make("produce")
        mesh.kafka.create_topic("bare", PARTITIONS)
        mesh.databases["notification"].psql(_BARE_MAILBOXES)

    def producer(self):
        return limits.rate(self._produce, self._mesh.kafka.url, "bare", self._count)

    def insert(self):
        self._runs += 1
        sample = pgbench.run(self._mesh.databases["notification"], _INSERT, 1, self._seconds,
                             {"run": self._runs, "number": 0})
        return {"rate": sample["rate"] * _BATCH, "errors": 0}


def piles(bench, mesh):
    count = QUICK_PILE if bench.quick else PILE
    table = Table("A pile of events",
                  f"{count:,} events in the outbox, published by the relay while no consumer runs and "
                  f"then consumed. The bare producer (librdkafka, idempotent, acks=all) sends as many "
                  f"messages like these; the bare INSERT writes the same rows on one connection, "
                  f"{_BATCH} events a transaction. PostgreSQL syncs its log. CPU and memory are the "
                  f"blog service's for the relay, the notification service's for the consumer.",
                  ("rate", "cpu", "memory"), plots=("rate", "cpu"))
    for what, limit in LIMITS.items():  # in this order
        table.of(what, OURS)
        table.of(what, limit)
    bare = Limits(bench, mesh, count)
    mesh.services["notification"].stop()
    for number in range(bench.options.rounds):
        bench.say(f"{count:,} events, round {number + 1}")
        table.of(RELAY, OURS).samples.append(relay(mesh, count))
        table.of(RELAY, LIMITS[RELAY]).samples.append(bare.producer())
        table.of(CONSUMER, OURS).samples.append(consumer(mesh, count))
        mesh.services["notification"].stop()
        table.of(CONSUMER, LIMITS[CONSUMER]).samples.append(bare.insert())
    bench.report.add(table)
    for what, limit in LIMITS.items():
        bench.report.judge(f"events.{what}",
                           ratio(table.of(what, OURS), table.of(what, limit), "rate"))


def run(bench):
    with bench.stack(kafka=True, durable=True) as mesh:
        told(bench, mesh)
        piles(bench, mesh)


if __name__ == "__main__":
    main(__doc__, run)

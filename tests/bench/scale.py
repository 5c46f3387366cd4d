#!/usr/bin/python3
"""Lists and searches in a small table of blogs and in one a hundred times as large: what grows with it,
and what does not."""

import concurrent.futures
import os
import uuid

from measure.bench import main
from measure.client import Client
from measure.load import steady
from measure.series import Table, ratio

SIZES = (10_000, 1_000_000)
QUICK_SIZES = (10_000, 30_000)
READS = 100  # a second
DEEP = 50  # pages

# Content of 40 words as frequent as words are, about; every `rare` word is in 20 blogs, whatever the
# size, every `often` one in a blog of a thousand, and every author has 100 blogs.
_FILL = """
INSERT INTO blogs (id, author_id, title, content, created_at, updated_at)
SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
       ('00000000-0000-7001-8000-' || lpad(to_hex(n % ({count} / 100)), 12, '0'))::uuid,
       'On rare' || n % ({count} / 20) || ' things',
       'They are often' || n % 1000 || ' so. ' ||
       (SELECT string_agg('word' || (5000 * random() ^ 3)::int, ' ')
        FROM generate_series(1, 40 + 0 * n)),
       at, at
FROM generate_series({first}, {last}) AS n, LATERAL (SELECT now() - n * interval '1 second' AS at) t
"""


def fill(database, count):
    """As many blogs. Indexes are made of what is there already, which is quicker; and what filling the
    table leaves to be done, such as writing it to the disk, is done before anything is measured."""
    indexes = database.psql("SELECT indexdef FROM pg_indexes WHERE tablename = 'blogs'"
                            " AND indexname <> 'blogs_pkey'").splitlines()
    for index in indexes:
        database.psql("DROP INDEX " + index.split(" ")[index.split(" ").index("INDEX") + 1])
    parts = os.cpu_count() or 1
    bounds = [count * part // parts for part in range(parts + 1)]

    def fill_part(part):
        database.psql(_FILL.format(count=count, first=bounds[part], last=bounds[part + 1] - 1))

    with concurrent.futures.ThreadPoolExecutor(parts) as pool:
        list(pool.map(fill_part, range(parts)))
        list(pool.map(lambda index: database.psql("SET maintenance_work_mem = '256MB'; " + index),
                      indexes))
    database.psql("VACUUM ANALYZE blogs")
    database.psql("CHECKPOINT")


def deep_page(port):
    """The path of a page that is far from the first."""
    client, token = Client(port), ""
    for _ in range(DEEP):
        token = client.call("GET", f"/api/v1/blogs?pageSize=100&pageToken={token}")["nextPageToken"]
    return f"/api/v1/blogs?pageToken={token}"


def author(number):
    return uuid.UUID(f"00000000-0000-7001-8000-{number:012x}")


def cases(port):
    """{what: paths}: for the lists and for the searches."""
    lists = {"first page": ["/api/v1/blogs"], f"page {5 * DEEP}": [deep_page(port)],
             "an author's": [f"/api/v1/blogs?authorId={author(n)}" for n in range(20)]}
    searches = {"search: 20 match": [f"/api/v1/blogs?q=rare{n}" for n in range(50)],
                "search: 1 of 1,000 matches": [f"/api/v1/blogs?q=often{n}" for n in range(50)]}
    return lists, searches


def worst(table, names, sizes):
    """The largest ratio of p99; None when one cannot be compared."""
    found = [ratio(table.of(name, size_text(sizes[1])), table.of(name, size_text(sizes[0])), "p99")
             for name in names]
    return None if None in found else max(found)


def size_text(size):
    return f"{size:,} blogs"


def run(bench):
    sizes = QUICK_SIZES if bench.quick else SIZES
    table = Table("Lists and searches",
                  f"h2load, {READS} a second through the gateway, pages of 20; none of these answers "
                  f"is cached. The last search finds more in the larger table, all of which it "
                  f"ranks: it has no target.",
                  ("p50", "p99", "errors"), plots=("p50", "p99"))
    with bench.stack() as small, bench.stack() as large:
        meshes = dict(zip(map(size_text, sizes), (small, large)))
        for size, mesh in zip(sizes, meshes.values()):
            bench.say(f"storing {size:,} blogs")
            fill(mesh.databases["blog"], size)
        plans = {name: cases(mesh.gateway.port) for name, mesh in meshes.items()}
        lists, searches = plans[size_text(sizes[0])]
        for what in (*lists, *searches):
            for _, name in bench.rounds(meshes):
                paths = {**plans[name][0], **plans[name][1]}[what]
                table.of(what, name).samples.append(
                    steady(meshes[name].gateway.port, paths, READS, bench.seconds))
    bench.report.add(table)
    bench.report.judge("scale.list", worst(table, lists, sizes))
    bench.report.judge("scale.search", worst(table, list(searches)[:1], sizes))


if __name__ == "__main__":
    main(__doc__, run)

#!/usr/bin/python3
"""What blog_db refuses."""

import unittest

from fixture import BlogTest
from harness.schema import SchemaCases

ID = "'00000000-0000-7000-8000-00000000000{}'"
BLOG = ("INSERT INTO blogs (id, author_id, title, content) VALUES"
        f" ({ID.format(1)}, {ID.format(2)}, 'Title', 'Long enough')")
OUTBOX = ("INSERT INTO outbox (id, aggregatetype, aggregateid, type, payload, seq) VALUES"
          " (" + ID + ", 'blog', '1', 'blog-published', '{{}}', {})")


class SchemaTest(SchemaCases, BlogTest):
    good = f"{BLOG}; {OUTBOX.format(3, -3)}"
    broken = {
        "blogs_pkey": BLOG,
        "blogs_title": "UPDATE blogs SET title = repeat('x', 201)",
        "blogs_content": "UPDATE blogs SET content = repeat('x', 1048577)",
        "blogs_version": "UPDATE blogs SET version = 0",
        "blogs_updated_at": "UPDATE blogs SET updated_at = created_at - interval '1 s'",
        "outbox_waiting": OUTBOX.format(4, -3),
        "outbox_pkey": OUTBOX.format(3, -4),
        "outbox_names": "UPDATE outbox SET type = ''",
        "outbox_json": "UPDATE outbox SET headers = 'null'",
    }
    nullable = {"outbox.error"}


if __name__ == "__main__":
    unittest.main(verbosity=2)

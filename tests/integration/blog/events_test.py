#!/usr/bin/python3
"""What the blog service tells Kafka: each change once, per blog in order, also when Kafka was away."""

import json
import subprocess
import unittest
from concurrent.futures import ThreadPoolExecutor

from fixture import BlogTest, Mesh
from harness.kafka import Kafka
from harness.tools import tool
from harness.waiting import until

TOPIC = "blog-events"


class KafkaMesh(Mesh):
    def __init__(self, **settings):
        self.kafka = Kafka()
        super().__init__(KAFKA_BROKERS=self.kafka.url, **settings)

    def servers(self):
        return [*super().servers(), self.kafka]


class EventsTest(BlogTest):
    new_mesh = KafkaMesh

    def new_blog(self, title):
        return self.call("CreateBlog", title=title, content="The content of it")

    def messages(self):
        """All there are: (key, payload, headers), in the order of each partition."""
        done = subprocess.run([tool("kcat"), "-b", self.mesh.kafka.url, "-C", "-t", TOPIC, "-o",
                               "beginning", "-e", "-q", "-J"], capture_output=True, text=True,
                              timeout=30, check=True)
        messages = [json.loads(line) for line in done.stdout.splitlines()]
        for message in messages:
            names = message["headers"][0::2]
            message["headers"] = dict(zip(names, message["headers"][1::2]))
        return messages

    def of(self, blog):
        return [message for message in self.messages() if message["key"] == blog.id]

    def empty(self):
        return self.mesh.postgres.psql("SELECT count(*) FROM outbox") == "0"

    def published(self):
        until("the outbox is empty", self.empty, 30)

    def test_a_life(self):
        title = "O'Brien \"Ω\" 🦊"
        blog = self.new_blog(title)
        self.call("UpdateBlog", id=blog.id, title={"value": "Another title"})
        self.call("UpdateBlog", id=blog.id)
        self.call("DeleteBlog", id=blog.id)
        self.published()
        messages = self.of(blog)
        self.assertEqual([message["payload"] for message in messages], [
            json.dumps({"type": kind, "blogId": blog.id, "title": name, "authorId": self.author},
                       separators=(",", ":"), ensure_ascii=False)
            for kind, name in (("blog-published", title), ("blog-updated", "Another title"),
                               ("blog-deleted", "Another title"))])
        self.assertEqual([message["headers"]["ce_type"] for message in messages],
                         ["blog-published", "blog-updated", "blog-deleted"])
        self.assertEqual({message["headers"]["ce_source"] for message in messages},
                         {"/inkmesh/blog"})
        self.assertEqual(len({message["headers"]["ce_id"] for message in messages}), 3)
        for message in messages:
            self.assertIn("traceparent", message["headers"])

    def test_soon(self):
        """The relay is woken, it does not wait for its next poll."""
        blog = self.new_blog("Soon")
        until("it is published", lambda: self.of(blog), 2)

    def test_kafka_away(self):
        """Writes go on; afterwards everything arrives, once and in order."""
        before = self.new_blog("Before")
        self.published()
        self.mesh.kafka.kill()

        def write(number):
            blog = self.new_blog(f"Blog {number}")
            for step in range(3):
                self.call("UpdateBlog", id=blog.id, title={"value": f"Blog {number} {step}"})
            return blog

        with ThreadPoolExecutor(8) as pool:
            blogs = list(pool.map(write, range(20)))
        self.assertEqual(self.mesh.postgres.psql("SELECT count(*) FROM outbox"), "80")
        until("the gauge", lambda: self.mesh.first.metric("outbox_depth") == 80, 10)
        self.mesh.kafka.start()
        self.published()
        messages = self.messages()
        for number, blog in enumerate(blogs):
            titles = [json.loads(message["payload"])["title"] for message in messages
                      if message["key"] == blog.id]
            self.assertEqual(titles, [f"Blog {number}"] + [f"Blog {number} {n}" for n in range(3)])
        self.assertEqual(len([one for one in messages if one["key"] == before.id]), 1)


if __name__ == "__main__":
    unittest.main()

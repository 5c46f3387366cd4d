#!/usr/bin/python3
"""The blog service when PostgreSQL or Redis is away."""

import time
import unittest

from fixture import BlogTest
from harness.rpc import Failure
from harness.waiting import until


class AwayTest(BlogTest):
    def setUp(self):
        super().setUp()
        for server in (self.mesh.postgres, self.mesh.redis):
            server.resume()
            if not server.running():
                server.start()
        self.mesh.first.wait_ready()

    def rename(self, blog, title, **fields):
        return self.call("UpdateBlog", id=blog.id, title={"value": title}, **fields)

    def test_redis_away(self):
        blog = self.new_blog()
        self.mesh.redis.kill()
        for n in range(10):
            begun = time.monotonic()
            self.assertEqual(self.get(blog.id), blog)
            blog = self.rename(blog, f"Title {n}")
            self.assertLess(time.monotonic() - begun, 1)
        other = self.new_blog()
        self.call("DeleteBlog", id=other.id)
        self.assertEqual(self.fail_call("GetBlog", "", id=other.id).code, "NOT_FOUND")
        self.mesh.redis.start()
        until("the blog is cached again", lambda: self.get(blog.id) == blog and
              self.mesh.redis.command("EXISTS", f"blog:{blog.id}") == b":1\r\n", 10)

    def test_updates_while_redis_was_frozen(self):
        """Redis keeps what it had; nobody sees it when it is back."""
        blog, gone = self.new_blog(), self.new_blog()
        self.mesh.redis.pause()
        blog = self.rename(blog, "While it slept")
        self.call("DeleteBlog", id=gone.id)
        self.mesh.redis.resume()
        end = time.monotonic() + 3
        while time.monotonic() < end:
            self.assertEqual(self.get(blog.id), blog)
            self.assertEqual(self.fail_call("GetBlog", "", id=gone.id).code, "NOT_FOUND")
            time.sleep(0.02)
        self.assertEqual(self.mesh.redis.command("EXISTS", f"blog:{blog.id}"), b":1\r\n")

    def test_postgresql_away(self):
        blog = self.new_blog()
        self.mesh.postgres.kill()
        for method, fields in (("CreateBlog", {"title": "A title", "content": "x" * 10}),
                               ("UpdateBlog", {"id": self.author, "title": {"value": "Another"}}),
                               ("UpdateBlog", {"id": blog.id}),
                               ("DeleteBlog", {"id": self.author}), ("ListBlogs", {}),
                               ("GetBlog", {"id": self.author})):
            with self.subTest(method):
                begun = time.monotonic()
                failure = self.fail_call(method, **fields)
                self.assertEqual(failure.code, "UNAVAILABLE")
                self.assertGreater(failure.retry_after, 0)
                for secret in ("127.0.0.1", "libpq", "SELECT", "blog_db"):
                    self.assertNotIn(secret, failure.message)
                self.assertLess(time.monotonic() - begun, 1)
        self.assertEqual(self.get(blog.id), blog)  # from Redis
        self.mesh.postgres.start()
        until("updates work again", lambda: self.try_rename(blog), 10)
        self.assertEqual(self.get(blog.id).title, "Tried")

    def try_rename(self, blog):
        try:
            return self.rename(blog, "Tried")
        except Failure:
            return None

    def lose_answer(self, method, blog, **fields):
        """The caller gives up on a frozen PostgreSQL, which does the change when it thaws."""
        self.assertEqual(self.get(blog.id), blog)  # from Redis
        self.mesh.postgres.pause()
        failure = self.fail_call(method, timeout=1, id=blog.id, **fields)
        self.assertIn(failure.code, ("DEADLINE_EXCEEDED", "UNAVAILABLE"))
        self.mesh.postgres.resume()
        same = f"SELECT count(*) FROM blogs WHERE title = '{blog.title}' AND id = '{blog.id}'"
        until("the change is done", lambda: self.mesh.postgres.psql(same) == "0", 10)
        until("the service has PostgreSQL again", lambda: self.is_reached(blog), 10)

    def is_reached(self, blog):
        try:
            self.get(blog.id)
        except Failure as failure:
            return failure.code != "UNAVAILABLE"
        return True

    def test_an_update_whose_answer_was_lost(self):
        blog = self.new_blog("Before")
        self.lose_answer("UpdateBlog", blog, title={"value": "After"})
        self.assertEqual(self.get(blog.id).title, "After")
        self.assertEqual(self.mesh.event_types(blog.id), ["blog-published", "blog-updated"])

    def test_a_deletion_whose_answer_was_lost(self):
        blog = self.new_blog("Before")
        self.lose_answer("DeleteBlog", blog)
        self.assertEqual(self.fail_call("GetBlog", "", id=blog.id).code, "NOT_FOUND")
        self.assertEqual(self.mesh.event_types(blog.id), ["blog-published", "blog-deleted"])


if __name__ == "__main__":
    unittest.main()

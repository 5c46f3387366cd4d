#!/usr/bin/python3
"""The blog service when PostgreSQL or Redis is away."""

import contextlib
import time
import unittest

import psycopg2

from fixture import BlogTest, new_id
from harness.rpc import Failure
from harness.service import user_token
from harness.waiting import until

# Of DATABASE_POOL (10), for one method.
SHARE = 8


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
        """Redis keeps what it had; nobody sees it when it is back, also not at a replica that does
        not know of the updates."""
        replica = self.replica()
        replica.start()
        blog, gone = self.rename(self.new_blog(), "Before"), self.new_blog()
        for each in blog, gone:
            self.assertEqual(self.get(each.id), each)
            self.assertEqual(replica.client.call("GetBlog", id=each.id), each)
        self.mesh.redis.pause()
        blog = self.rename(blog, "While it slept")
        self.call("DeleteBlog", id=gone.id)
        self.mesh.redis.resume()
        end = time.monotonic() + 3
        while time.monotonic() < end:
            self.assertEqual(replica.client.call("GetBlog", id=blog.id), blog)
            self.assertEqual(self.get(blog.id), blog)
            self.assertEqual(self.fail_call("GetBlog", "", id=gone.id).code, "NOT_FOUND")
            time.sleep(0.02)
        self.assertEqual(self.mesh.redis.command("EXISTS", f"blog:{blog.id}"), b":1\r\n")

    def test_postgresql_away(self):
        blog = self.new_blog()
        self.assertEqual(self.get(blog.id), blog)
        self.mesh.postgres.kill()
        for method, fields in (("CreateBlog", {"title": "A title", "content": "x" * 10}),
                               ("UpdateBlog", {"id": self.author, "title": {"value": "Another"}}),
                               ("UpdateBlog", {"id": blog.id}),
                               ("UpdateBlog", {"id": blog.id, "title": {"value": "Another"}}),
                               ("DeleteBlog", {"id": blog.id}),
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
                if "id" in fields:  # Redis has it: what was never sent has changed nothing
                    self.assertEqual(self.get(blog.id), blog)
        self.refuses_as_ever(blog)
        self.mesh.postgres.start()
        until("updates work again", lambda: self.try_rename(blog), 10)
        self.assertEqual(self.get(blog.id).title, "Tried")

    def refuses_as_ever(self, blog):
        """What needs no database is not answered with "try again"."""
        for method, field, fields in (
                ("CreateBlog", "content", {"title": "A title", "content": "short"}),
                ("UpdateBlog", "title", {"id": blog.id, "title": {"value": "x"}}),
                ("GetBlog", "id", {"id": "7"}), ("ListBlogs", "page_token", {"page_token": "x"})):
            failure = self.fail_call(method, **fields)
            self.assertEqual((failure.code, [*failure.violations]), ("INVALID_ARGUMENT", [field]))
        for token in (None, "bad"):
            with self.assertRaises(Failure) as caught:
                self.mesh.client.call("DeleteBlog", token=token, id=blog.id)
            self.assertEqual(caught.exception.code, "UNAUTHENTICATED")
        self.assertEqual(self.fail_call("UpdateBlog", id=blog.id, author_id=new_id()).code,
                         "PERMISSION_DENIED")

    def try_rename(self, blog):
        try:
            return self.rename(blog, "Tried")
        except Failure:
            return None

    @contextlib.contextmanager
    def lock(self):
        """Who changes a blog waits until the end of this."""
        with contextlib.closing(psycopg2.connect(self.mesh.postgres.url)) as database, \
                database.cursor() as cursor:
            cursor.execute("LOCK TABLE blogs IN SHARE MODE")
            yield

    def lose_answer(self, method, blog, **fields):
        """The caller gives up on a change that waits for a lock; PostgreSQL, which does not look
        after who has gone, does it afterwards."""
        patient = self.mesh.postgres.url + "?options=-c%20client_connection_check_interval%3D0"
        replica = self.replica(DATABASE_URL=patient)
        replica.start()
        self.assertEqual(self.get(blog.id), blog)  # from Redis
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        with self.lock():
            call = replica.client.start(method, user_token(self.author), 60, id=blog.id, **fields)
            until("it waits for the lock", lambda: self.mesh.postgres.psql(waiting) == "1", 10)
            call.cancel()
            until("the service has given up",
                  lambda: replica.metric("db_pool_connections_in_use") == 0, 10)
        same = f"SELECT count(*) FROM blogs WHERE title = '{blog.title}' AND id = '{blog.id}'"
        until("the change is done", lambda: self.mesh.postgres.psql(same) == "0", 10)

    def test_a_lock_holds_up_one_method_only(self):
        """Who writes waits for the lock, with most of the connections; who reads what Redis has not
        is answered as ever."""
        fields = {"title": "A title", "content": "x" * 10}
        kept = [self.new_blog() for _ in range(20)]
        def write():
            return self.mesh.client.start("CreateBlog", user_token(self.author), 60, **fields)
        def in_use():
            return self.mesh.first.metric("db_pool_connections_in_use")
        with self.lock():
            stuck = []
            while len(stuck) < SHARE:
                stuck.append(write())
                until("one more waits for the lock", lambda: in_use() == len(stuck), 10)
            more = [write() for _ in range(30)]
            for blog in kept:
                self.mesh.redis.command("DEL", f"blog:{blog.id}")
                self.assertEqual(self.get(blog.id), blog)
                self.assertEqual(self.fail_call("GetBlog", "", id=new_id()).code, "NOT_FOUND")
                newest = self.call("ListBlogs", "", page_size=1).blogs
                self.assertEqual([one.id for one in newest], [kept[-1].id])
            until("refusals", lambda: all(one.done() for one in more), 20)
            self.assertEqual({one.code().name for one in more}, {"RESOURCE_EXHAUSTED"})
            failure = self.fail_call("CreateBlog", **fields)
            self.assertEqual(failure.code, "RESOURCE_EXHAUSTED")
            self.assertGreater(failure.retry_after, 0)
            self.assertEqual([one for one in stuck if one.done()], [])
            self.assertEqual(self.mesh.first.admin("/readyz")[0], 200)
        for one in stuck:
            self.assertEqual(one.result().title, fields["title"])
        until("all is given back", lambda: in_use() == 0, 10)

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

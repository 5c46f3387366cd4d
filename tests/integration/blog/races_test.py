#!/usr/bin/python3
"""Many at once: If-Match lets one win, events are exactly one a change, and readers that race with
writers leave nothing stale behind."""

import random
import unittest
from concurrent.futures import ThreadPoolExecutor

from fixture import BlogTest
from harness.rpc import Failure
from harness.service import user_token


class RacesTest(BlogTest):
    def rename(self, blog_id, title, **fields):
        return self.call("UpdateBlog", id=blog_id, title={"value": title}, **fields)

    def stored(self, blog_id):
        title, version = self.mesh.postgres.psql(
            f"SELECT title, version FROM blogs WHERE id = '{blog_id}'").split("|")
        return title, f'"{version}"'

    def test_one_of_many_with_the_same_etag_wins(self):
        blog = self.new_blog()
        for _ in range(5):
            etag = self.get(blog.id).etag
            results = self.at_once(8, lambda n, tag=etag: self.rename(blog.id, f"Title {n}",
                                                                      if_match=tag))
            won = [result for result in results if not isinstance(result, Failure)]
            lost = [result.reason for result in results if isinstance(result, Failure)]
            self.assertEqual((len(won), lost), (1, ["ETAG_MISMATCH"] * 7))
            self.assertEqual((won[0].title, won[0].etag), self.stored(blog.id))
            self.assertEqual(self.get(blog.id), won[0])
        self.assertEqual(self.mesh.event_types(blog.id), ["blog-published"] + ["blog-updated"] * 5)

    def test_updates_at_once_are_all_done_in_the_order_of_their_events(self):
        blog = self.new_blog()
        results = self.at_once(16, lambda n: self.rename(blog.id, f"Title {n}"))
        self.assertEqual(sorted(result.etag for result in results),
                         sorted(f'"{n}"' for n in range(2, 18)))
        in_order = sorted(results, key=lambda result: int(result.etag.strip('"')))
        self.assertEqual([event[1]["title"] for event in self.mesh.events(blog.id)[1:]],
                         [result.title for result in in_order])
        times = [result.updated_at.ToNanoseconds() for result in in_order]
        self.assertEqual(times, sorted(times))
        self.assertEqual(self.get(blog.id), in_order[-1])

    def test_one_of_many_deletes(self):
        blog = self.new_blog()
        results = self.at_once(6, lambda n: self.call("DeleteBlog", id=blog.id))
        failures = [result.code for result in results if isinstance(result, Failure)]
        self.assertEqual(failures, ["NOT_FOUND"] * 5)
        self.assertEqual(self.mesh.event_types(blog.id), ["blog-published", "blog-deleted"])

    def test_one_event_for_each_change_that_was_acknowledged(self):
        """Random calls, some of which change nothing: the outbox has what was acknowledged."""
        def live(number):
            chosen, changes = random.Random(number), []
            blog = self.new_blog(f"Blog {number}")
            changes.append("blog-published")
            for step in range(15):
                what = chosen.randrange(4)
                if what == 0:
                    self.call("UpdateBlog", id=blog.id)
                elif what == 1:
                    self.assertRaises(Failure, self.rename, blog.id, "Never", if_match='"0"')
                elif what == 2:
                    self.assertRaises(Failure, self.rename, blog.id, "x")
                else:
                    self.rename(blog.id, f"Blog {number} {step}")
                    changes.append("blog-updated")
            return blog.id, changes

        for blog_id, changes in self.at_once(6, live):
            self.assertEqual(self.mesh.event_types(blog_id), changes)

    def test_readers_and_writers_leave_nothing_stale(self):
        """Rounds in which readers find nothing in Redis and race with writers, on two replicas. No
        reader sees less than what was acknowledged before it asked, and afterwards Redis has the
        last state."""
        replica = self.replica()
        replica.start()
        clients = [self.mesh.client, replica.client]
        token = user_token(self.author)
        acknowledged, misses = 0, 0

        def write(number, blog_id):
            nonlocal acknowledged
            blog = clients[number % 2].call("UpdateBlog", token=token, id=blog_id,
                                            title={"value": f"Title {number}"})
            acknowledged = max(acknowledged, version(blog))

        def read(number, blog_id):
            for _ in range(3):
                known = acknowledged
                blog = clients[number % 2].call("GetBlog", id=blog_id)
                self.assertGreaterEqual(version(blog), known)

        blog_id = self.new_blog().id
        with ThreadPoolExecutor(8) as pool:
            for _ in range(150):
                misses -= self.misses()
                self.mesh.redis.command("DEL", f"blog:{blog_id}")
                for done in [pool.submit(write if number in (2, 5) else read, number, blog_id)
                             for number in range(8)]:
                    done.result()
                misses += self.misses()
                title, etag = self.stored(blog_id)
                for client in clients:
                    found = client.call("GetBlog", id=blog_id)
                    self.assertEqual((found.title, found.etag), (title, etag))
        self.assertGreater(misses, 100)  # there were races

    def misses(self):
        name = b"keyspace_misses:"
        lines = self.mesh.redis.command("INFO", "stats").splitlines()
        return int(next(line for line in lines if line.startswith(name))[len(name):])

    def test_readers_and_a_deletion_leave_nothing_stale(self):
        for _ in range(40):
            blog_id = self.new_blog().id
            self.mesh.redis.command("DEL", f"blog:{blog_id}")
            results = self.at_once(8, lambda n, blog_id=blog_id: self.get(blog_id) if n != 3 else
                                   self.call("DeleteBlog", id=blog_id))
            self.assertFalse([result for result in results
                              if isinstance(result, Failure) and result.code != "NOT_FOUND"])
            self.assertEqual(self.fail_call("GetBlog", "", id=blog_id).code, "NOT_FOUND")


def version(blog):
    return int(blog.etag.strip('"'))


if __name__ == "__main__":
    unittest.main()

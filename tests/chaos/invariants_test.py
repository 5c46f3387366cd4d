#!/usr/bin/python3
"""What the suite takes for right and for wrong, without a mesh."""

import unittest

import invariants
from authors import Author
from client import Answer
from faults import Forgotten, Killed
from ledger import Ledger
from listener import Listener
from run import World
from schedule import episodes
from tables import Row, Tables

BLOG, USER = "b1", "u1"


class Mesh:
    """As much of one as a schedule looks at."""

    servers = dict.fromkeys(("gateway", "kafka", "notification", "redis"))
    disks = clocks = {}


class InvariantsTest(unittest.TestCase):
    """A world in which ada wrote a blog and changed it twice; the second change was not answered,
    and happened. Each test spoils it."""

    def setUp(self):
        ledger = Ledger()
        ledger.user("ada").id = USER
        blog = self.blog = ledger.blog("ada", 1)
        blog.id = BLOG
        for version in (1, 2):
            self.assertIsNone(blog.made(version, *blog.next_write()))
        title, content = blog.next_write()
        blog.lost(title, content)
        tables = Tables(
            {blog.tag: [Row(BLOG, 3, title, content)]}, {"ada": [(USER, 1)]},
            {USER: [("n1", "Welcome, ada! Your account has been created."),
                    ("n2", f"Your blog {blog.tag} w1 has been created."),
                    ("n3", f"Your blog {blog.tag} w2 has been updated."),
                    ("n4", f"Your blog {blog.tag} w3 has been updated.")]},
            {USER: 4}, {"user": 0, "blog": 0})
        listener = Listener(0, ledger.users["ada"], None)
        listener.heard = ["n1", "n2", "n3", "n4"]
        self.row = tables.blogs[blog.tag][0]
        answer = Answer(200, {"title": title, "content": content}, {"ETag": '"3"'})
        self.world = World(ledger, self, [listener], [], [], tables,
                           {f"blog:{BLOG}": (3, title.encode()), f"user:{USER}": (1, b""),
                            f"notifications:user:{USER}": (4, b"")})
        self.answers = {f"/api/v1/blogs/{BLOG}": answer}

    def ask(self, method, path):
        return self.answers[path]

    def assert_broken(self, *names):
        self.assertEqual(set(invariants.check(self.world, lambda text: None)), set(names))

    def told(self):
        return self.world.tables.told[USER]

    def test_all_is_well(self):
        self.assert_broken()

    def test_the_unknown_write_did_not_happen(self):
        self.row.version, self.row.title, self.row.content = 2, self.blog.title, self.blog.content
        self.told().pop()
        self.world.listeners[0].heard.pop()
        self.world.tables.mailboxes[USER] = 3
        self.world.cached.clear()
        self.answers[f"/api/v1/blogs/{BLOG}"] = Answer(
            200, {"title": self.row.title, "content": self.row.content}, {"ETag": '"2"'})
        self.assert_broken()

    def test_a_write_is_lost(self):
        self.world.tables.blogs.clear()
        self.world.cached.clear()
        self.assert_broken("every_acknowledged_write_is_there")

    def test_another_content(self):
        self.row.content += "?"
        self.assert_broken("every_acknowledged_write_is_there", "every_reader_is_told_the_same")

    def test_a_write_happened_twice(self):
        self.row.version = 4
        self.assert_broken("every_acknowledged_write_is_there", "every_reader_is_told_the_same",
                           "every_write_is_told_once_and_in_order",
                           "no_cache_entry_is_older_than_its_row")

    def test_an_account_is_lost(self):
        self.world.tables.users.clear()
        self.assert_broken("every_acknowledged_write_is_there",
                           "nothing_is_told_that_did_not_happen",
                           "no_cache_entry_is_older_than_its_row")

    def test_told_twice(self):
        self.told().insert(2, self.told()[1])
        self.assert_broken("every_write_is_told_once_and_in_order",
                           "every_stream_went_on_without_gap_or_repeat")

    def test_not_told(self):
        del self.told()[2]
        del self.world.listeners[0].heard[2]
        self.assert_broken("every_write_is_told_once_and_in_order")

    def test_not_welcomed(self):
        del self.told()[0]
        del self.world.listeners[0].heard[0]
        self.assert_broken("every_write_is_told_once_and_in_order")

    def test_told_in_another_order(self):
        told = self.told()
        told[1], told[2] = told[2], told[1]
        self.world.listeners[0].heard = [id_ for id_, _ in told]
        self.assert_broken("every_write_is_told_once_and_in_order")

    def test_told_and_never_done(self):
        for message in ("Your blog eve-1 w1 has been created.", "Hello."):
            self.setUp()
            self.told().append(("n5", message))
            self.world.listeners[0].heard.append("n5")
            self.assert_broken("nothing_is_told_that_did_not_happen")

    def test_deleted_and_there(self):
        self.blog.deletion = "acknowledged"
        self.assert_broken("every_acknowledged_write_is_there", "every_reader_is_told_the_same")

    def test_old_copies(self):
        for key, version in (("blog:" + BLOG, 2), ("notifications:user:" + USER, 3), ("user:x", 1)):
            self.setUp()
            self.world.cached[key] = (version, self.row.title.encode())
            self.assert_broken("no_cache_entry_is_older_than_its_row")

    def test_a_gap_in_a_stream(self):
        del self.world.listeners[0].heard[1]
        self.assert_broken("every_stream_went_on_without_gap_or_repeat")

    def test_what_is_left_over(self):
        self.world.tables.outboxes["blog"] = 1
        self.world.letters.append({"place": "blog-events.DLT/0/0"})
        self.world.needs["blog"] = ((50, 20, 1 << 20), (50, 20, 1 << 30))
        self.world.late.append("it took 16 s")
        self.world.deaths.append("blog")
        self.assert_broken("outboxes_are_empty", "there_are_no_dead_letters", "no_program_leaks",
                           "it_came_back_by_itself", "no_program_died_of_it")


class LedgerTest(unittest.TestCase):
    def setUp(self):
        self.blog = Ledger().blog("ada", 1)
        self.blog.made(1, *self.blog.next_write())

    def test_versions_tell_what_happened(self):
        self.blog.lost(*self.blog.next_write())
        self.assertFalse(self.blog.certain)
        self.assertIsNone(self.blog.made(3, *self.blog.next_write()))
        self.assertTrue(self.blog.certain)
        self.assertEqual(list(self.blog.states(4)), [])

    def test_a_version_that_cannot_be(self):
        for version in (1, 3):
            self.setUp()
            self.assertIn(f"version {version}", self.blog.made(version, *self.blog.next_write()))

    def test_a_title_leaves_the_content(self):
        content = self.blog.content
        title, none = self.blog.next_write(with_content=False)
        self.assertIsNone(none)
        self.blog.lost(title, none)
        self.assertEqual(list(self.blog.states(2)), [(title, content)])


class AnswersTest(unittest.TestCase):
    def test_what_an_answer_proves(self):
        for status, done, refused in ((201, True, False), (412, False, True), (499, False, False),
                                      (503, False, False), (None, False, False)):
            answer = Answer(status)
            self.assertEqual((answer.done, answer.refused), (done, refused), status)

    def test_nobody_reads_the_past(self):
        """What an author is told of a change is held against the ledger."""
        author = Author.__new__(Author)
        author.ledger = Ledger()
        blog = author.ledger.blog("ada", 1)
        blog.made(1, *blog.next_write())
        title, content = blog.next_write()
        author._changed(blog, Answer(200, {"title": title, "content": "?"}, {"ETag": '"2"'}),
                        title, content)
        self.assertEqual(len(author.ledger.surprises), 1)


class ScheduleTest(unittest.TestCase):
    @staticmethod
    def first(seed, count=200):
        some = episodes(Mesh, seed)
        return [next(some) for _ in range(count)]

    def test_a_seed_repeats(self):
        self.assertEqual(self.first(1), self.first(1))
        self.assertNotEqual(self.first(1), self.first(2))

    def test_pairs_fit(self):
        for pair in self.first(3):
            if len(pair) == 2:
                self.assertNotEqual(pair[0].name, pair[1].name)
                kinds = {one.kind for one in pair}
                self.assertFalse(Forgotten in kinds and "kafka" in [one.name for one in pair])

    def test_everything_has_its_turn(self):
        self.assertEqual({one.name for pair in self.first(4) for one in pair if one.kind is Killed},
                         {*Mesh.servers, "blog"})


if __name__ == "__main__":
    unittest.main(verbosity=2)

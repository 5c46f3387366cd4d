#!/usr/bin/python3
"""What the suite takes for right and for wrong, without a mesh."""

import os
import socket
import tempfile
import time
import unittest
import unittest.mock

import clock
import invariants
from authors import Author
from client import Answer
from faults import (Dropped, Evicting, Flushed, Forgotten, Frozen, Full, Killed, LogFull, Narrow,
                    Refused, Reset, Restarted, SetBack, Slow, cards)
from harness.link import Links
from harness.program import Program
from harness.redis import Redis
from harness.waiting import until
from ledger import Ledger
from listener import Listener
from needs import Life
from run import World
from schedule import FOUND, episodes
from selftest import MISTAKES, self_test
from tables import Row, Tables

BLOG, USER = "b1", "u1"


class Mesh:
    """As much of one as a schedule looks at."""

    servers = dict.fromkeys(("blog", "gateway", "kafka", "notification", "postgres-blog",
                             "postgres-notification", "redis"))
    programs = dict.fromkeys(("blog", "gateway", "notification"))
    disks = clocks = {}


class Able(Mesh):
    """The same where everything can happen."""

    disks = clocks = Mesh.servers


class InvariantsTest(unittest.TestCase):
    """A world in which ada wrote a blog and changed it twice; the second change was not answered,
    and happened. Each test spoils it."""

    def setUp(self):
        ledger = Ledger()
        user = ledger.user("ada")
        user.id, user.session, user.marked = USER, "r1", {"n1"}
        blog = self.blog = ledger.blog("ada", 1)
        blog.id = BLOG
        for version in (1, 2):
            self.assertIsNone(blog.made(version, *blog.next_write()))
        title, content = blog.next_write()
        blog.lost(title, content)
        self.row = Row(BLOG, 3, title, content, USER)
        tables = Tables(
            {blog.tag: [self.row]}, {"ada": [(USER, 1, user.email)]},
            {USER: [("n1", "Welcome, ada! Your account has been created."),
                    ("n2", f"Your blog {blog.tag} w1 has been created."),
                    ("n3", f"Your blog {blog.tag} w2 has been updated."),
                    ("n4", f"Your blog {blog.tag} w3 has been updated.")]},
            {"n1"}, {USER: 4}, {"user": 0, "blog": 0})
        listener = Listener(0, ledger.users["ada"], None)
        listener.heard = ["n1", "n2", "n3", "n4"]
        answer = self.shown()
        ledger.count(answer, calm=True)
        ledger.read(None)
        author = unittest.mock.Mock(client=self, user=user)
        life = Life("blog")
        life.samples = [(age, (50, 20, 1 << 20)) for age in range(10, 19)]
        self.world = World(ledger, self, [author], [listener], [], [None], [life], ["blog"],
                           {"Killed": [True, False], "Narrow": [False, False]}, tables,
                           {f"blog:{BLOG}": (3, self.copy()),
                            f"user:{USER}": (1, f"{USER} ada {user.email}".encode()),
                            f"notifications:user:{USER}": (4, b"")}, {"blog-events.DLT": []})
        self.cache_page(4)
        self.answers = {
            f"/api/v1/blogs/{BLOG}": answer,
            "/api/v1/users/profile": Answer(200, {"id": USER, "username": "ada",
                                                  "email": user.email}),
            "/api/v1/auth/refresh": Answer(200, {})}

    def shown(self):
        """The answer with the row."""
        row = self.row
        return Answer(200, {"id": row.id, "title": row.title, "content": row.content,
                            "authorId": row.author}, {"ETag": f'"{row.version}"'})

    def copy(self):
        """Of the row, as Redis has it."""
        return str(self.row).encode()

    def cache_page(self, version):
        """What is told is in Redis."""
        self.world.cached[f"notifications:user:{USER}"] = version, str(self.told()).encode()

    def ask(self, method, path, body=None):
        """What a test has not set is as it should be."""
        if path == "/api/v1/notifications/user" and path not in self.answers:
            return Answer(200, [{"id": id_, "message": message, "read": id_ == "n1"}
                                for id_, message in reversed(self.told())])
        return self.answers[path]

    def assert_broken(self, *names):
        self.assertEqual(set(invariants.check(self.world, lambda text: None)), set(names))

    def told(self):
        return self.world.tables.told[USER]

    def test_all_is_well(self):
        self.assert_broken()

    def test_nothing_to_look_at(self):
        self.world = World(Ledger(), self, [], [], [], [], [], [], {}, Tables())
        self.assert_broken(*(invariant.__name__ for invariant in invariants.ALL))

    def test_no_copy_of_a_kind(self):
        for kind in list(self.world.cached):
            self.setUp()
            del self.world.cached[kind]
            self.assert_broken("no_cache_entry_is_older_than_its_row")

    def test_the_unknown_write_did_not_happen(self):
        self.row.version, self.row.title, self.row.content = 2, self.blog.title, self.blog.content
        self.told().pop()
        self.world.listeners[0].heard.pop()
        self.world.tables.mailboxes[USER] = 3
        self.world.cached[f"blog:{BLOG}"] = (2, self.copy())
        self.cache_page(3)
        self.answers[f"/api/v1/blogs/{BLOG}"] = self.shown()
        self.assert_broken()

    def test_a_write_is_lost(self):
        self.world.tables.blogs.clear()
        self.assert_broken("every_acknowledged_write_is_there",
                           "no_cache_entry_is_older_than_its_row")

    def test_another_content(self):
        """In PostgreSQL, for a reader, and in Redis, of whatever has been acknowledged."""
        for field in ("title", "content", "author"):
            self.setUp()
            setattr(self.row, field, getattr(self.row, field) + "?")
            self.assert_broken("every_acknowledged_write_is_there", "every_reader_is_told_the_same",
                               "no_cache_entry_is_older_than_its_row")
            self.setUp()
            name = {"author": "authorId"}.get(field, field)
            self.answers[f"/api/v1/blogs/{BLOG}"].body[name] += "?"
            self.assert_broken("every_reader_is_told_the_same")

    def test_another_address(self):
        """Everywhere the same, and not the one that was acknowledged."""
        self.world.tables.users["ada"] = [(USER, 1, "eve@example.com")]
        self.answers["/api/v1/users/profile"].body["email"] = "eve@example.com"
        self.world.cached[f"user:{USER}"] = (1, f"{USER} ada eve@example.com".encode())
        self.assert_broken("every_acknowledged_write_is_there")

    def test_another_copy(self):
        for key, (version, value) in self.world.cached.items():
            self.setUp()
            self.world.cached[key] = version, value[:-9]
            self.assert_broken("no_cache_entry_is_older_than_its_row")

    def test_an_old_profile_and_an_old_page(self):
        for path, old in (("/api/v1/users/profile", {"id": USER, "username": "eve", "email": "?"}),
                          ("/api/v1/notifications/user",
                           [{"id": id_, "message": message, "read": id_ == "n1"}
                            for id_, message in reversed(self.told()[:-1])]),
                          ("/api/v1/notifications/user",
                           [{"id": id_, "message": message, "read": False}
                            for id_, message in reversed(self.told())])):
            self.setUp()
            self.answers[path] = Answer(200, old)
            self.assert_broken("every_reader_is_told_the_same")

    def test_a_session_is_lost(self):
        self.answers["/api/v1/auth/refresh"] = Answer(401)
        self.assert_broken("every_sign_in_lasts")

    def test_a_mark_is_lost(self):
        self.world.tables.marked.clear()
        self.assert_broken("every_acknowledged_write_is_there", "every_reader_is_told_the_same")

    def test_a_write_happened_twice(self):
        self.row.version = 4
        self.assert_broken("every_acknowledged_write_is_there", "every_reader_is_told_the_same",
                           "every_write_is_told_once_and_in_order",
                           "no_cache_entry_is_older_than_its_row")

    def test_an_account_is_lost(self):
        self.world.tables.users.clear()
        self.assert_broken("every_acknowledged_write_is_there", "every_reader_is_told_the_same",
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
            self.cache_page(4)
            self.world.listeners[0].heard.append("n5")
            self.assert_broken("nothing_is_told_that_did_not_happen")

    def test_told_to_somebody_else(self):
        """Who is told of a blog is its author."""
        self.world.tables.told["u2"] = self.told()[1:]
        del self.told()[1:]
        self.world.listeners[0].heard = ["n1"]
        self.assert_broken("every_write_is_told_once_and_in_order",
                           "nothing_is_told_that_did_not_happen")

    def test_deleted_and_there(self):
        self.blog.deletion = "acknowledged"
        self.assert_broken("every_acknowledged_write_is_there", "every_reader_is_told_the_same")

    def test_old_copies(self):
        for key, version in (("blog:" + BLOG, 2), ("notifications:user:" + USER, 3), ("user:x", 1)):
            self.setUp()
            self.world.cached[key] = (version, self.copy())
            self.assert_broken("no_cache_entry_is_older_than_its_row")

    def test_a_gap_in_a_stream(self):
        del self.world.listeners[0].heard[1]
        self.assert_broken("every_stream_went_on_without_gap_or_repeat")

    def test_what_is_left_over(self):
        self.world.tables.outboxes["blog"] = 1
        self.world.letters["blog-events.DLT"].append("blog-events.DLT/0/0: poison")
        self.world.lives[0].samples[6:] = [(19, (50, 20, 1 << 30))] * 3
        self.world.recoveries.append("it took 16 s")
        self.world.deaths.append("blog")
        self.assert_broken("outboxes_are_empty", "there_are_no_dead_letters", "no_program_leaks",
                           "it_came_back_by_itself", "no_program_died_of_it")


    def test_it_does_not_keep_working(self):
        for answer in (Answer(), Answer(503)):
            self.setUp()
            self.world.ledger.count(answer)
            self.assert_broken()
            self.world.ledger.count(answer, calm=True)
            self.assert_broken("it_works_and_keeps_working")

    def test_survivors_live_long(self):
        """The long life of one says nothing of the others."""
        self.world.survivors.append("gateway")
        self.assert_broken("no_program_leaks")
        life = Life("gateway")
        self.world.lives.append(life)
        life.samples = self.world.lives[0].samples[:3]
        self.assert_broken("no_program_leaks")
        life.samples = self.world.lives[0].samples[:4]
        self.assert_broken()

    def test_a_fault_without_effect(self):
        self.world.bites["Killed"] += 5 * [False]
        self.assert_broken()
        self.world.bites["Narrow"].append(False)
        self.assert_broken("every_kind_of_fault_bit")


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

    def test_what_happened_before_is_the_past(self):
        """An unknown write that happened before an acknowledged one is not what is left of both; one
        that may not have happened yet can be."""
        lost = self.blog.next_write()
        self.blog.lost(*lost)
        self.blog.made(2, *self.blog.next_write())
        self.assertEqual(list(self.blog.states(3)), [lost])
        self.blog.made(4, *self.blog.next_write())
        late = self.blog.next_write()
        self.blog.lost(*late)
        self.assertEqual(list(self.blog.states(5)), [late])
        self.assertEqual(self.blog.contents(), {self.blog.content, late[1]})

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


class ListsTest(unittest.TestCase):
    """What an author sees in lists is held against what they were told."""

    def setUp(self):
        author = self.author = Author(unittest.mock.Mock(port=0, clocks={}), Ledger(), "ada", 1)
        author.user = author.ledger.user("ada")
        author.user.id = USER
        blog = self.blog = author.all["ada-1"] = author.ledger.blog("ada", 1)
        blog.id = BLOG
        for version in (1, 2):
            blog.made(version, *blog.next_write())
        self.one = {"id": BLOG, "authorId": USER, "title": blog.title, "content": blog.content}
        self.blogs = {"blogs": [self.one]}
        self.mails = [{"id": "n1", "userId": USER, "message": "Hello.", "read": False}]

    def wrong(self):
        """How many lists were wrong, after one of each was read."""
        self.author.client = unittest.mock.Mock(ask=lambda method, path, *_: Answer(
            200, self.blogs if path.startswith("/api/v1/blogs") else self.mails))
        for look in (self.author.see_blogs, self.author.see_notifications):
            look()
        self.assertEqual(len(self.author.ledger.reads), 2)
        return len([wrong for wrong in self.author.ledger.reads if wrong])

    def test_as_it_should_be(self):
        self.assertEqual(self.wrong(), 0)
        self.assertEqual(self.author.user.marked, {"n1"})

    def test_an_old_one(self):
        self.one["title"] = "ada-1 w1"
        self.assertEqual(self.wrong(), 1)

    def test_one_that_nobody_knows_of(self):
        title, content = self.blog.next_write()
        self.blog.lost(title, content)
        self.one.update(title=title, content=content)
        self.assertEqual(self.wrong(), 0)

    def test_a_deleted_one(self):
        self.blog.deletion = "acknowledged"
        self.assertEqual(self.wrong(), 1)

    def test_one_is_missing(self):
        self.blogs["blogs"] = []
        self.assertEqual(self.wrong(), 1)
        self.setUp()
        self.blogs.update(blogs=[], nextPageToken="more")
        self.assertEqual(self.wrong(), 0)

    def test_what_is_somebody_elses(self):
        for spoil in (lambda: self.one.update(authorId="u2"), lambda: self.one.update(title="x y"),
                      lambda: self.mails[0].update(userId="u2")):
            self.setUp()
            spoil()
            self.assertEqual(self.wrong(), 1)

    def test_unread_again(self):
        self.author.user.marked.add("n1")
        self.assertEqual(self.wrong(), 1)

    def refresh(self, *answers):
        """What became of the session, and how many surprises: the answers are the gateway's."""
        self.author.client = unittest.mock.Mock(ask=unittest.mock.Mock(side_effect=answers))
        self.author.ending = unittest.mock.Mock(wait=lambda seconds: False)
        while self.author.client.ask.call_count < len(answers):
            self.author.refresh()
        return dict(self.author.ledger.sessions), len(self.author.ledger.surprises)

    def test_a_session(self):
        new = Answer(200, {"token": "t", "refreshToken": "r"})
        no, lost = Answer(401), Answer()
        for answers, expected in (
                ([new], ({"went on": 1}, 0)),
                ([lost, Answer(503), new], ({"went on after no answer": 1}, 0)),
                ([lost, no, new], ({"went on after no answer": 1}, 0)),
                ([lost, no, no, new], ({"lost": 1}, 1)),
                ([no, new], ({"lost": 1}, 1)),
                (3 * [lost], ({}, 0))):
            self.setUp()
            self.assertEqual(self.refresh(*answers), expected)
            self.assertEqual(self.author.user.doubt is None, answers[-1] is new)

    def test_a_session_cannot_always_last(self):
        """The time is over, or PostgreSQL's clock was moved meanwhile."""
        now = time.monotonic()
        for since, clocks in ((now - 100, {}),
                              (now, {"postgres-user": unittest.mock.Mock(moved=now - 1)})):
            self.setUp()
            self.author.clocks, self.author.user.doubt = clocks, since
            new = Answer(200, {"token": "t", "refreshToken": "r"})
            self.assertEqual(self.refresh(Answer(401), Answer(401), new), ({"lost": 1}, 0))

    def test_a_clock_that_moves_while_a_refresh_waits(self):
        """The use of the token may have been noted before that."""
        now, clock_ = [100], unittest.mock.Mock(moved=0)
        def lose(*_args, **_headers):
            clock_.moved = now[0] + 1
            now[0] += 4
            return Answer()
        self.author.clocks = {"postgres-user": clock_}
        self.author.client = unittest.mock.Mock(ask=lose)
        self.author.ending = unittest.mock.Mock(wait=lambda seconds: False)
        with unittest.mock.patch("authors.time.monotonic", lambda: now[0]):
            self.author.refresh()
            self.assertFalse(self.author._must_last(self.author.user.doubt))


class FaultsTest(unittest.TestCase):
    def test_a_crash_is_not_taken_for_the_fault(self):
        """A program that has died of the other fault of a pair is not there to be ended."""
        blog = Program("blog", ["true"], {})
        blog.launch()
        blog.process.wait(10)
        for kind in (Killed, Restarted, Forgotten):
            mesh = unittest.mock.Mock(servers={"blog": blog}, links={"blog": None})
            kind(mesh, "blog").begin()
            mesh.died.assert_called_once_with("blog")


class BitesTest(unittest.TestCase):
    """A fault knows whether it had its effect, here on a Redis."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(dir="/tmp")  # where every user gets
        self.addCleanup(folder.cleanup)
        os.chmod(folder.name, 0o711)
        self.redis = Redis()
        self.clock = clock.Clock(os.path.join(folder.name, "clock"), 3600)
        if clock.library():
            self.redis.env.update(self.clock.env)
        self.enterContext(self.redis)
        links = self.enterContext(Links())
        self.mesh = unittest.mock.Mock(
            servers={"redis": self.redis}, links={"redis": links.add(self.redis.port)},
            clocks={"redis": self.clock})

    def bites(self, kind, meanwhile=lambda: None):
        fault = kind(self.mesh, "redis")
        fault.begin()
        meanwhile()
        bit = fault.heal()
        self.redis.wait_ready()
        return bit

    def test_whether_anybody_is_there_or_not(self):
        for kind in (Killed, Restarted, Refused):
            self.assertTrue(self.bites(kind), kind)
        self.assertTrue(self.bites(Frozen, lambda: until(
            "it to stop", self.redis.process.stopped, 10)))

    def test_where_something_passes(self):
        with socket.create_connection(("127.0.0.1", self.mesh.links["redis"].port), 10) as user:
            def use(times=1):
                for _ in range(times):
                    user.sendall(b"ECHO %s\r\n" % (999 * b"x"))
                    user.recv(9999)
            use()
            for kind in (Narrow, Slow, Dropped):
                self.assertFalse(self.bites(kind), kind)
            self.assertTrue(self.bites(Narrow, use))
            self.assertTrue(self.bites(Slow, lambda: use(10)))
            self.assertTrue(self.bites(Dropped, lambda: (user.sendall(b"PING\r\n"),
                                                         time.sleep(0.2))))
            self.assertTrue(self.bites(Reset))
        self.assertFalse(self.bites(Reset))

    def test_where_something_is_kept(self):
        def keep():
            self.redis.command("SET", "key", 500_000 * "v")
            time.sleep(0.3)
        for kind in (Flushed, Evicting):
            self.assertFalse(self.bites(kind), kind)
            self.assertTrue(self.bites(kind, keep), kind)

    @unittest.skipUnless(clock.library(), "libfaketime is not installed")
    def test_clocks(self):
        with unittest.mock.patch.object(self.clock, "set_back"):
            self.assertFalse(self.bites(SetBack))
        self.assertTrue(self.bites(SetBack, lambda: until(
            "it to be seen", lambda: clock.shown_by(self.redis) < time.time() - 1800, 10)))


class ScheduleTest(unittest.TestCase):
    @staticmethod
    def first(seed, count=200, mesh=Able, **options):
        some = episodes(mesh, seed, **options)
        return [next(some) for _ in range(count)]

    def test_a_seed_repeats(self):
        self.assertEqual(self.first(1), self.first(1))
        self.assertNotEqual(self.first(1), self.first(2))

    def test_what_cannot_be_is_left_out(self):
        """And changes nothing of the rest."""
        def rest(pairs):
            return [one for pair in pairs for one in pair if one.kind not in (Full, LogFull, SetBack)][:200]
        self.assertEqual(rest(self.first(1)), rest(self.first(1, mesh=Mesh)))
        kinds = {one.kind for pair in self.first(1, mesh=Mesh) for one in pair}
        self.assertFalse({Full, LogFull, SetBack} & kinds)

    def test_briefly(self):
        """Every kind that has not broken something before has its turn once, after those."""
        pairs = list(episodes(Able, 1, briefly=True))
        self.assertEqual(pairs[:len(FOUND)], list(FOUND))
        kinds = [one.kind for pair in pairs[len(FOUND):] for one in pair]
        self.assertEqual(len(kinds), len(set(kinds)))
        known = {one.kind for pair in FOUND for one in pair}
        self.assertFalse(known & set(kinds))
        self.assertEqual(known | set(kinds), {kind for kind, _ in cards(Able)} - {LogFull})

    def test_survivors(self):
        ended = {one.name for pair in self.first(1, survivors=True) for one in pair
                 if one.kind in (Killed, Restarted, Forgotten)}
        self.assertEqual(ended, {"kafka", "postgres-blog", "postgres-notification", "redis"})

    def test_pairs_fit(self):
        for pair in self.first(3):
            if len(pair) == 2:
                self.assertNotEqual(pair[0].name, pair[1].name)
                kinds = {one.kind for one in pair}
                self.assertFalse(Forgotten in kinds and "kafka" in [one.name for one in pair])

    def test_everything_has_its_turn(self):
        self.assertEqual({one.name for pair in self.first(4) for one in pair if one.kind is Killed},
                         {*Mesh.servers})


class SelfTestTest(unittest.TestCase):
    """A mistake is found out by the invariant that is meant for it, or not at all."""

    @staticmethod
    def wrong(found, of_sound=()):
        """What the self-test says when the mistakes make this not hold, by name of the mistake."""
        return self_test(lambda _, by, __: found[by] if by else list(of_sound), lambda text: None)

    def test_each_by_its_own(self):
        found = {one.name: [one.seen, "it_came_back_by_itself"] for one in MISTAKES}
        self.assertEqual(self.wrong(found), [])
        self.assertEqual(len(self.wrong(found, ["no_program_leaks"])), 1)
        for one in MISTAKES:
            others = [each.__name__ for each in invariants.ALL if each.__name__ != one.seen]
            self.assertEqual(len(self.wrong({**found, one.name: others})), 1)

    def test_they_are_invariants(self):
        self.assertLessEqual({one.seen for one in MISTAKES},
                             {each.__name__ for each in invariants.ALL})


if __name__ == "__main__":
    unittest.main(verbosity=2)

#!/usr/bin/python3
"""`./inkmesh backup` and `restore`: databases go back to their backup, no event is lost with them, and
nothing is told twice."""

import collections
import contextlib
import datetime
import io
import json
import os
import shutil
import subprocess
import sys
import threading
import unittest
from unittest import mock

from harness.waiting import HarnessError, until
from local import __main__ as inkmesh
from local import backup, events, stack, state
from mesh import MeshTest

TOOL = "lib/events/tool/inkmesh-events"
GROUP = "notification-group"


class BackupTest(MeshTest):
    """The mesh of the test takes the place of the one that `./inkmesh up` starts."""

    with_kafka = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for owner, name, value in (
                (stack, "local_stack", lambda: (cls.mesh, {})),
                (events, "program", lambda: TOOL),
                (state, "HOME", os.path.join(os.environ["TEST_TMPDIR"], "home"))):
            patch = mock.patch.object(owner, name, value)
            patch.start()
            cls.addClassCleanup(patch.stop)

    def inkmesh(self, *args, code=0):
        """What the command prints."""
        said = io.StringIO()
        with mock.patch.object(sys, "argv", ["inkmesh", *args]), contextlib.redirect_stdout(said):
            self.assertEqual(inkmesh.main() or 0, code, said.getvalue())
        return said.getvalue()

    def back_up(self, code=0):
        return self.inkmesh("backup", os.path.join(os.environ["TEST_TMPDIR"], self.id()),
                            code=code).splitlines()[0]

    def restore(self, folder, token, *args):
        """Returns when the gateway has found the services again."""
        said = self.inkmesh("restore", folder, *args)
        for path in ("/api/v1/users/profile", "/api/v1/blogs", "/api/v1/notifications"):
            until(path, lambda path=path: self.get(path, token=token).status == 200, 30)
        return said

    def told_of(self, token):
        """How often the user was told of each title."""
        return collections.Counter(message.split()[2] for message in self.told(token)
                                   if message.startswith("Your blog "))

    def await_told(self, token, titles):
        until("to be told", lambda: set(self.told_of(token)) >= set(titles), 60)
        self.assertEqual(self.told_of(token), collections.Counter(titles))

    def titles(self):
        found, page = [], ""
        while True:
            answer = self.get(f"/api/v1/blogs?pageSize=100&pageToken={page}").json()
            found += [(one["title"], one["authorId"]) for one in answer["blogs"]]
            page = answer["nextPageToken"]
            if not page:
                return found

    @contextlib.contextmanager
    def writers(self, token):
        """Two of them; what was acknowledged."""
        done, written, titles = threading.Event(), [], iter(range(1_000_000))

        def write():
            while not done.is_set():
                title = f"During-{next(titles)}"
                self.blog(token, title)
                written.append(title)
        threads = [threading.Thread(target=write) for _ in range(2)]
        for thread in threads:
            thread.start()
        yield written
        done.set()
        for thread in threads:
            thread.join()

    def test_everything_goes_back(self):
        """A backup while two write, then all is lost, and Kafka with it: no event is."""
        user, session = self.signed_in()
        token = session["token"]
        with self.writers(token) as written:
            until("some blogs", lambda: len(written) > 20, 30)
            before = set(written)
            folder = self.back_up()
            count = len(written)
            until("some more", lambda: len(written) > count + 20, 30)
        lost, _ = self.signed_in()
        kafka = self.mesh.kafka
        kafka.kill()
        shutil.rmtree(os.path.join(kafka.folder, "data"))
        kafka.start()
        self.restore(folder, token)

        there = {title for title, author in self.titles() if author == user["id"]}
        self.assertLessEqual(before, there)
        self.assertLess(there, set(written))
        authors = {author for _, author in self.titles()}
        known = self.mesh.databases["user"].psql("SELECT id FROM users").split()
        self.assertLessEqual(authors, set(known))
        self.assertNotIn(lost["id"], known)
        self.blog(token, "Behind")
        until("to be told", lambda: set(self.told_of(token)) >= there | {"Behind"}, 60)
        told = self.told_of(token)
        self.assertEqual(set(told.values()), {1})
        # Between the first dump and the last some more was told of.
        self.assertLessEqual(set(told), set(written) | {"Behind"})

    def test_what_waits_when_all_go_back_is_not_told(self):
        """It is about blogs that are gone."""
        _, session = self.signed_in()
        token = session["token"]
        self.blog(token, "Kept")
        folder = self.back_up()
        self.mesh.services["notification"].stop()
        self.blog(token, "Lost")
        until("it left the outbox", lambda: self.mesh.databases["blog"].psql(
            "SELECT count(*) FROM outbox") == "0", 30)
        self.assertIn("skipped", self.restore(folder, token))
        self.blog(token, "Behind")
        self.await_told(token, ["Kept", "Behind"])

    def test_the_backup_waits_for_what_was_told(self):
        """Or says that it did not."""
        _, session = self.signed_in()
        token, notification = session["token"], self.mesh.services["notification"]
        notification.pause()
        self.addCleanup(notification.resume)
        self.blog(token, "Waiting")
        until("it left the outbox", lambda: self.mesh.databases["blog"].psql(
            "SELECT count(*) FROM outbox") == "0", 30)
        with mock.patch.object(backup.back_up, "__defaults__", (1,)):
            folder = self.back_up(code=1)
        self.assertEqual(self.mesh.databases["notification"].psql(
            "SELECT count(*) FROM notifications WHERE message LIKE '%Waiting%'"), "0")
        notification.resume()
        # Of the two places where the event was, Kafka is the one that is left.
        self.assertIn("dealt with again", self.restore(folder, token))
        self.await_told(token, ["Waiting"])

    @staticmethod
    def move_clock(folder, seconds):
        """As if the services' clocks had been behind the one that the backup went by."""
        path = os.path.join(folder, "backup.json")
        with open(path, encoding="utf-8") as file:
            manifest = json.load(file)
        begun = datetime.datetime.strptime(manifest["begun"], "%Y-%m-%dT%H:%M:%SZ")
        begun += datetime.timedelta(seconds=seconds)
        with open(path, "w", encoding="utf-8") as file:
            json.dump({**manifest, "begun": begun.strftime("%Y-%m-%dT%H:%M:%SZ")}, file)

    def test_accounts_go_back(self):
        """Who registered since then may do so again; all the rest stays."""
        _, session = self.signed_in()
        token = session["token"]
        self.blog(token, "Kept")
        folder = self.back_up()
        account, _ = self.registered()
        login = {key: account[key] for key in ("email", "password")}
        self.assertIn("published again", self.restore(folder, token, "--only", "user"))
        self.assertEqual(self.post("/api/v1/auth/login", login).status, 401)
        self.assertEqual(self.post("/api/v1/auth/register", account).status, 201)
        again = self.post("/api/v1/auth/login", login).json()["token"]
        until("a welcome", lambda: len(self.told(again)) == 1, 60)
        session = self.post("/api/v1/auth/refresh", {"refreshToken": session["refreshToken"]})
        self.assertEqual(session.status, 200, session)
        self.blog(session.json()["token"], "After")
        self.await_told(token, ["Kept", "After"])

    def test_notifications_go_back_and_come_again(self):
        _, session = self.signed_in()
        token = session["token"]
        self.blog(token, "Before")
        self.await_told(token, ["Before"])
        folder = self.back_up()
        for title in ("Between", "Later"):
            self.blog(token, title)
        self.await_told(token, ["Before", "Between", "Later"])
        for command in ("skip", "rewind"):
            self.assertIn("stop its consumers", self.tool(
                command, GROUP, *(["2026-11-22T10:00:00Z"] if command == "rewind" else []), code=1))
        self.move_clock(folder, 1800)
        self.assertIn("dealt with again", self.restore(folder, token, "--only", "notification"))
        everything = ["Before", "Between", "Later"]
        self.await_told(token, everything)
        self.blog(token, "After")
        self.await_told(token, [*everything, "After"])

    def test_blogs_go_back(self):
        """With their search, which has functions of its own."""
        user, session = self.signed_in()
        token = session["token"]
        self.blog(token, "Kept")
        folder = self.back_up()
        self.blog(token, "Lost")
        self.restore(folder, token, "--only", "blog")
        for query, found in (("kept", ["Kept"]), ("lost", [])):
            blogs = self.get(f"/api/v1/blogs?q={query}").json()["blogs"]
            self.assertEqual([one["title"] for one in blogs
                              if one["authorId"] == user["id"]], found)
        self.blog(token, "Again")
        self.await_told(token, ["Kept", "Lost", "Again"])

    def test_a_backup_that_is_none(self):
        """Nothing is touched, and nothing stopped."""
        _, session = self.signed_in()
        folder = self.back_up()
        self.assertEqual(os.stat(folder).st_mode & 0o777, 0o700)
        with self.assertRaisesRegex(HarnessError, "is there already"):
            self.back_up()
        with open(os.path.join(folder, "user.dump"), "ab") as file:
            file.write(b"x")
        for wrong, why in ((folder, "is not what was written"), ("/nowhere", "is no backup")):
            with self.assertRaisesRegex(HarnessError, why):
                self.inkmesh("restore", wrong)
        self.assertEqual(self.get("/api/v1/users/profile", token=session["token"]).status, 200)

    def test_a_dump_that_does_not_fit_changes_nothing(self):
        _, session = self.signed_in()
        self.blog(session["token"], "Whole")
        folder = self.back_up()
        path = os.path.join(folder, "blog.dump")
        with open(path, "r+b") as file:
            file.truncate(os.path.getsize(path) * 3 // 4)
        database = self.mesh.databases["blog"]
        with self.assertRaisesRegex(HarnessError, "postgres-blog"):
            backup._replace(database, path)
        self.assertEqual(database.psql("SELECT count(*) FROM blogs WHERE title = 'Whole'"), "1")

    def tool(self, *args, code):
        done = subprocess.run([TOOL, *args], capture_output=True, text=True,
                              env={"KAFKA_BROKERS": self.mesh.kafka.url, "EVENTS_TIMEOUT": "20s"},
                              timeout=120, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def test_what_is_not_understood(self):
        self.assertIn("no group", self.tool("rewind", "nobody", "2026-11-22T10:00:00Z", code=1))
        self.assertIn("not a time", self.tool("rewind", GROUP, "yesterday", code=2))
        self.assertIn("a group and a time", self.tool("rewind", GROUP, code=2))
        self.assertIn("no group", self.tool("skip", "nobody", code=1))
        self.assertIn("name a group", self.tool("skip", code=2))


if __name__ == "__main__":
    unittest.main(verbosity=2)

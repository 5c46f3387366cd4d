#!/usr/bin/python3
"""A database goes back to its backup, as docs/operations.md says it, and nothing is told twice."""

import os
import subprocess
import time
import unittest

from harness import postgres
from harness.waiting import until
from mesh import MeshTest

TOOL = "lib/events/tool/inkmesh-events"
GROUP = "notification-group"


class BackupTest(MeshTest):
    with_kafka = True

    def client(self, program, service, *args):
        """What ./inkmesh PROGRAM SERVICE ARGS does."""
        options, env = self.mesh.databases[service].client_options()
        subprocess.run([postgres.program(program), *options, *args], env=env, check=True,
                       timeout=60)

    def back_up(self, service):
        file = os.path.join(os.environ["TEST_TMPDIR"], service + ".dump")
        self.client("pg_dump", service, "-Fc", "-f", file)
        return file

    def restore(self, service, file):
        self.client("psql", service, "-q", "-c", "DROP SCHEMA public CASCADE",
                    "-c", "CREATE SCHEMA public")
        self.client("pg_restore", service, "--single-transaction", file)

    def start(self, service, path, token=None):
        """Starts it, and waits until the gateway has found it: `path` is its own."""
        self.mesh.services[service].start()
        until("the service", lambda: self.get(path, token=token).status == 200, 30)

    def rewind(self, *args, code):
        done = subprocess.run([TOOL, "rewind", *args], capture_output=True, text=True,
                              env={"KAFKA_BROKERS": self.mesh.kafka.url, "EVENTS_TIMEOUT": "20s"},
                              timeout=120, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def titles(self, token):
        """The titles of which the user was told, the last first."""
        answer = self.get("/api/v1/notifications/user?pageSize=100", token=token)
        self.assertEqual(answer.status, 200, answer)
        return [one["message"].split()[2] for one in answer.json() if one["type"] == "in-app"]

    def await_told(self, token, titles):
        until("to be told", lambda: sorted(self.titles(token)) == sorted(titles), 60)

    def test_notifications_go_back_and_come_again(self):
        _, session = self.signed_in()
        token = session["token"]
        begun = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self.blog(token, "Before")
        self.await_told(token, ["Before"])
        backup = self.back_up("notification")
        for title in ("Between", "Later"):
            self.blog(token, title)
        self.await_told(token, ["Before", "Between", "Later"])
        self.assertIn("stop its consumers", self.rewind(GROUP, begun, code=1))

        self.mesh.services["notification"].stop()
        self.restore("notification", backup)
        self.blog(token, "Meanwhile")
        self.mesh.redis.stop()
        self.mesh.redis.start()
        # What the database has lost would not come by itself: the offsets are ahead of it.
        self.assertIn("messages again", self.rewind(GROUP, begun, code=0))
        self.start("notification", "/api/v1/notifications/user", token)
        everything = ["Before", "Between", "Later", "Meanwhile"]
        self.await_told(token, everything)
        self.blog(token, "After")
        self.await_told(token, [*everything, "After"])

    def test_blogs_go_back(self):
        """With their search, which has functions of its own."""
        _, session = self.signed_in()
        self.blog(session["token"], "Kept")
        backup = self.back_up("blog")
        self.blog(session["token"], "Lost")
        self.mesh.services["blog"].stop()
        self.restore("blog", backup)
        self.restore("blog", self.back_up("blog"))
        self.start("blog", "/api/v1/blogs")
        for query, found in (("kept", ["Kept"]), ("lost", [])):
            blogs = self.get(f"/api/v1/blogs?q={query}").json()["blogs"]
            self.assertEqual([one["title"] for one in blogs], found)
        self.blog(session["token"], "Again")

    def test_an_older_program_with_a_newer_schema(self):
        """What a release that only adds does to the one before, which still runs."""
        _, session = self.signed_in()
        self.blog(session["token"], "First")
        self.client("psql", "blog", "-q", "-v", "ON_ERROR_STOP=1", "-1", "-c", """
            ALTER TABLE blogs ADD COLUMN language text NOT NULL DEFAULT 'en';
            INSERT INTO schema_migrations (number, name, sha256)
            SELECT max(number) + 1, '9999_language.sql', 'none' FROM schema_migrations""")
        self.blog(session["token"], "Second")
        self.mesh.services["blog"].stop()
        self.start("blog", "/api/v1/blogs")
        self.blog(session["token"], "Third")

    def test_what_is_not_understood(self):
        self.assertIn("no group", self.rewind("nobody", "2026-11-22T10:00:00Z", code=1))
        self.assertIn("not a time", self.rewind(GROUP, "yesterday", code=2))
        self.assertIn("a group and a time", self.rewind(GROUP, code=2))


if __name__ == "__main__":
    unittest.main(verbosity=2)

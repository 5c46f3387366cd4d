#!/usr/bin/python3
"""What an operator sees and does with ./inkmesh events, on a mesh with poison in it."""

import json
import os
import subprocess
import sys
import unittest

from harness.waiting import until
from mesh import MeshTest

TOOL = "lib/events/tool/inkmesh-events"
USAGE = "lib/events/tool/usage.txt"


class EventsToolTest(MeshTest):
    with_kafka = True

    def run_tool(self, *args, code=0, **settings):
        """(stdout, stderr) of the program."""
        databases = " ".join(f"{name}={one.url}" for name, one in self.mesh.databases.items())
        env = {"KAFKA_BROKERS": self.mesh.kafka.url, "DATABASE_URLS": databases,
               "EVENTS_TIMEOUT": "20s", **settings}
        done = subprocess.run([TOOL, *args], env=env, capture_output=True, text=True, timeout=120,
                              check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertNotIn("\x1b", done.stdout + done.stderr)
        for database in self.mesh.databases.values():
            self.assertNotIn(database.password, done.stdout + done.stderr)
        return done.stdout, done.stderr

    def json(self, *args, **more):
        return json.loads(self.run_tool(*args, "--json", **more)[0])

    def waiting(self, *args):
        return self.json("dead", *args)["letters"]

    def await_letters(self, count):
        until(f"{count} dead letters", lambda: len(self.waiting()) == count, 60)
        return self.waiting()

    def produce(self, topic, text, key):
        subprocess.run(["kcat", "-P", "-b", self.mesh.kafka.url, "-t", topic, "-k", key],
                       input=text.encode(), check=True, timeout=30)

    def psql(self, sql):
        self.mesh.databases["notification"].psql(sql)

    def test_poison_is_seen_and_replayed(self):
        _, session = self.signed_in()
        token, text = session["token"], "Your blog Poison has been created."
        self.psql(f"ALTER TABLE notifications ADD CONSTRAINT no_poison CHECK (message <> '{text}')")
        blog = self.blog(token, "Poison")
        letter, = self.await_letters(1)
        self.assertEqual((letter["topic"], letter["key"], letter["type"], letter["group"]),
                         ("blog-events", blog, "blog-published", "notification-group"))
        self.assertEqual(json.loads(letter["payload"])["title"], "Poison")
        self.assertIn("no_poison", letter["reason"])
        self.assertEqual(letter["copies"], 1)
        self.blog(token, "Antidote")
        until("the next one", lambda: "Your blog Antidote has been created." in self.told(token), 60)

        listed, _ = self.run_tool("dead")
        for part in (letter["place"], letter["eventId"], blog, "no_poison",
                     f"blog-events/{letter['partition']}/{letter['offset']}"):
            self.assertIn(part, listed)
        self.assertNotIn("payload", listed)
        self.assertIn('"title":"Poison"', self.run_tool("dead", letter["place"])[0])
        status = self.json("status")
        self.assertEqual([(one["topic"], one["waiting"]) for one in status["deadLetters"]],
                         [("blog-events", 1)])
        until("no lag", lambda: all(not one["lag"] for one in self.json()["consumers"]), 20)
        self.assertEqual({(one["group"], one["topic"]) for one in status["consumers"]},
                         {("notification-group", "blog-events"),
                          ("notification-group", "user-events")})
        self.assertEqual({one["service"] for one in status["outboxes"]}, {"user", "blog"})
        self.assertTrue(all(one["relay"] for one in status["outboxes"]), status)

        # Not mended yet: it dies again, as another letter.
        self.assertIn("1 dead letter replayed.", self.run_tool("replay", letter["place"])[0])
        until("it to die again", lambda: [one["place"] for one in self.waiting()]
              not in ([], [letter["place"]]), 60)
        again, = self.waiting()
        self.assertEqual(again["eventId"], letter["eventId"])
        self.assertEqual([one.get("settled") for one in self.json("dead", "--all")["letters"]],
                         ["replayed", None])

        self.psql("ALTER TABLE notifications DROP CONSTRAINT no_poison")
        self.assertEqual(self.json("replay", letter["eventId"])["replayed"], 1)
        until("it is told", lambda: text in self.told(token), 60)
        self.assertIn("No dead letters wait.", self.run_tool("dead")[0])
        for args in (["all"], ["blog-events"], [again["place"]], [letter["eventId"]]):
            self.assertEqual(self.json("replay", *args)["replayed"], 0)
        self.assertIn("before", self.run_tool("replay", again["place"])[0])
        # Even when somebody puts the very message back once more.
        subprocess.run(["kcat", "-P", "-b", self.mesh.kafka.url, "-t", "blog-events", "-k", blog,
                        "-H", f"ce_id={letter['eventId']}", "-H", "ce_type=blog-published"],
                       input=letter["payload"].encode(), check=True, timeout=30)
        self.blog(token, "The last")
        until("the last", lambda: "Your blog The last has been created." in self.told(token), 60)
        self.assertEqual(self.told(token).count(text), 1)

    def test_what_nobody_can_use_is_discarded(self):
        self.produce("user-events", "{not json \x1b]0;owned\x07", "\x1b[31mkey")
        letter, = self.await_letters(1)
        self.assertEqual(letter["eventId"],
                         f"kafka:user-events/{letter['partition']}/{letter['offset']}")
        self.assertIn("?[31mkey", self.run_tool("dead", "user-events")[0])
        out, _ = self.run_tool("discard", letter["place"])
        self.assertIn("discarded " + letter["place"], out)
        self.assertEqual(self.waiting(), [])
        settled, = self.json("dead", "user-events", "--all")["letters"]
        self.assertEqual(settled["settled"], "discarded")
        self.assertEqual(self.json("replay", "user-events")["replayed"], 0)
        # Nor do headers that somebody made up get through to the terminal.
        subprocess.run(["kcat", "-P", "-b", self.mesh.kafka.url, "-t", "user-events.DLT", "-H",
                        "kafka_dlt-original-topic=from\x1b[31m"], input=b"x", check=True, timeout=30)
        letter, = self.await_letters(1)
        self.assertIn("from?[31m", self.run_tool("discard", letter["place"])[0])

    def test_what_is_not_understood(self):
        self.assertIn("no dead letter", self.run_tool("replay", "blog-events.DLT/0/99", code=1)[1])
        self.assertEqual(self.json("dead", "nothing", code=1)["letters"], [])
        for args in (["replay"], ["discard"], ["bury"], ["status", "x"], ["--unknown"]):
            self.assertTrue(self.run_tool(*args, code=2)[1])
        self.assertIn("DATABASE_URLS", self.run_tool(code=2, DATABASE_URLS="nonsense")[1])
        self.assertIn("KAFKA_BROKERS", self.run_tool(code=2, KAFKA_BROKERS="")[1])

    def test_help(self):
        with open(USAGE, encoding="utf-8") as file:
            usage = file.read()
        own = self.run_tool("--help")[0]
        local = subprocess.run([sys.executable, "-m", "local", "events", "--help"], check=True,
                               env={**os.environ, "PYTHONPATH": "tests/support"},
                               capture_output=True, text=True, timeout=30).stdout
        for text in (own, local):
            self.assertIn(usage, text)
            self.assertLessEqual(max(map(len, text.splitlines())), 105)
        self.assertTrue(local.startswith("usage: ./inkmesh events [COMMAND]"))

    def test_kafka_away(self):
        """The outboxes are still shown, and what waits in them."""
        _, session = self.signed_in()
        self.mesh.kafka.kill()
        self.blog(session["token"], "Waiting")
        status = self.json("status", code=1, EVENTS_TIMEOUT="5s")
        blogs, = (one for one in status["outboxes"] if one["service"] == "blog")
        self.assertEqual(blogs["depth"], 1)
        self.assertGreater(blogs["oldestSeconds"], 0)
        self.assertIn(self.mesh.kafka.url, status["errors"][0])
        out, err = self.run_tool(code=1, EVENTS_TIMEOUT="5s")
        self.assertRegex(out, r"(?m)^  blog +1 ")
        self.assertIn("does not answer", err)
        self.run_tool("replay", "all", code=1, EVENTS_TIMEOUT="2s")
        self.mesh.databases["blog"].pause()
        out, err = self.run_tool(code=1, EVENTS_TIMEOUT="5s")
        self.mesh.databases["blog"].resume()
        self.assertIn("the database of blog", err)
        self.assertRegex(out, r"(?m)^  user +\d")
        self.mesh.kafka.start()
        until("it is told", lambda: "Your blog Waiting has been created."
              in self.told(session["token"]), 60)
        blogs, = (one for one in self.json("status")["outboxes"] if one["service"] == "blog")
        self.assertEqual(blogs["depth"], 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)

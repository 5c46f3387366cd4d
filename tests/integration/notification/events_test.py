#!/usr/bin/python3
"""From events in Kafka to notifications: the exact texts, once each, in order, whatever dies."""

import json
import re
import subprocess
import threading
import time
import unittest
import uuid

import psycopg2

from fixture import NotificationTest
from harness import hostile
from harness.link import Links
from harness.logs import read_log
from harness.rpc import Failure
from harness.waiting import until


class EventsTest(NotificationTest):
    settings = {"with_kafka": True, "STREAM_POLL": "500ms"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        until("the consumers have joined",
              lambda: all(one.metric("event_consumer_joined") for one in cls.mesh.replicas), 40)

    def setUp(self):
        if not self.mesh.kafka.running():
            self.mesh.kafka.start()
        for one in self.mesh.replicas:
            if not one.running():
                one.start()
            until("calls work", self.works(one), 10)

    def works(self, replica):
        _, token = self.user()

        def attempt():
            try:
                return self.call("ListNotifications", replica, token=token) is not None
            except Failure:
                return False
        return attempt

    def send(self, topic, payload, key=None, event_id=None, headers=True):
        """Produces one event as the services do; or, without headers, as the older system did."""
        text = payload if isinstance(payload, str) else json.dumps(payload)
        command = ["kcat", "-P", "-b", self.mesh.kafka.url, "-t", topic, "-X", "acks=all"]
        if key:
            command += ["-k", key]
        if headers:
            for name, value in (("ce_id", event_id or str(uuid.uuid4())),
                                ("ce_type", payload["type"]), ("ce_specversion", "1.0"),
                                ("ce_source", "/inkmesh/test"), ("content-type", "application/json")):
                command += ["-H", f"{name}={value}"]
        subprocess.run(command, input=text.encode(), check=True, timeout=30)

    def blog_event(self, kind, user_id, title, blog_id=None, **more):
        blog_id = blog_id or str(uuid.uuid4())
        self.send("blog-events", {"type": kind, "blogId": blog_id, "title": title,
                                  "authorId": user_id, **more}, blog_id)
        return blog_id

    def told(self, token):
        """(text, type) of a user's notifications, the oldest first."""
        ids, page_token = [], ""
        while True:
            reply = self.call("ListNotifications", token=token, page_size=100,
                              page_token=page_token)
            ids += [(one.message, one.type) for one in reply.notifications]
            page_token = reply.next_page_token
            if not page_token:
                return ids[::-1]

    def assert_told(self, token, *expected, seconds=20):
        until(f"{len(expected)} are told", lambda: len(self.told(token)) >= len(expected), seconds)
        self.assertEqual(self.told(token), list(expected))

    def sum(self, name):
        return sum(one.metric(name) for one in self.mesh.replicas)

    def dead(self, topic):
        """The dead letters of a topic: key, headers and payload."""
        done = subprocess.run(["kcat", "-C", "-b", self.mesh.kafka.url, "-t", f"{topic}.DLT", "-e",
                               "-q", "-f", "%k|%h|%s\n"], capture_output=True, timeout=30, check=True)
        return done.stdout.decode().splitlines()

    def test_texts(self):
        user_id, token = self.user()
        stream = self.mesh.second.client.stream("StreamNotifications", token=token).begun()
        self.messages(token)  # an empty list is in the cache
        self.send("user-events", {"type": "user-registered", "userId": user_id.upper(),
                                  "username": "Ada \"Ω\" 🦊"}, user_id)
        welcome = ("Welcome, Ada \"Ω\" 🦊! Your account has been created.", "email")
        self.assert_told(token, welcome)
        blog_id = self.blog_event("blog-published", user_id, "On Engines")
        self.blog_event("blog-updated", user_id, "On Engines, revised", blog_id, extra={"x": [1]})
        self.blog_event("blog-deleted", user_id, "On Engines, revised", blog_id)
        expected = [welcome, ("Your blog On Engines has been created.", "in-app"),
                    ("Your blog On Engines, revised has been updated.", "in-app")]
        self.assert_told(token, *expected)
        self.assertEqual([(one.message, one.type) for one in stream.take(3)], expected)
        self.assertEqual(self.messages(token), [text for text, _ in expected[::-1]])
        stream.cancel()

    def test_events_cannot_forge_log_lines(self):
        """Hostile texts in every field, header and key; the log is checked line by line at the end."""
        names = ("event_consumer_handled_total", "event_consumer_unknown_total",
                 "event_consumer_dead_total", "event_consumer_repeated_total")

        def dealt_with():
            return sum(self.sum(name) for name in names)
        before, count = dealt_with(), 0
        user_id, _ = self.user()
        for text in (text for text in hostile.TEXTS if "\0" not in text):
            good = {"type": "blog-published", "blogId": str(uuid.uuid4()), "title": text,
                    "authorId": user_id}
            for event in (good, {**good, "type": text}, {**good, "blogId": text},
                          {**good, "authorId": text}):
                self.send("blog-events", event, headers=False)
            self.send("blog-events", good, key=text, event_id=text)
            self.send("blog-events", text, headers=False)
            count += 6
        until("all are dealt with", lambda: dealt_with() - before >= count, 60)
        for one in self.mesh.replicas:
            self.assertNotIn("forged", {line["msg"] for line in read_log(one.log)})

    def test_repeats_are_recognised(self):
        user_id, token = self.user()
        event_id = str(uuid.uuid4())
        event = {"type": "user-registered", "userId": user_id, "username": "ada"}
        for _ in range(3):
            self.send("user-events", event, user_id, event_id)
        self.send("user-events", {**event, "username": "end"}, user_id)
        self.assert_told(token, ("Welcome, ada! Your account has been created.", "email"),
                         ("Welcome, end! Your account has been created.", "email"))

    def test_what_redis_forgets_before_a_commit_leaves_nothing_stale(self):
        user_id, token = self.user()
        self.create(token, "first")
        self.slow_commits("INSERT", user_id)
        self.blog_event("blog-published", user_id, "A title")
        self.await_slow_commit()
        self.mesh.redis.command("FLUSHALL")
        self.assertEqual(self.messages(token), ["first"])
        self.assert_told(token, ("first", "in-app"), ("Your blog A title has been created.", "in-app"))
        until("the first page has it, too", lambda: len(self.messages(token)) == 2, 5)

    def hold_commits(self, user_id):
        """Holds up changes of a user's notifications in their commit, until what this returns is
        closed."""
        postgres = self.mesh.postgres
        holder = psycopg2.connect(postgres.url)
        self.addCleanup(holder.close)
        holder.cursor().execute("SELECT pg_advisory_lock(1)")
        postgres.psql(
            "CREATE FUNCTION held() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NULL; END $$;"
            "CREATE CONSTRAINT TRIGGER held AFTER INSERT ON notifications DEFERRABLE INITIALLY"
            f" DEFERRED FOR EACH ROW WHEN (NEW.user_id = '{user_id}') EXECUTE FUNCTION held()")
        self.addCleanup(postgres.psql, "DROP FUNCTION held() CASCADE")
        return holder

    def reader(self):
        """A replica that has no events, in the place of the others."""
        for one in self.mesh.replicas:
            one.stop()
        reader = self.replica(KAFKA_BROKERS="")
        reader.start()
        until("calls work", self.works(reader), 20)
        return reader

    def consumer(self, links):
        """A replica whose way to PostgreSQL can be broken, and that way. It is not ready yet."""
        port = self.mesh.postgres.port
        link = links.add(port)
        consumer = self.replica(DATABASE_URL=self.mesh.postgres.url.replace(
            f":{port}/", f":{link.port}/"))
        consumer.launch()
        return consumer, link

    def count(self, condition):
        return int(self.mesh.postgres.psql(f"SELECT count(*) FROM {condition}"))

    def commits(self):
        """How many transactions are held up in their commit."""
        return self.count("pg_stat_activity WHERE query = 'COMMIT' AND wait_event = 'advisory'")

    def test_what_redis_forgets_while_nobody_knows_of_a_commit(self):
        """Of two transactions one loses its connection in its commit, which goes on without it. The
        other one's end is not the end of that."""
        user_id, token = self.user()
        self.create(token, "first")
        reader = self.reader()
        holder = self.hold_commits(user_id)
        authors = [user_id, *(self.user()[0] for _ in range(120))]
        self.produce([("one lane", {"type": "blog-published", "blogId": str(uuid.uuid4()),
                                    "title": "One of two", "authorId": author})
                      for author in authors])
        with Links() as links:
            consumer, link = self.consumer(links)
            until("one commits and the other one has", lambda: self.commits() and self.count(
                "notifications WHERE message LIKE '%One of two%'"), 30)
            link.drop()
            until("the other one is done",
                  lambda: consumer.metric("event_consumer_handled_total"), 30)
            time.sleep(0.2)
            self.mesh.redis.command("FLUSHALL")
            self.assertEqual(self.messages(token, replica=reader), ["first"])
            holder.close()
            until("the commit is done",
                  lambda: self.count(f"notifications WHERE user_id = '{user_id}'") == 2, 20)
            link.heal()
            until("the first page has it, too",
                  lambda: len(self.messages(token, replica=reader)) == 2, 20)
            consumer.stop()

    def test_what_redis_forgets_before_a_commit_whose_consumer_ends(self):
        """It never learns of it, and who has the event after it has nothing to tell."""
        user_id, token = self.user()
        self.create(token, "first")
        reader = self.reader()
        holder = self.hold_commits(user_id)
        self.blog_event("blog-published", user_id, "Its last")
        with Links() as links:
            consumer, link = self.consumer(links)
            until("it commits", self.commits, 30)
            link.drop()
            self.mesh.redis.command("FLUSHALL")
            self.assertEqual(self.messages(token, replica=reader), ["first"])
            holder.close()
            until("the commit is done",
                  lambda: self.count(f"notifications WHERE user_id = '{user_id}'") == 2, 20)
            self.assertEqual(self.messages(token, replica=reader), ["first"])  # of Redis
            consumer.stop()
            until("the first page has it, too",
                  lambda: len(self.messages(token, replica=reader)) == 2, 20)

    def test_events_of_the_older_system(self):
        """Neither key nor headers: the payload says what it is."""
        user_id, token = self.user()
        self.send("blog-events", {"type": "blog-published", "blogId": str(uuid.uuid4()),
                                  "title": "old", "authorId": user_id}, headers=False)
        self.assert_told(token, ("Your blog old has been created.", "in-app"))

    def test_poison(self):
        user_id, token = self.user()
        blog = str(uuid.uuid4())
        before = self.sum("event_consumer_dead_total")
        wrong = [{"type": "blog-published", "title": "no author"},
                 {"type": "blog-published", "title": 7, "authorId": user_id},
                 {"type": "blog-published", "title": "x", "authorId": "nobody"},
                 {"type": "blog-published", "title": "x" * 600, "authorId": user_id}]
        for event in wrong:
            self.send("blog-events", event, blog)
        self.send("blog-events", "{not json", blog, headers=False)
        self.blog_event("blog-published", user_id, "good", blog)
        self.assert_told(token, ("Your blog good has been created.", "in-app"))
        until("they are dead", lambda: self.sum("event_consumer_dead_total") >= before + 5, 40)
        letters = [line for line in self.dead("blog-events") if line.startswith(blog)]
        # One may be there twice when partitions moved in between; its id tells.
        self.assertEqual(len({re.search(r"ink_event-id=([^|,]+)", line).group(1)
                              for line in letters}), 5)
        dead = "\n".join(letters)
        for text in ("authorId is missing", "title is missing", "{not json", "500 characters"):
            self.assertIn(text, dead)

    def test_unknown_types_are_skipped(self):
        user_id, token = self.user()
        blog = str(uuid.uuid4())
        before = self.sum("event_consumer_unknown_total")
        self.send("blog-events", {"type": "blog-praised", "authorId": user_id}, blog)
        self.blog_event("blog-published", user_id, "after", blog)
        self.assert_told(token, ("Your blog after has been created.", "in-app"))
        until("it is counted", lambda: self.sum("event_consumer_unknown_total") > before, 10)

    def produce(self, events):
        """Many blog events at once, each with its key, without headers."""
        lines = [f"{key}\t{json.dumps(event)}" for key, event in events]
        subprocess.run(["kcat", "-P", "-b", self.mesh.kafka.url, "-t", "blog-events", "-K", "\t",
                        "-X", "acks=all", "-X", "enable.idempotence=true"],
                       input="\n".join(lines).encode(), check=True, timeout=60)

    def flood(self, user_ids, blogs, updates):
        """Produces creates with updates of many blogs, in per-blog order; ends with all sent."""
        events = []
        for number in range(updates + 1):
            for blog in range(blogs):
                kind = "blog-updated" if number else "blog-published"
                author = user_ids[blog % len(user_ids)]
                event = {"type": kind, "blogId": f"{blog}", "title": f"{blog}/{number}",
                         "authorId": author}
                events.append((blog, event))
        self.produce(events)

    def assert_flood(self, tokens, blogs, updates):
        expected = (updates + 1) * blogs
        until("all is told", lambda: sum(len(self.told(token)) for token in tokens) >= expected, 60)
        time.sleep(1)
        texts = [text for token in tokens for text, _ in self.told(token)]
        self.assertEqual(len(texts), expected)
        for blog in range(blogs):
            own = [text for text in texts if text.startswith(f"Your blog {blog}/")]
            self.assertEqual(own, [
                f"Your blog {blog}/{n} has been {'updated' if n else 'created'}."
                for n in range(updates + 1)])

    def test_exactly_once_while_a_replica_is_killed(self):
        users = [self.user() for _ in range(5)]
        thread = threading.Thread(target=self.flood, args=([one for one, _ in users], 100, 5))
        thread.start()
        for one in self.mesh.replicas:
            time.sleep(0.3)
            one.kill()
            one.start()
            until("calls work", self.works(one), 10)
        thread.join()
        self.assert_flood([token for _, token in users], 100, 5)

    def test_exactly_once_while_postgresql_and_redis_restart(self):
        users = [self.user() for _ in range(5)]
        self.mesh.postgres.kill()
        self.flood([one for one, _ in users], 40, 2)
        self.mesh.redis.kill()
        self.mesh.postgres.start()
        self.mesh.redis.start()
        for one in self.mesh.replicas:
            one.wait_ready()
            until("calls work", self.works(one), 10)
        self.assert_flood([token for _, token in users], 40, 2)

    def test_kafka_away(self):
        """Everything else works, also readiness; and what was sent before is consumed later."""
        user_id, token = self.user()
        self.mesh.kafka.stop()
        until("it is noticed", lambda: "events" in self.mesh.first.admin("/readyz")[1], 15)
        self.create(token, "without Kafka")
        self.assertEqual(self.mesh.first.admin("/readyz")[0], 200)
        self.mesh.kafka.start()
        self.blog_event("blog-published", user_id, "back")
        self.assert_told(token, ("without Kafka", "in-app"),
                         ("Your blog back has been created.", "in-app"), seconds=40)


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/python3
"""StreamNotifications: across replicas, with resume, limits, and servers that go away."""

import queue
import time
import unittest

from fixture import NotificationTest
from harness.rpc import Failure
from harness.service import service_token
from harness.waiting import until

BEGINNING = "00000000-0000-0000-0000-000000000000"


class StreamTest(NotificationTest):
    # So slow a poll that what comes sooner came by the news.
    settings = {"STREAM_POLL": "20s", "STREAMS_PER_USER": "3", "STREAMS_MAX": "5",
                "DRAIN_GRACE_MS": "10s"}

    def setUp(self):
        self.streams = []
        until("the streams of other tests are gone", lambda: self.open_streams() == 0, 10)

    def tearDown(self):
        for stream in self.streams:
            stream.cancel()
        if not self.mesh.redis.running():
            self.mesh.redis.start()
        for one in self.mesh.replicas:
            if not one.running():
                one.start()
            until("news are heard", lambda one=one: one.metric("notification_news_listening"), 10)
        self.await_calls()

    def open_streams(self):
        return sum(one.metric("notification_streams") for one in self.mesh.replicas)

    def stream(self, token, replica=None, **fields):
        one = (replica or self.mesh.first).client.stream("StreamNotifications", token=token,
                                                         **fields)
        self.streams.append(one)
        return one

    def opened(self, token, replica=None):
        """A stream that knows where it begins."""
        return self.stream(token, replica).begun()

    def leave(self, stream):
        """Cancels a stream that has begun, and waits until the service has noticed."""
        before = self.open_streams()
        stream.cancel()
        until("the stream is gone", lambda: self.open_streams() < before, 5)

    def assert_quiet(self, stream, seconds=0.5):
        with self.assertRaises(queue.Empty):
            stream.next(seconds)

    def test_news_reach_every_replica_at_once(self):
        _, token = self.user()
        streams = [self.opened(token, one) for one in self.mesh.replicas]
        for number in range(6):
            writer = self.mesh.replicas[number % 2]
            begun = time.monotonic()
            made = self.create(token, str(number), replica=writer)
            for stream in streams:
                self.assertEqual(stream.next(5), made)
            self.assertLess(time.monotonic() - begun, 2)

    def test_news_of_several_users_come_in_one_message(self):
        users = [self.user() for _ in range(3)]
        streams = [self.opened(token) for _, token in users]
        for user_id, _ in users:
            self.mesh.postgres.psql(
                f"INSERT INTO mailboxes VALUES ('{user_id}', 1, 1);"
                "INSERT INTO notifications (id, user_id, seq, message, type, created_at)"
                f" VALUES (gen_random_uuid(), '{user_id}', 1, 'x', 'in-app', now())")
        self.mesh.redis.command("PUBLISH", "notifications:new",
                                "".join(user_id for user_id, _ in users))
        for stream in streams:
            self.assertEqual(stream.next(10).message, "x")

    def test_without_an_id_it_begins_now(self):
        _, token = self.user()
        self.create(token, "old")
        for number in range(20):
            stream = self.stream(token).begun()
            made = self.create(token, str(number))
            self.assertEqual(stream.next(), made)
            self.leave(stream)

    def test_resume(self):
        _, token = self.user()
        ids = [self.create(token, str(n)).id for n in range(7)]
        for at in (0, 3, 6):
            stream = self.stream(token, last_event_id=ids[at].upper())
            behind = ids[at + 1:]
            self.assertEqual([one.id for one in stream.take(len(behind))], behind)
            made = self.create(token, "new")
            ids.append(made.id)
            self.assertEqual(stream.next(), made)

    def test_resume_over_many(self):
        _, token = self.user()
        ids = [self.create(token, str(n)).id for n in range(250)]
        stream = self.stream(token, last_event_id=BEGINNING)
        self.assertEqual([one.id for one in stream.take(250)], ids)
        self.assert_quiet(stream)

    def test_an_id_of_nobody_or_somebody_else_stands_for_its_time(self):
        _, token = self.user()
        _, other = self.user()
        first = self.create(token, "first")
        theirs = self.create(other, "theirs").id
        second = self.create(token, "second")
        stream = self.stream(token, last_event_id=theirs)
        self.assertEqual(stream.next(), second)
        self.assert_quiet(stream)
        stream = self.stream(token, last_event_id="ffffffff-ffff-7fff-bfff-ffffffffffff")
        self.assert_quiet(stream)
        third = self.create(token, "third")
        self.assertEqual(stream.next(), third)
        self.assertEqual(self.stream(token, last_event_id=first.id).take(2), [second, third])

    def test_a_malformed_id_is_refused(self):
        _, token = self.user()
        with self.assertRaises(Failure) as caught:
            self.stream(token, last_event_id="42").next()
        self.assertEqual((caught.exception.code, list(caught.exception.violations)),
                         ("INVALID_ARGUMENT", ["last_event_id"]))

    def test_only_ones_own(self):
        _, token = self.user()
        _, other = self.user()
        stream = self.opened(token)
        self.create(other, "theirs")
        self.assert_quiet(stream)
        made = self.create(token, "mine")
        self.assertEqual(stream.next(), made)

    def test_only_for_users(self):
        for token, code in ((None, "UNAUTHENTICATED"), (service_token("blog"), "PERMISSION_DENIED")):
            with self.assertRaises(Failure) as caught:
                self.stream(token).next()
            self.assertEqual(caught.exception.code, code)

    def test_nothing_is_missed_or_repeated_while_many_write(self):
        _, token = self.user()
        begin = self.create(token, "probe").id
        watched = self.opened(token, self.mesh.second)

        def act(number):
            return [self.create(token, replica=self.mesh.replicas[number % 2]).id
                    for _ in range(25)]
        made = sum(self.at_once(8, act), [])
        got = [one.id for one in watched.take(len(made))]
        self.assertEqual(sorted(got), sorted(made))
        self.assert_quiet(watched)
        # In the order of the list; and resuming anywhere gives exactly what is behind.
        self.assertEqual(sum(self.all_pages(token, 50), [])[-2::-1], got)
        for at in (0, 57, 199):
            again = self.stream(token, last_event_id=got[at]).begun()
            self.assertEqual([one.id for one in again.take(len(got) - at - 1)], got[at + 1:])
            self.leave(again)
        again = self.stream(token, last_event_id=begin)
        self.assertEqual([one.id for one in again.take(len(got))], got)

    def test_reconnecting_in_the_middle_of_writes(self):
        _, token = self.user()
        last = self.create(token, "probe").id
        got = []

        def act(number):
            if number:
                return [self.create(token, replica=self.mesh.replicas[number % 2]).id
                        for _ in range(40)]
            nonlocal last
            turn = 0
            while len(got) < 160:
                turn += 1
                stream = self.stream(token, self.mesh.replicas[turn % 2], last_event_id=last)
                for _ in range(min(7, 160 - len(got))):
                    got.append(stream.next(10).id)
                last = got[-1]
                self.leave(stream)
            return []
        made = sum(self.at_once(5, act), [])
        self.assertEqual(len(set(got)), 160)
        self.assertEqual(sorted(got), sorted(made))

    def test_limits(self):
        _, token = self.user()
        own = [self.opened(token) for _ in range(3)]
        self.refused(token, "TOO_MANY_OWN_STREAMS")
        others = [self.opened(self.user()[1]) for _ in range(2)]
        self.refused(self.user()[1], "SERVER_OVERLOADED")
        # The other replica has limits of its own, and what ends makes room.
        self.opened(token, self.mesh.second)
        own[0].cancel()
        until("there is room", lambda: self.mesh.first.metric("notification_streams") == 4, 5)
        self.opened(token)
        self.assertEqual(len(others), 2)

    def refused(self, token, reason):
        with self.assertRaises(Failure) as caught:
            self.stream(token).next()
        self.assertEqual((caught.exception.code, caught.exception.reason),
                         ("RESOURCE_EXHAUSTED", reason))
        self.assertGreater(caught.exception.retry_after, 0)

    def test_redis_restarts(self):
        """What Redis drops is not missed: whoever listens again looks at once."""
        _, token = self.user()
        stream = self.opened(token, self.mesh.second)
        made = self.create(token, "before", replica=self.mesh.second)
        self.assertEqual(stream.next(), made)  # from here on it looks when there is news
        self.mesh.redis.kill()
        until("nobody listens", lambda: not any(one.metric("notification_news_listening")
                                                for one in self.mesh.replicas), 10)
        made = self.create(token, "without Redis", replica=self.mesh.first)
        self.assert_quiet(stream)
        self.mesh.redis.start()
        self.assertEqual(stream.next(8), made)
        made = self.create(token, "with Redis", replica=self.mesh.first)
        self.assertEqual(stream.next(5), made)

    def test_ones_own_process_needs_no_redis(self):
        _, token = self.user()
        stream = self.opened(token)
        self.mesh.redis.kill()
        made = self.create(token, "without Redis")
        self.assertEqual(stream.next(5), made)

    def test_frozen_redis_is_noticed(self):
        _, token = self.user()
        stream = self.opened(token, self.mesh.second)
        self.mesh.redis.pause()
        try:
            until("nobody listens", lambda: not any(one.metric("notification_news_listening")
                                                    for one in self.mesh.replicas), 15)
        finally:
            self.mesh.redis.resume()
        made = self.create(token, "after", replica=self.mesh.first)
        self.assertEqual(stream.next(10), made)

    def test_drain_ends_streams_at_once(self):
        _, token = self.user()
        made = self.create(token, "seen")
        stream = self.stream(token, self.mesh.second, last_event_id=BEGINNING)
        self.assertEqual(stream.next(), made)
        begun = time.monotonic()
        self.assertEqual(self.mesh.second.stop(), 0)
        self.assertLess(time.monotonic() - begun, 5)
        with self.assertRaises(Failure) as caught:
            stream.next()
        self.assertEqual(caught.exception.code, "UNAVAILABLE")

    def test_killed_replica(self):
        _, token = self.user()
        first = self.create(token, "first")
        stream = self.stream(token, self.mesh.second, last_event_id=BEGINNING)
        self.assertEqual(stream.next(), first)
        self.mesh.second.kill()
        with self.assertRaises(Failure):
            stream.next()
        second = self.create(token, "second")
        self.assertEqual(self.stream(token, last_event_id=first.id).next(), second)

    def test_a_client_that_leaves_makes_room(self):
        _, token = self.user()
        for _ in range(4):
            self.leave(self.opened(token))


class PollTest(NotificationTest):
    """News are a hint: without Redis a stream looks now and then."""

    settings = {"STREAM_POLL": "500ms"}

    def test_other_replicas_without_redis(self):
        _, token = self.user()
        first = self.create(token, "first")
        stream = self.mesh.second.client.stream("StreamNotifications", token=token,
                                                last_event_id=BEGINNING)
        self.assertEqual(stream.next(), first)
        self.mesh.redis.kill()
        made = [self.create(token, str(n), replica=self.mesh.first) for n in range(3)]
        self.assertEqual(stream.take(3, 5), made)
        stream.cancel()

    def test_postgresql_restarts_under_a_stream(self):
        _, token = self.user()
        first = self.create(token, "first")
        stream = self.mesh.first.client.stream("StreamNotifications", token=token,
                                               last_event_id=BEGINNING)
        self.assertEqual(stream.next(), first)
        self.mesh.postgres.kill()
        time.sleep(1.5)
        self.mesh.postgres.start()
        until("notifications can be made", self.makes(token), 15)
        self.assertEqual(stream.next().message, "after")
        stream.cancel()

    def makes(self, token):
        def attempt():
            try:
                return self.create(token, "after")
            except Failure:
                return False
        return attempt


if __name__ == "__main__":
    unittest.main()

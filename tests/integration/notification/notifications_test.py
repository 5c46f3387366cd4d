#!/usr/bin/python3
"""CreateNotification, ListNotifications, MarkRead and MarkAllRead on real servers."""

import time
import unittest
import uuid

from fixture import SECRET_TEXT, NotificationTest
from harness.service import service_token


class CreateTest(NotificationTest):
    def test_answer(self):
        before = time.time()
        user_id, token = self.user()
        made = self.create(token, user_id=user_id, type="email")
        self.assertEqual(uuid.UUID(made.id).version, 7)
        self.assertEqual((made.user_id, made.message, made.type, made.read),
                         (user_id, SECRET_TEXT, "email", False))
        self.assertTrue(before - 5 < made.created_at.ToSeconds() < time.time() + 5)
        self.assertEqual(list(self.call("ListNotifications", token=token).notifications), [made])

    def test_user_for_themselves(self):
        user_id, token = self.user()
        for given in ("", user_id, user_id.upper()):
            self.assertEqual(self.create(token, user_id=given).user_id, user_id)
        other, other_token = self.user()
        failure = self.fail_call("CreateNotification", token=token, user_id=other, message="x",
                                 type="in-app")
        self.assertEqual(failure.code, "PERMISSION_DENIED")
        self.assertEqual(self.messages(other_token), [])

    def test_service_for_anyone(self):
        user_id, token = self.user()
        made = self.create(service_token("blog"), user_id=user_id.upper())
        self.assertEqual(made.user_id, user_id)
        self.assertEqual(self.messages(token), [SECRET_TEXT])
        failure = self.fail_call("CreateNotification", token=service_token("blog"), message="x",
                                 type="in-app")
        self.assertEqual((failure.code, list(failure.violations)), ("INVALID_ARGUMENT", ["user_id"]))

    def test_rules(self):
        _, token = self.user()
        for fields in ({"message": ""}, {"message": "x" * 501}, {"message": "a\0b"},
                       {"type": ""}, {"type": "sms"}, {"type": "Email"}, {"type": "in_app"},
                       {"user_id": "x"}):
            with self.subTest(fields):
                failure = self.fail_call("CreateNotification", token=token,
                                         **{"message": "x", "type": "email", **fields})
                self.assertEqual((failure.code, set(failure.violations)),
                                 ("INVALID_ARGUMENT", set(fields)))
        self.assertEqual(self.messages(token), [])

    def test_texts_survive(self):
        _, token = self.user()
        for text in ("🦊" * 500, "O'Brien \"{},\\n\" \t\n NULL", "{a,b}", " ", "null"):
            self.assertEqual(self.create(token, text).message, text)
            self.assertEqual(self.messages(token)[0], text)

    def test_only_for_callers(self):
        for method in ("CreateNotification", "ListNotifications", "MarkRead", "MarkAllRead"):
            self.assertEqual(self.fail_call(method).code, "UNAUTHENTICATED")
        for method in ("ListNotifications", "MarkRead", "MarkAllRead"):
            failure = self.fail_call(method, token=service_token("blog"))
            self.assertEqual(failure.code, "PERMISSION_DENIED")


class ListTest(NotificationTest):
    def test_empty(self):
        _, token = self.user()
        for _ in range(2):  # the second from the cache
            reply = self.call("ListNotifications", token=token)
            self.assertEqual((list(reply.notifications), reply.next_page_token,
                              reply.unread_count), ([], "", 0))

    def test_pages(self):
        _, token = self.user()
        ids = [self.create(token, str(n)).id for n in range(25)][::-1]
        first = self.call("ListNotifications", token=token)
        self.assertEqual([one.id for one in first.notifications], ids[:20])
        self.assertEqual(first.unread_count, 25)
        for size in (1, 7, 20, 24, 25, 100):
            pages = self.all_pages(token, size)
            self.assertEqual(sum(pages, []), ids, size)
            self.assertEqual({len(page) for page in pages[:-1]} - {size}, set())
            self.assertTrue(pages[-1])

    def test_pages_are_stable_while_new_ones_come(self):
        _, token = self.user()
        ids = [self.create(token).id for _ in range(6)][::-1]
        first = self.call("ListNotifications", token=token, page_size=3)
        self.create(token)
        rest = self.call("ListNotifications", token=token, page_size=3,
                         page_token=first.next_page_token)
        self.assertEqual([one.id for one in [*first.notifications, *rest.notifications]], ids)

    def test_page_sizes(self):
        _, token = self.user()
        for size in (-1, 101, 2**31 - 1):
            failure = self.fail_call("ListNotifications", token=token, page_size=size)
            self.assertEqual((failure.code, list(failure.violations)),
                             ("INVALID_ARGUMENT", ["page_size"]))

    def test_tokens_cannot_be_made_or_moved(self):
        _, token = self.user()
        _, other = self.user()
        for _ in range(3):
            self.create(token)
            self.create(other)
        good = self.call("ListNotifications", token=token, page_size=1).next_page_token
        changed = [good[:n] + ("A" if good[n] != "A" else "B") + good[n + 1:]
                   for n in range(len(good))]
        self.call("ListNotifications", token=token, page_token=good)
        for page_token in ["x", "AAAA", good[:-1], good + "A", good + "=", *changed]:
            failure = self.fail_call("ListNotifications", token=token, page_token=page_token)
            self.assertEqual((failure.code, list(failure.violations)),
                             ("INVALID_ARGUMENT", ["page_token"]), page_token)
        failure = self.fail_call("ListNotifications", token=other, page_token=good)
        self.assertEqual(failure.code, "INVALID_ARGUMENT")
        # Another replica takes them.
        self.call("ListNotifications", replica=self.mesh.second, token=token, page_token=good)

    def test_only_ones_own(self):
        _, token = self.user()
        _, other = self.user()
        self.create(token, "mine")
        self.create(other, "theirs")
        self.assertEqual(self.messages(token), ["mine"])
        self.assertEqual(self.messages(other), ["theirs"])


class ReadTest(NotificationTest):
    def unread(self, token, replica=None):
        reply = self.call("ListNotifications", token=token, replica=replica)
        self.assertEqual(sum(not one.read for one in reply.notifications), reply.unread_count)
        return reply.unread_count

    def test_one(self):
        _, token = self.user()
        ids = [self.create(token).id for _ in range(3)]
        self.assertEqual(self.unread(token), 3)
        for id_ in (ids[1], ids[1], ids[1].upper()):
            self.call("MarkRead", token=token, id=id_)
            self.assertEqual(self.unread(token), 2)
            self.assertEqual(self.unread(token, self.mesh.second), 2)
        reply = self.call("ListNotifications", token=token)
        self.assertEqual([one.id for one in reply.notifications if one.read], [ids[1]])

    def test_someone_elses_is_not_found(self):
        _, token = self.user()
        _, other = self.user()
        id_ = self.create(other).id
        for unknown in (id_, str(uuid.uuid4())):
            self.assertEqual(self.fail_call("MarkRead", token=token, id=unknown).code, "NOT_FOUND")
        self.assertEqual(self.unread(other), 1)
        for malformed in ("", "read-all", id_ + "0"):
            failure = self.fail_call("MarkRead", token=token, id=malformed)
            self.assertEqual((failure.code, list(failure.violations)), ("INVALID_ARGUMENT", ["id"]))

    def test_all(self):
        _, token = self.user()
        _, other = self.user()
        self.call("MarkAllRead", token=token)  # none is there yet
        for _ in range(3):
            self.create(token)
            self.create(other)
        for _ in range(2):
            self.call("MarkAllRead", token=token)
            self.assertEqual(self.unread(token), 0)
        self.assertEqual(self.unread(other), 3)
        self.create(token)
        self.assertEqual(self.unread(token), 1)

    def test_count_is_exact_whatever_crosses(self):
        _, token = self.user()
        ids = [self.create(token).id for _ in range(8)]

        def act(number):
            replica = self.mesh.replicas[number % 2]
            for id_ in ids:
                self.call("MarkRead", replica, token=token, id=id_)
                self.create(token, replica=replica) if number % 3 == 0 else None
                self.call("MarkAllRead", replica, token=token) if number == 5 else None
        self.at_once(8, act)
        _, user_token = self.user()
        unread = self.call("ListNotifications", token=token, page_size=100)
        self.assertEqual(unread.unread_count, sum(not one.read for one in unread.notifications))
        self.assertEqual(self.messages(user_token), [])
        self.assertEqual(len(unread.notifications), 8 + 3 * 8)


class CacheTest(NotificationTest):
    def key(self, user_id):
        return f"notifications:user:{user_id}"

    def cached(self, user_id):
        return self.mesh.redis.command("STRLEN", self.key(user_id))

    def test_the_newest_page_comes_from_redis(self):
        user_id, token = self.user()
        self.create(token)
        self.assertEqual(self.messages(token), [SECRET_TEXT])
        before = self.mesh.first.metric('cache_requests_total{result="hit"}')
        self.assertEqual(self.messages(token), [SECRET_TEXT])
        self.assertEqual(self.mesh.first.metric('cache_requests_total{result="hit"}'), before + 1)
        ttl = int(self.mesh.redis.command("TTL", self.key(user_id))[1:])
        self.assertTrue(3600 * 0.9 - 10 < ttl <= 3600, ttl)

    def test_never_stale_after_a_change(self):
        _, token = self.user()
        for number in range(30):
            writer, reader = self.mesh.replicas[number % 2], self.mesh.replicas[(number + 1) % 2]
            id_ = self.create(token, str(number), replica=writer).id
            self.assertEqual(self.messages(token, replica=reader)[0], str(number))
            self.call("MarkRead", writer, token=token, id=id_)
            reply = self.call("ListNotifications", reader, token=token)
            self.assertTrue(reply.notifications[0].read)

    def test_readers_that_race_with_writers_leave_nothing_stale(self):
        _, token = self.user()

        def act(number):
            replica = self.mesh.replicas[number % 2]
            seen = 0
            for _ in range(40):
                if number < 2:
                    self.create(token, replica=replica)
                else:
                    count = self.call("ListNotifications", replica, token=token).unread_count
                    self.assertGreaterEqual(count, seen)
                    seen = count
        self.at_once(6, act)
        for replica in self.mesh.replicas:
            self.assertEqual(self.call("ListNotifications", replica, token=token).unread_count, 80)

    def test_rubbish_in_redis_is_a_miss(self):
        user_id, token = self.user()
        self.create(token)
        self.mesh.redis.command("SET", self.key(user_id), "0" * 18 + "91" + "\xff\xffrubbish")
        self.assertEqual(self.messages(token), [SECRET_TEXT])

    def test_what_redis_forgets_before_a_commit_leaves_nothing_stale(self):
        """The mark is made before the commit, and forgotten; a reader puts the old list there."""
        user_id, token = self.user()
        id_ = self.create(token, "first").id
        self.slow_commits("INSERT OR UPDATE", user_id)
        for method, fields, after in (
                ("CreateNotification", {"message": "second", "type": "in-app"}, 2),
                ("MarkRead", {"id": id_}, 1)):
            with self.subTest(method):
                made = self.mesh.first.client.start(method, token=token, **fields)
                self.await_slow_commit()
                self.mesh.redis.command("FLUSHALL")
                self.call("ListNotifications", self.mesh.second, token=token)
                self.assertGreater(int(self.cached(user_id)[1:]), 36)
                made.result()
                reply = self.call("ListNotifications", self.mesh.second, token=token)
                self.assertEqual(reply.unread_count, after)

    def test_a_commit_that_nobody_hears_of_leaves_nothing_stale(self):
        """What is cached is marked as stale before the commit: a process that dies right after the
        commit leaves a list without the notification nowhere. So while a transaction waits for its
        commit, nothing can be put under the old version."""
        user_id, token = self.user()
        self.create(token, "first")
        self.messages(token)
        self.assertGreater(int(self.cached(user_id)[1:]), 20)
        self.slow_commits("INSERT", user_id)
        made = self.mesh.first.client.start("CreateNotification", token=token, message="second",
                                            type="in-app")
        self.await_slow_commit()
        self.assertEqual(self.messages(token, replica=self.mesh.second), ["first"])
        self.assertEqual(self.cached(user_id), b":36\r\n")  # the mark alone
        self.assertEqual(made.result().message, "second")
        self.assertEqual(self.messages(token, replica=self.mesh.second), ["second", "first"])


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/python3
"""The notification service when PostgreSQL or Redis is away, and when it is told to stop."""

import time
import unittest

from fixture import NotificationTest
from harness import ports
from harness.rpc import Failure
from harness.waiting import until


class AwayTest(NotificationTest):
    def setUp(self):
        for server in (self.mesh.postgres, self.mesh.redis):
            server.resume()
            if not server.running():
                server.start()
        for one in self.mesh.replicas:
            one.wait_ready()

    def test_redis_away(self):
        _, token = self.user()
        self.create(token, "before")
        self.messages(token)
        self.mesh.redis.kill()
        for number in range(10):
            begun = time.monotonic()
            self.create(token, str(number))
            self.assertEqual(self.messages(token)[0], str(number))
            self.assertLess(time.monotonic() - begun, 1)
        self.assertEqual(self.mesh.first.admin("/readyz")[0], 200)

    def test_redis_frozen_forgets_nothing_that_changed_meanwhile(self):
        """Redis still has the old list when it is back; the writer tells it before it reads."""
        _, token = self.user()
        self.create(token, "before")
        self.messages(token)
        self.mesh.redis.pause()
        self.create(token, "meanwhile")
        self.assertEqual(self.messages(token), ["meanwhile", "before"])
        self.mesh.redis.resume()
        until("Redis is used again", lambda: self.messages(token) == ["meanwhile", "before"] and
              self.mesh.first.metric("cache_undelivered") == 0, 10)
        self.assertEqual(self.messages(token, replica=self.mesh.second), ["meanwhile", "before"])

    def test_postgresql_away(self):
        _, token = self.user()
        made = self.create(token)
        self.messages(token)
        self.mesh.postgres.kill()
        for method, fields in (("CreateNotification", {"message": "x", "type": "email"}),
                               ("ListNotifications", {"page_size": 5}),
                               ("MarkRead", {"id": made.id}), ("MarkAllRead", {})):
            failure = self.fail_call(method, token=token, **fields)
            self.assertEqual(failure.code, "UNAVAILABLE", method)
            self.assertGreater(failure.retry_after, 0)
            for secret in ("127.0.0.1", str(self.mesh.postgres.port), "libpq", "notification_db"):
                self.assertNotIn(secret, failure.message)
                self.assertNotIn(secret.encode(), failure.details)
        with self.assertRaises(Failure) as caught:
            self.mesh.first.client.stream("StreamNotifications", token=token).next()
        self.assertEqual(caught.exception.code, "UNAVAILABLE")
        until("not ready", lambda: self.mesh.first.admin("/readyz")[0] == 503, 10)
        self.assertEqual(len(self.messages(token)), 1)  # Redis has it
        self.refuses_as_ever(token)
        self.mesh.postgres.start()
        until("ready", lambda: self.mesh.first.admin("/readyz")[0] == 200, 10)
        self.assertEqual(self.messages(token, page_size=5), [made.message])

    def refuses_as_ever(self, token):
        """What needs no database is not answered with "try again"."""
        for method, field, fields in (
                ("CreateNotification", "type", {"message": "x", "type": "pigeon"}),
                ("MarkRead", "id", {"id": "7"}),
                ("ListNotifications", "page_token", {"page_token": "x"})):
            failure = self.fail_call(method, token=token, **fields)
            self.assertEqual((failure.code, [*failure.violations]), ("INVALID_ARGUMENT", [field]))
        for bad in (None, "bad"):
            self.assertEqual(self.fail_call("MarkAllRead", token=bad).code, "UNAUTHENTICATED")

    def test_starts_without_its_servers(self):
        one = self.mesh.second
        one.stop()
        self.mesh.postgres.stop()
        self.mesh.redis.stop()
        one.launch()
        until("it runs", lambda: ports.listening(one.admin_port), 10)
        self.assertEqual(self.mesh.second.admin("/readyz")[0], 503)
        self.mesh.postgres.start()
        self.mesh.redis.start()
        one.wait_ready()
        _, token = self.user()
        self.mesh.first.wait_ready()
        self.create(token, replica=self.mesh.first)
        until("the client is back", self.works(token), 10)

    def works(self, token):
        def attempt():
            try:
                return self.create(token, replica=self.mesh.second)
            except Failure:
                return False
        return attempt


if __name__ == "__main__":
    unittest.main()

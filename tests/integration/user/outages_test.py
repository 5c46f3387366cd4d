#!/usr/bin/python3
"""The user service when PostgreSQL or Redis is away, when too many sign in, and when it is told to
stop."""

import time
import unittest

from fixture import PASSWORD, Mesh, UserTest
from harness.rpc import Failure
from harness.service import service_token
from harness.waiting import HarnessError, until


class AwayTest(UserTest):
    def setUp(self):
        for server in (self.mesh.postgres, self.mesh.redis):
            server.resume()
            if not server.running():
                server.start()
        self.mesh.first.wait_ready()

    def test_redis_away(self):
        user = self.new_user()
        token = self.user_token(user)
        self.call("GetProfile", token=token)
        self.mesh.redis.kill()
        for _ in range(10):
            start = time.monotonic()
            self.assertEqual(self.call("GetProfile", token=token), user)
            self.assertLess(time.monotonic() - start, 1)
        self.login(self.new_user())
        self.assertEqual(self.mesh.first.admin("/readyz")[0], 200)
        self.mesh.redis.start()
        until("the profile is cached again", lambda: self.call("GetProfile", token=token) and
              self.mesh.redis.command("EXISTS", f"user:{user.id}") == b":1\r\n", 10)

    def test_redis_frozen(self):
        user = self.new_user()
        self.mesh.redis.pause()
        start = time.monotonic()
        for _ in range(20):
            self.assertEqual(self.call("GetProfile", token=self.user_token(user)), user)
        self.assertLess(time.monotonic() - start, 5)

    def assert_away(self, failure):
        self.assertEqual(failure.code, "UNAVAILABLE")
        self.assertGreater(failure.retry_after, 0)
        for secret in ("127.0.0.1", str(self.mesh.postgres.port), "libpq", "SELECT", "user_db"):
            self.assertNotIn(secret, failure.message)
            self.assertNotIn(secret.encode(), failure.details)

    def test_postgresql_away(self):
        user = self.new_user()
        self.call("GetProfile", token=self.user_token(user))
        session = self.login(user)
        self.mesh.postgres.kill()
        for method, fields in (
                ("Login", {"email": user.email, "password": PASSWORD}),
                ("Register", {"username": "ada", "email": "x@example.org", "password": PASSWORD}),
                ("RefreshToken", {"refresh_token": session.refresh_token}),
                ("Logout", {"refresh_token": session.refresh_token}),
                ("BatchGetUsers", {"token": service_token(), "ids": [user.id]})):
            with self.subTest(method):
                start = time.monotonic()
                self.assert_away(self.fail_call(method, **fields))
                self.assertLess(time.monotonic() - start, 1)
        self.assertEqual(self.call("GetProfile", token=self.user_token(user)), user)  # from Redis
        self.refuses_as_ever()
        until("not ready", lambda: self.mesh.first.admin("/readyz")[0] == 503, 10)
        self.assertFalse(self.mesh.healthy())
        self.assertEqual(self.mesh.first.admin("/livez")[0], 200)

        self.mesh.postgres.start()
        until("ready again", lambda: self.mesh.first.admin("/readyz")[0] == 200, 10)
        until("healthy again", self.mesh.healthy, 10)
        self.login(user)
        self.refresh_works(session)

    def refuses_as_ever(self):
        """What needs no database is not answered with "try again"."""
        account = {"username": "ada", "email": "x@example.org", "password": PASSWORD}
        for method, field, fields in (("Register", "email", {**account, "email": "nowhere"}),
                                      ("Register", "password", {**account, "password": "12345678"}),
                                      ("Login", "email", {"password": PASSWORD})):
            failure = self.fail_call(method, **fields)
            self.assertEqual((failure.code, [*failure.violations]), ("INVALID_ARGUMENT", [field]))
        for token in (None, "bad"):
            self.assertEqual(self.fail_call("GetProfile", token=token).code, "UNAUTHENTICATED")

    def refresh_works(self, session):
        self.call("RefreshToken", refresh_token=session.refresh_token)

    def test_postgresql_frozen(self):
        user = self.new_user()
        self.mesh.postgres.pause()
        start = time.monotonic()
        failure = self.fail_call("Login", email=user.email, password=PASSWORD, timeout=1)
        self.assertIn(failure.code, ("DEADLINE_EXCEEDED", "UNAVAILABLE"))
        self.assertLess(time.monotonic() - start, 2)
        self.mesh.postgres.resume()
        until("logins work again", lambda: self.try_login(user), 15)

    def try_login(self, user):
        try:
            return self.login(user)
        except Failure:
            return None


class StartTest(unittest.TestCase):
    def test_without_any_server(self):
        mesh = Mesh()
        self.addCleanup(mesh.stop)
        mesh.first.launch()
        until("the admin port", lambda: self.answers(mesh, "/livez"), 20)
        until("the gRPC port", lambda: self.unavailable(mesh), 10)
        self.assertEqual(mesh.first.admin("/readyz")[0], 503)
        self.assertFalse(mesh.healthy())
        mesh.postgres.start()
        mesh.first.wait_ready()  # without Redis
        until("healthy", mesh.healthy, 10)
        mesh.client.call("Register", username="ada", email="a@example.org", password=PASSWORD)

    def test_where_tables_cannot_be_made(self):
        """A server that has no room for them answers, but is of no use yet."""
        mesh = Mesh()
        self.addCleanup(mesh.stop)
        mesh.postgres.start()
        mesh.postgres.psql("CREATE FUNCTION no_room() RETURNS event_trigger LANGUAGE plpgsql AS"
                           " $$BEGIN RAISE 'no room' USING ERRCODE = 'disk_full'; END$$")
        mesh.postgres.psql("CREATE EVENT TRIGGER no_room ON ddl_command_start"
                           " EXECUTE FUNCTION no_room()")
        mesh.first.launch()
        until("the admin port", lambda: self.answers(mesh, "/livez"), 20)
        until("its first look", lambda: "starting" not in mesh.first.admin("/readyz")[1], 10)
        self.assertEqual(mesh.first.admin("/readyz")[0], 503)
        mesh.postgres.psql("DROP EVENT TRIGGER no_room")
        mesh.first.wait_ready()

    @staticmethod
    def answers(mesh, path):
        try:
            return mesh.first.admin(path)[0] == 200
        except OSError:
            return False

    @staticmethod
    def unavailable(mesh):
        try:
            mesh.client.call("Login", email="a@example.org", password=PASSWORD)
        except Failure as failure:
            return failure.code == "UNAVAILABLE" and failure.retry_after
        return False

    def test_two_replicas_start_at_once(self):
        mesh, other = Mesh(), Mesh()
        self.addCleanup(mesh.stop)
        self.addCleanup(lambda: other.first.running() and other.first.stop())
        other.first.env["DATABASE_URL"] = mesh.postgres.url
        mesh.postgres.start()
        mesh.first.launch()
        other.first.launch()
        mesh.first.wait_ready()
        other.first.wait_ready()
        mesh.client.call("Register", username="ada", email="a@example.org", password=PASSWORD)
        other.client.call("Login", email="A@example.org", password=PASSWORD)

    def broken_start(self, **settings):
        mesh = Mesh(**settings)
        with self.assertRaises(HarnessError) as caught:
            mesh.first.start()
        return mesh.first.process.exit_code(), str(caught.exception)

    def test_bad_settings(self):
        for name, value in (("JWT_SECRET", ""), ("JWT_SECRET", "too short"),
                            ("BCRYPT_COST", "3"), ("BCRYPT_COST", "17"),
                            ("BCRYPT_QUEUE", "64"), ("DATABASE_POOL", "0"), ("DATABASE_POOL", "61"),
                            ("REFRESH_TOKEN_TTL", "soon")):
            with self.subTest(f"{name}={value}"):
                code, text = self.broken_start(**{name: value})
                self.assertIn(code, (1, 2))
                self.assertIn(name, text)
                if value == "too short":
                    self.assertNotIn(value, text)


class CrowdTest(UserTest):
    """One thread that hashes slowly, and few who may wait for it."""

    settings = {"BCRYPT_COST": "12", "BCRYPT_THREADS": "1", "BCRYPT_QUEUE": "2"}

    def test_logins_are_refused_and_reads_go_on(self):
        user = self.new_user()
        token = self.user_token(user)
        self.call("GetProfile", token=token)
        before = self.mesh.first.metric("password_refused_total")

        def call(number):
            if number > 0:
                return self.login(user)
            slowest = 0
            for _ in range(20):
                start = time.monotonic()
                self.call("GetProfile", token=token)
                slowest = max(slowest, time.monotonic() - start)
            return slowest

        results = self.at_once(13, call)
        self.assertLess(results[0], 1)
        refused = [result for result in results[1:] if isinstance(result, Failure)]
        self.assertTrue(refused)
        self.assertLess(len(refused), 12)
        for failure in refused:
            self.assertEqual((failure.code, failure.reason),
                             ("RESOURCE_EXHAUSTED", "SERVER_OVERLOADED"))
            self.assertGreaterEqual(failure.retry_after, 1)
        self.assertEqual(self.mesh.first.metric("password_refused_total") - before, len(refused))

    def try_new_user(self):
        try:
            return self.new_user()
        except Failure:
            return None

    def test_a_refusal_is_made_of_nothing(self):
        """It does not ask the database before it finds out that there are too many."""
        user = self.new_user()

        def call(number):
            if number > 0:
                return self.login(user)
            until("logins that wait", lambda: self.mesh.first.metric("password_waiting") == 2, 10)
            self.mesh.postgres.kill()
            return self.login(user)

        try:
            refused = self.at_once(4, call)[0]
        finally:
            self.mesh.postgres.start()
            until("accounts again", self.try_new_user, 10)
        self.assertEqual((refused.code, refused.reason), ("RESOURCE_EXHAUSTED", "SERVER_OVERLOADED"))


class StopTest(UserTest):
    """SIGTERM: what is in flight ends, and the exit code is 0 (UserTest looks at it)."""

    settings = {"BCRYPT_COST": "12"}

    def test_what_is_in_flight_ends(self):
        user = self.new_user()

        def call(number):
            if number < 3:
                return self.login(user)
            until("a login on its way", lambda: self.mesh.first.metric("password_running") > 0, 10)
            return self.mesh.first.stop()

        results = self.at_once(4, call)
        self.assertEqual(results[3], 0)
        done = [result for result in results[:3] if not isinstance(result, Failure)]
        self.assertTrue(done)
        for failure in results[:3]:
            if isinstance(failure, Failure):  # it came after the signal
                self.assertEqual(failure.code, "UNAVAILABLE")


if __name__ == "__main__":
    unittest.main()

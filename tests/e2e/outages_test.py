#!/usr/bin/python3
"""What callers see while Redis or PostgreSQL is away, and when they are back."""

import contextlib
import signal
import threading
import time
import unittest

import psycopg2

from harness.waiting import until
from mesh import PASSWORD, MeshTest, connect, samples, scrape, total

PROFILE = "/api/v1/users/profile"


class Outages(MeshTest):
    def setUp(self):
        for server in (self.mesh.redis, *self.mesh.databases.values()):
            self.assertTrue(server.running())
        until("all is well", lambda: self.get("/readyz").status == 200, 30)
        self.user, self.session = self.signed_in()

    def profile(self):
        return self.get(PROFILE, token=self.session["token"])

    def profile_answers(self, within):
        answer = self.profile()
        self.assertEqual((answer.status, answer.json()), (200, self.user), answer)
        self.assertLess(answer.seconds, within)

    def recovers(self, what):
        until(f"recovery from {what}", lambda: self.profile().status == 200, 15)

    def heal(self, server):
        server.resume()
        if not server.running():
            server.start()

    def test_redis_killed(self):
        redis = self.mesh.redis
        self.addCleanup(self.heal, redis)
        redis.kill()
        for _ in range(20):
            self.profile_answers(within=1)
        self.signed_in()
        redis.start()

        def cached():
            self.assertEqual(self.profile().status, 200)
            return redis.command("EXISTS", f"user:{self.user['id']}") == b":1\r\n"
        until("the cache is used again", cached, 30)

    def test_redis_hangs(self):
        redis = self.mesh.redis
        self.addCleanup(self.heal, redis)
        redis.pause()
        slowest = max(self.profile().seconds for _ in range(3))
        self.assertLess(slowest, 3)
        for _ in range(10):  # by now nobody waits for it any more
            self.profile_answers(within=1)

    def assert_away(self, answer):
        self.assert_problem(answer, 503)
        self.assertGreater(int(answer.headers["Retry-After"]), 0)
        self.assertLess(answer.seconds, 1)

    def forget_copies(self):
        """Redis forgets, and so does the process that had copies of what it held."""
        self.mesh.redis.command("FLUSHALL")
        until("the copies are gone",
              lambda: total(self.mesh.services["user"], "cache_near_bytes") == 0, 15)

    def test_postgres_killed(self):
        postgres = self.mesh.databases["user"]
        self.addCleanup(self.heal, postgres)
        self.forget_copies()
        postgres.kill()
        for _ in range(5):
            self.assert_away(self.profile())
            self.assert_away(self.post("/api/v1/auth/login", {
                "email": self.user["email"], "password": PASSWORD}))
            self.assert_away(self.post("/api/v1/auth/register", self.account()))
        self.assertEqual(self.get("/livez").status, 200)
        until("not ready", lambda: self.get("/readyz").status == 503, 15)
        postgres.start()
        self.recovers("the loss of PostgreSQL")
        until("ready again", lambda: self.get("/readyz").status == 200, 15)
        self.profile_answers(within=1)

    def test_postgres_frozen(self):
        postgres = self.mesh.databases["user"]
        self.addCleanup(self.heal, postgres)
        credentials = {"email": self.user["email"], "password": PASSWORD}
        for _ in range(2):
            self.forget_copies()
            postgres.pause()
            for _ in range(3):
                self.assert_away(self.profile())
                self.assert_away(self.post("/api/v1/auth/login", credentials))
            postgres.resume()
            self.recovers("a PostgreSQL that did nothing")
            self.assertEqual(self.post("/api/v1/auth/login", credentials).status, 200)

    def test_postgres_killed_cached_reads_go_on(self):
        postgres = self.mesh.databases["user"]
        self.addCleanup(self.heal, postgres)
        self.profile_answers(within=5)
        postgres.kill()
        self.profile_answers(within=1)

    def test_user_service_killed(self):
        user = self.mesh.services["user"]
        self.addCleanup(self.heal, user)
        user.kill()
        answer = self.profile()
        self.assert_problem(answer, 503)
        self.assertIn("Retry-After", answer.headers)
        user.start()
        self.recovers("the loss of the user service")

    def test_user_service_frozen(self):
        user, answers = self.mesh.services["user"], []
        self.addCleanup(self.heal, user)
        user.pause()
        caller = threading.Thread(target=lambda: answers.append(self.profile()))
        caller.start()
        until("not ready", lambda: self.get("/readyz").status == 503, 15)
        self.assertEqual(self.get("/health").status, 200)
        user.resume()
        caller.join()
        # What was asked meanwhile was answered, or ended when the circuit breaker opened.
        self.assertIn(answers[0].status, (200, 503), answers)
        until("ready again", lambda: self.get("/readyz").status == 200, 15)
        self.profile_answers(within=1)


class Overload(MeshTest):
    """More than can be done at once, and parts that hold up whoever asks them."""

    THREADS, SHARE = 16, 4
    settings = {"BCRYPT_COST": "4", "HTTP_THREADS": str(THREADS), "HTTP_ADDRESS_PERCENT": "100",
                "HTTP_SLOW_PERCENT": "25", "HTTP_LINE_TIMEOUT": "1s", "HTTP_REQUEST_TIMEOUT": "4s"}
    LIST = "/api/v1/notifications"

    def setUp(self):
        self.user, self.session = self.signed_in()
        self.token = self.session["token"]
        until("ready", lambda: self.get("/readyz").status == 200, 15)

    def metric(self, name, **labels):
        wanted = ",".join(f'{key}="{value}"' for key, value in labels.items())
        return samples(scrape(self.mesh.gateway)[1], name)[wanted]

    def breaker(self):
        return self.metric("grpc_client_breaker_state", service="notification")

    def ask_at_once(self, path, count):
        """Threads that ask, and the list to which they add their answers."""
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(self.get(path, token=self.token)))
                   for _ in range(count)]
        for thread in threads:
            thread.start()
        return threads, answers

    def assert_busy(self, answer):
        self.assert_problem(answer, 503)
        self.assertGreater(int(answer.headers["Retry-After"]), 0)

    def freeze(self, service):
        self.addCleanup(service.resume)
        service.pause()

    def recovers(self, service):
        service.resume()
        until("answers again", lambda: self.get(self.LIST, token=self.token).status == 200, 30)
        until("ready again", lambda: self.get("/readyz").status == 200, 15)

    def test_a_frozen_service_holds_up_nobody_else(self):
        notification = self.mesh.services["notification"]
        shed = self.metric("http_server_shed_total", reason="slow")
        opened = self.metric("grpc_client_breaker_transitions_total", service="notification",
                             to="open")
        self.assertEqual(self.breaker(), 0)
        self.freeze(notification)
        threads, stuck = self.ask_at_once(self.LIST, 2 * self.SHARE)
        until("requests that are stuck", lambda: total(
            self.mesh.gateway, "http_server_active_requests") >= 2 * self.SHARE, 5)
        time.sleep(0.6)  # now it counts as slow
        while self.breaker() != 2:
            self.assert_busy(self.get(self.LIST, token=self.token))
            self.assertEqual(self.get("/api/v1/users/profile", token=self.token).status, 200)
        for thread in threads:
            thread.join()
        self.assertEqual({answer.status for answer in stuck} - {503, 504}, set(), stuck)
        # While it is open nobody waits, and readyz says who is missing.
        for _ in range(20):
            answer = self.get(self.LIST, token=self.token)
            self.assert_busy(answer)
            self.assertLess(answer.seconds, 1)
        self.assert_busy(self.get(f"{self.LIST}/stream", token=self.token))
        self.assertGreaterEqual(
            self.metric("grpc_client_refused_total", service="notification"), 21)
        checks = self.get("/readyz").json()["checks"]
        self.assertEqual([checks[name] == "ok" for name in ("user", "blog", "notification")],
                         [True, True, False], checks)
        self.assertEqual(self.get("/api/v1/users/profile", token=self.token).status, 200)
        self.assertGreater(self.metric("grpc_client_breaker_transitions_total",
                                       service="notification", to="open"), opened)
        self.assertGreater(self.metric("http_server_shed_total", reason="slow"), shed)
        self.recovers(notification)
        self.assertEqual(self.breaker(), 0)

    def test_what_waited_too_long_is_not_begun(self):
        shed = self.metric("http_server_shed_total", reason="line")
        with contextlib.ExitStack() as held:
            for _ in range(self.THREADS // 2):  # streams may have so many threads, and bodies as many
                stream = held.enter_context(contextlib.closing(connect(self.mesh, 30)))
                stream.request("GET", f"{self.LIST}/stream",
                               headers={"Authorization": f"Bearer {self.token}"})
                self.assertEqual(stream.getresponse().status, 200)
            for _ in range(self.THREADS // 2):
                body = held.enter_context(contextlib.closing(connect(self.mesh, 30)))
                body.putrequest("POST", "/api/v1/auth/login")
                body.putheader("Content-Type", "application/json")
                body.putheader("Content-Length", "100")
                body.endheaders(b"{")
            until("no thread left", lambda: total(
                self.mesh.gateway, "http_server_active_requests") >= self.THREADS, 5)
            answer = self.get("/health")  # until the time of the bodies is over
        self.assertGreater(answer.seconds, 1)
        self.assert_busy(answer)
        self.assertGreater(self.metric("http_server_shed_total", reason="line"), shed)
        self.assertEqual(self.get("/health").status, 200)

    def test_the_deadline_reaches_the_database(self):
        with contextlib.closing(psycopg2.connect(self.mesh.databases["blog"].url)) as database, \
                database.cursor() as cursor:
            def waiting():
                cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
                return cursor.fetchone()[0]
            cursor.execute("LOCK TABLE blogs IN ACCESS EXCLUSIVE MODE")
            threads, answers = self.ask_at_once("/api/v1/blogs?pageSize=1", 3)
            until("statements that wait", lambda: waiting() == 3, 15)
            for thread in threads:
                thread.join()
            for answer in answers:
                self.assert_problem(answer, 504)
            # The table is still locked: they have been given up.
            until("no statement waits any more", lambda: waiting() == 0, 5)


class Draining(MeshTest):
    # A registration takes about half a second: time to stop the programs under it.
    settings = {"BCRYPT_COST": "13", "BCRYPT_WAIT": "1m"}

    def setUp(self):
        for program in (*self.mesh.services.values(), self.mesh.gateway):
            if not program.running():
                program.start()

    def test_sigterm_finishes_what_is_in_flight(self):
        user, gateway = self.mesh.services["user"], self.mesh.gateway
        answers = []
        callers = [threading.Thread(target=lambda: answers.append(
            self.post("/api/v1/auth/register", self.account()))) for _ in range(3)]
        for caller in callers:
            caller.start()

        def hashing():
            text = scrape(user)[1]
            return sum(sum(samples(text, name).values())
                       for name in ("password_running", "password_waiting")) == 3
        until("three registrations in flight", hashing, 10)
        for program in (gateway, user):
            program.process.signal(signal.SIGTERM)
        for caller in callers:
            caller.join()
        self.assertEqual([answer.status for answer in answers], [201, 201, 201], answers)
        for program in (gateway, user):
            self.assertTrue(program.process.wait(15), f"{program.name} still runs")
            self.assertEqual(program.process.exit_code(), 0, program.log_tail())

    def test_sigterm_of_the_gateway_under_load(self):
        gateway = self.mesh.gateway
        stop, answers, cut = threading.Event(), [], []

        def load():
            while not stop.is_set():
                try:
                    answers.append(self.get("/health").status)
                except ConnectionRefusedError:
                    return
                except OSError as error:
                    cut.append(error)
        threads = [threading.Thread(target=load) for _ in range(4)]
        for thread in threads:
            thread.start()
        until("load", lambda: len(answers) > 50, 15)
        self.assertEqual(gateway.stop(), 0, gateway.log_tail())
        stop.set()
        for thread in threads:
            thread.join()
        self.assertEqual(set(answers), {200})
        # At most the connections that the kernel had accepted but the gateway had not.
        self.assertLessEqual(len(cut), len(threads), cut)


if __name__ == "__main__":
    unittest.main(verbosity=2)

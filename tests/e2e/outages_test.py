#!/usr/bin/python3
"""What callers see while a part is away, frozen or full, and when it is back: the table "When a part
is away" in docs/operations.md, row by row. Kafka is away all the time; more of that is in
events_test, and what becomes of e-mail in mail_outages_test."""

import contextlib
import json
import signal
import socket
import threading
import time
import unittest
import urllib.error
import urllib.request
from unittest import mock

from harness import ports
from harness.waiting import until
from mesh import PASSWORD, MeshTest, connect, locked, samples, scrape, total

SERVICES = ("user", "blog", "notification")
PROFILE, BLOGS, LIST = "/api/v1/users/profile", "/api/v1/blogs", "/api/v1/notifications"
CONTENT = "Long enough to be a blog."
NOBODY = "00000000-0000-7000-8000-000000000000"


class Outages(MeshTest):
    # A Kafka that is away all the time.
    settings = {**MeshTest.settings, "KAFKA_BROKERS": f"127.0.0.1:{ports.reserve()}"}
    linked = ("redis", "blog")

    def setUp(self):
        for server in (self.mesh.redis, *self.mesh.databases.values()):
            self.assertTrue(server.running())
        until("all is well", lambda: self.get("/readyz").status == 200, 30)
        account, self.user = self.registered()
        self.credentials = {"email": account["email"], "password": PASSWORD}
        self.token = self.post("/api/v1/auth/login", self.credentials).json()["token"]
        self.blog_id = self.blog(self.token, "Kept")

    @contextlib.contextmanager
    def hurt(self, server, how):
        """`how`: "kill" or "pause"."""
        getattr(server, how)()
        try:
            yield
        finally:
            server.resume()
            if not server.running():
                server.launch()
                server.wait_ready()

    @contextlib.contextmanager
    def slow(self, name, seconds):
        """Each piece that it sends or gets comes so much later, on average."""
        self.links[name].delay(seconds)
        try:
            yield
        finally:
            self.links[name].heal()

    # Work of each service that wants its database, and what Redis has for it.

    def work(self, service):
        """Answers."""
        ask = {
            "user": lambda: [self.post("/api/v1/auth/login", self.credentials),
                             self.post("/api/v1/auth/register", self.account())],
            "blog": lambda: [self.get(f"{BLOGS}?pageSize=1"), self.get(f"{BLOGS}/{NOBODY}"),
                             self.post(BLOGS, {"title": "Title", "content": CONTENT},
                                       token=self.token)],
            "notification": lambda: [
                self.get(f"{LIST}?pageSize=3", token=self.token),
                self.post(LIST, {"message": "Hello", "type": "in-app"}, token=self.token)],
        }
        return ask[service]()

    def kept(self, service):
        return self.get({"user": PROFILE, "blog": f"{BLOGS}/{self.blog_id}",
                         "notification": LIST}[service], token=self.token)

    def refusals(self, service):
        """What no service needs its database for: answers, and each's status and wrong fields."""
        bad, short = f"{self.token[:-8]}AAAAAAAA", {"title": "Title", "content": "short"}
        ask = {
            "user": lambda: [
                (self.post("/api/v1/auth/register", {**self.account(), "email": "nowhere"}),
                 400, ["email"]),
                (self.post("/api/v1/auth/register", {**self.account(), "password": "password123"}),
                 400, ["password"]),
                (self.post("/api/v1/auth/login", {"email": self.credentials["email"]}),
                 400, ["password"]),
                (self.get(PROFILE), 401, None), (self.get(PROFILE, token=bad), 401, None)],
            "blog": lambda: [
                (self.post(BLOGS, short, token=self.token), 400, ["content"]),
                (self.get(f"{BLOGS}/7"), 400, ["id"]),
                (self.get(f"{BLOGS}?pageToken=x"), 400, ["pageToken"]),
                (self.post(BLOGS, short), 401, None),
                (self.post(BLOGS, short, token=bad), 401, None),
                (self.request("PATCH", f"{BLOGS}/{self.blog_id}", {"authorId": NOBODY},
                              token=self.token), 403, None)],
            "notification": lambda: [
                (self.post(LIST, {"message": "Hello", "type": "pigeon"}, token=self.token),
                 400, ["type"]),
                (self.get(f"{LIST}?pageToken=x", token=self.token), 400, ["pageToken"]),
                (self.get(LIST), 401, None), (self.get(f"{LIST}/stream", token=bad), 401, None),
                (self.get(f"{LIST}/{NOBODY}/unread", token=self.token), 404, None)],
        }
        return ask[service]()

    def assert_refuses(self, service):
        """As ever: nobody is told to come back with what will never do."""
        for answer, status, fields in self.refusals(service):
            self.assert_problem(answer, status, fields)
            self.assertLess(answer.seconds, 1)

    def assert_works(self, services, within=5):
        for service in services:
            for answer in [self.kept(service), *self.work(service)]:
                self.assertIn(answer.status, (200, 201, 404), answer)
                self.assertLess(answer.seconds, within, answer)

    def assert_away(self, answers, within=1):
        for answer in answers:
            self.assert_problem(answer, 503)
            self.assertGreater(int(answer.headers["Retry-After"]), 0)
            self.assertLess(answer.seconds, within)

    def works(self, service):
        return all(answer.status < 500 for answer in [self.kept(service), *self.work(service)])

    def readyz(self):
        answer = self.get("/readyz")
        return answer.status, answer.json()["checks"]

    def await_not_ready(self, service):
        """/readyz of the gateway says which, and the gateway lives."""
        until("not ready", lambda: self.readyz()[0] == 503, 15)
        checks = self.readyz()[1]
        self.assertEqual([name for name in SERVICES if checks[name] != "ok"], [service], checks)
        for path in ("/health", "/livez"):
            self.assertEqual(self.get(path).status, 200)

    def recovers(self, service):
        until(f"recovery of {service}", lambda: self.works(service), 15)
        until("ready again", lambda: self.readyz()[0] == 200, 15)
        self.assert_works(SERVICES)

    # Redis: everything works.

    def redis_is_used_again(self):
        redis = self.mesh.redis
        def cached():
            self.assertEqual(self.kept("user").status, 200)
            return redis.command("EXISTS", f"user:{self.user['id']}") == b":1\r\n"
        until("the cache is used again", cached, 30)

    def test_redis_killed(self):
        with self.hurt(self.mesh.redis, "kill"):
            for _ in range(5):
                self.assert_works(SERVICES, within=1)
            self.assertEqual(self.readyz()[0], 200)
        self.redis_is_used_again()

    def test_redis_frozen(self):
        with self.hurt(self.mesh.redis, "pause"):
            self.assert_works(SERVICES, within=3)
            for _ in range(3):  # by now nobody waits for it any more
                self.assert_works(SERVICES, within=1)
            self.assertEqual(self.readyz()[0], 200)
        self.redis_is_used_again()

    def test_redis_slow(self):
        """Its answers take up to a second, and some come in time."""
        with self.slow("redis", 0.25):
            for _ in range(3):
                self.assert_works(SERVICES, within=3)
            self.assertEqual(self.readyz()[0], 200)
        self.redis_is_used_again()

    def test_redis_full(self):
        """It answers what it has, and takes nothing new."""
        redis = self.mesh.redis
        for name, value in (("maxmemory-policy", "noeviction"), ("maxmemory", "1")):
            self.assertEqual(redis.command("CONFIG", "SET", name, value), b"+OK\r\n")
        try:
            self.assertIn(b"OOM", redis.command("SET", "x", "y"))
            for _ in range(3):
                self.assert_works(SERVICES, within=1)
            title = {"title": "Changed meanwhile"}
            self.assertEqual(self.request("PUT", f"{BLOGS}/{self.blog_id}", title,
                                          token=self.token).status, 200)
            for _ in range(3):
                self.assertEqual(self.kept("blog").json()["title"], title["title"])
            self.assertEqual(self.readyz()[0], 200)
        finally:
            redis.command("CONFIG", "SET", "maxmemory", "268435456")
            redis.command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        self.redis_is_used_again()

    # PostgreSQL of one service: that service, except for what Redis has.

    def forget_copies(self):
        """Redis forgets, and so does the process that had copies of what it held."""
        self.mesh.redis.command("FLUSHALL")
        until("the copies are gone",
              lambda: total(self.mesh.services["user"], "cache_near_bytes") == 0, 15)

    def test_postgres_away(self):
        for service in SERVICES:
            for how in ("kill", "pause"):
                with self.subTest(service=service, how=how):
                    self.assertEqual(self.kept(service).status, 200)
                    with self.hurt(self.mesh.databases[service], how):
                        self.assert_away(self.work(service))
                        kept = self.kept(service)
                        self.assertEqual(kept.status, 200)
                        self.assertLess(kept.seconds, 1)
                        self.assert_refuses(service)
                        self.assert_works([one for one in SERVICES if one != service])
                        self.await_not_ready(service)
                        self.assert_away(self.work(service))
                        self.assert_refuses(service)
                    self.recovers(service)

    def test_postgres_away_and_nothing_in_redis(self):
        self.forget_copies()
        with self.hurt(self.mesh.databases["user"], "kill"):
            self.assert_away([self.kept("user")])
        self.recovers("user")

    @contextlib.contextmanager
    def refused_writes(self, sqlstate):
        """New blogs are answered with this error."""
        self.mesh.databases["blog"].psql(f"""
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE 'refused' USING ERRCODE = '{sqlstate}'; END $$;
            CREATE TRIGGER refuse BEFORE INSERT ON blogs EXECUTE FUNCTION refuse()""")
        try:
            yield
        finally:
            self.mesh.databases["blog"].psql("DROP FUNCTION refuse CASCADE")

    def assert_reads_only(self):
        *reads, write = self.work("blog")
        self.assertEqual([answer.status for answer in reads], [200, 404])
        self.assert_away([write])
        self.assertEqual(self.readyz()[0], 200)

    def test_postgres_full(self):
        """A disk without room: what is there can be read."""
        with self.refused_writes("53100"):
            self.assert_reads_only()
        self.recovers("blog")

    def test_postgres_sick(self):
        """An I/O error, and a right that was taken away: the same."""
        for sqlstate in ("58030", "42501"):
            with self.subTest(sqlstate), self.refused_writes(sqlstate):
                self.assert_reads_only()
        self.recovers("blog")

    def test_postgres_slow(self):
        """Somebody holds a lock: who needs what is locked waits for it or is told so, and nobody
        else, not even in the same service."""
        self.assertEqual(self.kept("blog").status, 200)
        answers, callers = [], []

        def call():
            callers.append(threading.Thread(target=lambda: answers.append(self.post(
                BLOGS, {"title": "Title", "content": CONTENT}, token=self.token))))
            callers[-1].start()

        with locked(self.mesh.databases["blog"], "blogs", "SHARE") as waiting:
            until("a method's share of the connections waits", lambda: waiting() == 8 or call(), 20)
            for _ in range(60):  # more than the service has workers
                call()
            until("the first refusals", lambda: answers, 10)
            for _ in range(20):
                kept = self.kept("blog")
                self.assertEqual(kept.status, 200)
                self.assertLess(kept.seconds, 1)
            *reads, write = self.work("blog")
            self.assertEqual([answer.status for answer in reads], [200, 404])
            self.assert_away([write])
            self.assert_works(("user", "notification"), within=2)
            self.assertEqual(self.readyz()[0], 200)
        for caller in callers:
            caller.join()
        self.assertEqual({answer.status for answer in answers}, {201, 503})
        self.assert_away([answer for answer in answers if answer.status == 503], within=5)
        self.recovers("blog")

    def ended(self, status):
        """How many requests ended with it, says the gateway."""
        return sum(count for labels, count in samples(
            scrape(self.mesh.gateway)[1], "http_server_request_duration_seconds_count").items()
                   if f'http_response_status_code="{status}"' in labels)

    def test_nobody_works_for_clients_that_left(self):
        """What they had asked for ends long before its time (30 s); reads and writes."""
        before = self.ended(499)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        body = json.dumps({"title": "Never answered", "content": CONTENT})
        with locked(self.mesh.databases["blog"], "blogs") as waiting, \
                contextlib.ExitStack() as stack:
            clients = [stack.enter_context(contextlib.closing(connect(self.mesh, 30)))
                       for _ in range(5)]
            for client in clients[1:]:
                client.request("GET", BLOGS, headers=headers)
            clients[0].request("POST", BLOGS, body, headers)
            until("all wait", lambda: waiting() == 5, 15)
            for client in clients[:-1]:
                client.close()
            # This one has said all, and still listens.
            clients[-1].sock.shutdown(socket.SHUT_WR)
            until("nobody waits", lambda: waiting() == 0, 20)
            self.assertEqual(clients[-1].getresponse().status, 499)
        until("all have ended", lambda: self.ended(499) == before + 5, 10)
        self.assert_works(SERVICES)

    # A service: its routes.

    def test_service_away(self):
        for service in SERVICES:
            for how in ("kill", "pause"):
                with self.subTest(service=service, how=how):
                    with self.hurt(self.mesh.services[service], how):
                        # What is under way in a frozen one ends when the circuit breaker opens.
                        self.assert_away(self.work(service)[:1], 1 if how == "kill" else 9)
                        self.await_not_ready(service)
                        self.assert_away([self.kept(service), *self.work(service)])
                        self.assert_works([one for one in SERVICES if one != service])
                    self.recovers(service)

    def test_service_slow(self):
        """Its answers take seconds, or are refused; nobody else's do."""
        with self.slow("blog", 0.5):
            answers = []
            callers = [threading.Thread(target=lambda: answers.append(
                self.get(f"{BLOGS}?pageSize=1"))) for _ in range(20)]
            for caller in callers:
                caller.start()
            self.assert_works(("user", "notification"), within=2)
            for caller in callers:
                caller.join()
            self.assertLessEqual({answer.status for answer in answers}, {200, 503}, answers)
            self.assertLess(max(answer.seconds for answer in answers), 9)
        self.recovers("blog")

    # All of them.

    def launch_without_servers(self, programs):
        """They live, and are not ready."""
        for server in reversed(self.mesh.servers()):
            self.assertEqual(server.stop(), 0, server.name)
        for program in programs:
            program.launch()
            until(f"life in {program.name}", lambda program=program: self.admin(program, "/livez")
                  == 200, 15)
            self.assertEqual(self.admin(program, "/readyz"), 503)

    def test_programs_start_first(self):
        """The gateway before the services, and all before what they need: they become ready when
        they can, one after the other."""
        self.launch_without_servers(self.mesh.programs())
        for service in SERVICES:
            self.assert_away([self.kept(service), *self.work(service)], within=2)
        for name, database in reversed(self.mesh.databases.items()):
            database.start()
            until(f"{name} ready", lambda name=name: self.readyz()[1][name] == "ok", 15)
        until("ready", lambda: self.readyz()[0] == 200, 15)
        self.assert_works(SERVICES)
        self.mesh.redis.start()
        self.redis_is_used_again()

    def test_programs_start_in_another_order(self):
        """The gateway last, and what they need the other way round."""
        self.launch_without_servers(reversed(self.mesh.programs()))
        self.mesh.redis.start()
        for name, database in self.mesh.databases.items():
            self.assertEqual(self.readyz()[0], 503)
            database.start()
            until(f"{name} ready", lambda name=name: self.readyz()[1][name] == "ok", 15)
        until("ready", lambda: self.readyz()[0] == 200, 15)
        self.assert_works(SERVICES)
        self.redis_is_used_again()

    @staticmethod
    def admin(program, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{program.admin_port}{path}",
                                        timeout=2) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return None


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
        with locked(self.mesh.databases["blog"], "blogs") as waiting:
            threads, answers = self.ask_at_once("/api/v1/blogs?pageSize=1", 3)
            until("statements that wait", lambda: waiting() == 3, 15)
            for thread in threads:
                thread.join()
            for answer in answers:
                self.assert_problem(answer, 504)
            # The table is still locked: they have been given up.
            until("no statement waits any more", lambda: waiting() == 0, 5)


class Draining(MeshTest):
    # A registration takes about half a second: time to stop the programs under it. On a busy machine
    # it takes far longer, and has that long.
    settings = {"BCRYPT_COST": "13", "BCRYPT_WAIT": "1m", "DRAIN_GRACE_MS": "30s"}

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
            self.assertTrue(program.process.wait(40), f"{program.name} still runs")
            self.assertEqual(program.process.exit_code(), 0, program.log_tail())

    def test_the_grace_has_an_end(self):
        """What is still waited for then is given up, also by a request that has a thread (a login);
        neither has 30 s any more."""
        gateway, databases = self.mesh.gateway, self.mesh.databases
        account, _ = self.registered()
        gateway.stop()
        self.enterContext(mock.patch.dict(gateway.env, DRAIN_GRACE_MS="1s"))
        gateway.start()
        asks = (lambda: self.get("/api/v1/blogs?pageSize=1"),
                lambda: self.post("/api/v1/auth/login",
                                  {"email": account["email"], "password": PASSWORD}))
        answers = []
        callers = [threading.Thread(target=lambda ask=ask: answers.append(ask())) for ask in asks]
        with locked(databases["blog"], "blogs") as blogs, locked(databases["user"], "users") as users:
            for caller in callers:
                caller.start()
            until("both wait", lambda: blogs() and users(), 15)
            self.assertEqual(gateway.stop(), 0, gateway.log_tail())
            for caller in callers:
                caller.join()
        for answer in answers:
            self.assert_problem(answer, 503)
        self.assertEqual(len(answers), 2)

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

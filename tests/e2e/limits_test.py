#!/usr/bin/python3
"""Limits on how often an address may ask, guess and register; who is asking behind a proxy.

127.0.0.1 is exempt, as everywhere in the tests; each test asks from addresses of its own in
127.0.0.0/8, which are all loopback.
"""

import json
import re
import socket
import time
import unittest

from harness.waiting import until
from mesh import PASSWORD, MeshTest, samples, scrape

LOGIN, REGISTER, REFRESH = ("/api/v1/auth/login", "/api/v1/auth/register", "/api/v1/auth/refresh")
PROXY = "127.0.0.9"
# What the settings below allow.
LOGINS, FAILURES, ACCOUNT, REGISTRATIONS, REFRESHES, REQUESTS = 12, 3, 7, 2, 3, 60


def fields(text):
    """A structured field as {policy: {parameter: number}}."""
    return {name: {key: int(value) for key, value in re.findall(r";([a-z]+)=(\d+)", rest)}
            for name, rest in re.findall(r'"([^"]+)"((?:;[a-z]+=\d+)+)', text or "")}


class LimitsTest(MeshTest):
    settings = {
        "BCRYPT_COST": "4",
        "HTTP_THREADS": "40",
        "HTTP_ADDRESS_PERCENT": "20",
        "TRUSTED_PROXIES": f"{PROXY}, 10.0.0.0/8",
        "RATE_LIMIT_LOGIN": f"{LOGINS}/1h",
        "RATE_LIMIT_LOGIN_FAILURES": f"{FAILURES}/1h",
        "RATE_LIMIT_LOGIN_ACCOUNT": f"{ACCOUNT}/1d",
        "RATE_LIMIT_REGISTER": f"{REGISTRATIONS}/1h",
        "RATE_LIMIT_REFRESH": f"{REFRESHES}/1h",
        "RATE_LIMIT_ADDRESS": f"{REQUESTS}/1h",
    }

    def login(self, email, source, password=PASSWORD, **kwargs):
        return self.post(LOGIN, {"email": email, "password": password}, source=source, **kwargs)

    def assert_limited(self, answer, policy, quota):
        """429, whose three headers and body say the same."""
        problem = self.assert_problem(answer, 429)
        self.assertEqual(problem["type"], "tag:inkmesh,2026:problem/rate-limited")
        wait = int(answer.headers["Retry-After"])
        state = fields(answer.headers["RateLimit"])[policy]
        self.assertEqual(state, {"r": 0, "t": wait})
        self.assertEqual(fields(answer.headers["RateLimit-Policy"])[policy],
                         {"q": quota, "w": 3600})
        self.assertTrue(0 < wait <= 3600 / quota + 1, wait)

    def test_one_address_tries_many_accounts(self):
        for left in reversed(range(LOGINS)):
            answer = self.login(f"nobody{left}@example.com", "127.0.0.2")
            self.assert_problem(answer, 401)
            states = fields(answer.headers["RateLimit"])
            self.assertEqual(states["login"]["r"], left)
            self.assertEqual(states["login-failures"]["r"], FAILURES - 1)
            self.assertTrue(0 < states["login"]["t"] <= 3600 / LOGINS)
            self.assertEqual(fields(answer.headers["RateLimit-Policy"])["login"],
                             {"q": LOGINS, "w": 3600})
        answer = self.login("nobody@example.com", "127.0.0.2")
        self.assert_limited(answer, "login", LOGINS)
        # The older path is the same method, so the same limit.
        answer = self.post("/api/v1/users/login", {"email": "nobody@example.com", "password": "x"},
                           source="127.0.0.2")
        self.assert_limited(answer, "login", LOGINS)
        # It is for logins only, and for that address only.
        self.assertEqual(self.get("/api/v1/blogs", source="127.0.0.2").status, 200)
        self.assert_problem(self.login("nobody@example.com", "127.0.0.3"), 401)
        counted = samples(scrape(self.mesh.gateway)[1], "http_server_limited_total")
        self.assertGreaterEqual(counted['policy="login"'], 2)

    def test_a_stranger_cannot_lock_the_owner_out(self):
        account, _ = self.registered()
        email = account["email"]
        for _ in range(FAILURES):
            self.assert_problem(self.login(email, "127.0.0.4", "a wrong guess"), 401)
        # In whatever case it is written; and the right password is a guess like any other.
        for written in (email, email.upper()):
            self.assert_limited(self.login(written, "127.0.0.4"), "login-failures", FAILURES)
        for _ in range(LOGINS):
            answer = self.login(email, "127.0.0.5")
            self.assertEqual(answer.status, 200, answer)
            # Who gets in has not failed.
            self.assertEqual(fields(answer.headers["RateLimit"])["login-failures"]["r"], FAILURES)

    def test_guesses_from_many_addresses(self):
        account, _ = self.registered()
        email = account["email"]
        heard = 0
        for stranger in range(1, 16):
            for _ in range(FAILURES):
                answer = self.login(email, f"127.0.1.{stranger}", "a wrong guess")
                heard += answer.status == 401
                self.assertIn(answer.status, (401, 429), answer)
        # The account's allowance, and then one guess of each address that had not guessed yet.
        self.assertTrue(15 < heard <= ACCOUNT + 15, heard)
        self.assertIn(self.login(email, "127.0.1.99", "a wrong guess").status, (401,))
        self.assert_problem(self.login(email, "127.0.1.99"), 429)
        # The owner comes from where nobody guessed: heard, and again and again.
        for _ in range(3):
            self.assertEqual(self.login(email, "127.0.0.6").status, 200)

    def test_an_unknown_account_looks_like_any_other(self):
        account, _ = self.registered()
        shown = []
        for email, source in ((account["email"], "127.0.0.10"), ("never@example.com", "127.0.0.11")):
            answers = [self.login(email, source, "a wrong guess") for _ in range(FAILURES + 1)]
            shown.append([(answer.status, answer.headers["RateLimit-Policy"],
                           fields(answer.headers["RateLimit"])["login-failures"]["r"])
                          for answer in answers])
        self.assertEqual(shown[0], shown[1])

    def test_what_is_no_guess_is_no_failure(self):
        account, _ = self.registered()
        for _ in range(FAILURES + 2):
            self.assert_problem(self.login(account["email"], "127.0.0.12", ""), 400)
        self.assertEqual(self.login(account["email"], "127.0.0.12").status, 200)

    def test_register(self):
        for left in reversed(range(REGISTRATIONS)):
            answer = self.post(REGISTER, self.account(), source="127.0.0.13")
            self.assertEqual(answer.status, 201, answer)
            self.assertEqual(fields(answer.headers["RateLimit"])["register"]["r"], left)
        refused = self.account()
        answer = self.post(REGISTER, refused, source="127.0.0.13")
        self.assert_limited(answer, "register", REGISTRATIONS)
        self.assertEqual(self.post(REGISTER, refused, source="127.0.0.14").status, 201)

    def test_refresh(self):
        _, session = self.signed_in()
        for _ in range(REFRESHES):
            answer = self.post(REFRESH, {"refreshToken": session["refreshToken"]},
                               source="127.0.0.15")
            self.assertEqual(answer.status, 200, answer)
            session = answer.json()
        body = {"refreshToken": session["refreshToken"]}
        self.assert_limited(self.post(REFRESH, body, source="127.0.0.15"), "refresh", REFRESHES)
        # The token was not used up by the refusal.
        self.assertEqual(self.post(REFRESH, body, source="127.0.0.16").status, 200)

    def test_everything_counts_for_an_address(self):
        for number in range(REQUESTS):
            answer = self.get("/api/v1/blogs" if number % 2 else "/nowhere", source="127.0.0.17")
            self.assertEqual(answer.status, 200 if number % 2 else 404, answer)
        answer = self.get("/api/v1/blogs", source="127.0.0.17")
        self.assert_limited(answer, "address", REQUESTS)
        self.assertEqual(answer.headers["X-Content-Type-Options"], "nosniff")
        # How the gateway is may always be asked; and others are not touched.
        self.assertEqual(self.get("/readyz", source="127.0.0.17").status, 200)
        self.assertEqual(self.get("/api/v1/blogs", source="127.0.0.18").status, 200)

    def connect(self, source):
        connection = socket.create_connection(("127.0.0.1", self.mesh.gateway.port), 20,
                                              (source, 0))
        self.addCleanup(connection.close)
        return connection

    def test_connections_of_one_address(self):
        """A quarter-sent header on each of many connections holds up nobody else."""
        for connection in [self.connect("127.0.0.19") for _ in range(8)]:
            connection.sendall(b"GET /api/v1/blogs HTTP/1.1\r\nHo")
        for _ in range(30):
            with self.connect("127.0.0.19").makefile("rb") as file:
                self.assertTrue(file.readline().startswith(b"HTTP/1.1 429 "))
        self.assertEqual(self.get("/api/v1/blogs", source="127.0.0.20").status, 200)
        refused = samples(scrape(self.mesh.gateway)[1], "http_server_refused_connections_total")
        self.assertGreaterEqual(sum(refused.values()), 30)
        # Proxies and who is exempt have many.
        for source in (PROXY, "127.0.0.1"):
            held = [self.connect(source) for _ in range(10)]
            held[-1].sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            with held[-1].makefile("rb") as file:
                self.assertTrue(file.readline().startswith(b"HTTP/1.1 200 "))
            for connection in held:
                connection.close()

    def test_the_exempt_have_no_limits(self):
        for _ in range(LOGINS + 1):
            answer = self.login("exempt@example.com", None, "a wrong guess")
            self.assert_problem(answer, 401)
            self.assertNotIn("RateLimit", answer.headers)

    def peer_of(self, answer):
        """Who asked, as the access log has it."""
        wanted = answer.headers["X-Request-Id"]

        def lines():
            with open(self.mesh.gateway.log, encoding="utf-8") as log:
                return [line for line in log if wanted in line]
        return json.loads(until(f"{wanted} in the log", lines, 20)[0])["peer"]

    def forwarded(self, value, source=PROXY):
        return self.get("/api/v1/blogs", source=source, headers={"X-Forwarded-For": value})

    def test_who_is_behind_a_proxy(self):
        for value, expected in (
                ("203.0.113.1", "203.0.113.1"), ("203.0.113.1, 10.1.2.3", "203.0.113.1"),
                ("127.0.0.1, 203.0.113.1", "203.0.113.1"), ("[2001:db8::1]:443", "2001:db8::1"),
                ("10.9.9.9", "10.9.9.9"), ("garbage", PROXY), ("127.0.0.1 203.0.113.1", PROXY),
                ("203.0.113.1, garbage", PROXY), ("x" * 4000, PROXY), ("1.1.1.1," * 400, PROXY)):
            with self.subTest(value[:40]):
                self.assertEqual(self.peer_of(self.forwarded(value)), expected)
        # Nobody else is believed: neither a stranger nor one who claims to be exempt.
        for value in ("203.0.113.1", "127.0.0.1", PROXY):
            self.assertEqual(self.peer_of(self.forwarded(value, "127.0.0.8")), "127.0.0.8")

    def test_limits_are_for_who_is_behind_the_proxy(self):
        for number in range(REQUESTS):
            # A new lie each time does not make a new client.
            answer = self.forwarded(f"198.51.100.{number}, 203.0.113.2")
            self.assertEqual(answer.status, 200, answer)
        self.assert_limited(self.forwarded("127.0.0.1, 203.0.113.2"), "address", REQUESTS)
        self.assertEqual(self.forwarded("203.0.113.3").status, 200)
        # One customer's network of IPv6 is one client.
        for number in range(REQUESTS):
            self.assertEqual(self.forwarded(f"2001:db8:5:6::{number:x}").status, 200)
        self.assert_limited(self.forwarded("2001:db8:5:6:ffff::1"), "address", REQUESTS)
        self.assertEqual(self.forwarded("2001:db8:5:7::1").status, 200)


class WithoutRedisTest(MeshTest):
    settings = {"BCRYPT_COST": "4", "RATE_LIMIT_LOGIN": f"{LOGINS}/1h",
                "RATE_LIMIT_EXEMPT": "none"}

    def guess(self, source):
        return self.post(LOGIN, {"email": "nobody@example.com", "password": "a wrong guess"},
                         source=source).status

    def test_limits_go_on(self):
        self.assertEqual(self.guess("127.0.0.1"), 401)
        self.mesh.redis.kill()
        statuses = [self.guess("127.0.0.2") for _ in range(LOGINS + 5)]
        self.assertEqual(statuses.count(401), 10, statuses)  # RATE_LIMIT_LOGIN_FAILURES' default
        self.assertEqual(statuses.count(429), LOGINS + 5 - 10)
        self.assertEqual(self.guess("127.0.0.3"), 401)
        alone = samples(scrape(self.mesh.gateway)[1], "rate_limit_local_total")
        self.assertGreater(sum(alone.values()), LOGINS)
        self.mesh.redis.start()
        end = time.monotonic() + 60
        for other in range(1, 255):
            self.assertEqual(self.guess(f"127.0.2.{other}"), 401)
            if not self.mesh.redis.command("KEYS", "limit:*").startswith(b"*0"):
                return
            self.assertLess(time.monotonic(), end)
            time.sleep(0.2)
        self.fail("the limits did not return to Redis")


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/python3
"""Register, sign in, read the profile, refresh, sign out: through HTTP, on both sets of paths."""

import re
import unittest

from mesh import PASSWORD, MeshTest, samples, scrape

UUID_V7 = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
RFC3339 = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")


class Accounts(MeshTest):
    settings = {"BCRYPT_COST": "4", "REFRESH_TOKEN_GRACE": "0",
                "REFRESH_TOKEN_REPEAT": "0"}

    def test_register(self):
        for path in ("/api/v1/auth/register", "/api/v1/users/register"):
            account = self.account()
            answer = self.post(path, account)
            self.assertEqual(answer.status, 201, answer)
            self.assertEqual(answer.headers["Content-Type"].split(";")[0], "application/json")
            user = answer.json()
            self.assertEqual(set(user), {"id", "username", "email", "createdAt"})
            self.assertRegex(user["id"], UUID_V7)
            self.assertRegex(user["createdAt"], RFC3339)
            self.assertEqual((user["username"], user["email"]),
                             (account["username"], account["email"]))

    def test_login_and_profile(self):
        account, user = self.registered()
        credentials = {"email": account["email"].upper(), "password": PASSWORD}
        for login, profile in (("/api/v1/auth/login", "/api/v1/users/profile"),
                               ("/api/v1/users/login", "/api/v1/auth/profile")):
            answer = self.post(login, credentials)
            self.assertEqual(answer.status, 200, answer)
            session = answer.json()
            self.assertEqual(set(session), {"token", "tokenType", "expiresIn", "refreshToken"})
            self.assertEqual((session["tokenType"], session["expiresIn"]), ("Bearer", 3600))
            # The second time from Redis: the same, and never a hash.
            for _ in range(2):
                answer = self.get(profile, token=session["token"])
                self.assertEqual(answer.status, 200, answer)
                self.assertEqual(answer.json(), user)
                self.assertNotIn(b"$2", answer.body)

    def cache_requests(self):
        return samples(scrape(self.mesh.services["user"])[1], "cache_requests_total")

    def test_profile_from_postgresql_then_from_redis(self):
        """And then from the process itself, unless Redis's news of the entry came between."""
        user, session = self.signed_in()
        self.mesh.redis.command("FLUSHALL")
        for number, results in enumerate((("miss",), ("hit",), ("near", "hit"))):
            before = self.cache_requests()
            answer = self.get("/api/v1/users/profile", token=session["token"])
            self.assertEqual((answer.status, answer.json()), (200, user))
            grown = {key: value - before[key] for key, value in self.cache_requests().items()}
            self.assertIn({key: value for key, value in grown.items() if value},
                          [{f'result="{result}"': 1} for result in results], number)
            self.assertEqual(self.mesh.redis.command("EXISTS", f"user:{user['id']}"), b":1\r\n")

    def test_scheme_of_authorization(self):
        _, session = self.signed_in()
        for scheme in ("Bearer", "bearer", "BEARER"):
            answer = self.get("/api/v1/users/profile",
                              headers={"Authorization": f"{scheme} {session['token']}"})
            self.assertEqual(answer.status, 200, answer)
        for value in (f"Basic {session['token']}", session["token"], "Bearer", "Bearer x.y.z",
                      f"Bearer {session['token']}x", f"Bearer {session['token'][:-4]}"):
            answer = self.get("/api/v1/users/profile", headers={"Authorization": value})
            self.assert_problem(answer, 401)
            self.assertTrue(answer.headers["WWW-Authenticate"].startswith("Bearer"), value)
        self.assert_problem(self.get("/api/v1/users/profile"), 401)

    def test_duplicate_email_in_another_case(self):
        account, _ = self.registered()
        again = {**self.account(), "email": account["email"].replace("user", "USER")}
        self.assert_problem(self.post("/api/v1/auth/register", again), 409)

    def test_refresh_rotates_and_reuse_revokes(self):
        _, first = self.signed_in()
        answer = self.post("/api/v1/auth/refresh", {"refreshToken": first["refreshToken"]})
        self.assertEqual(answer.status, 200, answer)
        second = answer.json()
        self.assertNotEqual(second["refreshToken"], first["refreshToken"])
        self.assertEqual(self.get("/api/v1/users/profile", token=second["token"]).status, 200)
        for token in (first, second):  # the used one, and what descends from it
            answer = self.post("/api/v1/auth/refresh", {"refreshToken": token["refreshToken"]})
            self.assert_problem(answer, 401)

    def test_logout_twice(self):
        _, session = self.signed_in()
        for _ in range(2):
            answer = self.post("/api/v1/auth/logout", {"refreshToken": session["refreshToken"]})
            self.assertEqual((answer.status, answer.body), (204, b""))
        answer = self.post("/api/v1/auth/refresh", {"refreshToken": session["refreshToken"]})
        self.assert_problem(answer, 401)


class LoginTellsNothing(MeshTest):
    # Dear enough that a skipped hash would show: about 20 ms.
    settings = {"BCRYPT_COST": "9"}

    def test_unknown_email_and_wrong_password_are_alike(self):
        account, _ = self.registered()
        wrong = {"email": account["email"], "password": "not the password"}
        unknown = {"email": "nobody@example.com", "password": "not the password"}
        times = {"wrong": [], "unknown": []}
        before = samples(scrape(self.mesh.services["user"])[1], "password_hashes_total")[""]
        for _ in range(9):
            answers = {"wrong": self.post("/api/v1/auth/login", wrong),
                       "unknown": self.post("/api/v1/auth/login", unknown)}
            bodies = []
            for name, answer in answers.items():
                problem = self.assert_problem(answer, 401)
                del problem["requestId"]
                bodies.append(problem)
                times[name].append(answer.seconds)
            self.assertEqual(*bodies)
            hashed = samples(scrape(self.mesh.services["user"])[1], "password_hashes_total")[""]
            self.assertEqual(hashed, before + 2)
            before = hashed
        # Both hash; without it an answer takes a tenth of that time.
        medians = {name: sorted(values)[4] for name, values in times.items()}
        self.assertGreater(medians["unknown"], medians["wrong"] / 3, times)
        self.assertLess(medians["unknown"], medians["wrong"] * 3, times)


if __name__ == "__main__":
    unittest.main(verbosity=2)

#!/usr/bin/python3
"""Register, Login, GetProfile and BatchGetUsers on real servers."""

import json
import time
import unittest
import uuid

from fixture import PASSWORD, UserTest
from harness.rpc import Failure, make_token, read_token
from harness.service import JWT_SECRET, service_token


class RegisterTest(UserTest):
    def test_answer(self):
        before = time.time()
        user = self.call("Register", username="Ada", email="Ada.Lovelace@Example.org",
                         password=PASSWORD)
        self.assertEqual(uuid.UUID(user.id).version, 7)
        self.assertEqual(user.id, user.id.lower())
        self.assertEqual((user.username, user.email), ("Ada", "Ada.Lovelace@Example.org"))
        self.assertTrue(before - 5 < user.created_at.ToSeconds() < time.time() + 5)
        self.assertNotIn(b"$2", user.SerializeToString())

    def test_password_is_stored_as_bcrypt(self):
        user = self.new_user()
        stored = self.mesh.postgres.psql(f"SELECT password_hash FROM users WHERE id = '{user.id}'")
        self.assertRegex(stored, r"^\$2b\$04\$.{53}$")
        row = self.mesh.postgres.psql(f"SELECT users::text FROM users WHERE id = '{user.id}'")
        self.assertNotIn(PASSWORD, row)

    def test_email_is_unique_in_any_case(self):
        self.new_user(email="grace@Example.org")
        failure = self.fail_call("Register", username="other", email="GRACE@example.ORG",
                                 password=PASSWORD)
        self.assertEqual((failure.code, failure.reason), ("ALREADY_EXISTS", "EMAIL_TAKEN"))
        self.assertEqual(list(failure.violations), ["email"])
        self.assertNotIn("users_email_key", failure.message)
        self.assertNotIn(b"users_email_key", failure.details)

    def test_username_is_not_unique(self):
        self.assertNotEqual(self.new_user(username="twin").id, self.new_user(username="twin").id)

    def test_one_of_many_at_once_gets_the_email(self):
        results = self.at_once(8, lambda n: self.call(
            "Register", username="ada", email="race@example.org"[:n].upper() +
            "race@example.org"[n:], password=PASSWORD))
        failures = [result for result in results if isinstance(result, Failure)]
        self.assertEqual([failure.code for failure in failures], ["ALREADY_EXISTS"] * 7)

    def test_texts_survive(self):
        name = "O'Brien \"Ω\" 🦊\t; DROP TABLE users --"
        user = self.new_user(username=name)
        self.assertEqual(self.call("GetProfile", token=self.user_token(user)).username, name)

    def refused(self, **fields):
        fields = {"username": "ada", "email": "rules@example.org", "password": PASSWORD, **fields}
        failure = self.fail_call("Register", **fields)
        self.assertEqual(failure.code, "INVALID_ARGUMENT")
        return failure.violations

    def test_rules(self):
        for fields in ({"username": "ab"}, {"username": "x" * 51}, {"username": ""},
                       {"email": ""}, {"email": "ada"}, {"email": "ada@"}, {"email": "@x.org"},
                       {"email": "a b@x.org"}, {"email": "é@x.org"}, {"email": "x" * 250 + "@x.org"},
                       {"password": ""}, {"password": "short12"}, {"password": "p" * 73},
                       {"password": "é" * 37}):
            with self.subTest(fields):
                self.assertEqual(set(self.refused(**fields)), set(fields))

    def test_every_broken_rule_is_named(self):
        self.assertEqual(set(self.refused(username="", email="x", password="x")),
                         {"username", "email", "password"})

    def test_lengths_are_code_points_and_passwords_also_bytes(self):
        self.new_user(username="🦊" * 3)
        self.new_user(username="🦊" * 50)
        for password in ("p" * 72, "é" * 8, "é" * 36):
            user = self.new_user(password=password)
            self.login(user, password)

    def test_nul_is_refused(self):
        for field, value in (("username", "ada\0x"), ("password", "correct\0horse"),
                             ("email", "nul@x.org\0")):
            with self.subTest(field):
                self.assertEqual(list(self.refused(**{field: value})), [field])


class EventTest(UserTest):
    def outbox(self, user_id):
        return json.loads(self.mesh.postgres.psql(
            "SELECT coalesce(json_agg(json_build_array(aggregatetype, type, payload)), '[]')"
            f" FROM outbox WHERE aggregateid = '{user_id}'"))

    def test_an_account_and_its_event_are_one(self):
        user = self.new_user()
        payload = {"type": "user-registered", "userId": user.id, "username": user.username}
        self.assertEqual(self.outbox(user.id), [["user", "user-registered", payload]])

    def test_no_account_no_event(self):
        before = self.mesh.postgres.psql("SELECT count(*) FROM outbox")
        user = self.new_user()
        failure = self.fail_call("Register", username="other", email=user.email, password=PASSWORD)
        self.assertEqual(failure.code, "ALREADY_EXISTS")
        after = self.mesh.postgres.psql("SELECT count(*) FROM outbox")
        self.assertEqual(int(after), int(before) + 1)


class LoginTest(UserTest):
    def test_session(self):
        user = self.new_user()
        session = self.login(user)
        self.assertEqual((session.token_type, session.expires_in), ("Bearer", 3600))
        self.assertRegex(session.refresh_token, r"^[A-Za-z0-9_-]{43}$")
        claims = read_token(session.token)
        self.assertEqual((claims["id"], claims["sub"]), (user.id, user.id))
        self.assertEqual(claims["exp"] - claims["iat"], 3600)
        profile = self.call("GetProfile", token=session.token)
        self.assertEqual(profile.id, user.id)

    def test_email_in_any_case(self):
        user = self.new_user(email="Any.Case@Example.org")
        for email in ("any.case@example.org", "ANY.CASE@EXAMPLE.ORG", user.email):
            self.call("Login", email=email, password=PASSWORD)

    def test_unknown_email_and_wrong_password_are_alike(self):
        user = self.new_user()
        answers = []
        for email, password in ((user.email, "wrong horse"), ("nobody@example.org", PASSWORD),
                                (user.email, "p" * 73), ("nobody@example.org", "p" * 1000)):
            before = self.mesh.first.metric("password_hashes_total")
            failure = self.fail_call("Login", email=email, password=password)
            self.assertEqual(self.mesh.first.metric("password_hashes_total") - before, 1, email)
            answers.append((failure.code, failure.message, failure.reason, failure.details))
        self.assertEqual(answers[0][0], "UNAUTHENTICATED")
        self.assertEqual(answers, answers[:1] * 4)

    def test_passwords_are_not_cut(self):
        user = self.new_user(password="p" * 72)
        self.login(user, "p" * 72)
        self.assertEqual(self.fail_call("Login", email=user.email, password="p" * 73).code,
                         "UNAUTHENTICATED")

    def test_hash_of_another_cost_is_renewed(self):
        user = self.new_user()
        # "U*U" at cost 5, from bcrypt's published test vectors.
        self.mesh.postgres.psql(
            "UPDATE users SET password_hash ="
            " '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'"
            f" WHERE id = '{user.id}'", )
        self.login(user, "U*U")
        stored = self.mesh.postgres.psql(f"SELECT password_hash FROM users WHERE id = '{user.id}'")
        self.assertEqual(stored[:7], "$2b$04$")
        self.login(user, "U*U")

    def test_empty_fields(self):
        failure = self.fail_call("Login")
        self.assertEqual(failure.code, "INVALID_ARGUMENT")
        self.assertEqual(set(failure.violations), {"email", "password"})


class ProfileTest(UserTest):
    def key(self, user):
        return f"user:{user.id}"

    def test_from_postgresql_then_from_redis(self):
        user = self.new_user()
        token = self.user_token(user)
        hits = self.mesh.first.metric('cache_requests_total{result="hit"}')
        first = self.call("GetProfile", token=token)
        self.assertEqual(first, user)
        self.assertEqual(self.mesh.redis.command("EXISTS", self.key(user)), b":1\r\n")
        self.mesh.postgres.psql(f"DELETE FROM users WHERE id = '{user.id}'")
        self.assertEqual(self.call("GetProfile", token=token), user)
        self.assertEqual(self.mesh.first.metric('cache_requests_total{result="hit"}') - hits, 1)

    def test_no_hash_in_redis(self):
        user = self.new_user()
        self.call("GetProfile", token=self.user_token(user))
        value = self.mesh.redis.command("GET", self.key(user))
        self.assertIn(user.email.encode(), value)
        self.assertNotIn(b"$2b$", value)

    def test_entries_expire(self):
        user = self.new_user()
        self.call("GetProfile", token=self.user_token(user))
        ttl = int(self.mesh.redis.command("TTL", self.key(user))[1:])
        self.assertTrue(3200 <= ttl <= 3600, ttl)

    def test_account_gone(self):
        user = self.new_user()
        self.mesh.postgres.psql(f"DELETE FROM users WHERE id = '{user.id}'")
        failure = self.fail_call("GetProfile", token=self.user_token(user))
        self.assertEqual((failure.code, failure.reason), ("UNAUTHENTICATED", "ACCOUNT_GONE"))

    def test_unreadable_entry_is_a_miss(self):
        user = self.new_user()
        token = self.user_token(user)
        self.mesh.redis.command("SET", self.key(user), "rubbish")
        self.assertEqual(self.call("GetProfile", token=token), user)

    def test_tokens(self):
        user = self.new_user()
        token = self.user_token(user)
        self.assertEqual(self.call("GetProfile", authorization="bEARER " + token).id, user.id)
        upper = make_token(JWT_SECRET, id=user.id.upper(), sub=user.id.upper(), typ="access")
        self.assertEqual(self.call("GetProfile", token=upper).id, user.id)
        expired = make_token(JWT_SECRET, id=user.id, sub=user.id, typ="access",
                             exp=int(time.time()) - 60)
        forged = make_token("another secret of thirty-two bytes", id=user.id, sub=user.id,
                            typ="access")
        for authorization, code, reason in (
                (None, "UNAUTHENTICATED", "TOKEN_MISSING"),
                ("Basic " + token, "UNAUTHENTICATED", "TOKEN_MISSING"),
                ("Bearer " + expired, "UNAUTHENTICATED", "TOKEN_EXPIRED"),
                ("Bearer " + forged, "UNAUTHENTICATED", "TOKEN_INVALID"),
                ("Bearer " + token[:-1], "UNAUTHENTICATED", "TOKEN_INVALID")):
            with self.subTest(reason):
                failure = self.fail_call("GetProfile", authorization=authorization)
                self.assertEqual((failure.code, failure.reason), (code, reason))
        self.assertEqual(self.fail_call("GetProfile", token=service_token()).code,
                         "PERMISSION_DENIED")


class BatchTest(UserTest):
    def batch(self, *ids, token=None):
        reply = self.call("BatchGetUsers", token=token or service_token(), ids=ids)
        return sorted(reply.users, key=lambda user: user.id)

    def test_known_ones(self):
        users = sorted((self.new_user() for _ in range(3)), key=lambda user: user.id)
        unknown = str(uuid.uuid4())
        self.assertEqual(self.batch(*(user.id for user in users), unknown), users)
        self.assertEqual(self.batch(users[0].id, users[0].id.upper()), users[:1])
        self.assertEqual(self.batch(unknown), [])

    def test_for_services_only(self):
        user = self.new_user()
        self.assertEqual(self.fail_call("BatchGetUsers", token=self.user_token(user),
                                        ids=[user.id]).code, "PERMISSION_DENIED")
        self.assertEqual(self.fail_call("BatchGetUsers", ids=[user.id]).code, "UNAUTHENTICATED")

    def test_rules(self):
        token = service_token()
        for ids in ([], ["42"], [str(uuid.uuid4())] * 101):
            self.assertEqual(self.fail_call("BatchGetUsers", token=token, ids=ids).code,
                             "INVALID_ARGUMENT")
        self.assertEqual(self.batch(*[str(uuid.uuid4()) for _ in range(100)]), [])


if __name__ == "__main__":
    unittest.main()

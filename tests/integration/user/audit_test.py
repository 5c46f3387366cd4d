#!/usr/bin/python3
"""Common passwords are refused, and who tried to be whom is in the log."""

import json
import secrets
import time
import unittest

from fixture import PASSWORD, UserTest


class AuditTest(UserTest):
    settings = {"REFRESH_TOKEN_GRACE": "0"}
    secrets = (*UserTest.secrets, "example.org", "EXAMPLE.ORG", "a wrong one", "made up",
               "P@ssw0rd")

    def lines(self, count, **wanted):
        """The log's lines on authentication with these fields, once there are `count`."""
        until = time.monotonic() + 20
        while True:
            with open(self.mesh.first.log, encoding="utf-8") as log:
                lines = [json.loads(line) for line in log if '"authentication"' in line]
            found = [line for line in lines
                     if all(line.get(key) == value for key, value in wanted.items())]
            if len(found) >= count or time.monotonic() > until:
                self.assertEqual(len(found), count, lines)
                return found
            time.sleep(0.05)

    def test_common_passwords_are_refused(self):
        for password in ("password", "PassWord", "12345678", "QWERTYUIOP", "Iloveyou1",
                         "P@ssw0rd123!", "contraseña"):
            with self.subTest(password):
                failure = self.fail_call("Register", username="ada", email="common@example.org",
                                         password=password)
                self.assertEqual(failure.code, "INVALID_ARGUMENT")
                self.assertEqual(list(failure.violations), ["password"])
                self.assertIn("most common", failure.violations["password"])
        for password in ("passwords are dull", "12345678 and one more", "pässword", " password"):
            with self.subTest(password):
                self.new_user(password=password)

    def test_they_still_sign_in(self):
        """The list is for new accounts: nobody is locked out by what they once chose."""
        user = self.new_user()
        # "U*U" at cost 5, from bcrypt's published test vectors.
        self.mesh.postgres.psql(
            "UPDATE users SET password_hash = '$2a$05$CCCCCCCCCCCCCCCCCCCCC."
            f"E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW' WHERE id = '{user.id}'")
        self.assertTrue(self.login(user, "U*U").token)

    def test_registrations(self):
        email = f"Noted.{secrets.token_hex(4)}@example.org"
        user = self.new_user(email=email)
        self.lines(1, event="register", outcome="ok", user_id=user.id)
        for written in (email, email.lower(), email.upper()):
            self.fail_call("Register", username="eve", email=written, password=PASSWORD)
        lines = self.lines(3, event="register", outcome="taken")
        self.assertEqual(len({line["account"] for line in lines}), 1)

    def test_logins(self):
        user = self.new_user()
        self.login(user)
        line, = self.lines(1, event="login", outcome="ok", user_id=user.id)
        self.assertTrue(line["request_id"] or line["trace_id"], line)
        self.fail_call("Login", email=user.email, password="a wrong one")
        self.lines(1, event="login", outcome="wrong password", user_id=user.id)
        for written in ("Nobody.Here@example.org", "nobody.here@example.org"):
            self.fail_call("Login", email=written, password="a wrong one")
        lines = self.lines(2, event="login", outcome="no such account")
        self.assertEqual(lines[0]["account"], lines[1]["account"])
        self.assertEqual(len(lines[0]["account"]), 22)

    def test_refreshes(self):
        user = self.new_user()
        session = self.login(user)
        self.call("RefreshToken", refresh_token=session.refresh_token)
        self.lines(1, event="refresh", outcome="ok", user_id=user.id)
        self.call("RefreshToken", refresh_token=session.refresh_token)
        self.lines(1, event="refresh", outcome="ok, repeated", user_id=user.id)
        self.mesh.postgres.psql("UPDATE refresh_tokens SET used_at = used_at - interval '2 min'")
        self.fail_call("RefreshToken", refresh_token=session.refresh_token)
        self.lines(1, event="refresh", outcome="refresh token used before", user_id=user.id)
        self.fail_call("RefreshToken", refresh_token="made up")
        self.lines(1, event="refresh", outcome="unknown refresh token")

    def test_logouts(self):
        user = self.new_user()
        session = self.login(user)
        self.call("Logout", refresh_token=session.refresh_token)
        self.lines(1, event="logout", outcome="ok", user_id=user.id)
        self.call("Logout", refresh_token=session.refresh_token)  # has ended already
        self.call("Logout", refresh_token="made up")
        self.lines(2, event="logout", outcome="no such session")


if __name__ == "__main__":
    unittest.main()

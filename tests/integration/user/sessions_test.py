#!/usr/bin/python3
"""RefreshToken and Logout on real servers."""

import contextlib
import hashlib
import time
import unittest

import psycopg2

from fixture import UserTest
from harness.rpc import Failure
from harness.waiting import until


class SessionTest(UserTest):
    settings = {"REFRESH_TOKEN_GRACE": "30s"}  # however busy the machine is

    def refresh(self, token, **fields):
        return self.call("RefreshToken", refresh_token=token, **fields)

    def assert_dead(self, token):
        failure = self.fail_call("RefreshToken", refresh_token=token)
        self.assertEqual((failure.code, failure.reason, failure.message),
                         ("UNAUTHENTICATED", "REFRESH_TOKEN_INVALID",
                          "the refresh token is not valid"))

    def hash_of(self, token):
        return f"'\\x{hashlib.sha256(token.encode()).hexdigest()}'"

    def age(self, token, by="1 min"):
        """As if the token had been used a minute ago, after the grace."""
        self.mesh.postgres.psql(f"UPDATE refresh_tokens SET used_at = used_at - interval '{by}'"
                                f" WHERE hash = {self.hash_of(token)}")

    @contextlib.contextmanager
    def locked(self, token):
        """Holds the token's row, so that calls that use it queue up."""
        connection = psycopg2.connect(self.mesh.postgres.url)
        try:
            connection.cursor().execute(
                f"SELECT 1 FROM refresh_tokens WHERE hash = {self.hash_of(token)} FOR UPDATE")
            yield
        finally:
            connection.rollback()
            connection.close()

    def waiting_for_locks(self):
        return int(self.mesh.postgres.psql(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"))

    def test_stored_as_sha256_only(self):
        token = self.login(self.new_user()).refresh_token
        self.assertEqual(self.mesh.postgres.psql(
            f"SELECT count(*) FROM refresh_tokens WHERE hash = {self.hash_of(token)}"), "1")
        everything = self.mesh.postgres.psql("SELECT refresh_tokens::text FROM refresh_tokens")
        self.assertNotIn(token, everything)

    def test_rotation(self):
        user = self.new_user()
        token = self.login(user).refresh_token
        for _ in range(3):
            session = self.refresh(token)
            self.assertNotEqual(session.refresh_token, token)
            self.assertEqual((session.token_type, session.expires_in), ("Bearer", 3600))
            self.assertEqual(self.call("GetProfile", token=session.token).id, user.id)
            token = session.refresh_token

    def test_lifetime(self):
        token = self.login(self.new_user()).refresh_token
        days = self.mesh.postgres.psql(
            "SELECT round(extract(epoch FROM expires_at - now()) / 86400) FROM refresh_tokens"
            f" WHERE hash = {self.hash_of(token)}")
        self.assertEqual(days, "30")

    def test_reuse_revokes_the_session(self):
        user = self.new_user()
        other = self.login(user).refresh_token
        first = self.login(user).refresh_token
        second = self.refresh(first).refresh_token
        third = self.refresh(second).refresh_token
        self.age(first)
        self.assert_dead(first)
        for token in (third, second, first):
            self.assert_dead(token)
        self.refresh(other)  # another session of the same user

    def kept(self, token):
        """How many tokens of the session there are."""
        return int(self.mesh.postgres.psql(
            "SELECT count(*) FROM refresh_tokens WHERE session_id ="
            f" (SELECT session_id FROM refresh_tokens WHERE hash = {self.hash_of(token)})"))

    def refresh_often(self, token):
        """All tokens, the latest last; each is used long after the one before it."""
        tokens = [token]
        for _ in range(6):
            tokens.append(self.refresh(tokens[-1]).refresh_token)
            self.age(tokens[-2])
        return tokens

    def test_a_session_keeps_few_tokens_and_knows_all(self):
        for reused in range(6):
            tokens = self.refresh_often(self.login(self.new_user()).refresh_token)
            self.assertEqual(self.kept(tokens[-1]), 2)
            self.assert_dead(tokens[reused])
            self.assert_dead(tokens[-1])

    def test_logout_with_a_token_that_is_not_kept(self):
        tokens = self.refresh_often(self.login(self.new_user()).refresh_token)
        self.call("Logout", refresh_token=tokens[0])
        self.assert_dead(tokens[-1])

    def test_a_session_of_an_earlier_release(self):
        """Its tokens have no family: they are kept."""
        first = self.login(self.new_user()).refresh_token
        self.mesh.postgres.psql("UPDATE refresh_tokens SET family = NULL"
                                f" WHERE hash = {self.hash_of(first)}")
        tokens = self.refresh_often(first)
        self.assertEqual(self.kept(tokens[-1]), 3)
        self.assert_dead(first)
        self.assert_dead(tokens[-1])

    def test_nobody_waits_for_a_used_token(self):
        tokens = self.refresh_often(self.login(self.new_user()).refresh_token)
        with self.locked(tokens[-2]):
            self.refresh(tokens[-1], timeout=10)

    def test_unknown_tokens(self):
        for token in ("x", "A" * 43, "é", "' OR 1 = 1 --", "A" * 512):
            self.assert_dead(token)
        for token in ("", "A" * 513):
            self.assertEqual(self.fail_call("RefreshToken", refresh_token=token).code,
                             "INVALID_ARGUMENT")

    def test_expired(self):
        token = self.login(self.new_user()).refresh_token
        self.mesh.postgres.psql("UPDATE refresh_tokens SET expires_at = now() - interval '1 s'"
                                f" WHERE hash = {self.hash_of(token)}")
        self.assert_dead(token)

    def test_expired_sessions_are_removed(self):
        """With their tokens, when SESSION_RETENTION (a day) is over; soon after a program starts."""
        user = self.new_user()
        first, second, kept = (self.login(user).refresh_token for _ in range(3))
        for token, age in ((first, "25 hours"), (second, "23 hours")):
            self.mesh.postgres.psql(
                f"UPDATE sessions SET expires_at = now() - interval '{age}' WHERE id ="
                f" (SELECT session_id FROM refresh_tokens WHERE hash = {self.hash_of(token)})")
        self.mesh.postgres.psql(  # more than one statement removes
            "INSERT INTO sessions (id, user_id, expires_at) SELECT gen_random_uuid(),"
            f" '{user.id}', now() - interval '2 days' FROM generate_series(1, 5020)")
        replica = self.replica()
        replica.launch()
        count = f"SELECT count(*) FROM sessions WHERE user_id = '{user.id}'"
        until("old sessions to go", lambda: self.mesh.postgres.psql(count) == "2", 30)
        self.assertEqual(self.mesh.postgres.psql(
            f"SELECT count(*) FROM refresh_tokens WHERE hash = {self.hash_of(first)}"), "0")
        self.refresh(kept)

    def test_two_at_once_one_wins(self):
        """All calls have begun before the first of them ends: nobody replays anything."""
        token = self.login(self.new_user()).refresh_token
        locked = contextlib.ExitStack()
        locked.enter_context(self.locked(token))

        def call(number):
            if number < 6:
                return self.refresh(token)
            try:
                until("6 calls that wait", lambda: self.waiting_for_locks() >= 6, 10)
            finally:
                locked.close()
            return None

        results = self.at_once(7, call)[:6]
        won = [result for result in results if not isinstance(result, Failure)]
        self.assertEqual(len(won), 1, results)
        self.assertEqual({result.code for result in results if isinstance(result, Failure)},
                         {"UNAUTHENTICATED"})
        # The winner's session lives: the others were late, not thieves.
        after = self.refresh(won[0].refresh_token)
        # But later the old token is a stolen one.
        self.age(token)
        self.assert_dead(token)
        self.assert_dead(after.refresh_token)

    def test_many_at_once_one_wins_and_goes_on(self):
        """However they meet, also when one begins after another's end."""
        for _ in range(10):
            token = self.login(self.new_user()).refresh_token
            results = self.at_once(6, lambda _, token=token: self.refresh(token))
            won = [result for result in results if not isinstance(result, Failure)]
            self.assertEqual(len(won), 1)
            self.refresh(won[0].refresh_token)

    def test_again_within_the_grace_is_refused_and_ends_nothing(self):
        first = self.login(self.new_user()).refresh_token
        second = self.refresh(first).refresh_token
        self.assert_dead(first)
        self.refresh(second)

    def lost(self, token):
        """The token was used some time ago, and nobody was told what came of it."""
        self.refresh(token)
        self.age(token, "31 s")

    def test_a_lost_answer_is_given_again(self):
        user = self.new_user()
        first = self.login(user).refresh_token
        self.lost(first)
        second = self.refresh(first)
        self.assertEqual(self.call("GetProfile", token=second.token).id, user.id)
        self.assertEqual(self.refresh(first).refresh_token, second.refresh_token)
        self.assertEqual(self.kept(first), 2)
        third = self.refresh(second.refresh_token).refresh_token
        self.refresh(third)

    def test_once_the_next_is_used_a_lost_answer_is_a_replay(self):
        first = self.login(self.new_user()).refresh_token
        self.lost(first)
        second = self.refresh(first).refresh_token
        third = self.refresh(second).refresh_token
        self.assert_dead(first)
        self.assert_dead(third)

    def test_an_answer_that_cannot_be_made_again(self):
        """What came of it is stored, but was made with another secret, or at random."""
        first = self.login(self.new_user()).refresh_token
        second = self.refresh(first).refresh_token
        other = "A" * 43
        self.mesh.postgres.psql(f"UPDATE refresh_tokens SET hash = {self.hash_of(other)}"
                                f" WHERE hash = {self.hash_of(second)}")
        self.age(first, "31 s")
        self.assert_dead(first)
        self.assert_dead(other)

    def test_deadline_while_waiting(self):
        token = self.login(self.new_user()).refresh_token
        with self.locked(token):
            start = time.monotonic()
            with self.assertRaises(Failure) as caught:
                self.refresh(token, timeout=0.5)
            self.assertEqual(caught.exception.code, "DEADLINE_EXCEEDED")
            self.assertLess(time.monotonic() - start, 2)
        # Given up on, so not used.
        until("the statement ends", lambda: self.waiting_for_locks() == 0, 10)
        self.refresh(token)

    def test_logout(self):
        user = self.new_user()
        other = self.login(user).refresh_token
        token = self.login(user).refresh_token
        self.call("Logout", refresh_token=token)
        self.assert_dead(token)
        self.call("Logout", refresh_token=token)
        self.refresh(other)

    def test_logout_with_an_old_token_of_the_session(self):
        first = self.login(self.new_user()).refresh_token
        second = self.refresh(first).refresh_token
        self.call("Logout", refresh_token=first)
        self.assert_dead(second)

    def test_logout_with_an_unknown_token(self):
        self.call("Logout", refresh_token="never seen")

    def test_account_gone(self):
        user = self.new_user()
        token = self.login(user).refresh_token
        self.mesh.postgres.psql(f"DELETE FROM users WHERE id = '{user.id}'")
        self.assert_dead(token)


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/python3
"""What user_db refuses."""

import unittest

from fixture import UserTest
from harness.schema import SchemaCases

ID = "'00000000-0000-7000-8000-00000000000{}'"
HASH = "'$2b$04$' || repeat('x', 53)"
TOKEN = "sha256('{}')"


def user(number, email):
    return ("INSERT INTO users (id, username, email, password_hash) VALUES"
            f" ({ID.format(number)}, 'Ada', {email}, {HASH})")


def session(number, user_number):
    return ("INSERT INTO sessions (id, user_id, expires_at) VALUES"
            f" ({ID.format(number)}, {ID.format(user_number)}, now())")


def token(value, session_number, family="NULL"):
    return ("INSERT INTO refresh_tokens (hash, session_id, expires_at, family) VALUES"
            f" ({value}, {ID.format(session_number)}, now(), {family})")


OUTBOX = ("INSERT INTO outbox (id, aggregatetype, aggregateid, type, payload, seq) VALUES"
          " (" + ID + ", 'user', '1', 'user-registered', '{{}}', {})")


class SchemaTest(SchemaCases, UserTest):
    good = "; ".join((user(1, "'ada@example.com'"), session(2, 1), token(TOKEN.format("a"), 2),
                      OUTBOX.format(3, -3)))
    broken = {
        "users_pkey": user(1, "'grace@example.com'"),
        "users_email_key": user(4, "'ADA@example.com'"),
        "users_username": "UPDATE users SET username = 'Ad'",
        "users_email": "UPDATE users SET email = '@example.com'",
        "users_password_hash": "UPDATE users SET password_hash = 'correct horse battery'",
        "users_version": "UPDATE users SET version = 0",
        "sessions_pkey": session(2, 1),
        "sessions_user_id_fkey": session(4, 5),
        "refresh_tokens_pkey": token(TOKEN.format("a"), 2),
        "refresh_tokens_hash_check": token("'short'", 2),
        "refresh_tokens_family": token(TOKEN.format("b"), 2, "'short'"),
        "refresh_tokens_session_id_fkey": token(TOKEN.format("b"), 5),
        "outbox_waiting": OUTBOX.format(4, -3),
        "outbox_pkey": OUTBOX.format(3, -4),
        "outbox_names": "UPDATE outbox SET aggregatetype = 'user events'",
        "outbox_json": "UPDATE outbox SET payload = '[]'",
    }
    nullable = {"sessions.revoked_at", "refresh_tokens.used_at", "refresh_tokens.family", "outbox.error"}


if __name__ == "__main__":
    unittest.main(verbosity=2)

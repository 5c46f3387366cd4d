#!/usr/bin/python3
"""What notification_db refuses."""

import unittest

from fixture import NotificationTest
from harness.schema import SchemaCases

ID = "'00000000-0000-7000-8000-00000000000{}'"
BOX = f"INSERT INTO mailboxes VALUES ({ID.format(1)}, 1, 1)"
NOTIFICATION = ("INSERT INTO notifications (id, user_id, seq, message, type, created_at) VALUES"
                " (" + ID + ", " + ID + ", {}, 'Hello', 'email', now())")
EMAIL = ("INSERT INTO emails (notification_id, user_id, state, created_at, next_attempt_at) VALUES"
         " (" + ID + ", " + ID + ", 'held', now(), now())")
INBOX = "INSERT INTO inbox (consumer, event_id) VALUES ('one', 'event')"


class SchemaTest(SchemaCases, NotificationTest):
    good = "; ".join((BOX, NOTIFICATION.format(2, 1, 1), EMAIL.format(2, 1), INBOX))
    broken = {
        "mailboxes_pkey": BOX,
        "mailboxes_unread_check": "UPDATE mailboxes SET unread = -1",
        "mailboxes_counts": "UPDATE mailboxes SET unread = 2",
        "notifications_pkey": NOTIFICATION.format(2, 1, 2),
        "notifications_seq": NOTIFICATION.format(3, 1, 1),
        "notifications_place": NOTIFICATION.format(3, 1, 0),
        "notifications_user_id_fkey": NOTIFICATION.format(3, 3, 1),
        "notifications_type": "UPDATE notifications SET type = 'pigeon'",
        "notifications_message": "UPDATE notifications SET message = ''",
        "emails_pkey": EMAIL.format(2, 1),
        "emails_notification_id_fkey": EMAIL.format(3, 1),
        "emails_user": "UPDATE emails SET user_id = " + ID.format(3),
        "emails_state": "UPDATE emails SET state = 'lost'",
        "emails_attempts": "UPDATE emails SET attempts = -1",
        "emails_ended_at": "UPDATE emails SET state = 'sent'",
        "emails_last_error": "UPDATE emails SET state = 'dead', ended_at = now()",
        "inbox_pkey": INBOX,
        "inbox_names": "UPDATE inbox SET event_id = ''",
    }
    nullable = {"notifications.read_at", "emails.ended_at", "emails.last_error"}


if __name__ == "__main__":
    unittest.main(verbosity=2)

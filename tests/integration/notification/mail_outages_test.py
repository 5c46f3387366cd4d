#!/usr/bin/python3
"""E-mail when a part is away, dies at the worst moment, or was never there."""

import os
import secrets
import tempfile
import time
import unittest

from harness.certificates import Authority
from harness.mail import MailCatcher
from harness.waiting import until
from mail_fixture import MailTest, sending_to


class AwayTest(MailTest):
    """What is everybody's trouble costs no e-mail an attempt."""

    def await_trouble(self):
        until("somebody is troubled", lambda: self.total("email_troubled") >= 1, 30)

    def assert_recovers(self, id_, address):
        self.await_mail(address)
        self.await_state(id_, "sent")
        self.assertEqual(self.row(id_, "attempts"), "1")
        until("nobody is troubled", lambda: self.total("email_troubled") == 0, 60)

    def test_mail_server_away(self):
        _, token, address = self.account()
        self.mesh.mail.stop()
        id_ = self.notify(token)
        self.await_trouble()
        until("it is counted", lambda: all(one.metric("email_pending") >= 1
                                           for one in self.mesh.replicas), 20)
        for one in self.mesh.replicas:
            status, text = one.admin("/readyz")
            self.assertEqual(status, 200, text)
        time.sleep(3)
        self.assertEqual(self.row(id_), "pending")
        self.mesh.mail.start()
        self.assert_recovers(id_, address)

    def test_mail_server_refuses_all(self):
        _, token, address = self.account()
        self.mesh.mail.rules({"at": "mail", "answer": "530 5.7.0 Authentication required"})
        id_ = self.notify(token)
        self.await_trouble()
        self.mesh.mail.rules()
        self.assert_recovers(id_, address)

    def test_user_service_away(self):
        _, token, address = self.account()
        breaker = 'grpc_client_breaker_state{service="user"}'
        self.assertEqual(self.total(breaker), 0)
        self.mesh.users.kill()
        id_ = self.notify(token)
        self.await_trouble()
        until("a circuit breaker opens", lambda: self.total(breaker) >= 2, 60)
        self.mesh.users.start()
        self.assert_recovers(id_, address)

    def test_nobody_waits_for_a_silent_server(self):
        _, token, address = self.account()
        _, busy, _ = self.account()
        self.mesh.mail.rules({"at": "connect", "hang": True})
        self.mesh.mail.restart()
        id_ = self.notify(token)
        until("somebody waits for it", lambda: self.mesh.mail.events("rule"), 30)
        for number in range(30):
            self.create(busy, str(number), replica=self.mesh.replicas[number % 2], timeout=5)
        self.assertEqual(len(self.messages(busy, page_size=100)), 30)
        self.mesh.mail.rules()
        self.await_mail(address)
        self.await_state(id_, "sent")


class DeathTest(MailTest):
    """In the middle of a mail."""

    def test_killed_between_sending_and_noting_it(self):
        _, token, address = self.account()
        self.mesh.mail.rules({"at": "stored", "address": address, "hang": True})
        id_ = self.notify(token)
        until("it arrived", lambda: self.mesh.mail.messages(address), 30)
        for one in self.mesh.replicas:
            one.kill()
        self.assertEqual(self.row(id_, "state, attempts"), "pending|1")
        self.mesh.mail.rules()
        for one in self.mesh.replicas:
            one.start()
        first, second = self.await_mail(address, 2)
        self.assertEqual(first["Message-ID"], f"<{id_}@inkmesh.example>")
        self.assertEqual(first.as_bytes(), second.as_bytes())
        self.await_state(id_, "sent")

    def test_database_dies_between_sending_and_noting_it(self):
        """It is noted when the database is back: no second mail."""
        _, token, address = self.account()
        self.mesh.mail.rules({"at": "stored", "address": address, "hang": True})
        id_ = self.notify(token)
        until("it arrived", lambda: self.mesh.mail.messages(address), 30)
        self.mesh.postgres.kill()
        self.mesh.mail.rules()
        time.sleep(1)
        self.mesh.postgres.start()
        self.await_state(id_, "sent")
        self.await_mail(address, 1)

    def test_end_during_a_mail(self):
        """A silent mail server does not keep the program from ending, and the mail is not lost."""
        _, token, address = self.account()
        self.mesh.mail.rules({"at": "rcpt", "address": address, "hang": True})
        id_ = self.notify(token)
        until("somebody sends it", lambda: self.row(id_, "attempts") == "1", 30)
        for one in self.mesh.replicas:
            self.assertEqual(one.stop(), 0)
        self.assertEqual(self.row(id_, "state, attempts, next_attempt_at <= now()"), "pending|0|t")
        self.mesh.mail.rules()
        for one in self.mesh.replicas:
            one.start()
        self.await_mail(address)


class HeldTest(MailTest):
    """Without a mail server; then there is one, with TLS and a password."""

    settings = {"sends": False}

    def authority(self):
        return Authority(tempfile.mkdtemp(dir=os.environ.get("TEST_TMPDIR")))

    def restart_with(self, settings):
        for one in self.mesh.replicas:
            self.assertEqual(one.stop(), 0)
            one.env.update(settings)
            one.start()
        self.await_calls()

    def test_held_until_there_is_a_mail_server(self):
        password = secrets.token_hex(12)
        authority = self.authority()
        own = authority.issue("mail", ["IP:127.0.0.1"])
        mail = MailCatcher(tls=(own.cert, own.key), require_starttls=True, login=("ink", password))
        self.addCleanup(mail.stop)
        mail.start()
        _, token, address = self.account()
        old, young = self.notify(token, "old"), self.notify(token, "young")
        self.mesh.postgres.psql("UPDATE emails SET created_at = now() - interval '3 days'"
                                f" WHERE notification_id = '{old}'")
        time.sleep(1)
        self.assertEqual((self.row(old), self.row(young)), ("held", "held"))
        self.restart_with(sending_to(mail, SMTP_STARTTLS="required", SMTP_USER="ink",
                                     SMTP_CA_FILE=authority.cert, SMTP_PASSWORD=password))
        self.await_state(young, "sent")
        self.assertEqual([message["Subject"] for message in mail.messages(address)], ["young"])
        self.assertTrue(all(event["tls"] and event["authenticated"]
                            for event in mail.events("mail")))
        self.assertEqual(self.row(old), "held")
        # Another authority, and a wrong password: nothing is sent, and nothing is told.
        for wrong in ({"SMTP_CA_FILE": self.authority().cert},
                      {"SMTP_CA_FILE": authority.cert, "SMTP_PASSWORD": "wrong-" + password}):
            self.restart_with(wrong)
            id_ = self.notify(token, "not yet")
            until("both are troubled", lambda: self.total("email_troubled") >= 1, 30)
            self.assertEqual(self.row(id_), "pending")
        self.restart_with({"SMTP_PASSWORD": password})
        self.await_state(id_, "sent")
        self.assert_not_logged(password, address)


if __name__ == "__main__":
    unittest.main(verbosity=2)

#!/usr/bin/python3
"""Notifications of type email: sent once, put off, given up."""

import collections
import os
import secrets
import subprocess
import time
import unittest
import uuid

from harness.logs import read_log
from harness.waiting import until
from mail_fixture import MailTest
from harness.service import service_token

# docs/operations.md gives these statements to operators.
RETRY_ONE = ("UPDATE emails SET state = 'pending', attempts = 0, next_attempt_at = now()"
             " WHERE state = 'dead' AND notification_id = '%s'")


class SendingTest(MailTest):
    def test_sent_once_as_text_and_html(self):
        user_id, token, address = self.account("Zoë \"Ω\" <b>")
        text = "Welcome, Zoë <script>alert('&')</script> 🦊!\nA second line. " + "word " * 40
        id_ = self.notify(token, text)
        message, = self.await_mail(address)
        self.assertEqual(message.defects, [])
        self.assertEqual(message["Message-ID"], f"<{id_}@inkmesh.example>")
        self.assertEqual(message["From"].addresses[0].addr_spec, "no-reply@inkmesh.example")
        self.assertEqual(message["From"].addresses[0].display_name, "inkmesh")
        self.assertEqual(message["To"].addresses[0].addr_spec, address)
        self.assertEqual(message["To"].addresses[0].display_name, "Zoë \"Ω\" <b>")
        self.assertEqual(message["Subject"],
                         text.replace("\n", " ")[:77] + "…")
        self.assertEqual(message.get_body(["plain"]).get_content().rstrip("\n"), text)
        html = message.get_body(["html"]).get_content()
        self.assertIn("Zoë &lt;script&gt;alert(&#39;&amp;&#39;)&lt;/script&gt; 🦊!<br>", html)
        self.assertNotIn("<script", html)
        self.await_state(id_, "sent")
        self.assertEqual(self.row(id_, "attempts, last_error IS NULL, ended_at IS NOT NULL"),
                         "1|t|t")
        time.sleep(1)
        self.await_mail(address, 1)
        self.assert_not_logged(address)
        self.assertEqual(self.messages(token), [text])  # and readable as ever

    def test_hostile_texts(self):
        evil = "x\r\nBcc: eve@example.com\r\n\r\n.\r\nRCPT TO:<eve@example.com>\r\n--=_inkmesh--"
        _, token, address = self.account("Ada\r\nBcc: eve@example.com")
        self.notify(token, evil)
        message, = self.await_mail(address)
        self.assertEqual(message.defects, [])
        self.assertIsNone(message["Bcc"])
        self.assertEqual(message.get_all("Delivered-To"), [address])
        self.assertEqual([one.addr_spec for one in message["To"].addresses], [address])
        self.assertEqual(message.get_body(["plain"]).get_content().rstrip("\n"),
                         evil.replace("\r\n", "\n"))
        self.assertEqual(self.mesh.mail.messages("eve@example.com"), [])

    def test_only_those_of_type_email(self):
        _, token, address = self.account()
        quiet = self.create(token, "in-app only").id
        id_ = self.notify(token, "by mail")
        self.await_state(id_, "sent")
        self.assertEqual(self.row(quiet), "")
        self.assertEqual(self.await_mail(address)[0]["Subject"], "by mail")

    def test_two_replicas_send_each_once(self):
        accounts = [self.account() for _ in range(10)]
        self.mesh.mail.stop()

        def act(number):
            token = accounts[number // 2][1]
            replica = self.mesh.replicas[number % 2]
            return [self.notify(token, f"{number}/{n}", replica=replica) for n in range(9)]
        ids = sum(self.at_once(20, act), [])
        self.mesh.mail.start()
        until("all are sent", lambda: self.mesh.postgres.psql(
            "SELECT count(*) FROM emails WHERE state = 'sent' AND notification_id IN"
            " ('%s')" % "', '".join(ids)).strip() == str(len(ids)), 90)
        found = collections.Counter(message["Message-ID"] for message in self.mesh.mail.messages())
        self.assertEqual([found[f"<{id_}@inkmesh.example>"] for id_ in ids], [1] * len(ids))

    def test_limit_of_a_user(self):
        _, token, address = self.account()
        ids = [self.notify(token) for _ in range(20)]
        for id_ in ids:
            self.await_state(id_, "sent")
        beyond = self.notify(token)
        self.await_state(beyond, "dead")
        self.assertIn("EMAIL_USER_DAILY", self.row(beyond, "last_error"))
        _, other, other_address = self.account()
        self.notify(other)
        self.await_mail(other_address)
        self.await_mail(address, 20)


class FailureTest(MailTest):
    def test_put_off(self):
        _, token, address = self.account()
        before = self.total("email_retries_total")
        self.mesh.mail.rules({"at": "rcpt", "address": address, "times": 2,
                              "answer": f"451 4.7.1 <{address}>: try again"})
        id_ = self.notify(token)
        self.await_mail(address)
        self.await_state(id_, "sent")
        # The row says it, too, but only for a moment.
        self.assertEqual(self.logged("an e-mail is put off", id_),
                         2 * ["the server says: 451 4.7.1 <[recipient]>: try again"])
        self.assertEqual(self.row(id_, "attempts"), "3")
        self.assertEqual(self.total("email_retries_total"), before + 2)
        self.assert_not_logged(address)

    def test_refused_for_good(self):
        _, token, address = self.account()
        before = self.total("email_failed_total")
        self.mesh.mail.rules({"at": "rcpt", "address": address,
                              "answer": f"550 5.1.1 <{address}>: no such mailbox"})
        id_ = self.notify(token)
        self.await_state(id_, "dead")
        self.assertEqual(self.row(id_, "attempts, last_error"),
                         "1|the server says: 550 5.1.1 <[recipient]>: no such mailbox")
        self.assertEqual(self.total("email_failed_total"), before + 1)
        until("it is counted", lambda: all(one.metric("email_dead") >= 1
                                           for one in self.mesh.replicas), 20)
        # The others are not held up, and it can be tried again.
        _, other, other_address = self.account()
        self.notify(other)
        self.await_mail(other_address)
        self.mesh.mail.rules()
        self.mesh.postgres.psql(RETRY_ONE % id_)
        self.await_mail(address)
        self.await_state(id_, "sent")
        self.assert_not_logged(address)

    def test_answers_cannot_forge_log_lines(self):
        _, token, address = self.account()
        self.mesh.mail.rules(
            {"at": "rcpt", "address": address, "times": 1,
             "answer": '451-a\x1b[2J\x07\r\n451 b"},{"msg":"forged\x7f\b'},
            {"at": "data", "address": address, "times": 1, "answer": "451 " + "\x1b" * 400},
            {"at": "stored", "address": address, "times": 1,
             "answer": '451 a","msg":"forged'})
        id_ = self.notify(token)
        self.await_state(id_, "sent")
        errors = self.logged("an e-mail is put off", id_)
        self.assertEqual(len(errors), 3, errors)
        self.assertFalse([error for error in errors if not error.isprintable()])
        for one in self.mesh.replicas:
            self.assertNotIn("forged", {line["msg"] for line in read_log(one.log)})

    def test_tried_often_enough(self):
        _, token, address = self.account()
        self.mesh.mail.rules({"at": "data", "address": address, "answer": "452 4.2.2 mailbox full"})
        id_ = self.notify(token)
        self.await_state(id_, "dead")
        self.assertEqual(self.row(id_, "attempts"), "4")
        self.assertEqual(self.row(id_, "last_error"), "tried often enough (EMAIL_ATTEMPTS): "
                         "the server says: 452 4.2.2 mailbox full")
        self.assertEqual(self.mesh.mail.messages(address), [])

    def test_unknown_user(self):
        nobody = str(uuid.uuid4())
        id_ = self.notify(service_token("blog"), user_id=nobody)
        self.await_state(id_, "dead")
        self.assertEqual(self.row(id_, "last_error"), "there is no such user")

    def test_too_old(self):
        _, token, address = self.account()
        self.mesh.mail.stop()
        id_ = self.notify(token)
        for table, column in (("emails", "notification_id"), ("notifications", "id")):
            self.mesh.postgres.psql(f"UPDATE {table} SET created_at = now() - interval '25 hours'"
                                    f" WHERE {column} = '{id_}'")
        self.mesh.mail.start()
        self.await_state(id_, "dead")
        self.assertIn("EMAIL_MAX_AGE", self.row(id_, "last_error"))
        self.assertEqual(self.mesh.mail.messages(address), [])


class SettingsTest(unittest.TestCase):
    """What would not work does not start, and says why."""

    def start(self, **settings):
        env = {"JWT_SECRET": secrets.token_hex(24), "GRPC_ADDRESS": "127.0.0.1:0",
               "ADMIN_ADDRESS": "127.0.0.1:0", **settings}
        done = subprocess.run([os.path.abspath("services/notification/notification")], env=env,
                              capture_output=True, text=True, timeout=30)
        return done.returncode, done.stdout + done.stderr

    def test_what_does_not_start(self):
        good = {"SMTP_URL": "smtp://mail.example.com", "EMAIL_FROM": "a@example.com"}
        for settings, said in (
                ({**good, "EMAIL_FROM": ""}, "EMAIL_FROM"),
                ({**good, "EMAIL_FROM": "a@b\r\nBcc: c@d"}, "EMAIL_FROM"),
                ({**good, "SMTP_URL": "http://mail.example.com"}, "SMTP_URL"),
                ({**good, "SMTP_URL": "smtp://ink:hidden@mail.example.com"}, "SMTP_URL"),
                ({**good, "SMTP_USER": "ink"}, "SMTP_PASSWORD"),
                ({**good, "SMTP_STARTTLS": "opportunistic", "SMTP_USER": "ink",
                  "SMTP_PASSWORD": "hidden"}, "in the clear"),
                ({**good, "SMTP_STARTTLS": "perhaps"}, "SMTP_STARTTLS")):
            with self.subTest(settings):
                code, text = self.start(**settings)
                self.assertIn(code, (1, 2), text)
                self.assertIn(said, text)
                self.assertNotIn("hidden", text)


if __name__ == "__main__":
    unittest.main(verbosity=2)

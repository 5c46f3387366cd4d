#!/usr/bin/python3
"""lib/smtp against a real SMTP server: what arrives, and how failures are told apart."""

import email.utils
import os
import signal
import subprocess
import tempfile
import time
import unittest

from harness.certificates import Authority
from harness.mail import MailCatcher
from harness.waiting import until

TO = "ada@example.com"
PASSWORD = "correct horse battery"


class Sender:
    """tests/integration/smtp/sender.c, running."""

    def __init__(self, url, **settings):
        env = {key: value for key, value in os.environ.items()
               if key.endswith("SAN_OPTIONS") or key == "PATH"}
        self.process = subprocess.Popen(
            [os.path.abspath("tests/integration/smtp/sender")], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, env={**env, "SMTP_URL": url, **settings})

    def start(self, to=TO):
        self.process.stdin.write(to + "\n")
        self.process.stdin.flush()

    def answer(self):
        """The code and the message of what was started."""
        code, _, message = self.process.stdout.readline().rstrip("\n").partition(" ")
        return code, message

    def send(self, to=TO):
        self.start(to)
        return self.answer()

    def end(self):
        self.process.stdin.close()
        code = self.process.wait(20)
        self.process.stdout.close()
        return code


class SmtpTest(unittest.TestCase):
    def catcher(self, **options):
        server = MailCatcher(**options)
        self.addCleanup(server.stop)
        return server.start()

    def sender(self, server, **settings):
        sender = Sender(server.url, **settings)

        def end():
            self.assertEqual(sender.end(), 0)
        self.addCleanup(end)
        return sender

    def only(self, server):
        """The one message that arrived."""
        message, = server.messages()
        self.assertFalse(server.events("stored")[0]["bare"], "a line end that is not CRLF")
        return message

    def body(self, message, kind):
        return message.get_body([kind]).get_content()


class MessageTest(SmtpTest):
    """Read by a parser that nobody here wrote."""

    def test_parts_and_headers(self):
        server = self.catcher()
        text = "Welcome, Zoë <b>\"Ω\"</b> & 🦊!\nA second line = \t \n" + "long " * 60
        sender = self.sender(server, MAIL_TEXT=text, MAIL_SUBJECT="Grüße, " + "Zoë 🦊 " * 20,
                             MAIL_TO_NAME="Zoë \"Ω\"", MAIL_ID="01890000-0000-7000-8000-00000000000a")
        self.assertEqual(sender.send(), ("OK", ""))
        message = self.only(server)
        self.assertEqual(message.defects, [])
        self.assertEqual(message["Subject"], ("Grüße, " + "Zoë 🦊 " * 20).strip())
        self.assertEqual(message["Message-ID"],
                         "<01890000-0000-7000-8000-00000000000a@inkmesh.example>")
        self.assertEqual(message["From"].addresses[0].addr_spec, "no-reply@inkmesh.example")
        self.assertEqual(message["From"].addresses[0].display_name, "inkmesh")
        self.assertEqual(message["To"].addresses[0].addr_spec, TO)
        self.assertEqual(message["To"].addresses[0].display_name, "Zoë \"Ω\"")
        self.assertEqual(message["Auto-Submitted"], "auto-generated")
        self.assertEqual(email.utils.parsedate_to_datetime(message["Date"]).timestamp(), 0)
        self.assertEqual(message["Return-Path"], "<no-reply@inkmesh.example>")
        self.assertEqual(message["Delivered-To"], TO)
        self.assertEqual(message.get_content_type(), "multipart/alternative")
        self.assertEqual([part.get_content_type() for part in message.iter_parts()],
                         ["text/plain", "text/html"])
        self.assertEqual(self.body(message, "plain"), text)
        html = self.body(message, "html")
        self.assertIn("&lt;b&gt;&quot;Ω&quot;&lt;/b&gt; &amp; 🦊!<br>\n", html)
        self.assertNotIn("<b>", html)

    def test_hostile_texts_stay_texts(self):
        server = self.catcher()
        evil = "x\r\nBcc: eve@example.com\r\n\r\n.\r\nMAIL FROM:<eve@example.com>\r\n--=_inkmesh--\r\n"
        sender = self.sender(server, MAIL_TEXT=evil, MAIL_SUBJECT=evil, MAIL_TO_NAME=evil,
                             MAIL_FROM_NAME=evil + "\" <eve@example.com>")
        self.assertEqual(sender.send(), ("OK", ""))
        message = self.only(server)
        self.assertEqual(message.defects, [])
        self.assertIsNone(message["Bcc"])
        self.assertEqual(message.get_all("Delivered-To"), [TO])
        self.assertEqual(message["To"].addresses[0].addr_spec, TO)
        self.assertEqual(len(message["From"].addresses), 1)
        self.assertEqual(message["From"].addresses[0].addr_spec, "no-reply@inkmesh.example")
        self.assertEqual(self.body(message, "plain"), evil.replace("\r\n", "\n"))
        self.assertEqual(len(list(message.iter_parts())), 2)

    def test_hostile_addresses_are_not_sent_to(self):
        server = self.catcher()
        sender = self.sender(server)
        for address in ("a@b>\rRCPT TO:<eve@example.com", "<a@b>", "a b@example.com", "", "a",
                        "a@b,eve@example.com", "\"a\"@example.com", "é@example.com"):
            self.assertEqual(sender.send(address)[0], "INVALID_ARGUMENT", address)
        self.assertEqual(server.messages(), [])

    def test_dots(self):
        """A line that is a dot would end the message, were it not for the stuffing."""
        server = self.catcher()
        lines = [".", "..", ".x", "", ".", "end"]
        sender = self.sender(server, MAIL_RAW="Subject: dots\r\n\r\n" + "\r\n".join(lines) + "\r\n")
        self.assertEqual(sender.send(), ("OK", ""))
        self.assertEqual(self.only(server).get_payload().splitlines(), lines)


def listens(pid):
    """Whether the process catches SIGUSR1."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        caught = next(line for line in file if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) & 1 << (signal.SIGUSR1 - 1))


class FailureTest(SmtpTest):
    def test_connection_is_used_again(self):
        server = self.catcher()
        sender = self.sender(server)
        for number in range(5):
            self.assertEqual(sender.send(f"user{number}@example.com")[0], "OK")
        self.assertEqual(len({event["session"] for event in server.events("stored")}), 1)
        server.restart()
        self.assertEqual(sender.send()[0], "OK")

    def test_refused_for_good(self):
        server = self.catcher()
        sender = self.sender(server)
        server.rules({"at": "rcpt", "address": TO, "answer": f"550 5.1.1 <{TO.upper()}>: nobody"},
                     {"at": "data", "address": "b@example.com", "answer": "554 5.6.0 spam"})
        self.assertEqual(sender.send(), ("FAILED_PRECONDITION",
                                         "the server says: 550 5.1.1 <[recipient]>: nobody"))
        self.assertEqual(sender.send("b@example.com"), ("FAILED_PRECONDITION",
                                                        "the server says: 554 5.6.0 spam"))
        self.assertEqual(sender.send("c@example.com")[0], "OK")

    def test_not_now(self):
        server = self.catcher()
        sender = self.sender(server)
        for at in ("rcpt", "data", "stored"):
            server.rules({"at": at, "answer": "451-4.7.1 Gray\r\n451 4.7.1 Try again", "times": 2})
            for _ in range(2):
                self.assertEqual(sender.send(), ("ABORTED", "the server says: 451 4.7.1 Try again"))
            self.assertEqual(sender.send()[0], "OK")

    def test_what_is_no_messages_fault(self):
        server = self.catcher()
        sender = self.sender(server)
        for answer in ("451 later", "550 sender refused", "530 5.7.0 Authentication required"):
            server.rules({"at": "mail", "answer": answer})
            self.assertEqual(sender.send(), ("UNAVAILABLE", f"the server says: {answer}"))
        server.rules({"at": "connect", "answer": "554 go away"})
        server.restart()
        self.assertEqual(sender.send()[0], "UNAVAILABLE")
        server.stop()
        self.assertEqual(sender.send()[0], "UNAVAILABLE")
        server.rules()
        server.start()
        self.assertEqual(sender.send()[0], "OK")

    def test_silence(self):
        """However silent the server is, an answer comes, and then the next message is sent."""
        server = self.catcher()
        for at, code in (("connect", "UNAVAILABLE"), ("mail", "UNAVAILABLE"), ("rcpt", "ABORTED"),
                         ("data", "ABORTED"), ("stored", "ABORTED")):
            with self.subTest(at=at):
                sender = self.sender(server, SMTP_TIMEOUT="1000")
                server.rules({"at": at, "hang": True})
                self.assertEqual(sender.send()[0], code)
                server.rules()
                self.assertEqual(sender.send(), ("OK", ""))

    def test_cancelled(self):
        server = self.catcher()
        for at in ("connect", "data"):
            sender = self.sender(server)
            server.rules({"at": at, "hang": True})
            before = len(server.events("rule"))
            sender.start()
            until("the server hangs", lambda: len(server.events("rule")) > before, 20)
            until("the sender can be cancelled", lambda: listens(sender.process.pid), 20)
            sender.process.send_signal(signal.SIGUSR1)
            self.assertEqual(sender.answer()[0], "CANCELLED")
            server.rules()

    def test_end_does_not_wait_for_a_frozen_server(self):
        server = self.catcher()
        sender = Sender(server.url)
        self.assertEqual(sender.send()[0], "OK")
        server.pause()
        self.addCleanup(server.resume)
        start = time.monotonic()
        self.assertEqual(sender.end(), 0)
        self.assertLess(time.monotonic() - start, 15)  # libcurl alone would wait for 120 s


class TlsTest(SmtpTest):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.mkdtemp(dir=os.environ.get("TEST_TMPDIR"))
        cls.right, cls.wrong = (Authority(os.path.join(folder, name)) for name in ("right", "wrong"))
        own = cls.right.issue("mail", ["IP:127.0.0.1"])
        cls.tls = own.cert, own.key

    def was_encrypted(self, server):
        return [event["tls"] for event in server.events("mail")]

    def test_starttls(self):
        server = self.catcher(tls=self.tls, require_starttls=True)
        for mode in ("opportunistic", "required"):
            sender = self.sender(server, SMTP_STARTTLS=mode, SMTP_CA_FILE=self.right.cert)
            self.assertEqual(sender.send(), ("OK", ""))
            self.assertEqual(sender.send(), ("OK", ""))
        self.assertEqual(self.was_encrypted(server), [True] * 4)
        code, message = self.sender(server, SMTP_STARTTLS="off").send()
        self.assertEqual(code, "UNAVAILABLE", message)

    def test_certificate_is_verified(self):
        server = self.catcher(tls=self.tls)
        for mode in ("opportunistic", "required"):
            for settings in ({"SMTP_CA_FILE": self.wrong.cert}, {}):
                code, message = self.sender(server, SMTP_STARTTLS=mode, **settings).send()
                self.assertEqual(code, "UNAVAILABLE", message)
                self.assertIn("certificate", message)
        self.assertEqual(server.messages(), [])

    def test_no_starttls_to_be_had(self):
        server = self.catcher()
        self.assertEqual(self.sender(server, SMTP_STARTTLS="required").send()[0], "UNAVAILABLE")
        self.assertEqual(server.messages(), [])
        self.assertEqual(self.sender(server, SMTP_STARTTLS="opportunistic").send()[0], "OK")

    def test_tls_from_the_start(self):
        server = self.catcher(tls=self.tls, smtps=True)
        self.assertEqual(self.sender(server, SMTP_CA_FILE=self.right.cert).send(), ("OK", ""))
        self.assertEqual(self.sender(server, SMTP_CA_FILE=self.wrong.cert).send()[0], "UNAVAILABLE")
        self.assertEqual(self.was_encrypted(server), [True])

    def test_login(self):
        server = self.catcher(tls=self.tls, require_starttls=True, login=("ink", PASSWORD))
        tls = {"SMTP_STARTTLS": "required", "SMTP_CA_FILE": self.right.cert}
        good = {"SMTP_USER": "ink", "SMTP_PASSWORD": PASSWORD}
        self.assertEqual(self.sender(server, **tls, **good).send(), ("OK", ""))
        self.assertTrue(server.events("mail")[-1]["authenticated"])
        for bad in ({**good, "SMTP_PASSWORD": "wrong"}, {}):
            code, message = self.sender(server, **tls, **bad).send()
            self.assertEqual(code, "UNAVAILABLE", message)
            self.assertNotIn(PASSWORD, message)
        self.assertEqual(len(server.messages()), 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)

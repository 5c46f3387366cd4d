"""The notification service beside a mail server and the user service, and what its tests share."""

import itertools
import json

from fixture import Mesh, NotificationTest
from harness.mail import MailCatcher
from harness.postgres import Postgres
from harness.service import Replica, user_token
from harness.waiting import until

PASSWORD = "correct horse battery"
# Quick to try again; an e-mail has time enough on a busy machine.
QUICK = {"EMAIL_BACKOFF": "200ms", "EMAIL_BACKOFF_MAX": "1s", "EMAIL_POLL": "200ms",
         "EMAIL_ATTEMPTS": "4", "EMAIL_USER_DAILY": "20", "SMTP_TIMEOUT": "5s",
         "DRAIN_GRACE_MS": "1000"}
_numbers = itertools.count(1)


def sending_to(mail, **more):
    """The settings with which mail is sent to a MailCatcher."""
    return {"SMTP_URL": mail.url, "SMTP_STARTTLS": "off",
            "EMAIL_FROM": "no-reply@inkmesh.example", **more}


class MailMesh(Mesh):
    """Also a mail server, and the user service with a database of its own."""

    def __init__(self, sends=True, **settings):
        self.mail = MailCatcher()
        super().__init__(**QUICK, **(sending_to(self.mail) if sends else {}), **settings)
        self.user_postgres = Postgres("postgres-user", "user_db")
        self.users = Replica(self.contract, "user", "user",
                             {"DATABASE_URL": self.user_postgres.url, "REDIS_URL": self.redis.url,
                              "BCRYPT_COST": "4"})
        for one in self.replicas:
            one.env["USER_SERVICE_ADDRESS"] = f"127.0.0.1:{self.users.port}"

    def start(self):
        for server in (self.mail, self.user_postgres):
            server.launch()
        super().start()
        for server in (self.mail, self.user_postgres):
            server.wait_ready()
        self.users.start()
        return self

    def stop(self):
        codes = super().stop()
        self.users.client.close()
        for server in (self.users, self.user_postgres, self.mail):
            if server.running():
                server.stop()
        return codes


class MailTest(NotificationTest):
    new_mesh = MailMesh

    def setUp(self):
        """What a test broke is whole again."""
        self.mesh.mail.rules()
        for server in (self.mesh.mail, self.mesh.users, *self.mesh.replicas):
            if not server.running():
                server.start()
        self.await_calls()

    def account(self, username="Ada"):
        """A registered user's id, token and address."""
        address = f"user{next(_numbers)}@example.com"
        user = self.mesh.users.client.call("Register", username=username, email=address,
                                          password=PASSWORD)
        return user.id, user_token(user.id), address

    def notify(self, token, message="something new", **fields):
        """The id of a new notification of type email."""
        return self.create(token, message, type="email", **fields).id

    def row(self, id_, columns="state"):
        """Columns of an e-mail's row, as psql prints them."""
        return self.mesh.postgres.psql(
            f"SELECT {columns} FROM emails WHERE notification_id = '{id_}'").strip()

    def await_state(self, id_, state, seconds=60):
        until(f"it is {state}", lambda: self.row(id_) == state, seconds,
              lambda: None if self.row(id_) in ("pending", "held", state) else self.row(
                  id_, "state, last_error"))

    def await_mail(self, address, count=1, seconds=60):
        until(f"{count} mails", lambda: len(self.mesh.mail.messages(address)) >= count, seconds)
        messages = self.mesh.mail.messages(address)
        self.assertEqual(len(messages), count)
        return messages

    def total(self, name):
        return sum(one.metric(name) for one in self.mesh.replicas)

    def logged(self, message, id_):
        """The errors of the lines that say this of an e-mail, in any replica."""
        lines = []
        for one in self.mesh.replicas:
            with open(one.log, encoding="utf-8", errors="replace") as log:
                lines += [json.loads(line) for line in log if id_ in line and message in line]
        return [line["error"] for line in lines]

    def assert_not_logged(self, *secrets):
        for one in self.mesh.replicas:
            with open(one.log, encoding="utf-8", errors="replace") as log:
                text = log.read()
            for secret in secrets:
                self.assertNotIn(secret, text)

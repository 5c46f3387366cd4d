"""A mail server of one's own, which delivers nothing."""

import contextlib
import email
import email.policy
import itertools
import json
import os
import sys

from . import ports
from .process import Process
from .server import Server, scratch

_PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "mail_catcher.py")


class MailCatcher(Server):
    """Keeps every message as a file of the Maildir `folder` (package python3-aiosmtpd).

    Without arguments on a free port and with throw-away data. `tls` is a pair of files, certificate
    and key, for STARTTLS, which may be required, or with `smtps` for TLS from the start; `login`,
    user and password, makes clients sign in.
    """

    def __init__(self, name="mail", port=None, folder=None, log=None, lasting=False, tls=None,
                 require_starttls=False, smtps=False, login=None):
        self.folder = folder or os.path.join(scratch("mail-"), "Maildir")
        self._control = None if lasting else scratch("mail-control-")
        super().__init__(name, log or os.path.join(self._control, "server.log"), lasting)
        self.port = port or ports.reserve()
        self._tls, self._require_starttls, self._smtps = tls, require_starttls, smtps
        self.login = login
        self._rule_ids = itertools.count(1)

    @property
    def url(self):
        return f"smtp{'s' if self._smtps else ''}://127.0.0.1:{self.port}"

    def _launch(self):
        os.makedirs(os.path.dirname(self.folder), exist_ok=True)
        options = ["--port", str(self.port), "--folder", self.folder]
        options += ["--control", self._control] if self._control else []
        options += ["--tls-cert", self._tls[0], "--tls-key", self._tls[1]] if self._tls else []
        options += ["--require-starttls"] if self._require_starttls else []
        options += ["--smtps"] if self._smtps else []
        options += ["--user", self.login[0]] if self.login else []
        env = {"PATH": os.environ.get("PATH", ""), "PYTHONDONTWRITEBYTECODE": "1",
               "CATCHER_PASSWORD": self.login[1] if self.login else ""}
        return Process.start([sys.executable, _PROGRAM, *options], self.log, env=env,
                             lasting=self.lasting)

    def _ready(self):
        return ports.listening(self.port)

    # For tests.

    def rules(self, *rules):
        """From now on these hold, and no others: see mail_catcher.py; ids are given here."""
        path = os.path.join(self._control, "rules.json")
        with open(path + ".new", "w", encoding="utf-8") as file:
            json.dump([{**rule, "id": next(self._rule_ids)} for rule in rules], file)
        os.rename(path + ".new", path)

    def events(self, kind):
        """What happened so far of one kind: mail, rule, stored."""
        with contextlib.suppress(FileNotFoundError):
            with open(os.path.join(self._control, "events.jsonl"), encoding="utf-8") as file:
                return [event for event in map(json.loads, file.read().splitlines())
                        if event["event"] == kind]
        return []

    def messages(self, to=None):
        """The messages so far, parsed by Python's email; of one recipient (of the envelope) or all."""
        found = []
        folder = os.path.join(self.folder, "new")
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
            with open(os.path.join(folder, name), "rb") as file:
                message = email.message_from_binary_file(file, policy=email.policy.default)
            if to is None or to in message.get_all("Delivered-To"):
                found.append(message)
        return found

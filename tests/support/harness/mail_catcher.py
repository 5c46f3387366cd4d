#!/usr/bin/python3
"""An SMTP server that delivers nothing: every message becomes a file of a Maildir.

The server in mail.py starts it. With --control FOLDER it obeys the rules in FOLDER/rules.json, a
list of objects, and says in FOLDER/events.jsonl what happened. A rule:
    {"id": 1, "at": "rcpt", "address": "a@b", "answer": "451 Later", "times": 2}
At `at` (connect, mail, rcpt, data, or stored: the message is kept, but not acknowledged yet) it
answers, `times` times or always, for one recipient or all; with "hang" in place of an answer it
stays silent until the rule is gone.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import logging
import mailbox
import os
import signal
import ssl

from aiosmtpd.smtp import SMTP, AuthResult


class Control:
    """The rules and the events; without a folder there are neither."""

    def __init__(self, folder):
        self._folder = folder
        self._used = {}

    def rules(self):
        if not self._folder:
            return []
        with contextlib.suppress(FileNotFoundError):
            with open(os.path.join(self._folder, "rules.json"), encoding="utf-8") as file:
                return json.load(file)
        return []

    def tell(self, event, **more):
        if self._folder:
            with open(os.path.join(self._folder, "events.jsonl"), "a", encoding="utf-8") as file:
                file.write(json.dumps({"event": event, **more}) + "\n")

    def _find(self, at, addresses):
        for rule in self.rules():
            if (rule["at"] == at and rule.get("address") in (None, *addresses)
                    and self._used.get(rule["id"], 0) < rule.get("times", float("inf"))):
                return rule
        return None

    async def answer(self, at, addresses=()):
        """What to say in place of the usual answer, or None."""
        rule = self._find(at, addresses)
        if rule is None:
            return None
        self._used[rule["id"]] = self._used.get(rule["id"], 0) + 1
        self.tell("rule", id=rule["id"], at=at)
        while rule.get("hang") and rule in self.rules():
            await asyncio.sleep(0.02)
        return rule.get("answer")


class Handler:
    """What happens with a message."""

    def __init__(self, folder, control):
        self._maildir = mailbox.Maildir(folder)
        self.control = control

    async def handle_MAIL(self, server, session, envelope, address, options):
        self.control.tell("mail", session=session.number, address=address,
                          tls=server.transport.get_extra_info("ssl_object") is not None,
                          authenticated=bool(session.authenticated))
        answer = await self.control.answer("mail")
        if not answer:
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return answer or "250 OK"

    async def handle_RCPT(self, _server, _session, envelope, address, options):
        answer = await self.control.answer("rcpt", [address])
        if not answer:
            envelope.rcpt_tos.append(address)
            envelope.rcpt_options.extend(options)
        return answer or "250 OK"

    async def handle_DATA(self, _server, session, envelope):
        answer = await self.control.answer("data", envelope.rcpt_tos)
        if answer:
            return answer
        lines = envelope.content.split(b"\r\n")
        envelope_lines = [f"Return-Path: <{envelope.mail_from}>".encode()] + [
            f"Delivered-To: {address}".encode() for address in envelope.rcpt_tos]
        key = self._maildir.add(b"\n".join(envelope_lines + lines))
        print(f"caught new/{key}", flush=True)
        self.control.tell("stored", session=session.number, key=key, to=envelope.rcpt_tos,
                          bare=any(b"\r" in line or b"\n" in line for line in lines))
        return await self.control.answer("stored", envelope.rcpt_tos) or "250 OK"


class Server(SMTP):
    """One connection."""

    _numbers = itertools.count(1)

    def _create_session(self):
        session = super()._create_session()
        session.number = next(self._numbers)
        return session

    async def _handle_client(self):
        answer = await self.event_handler.control.answer("connect")
        if answer:
            await self.push(answer)
            self.transport.close()
            return
        await super()._handle_client()


def authenticator(user, password):
    def check(_server, _session, _envelope, _mechanism, data):
        good = (data.login, data.password) == (user.encode(), password.encode())
        return AuthResult(success=good, handled=good)
    return check


def server_options(args):
    """(the arguments of Server, the TLS context of the listening socket)."""
    tls, options = None, {}
    if args.tls_cert:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(args.tls_cert, args.tls_key)
    if args.user:
        options.update(auth_required=True, auth_require_tls=False,
                       authenticator=authenticator(args.user, os.environ["CATCHER_PASSWORD"]))
    if args.smtps:
        return options, tls
    return {**options, "tls_context": tls, "require_starttls": args.require_starttls}, None


async def serve(args):
    handler = Handler(args.folder, Control(args.control))
    options, listening_tls = server_options(args)
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await loop.create_server(lambda: Server(handler, hostname="localhost", loop=loop, **options),
                             "127.0.0.1", args.port, ssl=listening_tls)
    await stop.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--control")
    parser.add_argument("--tls-cert")
    parser.add_argument("--tls-key")
    parser.add_argument("--require-starttls", action="store_true")
    parser.add_argument("--smtps", action="store_true", help="TLS from the start")
    parser.add_argument("--user", help="who must sign in, with the password in CATCHER_PASSWORD")
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()

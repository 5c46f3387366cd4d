#!/usr/bin/python3
"""What the mesh is entrusted with is nowhere but where it belongs, whatever goes wrong.

The operator's secrets (in files, as docs/operations.md recommends), those that clients send, also
where they do not belong, and addresses of e-mail have marks. Things are made to fail, and then all
that the mesh has said or kept is searched for the marks.
"""

import glob
import os
import subprocess
import unittest
import urllib.error
import urllib.request

from harness import ports
from harness.kafka import jars
from harness.postgres import program as postgres_program
from harness.program import Program
from harness.rpc import Client, Contract, Failure
from harness.server import scratch
from harness.stack import Stack, runfiles_binary
from harness.tools import tool
from harness.waiting import until
from mesh import MeshTest, total

OPERATOR = "xOpErAtOrX"  # in every secret of the operator
CLIENT = "xClIeNtX"  # in every secret that a client sends
EMAIL = "xMaRkEdX"  # in every address of e-mail
PASSWORD = f"{CLIENT} correct horse"
# Like a token, which is longer than any id.
TOKEN = f"eyJhbGciOiJIUzI1NiJ9.{CLIENT * 8}.{CLIENT * 8}"
PATH = "xPlAcEx"  # in those that are part of a path, which answers name ("instance")
PATH_TOKEN = f"eyJhbGciOiJIUzI1NiJ9.{PATH * 8}.{PATH * 8}"


def secret(name):
    return OPERATOR + name.replace("_", "") + "0" * 32


def read(*paths):
    found = b""
    for path in paths:
        if os.path.isfile(path):
            with open(path, "rb") as file:
                found += file.read() + b"\n"
    return found


def files(folder, name="*"):
    """What the files of that name hold that are anywhere in a folder."""
    return read(*glob.glob(os.path.join(folder, "**", name), recursive=True))


def holds(text, mark):
    """In any case: addresses of e-mail are folded in places."""
    return mark.encode().lower() in text.lower()


class SecretsTest(MeshTest):
    @classmethod
    def setUpClass(cls):
        settings = {**MeshTest.settings, "LOG_LEVEL": "debug", "EMAIL_POLL": "200ms"}
        cls.mesh = mesh = Stack(settings=settings, secret=secret, kafka_jars=jars(), with_mail=True)
        cls.addClassCleanup(cls.check_logs)
        cls.addClassCleanup(mesh.stop)
        cls.answers = []
        cls.sessions = []
        mesh.mail.login = ("mesh", secret("SMTP"))
        mesh.services["notification"].env.update(SMTP_USER="mesh", SMTP_PASSWORD=secret("WRONG"))
        for one in mesh.programs():
            one.env["LOG_FOLDER"] = scratch("log-")
            one.env["REDIS_URL"] = f"redis://mesh:{secret('REDIS')}@127.0.0.1:{mesh.redis.port}"
            one.env["JWT_SECRET_ACCEPTED"] = secret("ACCEPTED")
            one.env["SEAL_SECRET"] = secret("SEAL")
            for name in {"JWT_SECRET", "JWT_SECRET_ACCEPTED", "SEAL_SECRET", "DATABASE_URL",
                         "REDIS_URL", "SMTP_PASSWORD"} & set(one.env):
                cls.into_file(one, name, one.env.pop(name))
        mesh.start()

    @staticmethod
    def into_file(one, name, value):
        """Gives a program a secret by a file."""
        path = one.env.setdefault(f"{name}_FILE", os.path.join(scratch("secret-"), name))
        with open(path, "w", encoding="ascii") as file:
            file.write(value + "\n")

    def request(self, *args, **kwargs):
        answer = super().request(*args, **kwargs)
        self.answers.append(f"{answer.headers}\n".encode() + answer.body)
        return answer

    # Everything that the mesh has said or kept.

    def pages(self, one):
        """What a program's admin port tells anybody."""
        found = b""
        for path in ("metrics", "livez", "readyz", "none"):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{one.admin_port}/{path}",
                                            timeout=5) as answer:
                    found += answer.read()
            except urllib.error.HTTPError as error:
                found += error.read()
        return found

    def processes(self, one):
        """What the machine shows of a program to everybody, and its first environment."""
        folder = f"/proc/{one.process.pid}"
        found = read(*(f"{folder}/{name}" for name in ("cmdline", "comm", "status", "limits")))
        self.assertIn(b"NoNewPrivs:\t1\n", found)
        self.assertRegex(found, rb"Max core file size +0 ")
        try:
            return found + read(f"{folder}/environ")
        except PermissionError:  # not even its own user may
            return found

    def dump(self, name):
        database = self.mesh.databases[name]
        options, env = database.client_options()
        return subprocess.run([postgres_program("pg_dump"), *options], env=env, check=True,
                              capture_output=True).stdout

    def redis_dump(self):
        path = os.path.join(scratch("redis-"), "dump")
        subprocess.run([tool("redis-cli"), "-p", str(self.mesh.redis.port), "--rdb", path],
                       check=True, capture_output=True)
        return read(path)

    def everything(self):
        mesh = self.mesh
        found = {"answers": b"\n".join(self.answers), "topics": files(mesh.kafka.folder, "*.log"),  # segments
                 "redis": self.redis_dump(), "caught mail": files(mesh.mail.folder)}
        for server in mesh.servers():
            found[f"log of {server.name}"] = read(server.log)
        for one in mesh.programs():
            found[f"log files of {one.name}"] = files(one.env["LOG_FOLDER"])
            found[f"admin port of {one.name}"] = self.pages(one)
            found[f"process of {one.name}"] = self.processes(one)
        for name in mesh.databases:
            found[f"database of {name}"] = self.dump(name)
        return found

    def search(self):
        """Fails with the places that have a mark which does not belong there."""
        allowed = {
            EMAIL: {"answers", "redis", "database of user", "caught mail", "log of mail",
                    # PostgreSQL quotes what is taken already; see docs/operations.md.
                    "log of postgres-user"},
            PATH: {"answers"}, "$2b$": {"database of user"},
            **{text: {"answers"} for text in self.sessions}}
        found = self.everything()
        self.assertLessEqual({name for name in found if not found[name]}, {"caught mail"})
        for mark in (OPERATOR, CLIENT, *allowed):
            lines = {name: [line[:600] for line in found[name].split(b"\n") if holds(line, mark)]
                     for name in set(found) - allowed.get(mark, set())}
            self.assertFalse({name: some for name, some in lines.items() if some}, mark)
        return found

    # What is done meanwhile.

    def let_into_redis(self):
        for name, value in (("rdbcompression", "no"), ("repl-diskless-sync-delay", "0")):
            self.mesh.redis.command("CONFIG", "SET", name, value)  # for redis_dump()
        self.mesh.redis.command("ACL", "SETUSER", "mesh", "on", ">" + secret("REDIS"), "~*", "&*",
                                "+@all")

    def account(self):
        account = super().account()
        return {**account, "email": f"{EMAIL}.{account['email']}", "password": PASSWORD}

    def new_session(self):
        """An account with a session, whose tokens are searched for from now on."""
        account, _ = self.registered()
        session = self.post("/api/v1/auth/login", {"email": account["email"],
                                                   "password": PASSWORD}).json()
        self.sessions += [session["token"], session["refreshToken"]]
        self.assertEqual(self.get("/api/v1/users/profile", token=session["token"]).status, 200)
        return account, session

    def await_cached(self, token):
        """Profiles are in Redis again: its password is the right one."""
        def cached():
            self.get("/api/v1/users/profile", token=token)
            return b"user:" in self.mesh.redis.command("KEYS", "user:*")
        until("Redis is used", cached, 30)

    def test_what_clients_send(self):
        self.let_into_redis()
        account, session = self.new_session()
        email = account["email"]
        bodies = [
            {"email": email, "password": f"{CLIENT} wrong"},
            {"email": f"{CLIENT} in the wrong field", "password": "x"},
            {**account, "password": PASSWORD * 10}, {**account, "username": "", "email": ""},
            account, {"email": email, "password": {CLIENT * 2: CLIENT}},
            {"email": email, "password": [CLIENT]}, {"refreshToken": f"{CLIENT}" * 9},
            {"refreshToken": TOKEN}, {"refreshToken": {"token": CLIENT}},
            f'{{"email":"{email}","password":"{CLIENT}', f'{{"password":{CLIENT}}}',
            f'{{"password":"{CLIENT}","password":"{CLIENT}"}}', f'{{"password":"{CLIENT}\\ud800"}}',
            f'{{"password":"{CLIENT}\\u0000"}}', f'{{"password":"{CLIENT}"}} {CLIENT}',
            f'{{"password":"{CLIENT}'.encode() + b'\xff"}', f"password={CLIENT}", f"{CLIENT}",
        ]
        for body in bodies:
            for path in ("login", "register", "refresh"):
                headers = {} if isinstance(body, dict) else {"Content-Type": "application/json"}
                answer = self.post(f"/api/v1/auth/{path}", body, headers=headers)
                self.assertIn(answer.status, (400, 401, 409), (path, body, answer))
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        self.assertEqual(self.post("/api/v1/auth/login", f"password={CLIENT}",
                                   headers=form).status, 415)
        for name, value in (
                ("Authorization", f"Bearer {CLIENT}"), ("Authorization", f"Bearer {TOKEN}"),
                ("Authorization", f"Basic {CLIENT}"), ("Authorization", CLIENT),
                ("Proxy-Authorization", CLIENT), ("Cookie", f"session={CLIENT}"),
                ("X-Api-Key", CLIENT), ("Referer", f"https://a.example/?token={CLIENT}"),
                ("Last-Event-ID", CLIENT), ("If-None-Match", f'"{CLIENT}"'),
                ("Idempotency-Key", CLIENT), ("X-Forwarded-For", CLIENT), ("traceparent", CLIENT),
                ("Origin", f"https://{CLIENT}.example"), ("Content-Type", CLIENT),
                ("Accept", CLIENT), (f"X-{CLIENT}", CLIENT)):
            for path in ("users/profile", "blogs", "notifications/stream"):
                self.get(f"/api/v1/{path}", headers={name: value})
            self.post("/api/v1/auth/login", {"email": email, "password": ""}, headers={name: value})
        for path in (f"blogs?access_token={CLIENT}", f"blogs?pageToken={CLIENT}",
                     f"blogs?pageSize={CLIENT}", f"auth/login?password={CLIENT}",
                     f"users/profile?token={CLIENT}", f"blogs/{PATH_TOKEN}",
                     f"auth/login/{PATH_TOKEN}", PATH_TOKEN, f"notifications/{PATH_TOKEN}/read"):
            for method in ("GET", "POST", "DELETE"):
                answer = self.request(method, f"/api/v1/{path}", token=session["token"])
                self.assertLess(answer.status, 500, answer)
        self.call_the_service(email)
        self.post("/api/v1/auth/logout", {"refreshToken": session["refreshToken"]})
        found = self.search()
        self.assertIn(b"wrong password", found["log of user"])
        self.assertTrue(holds(found["log of postgres-user"], EMAIL))  # as operations.md says

    def call_the_service(self, email):
        """The same without the gateway."""
        client = Client(Contract("gen/inkmesh_contract_descriptor_set.binpb"),
                        self.mesh.services["user"].port, "inkmesh.user.v1.UserService")
        self.addCleanup(client.close)
        for method, authorization, fields in (
                ("Login", None, {"email": email, "password": f"{CLIENT} wrong"}),
                ("Login", f"Bearer {CLIENT}", {"email": CLIENT, "password": CLIENT}),
                ("RefreshToken", None, {"refresh_token": CLIENT * 9}),
                ("GetProfile", f"Bearer {TOKEN}", {}), ("GetProfile", CLIENT, {})):
            with self.assertRaises(Failure):
                client.call(method, authorization=authorization, **fields)

    def test_when_things_fail(self):
        """Nobody is let in: not by Redis, the mail server, nor PostgreSQL; then nobody is there."""
        self.mesh.redis.command("ACL", "DELUSER", "mesh")
        _, session = self.new_session()
        notification = self.mesh.services["notification"]
        if not total(notification, "email_sent_total"):
            until("mail is refused", lambda: total(notification, "email_troubled"), 30)
        wrong = self.wrong_database()
        self.mesh.databases["blog"].kill()
        self.mesh.redis.kill()
        self.assertEqual(self.get("/api/v1/blogs").status, 503)
        self.assertEqual(self.get("/api/v1/users/profile", token=session["token"]).status, 200)
        self.mesh.databases["blog"].start()
        self.mesh.redis.start()
        self.let_into_redis()
        self.into_file(notification, "SMTP_PASSWORD", secret("SMTP"))
        notification.restart()
        until("mail is sent", lambda: total(notification, "email_sent_total"), 30)
        until("blogs are back", lambda: self.get("/api/v1/blogs").status == 200, 30)
        self.await_cached(session["token"])
        found = self.search()
        for place in ("redis", "database of user", "caught mail"):
            self.assertIn(EMAIL.encode(), found[place])  # the search does see what is there
        self.assertIn(b"user-registered", found["topics"])
        self.assertNotIn(OPERATOR.encode(), wrong)
        self.assertIn(b"password authentication failed", wrong)

    def wrong_database(self):
        """What a service says that has a wrong password of its database."""
        env = {**self.mesh.services["user"].env, "GRPC_ADDRESS": "127.0.0.1:0",
               "ADMIN_ADDRESS": f"127.0.0.1:{ports.reserve()}", "LOG_FOLDER": scratch("log-")}
        one = Program("wrong", [runfiles_binary("user")], env,
                      admin_port=int(env["ADMIN_ADDRESS"].rpartition(":")[2]))
        del env["DATABASE_URL_FILE"], env["GRPC_SOCKET"]  # that is the other one's
        url = self.mesh.databases["user"].url
        self.into_file(one, "DATABASE_URL", url.replace(secret("POSTGRES_PASSWORD_USER"),
                                                        secret("WRONG")))
        one.launch()
        try:
            until("it cannot", lambda: b"check fails" in read(one.log), 30)
            return self.pages(one) + self.processes(one) + read(one.log)
        finally:
            one.stop()


if __name__ == "__main__":
    unittest.main(verbosity=2)

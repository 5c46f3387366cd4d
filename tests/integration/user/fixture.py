"""The user service beside real servers, and what its tests have in common."""

import os
import re
import secrets
import unittest
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

from harness import ports
from harness.postgres import Postgres
from harness.program import Program
from harness.redis import Redis
from harness.rpc import Client, Contract, Failure, make_token

JWT_SECRET = secrets.token_hex(24)
PASSWORD = "correct horse"


class Mesh:
    """PostgreSQL, Redis and the user service."""

    def __init__(self, **settings):
        self.contract = Contract("gen/inkmesh_contract_descriptor_set.binpb")
        self.postgres = Postgres("postgres", "user_db")
        self.redis = Redis()
        port, admin = ports.reserve(), ports.reserve()
        env = {"DATABASE_URL": self.postgres.url, "REDIS_URL": self.redis.url,
               "JWT_SECRET": JWT_SECRET, "BCRYPT_COST": "4",
               "GRPC_ADDRESS": f"127.0.0.1:{port}", "ADMIN_ADDRESS": f"127.0.0.1:{admin}",
               **settings}
        self.user = Program("user", [os.path.abspath("services/user/user")], env, port, admin)
        self.client = Client(self.contract, port, "inkmesh.user.v1.UserService")

    def start(self):
        self.postgres.launch()
        self.redis.launch()
        self.user.launch()
        for server in (self.postgres, self.redis, self.user):
            server.wait_ready()
        return self

    def stop(self):
        """Returns the service's exit code."""
        self.client.close()
        code = self.user.stop() if self.user.running() else self.user.process.exit_code()
        for server in (self.redis, self.postgres):
            if server.running():
                server.stop()
        return code

    def admin(self, path):
        """The status and the body of a page of the admin port."""
        url = f"http://127.0.0.1:{self.user.admin_port}{path}"
        try:
            with urllib.request.urlopen(url, timeout=5) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def metric(self, name):
        """The value of a metric: `name` with its labels, as /metrics shows it."""
        found = re.search(rf"^{re.escape(name)} (\S+)$", self.admin("/metrics")[1], re.M)
        return float(found.group(1))

    def healthy(self):
        health = Client(self.contract, self.user.port, "grpc.health.v1.Health")
        try:
            return health.call("Check").status == 1
        finally:
            health.close()


class UserTest(unittest.TestCase):
    """Tests that share one mesh; every test makes users of its own."""

    settings = {}

    @classmethod
    def setUpClass(cls):
        cls.mesh = Mesh(**cls.settings)
        cls.addClassCleanup(cls.end)
        cls.mesh.start()

    @classmethod
    def end(cls):
        code = cls.mesh.stop()
        with open(cls.mesh.user.log, encoding="utf-8", errors="replace") as log:
            text = log.read()
        if code != 0:
            raise AssertionError(f"the user service ended with {code}:\n{text[-4000:]}")
        # What must never be logged.
        for secret in (PASSWORD, JWT_SECRET, "$2b$", "$2a$"):
            if secret in text:
                raise AssertionError(f"the log holds {secret}")

    def call(self, method, **fields):
        return self.mesh.client.call(method, **fields)

    def fail_call(self, method, **fields):
        with self.assertRaises(Failure) as caught:
            self.call(method, **fields)
        return caught.exception

    def at_once(self, count, function):
        """Results of function(0), function(1), ... called at the same time; Failures are results."""
        def guarded(number):
            try:
                return function(number)
            except Failure as failure:
                return failure
        with ThreadPoolExecutor(count) as pool:
            return list(pool.map(guarded, range(count)))

    def new_user(self, **fields):
        email = f"u{secrets.token_hex(6)}@example.org"
        return self.call("Register", **{"username": "ada", "email": email, "password": PASSWORD,
                                        **fields})

    def login(self, user, password=PASSWORD, **fields):
        return self.call("Login", email=user.email, password=password, **fields)

    def user_token(self, user):
        return make_token(JWT_SECRET, id=user.id, sub=user.id, typ="access")

    def service_token(self):
        return make_token(JWT_SECRET, sub="notification", typ="service")

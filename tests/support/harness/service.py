"""One service beside real servers, and what tests of a service have in common."""

import os
import re
import secrets
import unittest
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

from . import ports
from .logs import read_log
from .postgres import Postgres
from .program import Program
from .redis import Redis
from .rpc import Client, Contract, Failure, make_token

JWT_SECRET = secrets.token_hex(24)


def user_token(user_id):
    return make_token(JWT_SECRET, id=user_id, sub=user_id, typ="access")


def service_token(name="notification"):
    return make_token(JWT_SECRET, sub=name, typ="service")


class Replica(Program):
    """One process of a service, with a client of it."""

    def __init__(self, contract, service, name, env):
        port, admin = ports.reserve(), ports.reserve()
        env = {"JWT_SECRET": JWT_SECRET, "GRPC_ADDRESS": f"127.0.0.1:{port}",
               "ADMIN_ADDRESS": f"127.0.0.1:{admin}", **env}
        super().__init__(name, [os.path.abspath(f"services/{service}/{service}")], env, port, admin)
        self.client = Client(contract, port,
                             f"inkmesh.{service}.v1.{service.capitalize()}Service")

    def admin(self, path):
        """The status and the body of a page of the admin port."""
        url = f"http://127.0.0.1:{self.admin_port}{path}"
        try:
            with urllib.request.urlopen(url, timeout=5) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def metric(self, name):
        """The value of a metric: `name` with its labels, as /metrics shows it."""
        found = re.search(rf"^{re.escape(name)} (\S+)$", self.admin("/metrics")[1], re.M)
        return float(found.group(1))


class ServiceMesh:
    """PostgreSQL, Redis and `replicas` of one service, whose name its database has."""

    def __init__(self, service, replicas=1, **settings):
        self.service, self.settings = service, settings
        self.contract = Contract("gen/inkmesh_contract_descriptor_set.binpb")
        self.postgres = Postgres("postgres", f"{service}_db")
        self.redis = Redis()
        self.replicas = [self.replica(f"{service}-{n + 1}") for n in range(replicas)]
        self.first = self.replicas[0]
        self.client = self.first.client

    def replica(self, name=None, **settings):
        """Another process on these servers, which the caller starts and stops."""
        return Replica(self.contract, self.service, name or self.service,
                       {"DATABASE_URL": self.postgres.url, "REDIS_URL": self.redis.url,
                        **self.settings, **settings})

    def servers(self):
        """What runs beside the replicas."""
        return [self.postgres, self.redis]

    def start(self):
        servers = [*self.servers(), *self.replicas]
        for server in servers:
            server.launch()
        for server in servers:
            server.wait_ready()
        return self

    def stop(self):
        """Returns the exit codes of the replicas."""
        codes = []
        for one in self.replicas:
            one.client.close()
            codes.append(one.stop() if one.running() else one.process.exit_code())
        for server in reversed(self.servers()):
            server.resume()
            if server.running():
                server.stop()
        return codes


class ServiceTest(unittest.TestCase):
    """Tests that share one mesh, which new_mesh() makes with `settings`; every test has users of
    its own. The replicas must end well, log none of `secrets`, and nothing but lines as lib/log
    writes them."""

    settings = {}
    secrets = ()

    @classmethod
    def new_mesh(cls, **settings):
        raise NotImplementedError

    @classmethod
    def setUpClass(cls):
        cls.mesh = cls.new_mesh(**cls.settings)
        cls.addClassCleanup(cls.end)
        cls.mesh.start()

    @classmethod
    def end(cls):
        for code, one in zip(cls.mesh.stop(), cls.mesh.replicas):
            with open(one.log, encoding="utf-8", errors="replace") as log:
                text = log.read()
            if code != 0:
                raise AssertionError(f"{one.name} ended with {code}:\n{text[-4000:]}")
            read_log(one.log)
            for secret in (JWT_SECRET, *cls.secrets):
                if secret in text:
                    raise AssertionError(f"the log holds {secret}")

    def replica(self, **settings):
        """Another process of the service, with its own settings, not started; it ends with the
        test."""
        one = self.mesh.replica(**settings)
        self.addCleanup(one.client.close)
        self.addCleanup(one.stop)
        return one

    def fail_call(self, method, *args, **fields):
        with self.assertRaises(Failure) as caught:
            self.call(method, *args, **fields)
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

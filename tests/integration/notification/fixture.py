"""The notification service beside real servers, and what its tests have in common."""

import os
import re
import secrets
import unittest
import urllib.error
import urllib.request
import uuid
from concurrent.futures import ThreadPoolExecutor

from harness import ports
from harness.kafka import Kafka
from harness.postgres import Postgres
from harness.program import Program
from harness.redis import Redis
from harness.rpc import Client, Contract, Failure, make_token

JWT_SECRET = secrets.token_hex(24)
SERVICE = "inkmesh.notification.v1.NotificationService"
SECRET_TEXT = "only for you"


class Replica:
    """One process of the notification service."""

    def __init__(self, mesh, name, settings):
        port, admin = ports.reserve(), ports.reserve()
        env = {"DATABASE_URL": mesh.postgres.url, "REDIS_URL": mesh.redis.url,
               "JWT_SECRET": JWT_SECRET, "GRPC_ADDRESS": f"127.0.0.1:{port}",
               "KAFKA_BROKERS": mesh.kafka.url, "ADMIN_ADDRESS": f"127.0.0.1:{admin}", **settings}
        self.program = Program(name, [os.path.abspath("services/notification/notification")], env,
                               port, admin)
        self.client = Client(mesh.contract, port, SERVICE)

    def admin(self, path):
        """The status and the body of a page of the admin port."""
        url = f"http://127.0.0.1:{self.program.admin_port}{path}"
        try:
            with urllib.request.urlopen(url, timeout=5) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def metric(self, name):
        """The value of a metric: `name` with its labels, as /metrics shows it."""
        return float(re.search(rf"^{re.escape(name)} (\S+)$", self.admin("/metrics")[1],
                               re.M).group(1))


class Mesh:
    """PostgreSQL, Redis and two replicas of the notification service; Kafka when asked for."""

    def __init__(self, with_kafka=False, **settings):
        self.contract = Contract("gen/inkmesh_contract_descriptor_set.binpb")
        self.postgres = Postgres("postgres", "notification_db")
        self.redis = Redis()
        self.with_kafka = with_kafka
        self.kafka = Kafka()
        self.first = Replica(self, "notification-1", settings)
        self.second = Replica(self, "notification-2", settings)
        self.replicas = (self.first, self.second)

    def start(self):
        servers = [self.postgres, self.redis, *([self.kafka] if self.with_kafka else []), *(one.program for one in self.replicas)]
        for server in servers:
            server.launch()
        for server in servers:
            server.wait_ready()
        return self

    def stop(self):
        """Returns the replicas' exit codes."""
        codes = []
        for one in self.replicas:
            one.client.close()
            codes.append(one.program.stop() if one.program.running()
                         else one.program.process.exit_code())
        for server in (self.kafka, self.redis, self.postgres):
            server.resume()
            if server.running():
                server.stop()
        return codes


class NotificationTest(unittest.TestCase):
    """Tests that share one mesh; every test has users of its own."""

    settings = {}
    mesh_class = Mesh

    @classmethod
    def setUpClass(cls):
        cls.mesh = cls.mesh_class(**cls.settings)
        cls.addClassCleanup(cls.end)
        cls.mesh.start()

    @classmethod
    def end(cls):
        codes = cls.mesh.stop()
        for code, one in zip(codes, cls.mesh.replicas):
            with open(one.program.log, encoding="utf-8", errors="replace") as log:
                text = log.read()
            if code != 0:
                raise AssertionError(f"{one.program.name} ended with {code}:\n{text[-4000:]}")
            for secret in (SECRET_TEXT, JWT_SECRET):
                if secret in text:
                    raise AssertionError(f"the log holds {secret}")

    def user(self):
        """A new user's id and token."""
        user_id = str(uuid.uuid4())
        return user_id, make_token(JWT_SECRET, id=user_id, sub=user_id, typ="access")

    def service_token(self):
        return make_token(JWT_SECRET, sub="blog", typ="service")

    def call(self, method, replica=None, **fields):
        return (replica or self.mesh.first).client.call(method, **fields)

    def fail_call(self, method, **fields):
        with self.assertRaises(Failure) as caught:
            self.call(method, **fields)
        return caught.exception

    def create(self, token, message=SECRET_TEXT, **fields):
        return self.call("CreateNotification",
                         **{"token": token, "message": message, "type": "in-app", **fields})

    def messages(self, token, **fields):
        """The texts of the first page."""
        reply = self.call("ListNotifications", token=token, **fields)
        return [one.message for one in reply.notifications]

    def all_pages(self, token, size):
        """The pages of a list, by following its tokens."""
        pages, page_token = [], ""
        while True:
            reply = self.call("ListNotifications", token=token, page_size=size,
                              page_token=page_token)
            pages.append([one.id for one in reply.notifications])
            page_token = reply.next_page_token
            if not page_token:
                return pages

    def at_once(self, count, function):
        """Results of function(0), function(1), ... called at the same time."""
        with ThreadPoolExecutor(count) as pool:
            return list(pool.map(function, range(count)))

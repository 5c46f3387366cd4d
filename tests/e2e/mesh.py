"""The whole mesh for a test, and an HTTP client that hides nothing."""

import contextlib
import http.client
import itertools
import json
import re
import ssl
import time
import unittest
import urllib.request

import psycopg2

from harness.kafka import jars
from harness.link import Links
from harness.logs import read_log
from harness.stack import Stack

_numbers = itertools.count(1)
PASSWORD = "correct horse battery"

# Headers that every answer of the gateway has once, and those that none has.
SAFE_HEADERS = ("Content-Security-Policy", "Cross-Origin-Opener-Policy",
                "Cross-Origin-Resource-Policy", "Origin-Agent-Cluster", "Referrer-Policy",
                "X-Content-Type-Options", "X-DNS-Prefetch-Control", "X-Download-Options",
                "X-Frame-Options", "X-Permitted-Cross-Domain-Policies", "X-XSS-Protection",
                "X-Request-Id")
UNSAFE_HEADERS = ("Set-Cookie", "Server", "X-Powered-By", "Access-Control-Allow-Credentials")


def connect(mesh, timeout, source=None):
    """A connection to the gateway, not yet open; from another address of this machine, if given."""
    options = {"timeout": timeout, "source_address": source and (source, 0)}
    if not mesh.tls:
        return http.client.HTTPConnection("127.0.0.1", mesh.front.port, **options)
    context = ssl.create_default_context(cafile=mesh.tls.ca.cert)
    return http.client.HTTPSConnection("127.0.0.1", mesh.front.port, context=context, **options)


def scrape(program):
    """The media type and the text of a program's metrics."""
    with urllib.request.urlopen(f"http://127.0.0.1:{program.admin_port}/metrics",
                                timeout=5) as answer:
        return answer.headers["Content-Type"], answer.read().decode()


def total(program, name):
    """The sum of a metric's samples."""
    return sum(samples(scrape(program)[1], name).values())


def samples(text, name):
    """The samples of a metric: {labels as text: value}."""
    return {labels: float(value) for labels, value in re.findall(
        rf"^{name}(?:\{{(.*)\}})? (\S+)$", text, re.M)}


@contextlib.contextmanager
def locked(database, table, mode="ACCESS EXCLUSIVE"):
    """Nobody else gets at the table, or writes to it; yields how many statements wait for that."""
    with contextlib.closing(psycopg2.connect(database.url)) as connection, \
            connection.cursor() as cursor:
        def waiting():
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            return cursor.fetchone()[0]
        cursor.execute(f"LOCK TABLE {table} IN {mode} MODE")
        yield waiting


class Answer:
    """A response: status, headers (case-insensitive), body."""

    def __init__(self, response, seconds):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()
        self.seconds = seconds

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.body[:500]!r}"


class MeshTest(unittest.TestCase):
    """Starts one mesh for all tests of the class."""

    # bcrypt at its cheapest, so that tests wait for what they test.
    settings = {"BCRYPT_COST": "4"}
    # Whether the mesh has a Kafka; then @maven//:jars must be among the test's data.
    with_kafka = False
    # Whether it has a mail server.
    with_mail = False
    # Whether the gateway serves HTTPS, and the mesh speaks mutual TLS.
    with_tls = False
    # Of each service.
    replicas = 1
    # With more than one there is a balancer in front of them.
    gateways = 1
    # Whether that Kafka runs with a ZooKeeper.
    with_zookeeper = False
    # Names of servers behind a network that can be broken: links[name].
    linked = ()

    @classmethod
    def link(cls, server):
        if server.name not in cls.linked:
            return server.port
        cls.links[server.name] = cls.network.add(server.port)
        return cls.links[server.name].port

    @classmethod
    def setUpClass(cls):
        cls.network, cls.links = Links(), {}
        cls.network.start()
        cls.addClassCleanup(cls.network.stop)
        cls.mesh = Stack(settings=cls.settings, kafka_jars=jars() if cls.with_kafka else None,
                         zookeeper=cls.with_zookeeper, replicas=cls.replicas,
                         with_mail=cls.with_mail, tls=cls.with_tls, gateways=cls.gateways, link=cls.link)
        cls.addClassCleanup(cls.check_logs)
        cls.addClassCleanup(cls.mesh.stop)
        cls.mesh.start()

    @classmethod
    def check_logs(cls):
        """Whatever the tests did, each line of each program's log is as it must be."""
        for program in cls.mesh.programs():
            if program.process:  # else the start failed, and said so
                read_log(program.log)

    def tearDown(self):
        """A program that died during a test has failed it, whatever its answers were."""
        for program in self.mesh.programs():
            if program.process.exit_code() not in (None, 0):
                self.fail(f"{program.name} ended with {program.process.exit_code()}:\n"
                          f"{program.log_tail()}")

    # HTTP.

    def request(self, method, path, body=None, token=None, headers=None, timeout=30, source=None,
                kept=None):
        """One request on its own connection, or on `kept`; a dict or list becomes a JSON body.
        `source`: the address to ask from, if not 127.0.0.1."""
        headers = dict(headers or {})
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        if token:
            headers.setdefault("Authorization", f"Bearer {token}")
        connection = kept or connect(self.mesh, timeout, source)
        begun = time.monotonic()
        try:
            connection.request(method, path, body, headers)
            answer = Answer(connection.getresponse(), time.monotonic() - begun)
            self.assert_safe(answer.headers)
            return answer
        finally:
            if not kept:
                connection.close()

    def post(self, path, body, **kwargs):
        return self.request("POST", path, body, **kwargs)

    def get(self, path, **kwargs):
        return self.request("GET", path, **kwargs)

    # Accounts.

    @staticmethod
    def account():
        """The body of a registration that nobody else uses."""
        number = next(_numbers)
        return {"username": f"user{number}", "email": f"user{number}@example.com",
                "password": PASSWORD}

    def registered(self):
        """A new account: its registration, and the user that came back."""
        account = self.account()
        answer = self.post("/api/v1/auth/register", account)
        self.assertEqual(answer.status, 201, answer)
        return account, answer.json()

    def signed_in(self):
        """A new account with a session: the user and the session."""
        account, user = self.registered()
        answer = self.post("/api/v1/auth/login", {"email": account["email"],
                                                  "password": account["password"]})
        self.assertEqual(answer.status, 200, answer)
        return user, answer.json()

    # Blogs, and what is told of them.

    def blog(self, token, title):
        """The id of a new blog."""
        answer = self.post("/api/v1/blogs",
                           {"title": title, "content": "Long enough to be a blog."}, token=token)
        self.assertEqual(answer.status, 201, answer)
        return answer.json()["id"]

    def told(self, token):
        """The messages of all notifications of a user, the oldest first."""
        found, page = [], ""
        while True:
            answer = self.get(f"/api/v1/notifications?pageSize=100&pageToken={page}", token=token)
            self.assertEqual(answer.status, 200, answer)
            found += [each["message"] for each in answer.json()["notifications"]]
            page = answer.json()["nextPageToken"]
            if not page:
                return found[::-1]

    # What every answer must be.

    def assert_safe(self, headers):
        """For browsers, whatever else the answer is."""
        for name in SAFE_HEADERS:
            self.assertEqual(len(headers.get_all(name, [])), 1, f"{name}: {headers}")
        for name in UNSAFE_HEADERS:
            self.assertNotIn(name, headers)
        if not self.mesh.tls:
            self.assertNotIn("Strict-Transport-Security", headers)

    def assert_problem(self, answer, status, fields=None):
        """RFC 9457 with our members; `fields`: those that `errors` names, no more and no less."""
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.headers["Content-Type"], "application/problem+json", answer)
        problem = answer.json()
        self.assertEqual(problem["status"], status)
        for member in ("type", "title", "detail", "instance", "requestId", "error"):
            self.assertIsInstance(problem.get(member), str, f"{member} of {problem}")
            self.assertTrue(problem[member], f"{member} of {problem}")
        self.assertEqual(problem["requestId"], answer.headers["X-Request-Id"])
        if fields is not None:
            self.assertEqual({error["field"] for error in problem.get("errors", [])}, set(fields))
            for error in problem["errors"]:
                self.assertTrue(error["message"], problem)
        for internal in (b"SELECT", b"INSERT", b"libpq", b"postgresql://", b"127.0.0.1:"):
            self.assertNotIn(internal, answer.body)
        return problem

"""The blog service beside real servers, and what its tests have in common."""

import json
import os
import secrets
import unittest
import uuid
from concurrent.futures import ThreadPoolExecutor

from harness import ports
from harness.postgres import Postgres
from harness.program import Program
from harness.redis import Redis
from harness.rpc import Client, Contract, Failure, make_token

JWT_SECRET = secrets.token_hex(24)
SERVICE = "inkmesh.blog.v1.BlogService"


class Mesh:
    """PostgreSQL, Redis and the blog service."""

    def __init__(self, kafka=None, **settings):
        self.contract = Contract("gen/inkmesh_contract_descriptor_set.binpb")
        self.postgres = Postgres("postgres", "blog_db")
        self.redis = Redis()
        self.settings = {**settings, **({"KAFKA_BROKERS": kafka.url} if kafka else {})}
        self.blog = self.program()
        self.client = Client(self.contract, self.blog.port, SERVICE)

    def program(self):
        """A blog service on these servers: another replica, when called again."""
        port, admin = ports.reserve(), ports.reserve()
        env = {"DATABASE_URL": self.postgres.url, "REDIS_URL": self.redis.url,
               "JWT_SECRET": JWT_SECRET, "GRPC_ADDRESS": f"127.0.0.1:{port}",
               "ADMIN_ADDRESS": f"127.0.0.1:{admin}", **self.settings}
        return Program("blog", [os.path.abspath("services/blog/blog")], env, port, admin)

    def start(self):
        self.postgres.launch()
        self.redis.launch()
        self.blog.launch()
        for server in (self.postgres, self.redis, self.blog):
            server.wait_ready()
        return self

    def stop(self):
        """Returns the service's exit code."""
        self.client.close()
        code = self.blog.stop() if self.blog.running() else self.blog.process.exit_code()
        for server in (self.redis, self.postgres):
            if server.running():
                server.stop()
        return code

    def events(self, blog_id):
        """What the outbox holds of a blog: (type, payload, id) in order."""
        text = self.postgres.psql(
            "SELECT coalesce(json_agg(json_build_array(type, payload, id, aggregatetype)"
            f" ORDER BY seq), '[]') FROM outbox WHERE aggregateid = '{blog_id}'")
        return json.loads(text)

    def event_types(self, blog_id):
        return [event[0] for event in self.events(blog_id)]


def new_id():
    """Somebody's id."""
    return str(uuid.uuid4())


def token_of(user):
    return make_token(JWT_SECRET, id=user, sub=user, typ="access")


class BlogTest(unittest.TestCase):
    """Tests that share one mesh; every test has authors of its own."""

    settings = {}

    @classmethod
    def setUpClass(cls):
        cls.mesh = Mesh(**cls.settings)
        cls.addClassCleanup(cls.end)
        cls.mesh.start()

    @classmethod
    def end(cls):
        code = cls.mesh.stop()
        with open(cls.mesh.blog.log, encoding="utf-8", errors="replace") as log:
            text = log.read()
        if code != 0:
            raise AssertionError(f"the blog service ended with {code}:\n{text[-4000:]}")
        if JWT_SECRET in text:
            raise AssertionError("the log holds the secret")

    def setUp(self):
        self.author = new_id()

    def call(self, method, author=None, **fields):
        """As `author`, who is nobody when ""."""
        author = self.author if author is None else author
        return self.mesh.client.call(method, token=token_of(author) if author else None, **fields)

    def fail_call(self, method, author=None, **fields):
        with self.assertRaises(Failure) as caught:
            self.call(method, author, **fields)
        return caught.exception

    def new_blog(self, title="A title", content="Ten letters and more", **fields):
        return self.call("CreateBlog", title=title, content=content, **fields)

    def get(self, blog_id):
        return self.call("GetBlog", "", id=blog_id)

    def at_once(self, count, function):
        """Results of function(0), function(1), ... called at the same time; Failures are results."""
        def guarded(number):
            try:
                return function(number)
            except Failure as failure:
                return failure
        with ThreadPoolExecutor(count) as pool:
            return list(pool.map(guarded, range(count)))

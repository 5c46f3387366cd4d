"""The whole mesh: which servers there are, how they find each other, in which order they start."""

import os
import secrets
import tempfile
from dataclasses import dataclass

from . import ports
from .certificates import MeshCertificates
from .haproxy import NOTICE, HAProxy
from .kafka import Kafka
from .mail import MailCatcher
from .postgres import Postgres
from .program import Program
from .redis import Redis
from .server import scratch
from .zookeeper import ZooKeeper


@dataclass(frozen=True)
class Service:
    """A program behind the gateway, with a database of its own."""

    name: str
    grpc_port: int
    admin_port: int
    postgres_port: int

    @property
    def database(self):
        return f"{self.name}_db"

    @property
    def target(self):
        return f"//services/{self.name}:{self.name}"


# The design's ports.
SERVICES = (
    Service("user", grpc_port=3001, admin_port=9101, postgres_port=5433),
    Service("blog", grpc_port=3002, admin_port=9102, postgres_port=5434),
    Service("notification", grpc_port=3003, admin_port=9103, postgres_port=5435),
)
GATEWAY_TARGET = "//gateway:gateway"
GATEWAY_PORT, GATEWAY_ADMIN_PORT, REDIS_PORT = 3000, 9100, 6379
KAFKA_PORT, KAFKA_CONTROLLER_PORT, ZOOKEEPER_PORT = 9092, 9093, 2181
MAIL_PORT = 1025

# Who asks from this machine is a developer or a test; limits are for everybody else. A test of the
# limits asks from another address of the loopback network.
UNLIMITED = "127.0.0.1/32,::1/128"

_LONGEST_SOCKET = 107  # unix(7)

TARGETS = {**{service.name: service.target for service in SERVICES}, "gateway": GATEWAY_TARGET}


def runfiles_binary(name):
    """Where a test finds a program that it names in its `data`."""
    package, _, target = TARGETS[name][2:].partition(":")
    return os.path.abspath(os.path.join(package, target))


class Stack:
    """All servers, in the order in which they start; stopped in the opposite one.

    `port(fixed)` gives ports in place of the design's, `binary(name)` programs, `secret(name)`
    passwords, `folder(name)` and `log(name)` places for data and logs. A test leaves them out and
    gets free ports, throw-away data, and the programs among its data. `settings` are further
    settings of all programs; they cannot change how the servers find each other. `kafka_jars` is the
    folder of Kafka's jars; without it there is no Kafka, and events stay in the outboxes. With
    `zookeeper` Kafka runs with a ZooKeeper, and has its data in another folder.
    `with_mail` adds a mail server that keeps what it gets; without it e-mails are held.
    With `tls`, MeshCertificates (or True, for new ones), the gateway serves HTTPS and the mesh speaks
    mutual TLS.
    `replicas` of each service share its database; services[name] is the first of replicas[name]. With
    several `gateways` there is a balancer in front; `front` is where clients go in any case.
    `link(server)` may put something in front of a server: it returns the port that others are told.
    Where there is one of each service, in plain text, they call each other by Unix sockets, as long as
    nothing is in front.
    """

    def __init__(self, lasting=False, port=lambda fixed: ports.reserve(), binary=runfiles_binary,
                 secret=lambda name: secrets.token_hex(24), folder=lambda name: None,
                 log=lambda name: None, settings=None, kafka_jars=None, zookeeper=False,
                 replicas=1, with_mail=False, tls=None, gateways=1,
                 link=lambda server: server.port):
        self.settings = settings or {}
        self.tls = tls if tls is not True else MeshCertificates(
            scratch("tls-"), [service.name for service in SERVICES]).renew()
        self.jwt_secret = secret("JWT_SECRET")
        common = {"lasting": lasting}
        self.redis = Redis("redis", port(REDIS_PORT), log("redis"), **common)
        self.zookeeper = ZooKeeper("zookeeper", port(ZOOKEEPER_PORT), folder("zookeeper"),
                                   log("zookeeper"), jars_folder=kafka_jars,
                                   **common) if kafka_jars and zookeeper else None
        self.kafka = Kafka("kafka", port(KAFKA_PORT), port(KAFKA_CONTROLLER_PORT),
                           folder("kafka-zookeeper" if zookeeper else "kafka"), log("kafka"),
                           jars_folder=kafka_jars, zookeeper=self.zookeeper,
                           **common) if kafka_jars else None
        self.mail = MailCatcher("mail", port(MAIL_PORT), folder("mail"), log("mail"),
                                **common) if with_mail else None
        self.databases = {
            service.name: Postgres(
                f"postgres-{service.name}", service.database,
                secret(f"POSTGRES_PASSWORD_{service.name.upper()}"), port(service.postgres_port),
                folder(f"postgres-{service.name}"), log(f"postgres-{service.name}"), **common)
            for service in SERVICES}
        self._link = link
        for server in (self.redis, self.kafka, *self.databases.values()):
            if server:
                server.entrance = link(server)
        self._sockets = self._socket_folder(folder("sockets")) if replicas == 1 and not tls else None
        # Copies in a process, where no other process of the service could change what they are of.
        self.near = {"CACHE_NEAR_BYTES": "4194304"} if replicas == 1 else {}
        self.replicas = {}
        for service in SERVICES:
            self.replicas[service.name] = [self._service(service, number, port, binary, log, common)
                                           for number in range(replicas)]
        self.services = {name: replicas[0] for name, replicas in self.replicas.items()}
        self.gateways = [self._gateway(number, gateways, port, binary, log, common)
                         for number in range(gateways)]
        self.gateway = self.gateways[0]
        self.front = self.gateway if gateways == 1 else HAProxy("haproxy", self.gateways, **common)

    def _socket_folder(self, given):
        """Where nothing keeps it, it goes with this object. Bazel's is too deep for a socket's path."""
        if given is None:
            self._scratch = tempfile.TemporaryDirectory(prefix="inkmesh-", dir="/tmp")
            return self._scratch.name
        longest = max(len(service.name) for service in SERVICES)
        if len(os.fsencode(given)) + 1 + longest > _LONGEST_SOCKET:
            return None
        os.makedirs(given, mode=0o700, exist_ok=True)
        return given

    def _shared(self):
        kafka = {"KAFKA_BROKERS": self.kafka.url} if self.kafka else {}
        return {"REDIS_URL": self.redis.url, "JWT_SECRET": self.jwt_secret, **kafka}

    def address(self, name):
        """Where the others find a service: all of its replicas, as a target of gRPC."""
        replicas = self.replicas[name]
        if self._sockets and replicas[0].entrance == replicas[0].port:
            return f"unix:{self._sockets}/{name}"
        return ",".join(f"127.0.0.1:{one.entrance}" for one in replicas)

    def _own(self, service):
        """What only this service is told."""
        if service.name != "notification" or not self.mail:
            return {}
        return {"USER_SERVICE_ADDRESS": self.address("user"), "SMTP_URL": self.mail.url,
                "SMTP_STARTTLS": "off", "EMAIL_FROM": "inkmesh@localhost",
                **(self.tls.of_client("user") if self.tls else {})}

    def _service(self, service, number, port, binary, log, common):
        name = service.name if number == 0 else f"{service.name}-{number + 1}"
        grpc, admin = port(service.grpc_port), port(service.admin_port)
        socket = {"GRPC_SOCKET": f"{self._sockets}/{name}"} if self._sockets else {}
        env = {"GRPC_REFLECTION": "true", **self.near, **self.settings,
               "DATABASE_URL": self.databases[service.name].url,
               "GRPC_ADDRESS": f"127.0.0.1:{grpc}", "ADMIN_ADDRESS": f"127.0.0.1:{admin}",
               **socket, **self._own(service), **self._shared(),
               **(self.tls.of_service(service.name) if self.tls else {})}
        program = Program(name, [binary(service.name)], env, grpc, admin, log(name), **common)
        program.entrance = self._link(program)
        return program

    def _gateway(self, number, count, port, binary, log, common):
        name = "gateway" if number == 0 else f"gateway-{number + 1}"
        notice = {"HTTP_DRAIN_NOTICE": NOTICE} if count > 1 else {}
        http, admin = port(GATEWAY_PORT), port(GATEWAY_ADMIN_PORT)
        env = {"RATE_LIMIT_EXEMPT": UNLIMITED, **notice, **self.settings,
               "HTTP_ADDRESS": f"127.0.0.1:{http}", "ADMIN_ADDRESS": f"127.0.0.1:{admin}",
               **{f"{name.upper()}_SERVICE_ADDRESS": self.address(name)
                  for name in self.replicas},
               **self._shared(), **(self.tls.of_gateway() if self.tls else {})}
        program = Program(name, [binary("gateway")], env, http, admin, log(name), **common)
        program.entrance = self._link(program)
        return program

    @property
    def url(self):
        """Where clients go."""
        return f"https://localhost:{self.front.entrance}" if self.tls \
            else f"http://127.0.0.1:{self.front.entrance}"

    def waves(self):
        """Lists of servers: those of one list need nothing of each other, only of earlier lists."""
        events = [self.kafka] if self.kafka else []
        services = [one for replicas in self.replicas.values() for one in replicas]
        first = [self.redis, *self.databases.values(), *([self.mail] if self.mail else [])]
        if self.zookeeper:
            return [[self.zookeeper, *first], events, services, *self._edge()]
        return [[*events, *first], services, *self._edge()]

    def _edge(self):
        return [self.gateways] + ([[self.front]] if len(self.gateways) > 1 else [])

    def servers(self):
        return [server for wave in self.waves() for server in wave]

    def programs(self):
        """Our own."""
        return [*self.gateways, *(one for replicas in self.replicas.values() for one in replicas)]

    def start(self):
        """Starts everything, and returns when all is ready."""
        for wave in self.waves():
            for server in wave:
                server.launch()
            for server in wave:
                server.wait_ready()
        return self

    def stop(self):
        for server in reversed(self.servers()):
            if server.running():
                server.stop()

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_):
        self.stop()

"""A Kafka broker of one's own."""

import base64
import glob
import os
import secrets
import shutil
import socket
import struct

from . import ports
from .process import Process
from .server import Server, scratch
from .waiting import HarnessError

# Internal topics of one partition, and no waiting for further members, so that it is quick. After
# kill -9 the controller takes a broker back only when its old session has ended: 2 s, not 9.
_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
auto.create.topics.enable={auto_create}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=400
"""

# What `kafka.tools.StorageTool format` would write, without a second Java.
_META = "version=1\ncluster.id={cluster}\nnode.id=1\n"


def jars():
    """The folder of Kafka's jars among a test's data (@maven//:jars)."""
    for folder in ("../maven/jars", "external/maven/jars"):
        if glob.glob(os.path.join(folder, "kafka_2.13-*.jar")):
            return os.path.abspath(folder)
    raise HarnessError("no Kafka: @maven//:jars is not among the test's data")


def _string(text):
    return struct.pack(">h", len(text)) + text.encode()


class Kafka(Server):
    """One broker that is its own controller (KRaft). Without arguments: free ports, throw-away data,
    and the jars among the test's data.

    Topics are never made by mentioning them, unless `auto_create`.
    """

    def __init__(self, name="kafka", port=None, controller_port=None, folder=None, log=None,
                 lasting=False, auto_create=False, jars_folder=None):
        self.folder = folder or scratch("kafka-")
        super().__init__(name, log or os.path.join(self.folder, "server.log"), lasting)
        self.port = port or ports.reserve()
        self.controller_port = controller_port or ports.reserve()
        self.auto_create = auto_create
        self._jars = jars_folder

    @property
    def url(self):
        """What clients call bootstrap servers."""
        return f"127.0.0.1:{self.port}"

    def _write(self, path, text):
        with open(path + ".new", "w", encoding="ascii") as file:
            file.write(text)
        os.rename(path + ".new", path)

    def _create(self):
        os.makedirs(os.path.join(self.folder, "data"), exist_ok=True)
        meta = os.path.join(self.folder, "data", "meta.properties")
        if not os.path.exists(meta):
            # 16 bytes as Kafka writes an UUID. One that starts with "-" would look like an option.
            cluster = base64.urlsafe_b64encode(b"I" + secrets.token_bytes(15)).decode()[:22]
            self._write(meta, _META.format(cluster=cluster))

    def _launch(self):
        java = shutil.which("java")
        if not java:
            raise HarnessError("no 'java': the package default-jre-headless is not installed")
        self._create()
        properties = os.path.join(self.folder, "server.properties")
        self._write(properties, _PROPERTIES.format(
            port=self.port, controller_port=self.controller_port,
            data=os.path.join(self.folder, "data"), auto_create=str(self.auto_create).lower()))
        return Process.start(
            [java, "-Xmx384m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC",
             "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", os.path.join(self._jars or jars(), "*"),
             "kafka.Kafka", properties], self.log, lasting=self.lasting)

    # The wire protocol, as far as we need it: a request is API key, version, number and client name.

    def _request(self, api, version, body, timeout):
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as connection:
            message = struct.pack(">hhi", api, version, 1) + _string("harness") + body
            connection.sendall(struct.pack(">i", len(message)) + message)
            stream = connection.makefile("rb")
            size = stream.read(4)
            if len(size) < 4:
                raise OSError("the broker closed the connection")
            return stream.read(struct.unpack(">i", size)[0])[4:]

    def create_topic(self, topic, partitions=1):
        """CreateTopics, version 2; a topic that is there already is fine."""
        body = (struct.pack(">i", 1) + _string(topic) +
                struct.pack(">ihii", partitions, 1, 0, 0) + struct.pack(">i?", 10000, False))
        answer = self._request(19, 2, body, 15)
        # throttle time, count, name, error code, ...
        code, = struct.unpack_from(">h", answer, 8 + 2 + len(topic))
        if code not in (0, 36):
            raise HarnessError(f"{self.name}: topic {topic} could not be made: error {code}")

    def _ready(self):
        """ApiVersions: a broker answers nothing before it is in its cluster."""
        try:
            return self._request(18, 0, b"", 2)[:2] == b"\0\0"
        except OSError:
            return False

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
from .waiting import HarnessError, until

# Internal topics of one partition, and no waiting for further members, so that it is quick.
_PROPERTIES = """\
advertised.listeners=PLAINTEXT://127.0.0.1:{entrance}
log.dirs={data}
auto.create.topics.enable={auto_create}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
group.initial.rebalance.delay.ms=0
"""

# After kill -9 the controller, or ZooKeeper, takes a broker back only when its old session has
# ended: 2 s and 6 s, not 9 and 18. (A session that ends while the broker starts ends the broker.)
_KRAFT = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=400
"""
_ZOOKEEPER = """\
broker.id=1
listeners=PLAINTEXT://127.0.0.1:{port}
zookeeper.connect={zookeeper}
zookeeper.session.timeout.ms=6000
zookeeper.connection.timeout.ms=60000
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


def java(memory, folder, main, argument):
    """The command that runs a class of the jars in the folder."""
    program = shutil.which("java")
    if not program:
        raise HarnessError("no 'java': the package default-jre-headless is not installed")
    return [program, f"-Xmx{memory}", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp",
            os.path.join(folder or jars(), "*"), main, argument]


class Kafka(Server):
    """One broker that is its own controller (KRaft), or uses the ZooKeeper that it is given, which
    the caller has started before. Data of one mode cannot serve the other. Without arguments:
    KRaft, free ports, throw-away data, and the jars among the test's data.

    Topics are never made by mentioning them, unless `auto_create`.
    """

    def __init__(self, name="kafka", port=None, controller_port=None, folder=None, log=None,
                 lasting=False, auto_create=False, jars_folder=None, zookeeper=None):
        self.folder = folder or scratch("kafka-")
        super().__init__(name, log or os.path.join(self.folder, "server.log"), lasting)
        self.port = port or ports.reserve()
        self.zookeeper = zookeeper
        self.controller_port = None if zookeeper else controller_port or ports.reserve()
        self.auto_create = auto_create
        self._jars = jars_folder

    @property
    def url(self):
        """What clients call bootstrap servers."""
        return f"127.0.0.1:{self.entrance}"

    def _write(self, path, text):
        with open(path + ".new", "w", encoding="ascii") as file:
            file.write(text)
        os.rename(path + ".new", path)

    def _create(self):
        os.makedirs(os.path.join(self.folder, "data"), exist_ok=True)
        meta = os.path.join(self.folder, "data", "meta.properties")
        if not self.zookeeper and not os.path.exists(meta):
            # 16 bytes as Kafka writes an UUID. One that starts with "-" would look like an option.
            cluster = base64.urlsafe_b64encode(b"I" + secrets.token_bytes(15)).decode()[:22]
            self._write(meta, _META.format(cluster=cluster))

    def _launch(self):
        if self.zookeeper:
            # A broker that finds itself registered, because it was killed a moment ago, gives up.
            until("the end of the broker's old session",
                  lambda: not self.zookeeper.knows("/brokers/ids/1"), 30)
        self._create()
        properties = os.path.join(self.folder, "server.properties")
        template = _PROPERTIES + (_ZOOKEEPER if self.zookeeper else _KRAFT)
        self._write(properties, template.format(
            port=self.port, entrance=self.entrance, controller_port=self.controller_port,
            zookeeper=self.zookeeper.url if self.zookeeper else None,
            data=os.path.join(self.folder, "data"), auto_create=str(self.auto_create).lower()))
        return Process.start(java("384m", self._jars, "kafka.Kafka", properties), self.log,
                             lasting=self.lasting)

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

    def forget_group(self, group):
        """DeleteGroups, version 0: the offsets of a group that has no member any more. False while
        it has one, or when there is no such group."""
        answer = self._request(42, 0, struct.pack(">i", 1) + _string(group), 15)
        code, = struct.unpack_from(">h", answer, 8 + 2 + len(group))
        return code == 0

    def known_offsets(self, group):
        """OffsetFetch, version 2: of how many topics the group's offsets are known."""
        answer = self._request(9, 2, _string(group) + struct.pack(">i", -1), 15)
        return struct.unpack_from(">i", answer)[0]

    def _ready(self):
        """ApiVersions: with KRaft a broker answers nothing before it is in its cluster."""
        try:
            return (self._request(18, 0, b"", 2)[:2] == b"\0\0" and self._coordinates()
                    and (not self.zookeeper or self._has_leaders()))
        except OSError:
            return False

    def _coordinates(self):
        """FindCoordinator, version 0: the first one makes the topic of offsets, which takes a new
        broker half a second that the first consumer would otherwise wait for."""
        return self._request(10, 0, _string("harness"), 2)[:2] == b"\0\0"

    def _has_leaders(self):
        """Metadata, version 1: with ZooKeeper, whether the controller has told the broker of all
        topics that it has data of, and every partition has a leader again."""
        answer = self._request(3, 1, struct.pack(">i", -1), 2)
        at = 0

        def read(form):
            nonlocal at
            value, = struct.unpack_from(">" + form, answer, at)
            at += struct.calcsize(form)
            return value

        def read_string():
            nonlocal at
            size = max(read("h"), 0)  # -1 for none
            at += size
            return answer[at - size:at].decode()

        for _ in range(read("i")):  # brokers
            read("i")
            read_string()
            read("i")
            read_string()
        read("i")  # the controller
        topics, errors = set(), []
        for _ in range(read("i")):
            errors.append(read("h"))
            topics.add(read_string())
            read("?")
            for _ in range(read("i")):
                errors.append(read("h"))
                read("i")
                read("i")
                for _ in range(2):  # replicas, and those in sync
                    for _ in range(read("i")):
                        read("i")
        return self._topics_on_disk() <= topics and not any(errors)

    def _topics_on_disk(self):
        """The data folder has a folder TOPIC-NUMBER a partition."""
        names = (name.rpartition("-") for name in os.listdir(os.path.join(self.folder, "data")))
        return {topic for topic, _, number in names if topic and number.isdigit()}

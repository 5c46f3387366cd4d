"""A ZooKeeper of one's own, for a Kafka that still wants one (harness/kafka.py)."""

import os
import socket

from . import ports
from .kafka import java
from .process import Process
from .server import Server, scratch

# Sessions of two ticks at least: a broker that was killed is forgotten after 2 s.
_CONFIG = """\
tickTime=500
dataDir={data}
clientPort={port}
clientPortAddress=127.0.0.1
admin.enableServer=false
4lw.commands.whitelist=srvr,dump
"""


class ZooKeeper(Server):
    """A single ZooKeeper out of Kafka's jars. Without arguments: a free port, throw-away data."""

    def __init__(self, name="zookeeper", port=None, folder=None, log=None, lasting=False,
                 jars_folder=None):
        self.folder = folder or scratch("zookeeper-")
        super().__init__(name, log or os.path.join(self.folder, "server.log"), lasting)
        self.port = port or ports.reserve()
        self._jars = jars_folder

    @property
    def url(self):
        """What clients call a connection string."""
        return f"127.0.0.1:{self.port}"

    def _launch(self):
        data = os.path.join(self.folder, "data")
        os.makedirs(data, exist_ok=True)
        config = os.path.join(self.folder, "zoo.cfg")
        with open(config, "w", encoding="ascii") as file:
            file.write(_CONFIG.format(data=data, port=self.port))
        return Process.start(
            java("128m", self._jars, "org.apache.zookeeper.server.quorum.QuorumPeerMain", config),
            self.log, lasting=self.lasting)

    def _ask(self, words):
        with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
            connection.sendall(words)
            return connection.makefile("rb").read()

    def _ready(self):
        """It serves: `ruok` would be answered before that."""
        try:
            return b"Mode: " in self._ask(b"srvr")
        except OSError:
            return False

    def knows(self, path):
        """Whether a session that has not ended yet holds the (ephemeral) node."""
        dump = self._ask(b"dump")
        return b"Sessions with Ephemerals" not in dump or path.encode() in dump.split()

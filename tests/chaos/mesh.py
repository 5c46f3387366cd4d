"""The whole mesh, with a link that can be broken in front of every server."""

import json
import os
import subprocess
import tempfile

import clock
from disk import Disk
from harness.link import Links
from harness.server import scratch
from harness.stack import Stack

# bcrypt at its cheapest, tokens that last; the rest gives up sooner than by default, so that a
# short run sees what becomes of it.
SETTINGS = {"BCRYPT_COST": "4", "JWT_TTL": "7d", "HTTP_REQUEST_TIMEOUT": "5s",
            "HTTP_ADDRESS_PERCENT": "100"}
# How far clocks are set back, in seconds. Ours by less than JWT_LEEWAY: by more, and the tokens of
# everybody else are refused.
_LITTLE, _MUCH = 4, 3600


class Mesh:
    """A context: started on entry, stopped on exit. With `small_disks` (see disk.own_mounts)
    Kafka and each PostgreSQL have a disk of their own that can be filled."""

    def __init__(self, binary, jars, tool, small_disks, log=lambda name: None):
        self._links = Links()
        self._links.start()
        self.links = {}  # name of a server: the Link in front of it
        self.tool = tool
        self.disks = {}  # name of a server: its Disk
        self._small_disks = small_disks
        self.deaths = []  # of programs that nobody wanted to die, as texts
        self.stack = Stack(settings=SETTINGS, kafka_jars=jars, binary=binary,
                           folder=self._folder, log=log, link=self._link)
        self.servers = {server.name: server for server in self.stack.servers()}
        self.programs = {program.name: program for program in self.stack.programs()}
        self._clocks = tempfile.TemporaryDirectory(dir="/tmp")  # where every user gets
        os.chmod(self._clocks.name, 0o711)
        self.clocks = {}  # name of a server: its Clock
        for name in self.servers if clock.library() else ():
            if name != "kafka":  # Java has no use for what stands before libc's clock
                self.clocks[name] = clock.Clock(os.path.join(self._clocks.name, name),
                                                _LITTLE if name in self.programs else _MUCH)
                self.servers[name].env.update(self.clocks[name].env)
        self.port = self.stack.gateway.entrance

    def _folder(self, name):
        if not self._small_disks or not name.startswith(("postgres-", "kafka")):
            return None
        folder = scratch(f"{name}-")
        self.disks[name] = Disk(folder)
        return folder

    def _link(self, server):
        self.links[server.name] = self._links.add(server.port)
        return self.links[server.name].port

    def events(self, command):
        """What the operator's tool says of lag, outboxes and dead letters."""
        databases = " ".join(f"{name}={one.url}" for name, one in self.stack.databases.items())
        done = subprocess.run([self.tool, command, "--json"], capture_output=True, text=True,
                              timeout=60, check=False,
                              env={"KAFKA_BROKERS": self.stack.kafka.url,
                                   "DATABASE_URLS": databases, "EVENTS_TIMEOUT": "20s"})
        if done.returncode:
            raise OSError(f"inkmesh-events {command}: {done.stderr}")
        return json.loads(done.stdout)

    def __enter__(self):
        self.stack.__enter__()
        return self

    def __exit__(self, *exception):
        for link in self.links.values():
            link.heal()
        self.stack.__exit__(*exception)
        self._links.stop()
        for disk in self.disks.values():
            disk.remove()
        self._clocks.cleanup()

    def died(self, name):
        """One of our programs has ended, and should not have done so, or not like this."""
        program = self.programs[name]
        self.deaths.append(f"{name} ended with {program.process.exit_code()}:\n"
                           f"{program.log_tail(20)}")

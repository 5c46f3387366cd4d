"""The whole mesh, with a link that can be broken in front of every server."""

import json
import os
import subprocess

import clock
from disk import Disk
from harness.link import Links
from harness.server import scratch
from harness.stack import Stack

# bcrypt at its cheapest, tokens that last; the rest gives up sooner than by default, so that a
# short run sees what becomes of it.
SETTINGS = {"BCRYPT_COST": "4", "JWT_TTL": "7d", "HTTP_REQUEST_TIMEOUT": "5s",
            "HTTP_ADDRESS_PERCENT": "100"}


class Mesh:
    """A context: started on entry, stopped on exit. With `small_disks` (see disk.own_mounts) each
    PostgreSQL has a disk of its own that can be filled."""

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
        self.clocks = {}  # name of a program: its Clock
        if clock.library():
            for name, program in self.programs.items():
                self.clocks[name] = clock.Clock(os.path.join(scratch(f"{name}-clock-"), "now"))
                program.env.update(self.clocks[name].env)
        self.port = self.stack.gateway.entrance

    def _folder(self, name):
        if not self._small_disks or not name.startswith("postgres-"):
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

    def needs(self, name):
        """Descriptors, threads and bytes of memory of a program."""
        return self.servers[name].process.needs()

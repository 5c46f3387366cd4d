"""A Redis server of one's own."""

import os
import shutil
import socket

from . import ports
from .process import Process, server_user
from .server import Server, scratch
from .waiting import HarnessError


def _program():
    """redis-server, or the same program under the name that Debian's redis-tools gives it.

    The package redis-server would also start a server of its own on port 6379; redis-tools has
    the program without that.
    """
    for name in ("redis-server", "redis-check-rdb"):
        path = shutil.which(name)
        if path:
            return path
    raise HarnessError("no Redis: the package redis-tools is not installed")


class Redis(Server):
    """A cache: nothing is written to disk. Without arguments on a free port."""

    def __init__(self, name="redis", port=None, log=None, lasting=False):
        super().__init__(name, log or os.path.join(scratch("redis-"), "server.log"), lasting)
        self.port = port or ports.reserve()

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.entrance}"

    def command(self, *words):
        """Sends one command and returns the raw reply (RESP)."""
        request = b"*%d\r\n" % len(words)
        for word in words:
            data = str(word).encode()
            request += b"$%d\r\n%s\r\n" % (len(data), data)
        with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
            connection.sendall(request)
            return connection.recv(65536)

    def _launch(self):
        # The program decides by the name it is called with what it is.
        return Process.start(
            [*self._with_env(), "bash", "-c", 'exec -a redis-server "$@"', "redis-server",
             _program(), "--port", str(self.port), "--bind", "127.0.0.1", "--protected-mode", "yes",
             "--save", "", "--appendonly", "no", "--daemonize", "no",
             "--maxmemory", "256mb", "--maxmemory-policy", "allkeys-lru"],
            self.log, user=server_user(), lasting=self.lasting)

    def _ready(self):
        try:
            return self.command("PING").startswith(b"+PONG")
        except OSError:
            return False

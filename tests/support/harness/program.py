"""One of our own programs."""

import os
import urllib.error
import urllib.request

from . import ports
from .process import Process
from .server import Server, scratch


class Program(Server):
    """A program of ours with its settings in the environment.

    Ready when its admin port answers /readyz with 200, or, without one, when `port` is open.
    """

    def __init__(self, name, command, env, port=None, admin_port=None, log=None, lasting=False):
        super().__init__(name, log or os.path.join(scratch(name + "-"), "program.log"), lasting)
        self.command = command
        self.env = env
        self.port = port
        self.admin_port = admin_port

    def _launch(self):
        base = {key: os.environ[key] for key in ("PATH", "HOME", "TZ", "ASAN_OPTIONS",
                                                 "LSAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS")
                if key in os.environ}
        return Process.start(self.command, self.log, env={**base, **self.env},
                             lasting=self.lasting)

    def _ready(self):
        if self.admin_port is None:
            return ports.listening(self.port)
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.admin_port}/readyz", timeout=2):
                return True
        except (urllib.error.URLError, OSError):
            return False

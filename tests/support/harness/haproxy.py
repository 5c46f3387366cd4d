"""A balancer in front of gateways, as docs/operations.md recommends to set one up."""

import os

from . import ports
from .process import Process
from .server import Server, scratch
from .tools import tool

# Every gateway says by /readyz whether it wants requests. One that stops says no for longer than two
# checks take (HTTP_DRAIN_NOTICE), so its listener closes when nobody comes any more; what still finds
# it closed goes to another one.
_CONFIG = """\
global
    maxconn 2000
defaults
    mode http
    timeout connect 1s
    timeout check 2s
    timeout client 5m
    timeout server 5m
    option http-server-close
    option redispatch 1
    retries 3
    option forwardfor
frontend entrance
    bind 127.0.0.1:{port}
    default_backend gateways
backend gateways
    balance roundrobin
    option httpchk GET /readyz
    default-server check inter 100ms fall 2 rise 1
{servers}
"""
NOTICE = "500ms"


class HAProxy(Server):
    """`gateways`: Servers, by their ports."""

    def __init__(self, name, gateways, port=None, log=None, lasting=False):
        self.folder = scratch("haproxy-")
        super().__init__(name, log or os.path.join(self.folder, "server.log"), lasting)
        self.gateways = gateways
        self.port = port or ports.reserve()

    def _launch(self):
        path = os.path.join(self.folder, "haproxy.cfg")
        servers = "\n".join(f"    server {one.name} 127.0.0.1:{one.port}" for one in self.gateways)
        with open(path, "w", encoding="ascii") as file:
            file.write(_CONFIG.format(port=self.port, servers=servers))
        return Process.start([tool("haproxy"), "-db", "-f", path], self.log, lasting=self.lasting)

    def _ready(self):
        return ports.listening(self.port)

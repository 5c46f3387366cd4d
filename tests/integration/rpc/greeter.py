"""program.c, the greeter with the settings of a service, and requests to it."""

import os

from harness import ports
from harness.program import Program

HELLO = "/greet.v1.Greeter/Hello"


def varint(value):
    out = b""
    while value >= 128:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def hello(name=b"Ada", times=0, take_ms=0):
    """A HelloRequest of greet.proto."""
    return b"\x0a" + varint(len(name)) + name + \
        (b"\x10" + varint(times) if times else b"") + \
        (b"\x20" + varint(take_ms) if take_ms else b"")


class Greeter(Program):
    """On ports of its own; `env` is further settings."""

    def __init__(self, **env):
        port, admin = ports.reserve(), ports.reserve()
        super().__init__("greeter", [os.path.abspath("tests/integration/rpc/program")], {
            "GRPC_ADDRESS": f"127.0.0.1:{port}", "ADMIN_ADDRESS": f"127.0.0.1:{admin}", **env},
            port, admin)

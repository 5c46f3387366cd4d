#!/usr/bin/python3
"""Runs a command with real servers beside it, and lets the command hurt them.

    with_servers.py [--postgres] [--redis] [--kafka] [--ports N] -- COMMAND [ARGS]

The command finds them in its environment:
  INK_TEST_POSTGRES_URL, INK_TEST_REDIS_URL   where they listen
  INK_TEST_KAFKA_URL                          HOST:PORT of the broker
  INK_TEST_PORT_1 to INK_TEST_PORT_N          free ports of 127.0.0.1 for servers of its own
  INK_TEST_CONTROL                            port of the control channel (127.0.0.1)

Control channel: one line a request, `VERB SERVER`, where VERB is start, stop, kill, pause, resume
or restart and SERVER is postgres, redis or kafka; answered by `ok` when it is done (start and restart:
when the server is ready again), else by `error: TEXT`. tests/support/control.h speaks it.

The exit code is the command's. The servers end with this program, whichever way it ends.
"""

import argparse
import os
import signal
import socketserver
import subprocess
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import ports  # noqa: E402
from harness.kafka import Kafka  # noqa: E402
from harness.postgres import Postgres  # noqa: E402
from harness.redis import Redis  # noqa: E402
from harness.waiting import HarnessError  # noqa: E402

VERBS = ("start", "stop", "kill", "pause", "resume", "restart")


class Control(socketserver.StreamRequestHandler):
    """One connection of the control channel."""

    def handle(self):
        for line in self.rfile:
            self.wfile.write((self.answer(line.decode().split()) + "\n").encode())

    def answer(self, words):
        if len(words) != 2 or words[0] not in VERBS or words[1] not in self.server.servers:
            return f"error: expected VERB SERVER, got {' '.join(words)!r}"
        try:
            getattr(self.server.servers[words[1]], words[0])()
        except HarnessError as error:
            return "error: " + " ".join(str(error).splitlines())
        return "ok"


def control_channel(servers):
    """Serves the channel from one thread that never ends: a server that it starts ends with it."""
    channel = socketserver.TCPServer(("127.0.0.1", ports.reserve()), Control,
                                     bind_and_activate=False)
    channel.allow_reuse_address = True
    channel.server_bind()
    channel.server_activate()
    channel.servers = servers
    threading.Thread(target=channel.serve_forever, daemon=True).start()
    return channel.server_address[1]


def run(command, servers, port_count):
    env = dict(os.environ)
    for server in servers.values():
        server.launch()
    for server in servers.values():
        server.wait_ready()
        env[f"INK_TEST_{server.name.upper()}_URL"] = server.url
    for number in range(1, port_count + 1):
        env[f"INK_TEST_PORT_{number}"] = str(ports.reserve())
    env["INK_TEST_CONTROL"] = str(control_channel(servers))
    return subprocess.run(["setpriv", "--pdeathsig=KILL"] + command, env=env,
                          check=False).returncode


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1].strip())
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--redis", action="store_true")
    parser.add_argument("--kafka", action="store_true")
    parser.add_argument("--ports", type=int, default=0)
    parser.add_argument("command", nargs="+")
    args = parser.parse_args()

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    servers = {}
    if args.postgres:
        servers["postgres"] = Postgres()
    if args.redis:
        servers["redis"] = Redis()
    if args.kafka:
        servers["kafka"] = Kafka()
    try:
        code = run(args.command, servers, args.ports)
        if code:
            for server in servers.values():
                print(f"--- the last that {server.name} logged\n{server.log_tail()}",
                      file=sys.stderr)
        # A signal's number, as a shell would report it.
        return code if code >= 0 else 128 - code
    finally:
        for server in servers.values():
            if server.running():
                server.stop()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except HarnessError as problem:
        sys.exit(f"with_servers: {problem}")

"""`./inkmesh events`: the program inkmesh-events with the settings of the local stack."""

import os

from . import build, stack, state

_USAGE = os.path.join(state.ROOT, "lib", "events", "tool", "usage.txt")


def _help():
    with open(_USAGE, encoding="utf-8") as file:
        print("usage: ./inkmesh events " + file.read())
    print("Kafka and the databases are those of ./inkmesh up. For others, run the program itself:\n"
          "lib/events/tool, with KAFKA_BROKERS and DATABASE_URLS (docs/operations.md).")


def settings(mesh):
    """What the program needs to know of a Stack."""
    databases = " ".join(f"{name}={one.url}" for name, one in mesh.databases.items())
    return {"KAFKA_BROKERS": mesh.kafka.url, "DATABASE_URLS": databases}


def program():
    """Its path; up has built it."""
    path = build.binary(build.EVENTS_TOOL)
    if not os.path.exists(path):
        build.build()
    return path


def run(args):
    """Hands over to the program."""
    if any(arg in ("-h", "--help", "help") for arg in args):
        return _help()
    local, _ = stack.local_stack()
    os.execve(program(), ["inkmesh events", *args], {**os.environ, **settings(local)})

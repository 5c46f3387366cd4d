"""TCP ports of 127.0.0.1: reserving free ones, asking for them, and telling who holds one."""

import os
import random
import socket

from .waiting import HarnessError

# Below the range that the kernel hands out to outgoing connections (32768 and up).
_FIRST, _LAST = 15000, 32767

# Abstract Unix sockets that mark reserved ports; they vanish with this process.
_reservations = []


def listening(port):
    """Whether something accepts connections on the port."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free(port):
    """Whether a server could bind the port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def reserve():
    """A free port that no other process using this function gets while we live.

    The reservation outlives the server on the port, so a server that was killed can come back.
    """
    for _ in range(1000):
        port = random.randint(_FIRST, _LAST)
        mark = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            mark.bind(f"\0inkmesh-port-{port}")
        except OSError:
            mark.close()
            continue
        if free(port):
            _reservations.append(mark)
            return port
        mark.close()
    raise HarnessError("no free port between %d and %d" % (_FIRST, _LAST))


def connections(port):
    """How many connections to the port there are."""
    return len(_sockets(port, _ESTABLISHED))


_LISTENING, _ESTABLISHED = "0A", "01"


def _sockets(port, wanted):
    """The inodes of sockets whose own port this is; gRPC's are in the second table."""
    found = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            with open(table, encoding="ascii") as lines:
                rows = [line.split() for line in lines][1:]
        except OSError:
            continue
        found += [row[9] for row in rows
                  if row[3] == wanted and int(row[1].rsplit(":", 1)[1], 16) == port]
    return found


def holder(port):
    """Who listens on the port: (pid, name), or None where that cannot be told."""
    inodes = _sockets(port, _LISTENING)
    if not inodes:
        return None
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            for fd in os.listdir(f"/proc/{pid}/fd"):
                if os.readlink(f"/proc/{pid}/fd/{fd}") == f"socket:[{inodes[0]}]":
                    with open(f"/proc/{pid}/comm", encoding="utf-8") as comm:
                        return int(pid), comm.read().strip()
        except OSError:
            continue
    return None

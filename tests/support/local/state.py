""".inkmesh/: what the local stack keeps between commands."""

import contextlib
import fcntl
import json
import os
import secrets

from harness.process import Process
from harness.waiting import HarnessError

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
HOME = os.path.join(ROOT, ".inkmesh")


def path(*parts):
    """A path below .inkmesh/, whose folder exists."""
    result = os.path.join(HOME, *parts)
    os.makedirs(os.path.dirname(result), exist_ok=True)
    return result


def log_path(name):
    return path("log", name + ".log")


@contextlib.contextmanager
def locked():
    """One command at a time may start and stop servers."""
    with open(path("lock"), "w", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise HarnessError("another ./inkmesh up or down is at work") from error
        yield


def secret(name):
    """A secret of this clone, made on its first use; only the owner can read the file."""
    file = path("secrets.env")
    known = {}
    if os.path.exists(file):
        with open(file, encoding="ascii") as lines:
            known = dict(line.rstrip("\n").split("=", 1) for line in lines if "=" in line)
    if name not in known:
        known[name] = secrets.token_hex(24)
        handle = os.open(file + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as lines:
            lines.writelines(f"{key}={value}\n" for key, value in known.items())
        os.rename(file + ".new", file)
    return known[name]


KAFKA_MODES = ("kraft", "zookeeper")


def kafka_mode(new=None):
    """How Kafka runs in this clone, one of KAFKA_MODES; `new` is remembered."""
    file = path("kafka-mode")
    if new:
        with open(file + ".new", "w", encoding="ascii") as text:
            text.write(new + "\n")
        os.rename(file + ".new", file)
    try:
        with open(file, encoding="ascii") as text:
            mode = text.read().strip()
    except FileNotFoundError:
        return KAFKA_MODES[0]
    if mode not in KAFKA_MODES:
        raise HarnessError(f"{file} says {mode!r}, which is none of: {', '.join(KAFKA_MODES)}")
    return mode


def tls(new=None):
    """Whether the programs of this clone speak TLS; `new` is remembered."""
    file = path("tls-on")
    if new:
        with open(file, "w", encoding="ascii"):
            pass
    elif new is not None:
        with contextlib.suppress(FileNotFoundError):
            os.remove(file)
    return os.path.exists(file)


# What runs: one record a server, which names its process so that no other can be mistaken for it.

def _boot():
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()


def _record_path(name):
    return path("run", name + ".json")


def remember(server, version=None):
    record = {"pid": server.process.pid, "started": server.process.started, "boot": _boot(),
              "version": version}
    with open(_record_path(server.name) + ".new", "w", encoding="ascii") as file:
        json.dump(record, file)
    os.rename(_record_path(server.name) + ".new", _record_path(server.name))


def forget(server):
    with contextlib.suppress(FileNotFoundError):
        os.remove(_record_path(server.name))


def recall(server):
    """Gives `server` its process if that still runs; returns the version it was started with."""
    try:
        with open(_record_path(server.name), encoding="ascii") as file:
            record = json.load(file)
    except (FileNotFoundError, ValueError):
        return None
    process = Process(record["pid"], record["started"])
    if record["boot"] != _boot() or not process.alive():
        return None
    server.process = process
    return record["version"]

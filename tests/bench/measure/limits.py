"""What parts can do on their own: programs of tests/bench/limits that print one number, a rate, and
Redis by its own benchmark."""

import csv
import subprocess

from harness.tools import tool
from harness.waiting import HarnessError
from local import build


def make(name):
    """Builds one; the path of the program."""
    kept = f"bench-{name}"
    build.keep({kept: f"//tests/bench/limits:{name}"})
    return build.binary(kept)


def _output(*command):
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise HarnessError(f"{command[0]} failed: {done.stderr.strip()}")
    return done.stdout


def rate(program, *args):
    """The sample of a run."""
    return {"rate": float(_output(program, *args)), "errors": 0}


def redis_get(redis, key, connections, requests):
    """The sample of reading a key, a command at a time on each connection."""
    if b"$-1" in redis.command("GET", key):
        raise HarnessError(f"Redis has no {key}")
    output = _output(tool("redis-benchmark"), "-h", "127.0.0.1", "-p", redis.port, "-c", connections,
                     "-n", requests, "--csv", "GET", key)
    row = list(csv.DictReader(output.splitlines()))[-1]
    return {"rate": float(row["rps"]), "p50": float(row["p50_latency_ms"]),
            "p99": float(row["p99_latency_ms"]), "errors": 0}

"""Programs of tests/bench/limits that print one number: a rate."""

import subprocess

from harness.waiting import HarnessError
from local import build


def make(name):
    """Builds one; the path of the program."""
    kept = f"bench-{name}"
    build.keep({kept: f"//tests/bench/limits:{name}"})
    return build.binary(kept)


def rate(program, *args):
    """The sample of a run."""
    done = subprocess.run([program, *map(str, args)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise HarnessError(f"{program} failed: {done.stderr.strip()}")
    return {"rate": float(done.stdout), "errors": 0}

"""`./inkmesh bench NAME`: runs tests/bench/NAME.py on optimised programs."""

import glob
import os
import sys

from . import build, state

DESCRIPTION = ("each is a program in tests/bench; docs/performance.md says what it does and how to "
               "read it. NAME --help shows its options.")
_FOLDER = os.path.join(state.ROOT, "tests", "bench")


# It has a command of its own.
SOAK = "soak"


def names():
    found = (os.path.basename(path)[:-3] for path in glob.glob(os.path.join(_FOLDER, "*.py")))
    return sorted(name for name in found if name != SOAK)


def run(name, args):
    """Hands over to the benchmark, which finds the harness, and the programs that it needs by
    local.build."""
    if not {"-h", "--help"} & set(args):
        print("building ...", flush=True)
        build.build()
    os.execv(sys.executable, [sys.executable, os.path.join(_FOLDER, name + ".py"), *args])

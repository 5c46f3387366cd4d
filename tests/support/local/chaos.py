"""`./inkmesh chaos`: runs tests/chaos on optimised programs."""

import os
import sys

from . import build, state

_FOLDER = os.path.join(state.ROOT, "tests", "chaos")
# Programs with a mistake, for the suite's test of itself.
_BROKEN = {f"broken-{name}": f"//tests/chaos/broken:{name}"
           for name in ("outbox", "offsets", "cache")}


def run(args):
    """Hands over to the suite."""
    command = [sys.executable, os.path.join(_FOLDER, "chaos.py"), *args]
    path = os.pathsep.join((os.path.join(state.ROOT, "tests", "support"), _FOLDER))
    if not {"-h", "--help"} & set(args):
        print("building ...", flush=True)
        build.build()
        if "--self-test" in args:
            build.keep(_BROKEN)
        command += [f"--programs={os.path.dirname(build.binary('gateway'))}",
                    f"--jars={build.kafka_jars()}", f"--logs={state.path('chaos', '')}"]
    os.execve(sys.executable, command,
              {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"})

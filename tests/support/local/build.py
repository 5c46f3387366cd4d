"""Building the programs with Bazel."""

import filecmp
import os
import shutil
import subprocess
import sys

from harness.stack import TARGETS
from harness.waiting import HarnessError

from . import state


def bazel(*args, **kwargs):
    """Runs bazel at the workspace's root."""
    return subprocess.run(["bazel", *args], cwd=state.ROOT, check=False, **kwargs)


def build():
    """Builds all programs, optimised, and puts them into .inkmesh/bin/.

    There they stay as they are while other builds, of tests say, come and go.
    """
    links = os.path.relpath(state.path("build", ""), state.ROOT)
    progress = [] if sys.stderr.isatty() else ["--noshow_progress"]
    done = bazel("build", "-c", "opt", "--config=opt", f"--symlink_prefix={links}/",
                 "--ui_event_filters=-info", "--show_result=0", *progress, *TARGETS.values())
    if done.returncode:
        raise HarnessError("the build failed")
    for name, target in TARGETS.items():
        built = os.path.join(state.HOME, "build", "bin", *target[2:].split(":"))
        kept = binary(name)
        if not os.path.exists(kept) or not filecmp.cmp(built, kept, shallow=False):
            shutil.copy2(built, kept + ".new")
            os.rename(kept + ".new", kept)


def binary(name):
    return state.path("bin", name)

"""Building the programs with Bazel."""

import filecmp
import os
import shutil
import subprocess
import sys

from harness.stack import TARGETS
from harness.waiting import HarnessError

from . import state


def bazel(command, *args):
    """Runs bazel at the workspace's root; progress is shown to people only, not to files."""
    quiet = ["--ui_event_filters=-info"] + ([] if sys.stderr.isatty() else ["--noshow_progress"])
    return subprocess.run(["bazel", command, *quiet, *args], cwd=state.ROOT, check=False)


def build():
    """Builds all programs, optimised, and puts them into .inkmesh/bin/.

    There they stay as they are while other builds, of tests say, come and go.
    """
    links = os.path.relpath(state.path("build", ""), state.ROOT)
    done = bazel("build", "-c", "opt", "--config=opt", f"--symlink_prefix={links}/",
                 "--show_result=0", *TARGETS.values())
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

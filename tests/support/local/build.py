"""Building the programs with Bazel."""

import filecmp
import os
import shutil
import subprocess
import sys

from harness.stack import TARGETS as PROGRAMS
from harness.waiting import HarnessError

from . import state

EVENTS_TOOL = "inkmesh-events"
# What up builds: the mesh's programs, and the operator's.
TARGETS = {**PROGRAMS, EVENTS_TOOL: "//lib/events/tool:inkmesh-events"}


def bazel(command, *args):
    """Runs bazel at the workspace's root; progress is shown to people only, not to files."""
    quiet = ["--ui_event_filters=-info"] + ([] if sys.stderr.isatty() else ["--noshow_progress"])
    return subprocess.run(["bazel", command, *quiet, *args], cwd=state.ROOT, check=False)


def kafka_jars():
    """The folder of Kafka's jars, as build() left it."""
    return state.path("kafka", "jars")


def fetched(target, what):
    """The folder of the external repository that a target is in, fetched; `what` it holds."""
    if bazel("build", "--show_result=0", target).returncode:
        raise HarnessError(f"{what} could not be fetched")
    base = subprocess.run(["bazel", "info", "output_base"], cwd=state.ROOT, check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return os.path.join(base.stdout.strip(), "external", target[1:].partition("//")[0])


def _keep_kafka():
    """Copies the jars out of Bazel's reach, once a version."""
    jars = os.path.join(fetched("@maven//:jars", "Kafka's jars"), "jars")
    if os.path.isdir(kafka_jars()) and sorted(os.listdir(kafka_jars())) == sorted(
            os.listdir(jars)):
        return
    shutil.rmtree(kafka_jars() + ".new", ignore_errors=True)
    shutil.copytree(jars, kafka_jars() + ".new")
    shutil.rmtree(kafka_jars(), ignore_errors=True)
    os.rename(kafka_jars() + ".new", kafka_jars())


def build():
    """Builds all programs and fetches Kafka."""
    keep(TARGETS)
    _keep_kafka()


def keep(targets):
    """Builds targets, {name: target}, optimised, and puts what they make into .inkmesh/bin/NAME.

    There it stays as it is while other builds, of tests say, come and go.
    """
    links = os.path.relpath(state.path("build", ""), state.ROOT)
    done = bazel("build", "-c", "opt", "--config=opt", f"--symlink_prefix={links}/",
                 "--show_result=0", *targets.values())
    if done.returncode:
        raise HarnessError("the build failed")
    for name, target in targets.items():
        built = os.path.join(state.HOME, "build", "bin", *target[2:].split(":"))
        kept = binary(name)
        if not os.path.exists(kept) or not filecmp.cmp(built, kept, shallow=False):
            shutil.copy2(built, kept + ".new")
            os.rename(kept + ".new", kept)


def binary(name):
    return state.path("bin", name)

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


def _keep_kafka():
    """Copies the jars out of Bazel's reach, once a version."""
    if bazel("build", "--show_result=0", "@maven//:jars").returncode:
        raise HarnessError("Kafka's jars could not be fetched")
    base = subprocess.run(["bazel", "info", "output_base"], cwd=state.ROOT, check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    fetched = os.path.join(base.stdout.strip(), "external", "maven", "jars")
    if os.path.isdir(kafka_jars()) and sorted(os.listdir(kafka_jars())) == sorted(
            os.listdir(fetched)):
        return
    shutil.rmtree(kafka_jars() + ".new", ignore_errors=True)
    shutil.copytree(fetched, kafka_jars() + ".new")
    shutil.rmtree(kafka_jars(), ignore_errors=True)
    os.rename(kafka_jars() + ".new", kafka_jars())


def build():
    """Builds all programs, optimised, and puts them into .inkmesh/bin/.

    There they stay as they are while other builds, of tests say, come and go.
    """
    links = os.path.relpath(state.path("build", ""), state.ROOT)
    done = bazel("build", "-c", "opt", "--config=opt", f"--symlink_prefix={links}/",
                 "--show_result=0", *TARGETS.values())
    if done.returncode:
        raise HarnessError("the build failed")
    _keep_kafka()
    for name, target in TARGETS.items():
        built = os.path.join(state.HOME, "build", "bin", *target[2:].split(":"))
        kept = binary(name)
        if not os.path.exists(kept) or not filecmp.cmp(built, kept, shallow=False):
            shutil.copy2(built, kept + ".new")
            os.rename(kept + ".new", kept)


def binary(name):
    return state.path("bin", name)

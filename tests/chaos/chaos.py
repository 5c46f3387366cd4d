#!/usr/bin/python3
"""Breaks a mesh of its own, again and again, while it is used, and then looks whether anything was
lost, told twice, left over or made up. What is broken, when and how, is chosen by --seed."""

import argparse
import os
import random
import sys
import tempfile
import time

import clock
from disk import own_mounts
from harness.kafka import jars
from harness.stack import runfiles_binary
from harness.waiting import HarnessError
from mesh import Mesh
from run import Run
from schedule import episodes
from selftest import self_test

TOOL = "inkmesh-events"


def parser():
    one = argparse.ArgumentParser(prog="./inkmesh chaos", description=__doc__)
    one.add_argument("--minutes", type=float, default=1, metavar="N",
                     help="how long things are broken (default: 1)")
    one.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6),
                     metavar="S", help="repeats a run; printed at its start")
    one.add_argument("--briefly", action="store_true",
                     help="each kind of fault once, as short as it may be, instead of N minutes")
    one.add_argument("--survivors", action="store_true",
                     help="never end our own programs, to see what they need more and more of")
    one.add_argument("--self-test", action="store_true",
                     help="see whether programs with a mistake (tests/chaos/broken) are found out")
    one.add_argument("--programs", metavar="FOLDER", help=argparse.SUPPRESS)
    one.add_argument("--jars", metavar="FOLDER", help=argparse.SUPPRESS)
    one.add_argument("--logs", metavar="FOLDER", help=argparse.SUPPRESS,
                     default=os.environ.get("TEST_UNDECLARED_OUTPUTS_DIR"))
    return one


def runfile(name):
    """Where Bazel has a program."""
    return os.path.abspath(f"lib/events/tool/{TOOL}") if name == TOOL else runfiles_binary(name)


class Suite:
    """What all runs of one command share."""

    def __init__(self, args):
        self.args, self.begun = args, time.monotonic()
        self.binary = (lambda name: os.path.join(args.programs, name)) if args.programs \
            else runfile
        self.small_disks = own_mounts()
        if not self.small_disks:
            self.say("disks are never full: only root can give a server a small one")
        if not clock.library():
            self.say("clocks are never set back: the package libfaketime is not installed")

    def say(self, text):
        print(f"{time.monotonic() - self.begun:7.1f}  {text}", flush=True)

    def log(self, name):
        return self.args.logs and os.path.join(self.args.logs, f"{name}.log")

    def chaos(self, planned, seconds=None, replaced=None, by=None):
        """One run; the names of what did not hold. `by` is a program of broken/."""
        def binary(name):
            return self.binary(f"broken-{by}" if name == replaced else name)
        try:
            with Mesh(binary, self.args.jars or jars(), self.binary(TOOL), self.small_disks,
                      self.log) as mesh:
                self.say("the mesh is ready")
                survivors = sorted(mesh.programs) if self.args.survivors else ()
                return Run(mesh, self.args.seed, self.say, survivors).run(planned(mesh), seconds)
        except HarnessError as problem:
            self.say(f"BROKEN  {problem}")
            return [str(problem)]

    def run(self):
        """What went wrong."""
        if self.args.self_test:
            return self_test(lambda replaced, by, planned: self.chaos(
                lambda mesh: iter(planned), replaced=replaced, by=by), self.say)
        args = self.args
        return self.chaos(lambda mesh: episodes(mesh, args.seed, args.survivors, args.briefly),
                          None if args.briefly else args.minutes * 60)


def main():
    args = parser().parse_args()
    if args.logs:
        os.makedirs(args.logs, exist_ok=True)
        for name in os.listdir(args.logs):
            os.remove(os.path.join(args.logs, name))
    what = "--self-test" if args.self_test else (
        "--briefly" if args.briefly else f"--minutes {args.minutes:g}") + (
            " --survivors" if args.survivors else "")
    print(f"{what} --seed {args.seed}", flush=True)
    with tempfile.TemporaryDirectory(dir=os.environ.get("TEST_TMPDIR")) as folder:
        os.chmod(folder, 0o711)  # PostgreSQL may be another user
        os.environ["TEST_TMPDIR"] = folder
        wrong = Suite(args).run()
    if not wrong:
        print("all is as it should be")
        return 0
    print("FAILED: " + "; ".join(wrong) + f"\nagain: ./inkmesh chaos {what} --seed {args.seed}"
          + (f"; logs: {args.logs}" if args.logs else ""))
    return 1


if __name__ == "__main__":
    sys.exit(main())

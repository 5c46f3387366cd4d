#!/usr/bin/python3
"""Breaks a mesh of its own, again and again, while it is used, and then looks whether anything was
lost, told twice, left over or made up. What is broken, when and how, is chosen by --seed."""

import argparse
import os
import random
import sys
import tempfile
import time

from harness.kafka import jars
from harness.stack import runfiles_binary
from harness.waiting import HarnessError
from mesh import Mesh
from run import Run
from schedule import episodes

TOOL = "inkmesh-events"


def parser():
    one = argparse.ArgumentParser(prog="./inkmesh chaos", description=__doc__)
    one.add_argument("--minutes", type=float, default=1, metavar="N",
                     help="how long things are broken (default: 1)")
    one.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6),
                     metavar="S", help="repeats a run; printed at its start")
    one.add_argument("--programs", metavar="FOLDER", help=argparse.SUPPRESS)
    one.add_argument("--jars", metavar="FOLDER", help=argparse.SUPPRESS)
    one.add_argument("--logs", metavar="FOLDER", help=argparse.SUPPRESS)
    return one


def binary_of(args):
    """Where the programs are: in a folder, or where Bazel has them."""
    if args.programs:
        return lambda name: os.path.join(args.programs, name)
    return lambda name: os.path.abspath(f"lib/events/tool/{TOOL}") if name == TOOL \
        else runfiles_binary(name)


def log_of(args):
    if not args.logs:
        return lambda name: None
    os.makedirs(args.logs, exist_ok=True)
    for name in os.listdir(args.logs):
        os.remove(os.path.join(args.logs, name))
    return lambda name: os.path.join(args.logs, f"{name}.log")


def chaos(args):
    """The names of what did not hold."""
    begun = time.monotonic()

    def say(text):
        print(f"{time.monotonic() - begun:7.1f}  {text}", flush=True)
    binary = binary_of(args)
    print(f"seed {args.seed}, {args.minutes:g} minutes", flush=True)
    with Mesh(binary, args.jars or jars(), binary(TOOL), log=log_of(args)) as mesh:
        say("the mesh is ready")
        return Run(mesh, args.seed, say).run(episodes(mesh, args.seed), args.minutes * 60)


def main():
    args = parser().parse_args()
    with tempfile.TemporaryDirectory(dir=os.environ.get("TEST_TMPDIR")) as folder:
        os.chmod(folder, 0o711)  # PostgreSQL may be another user
        os.environ["TEST_TMPDIR"] = folder
        try:
            broken = chaos(args)
        except HarnessError as problem:
            broken = [str(problem)]
            print(f"BROKEN  {problem}", flush=True)
    if not broken:
        print("all of it holds")
        return 0
    print(f"FAILED: {len(broken)}. Again: ./inkmesh chaos --minutes {args.minutes:g} "
          f"--seed {args.seed}" + (f"; logs: {args.logs}" if args.logs else ""))
    return 1


if __name__ == "__main__":
    sys.exit(main())

"""A run of the benchmark: its options, its rounds, and what is kept of it."""

import argparse
import contextlib
import json
import os
import sys
import tempfile

from harness.stack import Stack
from harness.waiting import HarnessError
from local import build, state

from . import report, usage
from .markdown import markdown
from .page import page

_QUIET_PERCENT = 10


def _number(text):
    value = int(text)
    if value < 1:
        raise ValueError
    return value


def _setting(text):
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError
    return name, value


def _numbers(text):
    return [_number(each) for each in text.split(",")]


def _names(text):
    return text.split(",")


def _options(name, description):
    parser = argparse.ArgumentParser(prog=f"./inkmesh bench {name}", description=description)
    parser.add_argument("--quick", action="store_true",
                        help="to see that it works: short rounds, small tables")
    parser.add_argument("--rounds", type=_number, metavar="N",
                        help="how often everything is measured (default: 3; with --quick 1)")
    parser.add_argument("--seconds", type=_number, metavar="N",
                        help="how long a load lasts (default: 5; with --quick 2)")
    parser.add_argument("--setting", type=_setting, action="append", default=[],
                        metavar="NAME=VALUE", help="a setting of our programs; may be repeated")
    parser.add_argument("--connections", type=_numbers, metavar="N,N",
                        help="gateway: only these (default: 16,64,256,1000)")
    parser.add_argument("--contenders", type=_names, metavar="NAME,NAME",
                        help="gateway: only these")
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 3)
    options.seconds = options.seconds or (2 if options.quick else 5)
    return options


class Bench:
    """What a part is given: options, and the report that it adds to."""

    def __init__(self, name, options):
        self.options = options
        self.quick = options.quick
        self.seconds = options.seconds
        self.report = report.Report(name, {
            "rounds": options.rounds, "seconds": options.seconds,
            **({"settings": " ".join("=".join(pair) for pair in options.setting)}
               if options.setting else {})})
        busy = usage.busy_percent()
        self.report.facts["busy before"] = f"{busy:.0f}%"
        if busy > _QUIET_PERCENT:
            self.report.remark(f"The machine was {busy:.0f}% busy before this run: figures say "
                               "little, for others take processors from what is measured.")

    def say(self, what):
        """Tells whoever waits what is going on."""
        print(f"... {what}", flush=True)

    def rounds(self, contenders):
        """(round, contender): all of them in every round, each round beginning with another, so that
        what drifts while they run befalls all alike."""
        contenders = list(contenders)
        for number in range(self.options.rounds):
            at = number % len(contenders)
            for contender in contenders[at:] + contenders[:at]:
                yield number, contender

    @contextlib.contextmanager
    def stack(self, kafka=False, durable=False, settings=None):
        """A mesh of its own on free ports; its data goes with it. `durable`: PostgreSQL waits for
        the disk, as it does where data matters."""
        self.say("starting a mesh")
        with tempfile.TemporaryDirectory(prefix="inkmesh-bench-") as folder:
            mesh = Stack(binary=build.binary, settings={**(settings or {}),
                                                        **dict(self.options.setting)},
                         folder=lambda name: os.path.join(folder, name),
                         log=lambda name: os.path.join(folder, "log", name + ".log"),
                         kafka_jars=build.kafka_jars() if kafka else None)
            for database in mesh.databases.values():
                database.throw_away = not durable
            with mesh:
                yield mesh

    def keep(self):
        """Writes what came out."""
        base = state.path("bench", self.report.name)
        for ending, text in (("json", json.dumps(self.report.document(), indent=1)),
                             ("html", page(self.report)), ("md", markdown(self.report))):
            with open(f"{base}.{ending}", "w", encoding="utf-8") as file:
                file.write(text)
        print(report.summary(self.report))
        print(f"\nall of it: {base}.html, .json, .md")


def main(description, *parts):
    """Runs parts, functions of a Bench, and ends the program: with 1 when a floor was missed or
    something could not be compared."""
    name = os.path.splitext(os.path.basename(sys.argv[0]))[0]
    bench = Bench(name, _options(name, description))
    try:
        for part in parts:
            _run(bench, part)
    except KeyboardInterrupt:
        sys.exit(130)
    bench.keep()
    sys.exit(1 if bench.report.failed() else 0)


def _run(bench, part):
    """A part that cannot go on does not take the others with it."""
    bench.say(part.__module__ if part.__module__ != "__main__" else bench.report.name)
    try:
        part(bench)
    except HarnessError as problem:
        bench.report.broke(str(problem))

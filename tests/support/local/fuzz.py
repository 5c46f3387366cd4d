"""`./inkmesh fuzz`: runs the fuzzers of tests/fuzz for long, and keeps what they learn."""

import glob
import os
import re
import shutil
import subprocess
import time

from harness.stack import TARGETS as PROGRAMS
from harness.waiting import HarnessError

from . import build, state

PACKAGE = os.path.join(state.ROOT, "tests", "fuzz")
CONFIG = "--config=fuzz"
# The one that is no libFuzzer: it talks to the running gateway.
GATEWAY = "gateway"
# How long that one may take to stop its servers.
ENDING = 60


def _parsers():
    return [os.path.basename(path)[:-len("_fuzz.c")]
            for path in glob.glob(os.path.join(PACKAGE, "*_fuzz.c"))]


def names():
    return sorted([*_parsers(), GATEWAY])


def _folder(name, *parts):
    """A folder below .inkmesh/fuzz/NAME/."""
    folder = state.path("fuzz", name, *parts)
    os.makedirs(folder, exist_ok=True)
    return folder


def _build_all(config, folder, kept):
    """Builds targets, and keeps them where other builds do not touch them: {target: path}."""
    links = os.path.relpath(state.path(folder, ""), state.ROOT)
    if build.bazel("build", config, f"--symlink_prefix={links}/", "--show_result=0",
                   *kept).returncode:
        raise HarnessError("the build failed")
    for target, path in kept.items():
        built = os.path.join(state.HOME, folder, "bin", *target[2:].split(":"))
        shutil.copy2(built, path + ".new")
        os.rename(path + ".new", path)


def _build(chosen):
    parsers = [name for name in chosen if name != GATEWAY]
    if parsers:
        _build_all(CONFIG, "build-fuzz", {
            f"//tests/fuzz:{name}_fuzz": os.path.join(_folder(name), "fuzzer") for name in parsers})
    if GATEWAY in chosen:
        folder = _folder(GATEWAY, "programs")
        _build_all("--config=asan", "build-asan", {
            target: os.path.join(folder, name) for name, target in PROGRAMS.items()})


class Run:
    """One fuzzer at work."""

    def __init__(self, name, command, env=None):
        self.name = name
        self.log = os.path.join(_folder(name), "log")
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=state.ROOT, env=env)

    def read_log(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()


class ParserRun(Run):
    """libFuzzer."""

    def __init__(self, name, seconds):
        self.name = name
        self.known = set(self.crashes())
        super().__init__(name, [
            os.path.join(_folder(name), "fuzzer"), f"-max_total_time={seconds}", "-timeout=10",
            "-rss_limit_mb=1024", "-max_len=8192", "-print_final_stats=1",
            f"-artifact_prefix={_folder(name, 'crashes')}/", _folder(name, "corpus"),
            os.path.join(PACKAGE, "corpus", name)])

    def crashes(self):
        return sorted(glob.glob(os.path.join(_folder(self.name, "crashes"), "*")))

    def report(self):
        """Prints what it found; True when that is nothing."""
        log = self.read_log()
        inputs = re.findall(r"^stat::number_of_executed_units: (\d+)", log, re.M)
        coverage = re.findall(r" cov: (\d+)", log)
        found = [path for path in self.crashes() if path not in self.known]
        good = self.process.returncode == 0 and not found
        print(f"{self.name}: {'nothing found' if good else 'FAILED'}, "
              f"{int(inputs[-1]) if inputs else 0:,} inputs, "
              f"{int(coverage[-1]) if coverage else 0:,} edges, "
              f"{len(os.listdir(_folder(self.name, 'corpus'))):,} kept in "
              f"{os.path.relpath(_folder(self.name, 'corpus'), state.ROOT)}", flush=True)
        if good:
            return True
        print("  " + "\n  ".join(summary(log)) + f"\n  all of it: {self.log}")
        for path in found:
            print(f"  again: bazel run {CONFIG} //tests/fuzz:{self.name}_fuzz -- {path}", flush=True)
        return False

    def end(self):
        """Breaks it off."""
        self.process.kill()
        self.process.wait()


class GatewayRun(Run):
    """tests/fuzz/gateway."""

    def __init__(self, name, seconds):
        folder = os.path.join(PACKAGE, name)
        self.command = [os.path.join(folder, "gateway_fuzz.py"),
                        f"--programs={_folder(name, 'programs')}"]
        self.path = os.pathsep.join((os.path.join(state.ROOT, "tests", "support"), folder))
        super().__init__(name, [*self.command, f"--seconds={seconds}"],
                         {**os.environ, "PYTHONPATH": self.path, "PYTHONDONTWRITEBYTECODE": "1"})

    def report(self):
        """Prints what it found; True when that is nothing."""
        log = self.read_log()
        if self.process.returncode == 0:
            print(log.splitlines()[-1], flush=True)
            return True
        print(f"{self.name}: FAILED\n  " + "\n  ".join(gateway_summary(log))
              + f"\n  all of it: {self.log}\n  again: PYTHONPATH={self.path} "
              + " ".join(self.command) + " --seed N --only N", flush=True)
        return False

    def end(self):
        """Breaks it off: it stops its servers."""
        self.process.terminate()
        try:
            self.process.wait(ENDING)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def summary(log):
    """The lines of a fuzzer's log that say what broke."""
    lines = re.findall(r"^(?:.*_fuzz\.c:\d+: .*|.*runtime error: .*|.*ERROR: .*|SUMMARY: .*)$", log,
                       re.M)
    return lines[:5] or log.splitlines()[-3:] or ["it said nothing"]


def gateway_summary(log):
    """The same of the gateway's fuzzer."""
    lines = [line[:1000] for line in log.splitlines()]
    found = [line for line in lines if line.startswith(("seed", "FOUND", "in conversation"))]
    return found if any(line.startswith("FOUND") for line in found) else \
        lines[-3:] or ["it said nothing"]


def run(chosen, seconds):
    """Runs the chosen fuzzers (all, when there is none), as many at once as there are processors;
    1 when one found something."""
    chosen = chosen or names()
    unknown = set(chosen) - set(names())
    if unknown or seconds < 1:
        raise HarnessError("there is no fuzzer " + ", ".join(sorted(unknown)) + "; there are "
                           + ", ".join(names()) if unknown else "--seconds is 1 or more")
    print("building ...", flush=True)
    _build(chosen)
    at_once = os.cpu_count() or 1
    print(f"{len(chosen)} fuzzers, {seconds} s each, {at_once} at once: "
          f"{-(-len(chosen) // at_once) * seconds // 60} minutes in all", flush=True)
    waiting, running, failed = list(chosen), [], 0
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                name = waiting.pop(0)
                running.append((GatewayRun if name == GATEWAY else ParserRun)(name, seconds))
            time.sleep(0.5)
            for done in [each for each in running if each.process.poll() is not None]:
                running.remove(done)
                failed += not done.report()
    finally:
        for each in running:
            each.end()
    print(f"{len(chosen) - failed} fuzzers found nothing, {failed} found something", flush=True)
    return 1 if failed else 0

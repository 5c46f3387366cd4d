"""`./inkmesh test`: everything under Bazel, counted."""

import json
import os
import re
import tempfile
import urllib.parse
import urllib.request

from . import build, state

ALL = ["//..."]
# The last is a fuzzer of the running gateway, for half a minute.
SANITIZED = ["//tests/unit/...", "//tests/integration/...",
             "//tests/fuzz/gateway:gateway_fuzz_test"]
# Half a minute each, two at a time: more would starve each other of their time.
FUZZED = ["--config=fuzz", "--local_test_jobs=2", "//tests/fuzz/..."]

# With real servers, on a machine that does other things, too, a test may not get its time: it has
# one chance more when everything is run, and is named at the end, for it is to be mended. Those that
# look for what happens once in many times have none. Whoever runs a single test sees each failure.
SECOND_CHANCE = ("--flaky_test_attempts=//tests/(e2e|integration)[/:].*,"
                 "-//tests/e2e:(replicas|storm)_test@2")

# How the frameworks in use report, in a test's log.
_CMOCKA_RUN = re.compile(r"^\[==========\] .*?(\d+) test\(s\) run\.", re.M)
_CMOCKA_FAILED = re.compile(r"^\[  FAILED  \] .*?(\d+) test\(s\), listed below:", re.M)
_UNITTEST_RUN = re.compile(r"^Ran (\d+) tests? in ", re.M)
_UNITTEST_FAILED = re.compile(r"^FAILED \((.*)\)$", re.M)


def count(log, passed):
    """(passed, failed) test cases of one target, from its log.

    A target without a known report is one test; one that failed without naming a failed test
    (it crashed, or leaked) has one failed test more.
    """
    run = sum(map(int, _CMOCKA_RUN.findall(log) + _UNITTEST_RUN.findall(log)))
    failed = sum(map(int, _CMOCKA_FAILED.findall(log)))
    for report in _UNITTEST_FAILED.findall(log):
        failed += sum(int(number) for kind, number in re.findall(r"(\w+)=(\d+)", report)
                      if kind in ("failures", "errors"))
    if passed:
        return max(run, 1), 0
    if failed == 0:
        return run, 1
    return max(run - failed, 0), failed


def read_events(lines):
    """(passed, failed, labels that took a second attempt) of one Bazel run, from its build events
    (JSON, one a line). Of several attempts the last one counts."""
    targets, logs, again, broken = {}, {}, [], 0
    for event in map(json.loads, lines):
        if "testResult" in event:
            which = event["id"]["testResult"]
            logs.setdefault(which["label"], {})[which.get("run"), which.get("shard")] = [
                output["uri"] for output in event["testResult"].get("testActionOutput", [])
                if output["name"] == "test.log"]
        elif "testSummary" in event:
            label = event["id"]["testSummary"]["label"]
            status = event["testSummary"]["overallStatus"]
            targets[label] = status in ("PASSED", "FLAKY")
            again += [label] if status == "FLAKY" else []
        elif "targetCompleted" in event.get("id", {}) and not event.get("completed", {}).get(
                "success"):
            broken += 1
    passed, failed = 0, broken
    for label, ok in targets.items():
        uris = sum(logs.get(label, {}).values(), [])
        ok_here, failed_here = count("".join(map(_read, uris)), ok)
        passed += ok_here
        failed += failed_here
    return passed, failed, again


def _read(uri):
    parts = urllib.parse.urlsplit(uri)
    try:
        with open(urllib.request.url2pathname(parts.path), encoding="utf-8",
                  errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def _bazel_test(args):
    with tempfile.TemporaryDirectory() as folder:
        events = os.path.join(folder, "events.json")
        done = build.bazel("test", "--keep_going", f"--build_event_json_file={events}", *args)
        passed, failed, again = 0, 0, []
        if os.path.exists(events):
            with open(events, encoding="utf-8") as lines:
                passed, failed, again = read_events(lines)
    # 4: there was nothing to test. Anything else that is not 0 is a failure, counted or not.
    if done.returncode not in (0, 4) and failed == 0:
        failed = 1
    return passed, failed, again


def run(args):
    """Runs what args say (to bazel test), or everything; ends with `N passed, N failed`."""
    os.makedirs(state.HOME, exist_ok=True)
    runs = [args] if args else [[SECOND_CHANCE, *ALL],
                                [SECOND_CHANCE, "--config=asan", *SANITIZED], FUZZED]
    passed, failed, again = 0, 0, []
    for one in runs:
        print("bazel test " + " ".join(one), flush=True)
        here = _bazel_test(one)
        passed, failed, again = passed + here[0], failed + here[1], again + here[2]
    for label in again:
        print(f"passed at the second attempt only, see its test_attempts: {label}")
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed or not passed else 0

#!/usr/bin/python3
"""How `./inkmesh test` counts: the numbers in its last line are those of the frameworks."""

import json
import os
import tempfile
import unittest

from local.tests import count, read_events

CMOCKA_OK = """\
[==========] Running 3 test(s).
[ RUN      ] one
[       OK ] one
[==========] 3 test(s) run.
[  PASSED  ] 3 test(s).
"""
CMOCKA_BAD = """\
[==========] Running 3 test(s).
[==========] 3 test(s) run.
[  PASSED  ] 2 test(s).
[  FAILED  ] 1 test(s), listed below:
[  FAILED  ] one

 1 FAILED TEST(S)
"""
CMOCKA_NAMED = """\
[==========] buf: Running 2 test(s).
[==========] buf: 2 test(s) run.
[  PASSED  ] 1 test(s).
[  FAILED  ] buf: 1 test(s), listed below:
[  FAILED  ] grows
"""
UNITTEST_OK = "Ran 8 tests in 7.708s\n\nOK\n"
UNITTEST_BAD = "Ran 8 tests in 7.7s\n\nFAILED (failures=1, errors=2, skipped=1)\n"


class Count(unittest.TestCase):
    def test_frameworks(self):
        self.assertEqual(count(CMOCKA_OK, True), (3, 0))
        self.assertEqual(count(CMOCKA_OK + CMOCKA_OK, True), (6, 0))
        self.assertEqual(count(CMOCKA_BAD, False), (2, 1))
        self.assertEqual(count(CMOCKA_NAMED, False), (1, 1))
        self.assertEqual(count(UNITTEST_OK, True), (8, 0))
        self.assertEqual(count(UNITTEST_BAD, False), (5, 3))

    def test_unknown_report_is_one_test(self):
        self.assertEqual(count("fine\n", True), (1, 0))
        self.assertEqual(count("Segmentation fault\n", False), (0, 1))

    def test_leak_after_success_fails(self):
        self.assertEqual(count(CMOCKA_OK + "ERROR: LeakSanitizer\n", False), (3, 1))

    def test_events(self):
        with tempfile.TemporaryDirectory() as folder:
            log = os.path.join(folder, "test.log")
            with open(log, "w", encoding="utf-8") as file:
                file.write(CMOCKA_BAD)
            events = [
                {"id": {"testResult": {"label": "//a"}}, "testResult": {
                    "testActionOutput": [{"name": "test.log", "uri": "file://" + log}]}},
                {"id": {"testSummary": {"label": "//a"}},
                 "testSummary": {"overallStatus": "FAILED"}},
                {"id": {"targetCompleted": {"label": "//a"}}, "completed": {"success": True}},
                {"id": {"targetCompleted": {"label": "//broken"}}, "completed": {}},
                {"id": {"testSummary": {"label": "//gone"}},
                 "testSummary": {"overallStatus": "TIMEOUT"}},
            ]
            self.assertEqual(read_events(map(json.dumps, events)), (2, 3, []))

    def test_last_attempt_counts(self):
        with tempfile.TemporaryDirectory() as folder:
            events = []
            for attempt, text in enumerate((CMOCKA_BAD, CMOCKA_OK), 1):
                log = os.path.join(folder, f"{attempt}.log")
                with open(log, "w", encoding="utf-8") as file:
                    file.write(text)
                events.append({
                    "id": {"testResult": {"label": "//a", "run": 1, "attempt": attempt}},
                    "testResult": {"testActionOutput": [
                        {"name": "test.log", "uri": "file://" + log}]}})
            events.append({"id": {"testSummary": {"label": "//a"}},
                           "testSummary": {"overallStatus": "FLAKY"}})
            self.assertEqual(read_events(map(json.dumps, events)), (3, 0, ["//a"]))


if __name__ == "__main__":
    unittest.main(verbosity=2)

#!/usr/bin/python3
"""docs/threat-model.md names tests that there are: files, and functions in them.

A cell may say `tests/a/b_test.py (test_x, test_y)`, `b_test.py (...)` for a further file of the
same folder, `tests/a (b_test: test_x; c_test)`, or `tests/fuzz: json, jwt`. A folder alone shows
nothing. Reads the source tree itself, as format_test does.
"""

import os
import re
import unittest

ROOT = os.path.dirname(os.path.realpath("WORKSPACE"))
SECTION = "## Attacks that were tried"
REFERENCE = re.compile(r"(tests/[\w/]+(?:\.\w+)?|\w+\.(?:py|c))(?::\s*([a-z_]+(?:, [a-z_]+)*)|"
                       r"\s*\(([^)]*)\))?")


def words(text):
    return [word.strip() for word in text.split(",")]


def in_folder(folder, inside):
    """What `tests/a (b_test: x, y; c_test, d_test)` names: (file without its ending, functions)."""
    for group in inside.split(";"):
        files, _, functions = group.partition(":")
        for name in words(files):
            yield f"{folder}/{name}", words(functions) if functions else []


def references(cell):
    """(file, functions) for each test that a cell names; the file may lack its ending."""
    folder = None
    for path, listed, inside in REFERENCE.findall(cell):
        if "/" in path:
            folder = os.path.dirname(path) if "." in path else path
        if path == "tests/fuzz":
            for name in words(listed):
                yield f"tests/fuzz/{name}_fuzz.c", []
        elif "." in path:
            path = path if "/" in path else f"{folder}/{path}"
            yield path, [name for group in inside.split(";") if group
                         for name in words(group.partition(":")[0])]
        else:
            yield from in_folder(path, inside)


def find(path):
    """The text of a file, whose ending may be missing; None when there is no such file."""
    for ending in ("", ".py", ".c"):
        full = os.path.join(ROOT, path + ending)
        if os.path.isfile(full):
            with open(full, encoding="utf-8") as file:
                return file.read()
    return None


def wrong(cell):
    """What of a cell is not there."""
    found = list(references(cell))
    problems = [] if found else ["names no test"]
    for path, functions in found:
        text = find(path)
        if text is None:
            problems.append(f"{path}: no such file")
            continue
        problems += [f"{path}: no {name}" for name in functions
                     if not re.search(rf"^\s*(?:def|static void) {re.escape(name)}\(", text, re.M)]
    return problems


class ThreatModel(unittest.TestCase):
    def test_each_attack_names_tests_that_there_are(self):
        with open(os.path.join(ROOT, "docs/threat-model.md"), encoding="utf-8") as file:
            section = file.read().partition(SECTION)[2].partition("\n## ")[0]
        rows = [re.split(r"(?<!\\)\|", line.strip("|")) for line in section.splitlines()
                if line.startswith("|")][2:]
        self.assertGreater(len(rows), 30)
        for row in rows:
            with self.subTest(attack=row[0].strip()):
                self.assertEqual(len(row), 3)
                self.assertEqual(wrong(row[2]), [])

    def test_what_is_not_there_is_noticed(self):
        for cell in ("", "the tests", "tests/unit/log", "tests/unit/log/none_test.c",
                     "tests/unit/log/log_test.c (none)", "tests/unit/log (log_test: none)",
                     "tests/unit/log (none)", "tests/fuzz: none", "tests/unit/log/log_test.c, none.c",
                     "tests/unit/log/log_test.c (writes_typed_fields, none)"):
            with self.subTest(cell):
                self.assertTrue(wrong(cell))
        for cell in ("tests/unit/log/log_test.c", "tests/unit/log/log_test.c (writes_typed_fields)",
                     "tests/unit/log (log_test: writes_typed_fields, repairs_malformed_utf8)",
                     "tests/e2e/tls_test.py, limits_test.py (test_register: by address)",
                     "tests/unit/log (log_test); tests/fuzz: json, jwt"):
            with self.subTest(cell):
                self.assertEqual(wrong(cell), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)

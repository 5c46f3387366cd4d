#!/usr/bin/python3
"""The sources are formatted: C by clang-format, and no text file has stray white space. And what C
must not say, it does not.

Reads the source tree itself, not copies of it, so that a new file cannot be forgotten.
"""

import os
import re
import subprocess
import unittest

ROOT = os.path.dirname(os.path.realpath("WORKSPACE"))
TEXT = (".bzl", ".c", ".h", ".md", ".proto", ".py", ".sh", ".sql", ".toml", ".xml", ".yml")
TEXT_NAMES = ("BUILD", "WORKSPACE", "inkmesh", "run", ".bazelrc", "debian-packages")
# These are what the others are to use; and the last one stands in for glibc, whoever calls that.
MAY_WAIT = ("lib/base/cond.", "lib/base/clock.", "lib/events/tsan_threads.c")


def sources():
    """All files of the tree but what is hidden (.git, .inkmesh) and Bazel's links."""
    for folder, below, names in os.walk(ROOT):
        below[:] = [name for name in below if name == ".ci" or not (
            name.startswith(".") or name in ("__pycache__", "node_modules")
            or os.path.islink(os.path.join(folder, name)))]
        for name in names:
            yield os.path.join(folder, name)


def text_of(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


class Format(unittest.TestCase):
    def test_clang_format(self):
        files = [path for path in sources() if path.endswith((".c", ".h"))]
        self.assertGreater(len(files), 10, f"no sources in {ROOT}")
        done = subprocess.run(["clang-format", "--dry-run", "-Werror", *files],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, "run clang-format -i:\n" + done.stderr)

    def test_white_space(self):
        for path in sources():
            if not path.endswith(TEXT) and os.path.basename(path) not in TEXT_NAMES:
                continue
            with self.subTest(path=os.path.relpath(path, ROOT)):
                with open(path, encoding="utf-8", newline="") as file:
                    text = file.read()
                self.assertNotIn("\r", text, "a carriage return")
                if text:
                    self.assertTrue(text.endswith("\n"), "no newline at the end")
                    self.assertFalse(text.endswith("\n\n"), "an empty line at the end")
                for number, line in enumerate(text.split("\n"), 1):
                    self.assertEqual(line, line.rstrip(), f"line {number} ends in white space")
                    self.assertNotIn("\t", line, f"line {number} has a tab")

    def test_waits_go_by_the_monotonic_clock(self):
        """A clock that is set must end no wait early and none late: lib/base/cond.h is for that."""
        other = re.compile(r"pthread_cond_(timedwait|clockwait)|pthread_condattr|CLOCK_REALTIME"
                           r"|_timed(lock|rdlock|wrlock|join_np)|sem_timedwait|(cnd|mtx)_timed")
        for path in sources():
            name = os.path.relpath(path, ROOT)
            if not path.endswith((".c", ".h")) or name.startswith(MAY_WAIT):
                continue
            with self.subTest(path=name):
                self.assertIsNone(other.search(text_of(path)),
                                  "use lib/base/cond.h and lib/base/clock.h")

    def test_scripts_parse(self):
        for path in sources():
            with self.subTest(path=os.path.relpath(path, ROOT)):
                if path.endswith(".py"):
                    with open(path, encoding="utf-8") as file:
                        compile(file.read(), path, "exec")
                elif path.endswith((".sh", "/inkmesh", "/.ci/run")):
                    subprocess.run(["bash", "-n", path], check=True)


if __name__ == "__main__":
    unittest.main(verbosity=2)

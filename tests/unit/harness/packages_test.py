#!/usr/bin/python3
"""deploy/debian-packages, from which ./inkmesh installs, has what the build says it needs."""

import re
import unittest

GROUPS = ("build", "run", "test", "chaos", "bench")


def listed():
    """{package: group}."""
    packages = {}
    with open("deploy/debian-packages", encoding="ascii") as lines:
        for line in lines:
            if line.strip() and not line.startswith("#"):
                group, _, names = line.partition(":")
                packages.update((name.partition("|")[0], group) for name in names.split())
    return packages


class Packages(unittest.TestCase):
    def test_groups(self):
        self.assertEqual(set(listed().values()), set(GROUPS))

    def test_every_linked_library_is_installed_by_up(self):
        with open("bazel/pkg_config.bzl", encoding="ascii") as file:
            libraries = re.findall(r'^    "\w+": \(.*"([\w.+-]+)"\),$', file.read(), re.M)
        self.assertGreater(len(libraries), 5)
        for package in libraries:
            self.assertEqual(listed().get(package), "build", package)


if __name__ == "__main__":
    unittest.main(verbosity=2)

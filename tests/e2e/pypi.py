"""Where the packages of @pypi are, which is among a test's data."""

import os

from harness.waiting import HarnessError


def site():
    """The folder, for PYTHONPATH or sys.path."""
    for folder in ("../pypi/site", "external/pypi/site"):
        if os.path.isdir(folder):
            return os.path.abspath(folder)
    raise HarnessError("no packages of PyPI: @pypi//:site is not among the test's data")

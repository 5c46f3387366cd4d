"""Waiting for conditions, with a limit and an error that says what was awaited."""

import time


class HarnessError(Exception):
    """Something that the person at the keyboard should read; never a bug of the harness."""


def until(what, condition, timeout, broken=lambda: None):
    """Polls condition() until it is true and returns its value.

    `broken()` may return a text that says why waiting on is pointless (say, the process died).
    """
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        reason = broken()
        if reason:
            raise HarnessError(f"{what}: {reason}")
        if time.monotonic() >= deadline:
            raise HarnessError(f"{what}: still not after {timeout:g} s")
        time.sleep(0.02)

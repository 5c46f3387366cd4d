"""Requests that cannot be sent again as they are, each of its own kind: a few a second."""

import itertools
import threading
import time

from harness.waiting import HarnessError


class Turns(threading.Thread):
    """Calls `acts`, {name: function of a number that counts}, one after the other, so many times a
    second, until the program ends."""

    def __init__(self, rate, acts):
        super().__init__(daemon=True)
        self._rate, self._acts, self._answers = rate, acts, []

    def run(self):
        begun = time.monotonic()
        for number in itertools.count(1):
            for name, act in self._acts.items():
                self._answers.append((name, *_timed(act, number)))
            time.sleep(max(0.0, begun + number / self._rate - time.monotonic()))

    def take(self):
        """{name: (milliseconds of each good answer, what was wrong with the others)} since the last
        time."""
        count = len(self._answers)
        taken, self._answers[:count] = self._answers[:count], []
        return {name: ([took for its, took, wrong in taken if its == name and not wrong],
                       [wrong for its, _, wrong in taken if its == name and wrong])
                for name in self._acts}


def _timed(act, number):
    begun = time.monotonic()
    try:
        act(number)
    except HarnessError as problem:
        return None, str(problem)
    return 1000 * (time.monotonic() - begun), ""

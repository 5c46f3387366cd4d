"""The clock of one program, which can be set back. The library libfaketime stands between the
program and the clock; monotonic time goes on as it does."""

import glob

# Less than the services' JWT_LEEWAY: a clock that is wrong by more refuses everybody's tokens.
SECONDS = 4


def library():
    """libfaketime, or None where it is not installed."""
    return next(iter(glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")), None)


class Clock:
    """`env` is for the program's start. What is set is seen within a second."""

    def __init__(self, path):
        self._path = path
        self.env = {"LD_PRELOAD": library(), "FAKETIME_TIMESTAMP_FILE": path,
                    "FAKETIME_CACHE_DURATION": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        self.mend()

    def _set(self, offset):
        with open(self._path, "w", encoding="ascii") as file:
            file.write(f"{offset:+}\n")

    def set_back(self):
        self._set(-SECONDS)

    def mend(self):
        self._set(0)

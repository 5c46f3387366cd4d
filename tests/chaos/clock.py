"""The clock of one server, which can be set back. The library libfaketime stands between the
server and the clock; monotonic time goes on as it does."""

import email.utils
import glob
import time
import urllib.request

from harness.postgres import Postgres
from harness.redis import Redis


def library():
    """libfaketime, or None where it is not installed."""
    return next(iter(glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")), None)


class Clock:
    """`env` is for the server's start. What is set is seen within two seconds. `path` is a file that
    the server's user can read, `seconds` is by how much the clock is set back."""

    def __init__(self, path, seconds):
        self._path, self.seconds = path, seconds
        # The malloc of Redis, jemalloc, asks for the time before libfaketime knows it: libc's then.
        self.env = {"LD_PRELOAD": f"{library()}:libc.so.6", "FAKETIME_TIMESTAMP_FILE": path,
                    "FAKETIME_CACHE_DURATION": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        self.mend()

    def _set(self, offset):
        with open(self._path, "w", encoding="ascii") as file:
            file.write(f"{offset:+}\n")
        self.moved = time.monotonic()

    def set_back(self):
        self._set(-self.seconds)

    def mend(self):
        self._set(0)


def shown_by(server):
    """What time a server says it is: seconds since 1970."""
    if isinstance(server, Postgres):
        return float(server.psql("SELECT extract(epoch FROM clock_timestamp())"))
    if isinstance(server, Redis):
        return int(server.command("TIME").split(b"\r\n")[2])
    with urllib.request.urlopen(f"http://127.0.0.1:{server.admin_port}/livez", timeout=2) as answer:
        return email.utils.parsedate_to_datetime(answer.headers["Date"]).timestamp()

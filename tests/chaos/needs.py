"""What our programs need while they live: descriptors, without those of pools that have a bound,
threads and bytes of memory."""

import os
import re
import statistics
import time
import urllib.request

WHAT = ("descriptors without pools", "threads", "bytes of memory")
# How much more a process may need late in its life than early. Seen were 1, 1 and 2 MiB; what a
# process keeps for itself of the cache may grow to 4 MiB.
MORE = (4, 4, 8 << 20)
# How many samples tell something of a process, once it is so many seconds old.
_FEW, _GROWN_UP = 4, 5
# Connections that a program makes when many of its calls are slow, and keeps: as many as its pools may
# have.
_POOLED = re.compile(r"^(?:db_pool_connections|cache_connections) (\d+)$", re.M)


def _age(process):
    """In seconds."""
    return (time.clock_gettime(time.CLOCK_BOOTTIME) -
            process.started / os.sysconf("SC_CLK_TCK"))


def _pooled(program):
    with urllib.request.urlopen(f"http://127.0.0.1:{program.admin_port}/metrics",
                                timeout=5) as answer:
        return sum(int(open_) for open_ in _POOLED.findall(answer.read().decode()))


def _needs(program):
    descriptors, threads, memory = program.process.needs()
    return descriptors - _pooled(program), threads, memory


class Life:
    """Of one process: all samples, each taken in good health and under the same load."""

    def __init__(self, name):
        self.name = name
        self.samples = []  # (age, needs)

    def note(self, program):
        self.samples.append((_age(program.process), _needs(program)))

    @property
    def _grown(self):
        return [needs for age, needs in self.samples if age >= _GROWN_UP]

    @property
    def long(self):
        """Whether it was long enough to compare early with late."""
        return len(self._grown) >= _FEW

    def growth(self):
        """For each of WHAT how much more late than early: medians of the last and first third."""
        grown = self._grown
        third = len(grown) // 3
        def median(some, what):
            return statistics.median_low(needs[what] for needs in some)
        return [median(grown[-third:], what) - median(grown[:third], what)
                for what in range(len(WHAT))]

    def __str__(self):
        most = [max(needs[what] for _, needs in self.samples) for what in range(len(WHAT))]
        return (f"{self.name}, {self.samples[-1][0]:.0f} s old: at most " +
                ", ".join(f"{count:,} {what}" for count, what in zip(most, WHAT)) +
                ("; late " + ", ".join(f"{more:+,}" for more in self.growth())
                 if self.long else ""))

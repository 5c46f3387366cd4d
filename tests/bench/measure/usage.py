"""What a process, and the whole machine, spends: by /proc."""

import os
import time

_TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    """Processor time of all its threads so far, in user space and kernel."""
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def resident_mb(pid):
    """Its resident memory in MB (a million bytes), shared libraries included."""
    with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
        fields = dict(line.split(":", 1) for line in file)
    return int(fields["VmRSS"].split()[0]) * 1024 / 1e6


def busy_percent(seconds=1):
    """How busy all processors are, while we wait."""
    def times():
        with open("/proc/stat", encoding="ascii") as file:
            fields = [int(field) for field in file.readline().split()[1:9]]
        return sum(fields), fields[3] + fields[4]  # idle, and waiting for a disk

    before = times()
    time.sleep(seconds)
    total, idle = (now - then for now, then in zip(times(), before))
    return 100 * (1 - idle / max(total, 1))

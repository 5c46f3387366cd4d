"""How numbers went over time, and whether they stayed as they were."""

import statistics
from dataclasses import dataclass, field

# Of all samples: what is warming up does not count; then a part is compared with the last one.
_WARM, _PART = 0.2, 0.25
FEWEST = 8


@dataclass(frozen=True)
class Kind:
    """`grown`: by which part, and by which amount on top, the end may be above the beginning."""

    title: str
    grown: float
    amount: float


KINDS = {
    "memory": Kind("Resident memory, MB", 0.05, 4),
    "descriptors": Kind("Open descriptors", 0, 4),
    "threads": Kind("Threads", 0, 4),
    "p50": Kind("Median latency, ms", 0.25, 0.3),
    "p99": Kind("99th percentile of latency, ms", 0.5, 3),
    "table": Kind("Tables that do not hold what users made, MB", 0.1, 2),
    "row": Kind("Bytes a row of the others, indexes included", 0.1, 32),
}


@dataclass
class Course:
    """One number, by time."""

    kind: str
    name: str
    points: list = field(default_factory=list)  # (minute, value)

    def _median(self, begin, end):
        return statistics.median(value for _, value in self.points[begin:end])

    def ends(self):
        """What it was after warming up, and at the end: medians of parts. None for too few."""
        count = len(self.points)
        if count < FEWEST:
            return None
        warm, part = int(count * _WARM), int(count * _PART)
        return self._median(warm, warm + part), self._median(count - part, count)

    def flat(self):
        """None when that cannot be told."""
        ends, kind = self.ends(), KINDS[self.kind]
        return ends and ends[1] <= ends[0] * (1 + kind.grown) + kind.amount


class Courses:
    """All numbers of a run."""

    def __init__(self):
        self._all = {}

    def add(self, minute, kind, name, value):
        self._all.setdefault((kind, name), Course(kind, name)).points.append((minute, value))

    def of(self, kind):
        return [course for (its, _), course in self._all.items() if its == kind]

    def all(self):
        return [course for kind in KINDS for course in self.of(kind)]

    def rising(self):
        return [course for course in self.all() if course.flat() is False]

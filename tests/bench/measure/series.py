"""What was measured: numbers of several rounds, and what stands for them."""

import statistics
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Metric:
    """A kind of number: its heading in tables, and its title over plots."""

    heading: str
    title: str


METRICS = {
    "rate": Metric("per second", "Throughput, per second (more is better)"),
    "p50": Metric("p50 ms", "Median latency, ms (less is better)"),
    "p99": Metric("p99 ms", "99th percentile of latency, ms (less is better)"),
    "cpu": Metric("CPU µs each", "CPU of the process, µs a request (less is better)"),
    "memory": Metric("resident MB", "Resident memory, MB (less is better)"),
    "service_cpu": Metric("service CPU µs", "CPU of the service behind, µs a request"),
    "service_memory": Metric("service MB", "Resident memory of the service behind, MB"),
    "ready": Metric("ready after ms", "From start to ready, ms (less is better)"),
    "full": Metric("MB", "Size of the table, MB"),
    "left": Metric("MB when empty", "Size when its rows are gone, MB"),
    "again": Metric("MB again", "Size when as many rows came again, MB"),
    "seconds": Metric("seconds", "Until all rows were gone, s (less is better)"),
    "longest": Metric("longest ms", "Longest statement, ms (less is better)"),
    "refused": Metric("refused per second", "Answers 503 with Retry-After, per second"),
    "errors": Metric("errors", "Failed requests"),
}


def show(value):
    """A number with as many decimals as tell something."""
    return f"{value:,.{0 if value >= 100 else 1 if value >= 10 else 2}f}"


@dataclass
class Series:
    """What one contender did in one setting: a sample, {metric: number}, of each round."""

    setting: str
    contender: str
    samples: list = field(default_factory=list)

    def values(self, metric):
        return [sample[metric] for sample in self.samples if metric in sample]

    def median(self, metric):
        values = self.values(metric)
        return statistics.median(values) if values else None

    def spread(self, metric):
        """How far the rounds are from their median at most, as a part of it."""
        middle = self.median(metric)
        if not middle:
            return 0.0
        return max(abs(value - middle) for value in self.values(metric)) / middle

    @property
    def errors(self):
        return sum(self.values("errors"))


@dataclass
class Table:
    """What belongs together: the series of one measurement.

    `how` says what was done, `metrics` are the columns, `plots` those of them that are drawn.
    """

    title: str
    how: str
    metrics: tuple
    plots: tuple = ()
    series: list = field(default_factory=list)

    def of(self, setting, contender):
        """The series, which is new when there was none."""
        for each in self.series:
            if (each.setting, each.contender) == (setting, contender):
                return each
        self.series.append(Series(setting, contender))
        return self.series[-1]

    def settings(self):
        return list(dict.fromkeys(each.setting for each in self.series))

    def contenders(self):
        return list(dict.fromkeys(each.contender for each in self.series))


def ratio(ours, theirs, metric):
    """Ours in terms of theirs, by medians; None when there is nothing to compare, or must not be:
    requests failed."""
    if not ours or not theirs or ours.errors or theirs.errors:
        return None
    above, below = ours.median(metric), theirs.median(metric)
    return above / below if above is not None and below else None


def quantile(values, percent):
    """A percentile of single observations."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]

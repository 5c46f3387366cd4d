"""What came out: tables and targets as text and JSON (measure/page.py has HTML)."""

import datetime
import os
import platform
import subprocess

from .series import METRICS, show
from .targets import TARGETS

WORDS = {"aim": "aim met", "floor": "floor met, aim missed", "missed": "FLOOR MISSED",
          "refused": "NOT COMPARED"}


def _processor():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def _commit():
    done = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True,
                          text=True, check=False)
    return done.stdout.strip() or "unknown"


class Report:
    """Tables, and figures held against their targets, in the order in which they came."""

    def __init__(self, name, options):
        self.name = name
        now = datetime.datetime.now(datetime.timezone.utc)
        self.facts = {"commit": _commit(), "date": now.strftime("%Y-%m-%d %H:%M UTC"),
                      "processor": _processor(), "processors": os.cpu_count(),
                      "kernel": platform.release(), **options}
        self.tables = []
        self.figures = {}
        self.remarks = []
        self._broken = False

    def add(self, table):
        """Adds a table and prints it."""
        self.tables.append(table)
        print("\n" + table_text(table), flush=True)

    def judge(self, key, value):
        """Holds a figure against its target; None: it could not be compared."""
        self.figures[key] = value
        print(figure_text(key, value), flush=True)

    def remark(self, text):
        """Something that the reader should know."""
        self.remarks.append(text)
        print(text, flush=True)

    def broke(self, why):
        """Something could not be measured."""
        self._broken = True
        self.remark(f"NOT MEASURED: {why}")

    def failed(self):
        """Whether a figure is below its floor, or could not be measured or compared."""
        return self._broken or any(TARGETS[key].verdict(value) in ("missed", "refused")
                                   for key, value in self.figures.items())

    def document(self):
        """All of it for JSON."""
        return {
            "name": self.name, "facts": self.facts, "remarks": self.remarks,
            "tables": [{
                "title": table.title, "how": table.how,
                "series": [{"setting": each.setting, "contender": each.contender,
                            "median": {metric: each.median(metric) for metric in METRICS
                                       if each.values(metric)},
                            "samples": each.samples} for each in table.series]}
                       for table in self.tables],
            "figures": {key: {"value": value, "floor": TARGETS[key].floor,
                              "aim": TARGETS[key].aim, "verdict": TARGETS[key].verdict(value)}
                        for key, value in self.figures.items()}}


def cell(series, metric):
    """A number with how far its rounds were from it."""
    value = series.median(metric)
    if metric == "errors":
        return f"{series.errors:,.0f}"
    if value is None:
        return ""
    text = show(value)
    return f"{text} ±{100 * series.spread(metric):.0f}%" if len(series.samples) > 1 else text


def rows(table):
    """The table as texts, its head first."""
    yield ["", "", *(METRICS[metric].heading for metric in table.metrics)]
    before = None
    for each in table.series:
        yield ["" if each.setting == before else each.setting, each.contender,
               *(cell(each, metric) for metric in table.metrics)]
        before = each.setting


def table_text(table):
    lines = list(rows(table))
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    text = [table.title, table.how, ""]
    for line in lines:
        text.append("  ".join(value.ljust(width) if column < 2 else value.rjust(width)
                              for column, (value, width) in enumerate(zip(line, widths))).rstrip())
    return "\n".join(text) + "\n"


def figure_text(key, value):
    """A figure and its target on one line."""
    target = TARGETS[key]
    shown = "–" if value is None else target.show(value)
    sign = "≥" if target.more else "≤"
    return (f"  {target.text}: {shown} (floor {sign} {target.show(target.floor)}, "
            f"aim {sign} {target.show(target.aim)}): {WORDS[target.verdict(value)]}")


def summary(report):
    """How many figures met what, and those that did not meet their aim."""
    verdicts = {key: TARGETS[key].verdict(value) for key, value in report.figures.items()}
    short = [key for key, verdict in verdicts.items() if verdict != "aim"]
    lines = [""]
    if verdicts:
        lines.append(f"{len(verdicts)} figures: {len(verdicts) - len(short)} met their aim")
    lines += report.remarks
    lines += [figure_text(key, report.figures[key]) for key in short]
    return "\n".join(lines)

"""The report for docs/performance.md."""

from . import report as text
from .targets import TARGETS


def _row(cells):
    return "| " + " | ".join(cells) + " |"


def _table(lines, names):
    """Rows of texts, the head first; the first `names` columns are no numbers."""
    head, *rest = lines
    rule = ["---" if column < names else "---:" for column in range(len(head))]
    return "\n".join(_row(line) for line in [head, rule, *rest])


def _figures(figures):
    lines = [["figure", "measured", "floor", "aim", ""]]
    for key, value in figures.items():
        target = TARGETS[key]
        sign = "≥ " if target.more else "≤ "
        lines.append([target.text, "–" if value is None else target.show(value),
                      sign + target.show(target.floor), sign + target.show(target.aim),
                      text.WORDS[target.verdict(value)]])
    return _table(lines, 1)


def markdown(report):
    parts = ["; ".join(f"{key}: {value}" for key, value in report.facts.items()) + ".",
             *report.remarks, _figures(report.figures)]
    for table in report.tables:
        parts += [f"### {table.title}", table.how, _table(list(text.rows(table)), 2)]
    return "\n\n".join(parts) + "\n"

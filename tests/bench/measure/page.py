"""The report as one HTML page: plots drawn here, nothing from anywhere else."""

from html import escape

from . import report as text
from .course import KINDS
from .plot import bars, colours, curves
from .series import METRICS
from .targets import TARGETS

_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; --ink: #222; --faint: #888; --line: #ddd; --bad: #b3261e; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --ink: #e8e8e8; --faint: #999; --line: #444; --bad: #ff897d; }}
}}
body {{ font: 15px/1.5 system-ui, sans-serif; color: var(--ink); max-width: 60rem;
       margin: 2rem auto; padding: 0 1rem; }}
table {{ border-collapse: collapse; margin: 1rem 0; display: block; overflow-x: auto; }}
td, th {{ padding: .15rem .6rem; text-align: right; border-bottom: 1px solid var(--line);
         font-variant-numeric: tabular-nums; white-space: nowrap; }}
td.name, th.name {{ text-align: left; }}
.aim {{ font-weight: 600; }}
.missed, .refused {{ color: var(--bad); font-weight: 600; }}
figure {{ margin: 1rem 0; }}
svg {{ width: 100%; height: auto; }}
svg text {{ fill: var(--ink); font-size: 11px; }}
svg .axis {{ stroke: var(--line); }}
svg .spread {{ stroke: var(--ink); }}
.key span {{ display: inline-block; width: .8em; height: .8em; margin: 0 .4em 0 1.2em; }}
</style></head><body>
"""


def _table(lines, classes=()):
    """Rows of texts; the first is the head. `classes`: of the rows below it."""
    parts = ["<table>"]
    for number, line in enumerate(lines):
        tag = "td" if number else "th"
        row = f' class="{classes[number - 1]}"' if number and classes else ""
        cells = "".join(f'<{tag}{" class=name" if column < 2 else ""}>{escape(str(value))}</{tag}>'
                        for column, value in enumerate(line))
        parts.append(f"<tr{row}>{cells}</tr>")
    return "\n".join(parts + ["</table>"])


def _figures(figures):
    lines, classes = [["figure", "", "measured", "floor", "aim"]], []
    for key, value in figures.items():
        target = TARGETS[key]
        sign = "≥ " if target.more else "≤ "
        classes.append(target.verdict(value))
        lines.append([target.text, classes[-1], "–" if value is None else target.show(value),
                      sign + target.show(target.floor), sign + target.show(target.aim)])
    return _table(lines, classes)


def _key(names):
    return '<p class="key">' + "".join(
        f'<span style="background:{colour}"></span>{escape(name)}'
        for name, colour in colours(names).items()) + "</p>"


def _plots(table):
    contenders = table.contenders()
    if len(contenders) > 1:
        yield _key(contenders)
    for metric in table.plots:
        yield (f"<figure><figcaption>{escape(METRICS[metric].title)}</figcaption>"
               f"{bars(table, metric)}</figure>")


def page(report):
    parts = [_HEAD.format(title=escape(f"inkmesh bench {report.name}")),
             f"<h1>inkmesh bench {escape(report.name)}</h1>",
             "<p>" + escape("; ".join(f"{key}: {value}" for key, value in report.facts.items()))
             + "</p>"]
    parts += [f"<p>{escape(remark)}</p>" for remark in report.remarks]
    if report.figures:
        parts += ["<h2>Targets</h2>", _figures(report.figures)]
    for table in report.tables:
        parts += [f"<h2>{escape(table.title)}</h2>", f"<p>{escape(table.how)}</p>", *_plots(table),
                  _table(list(text.rows(table)))]
    parts.append("<p>A number is the median of the rounds; ± is how far the farthest of them is "
                 "from it. Lines on bars reach from the least to the greatest.</p></body></html>")
    return "\n".join(parts)


def course_page(title, facts, courses, lines):
    """How numbers went over time; `lines` are the table of them."""
    parts = [_HEAD.format(title=escape(title)), f"<h1>{escape(title)}</h1>",
             f"<p>{escape(facts)}</p>", _table(lines)]
    for name, kind in KINDS.items():
        shown = courses.of(name)
        if shown:
            parts += [f"<h2>{escape(kind.title)}</h2>", _key([each.name for each in shown]),
                      f"<figure>{curves(shown)}</figure>"]
    return "\n".join([*parts, "</body></html>"])

"""Bars for people: one group a setting, one bar a contender, a line from the least to the greatest
of its rounds. SVG for the inside of a page."""

from html import escape

from .series import show

# Told apart by people who see colours differently, too (Okabe and Ito).
_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442")
_WIDTH, _HEIGHT, _TOP, _BOTTOM, _GAP = 860, 240, 16, 20, 24


def colours(contenders):
    return {name: _COLOURS[number % len(_COLOURS)] for number, name in enumerate(contenders)}


def _bar(series, metric, left, width, scale, colour):
    floor = _HEIGHT - _BOTTOM
    value, values = series.median(metric), series.values(metric)
    top, middle = floor - value * scale, left + width / 2
    label = show(value)
    return (f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{value * scale:.1f}" '
            f'fill="{colour}"><title>{escape(series.contender)}: {label}</title></rect>'
            f'<line class="spread" x1="{middle:.1f}" x2="{middle:.1f}" '
            f'y1="{floor - max(values) * scale:.1f}" y2="{floor - min(values) * scale:.1f}"/>'
            f'<text x="{middle:.1f}" y="{floor - max(values) * scale - 4:.1f}" '
            f'text-anchor="middle">{label}</text>')


def bars(table, metric):
    """The plot of one metric of a table; empty where nothing has it."""
    shown = [each for each in table.series if each.values(metric)]
    if not shown:
        return ""
    settings = list(dict.fromkeys(each.setting for each in shown))
    colour = colours(table.contenders())
    highest = max(max(each.values(metric)) for each in shown) or 1
    scale = (_HEIGHT - _TOP - _BOTTOM) / highest
    group = _WIDTH / len(settings)
    parts = [f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">']
    for place, setting in enumerate(settings):
        mine = [each for each in shown if each.setting == setting]
        width = min((group - _GAP) / len(mine), 80)
        left = place * group + (group - width * len(mine)) / 2
        for number, each in enumerate(mine):
            parts.append(_bar(each, metric, left + number * width + 1, width - 2, scale,
                              colour[each.contender]))
        parts.append(f'<text x="{(place + 0.5) * group:.1f}" y="{_HEIGHT - 5}" '
                     f'text-anchor="middle">{escape(setting)}</text>')
    floor = _HEIGHT - _BOTTOM
    parts.append(f'<line class="axis" x1="0" x2="{_WIDTH}" y1="{floor}" y2="{floor}"/></svg>')
    return "".join(parts)


def curves(courses):
    """Numbers over time, from 0 up: one line a course."""
    colour = colours([course.name for course in courses])
    last = max(minute for course in courses for minute, _ in course.points) or 1
    highest = max(value for course in courses for _, value in course.points) or 1
    floor, high = _HEIGHT - _BOTTOM, _HEIGHT - _TOP - _BOTTOM
    parts = [f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">']
    for course in courses:
        points = " ".join(f"{minute / last * _WIDTH:.1f},{floor - value / highest * high:.1f}"
                          for minute, value in course.points)
        parts.append(f'<polyline points="{points}" fill="none" stroke-width="1.5" '
                     f'stroke="{colour[course.name]}"><title>{escape(course.name)}</title>'
                     "</polyline>")
    parts.append(f'<line class="axis" x1="0" x2="{_WIDTH}" y1="{floor}" y2="{floor}"/>'
                 f'<text x="0" y="{_TOP - 4}">{show(highest)}</text>'
                 f'<text x="{_WIDTH}" y="{_HEIGHT - 5}" text-anchor="end">{show(last)} min</text>'
                 "</svg>")
    return "".join(parts)

"""The log of one of our programs, as one may rely on it."""

import json
import re

from .waiting import HarnessError

# What lib/log writes as \uXXXX: it would end a line, act on a terminal, or hide something.
_TRICKS = re.compile("[\0-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
# What every line has; `level` one of lib/log's, or it was not lib/log that wrote it.
_KEYS = {"ts", "level", "service", "msg"}
_LONGEST = 4096


def parse_line(raw):
    """A line, without its end, as a dict; HarnessError when it is not exactly one such object."""
    try:
        text = raw.decode("utf-8")
        line = json.loads(text)
    except ValueError as error:
        raise HarnessError(f"a log line is no JSON ({error}): {raw!r}") from None
    if _TRICKS.search(text):
        raise HarnessError(f"a log line has characters that trick its reader: {raw!r}")
    if not isinstance(line, dict) or not _KEYS <= set(line) or len(raw) >= _LONGEST:
        raise HarnessError(f"not a line as lib/log writes it: {raw!r}")
    return line


def read_log(path):
    """All lines of a log, as dicts; HarnessError when one is not as it must be."""
    with open(path, "rb") as file:
        return [parse_line(raw) for raw in file.read().split(b"\n")[:-1]]

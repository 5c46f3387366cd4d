"""What a stream of bytes asks for, by RFC 9112 alone and read as strictly as the gateway says that
it reads. What the gateway answers is held against this second reading: two readings of one request
are how requests are smuggled."""

import re
from dataclasses import dataclass

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_REQUEST_LINE = re.compile(rb"(" + _TOKEN + rb") ([^ ]+) HTTP/1\.([01])")
_FIELD = re.compile(rb"(" + _TOKEN + rb"):(.*)", re.S)
_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]+)([ \t]*;[^\r\n]*)?")
_NEVER_IN_LINES = re.compile(rb"[\r\n\0]")

WHOLE, BAD_HEAD, BAD_BODY, PART_OF_HEAD, PART_OF_BODY = (
    "whole", "a malformed head", "a malformed body", "part of a head", "part of a body")


@dataclass
class Asked:
    """One request."""

    what: str
    method: bytes = b""
    target: bytes = b""
    request_id: bytes = b""  # "" as well when there are several
    close: bool = True       # whether the connection ends with its answer
    talks_on: bool = False   # though it said so itself, more came: then the answer may be lost

    @property
    def knows_head(self):
        return self.what not in (BAD_HEAD, PART_OF_HEAD)


class _Bad(Exception):
    pass


class _Part(Exception):
    pass


def read(data):
    """All requests in `data`; after one that is not whole, or that ends the connection, the rest
    says nothing."""
    asked, at = [], 0
    while at < len(data):
        if data.startswith(b"\r\n", at) and len(data) == at + 2:
            break
        one, at = _request(data, at + 2 if data.startswith(b"\r\n", at) else at)
        asked.append(one)
        if one.close:
            one.talks_on = one.what == WHOLE and at < len(data)
            break
    return asked


def _request(data, at):
    """The request that begins there, and where it ends."""
    end = data.find(b"\r\n\r\n", at)
    # Its method, as long as that can be told at all: whether the answer to a HEAD has a body.
    one = Asked(BAD_HEAD, method=data[at:].partition(b" ")[0])
    if end < 0:
        one.what = PART_OF_HEAD
        return one, len(data)
    try:
        size = _head(data[at:end], one)
    except _Bad:
        return one, end
    at = end + 4
    try:
        at = _chunks(data, at) if size is None else at + size
        if at > len(data):
            raise _Part
        one.what = WHOLE
    except _Bad:
        one.what, one.close = BAD_BODY, True
    except _Part:
        one.what, one.close = PART_OF_BODY, True
    return one, at


def _head(head, one):
    """Fills in `one`; returns the body's length, None for chunks."""
    lines = head.split(b"\r\n")
    first = _REQUEST_LINE.fullmatch(lines[0])
    if not first or _NEVER_IN_LINES.search(head.replace(b"\r\n", b"")):
        raise _Bad
    fields = {}
    for line in lines[1:]:
        field = _FIELD.fullmatch(line)
        if not field:
            raise _Bad
        fields.setdefault(field[1].lower(), []).append(field[2].strip(b" \t"))
    one.method, one.target, http11 = first[1], first[2], first[3] == b"1"
    size = _framing(fields, http11)
    options = [option.strip(b" \t").lower()
               for value in fields.get(b"connection", []) for option in value.split(b",")]
    one.close = b"close" in options or not (http11 or b"keep-alive" in options)
    ids = fields.get(b"x-request-id", [])
    one.request_id = ids[0] if len(ids) == 1 else b""
    return size


def _framing(fields, http11):
    hosts, lengths = fields.get(b"host", []), fields.get(b"content-length", [])
    encodings = fields.get(b"transfer-encoding", [])
    if len(hosts) > 1 or len(hosts) < http11 or len(lengths) > 1 or len(encodings) > 1:
        raise _Bad
    if encodings:
        if lengths or not http11 or encodings[0].lower() != b"chunked":
            raise _Bad
        return None
    if lengths and not re.fullmatch(rb"[0-9]+", lengths[0]):
        raise _Bad
    return int(lengths[0][:1000]) if lengths else 0


def _line(data, at):
    end = data.find(b"\r\n", at)
    line = data[at:] if end < 0 else data[at:end]
    if b"\n" in line or b"\r" in line[:-1]:
        raise _Bad
    if end < 0:
        raise _Part
    return line, end + 2


def _chunks(data, at):
    """Where the chunks that begin there, and the trailers behind them, end."""
    while True:
        line, at = _line(data, at)
        size = _SIZE_LINE.fullmatch(line)
        if not size:
            raise _Bad
        if not (size := int(size[1], 16)):
            break
        if len(data) < at + size + 2:
            raise _Bad if len(data) == at + size + 1 and data[-1:] != b"\r" else _Part
        if data[at + size:at + size + 2] != b"\r\n":
            raise _Bad
        at += size + 2
    while True:
        line, at = _line(data, at)
        if not line:
            return at
        if not _FIELD.fullmatch(line):
            raise _Bad

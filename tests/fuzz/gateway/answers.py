"""Answers, read by another's strict parser (h11), and what must be true of each."""

import json
import re

import h11

from model import BAD_HEAD, PART_OF_HEAD, WHOLE

# What the gateway says to clients, whatever they do; 499 to those that close their half while a
# stream begins. 500 and 504 are not among them: nothing that a client sends makes a mesh in good
# health say so.
STATUSES = {200, 201, 204, 304, 400, 401, 403, 404, 405, 408, 409, 412, 413, 414, 415, 417, 429,
            431, 499, 501, 503, 505}
STREAMS = (b"text/event-stream", b"application/x-ndjson")
# With what each refusal comes.
_COMPANIONS = {401: b"www-authenticate", 405: b"allow", 429: b"retry-after", 503: b"retry-after"}
# Names that only the fuzzer puts anywhere, to see whether they come out as headers.
CANARY = b"x-fuzz"


class Wrong(Exception):
    """The gateway broke a promise."""


def check(condition, what):
    if not condition:
        raise Wrong(what)


class Answer:
    def __init__(self, response):
        self.status = response.status_code
        self.version = response.http_version
        self.headers = list(response.headers)
        self.body = b""

    def header(self, name):
        """The value of a header that may be there once."""
        values = [value for key, value in self.headers if key == name]
        check(len(values) < 2, f"{name} occurs {len(values)} times")
        return values[0] if values else None

    @property
    def closes(self):
        return (self.header(b"connection") or b"").lower() == b"close"

    @property
    def streams(self):
        return self.status == 200 and self.header(b"content-type") in STREAMS

    def __repr__(self):
        return f"{self.status} {self.headers} {self.body[:300]!r}"


class Reader:
    """Reads the answers to what was `asked` (of model.read) as their bytes arrive, and checks each.
    Of a client that is `late` the last ones may be lost, and of one that goes on behind its own
    end."""

    def __init__(self, asked, late=False):
        self.asked = asked
        self.may_lose = late or (asked and asked[-1].talks_on)
        self.answers = []
        self.over = False  # nothing more may come
        self._unreadable = False
        self._begin()

    def _begin(self):
        self._answer = None
        self._parser = None

    def _ambiguous(self, asked):
        """Whether a body follows depends on what was understood of a broken HEAD."""
        return not asked.knows_head and asked.method.upper() == b"HEAD"

    def _open(self):
        """A parser for the next answer."""
        asked = self.asked[len(self.answers)]
        method = asked.method if asked.knows_head and asked.method != b"CONNECT" else b"GET"
        self._parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
        self._parser.send(h11.Request(method=method, target="/", headers=[("Host", "h")]))
        self._parser.send(h11.EndOfMessage())

    def feed(self, data):
        """Takes bytes that arrived."""
        while data and not self._unreadable:
            check(not self.over, f"after its last answer came {data[:200]!r}")
            check(len(self.answers) < len(self.asked), f"nobody asked for {data[:200]!r}")
            if self._parser is None:
                self._open()
            data = self._parse(data)

    def end(self):
        """The connection has ended: an answer must not be cut, except a stream."""
        if self._parser is None or self.streaming() or self.may_lose:
            return
        try:
            self._parser.receive_data(b"")
            self._events()
        except h11.RemoteProtocolError as problem:
            raise Wrong(f"the connection ended within an answer ({problem}): "
                        f"{self._answer!r}") from problem

    def streaming(self):
        """Whether the answer that is coming is a stream, which has no end."""
        return self._answer is not None and self._answer.streams

    def _parse(self, data):
        try:
            self._parser.receive_data(data)
            if not self._events():
                return b""
        except h11.RemoteProtocolError as problem:
            raise Wrong(f"no HTTP: {problem}: {data[:500]!r}") from problem
        rest = self._parser.trailing_data[0]
        self._done()
        return rest

    def _events(self):
        """True when the answer is complete."""
        asked = self.asked[len(self.answers)]
        while True:
            event = self._parser.next_event()
            if isinstance(event, h11.InformationalResponse):
                check(event.status_code == 100, f"an informational {event.status_code}")
            elif isinstance(event, h11.Response):
                self._answer = Answer(event)
                if self._answer.streams:
                    check_answer(asked, self._answer)
                self._unreadable = self._ambiguous(asked)
                if self._unreadable:
                    return True
            elif isinstance(event, h11.Data):
                if not self._answer.streams:
                    self._answer.body += event.data
            elif isinstance(event, h11.EndOfMessage):
                return True
            elif event in (h11.NEED_DATA, h11.PAUSED):
                return False
            else:
                raise Wrong(f"the connection ended in place of an answer: {event}")

    def _done(self):
        answer, asked = self._answer, self.asked[len(self.answers)]
        check_answer(asked, answer, body_known=not self._ambiguous(asked))
        self.answers.append(answer)
        self.over = answer.closes
        self._begin()


def check_answer(asked, answer, body_known=True):
    """What must be true of this answer to that."""
    where = f"{asked.method[:40]!r} {asked.target[:200]!r} ({asked.what}): {answer!r}"
    check(answer.status in STATUSES, f"a status that nothing is answered with: {where}")
    check(answer.version == b"1.1", f"another version: {where}")
    if asked.what in (BAD_HEAD, PART_OF_HEAD):
        check(answer.status >= 400, f"it was understood: {where}")
    if asked.what != WHOLE or asked.close:
        check(answer.closes, f"the connection goes on: {where}")
    for name, _ in answer.headers:
        check(not name.startswith(CANARY), f"an injected header: {where}")
    _check_id(asked, answer, where)
    if answer.status == 503 and asked.target.partition(b"?")[0].endswith(b"/readyz"):
        return  # on a machine that is very busy; it has its own form
    if answer.status in _COMPANIONS:
        check(answer.header(_COMPANIONS[answer.status]), f"without its header: {where}")
    if answer.status in (204, 304):
        check(not answer.body, f"it has a body: {where}")
    elif body_known and asked.method != b"HEAD":
        _check_body(answer, where)


def _check_id(asked, answer, where):
    """An answer belongs to its own request, not to one of another connection."""
    given = answer.header(b"x-request-id") or b""
    if asked.what == WHOLE and re.fullmatch(rb"fuzz-[0-9]+-[0-9]+", asked.request_id):
        check(given == asked.request_id or answer.status >= 400, f"another id: {where}")
    if given.startswith(b"fuzz-"):
        check(given in (asked.request_id, b"") or not asked.knows_head or not asked.request_id,
              f"another's id: {where}")


def _once(pairs):
    names = [name for name, _ in pairs]
    check(len(set(names)) == len(names), f"a name occurs twice in {names}")
    return dict(pairs)


def _no(word):
    raise Wrong(f"no JSON: {word}")


def _check_body(answer, where):
    kind = answer.header(b"content-type")
    if answer.status >= 400:
        check(kind == b"application/problem+json", f"no problem+json: {where}")
    if kind not in (b"application/json", b"application/problem+json"):
        return
    try:
        body = json.loads(answer.body.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no)
    except ValueError as problem:
        raise Wrong(f"no JSON ({problem}): {where}") from problem
    if answer.status >= 400:
        check(body.get("status") == answer.status and body.get("title") and body.get("error"),
              f"an incomplete problem: {where}")
        check(body.get("requestId", "").encode() == answer.header(b"x-request-id"),
              f"two ids: {where}")


def check_all_came(reader):
    """The connection has ended, not by us: every request was answered, unless an answer said that
    no more would be."""
    if reader.over or reader.streaming() or reader.may_lose:
        return
    for asked in reader.asked[len(reader.answers):]:
        check(asked.what not in (WHOLE, BAD_HEAD),
              f"closed without an answer to {asked.method[:40]!r} {asked.target[:200]!r} "
              f"({asked.what}); answers before: {reader.answers}")

"""One connection: what is sent over it, in which pieces, how it ends, and what comes back."""

import re
import socket
import ssl
import struct
import time
from dataclasses import dataclass

import model
import mutate
from answers import Reader, Wrong, check, check_all_came
from damage import damage

# How long an answer may take, on a machine that is busy.
PATIENCE = 60
# How long it may take no data, while it answers perhaps.
TAKEN = 5
# Whoever sends for longer, without looking at what comes, may lose some of that: the gateway does
# not wait for ever behind its last answer.
LATE = 0.5
# How a connection ends: when all answers are there; by our half of it, or all of it; by force;
# without looking at what comes.
WAIT, HALF, CLOSE, RESET, DEAF = "wait", "half", "close", "reset", "deaf"
# From where it comes. The gateway's limits do not count this machine's usual address; it believes
# PROXY about others; HELLO is for the TLS port, and talks no TLS there.
USUAL, COUNTED, PROXY, TLS, HELLO = "127.0.0.1", "127.0.0.7", "127.0.0.8", "tls", "hello"


@dataclass
class Plan:
    pieces: list
    ending: str
    origin: str
    deaf_buffer: bool

    @property
    def data(self):
        return b"".join(self.pieces)


def plan(grammar, random, number):
    """The conversation of that number: the same for the same `random` and the same world."""
    kind = random.random()
    requests = []
    for each in range(random.choice((1, 1, 1, 2, 3, 8))):
        tag = b"fuzz-%d-%d" % (number, each)
        request = grammar.request(random, tag)
        if kind > 0.6 or (kind > 0.3 and random.random() < 0.3):
            damage(grammar, random, request)
        requests.append(request.octets(random))
    data = b"".join(requests)
    if kind > 0.85:
        data = mutate.octets(random, data, 6)
    origin = random.choices((USUAL, COUNTED, PROXY, TLS, HELLO), (70, 8, 8, 12, 2))[0]
    if origin == HELLO:
        data = random.choice((data, b"\x16\x03\x01" + random.randbytes(2) + data,
                              random.randbytes(300)))
    ending = random.choices((WAIT, HALF, CLOSE, RESET, DEAF), (60, 20, 8, 8, 4))[0]
    if (origin, ending) == (TLS, HALF):  # there are no halves
        ending = WAIT
    return Plan(split(random, data), ending, origin, random.random() < 0.5)


def split(random, data):
    """The segments in which data is sent."""
    how = random.random()
    if how < 0.4 or len(data) < 2:
        return [data]
    if how < 0.5 and len(data) < 300:
        return [data[at:at + 1] for at in range(len(data))]
    # Where a line ends is where parsers look twice.
    ends = [found.start() + random.randint(0, 3) for found in re.finditer(rb"\r\n", data[:20000])]
    count = random.randint(1, 6)
    cuts = sorted({0, len(data), *(random.choice(ends) if ends and random.random() < 0.6
                                   else random.randrange(len(data)) for _ in range(count))})
    return [data[begin:end] for begin, end in zip(cuts, cuts[1:]) if data[begin:end]]


class Ports:
    def __init__(self, plain, tls, authority):
        self.plain, self.tls = plain, tls
        self.context = ssl.create_default_context(cafile=authority)


def _connect(ports, what):
    source = what.origin if what.origin in (COUNTED, PROXY) else USUAL
    connection = socket.socket()
    if what.ending == DEAF and what.deaf_buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    connection.settimeout(PATIENCE)
    connection.bind((source, 0))
    connection.connect(("127.0.0.1", ports.tls if what.origin in (TLS, HELLO) else ports.plain))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if what.origin == TLS:
        connection = ports.context.wrap_socket(connection, server_hostname="localhost")
    return connection


def _receive(connection):
    """What comes next; b"" when no more does."""
    try:
        return connection.recv(1 << 16)
    except TimeoutError as problem:
        raise Wrong(f"no answer within {PATIENCE} s") from problem
    except (ConnectionError, ssl.SSLError):
        return b""


def _send(connection, pieces):
    """Sends as much as is taken, and returns what that was. A stream takes nothing more."""
    sent = b""
    connection.settimeout(TAKEN)
    for piece in pieces:
        at = 0
        try:
            while at < len(piece):
                at += connection.send(piece[at:at + (1 << 16)])
        except OSError:
            return sent + piece[:at]
        sent += piece
        if len(pieces) > 1:
            time.sleep(0.0005)
    return sent


def _read(connection, reader, ending):
    """Reads until everything that was asked is answered, or the connection ends."""
    due = sum(asked.what in (model.WHOLE, model.BAD_HEAD, model.BAD_BODY) for asked in reader.asked)
    while not reader.streaming():
        if len(reader.answers) >= due and not reader.over and ending == WAIT:
            return
        data = _receive(connection)
        if not data:
            reader.end()
            check_all_came(reader)
            return
        reader.feed(data)


def _half_close(connection):
    try:
        connection.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # it is over already


def _reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def hold(ports, what):
    """Has the conversation; returns its answers."""
    with _connect(ports, what) as connection:
        begun = time.monotonic()
        asked = model.read(_send(connection, what.pieces))
        reader = Reader(asked, late=time.monotonic() - begun > LATE)
        connection.settimeout(PATIENCE)
        if what.origin == HELLO:
            _half_close(connection)
            while data := _receive(connection):
                check(not data.startswith(b"HTTP"), f"HTTP where TLS is spoken: {data[:200]!r}")
        elif what.ending in (CLOSE, RESET, DEAF):
            if what.ending == RESET:
                _reset(connection)
            elif what.ending == DEAF:
                time.sleep(0.02)
        else:
            if what.ending == HALF:
                _half_close(connection)
            _read(connection, reader, what.ending)
    return reader.answers

"""HTTP/2 by hand, for clients that no library would be: every frame is what the test says, right or
wrong (RFC 9113, and RFC 7541 by python3-hpack for what comes back)."""

import select
import socket
import struct
import time

import hpack

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS = 0, 1, 2, 3, 4
PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 5, 6, 7, 8, 9
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITISED = 1, 1, 4, 8, 0x20
HEADER_TABLE_SIZE, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE = 1, 3, 4
CANCEL, ENHANCE_YOUR_CALM = 8, 11


def frame(kind, flags=0, stream=0, payload=b"", length=None):
    """A frame; `length` may lie."""
    size = len(payload) if length is None else length
    return struct.pack(">I", size)[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def settings(**values):
    numbers = {"window": INITIAL_WINDOW_SIZE, "table": HEADER_TABLE_SIZE}
    return frame(SETTINGS, payload=b"".join(struct.pack(">HI", numbers[name], value)
                                            for name, value in values.items()))


def _text(text, size_bits=7):
    data = text if isinstance(text, bytes) else text.encode()
    most = (1 << size_bits) - 1
    if len(data) < most:
        return bytes([len(data)]) + data
    size, rest = bytes([most]), len(data) - most
    while rest >= 128:
        size, rest = size + bytes([rest & 127 | 128]), rest >> 7
    return size + bytes([rest]) + data


def header(name, value):
    """A literal that is neither indexed nor compressed, so that a header may be anything."""
    return b"\x10" + _text(name) + _text(value)


def request(path, *more, leave_out=(), **instead):
    """The header block of a call. `more` are further headers; `instead` has other values for usual
    ones by their name without punctuation."""
    usual = {":method": "POST", ":scheme": "http", ":path": path, ":authority": "localhost",
             "te": "trailers", "content-type": "application/grpc"}
    for name in usual:
        usual[name] = instead.get(name.strip(":").replace("-", "_"), usual[name])
    return b"".join(header(*each) for each in [*(each for each in usual.items()
                                                 if each[0] not in leave_out), *more])


def message(body, flag=0, length=None):
    """A message of gRPC; `length` may lie."""
    return struct.pack(">BI", flag, len(body) if length is None else length) + body


class Answer:
    """What came back on one stream."""

    def __init__(self):
        self.headers = {}
        self.data = b""
        self.reset = None  # the code of RST_STREAM
        self.ended = False

    def code(self):
        """Of gRPC, or None while there is none."""
        return int(self.headers["grpc-status"]) if "grpc-status" in self.headers else None

    def text(self):
        return self.headers.get("grpc-message", "")

    def over(self):
        return self.ended or self.reset is not None


class Connection:
    """A connection that begins as it should, unless `hello` says otherwise, and then does what it
    is told."""

    def __init__(self, port, hello=PREFACE + settings(table=0)):
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.closed = False  # by the server
        self.goaway = None   # its code and text
        self.answers = {}
        self.acked = 0       # SETTINGS and PINGs
        self._greeted = False  # the server's SETTINGS are there
        self._agrees = False   # to further ones
        self.next_stream = 1
        self._windows = {0: 65535}  # what the server takes, altogether and on each stream
        self._window = 65535        # of a new stream
        self._decoder = hpack.Decoder()
        self._in = b""
        self.send(hello)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def agree(self):
        """Acknowledges the server's SETTINGS, which it holds a client to from then on."""
        self.until(lambda: self._greeted)
        self._agrees = True
        self.send(frame(SETTINGS, ACK))
        return self

    def send(self, data, timeout=20):
        """Sends all of it, unless the server closes; reads meanwhile what comes. Returns whether all
        was taken within `timeout`."""
        view, until = memoryview(data), time.monotonic() + timeout
        while view and not self.closed and time.monotonic() < until:
            can_read, can_write, _ = select.select([self.socket], [self.socket], [], 1)
            if can_read:
                self._receive()
            if can_write and not self.closed:
                try:
                    view = view[self.socket.send(view[:1 << 16]):]
                except OSError:
                    self.closed = True
        return not view

    def send_blind(self, data, timeout=5):
        """Sends without ever reading: a client that does not care for answers. Returns how much was
        taken."""
        view, until = memoryview(data), time.monotonic() + timeout
        while view and time.monotonic() < until:
            if not select.select([], [self.socket], [], 0.2)[1]:
                continue
            try:
                view = view[self.socket.send(view[:1 << 16]):]
            except OSError:
                self.closed = True
                break
        return len(data) - len(view)

    def start(self, block, body=b"", end=True):
        """A call with a header block and a body in DATA frames. Returns its stream."""
        stream, self.next_stream = self.next_stream, self.next_stream + 2
        out = [frame(HEADERS, END_HEADERS, stream, block)]
        pieces = [body[at:at + 16384] for at in range(0, len(body), 16384)] or [b""]
        for piece in pieces[:-1]:
            out.append(frame(DATA, 0, stream, piece))
        if body or end:
            out.append(frame(DATA, END_STREAM if end else 0, stream, pieces[-1]))
        self.send(b"".join(out))
        return stream

    def pour(self, stream, body, stop, timeout=20):
        """Sends a body as fast as the server's windows let it, and not its end. Returns whether all
        was sent before `stop`, a threading.Event, or the end of the connection."""
        sent, until = 0, time.monotonic() + timeout
        while sent < len(body) and not self.closed and not stop.is_set() and \
                not self._of(stream).over() and time.monotonic() < until:
            room = min(self._windows[0], self._windows.setdefault(stream, self._window), 16384)
            if room <= 0:
                if select.select([self.socket], [], [], 0.1)[0]:
                    self._receive()
                continue
            piece = body[sent:sent + room]
            self.send(frame(DATA, 0, stream, piece))
            self._windows[0] -= len(piece)
            self._windows[stream] -= len(piece)
            sent += len(piece)
        return sent == len(body)

    def answer(self, stream, timeout=20):
        """The answer on a stream, once it is over, the connection is closed, or time is up."""
        self.until(lambda: self._of(stream).over(), timeout)
        return self._of(stream)

    def until(self, condition, timeout=20):
        """Reads until `condition` holds, the server closes, or time is up; whether it holds."""
        end = time.monotonic() + timeout
        while not condition() and not self.closed and time.monotonic() < end:
            if select.select([self.socket], [], [], 0.1)[0]:
                self._receive()
        return condition()

    def wait_closed(self, timeout=20):
        return self.until(lambda: self.closed, timeout)

    def _of(self, stream):
        return self.answers.setdefault(stream, Answer())

    def _receive(self):
        try:
            data = self.socket.recv(1 << 16)
        except OSError:
            data = b""
        self.closed = self.closed or not data
        self._in += data
        while len(self._in) >= 9:
            size = int.from_bytes(self._in[:3], "big")
            if len(self._in) < 9 + size:
                break
            kind, flags, stream = struct.unpack(">BBI", self._in[3:9])
            payload, self._in = self._in[9:9 + size], self._in[9 + size:]
            self._take(kind, flags, stream, payload)

    def _take(self, kind, flags, stream, payload):
        if kind in (HEADERS, CONTINUATION):  # the server never splits what is as short as here
            self._of(stream).headers.update(self._decoder.decode(payload))
            self._of(stream).ended |= bool(flags & END_STREAM)
        elif kind == DATA:
            self._of(stream).data += payload
            self._of(stream).ended |= bool(flags & END_STREAM)
        elif kind == RST_STREAM:
            self._of(stream).reset = int.from_bytes(payload, "big")
        elif kind == GOAWAY:
            self.goaway = (int.from_bytes(payload[4:8], "big"), payload[8:].decode())
        elif kind in (SETTINGS, PING) and flags & ACK:
            self.acked += 1
        elif kind == SETTINGS:
            self._greeted = True
            for number, value in struct.iter_unpack(">HI", payload):
                if number == INITIAL_WINDOW_SIZE:
                    self._windows = {stream: size + (value - self._window if stream else 0)
                                     for stream, size in self._windows.items()}
                    self._window = value
            if self._agrees and not self.closed:
                self.socket.send(frame(SETTINGS, ACK))
        elif kind == WINDOW_UPDATE:
            self._windows[stream] = self._windows.get(stream, self._window) + \
                int.from_bytes(payload, "big")

"""What a stranger may put where a program expects something harmless."""

import socket
import struct

# Texts that could end a log line, begin another, act on a terminal, or hide something.
TEXTS = (
    'a\r\n{"ts":"x","level":"info","service":"x","msg":"forged"}',
    'a\n{"ts":"x","level":"info","service":"x","msg":"forged"}',
    'a"},{"msg":"forged',
    'a","msg":"forged',
    "a\\\"\\",
    "a\x1b[2J\x1b]0;owned\x07",
    "a\0b",
    "a\x7f\b\t\v",
    "a\x85\x9b31m",
    "a\u2028b\u2029c",
    "a\u202enimda\u202c\u2066b\u2069\u200b\ufeff",
    "a" * 5000,
    "é" * 3000,
)
# The same as bytes, and what is no UTF-8.
BYTES = (*(text.encode() for text in TEXTS), b"a\xff\xfe\x80", b"a\x9b31m", b"a\xc0\xaf",
         b"a\xed\xa0\x80", b"\xf0\x9f\x90")


def http_status(port, data, timeout=20):
    """The status that an HTTP server answers to these bytes, before it closes the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
        connection.sendall(data)
        answer = b""
        while piece := _receive(connection):
            answer += piece
    if answer.count(b"HTTP/1.1 ") != 1:
        raise AssertionError(f"{data!r} was answered with {answer!r}")
    return int(answer.split(b" ", 2)[1])


def _receive(connection):
    try:
        return connection.recv(65536)
    except ConnectionResetError:  # what it did not read when it closed
        return b""


def _frame(kind, flags, stream, payload):
    """An HTTP/2 frame (RFC 9113, section 4.1)."""
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + \
        struct.pack(">I", stream) + payload


def _string(data):
    """A string of HPACK (RFC 7541, section 5.2), not compressed."""
    if len(data) < 127:
        return bytes([len(data)]) + data
    rest, size = len(data) - 127, b"\x7f"
    while rest >= 128:
        size, rest = size + bytes([rest % 128 + 128]), rest // 128
    return size + bytes([rest]) + data


def grpc_call(port, path, metadata, message=b"", timeout=10):
    """One unary call with metadata that no gRPC library would send; returns when the server has
    answered its stream, or closed the connection."""
    headers = [(b":method", b"POST"), (b":scheme", b"http"), (b":path", path.encode()),
               (b":authority", b"127.0.0.1"), (b"te", b"trailers"),
               (b"content-type", b"application/grpc"), *metadata]
    block = b"".join(b"\0" + _string(name) + _string(value) for name, value in headers)
    data = struct.pack(">BI", 0, len(message)) + message
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _frame(4, 0, 0, b"") +
                           _frame(1, 4, 1, block) + _frame(0, 1, 1, data))
        stream = connection.makefile("rb")
        try:
            while len(head := stream.read(9)) == 9:
                stream.read(int.from_bytes(head[:3], "big"))
                ends = head[3] == 1 and head[4] & 1  # HEADERS with END_STREAM: the trailers
                if ends or head[3] in (3, 7):  # RST_STREAM, GOAWAY
                    return
        except ConnectionResetError:
            return

#!/usr/bin/python3
"""Every case of framing: bytes sent to the gateway's edge over a raw socket, and the exact answer.

Behind each case comes a request that must be answered when the connection is kept, and never be read
when it is closed.
"""

import json
import queue
import select
import socket
import threading
import time
import unittest

from edge_test import Edge
from wire import read_reply

BODY = b'{"id": "a", "title": "T"}'
CHUNKED = b"Transfer-Encoding: chunked"
EMPTY_CHUNKS = b"0\r\n\r\n"
LIMIT = 1000  # of the edge's bodies


def post(*lines, body=BODY, version=b"1.1", target=b"/v1/shelves/s/books"):
    return b"\r\n".join([b"POST " + target + b" HTTP/" + version, b"Host: x",
                         b"Content-Type: application/json", *lines, b"", body])


def sized(*lines, body=BODY, **kwargs):
    return post(b"Content-Length: %d" % len(body), *lines, body=body, **kwargs)


def chunked(*pieces, end=b"0\r\n\r\n", lines=()):
    body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return post(CHUNKED, *lines, body=body + end)


def get(*lines, target=b"/health", host=b"Host: x", version=b"HTTP/1.1", method=b"GET"):
    return b"\r\n".join([method + b" " + target + b" " + version, *([host] if host else []), *lines,
                         b"", b""])


def with_headers(count):
    """A request of so many header lines."""
    return get(*(b"X-%d: y" % number for number in range(count - 1)))


# Details.
MALFORMED = "The request is malformed."
NAME = "A header name is malformed."
BOTH = "Content-Length and Transfer-Encoding exclude each other."
REPEATED_LENGTH = "Content-Length occurs more than once."
LENGTH = "Content-Length is not a number."
CODING = "The only supported Transfer-Encoding is chunked."
OLD_CODING = "Transfer-Encoding needs HTTP/1.1."
NO_HOST = "The Host header is missing."
REPEATED_HOST = "The Host header occurs more than once."
HOST = "The Host header is malformed."
LINES = "The request has too many header lines."
LONG_HEADER = "The request header is longer than 16 KiB."
LONG_TARGET = "The request target is longer than 8 KiB."
FRAGMENT = "The request target has a fragment."
METHOD = "The method is not known."
VERSION = "Only HTTP/1.1 and HTTP/1.0 are spoken here."
TOO_LARGE = "The request body is too large."
CHUNKS = "The chunks of the request body are malformed."
EXPECTATION = "The only supported expectation is 100-continue."
ONLY_OPTIONS = 'Only OPTIONS can be asked of "*".'
AUTHORIZATION = "The Authorization header occurs more than once."
TYPE = "The Content-Type header occurs more than once."

KEPT, CLOSED = True, False

# Name, bytes, status, detail of the problem (None where all is well), what becomes of the connection.
CASES = (
    # Two ways to say where the body ends.
    ("length, then encoding", post(b"Content-Length: 5", CHUNKED, body=EMPTY_CHUNKS), 400, BOTH,
     CLOSED),
    ("encoding, then length", post(CHUNKED, b"Content-Length: 5", body=EMPTY_CHUNKS), 400, BOTH,
     CLOSED),
    ("length and identity", post(b"Content-Length: 25", b"Transfer-Encoding: identity"), 400, BOTH,
     CLOSED),
    ("length and another coding", post(b"Content-Length: 25", b"Transfer-Encoding: gzip"), 400, BOTH,
     CLOSED),
    # Content-Length.
    ("two equal lengths", sized(b"Content-Length: 25"), 400, REPEATED_LENGTH, CLOSED),
    ("two lengths", sized(b"content-length: 26"), 400, REPEATED_LENGTH, CLOSED),
    ("a list of lengths", post(b"Content-Length: 25, 25"), 400, LENGTH, CLOSED),
    ("letters behind a length", post(b"Content-Length: 25abc"), 400, LENGTH, CLOSED),
    ("a plus before a length", post(b"Content-Length: +25"), 400, LENGTH, CLOSED),
    ("a negative length", post(b"Content-Length: -1"), 400, LENGTH, CLOSED),
    ("no length behind the name", post(b"Content-Length:"), 400, LENGTH, CLOSED),
    ("a hexadecimal length", post(b"Content-Length: 0x19"), 400, LENGTH, CLOSED),
    ("a length with a blank", post(b"Content-Length: 2 5"), 400, LENGTH, CLOSED),
    ("a length with a fraction", post(b"Content-Length: 25.0"), 400, LENGTH, CLOSED),
    ("a length of 2^64", post(b"Content-Length: 18446744073709551616"), 400, LENGTH, CLOSED),
    ("a length of 2^64 + 25", post(b"Content-Length: 18446744073709551641"), 400, LENGTH, CLOSED),
    ("a length of 2^64 - 1", post(b"Content-Length: 18446744073709551615"), 413, TOO_LARGE, CLOSED),
    ("a length of 2^63", post(b"Content-Length: 9223372036854775808"), 413, TOO_LARGE, CLOSED),
    ("a length of 100 digits", post(b"Content-Length: " + b"9" * 100), 400, LENGTH, CLOSED),
    ("zeros before a length", post(b"Content-Length: 00025"), 201, None, KEPT),
    ("blanks around a length", post(b"Content-Length:   25  "), 201, None, KEPT),
    # Transfer-Encoding.
    ("gzip", post(b"Transfer-Encoding: gzip"), 501, CODING, CLOSED),
    ("gzip, chunked", post(b"Transfer-Encoding: gzip, chunked", body=EMPTY_CHUNKS), 501, CODING,
     CLOSED),
    ("chunked, chunked", post(b"Transfer-Encoding: chunked, chunked", body=EMPTY_CHUNKS), 501,
     CODING, CLOSED),
    ("chunked, identity", post(b"Transfer-Encoding: chunked, identity", body=EMPTY_CHUNKS), 501,
     CODING, CLOSED),
    ("chunked twice", post(CHUNKED, CHUNKED, body=EMPTY_CHUNKS), 501, CODING, CLOSED),
    ("identity, then chunked", post(b"Transfer-Encoding: identity", CHUNKED, body=EMPTY_CHUNKS), 501,
     CODING, CLOSED),
    ("identity", post(b"Transfer-Encoding: identity"), 501, CODING, CLOSED),
    ("xchunked", post(b"Transfer-Encoding: xchunked"), 501, CODING, CLOSED),
    ("chunked with a parameter", post(b"Transfer-Encoding: chunked;q=1"), 501, CODING, CLOSED),
    ("quoted chunked", post(b'Transfer-Encoding: "chunked"'), 501, CODING, CLOSED),
    ("no coding behind the name", post(b"Transfer-Encoding:"), 501, CODING, CLOSED),
    ("chunked behind a control character", post(b"Transfer-Encoding: \x0bchunked"), 400, MALFORMED,
     CLOSED),
    ("chunked in HTTP/1.0", post(CHUNKED, body=EMPTY_CHUNKS, version=b"1.0"), 400, OLD_CODING,
     CLOSED),
    ("another coding in HTTP/1.0", post(b"Transfer-Encoding: gzip", version=b"1.0"), 400, OLD_CODING,
     CLOSED),
    ("chunked in other letters", post(b"transfer-ENCODING: ChunkeD", body=b"19\r\n" + BODY + b"\r\n" +
                                      EMPTY_CHUNKS), 201, None, KEPT),
    # Header lines.
    ("a blank before the colon", post(b"Content-Length : 25"), 400, MALFORMED, CLOSED),
    ("a tab before the colon", post(b"Content-Length\t: 25"), 400, MALFORMED, CLOSED),
    ("a name that is no token", sized(b"X(y): 1"), 400, NAME, CLOSED),
    ("a name with a slash", sized(b"X/y: 1"), 400, NAME, CLOSED),
    ("a name in UTF-8", sized(b"\xc3\xa9: 1"), 400, MALFORMED, CLOSED),
    ("a line without a name", sized(b": 1"), 400, MALFORMED, CLOSED),
    ("a line without a colon", sized(b"nothing"), 400, MALFORMED, CLOSED),
    ("a folded line", sized(b"X: 1", b" Content-Length: 1"), 400, MALFORMED, CLOSED),
    ("a line folded by a tab", sized(b"X: 1", b"\tfolded"), 400, MALFORMED, CLOSED),
    ("a folded first line", b"GET /health HTTP/1.1\r\n Host: x\r\n\r\n", 400, MALFORMED, CLOSED),
    ("NUL in a value", sized(b"X: a\0b"), 400, MALFORMED, CLOSED),
    ("NUL in a name", sized(b"X\0y: a"), 400, MALFORMED, CLOSED),
    ("a control character in a value", sized(b"X: a\x07"), 400, MALFORMED, CLOSED),
    ("DEL in a value", sized(b"X: a\x7f"), 400, MALFORMED, CLOSED),
    ("a tab in a value", sized(b"X: a\tb"), 400, MALFORMED, CLOSED),
    ("UTF-8 in a value", sized(b"X: \xc3\xa9"), 201, None, KEPT),
    ("an empty value", sized(b"X:"), 201, None, KEPT),
    ("two Authorizations", sized(b"Authorization: a", b"authorization: a"), 400, AUTHORIZATION,
     CLOSED),
    ("two Content-Types", sized(b"Content-Type: application/json"), 400, TYPE, CLOSED),
    # Line ends.
    ("bare LF everywhere", b"GET /health HTTP/1.1\nHost: x\n\n", 400, MALFORMED, CLOSED),
    ("a bare LF", b"GET /health HTTP/1.1\r\nHost: x\nX: y\r\n\r\n", 400, MALFORMED, CLOSED),
    ("a bare LF behind the first line", b"GET /health HTTP/1.1\nHost: x\r\n\r\n", 400, MALFORMED,
     CLOSED),
    ("a bare LF at the end", b"GET /health HTTP/1.1\r\nHost: x\r\n\n", 400, MALFORMED, CLOSED),
    ("a bare CR", b"GET /health HTTP/1.1\r\nHost: x\rX: y\r\n\r\n", 400, MALFORMED, CLOSED),
    ("two CRs", b"GET /health HTTP/1.1\r\nHost: x\r\r\n\r\n", 400, MALFORMED, CLOSED),
    ("two empty lines in front", b"\r\n\r\n" + get(), 400, MALFORMED, CLOSED),
    ("an empty line in front", b"\r\n" + get(), 200, None, KEPT),
    # Host.
    ("no Host", get(host=None), 400, NO_HOST, CLOSED),
    ("two Hosts", get(b"Host: x"), 400, REPEATED_HOST, CLOSED),
    ("two Hosts in HTTP/1.0", get(b"Host: y", version=b"HTTP/1.0"), 400, REPEATED_HOST, CLOSED),
    ("an empty Host", get(host=b"Host:"), 400, HOST, CLOSED),
    ("a list of Hosts", get(host=b"Host: a, b"), 400, HOST, CLOSED),
    ("Hosts behind a blank", get(host=b"Host: a b"), 400, HOST, CLOSED),
    ("a Host with a user", get(host=b"Host: u@x"), 400, HOST, CLOSED),
    ("a Host with a path", get(host=b"Host: x/y"), 400, HOST, CLOSED),
    ("a Host with a port of letters", get(host=b"Host: x:http"), 400, HOST, CLOSED),
    ("a Host with a port over 65535", get(host=b"Host: x:65536"), 400, HOST, CLOSED),
    ("a Host with two ports", get(host=b"Host: x:80:80"), 400, HOST, CLOSED),
    ("half an IPv6 Host", get(host=b"Host: [::1"), 400, HOST, CLOSED),
    ("a Host in percent", get(host=b"Host: a%2eb"), 400, HOST, CLOSED),
    ("an IPv6 Host", get(host=b"Host: [::1]:3000"), 200, None, KEPT),
    ("a Host with a port", get(host=b"Host: blog.example:3000"), 200, None, KEPT),
    # Sizes.
    ("63 header lines", with_headers(63), 200, None, KEPT),
    ("64 header lines", with_headers(64), 431, LINES, CLOSED),
    ("65 header lines, the last a length", post(*(b"X: y" for _ in range(62)),
                                                 b"Content-Length: 25"), 431, LINES, CLOSED),
    ("a header of 17 KiB", get(b"X: " + b"y" * 17000), 431, LONG_HEADER, CLOSED),
    ("a header of 17 KiB in short lines", get(*(b"X: " + b"y" * 500 for _ in range(40))), 431,
     LONG_HEADER, CLOSED),
    ("a target of 8 KiB", get(target=b"/" + b"a" * 8191), 404, "no such path", KEPT),
    ("a longer target", get(target=b"/" + b"a" * 8192), 414, LONG_TARGET, CLOSED),
    ("a longer query", get(target=b"/health?" + b"a" * 8192), 414, LONG_TARGET, CLOSED),
    ("a target longer than a header may be", get(target=b"/" + b"a" * 17000), 414, LONG_TARGET,
     CLOSED),
    ("a body over the limit", post(b"Content-Length: %d" % (LIMIT + 1), body=b""), 413, TOO_LARGE,
     CLOSED),
    ("a body over the limit that waits", post(b"Content-Length: 5000", b"Expect: 100-continue",
                                              body=b""), 413, TOO_LARGE, CLOSED),
    ("a chunk over the limit", post(CHUNKED, body=b"%x\r\n" % (LIMIT + 1)), 413, TOO_LARGE, CLOSED),
    ("chunks over the limit", chunked(b" " * 600, b" " * 401, end=b""), 413, TOO_LARGE, CLOSED),
    ("a chunk of 2^60", post(CHUNKED, body=b"fffffffffffffff\r\n"), 413, TOO_LARGE, CLOSED),
    ("chunks at the limit", chunked(BODY, b" " * (LIMIT - len(BODY))), 201, None, KEPT),
    # Methods, versions, targets.
    ("an unknown method", get(method=b"BREW"), 501, METHOD, CLOSED),
    ("a method in small letters", get(method=b"get"), 501, METHOD, CLOSED),
    ("TRACE", get(method=b"TRACE"), 501, METHOD, CLOSED),
    ("CONNECT", get(method=b"CONNECT", target=b"x:80"), 501, METHOD, CLOSED),
    ("a method that is no token", get(method=b"G(T"), 400, MALFORMED, CLOSED),
    ("HTTP/0.9", b"GET /health\r\n\r\n", 400, MALFORMED, CLOSED),
    ("HTTP/0.9 by name", get(version=b"HTTP/0.9"), 505, VERSION, CLOSED),
    ("HTTP/1.2", get(version=b"HTTP/1.2"), 505, VERSION, CLOSED),
    ("HTTP/1.10", get(version=b"HTTP/1.10"), 505, VERSION, CLOSED),
    ("HTTP/1", get(version=b"HTTP/1"), 505, VERSION, CLOSED),
    ("HTTP/2.0", get(version=b"HTTP/2.0"), 505, VERSION, CLOSED),
    ("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, VERSION, CLOSED),
    ("http/1.1", get(version=b"http/1.1"), 400, MALFORMED, CLOSED),
    ("HTTX/1.1", get(version=b"HTTX/1.1"), 400, MALFORMED, CLOSED),
    ("a TLS handshake", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, MALFORMED,
     CLOSED),
    ("two blanks in the first line", b"GET  /health HTTP/1.1\r\nHost: x\r\n\r\n", 400, MALFORMED,
     CLOSED),
    ("a blank in front", b" " + get(), 400, MALFORMED, CLOSED),
    ("a blank behind the version", get(version=b"HTTP/1.1 "), 400, MALFORMED, CLOSED),
    ("tabs in the first line", b"GET\t/health\tHTTP/1.1\r\nHost: x\r\n\r\n", 400, MALFORMED, CLOSED),
    ("an absolute target", get(target=b"http://x/health"), 200, None, CLOSED),
    ("an absolute target without Host", get(target=b"http://x/health", host=None), 400, NO_HOST,
     CLOSED),
    ("an absolute target of another scheme", get(target=b"ftp://x/health"), 400, MALFORMED, CLOSED),
    ("an authority as target", get(target=b"x:80"), 400, MALFORMED, CLOSED),
    ("a relative target", get(target=b"health"), 400, MALFORMED, CLOSED),
    ("a query with a fragment", get(target=b"/health?a#part"), 400, FRAGMENT, CLOSED),
    ("a target with a fragment", get(target=b"/health#part"), 400, FRAGMENT, CLOSED),
    ("a target in UTF-8", get(target=b"/\xc3\xa9"), 400, MALFORMED, CLOSED),
    ("OPTIONS of the server", get(target=b"*", method=b"OPTIONS"), 204, None, CLOSED),
    ("GET of the server", get(target=b"*"), 400, ONLY_OPTIONS, CLOSED),
    # Chunks.
    ("chunks", chunked(BODY[:7], BODY[7:]), 201, None, KEPT),
    ("zeros before a chunk's size", post(CHUNKED, body=b"00019\r\n" + BODY + b"\r\n" + EMPTY_CHUNKS),
     201, None, KEPT),
    ("an extension", post(CHUNKED, body=b'19;a="b"\r\n' + BODY + b"\r\n" + EMPTY_CHUNKS), 201, None,
     KEPT),
    ("a blank before an extension", post(CHUNKED, body=b"19 ;a\r\n" + BODY + b"\r\n" + EMPTY_CHUNKS),
     201, None, KEPT),
    ("trailers", chunked(BODY, end=b"0\r\nContent-Length: 5\r\nHost: y\r\n\r\n"), 201, None, KEPT),
    ("a blank behind a chunk's size", post(CHUNKED, body=b"19 \r\n" + BODY + b"\r\n" + EMPTY_CHUNKS),
     400, CHUNKS, CLOSED),
    ("no size of a chunk", post(CHUNKED, body=b"\r\n"), 400, CHUNKS, CLOSED),
    ("a size with 0x", post(CHUNKED, body=b"0x19\r\n" + BODY + b"\r\n" + EMPTY_CHUNKS), 400, CHUNKS,
     CLOSED),
    ("a negative size", post(CHUNKED, body=b"-1\r\n\r\n"), 400, CHUNKS, CLOSED),
    ("a size of 17 digits", post(CHUNKED, body=b"1" + b"0" * 16 + b"\r\n"), 400, CHUNKS, CLOSED),
    ("a size that ends in LF", post(CHUNKED, body=b"19\n" + BODY + b"\r\n" + EMPTY_CHUNKS), 400,
     CHUNKS, CLOSED),
    ("data longer than its size", post(CHUNKED, body=b"18\r\n" + BODY + b"\r\n" + EMPTY_CHUNKS), 400,
     CHUNKS, CLOSED),
    ("LF in an extension", post(CHUNKED, body=b"19;a\nb\r\n" + BODY + b"\r\n" + EMPTY_CHUNKS), 400,
     CHUNKS, CLOSED),
    ("CR in an extension", post(CHUNKED, body=b"19;a\rb\r\n" + BODY + b"\r\n" + EMPTY_CHUNKS), 400,
     CHUNKS, CLOSED),
    ("an extension of 9 KiB", post(CHUNKED, body=b"19;" + b"a" * 9000 + b"\r\n"), 400, CHUNKS,
     CLOSED),
    ("trailers of 9 KiB", chunked(BODY, end=b"0\r\nX: " + b"y" * 9000 + b"\r\n\r\n"), 400, CHUNKS,
     CLOSED),
    ("a bare LF in a trailer", chunked(BODY, end=b"0\r\nX: y\nZ: 1\r\n\r\n"), 400, CHUNKS, CLOSED),
    # Connections.
    ("close", get(b"Connection: close"), 200, None, CLOSED),
    ("close in other letters, in a list", get(b"connection: TE, CLOSE"), 200, None, CLOSED),
    ("keep-alive and close", get(b"Connection: keep-alive, close"), 200, None, CLOSED),
    ("close in the second line", get(b"Connection: keep-alive", b"Connection: close"), 200, None,
     CLOSED),
    ("HTTP/1.0", get(version=b"HTTP/1.0", host=None), 200, None, CLOSED),
    ("HTTP/1.0 that wants to stay", get(b"Connection: Keep-Alive", version=b"HTTP/1.0"), 200, None,
     KEPT),
    ("an upgrade to HTTP/2", get(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c",
                                 b"HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA"), 200, None, CLOSED),
    ("an upgrade to WebSocket", get(b"Connection: Upgrade", b"Upgrade: websocket",
                                    b"Sec-WebSocket-Version: 13",
                                    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="), 200, None,
     CLOSED),
    ("an unknown expectation", sized(b"Expect: miracles"), 417, EXPECTATION, CLOSED),
    ("an expectation of what has come", sized(b"Expect: 100-Continue"), 201, None, KEPT),
    ("an expectation without a body", get(b"Expect: 100-continue"), 200, None, KEPT),
    ("an expectation in HTTP/1.0", sized(b"Expect: 100-continue", version=b"1.0"), 201, None, CLOSED),
    # Bodies that nobody asked for.
    ("GET with an empty body", get(b"Content-Length: 0"), 200, None, KEPT),
    ("POST without a body", post(body=b""), 201, None, KEPT),
    ("an unread body in chunks", get(CHUNKED) + b"5\r\nhello\r\n0\r\n\r\n", 200, None, CLOSED),
)


class ReadEdge(Edge):
    """One whose log is read all the time: it writes more than a pipe holds."""

    def begin(self):
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        return super().begin()

    def _read(self):
        for line in self.process.stdout:
            if line.startswith('{"ts"'):
                self.log.append(json.loads(line))
            else:
                self.lines.put(line.strip())

    def line(self):
        return self.lines.get(timeout=20)


class FramingTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.edge = ReadEdge().begin()

    @classmethod
    def tearDownClass(cls):
        status = cls.edge.stop()
        assert status == 0, status

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.edge.port), timeout=10)

    def talk(self, data):
        """All replies until the connection ends."""
        replies = []
        with self.connect() as sock, sock.makefile("rb") as file:
            sock.sendall(data)
            while (reply := read_reply(file)):
                replies.append(reply)
        return replies

    def assert_answer(self, reply, status, detail, kept):
        self.assertEqual(reply.status, status, reply.body)
        if kept:
            self.assertIn(reply.headers.get("connection"), (None, "keep-alive"))
        else:
            self.assertEqual(reply.headers.get("connection"), "close")
        if detail is None:
            return
        problem = json.loads(reply.body)
        self.assertEqual(reply.headers["content-type"], "application/problem+json")
        self.assertEqual((problem["status"], problem["detail"]), (status, detail))
        self.assertEqual(problem["requestId"], reply.headers["x-request-id"])

    def test_cases(self):
        for name, data, status, detail, kept in CASES:
            with self.subTest(name):
                replies = self.talk(data + get(b"Connection: close", target=b"/livez"))
                self.assert_answer(replies[0], status, detail, kept)
                self.assertEqual([reply.status for reply in replies[1:]], [200] if kept else [])

    def test_all_in_a_row(self):
        """Requests that keep their connection do so one behind the other, in one piece or in many."""
        good = [(data, status) for _, data, status, _, kept in CASES if kept]
        batch = b"".join(data for data, _ in good) + get(b"Connection: close")
        wanted = [status for _, status in good] + [200]
        self.assertEqual([reply.status for reply in self.talk(batch)], wanted)
        with self.connect() as sock, sock.makefile("rb") as file:
            for at in range(0, len(batch), 997):
                sock.sendall(batch[at:at + 997])
                time.sleep(0.002)
            self.assertEqual([read_reply(file).status for _ in wanted], wanted)

    def test_byte_by_byte(self):
        """The same answers, however the bytes come. (The long ones are left out for time.)"""
        for name, data, status, detail, kept in CASES:
            if len(data) > 400:
                continue
            with self.subTest(name), self.connect() as sock, sock.makefile("rb") as file:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                try:
                    for at in range(len(data)):
                        sock.sendall(data[at:at + 1])
                except ConnectionError:
                    pass  # it was refused in the midst
                reply = read_reply(file)
                if reply.status == 100:
                    reply = read_reply(file)
                self.assert_answer(reply, status, detail, kept)

    def test_a_body_of_a_path_that_reads_none(self):
        """It is passed over when it is there; else the connection ends with the answer."""
        head, body = get(b"Content-Length: 5"), b"hello"
        replies = self.talk(head + body + get(b"Connection: close", target=b"/livez"))
        self.assert_answer(replies[0], 200, None, KEPT)
        self.assertEqual([reply.status for reply in replies], [200, 200])
        with self.connect() as sock, sock.makefile("rb") as file:
            sock.sendall(head)
            self.assert_answer(read_reply(file), 200, None, CLOSED)

    def test_nothing_is_read_behind_a_refusal(self):
        """Nor when it comes later."""
        with self.connect() as sock, sock.makefile("rb") as file:
            sock.sendall(get(host=None))
            self.assertEqual(read_reply(file).status, 400)
            self.assertEqual(file.read(), b"")
            try:
                for _ in range(5):
                    sock.sendall(get(target=b"/late"))
                    time.sleep(0.05)
            except ConnectionError:
                pass
        self.edge.ask("GET", "/v1/books/7", None, {"X-Request-Id": "the-last"})
        self.edge.order("watched")
        self.edge.line()  # so that the log has been read
        paths = [line["path"] for line in self.edge.log if "path" in line]
        self.assertIn("/v1/books/7", paths)
        self.assertNotIn("/late", paths)

    def test_expectation(self):
        with self.connect() as sock, sock.makefile("rb") as file:
            for head, body in ((b"Content-Length: 25", BODY),
                               (CHUNKED, b"19\r\n" + BODY + b"\r\n0\r\n\r\n")):
                sock.sendall(post(head, b"Expect: 100-continue", body=b""))
                self.assertEqual(read_reply(file).status, 100)
                sock.sendall(body)
                self.assertEqual(read_reply(file).status, 201)

    def test_body_that_breaks_off(self):
        for data in (post(b"Content-Length: 26"), post(CHUNKED, body=b"1a\r\n" + BODY),
                     post(CHUNKED, body=b"19\r\n" + BODY + b"\r\n")):
            with self.subTest(data), self.connect() as sock, sock.makefile("rb") as file:
                sock.sendall(data)
                sock.shutdown(socket.SHUT_WR)
                self.assert_answer(read_reply(file), 400,
                                   "The connection ended within the request body.", CLOSED)

    def drip(self, begin, piece):
        """The answer to something that never ends, and the seconds until it came."""
        with self.connect() as sock, sock.makefile("rb") as file:
            started = time.monotonic()
            sock.sendall(begin)
            while time.monotonic() - started < 8 and not select.select([sock], [], [], 0.1)[0]:
                sock.sendall(piece)
            reply = read_reply(file)
            return reply, time.monotonic() - started

    def test_total_times(self):
        """1 s for a header and 1.5 s for a request: for all of it, not for each piece."""
        late_header = "The request header did not arrive in time."
        late_body = "The request body did not arrive in time."
        for name, begin, piece, detail, least in (
                ("a header that stops", b"GET /health HT", b"", late_header, 0.9),
                ("a name that drips", b"GET /health HTTP/1.1\r\nX", b"x", late_header, 0.9),
                ("lines that drip", b"GET /health HTTP/1.1\r\n", b"X: y\r\n", late_header, 0.9),
                ("a target that drips", b"GET /", b"x", late_header, 0.9),
                ("the second header", get() + b"GET /health HT", b"", late_header, 0.9),
                ("a body that stops", post(b"Content-Length: 900"), b"", late_body, 1.4),
                ("a body that drips", post(b"Content-Length: 900"), b" ", late_body, 1.4),
                ("chunks that drip", post(CHUNKED, body=b""), b"1\r\n \r\n", late_body, 1.4),
                ("trailers that drip", chunked(BODY, end=b"0\r\n"), b"X: y\r\n", late_body, 1.4)):
            with self.subTest(name):
                if begin.startswith(get()):
                    with self.connect() as sock, sock.makefile("rb") as file:
                        sock.sendall(begin)
                        started = time.monotonic()
                        self.assertEqual(read_reply(file).status, 200)
                        reply, seconds = read_reply(file), time.monotonic() - started
                else:
                    reply, seconds = self.drip(begin, piece)
                self.assert_answer(reply, 408, detail, CLOSED)
                self.assertTrue(least < seconds < 6, seconds)

    def test_methods_of_a_path(self):
        """HEAD wherever there is GET, and the same headers; OPTIONS everywhere."""
        for path in ("/health", "/livez", "/readyz", "/openapi.json", "/v1/books/7",
                     "/v1/titles/7", "/v1/nothing"):
            with self.subTest(path):
                status, headers, _ = self.edge.ask("GET", path)
                head_status, head_headers, body = self.edge.ask("HEAD", path)
                self.assertEqual((head_status, body), (status, b""))
                for name in ("Content-Type", "Content-Length", "ETag", "Cache-Control"):
                    if path != "/v1/nothing":  # a problem has the request's id
                        self.assertEqual(head_headers[name], headers[name], name)
                if status == 200:
                    self.assertIn("HEAD", self.edge.ask("OPTIONS", path)[1]["Allow"])
        self.assertEqual(self.edge.ask("PROPFIND", "/v1/books/7")[0], 405)

    def test_delete_with_a_body(self):
        """What says nothing is not held against a client; what says something is not ignored."""
        headers = {"Authorization": "Bearer " + self.edge.user, "Content-Type": "application/json"}
        for body, status in ((None, 204), (b"", 204), (b"{}", 204), (b" {\r\n} ", 204),
                             (b'{"id": "8"}', 400), (b"null", 400), (b"{", 400)):
            with self.subTest(body):
                self.assertEqual(self.edge.ask("DELETE", "/v1/books/7", body, headers)[0], status)


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/python3
"""Attacks lib/http with raw sockets: framing, time limits, what ends a connection and what not."""

import json
import os
import select
import socket
import threading
import time
import unittest

from wire import Server, read_reply


class HttpTest(unittest.TestCase):
    settings = ()

    @classmethod
    def setUpClass(cls):
        cls.server = Server("keep_alive=500", "header=1000", "request=1500", "body=100000",
                            *cls.settings)

    @classmethod
    def tearDownClass(cls):
        status = cls.server.stop()
        assert status == 0, status

    def talk(self, data, head=False):
        """Sends bytes; returns all replies until the connection ends."""
        replies = []
        with self.server.connect() as sock, sock.makefile("rb") as file:
            sock.sendall(data)
            while (reply := read_reply(file, head)):
                replies.append(reply)
        return replies

    def refused(self, data, status, word):
        """The bytes get this status alone: what follows them is never taken for a request."""
        started = time.monotonic()
        replies = self.talk(data + b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertEqual([reply.status for reply in replies], [status])
        self.assertEqual(replies[0].headers["content-type"], "application/problem+json")
        self.assertEqual(replies[0].headers["connection"], "close")
        problem = json.loads(replies[0].body)
        self.assertEqual(problem["status"], status)
        self.assertIn(word, problem["detail"])
        self.assertLess(time.monotonic() - started, 5)

    def post(self, *lines, body=b"hello"):
        return b"".join([b"POST /echo HTTP/1.1\r\nHost: x\r\n", *[l + b"\r\n" for l in lines],
                         b"\r\n", body])

    # Framing.

    def test_length_and_encoding(self):
        self.refused(self.post(b"Content-Length: 5", b"Transfer-Encoding: chunked",
                               body=b"0\r\n\r\n"), 400, "exclude")
        self.refused(self.post(b"Transfer-Encoding: chunked", b"Content-Length: 5",
                               body=b"0\r\n\r\n"), 400, "exclude")

    def test_lengths(self):
        for value in (b"5abc", b"+5", b"-5", b"0x5", b"", b"5, 5", b"5 5",
                      b"99999999999999999999999"):
            self.refused(self.post(b"Content-Length: " + value), 400, "")
        self.refused(self.post(b"Content-Length: 5", b"Content-Length: 5"), 400, "more than once")
        self.refused(self.post(b"Content-Length: 5", b"content-length: 6"), 400, "more than once")

    def test_encodings(self):
        for value in (b"chunked, chunked", b"gzip, chunked", b"identity", b"xchunked", b"gzip", b""):
            self.assertIn(self.talk(self.post(b"Transfer-Encoding: " + value,
                                              body=b"0\r\n\r\n"))[0].status, (400, 501))
        self.assertEqual(len(self.talk(self.post(b"Transfer-Encoding: identity",
                                                 b"Transfer-Encoding: chunked",
                                                 body=b"0\r\n\r\n"))), 1)
        self.refused(b"POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400,
                     "HTTP/1.1")

    def test_trailers(self):
        """What comes instead of the last line of a body is not swallowed as a trailer."""
        begin = self.post(b"Transfer-Encoding: chunked", body=b"5\r\nhello\r\n0\r\n")
        self.assertEqual([r.status for r in self.talk(begin + b"GET /evil HTTP/1.1\r\n\r\n")], [400])
        self.assertEqual([r.status for r in self.talk(begin + b"A: b\r\n\r\n")], [200])

    def test_header_names(self):
        self.refused(self.post(b"Content-Length : 5"), 400, "malformed")
        self.refused(self.post(b"X(y): 1", b"Content-Length: 5"), 400, "malformed")
        self.refused(self.post(b"X-A: 1", b" folded", b"Content-Length: 5"), 400, "malformed")
        self.refused(self.post(b"X-A: 1", b": nameless", b"Content-Length: 5"), 400, "malformed")
        self.refused(self.post(b"X-A: 1", b"\x80: x", b"Content-Length: 5"), 400, "malformed")
        self.refused(self.post(b"no colon", b"Content-Length: 5"), 400, "malformed")

    def test_line_ends(self):
        self.refused(b"POST /echo HTTP/1.1\nHost: x\nContent-Length: 5\n\nhello", 400, "malformed")
        self.refused(b"POST /echo HTTP/1.1\r Host: x\r\nContent-Length: 5\r\n\r\nhello", 400,
                     "malformed")
        self.refused(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\n\r\n\nhello", 400,
                     "malformed")
        self.refused(b"POST /echo HTTP/1.1\r\nHost: x\nContent-Length: 5\r\n\r\nhello", 400,
                     "malformed")
        self.refused(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\n\r\0hello", 400,
                     "malformed")
        self.refused(b"POST /echo HTTP/1.1\r\nHost: x\rX: y\r\nContent-Length: 5\r\n\r\nhello", 400,
                     "malformed")
        self.refused(b"\r\n\r\nPOST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 400,
                     "malformed")

    def test_first_lines(self):
        self.refused(b"GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400, "malformed")
        self.refused(b"GET /  HTTP/1.1\r\nHost: x\r\n\r\n", 400, "malformed")

    def test_hosts(self):
        self.refused(b"GET / HTTP/1.1\r\n\r\n", 400, "missing")
        self.refused(b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400, "more than once")
        self.refused(b"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400, "malformed")
        self.refused(b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, "malformed")
        self.assertEqual(self.talk(b"GET / HTTP/1.0\r\n\r\n")[0].status, 200)

    def test_too_many_headers(self):
        many = b"".join(b"X-%d: y\r\n" % i for i in range(72))
        self.refused(b"POST /echo HTTP/1.1\r\nHost: x\r\n" + many +
                     b"Content-Length: 5\r\n\r\nhello", 431, "too many")

    def test_header_too_long(self):
        self.refused(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 20000 + b"\r\n\r\n", 431, "16 KiB")

    def test_unparsable(self):
        self.refused(b"BREW /pot HTTP/1.1\r\nHost: x\r\n\r\n", 501, "method")
        self.refused(b"TRACE / HTTP/1.1\r\nHost: x\r\n\r\n", 501, "method")
        self.refused(b"nonsense\r\n\r\n", 400, "malformed")
        self.refused(b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505, "HTTP/1.1")
        self.refused(b"GET nowhere HTTP/1.1\r\nHost: x\r\n\r\n", 400, "malformed")
        self.refused(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, "malformed")

    # Bodies.

    def test_bodies(self):
        reply = self.talk(self.post(b"Content-Length: 5 ", b"Connection: close"))[0]
        self.assertEqual((reply.status, reply.body), (200, b"hello"))
        chunked = self.post(b"Transfer-Encoding: Chunked", b"Connection: close",
                            body=b"3\r\nhel\r\n002;ext=1\r\nlo\r\n0\r\nTrailer: x\r\n\r\n")
        self.assertEqual(self.talk(chunked)[0].body, b"hello")

    def test_body_in_pieces(self):
        request = self.post(b"Transfer-Encoding: chunked", b"Connection: close",
                            body=b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n")
        with self.server.connect() as sock, sock.makefile("rb") as file:
            for i in range(len(request)):
                sock.send(request[i:i + 1])
            self.assertEqual(read_reply(file).body, b"hello")

    def test_large_bodies(self):
        large = os.urandom(100000)
        request = self.post(b"Content-Length: 100000", b"Connection: close", body=large)
        self.assertEqual(self.talk(request)[0].body, large)
        pieces = b"".join(b"%x\r\n%s\r\n" % (len(large[i:i + 777]), large[i:i + 777])
                          for i in range(0, len(large), 777))
        request = self.post(b"Transfer-Encoding: chunked", b"Connection: close",
                            body=pieces + b"0\r\n\r\n")
        self.assertEqual(self.talk(request)[0].body, large)

    def test_bad_chunks(self):
        for body in (b"x\r\n", b"-1\r\n\r\n", b"3\r\nhelX", b"3\nhel\r\n0\r\n\r\n",
                     b"11111111111111111\r\n", b"\r\n", b"3\r\nhel\r\n0\r\nX\n\r\n\r\n",
                     b"0x3\r\nhel\r\n0\r\n\r\n"):
            replies = self.talk(self.post(b"Transfer-Encoding: chunked", body=body +
                                          b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"))
            self.assertEqual([reply.status for reply in replies], [400], body)

    def test_too_large(self):
        self.refused(self.post(b"Content-Length: 100001", body=b""), 413, "too large")
        for body in (b"186a1\r\n", b"fffffffffffffff\r\n", b"c350\r\n" + b"x" * 50000 +
                     b"\r\nc351\r\n"):
            replies = self.talk(self.post(b"Transfer-Encoding: chunked", body=body))
            self.assertEqual([reply.status for reply in replies], [413])
        # The reply is readable even to a client that sends everything first.
        replies = self.talk(self.post(b"Content-Length: 3000000", body=b"x" * 3000000))
        self.assertEqual([reply.status for reply in replies], [413])

    def test_unread_body(self):
        # Wholly arrived: out of the way, and the connection goes on.
        request = b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
        last = b"GET /y HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        self.assertEqual([r.status for r in self.talk(request + last)], [200, 200])
        # Not all here: the connection ends, at once.
        started = time.monotonic()
        replies = self.talk(b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\nhello")
        self.assertEqual([r.status for r in replies], [200])
        self.assertEqual(replies[0].headers["connection"], "close")
        self.assertLess(time.monotonic() - started, 4)

    def test_cut_off_body(self):
        with self.server.connect() as sock, sock.makefile("rb") as file:
            sock.sendall(self.post(b"Content-Length: 50"))
            sock.shutdown(socket.SHUT_WR)
            self.assertEqual(read_reply(file).status, 400)

    # Time.

    def test_slow_body(self):
        for lines, piece in (([b"Content-Length: 1000"], b"x"),
                             ([b"Transfer-Encoding: chunked"], b"1\r\nx\r\n")):
            started = time.monotonic()
            with self.server.connect() as sock, sock.makefile("rb") as file:
                sock.sendall(self.post(*lines, body=b""))
                sock.settimeout(0.2)
                reply = None
                while reply is None and time.monotonic() - started < 6:
                    sock.send(piece)
                    try:
                        sock.recv(1, socket.MSG_PEEK)
                        sock.settimeout(5)
                        reply = read_reply(file)
                    except TimeoutError:
                        pass
                self.assertEqual(reply.status, 408)
            self.assertLess(time.monotonic() - started, 3)
            self.assertGreater(time.monotonic() - started, 1.3)

    def test_slow_header(self):
        """One time for all of it, whether it stops or drips, on a new connection or a used one."""
        ask = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
        for used in (False, True):
            for drip in (b"", b"x"):
                with self.subTest(used=used, drip=drip), self.server.connect() as sock, \
                        sock.makefile("rb") as file:
                    if used:
                        sock.sendall(ask)
                        self.assertEqual(read_reply(file).status, 200)
                    started = time.monotonic()
                    sock.sendall(b"GET / HTTP/1.1\r\nHost:")
                    while drip and time.monotonic() - started < 5 and \
                            not select.select([sock], [], [], 0.05)[0]:
                        sock.send(drip)
                    reply = read_reply(file)
                    self.assertEqual(reply.status, 408)
                    self.assertIn(b"header", reply.body)
                    self.assertTrue(0.9 < time.monotonic() - started < 4)

    def test_header_in_pieces(self):
        """Each piece may come to another thread, which knows what was there before."""
        ask = b"GET /a HTTP/1.1\r\nHost: x\r\nX-Probe: in pieces\r\n\r\n"
        with self.server.connect() as sock, sock.makefile("rb") as file:
            for _ in range(2):
                for at in range(0, len(ask), 9):
                    sock.sendall(ask[at:at + 9])
                    time.sleep(0.02)
                self.assertIn(b"|in pieces|", read_reply(file).body)
            # The end of one in the same packet as the begin of the next.
            sock.sendall(ask + ask[:20])
            self.assertIn(b"|in pieces|", read_reply(file).body)
            time.sleep(0.1)
            sock.sendall(ask[20:])
            self.assertIn(b"|in pieces|", read_reply(file).body)

    def test_slow_reader(self):
        with self.server.connect() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.sendall(b"GET /big?50000000 HTTP/1.1\r\nHost: x\r\n\r\n")
            time.sleep(3)
            got, started = 0, time.monotonic()
            try:
                while (part := sock.recv(1 << 20)) and time.monotonic() - started < 20:
                    got += len(part)
            except ConnectionResetError:
                pass
            self.assertLess(got, 50000000)

    def test_silent_connection_ends(self):
        with self.server.connect() as sock:
            started = time.monotonic()
            self.assertEqual(sock.recv(1), b"")
            self.assertLess(time.monotonic() - started, 4)

    # Connections.

    def test_keep_alive(self):
        with self.server.connect() as sock, sock.makefile("rb") as file:
            for i in range(5):
                sock.sendall(b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % i)
                reply = read_reply(file)
                self.assertEqual(reply.status, 200)
                self.assertNotIn("connection", reply.headers)
                self.assertNotIn("server", reply.headers)
            started = time.monotonic()
            self.assertEqual(file.read(), b"")
            self.assertLess(time.monotonic() - started, 3)

    def test_old_protocol(self):
        replies = self.talk(b"GET / HTTP/1.0\r\n\r\n")
        self.assertEqual(replies[0].headers["connection"], "close")
        with self.server.connect() as sock, sock.makefile("rb") as file:
            sock.sendall(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            self.assertEqual(read_reply(file).headers["connection"], "keep-alive")
            sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
            self.assertEqual(read_reply(file).headers["connection"], "close")

    def test_pipelining(self):
        batch = self.post(b"Content-Length: 3", body=b"one")
        batch += self.post(b"Transfer-Encoding: chunked", body=b"3\r\ntwo\r\n0\r\n\r\n")
        batch += b"HEAD /x HTTP/1.1\r\nHost: x\r\n\r\n"
        batch += self.post(b"Content-Length: 5", b"Connection: close", body=b"three")
        with self.server.connect() as sock, sock.makefile("rb") as file:
            sock.sendall(batch)
            replies = [read_reply(file), read_reply(file), read_reply(file, head=True),
                       read_reply(file), read_reply(file)]
        self.assertEqual([r and r.body for r in replies], [b"one", b"two", b"", b"three", None])

    def test_many_pipelined_chunked(self):
        # More than one buffer of them, so that the buffer is moved in the midst of a body.
        one = self.post(b"Transfer-Encoding: chunked", body=b"1f4\r\n" + b"x" * 500 +
                        b"\r\n0\r\n\r\n")
        with self.server.connect() as sock, sock.makefile("rb") as file:
            threading.Thread(target=sock.sendall, args=(one * 200,)).start()
            for _ in range(200):
                self.assertEqual(read_reply(file).body, b"x" * 500)

    def test_head(self):
        reply = self.talk(b"HEAD /big?1234 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                          head=True)[0]
        self.assertEqual((reply.status, reply.headers["content-length"]), (200, "1234"))
        replies = self.talk(b"HEAD /stream HTTP/1.1\r\nHost: x\r\n\r\n"
                            b"HEAD /big?7 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                            head=True)
        self.assertEqual([r.status for r in replies], [200, 200])

    def test_refused_head(self):
        """The answer to a HEAD has no body, also when little of it was understood."""
        for data in (b"HEAD / HTTP/1.1\r\n\r\n", b"HEAD :// HTTP/1.1\r\nHost: x\r\n\r\n",
                     b"HEAD / HTTP/1.1\r\nHost: x\r\nA: \x0c\r\n\r\n",
                     b"\r\nHEAD / HTTP/1.1\r\nHost: x\r\nno field\r\n\r\n"):
            self.assertEqual([r.status for r in self.talk(data, head=True)], [400], data)

    def test_last_request(self):
        """Behind a request that says close nothing is a request, wherever it says so."""
        for lines in (b"Connection: close", b"Connection: keep-alive, Close",
                      b"Connection: keep-alive\r\nConnection: x,close"):
            replies = self.talk(b"GET /a HTTP/1.1\r\nHost: x\r\n" + lines + b"\r\n\r\n"
                                b"GET /b HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertEqual([(r.status, r.headers["connection"]) for r in replies],
                             [(200, "close")], lines)

    def test_empty_lines(self):
        """One in front of a request is passed over (RFC 9112, section 2.2); alone it asks nothing."""
        get = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
        for data, count in ((get + b"\r\n", 1), (get + b"\r\n" + get, 2), (b"\r\n", 0)):
            with self.server.connect() as sock, sock.makefile("rb") as file:
                sock.sendall(data)
                sock.shutdown(socket.SHUT_WR)
                self.assertEqual([reply.status for reply in iter(lambda: read_reply(file), None)],
                                 [200] * count, data)
        # Nor does it when its connection has been idle for too long.
        self.assertEqual([reply.status for reply in self.talk(get + b"\r\n")], [200])

    def test_target_after_a_query(self):
        """What was the query of a request is none of the next one's, which has another form."""
        replies = self.talk(b"GET /" + b"a" * 39 + b"?q HTTP/1.1\r\nHost: x\r\n\r\n"
                            b"OPTIONS * HTTP/1.1\r\nHost: x\r\nA: " + b"#" * 100 + b"\r\n\r\n")
        self.assertEqual([reply.status for reply in replies], [200, 200])

    def test_last_answers_arrive(self):
        """Though more was sent than was read, and the client is slow to take what comes."""
        for last in (b"GET * HTTP/1.1\r\nHost: x\r\n\r\n",
                     b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n"):
            with socket.socket() as sock, sock.makefile("rb") as file:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
                sock.settimeout(10)
                sock.connect(("127.0.0.1", self.server.port))
                sock.sendall(b"GET /big?150000 HTTP/1.1\r\nHost: x\r\n\r\n" + last
                             + b"more" * 15000)
                time.sleep(0.1)
                self.assertEqual(len(read_reply(file).body), 150000)
                reply = read_reply(file)
                self.assertEqual((reply.status, reply.headers["connection"]), (200, "close"))

    def test_expect(self):
        with self.server.connect() as sock, sock.makefile("rb") as file:
            sock.sendall(self.post(b"Content-Length: 5", b"Expect: 100-continue", body=b""))
            self.assertEqual(read_reply(file).status, 100)
            sock.sendall(b"hello")
            self.assertEqual(read_reply(file).body, b"hello")
            # The body came without waiting: no go-ahead is due.
            sock.sendall(self.post(b"Content-Length: 5", b"Expect: 100-continue"))
            self.assertEqual(read_reply(file).body, b"hello")
        self.refused(self.post(b"Content-Length: 5", b"Expect: miracles"), 417, "100-continue")
        self.refused(self.post(b"Content-Length: 500000", b"Expect: 100-continue", body=b""), 413,
                     "too large")

    def test_request_line(self):
        reply = self.talk(b"\r\nGET /a%2Fb/../c?q=%20&r HTTP/1.1\r\nHost: x\r\nX-Probe:  v w \r\n"
                          b"Connection: close\r\n\r\n")[0]
        self.assertEqual(reply.body, b"GET|/a%2Fb/../c|q=%20&r|v w|127.0.0.1")
        self.assertNotIn("x-evil", reply.headers)
        reply = self.talk(b"GET http://127.0.0.1:%d/abs HTTP/1.1\r\nHost: x\r\n"
                          b"Connection: close\r\n\r\n" % self.server.port)[0]
        self.assertEqual(reply.body.split(b"|")[1], b"/abs")

    def test_targets_that_name_another_server(self):
        for target, path, query in ((b"http://x/abs?q=1", b"/abs", b"q=1"),
                                    (b"http://other:99/a?b://c", b"/a", b"b://c"),
                                    (b"https://x:1/", b"/", b""), (b"*", b"*", b"")):
            replies = self.talk(b"GET /first HTTP/1.1\r\nHost: x\r\n\r\nGET " + target +
                                b" HTTP/1.1\r\nHost: x\r\nX-Probe: v\r\n\r\n")
            self.assertEqual([reply.status for reply in replies], [200, 200], target)
            self.assertEqual(replies[1].body.split(b"|")[1:4], [path, query, b"v"])
            self.assertEqual(replies[1].headers["connection"], "close")
        replies = self.talk(b"POST http://x/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"
                            b"hello")
        self.assertEqual([reply.body for reply in replies], [b"hello"])
        self.refused(b"GET http://x/abs HTTP/1.1\r\nContent-Length: 1\r\n\r\n", 400, "Host")
        self.refused(b"GET * HTTP/2.0\r\nHost: x\r\n\r\n", 505, "HTTP/1.1")
        self.refused(b"GET http://x HTTP/1.1\r\nHost: x\r\n\r\n", 400, "malformed")

    def test_headers_that_must_be_alone(self):
        for name in (b"Authorization", b"Content-Type"):
            self.refused(self.post(b"Content-Length: 5", name + b": a", name.lower() + b": a"),
                         400, name.decode())

    def test_no_answer(self):
        self.refused(b"GET /silent HTTP/1.1\r\nHost: x\r\n\r\n", 500, "not answered")

    # Streams.

    def test_stream(self):
        lines = b"line 0\nline 1\nline 2\n"
        request = b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n"
        with self.server.connect() as sock, sock.makefile("rb") as file:
            sock.sendall(request)
            self.assertEqual(read_reply(file).body, lines)
            sock.sendall(request)
            self.assertEqual(read_reply(file).body, lines)
        reply = self.talk(b"GET /stream HTTP/1.0\r\n\r\n")[0]
        self.assertEqual((reply.body, reply.headers["connection"]), (lines, "close"))
        self.assertTrue(self.talk(b"GET /cut HTTP/1.1\r\nHost: x\r\n\r\n")[0].body.endswith(b"[cut]"))

    def test_stream_notices_that_the_client_left(self):
        before = int(self.talk(b"GET /streams-left HTTP/1.0\r\n\r\n")[0].body)
        with self.server.connect() as sock:
            sock.sendall(b"GET /until-gone HTTP/1.1\r\nHost: x\r\n\r\n")
            sock.recv(10)
        for _ in range(50):
            if int(self.talk(b"GET /streams-left HTTP/1.0\r\n\r\n")[0].body) == before + 1:
                return
            time.sleep(0.05)
        self.fail("the stream went on without its client")


if __name__ == "__main__":
    unittest.main()

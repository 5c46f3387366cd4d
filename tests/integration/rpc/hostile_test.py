#!/usr/bin/python3
"""HTTP/2 clients that mean harm, or know no better, against a server of lib/rpc: what it answers, that
others are served meanwhile, and that nothing of it stays."""

import contextlib
import gzip
import os
import re
import socket
import struct
import subprocess
import tempfile
import threading
import time
import unittest

import frames
import grpc
from frames import (ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PADDED, PING,
                    PREFACE, PRIORITISED, PRIORITY, PUSH_PROMISE, RST_STREAM, SETTINGS,
                    WINDOW_UPDATE, Connection, frame, header, message, request, settings)
from greeter import HELLO, Greeter, hello, varint
from harness.certificates import Authority
from harness.tools import run_tool
from harness.waiting import until

HERE = "tests/integration/rpc/"
MANY = "/greet.v1.Greeter/Many"
CALL = request(HELLO)
OK, INVALID, LATE, EXHAUSTED = 0, 3, 4, 8
MEBI = 1 << 20
# A sanitizer keeps freed memory for a while, so that its use can be seen.
SANITIZED = any(name in os.environ for name in ("ASAN_OPTIONS", "TSAN_OPTIONS"))


class Victim(Greeter):
    """With limits that a test reaches."""

    def __init__(self, **env):
        super().__init__(**{
            "GRPC_MAX_DEADLINE_MS": "3s", "GRPC_MAX_MESSAGE_BYTES": "1MiB", "GRPC_MAX_CALLS": "200",
            "GRPC_MAX_CONNECTION_CALLS": "100", "GRPC_MAX_BUFFER_BYTES": "64MiB",
            "GRPC_MAX_STREAMS": "20", "LOG_LEVEL": "warn", **env})

    def _status(self, name):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return int(re.search(rf"^{name}:\s+(\d+)", status.read(), re.M).group(1))

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def threads(self):
        return self._status("Threads")

    def resident(self):
        return self._status("VmRSS") * 1024

    def log_text(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()


class HostileTest(unittest.TestCase):
    """Every test ends with the server as it was before, and a friend of it is served in between."""

    env = {}

    @classmethod
    def setUpClass(cls):
        cls.server = Victim(**cls.env)
        cls.addClassCleanup(cls.end)
        cls.server.start()
        cls.channel = grpc.insecure_channel(f"127.0.0.1:{cls.server.port}")
        cls.addClassCleanup(cls.channel.close)
        cls.call = cls.channel.unary_unary(HELLO)

    @classmethod
    def end(cls):
        code = cls.server.stop()
        if code != 0:
            raise AssertionError(f"the server ended with {code}:\n{cls.server.log_text()[-4000:]}")

    def setUp(self):
        self.connections = []
        self.friend()
        self.before = (self.server.descriptors(), self.server.threads(), self.server.resident())

    def tearDown(self):
        self.friend()
        for one in self.connections:
            one.close()
        descriptors, threads, resident = self.before
        until("the descriptors are closed", lambda: self.server.descriptors() <= descriptors + 2, 20)
        # The C core starts threads when it needs more, and keeps some.
        until("the threads are gone", lambda: self.server.threads() <= threads + 8, 20)
        if not SANITIZED:
            until("the memory is given back",
                  lambda: self.server.resident() < resident + 32 * MEBI, 20)

    def friend(self):
        """Somebody else's call, within its deadline."""
        self.assertIn(b"Hello, friend", self.call(hello(b"friend"), timeout=20))

    def friend_is_served(self):
        """The same where so many connections call that one more may be told to come back."""
        try:
            self.friend()
        except grpc.RpcError as error:
            self.assertEqual(error.code(), grpc.StatusCode.RESOURCE_EXHAUSTED, error)
            return False
        return True

    def connect(self, hello=PREFACE + settings(table=0)):
        self.connections.append(Connection(self.server.port, hello))
        return self.connections[-1]

    def alive(self, connection):
        """Whether the server still listens to it."""
        before = connection.acked
        connection.send(frame(PING, payload=b"anybody?"))
        return connection.until(lambda: connection.acked > before)

    # Many calls.

    def test_more_calls_on_a_connection_than_it_may_have(self):
        connection = self.connect().agree()
        connection.send(b"".join(frame(HEADERS, END_HEADERS, 1 + 2 * n, CALL) for n in range(3000)))
        self.assertTrue(connection.wait_closed())

    def test_more_calls_than_there_may_be(self):
        """From a client that has not seen (acknowledged) what a connection may have. The friend
        comes when all places are taken, and is not the one who is refused."""
        connection = self.connect()
        slow = message(hello(take_ms=1500))
        connection.send(b"".join(
            frame(HEADERS, END_HEADERS, 1 + 2 * n, CALL) +
            frame(DATA, END_STREAM, 1 + 2 * n, slow) for n in range(3000)))
        answers = connection.answers
        self.assertTrue(connection.until(
            lambda: sum(one.code() == EXHAUSTED for one in answers.values()) >= 2700))
        self.friend()
        self.assertTrue(connection.until(
            lambda: sum(one.over() for one in answers.values()) == 3000, 60))
        self.assertLessEqual({one.code() for one in answers.values()}, {OK, LATE, EXHAUSTED})
        self.assertEqual({one.text() for one in answers.values() if one.code() == EXHAUSTED},
                         {"too many calls are open at once: try again later"})

    def test_methods_take_turns(self):
        """A method whose calls are slow keeps those of another waiting for a turn, not until all of
        its own have ended; also on one connection, for a gateway has no more."""
        connection = self.connect().agree()
        slow = [connection.start(request("/greet.v1.Greeter/HelloOnce"),
                                 message(hello(take_ms=400))) for _ in range(90)]
        time.sleep(0.2)  # they wait in line
        answer = connection.answer(connection.start(CALL, message(hello())))
        self.assertEqual(answer.code(), OK, answer.text())
        self.assertLess(sum(connection.answers[one].over() for one in slow
                            if one in connection.answers), 60)

    def test_rapid_reset(self):
        """CVE-2023-44487: calls that are taken back at once count for nothing in HTTP/2."""
        reset = struct.pack(">I", frames.CANCEL)
        body = message(hello(take_ms=1000))
        for with_message in (False, True):
            connection = self.connect()
            for start in range(0, 200000, 2000):
                connection.send(b"".join(
                    frame(HEADERS, END_HEADERS, stream, CALL) +
                    (frame(DATA, END_STREAM, stream, body) if with_message else b"") +
                    frame(RST_STREAM, 0, stream, reset)
                    for stream in range(1 + 2 * start, 1 + 2 * (start + 2000), 2)))
                self.friend()
                if connection.closed:
                    break
            self.assertTrue(connection.closed)
        self.assertIn("it took its calls back", self.server.log_text())

    def test_streams_have_a_share(self):
        connection = self.connect()
        endless = message(hello(times=2**31 - 1, take_ms=1000))
        for _ in range(60):
            connection.start(request(MANY), endless)
        answers = connection.answers
        self.assertTrue(connection.until(
            lambda: sum(one.over() for one in answers.values()) == 40))
        self.assertEqual({(one.code(), one.text()) for one in answers.values() if one.over()},
                         {(EXHAUSTED, "too many streams are open")})
        self.friend()

    # Clients that do not take what they asked for.

    def test_windows_that_never_open(self):
        clients = [self.connect(PREFACE + settings(table=0, window=window)) for window in (0, 1)]
        reply = message(hello(b"x" * 500))  # all of them fit into the server's window
        endless = message(hello(b"x" * 1000, times=2**31 - 1))
        streams = [(client, client.start(head, body)) for client in clients
                   for head, body in [(CALL, reply)] * 40 + [(request(MANY), endless)] * 10]
        self.friend()
        before = self.server.resident()
        for client, stream in streams:
            answer = client.answer(stream)
            self.assertTrue(answer.over(), (client.closed, client.goaway, stream))
            self.assertNotEqual(answer.code(), OK)
        if not SANITIZED:
            self.assertLess(self.server.resident(), before + 32 * MEBI)

    # Floods of frames that ask for nothing.

    def flood(self, data, reads=True):
        connection = self.connect()
        connection.agree()
        if reads:
            connection.send(data)
        else:
            connection.send_blind(data, timeout=2)
        self.friend()
        return connection

    def test_floods(self):
        post = frame(HEADERS, END_HEADERS, 1, CALL)
        window = frame(SETTINGS, payload=struct.pack(">HI", frames.INITIAL_WINDOW_SIZE, 65535))
        floods = {
            "SETTINGS": window * 50000,
            "PING": frame(PING, payload=b"12345678") * 50000,
            "PRIORITY": frame(PRIORITY, 0, 1, b"\0\0\0\0\1") * 50000,
            "PRIORITY of many": b"".join(frame(PRIORITY, 0, 1 + 2 * n, b"\0\0\0\0\1")
                                         for n in range(50000)),
            "empty DATA": post + frame(DATA, 0, 1) * 50000,
            "WINDOW_UPDATE": post + frame(WINDOW_UPDATE, 0, 1, b"\0\0\0\1") * 50000,
            "RST_STREAM": b"".join(frame(RST_STREAM, 0, 1 + 2 * n, b"\0\0\0\x08")
                                   for n in range(50000)),
            "empty CONTINUATION": frame(HEADERS, 0, 1, CALL) + frame(CONTINUATION, 0, 1) * 50000,
        }
        for reads in (True, False):
            for name, data in floods.items():
                with self.subTest(name, reads=reads):
                    before = self.server.resident()
                    self.flood(data, reads).close()
                    if not SANITIZED:
                        self.assertLess(self.server.resident(), before + 32 * MEBI)

    def test_continuation_flood(self):
        """CVE-2024-27316: headers without end. The C core takes them all."""
        connection = self.connect()
        connection.send(frame(HEADERS, 0, 1, CALL))
        more = frame(CONTINUATION, 0, 1, header("x-a", "y" * 16000)) * 500
        for _ in range(100):
            connection.send(more)
            self.friend()
            if connection.closed:
                break
        self.assertTrue(connection.closed)
        self.assertIn("it sent too much without a call", self.server.log_text())

    def test_a_busy_connection_is_no_flood(self):
        """It sends more than that, in calls that are served."""
        connection = self.connect()
        body = message(hello(b"x" * 60000))
        for _ in range(500):
            self.assertEqual(connection.answer(connection.start(CALL, body)).code(), OK)
            connection.send(frame(WINDOW_UPDATE, payload=struct.pack(">I", 65535)))
        self.assertFalse(connection.closed)

    def test_headers_that_are_too_long(self):
        connection = self.connect()
        connection.send(frame(HEADERS, 0, 1, CALL) +
                        frame(CONTINUATION, 0, 1, header("x-a", "y" * 16000)) * 20 +
                        frame(CONTINUATION, END_HEADERS, 1) +
                        frame(DATA, END_STREAM, 1, message(hello())))
        answer = connection.answer(1)
        self.assertEqual((answer.code(), answer.text()),
                         (EXHAUSTED, "the metadata is longer than 16 KiB"))
        stream = self.connect()
        stream.send(frame(HEADERS, 0, 1, request(MANY)) +
                    frame(CONTINUATION, 0, 1, header("x-a", "y" * 16000)) * 20 +
                    frame(CONTINUATION, END_HEADERS, 1) +
                    frame(DATA, END_STREAM, 1, message(hello(times=1))))
        self.assertEqual(stream.answer(1).text(), "the metadata is longer than 16 KiB")

    def test_hpack_bomb(self):
        """A long header that is put into the table once, and named ten thousand times."""
        indexed = b"\x40\x03x-b\x7f" + varint(3900 - 127) + b"z" * 3900
        connection = self.connect().agree()
        self.assertTrue(self.alive(connection))
        connection.send(frame(HEADERS, END_HEADERS, 1, CALL + indexed) +
                        frame(HEADERS, END_HEADERS, 3, CALL + b"\xbe" * 10000))
        self.assertEqual(self.outcome(connection, 3), "refused")

    # Frames that are not allowed.

    def outcome(self, connection, stream=1):
        """What became of it: closed, refused (the call), served, or ignored."""
        answer = connection.answers.setdefault(stream, frames.Answer())
        before = connection.acked
        connection.send(frame(PING, payload=b"anybody?"))
        connection.until(lambda: answer.over() or connection.acked > before)
        connection.until(answer.over, 0.1)
        if answer.over():
            return "served" if answer.code() == OK else "refused"
        if connection.closed:
            return "closed"
        return "ignored" if connection.acked > before else "silent"

    def test_illegal_frames(self):
        good = frame(HEADERS, END_HEADERS, 1, CALL) + frame(DATA, END_STREAM, 1, message(hello()))
        cases = {
            "PING of 3 bytes": (frame(PING, payload=b"123"), "closed"),
            "SETTINGS of 5 bytes": (frame(SETTINGS, payload=b"12345"), "closed"),
            "SETTINGS ack with payload": (frame(SETTINGS, ACK, payload=b"123456"), "closed"),
            "SETTINGS on a stream": (frame(SETTINGS, 0, 1), "closed"),
            "WINDOW_UPDATE of 0": (frame(WINDOW_UPDATE, payload=b"\0\0\0\0"), "closed"),
            "window beyond 2^31": (frame(WINDOW_UPDATE, payload=b"\x7f\xff\xff\xff") * 2, "ignored"),
            "DATA on stream 0": (frame(DATA, 0, 0, b"x"), "ignored"),
            "HEADERS on stream 0": (frame(HEADERS, END_HEADERS, 0, CALL), "ignored"),
            "an even stream": (frame(HEADERS, END_HEADERS, 2, CALL), "ignored"),
            "a lower stream": (frame(HEADERS, END_HEADERS, 5, CALL) + good, "ignored"),
            "DATA on an idle stream": (frame(DATA, 0, 7, b"xxx"), "ignored"),
            "RST_STREAM of an idle stream": (frame(RST_STREAM, 0, 7, b"\0\0\0\1"), "ignored"),
            "RST_STREAM of 1 byte": (frame(RST_STREAM, 0, 1, b"\0"), "closed"),
            "HEADERS with bad padding": (frame(HEADERS, END_HEADERS | PADDED, 1, b"\xff" + CALL),
                                         "refused"),
            "PUSH_PROMISE": (frame(PUSH_PROMISE, END_HEADERS, 1, b"\0\0\0\2" + CALL), "ignored"),
            "CONTINUATION alone": (frame(CONTINUATION, END_HEADERS, 1, CALL), "closed"),
            "PING among headers": (frame(HEADERS, 0, 1, CALL) + frame(PING, payload=b"12345678"),
                                   "refused"),
            "an unknown frame": (frame(77, 0xff, 1, b"hello") + good, "served"),
            "a frame of 100 kB": (frame(DATA, 0, 1, b"x" * 100000), "closed"),
            "a length that lies": (frame(DATA, 0, 1, b"x", length=0xffffff), "closed"),
            "HPACK index out of range": (frame(HEADERS, END_HEADERS, 1, b"\xff" * 8), "refused"),
            "HPACK table of 16 MB": (frame(HEADERS, END_HEADERS, 1,
                                           b"\x3f\xe1\xff\xff\x07" + CALL), "refused"),
            "GOAWAY": (frame(GOAWAY, payload=b"\0" * 8), "ignored"),
            "HEADERS twice": (frame(HEADERS, END_HEADERS, 1, CALL) * 2, "refused"),
            "a stream that depends on itself": (
                frame(HEADERS, END_HEADERS | PRIORITISED, 1, b"\0\0\0\1\xff" + CALL) +
                frame(DATA, END_STREAM, 1, message(hello())), "served"),
        }
        for name, (data, expected) in cases.items():
            with self.subTest(name), contextlib.closing(self.connect()) as connection:
                connection.send(data)
                self.assertEqual(self.outcome(connection), expected)
                self.friend()

    def test_other_protocols(self):
        for data in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03",
                     b"\0" * 1000, PREFACE + b"\xff" * 100):
            with self.subTest(data[:10]), contextlib.closing(self.connect(data)) as connection:
                self.assertTrue(connection.wait_closed())
                self.friend()

    # Messages.

    def test_messages_that_do_not_come(self):
        """Each says that it has 1 MiB, and a byte of it arrives."""
        connection = self.connect()
        streams = [connection.start(request(path), message(b"x", length=MEBI), end=False)
                   for path in [HELLO] * 90 + [MANY] * 10]
        self.friend()
        for stream in streams[:90]:
            answer = connection.answer(stream)
            self.assertEqual((answer.code(), answer.text()),
                             (LATE, "the request did not arrive in time"))

    def test_messages_that_almost_come(self):
        """Each is there but for its last byte: as much as HTTP/2's windows let through. A place is
        left for the friend."""
        body = message(b"x" * (MEBI - 1), length=MEBI)
        before, done = self.server.resident(), threading.Event()

        def fill():
            with contextlib.closing(Connection(self.server.port)) as connection:
                connection.agree()
                streams = [connection.start(CALL, end=False) for _ in range(45)]
                for stream in streams:
                    if not connection.pour(stream, body, done):
                        break
                done.wait(20)

        fillers = [threading.Thread(target=fill) for _ in range(4)]
        for one in fillers:
            one.start()
        most = before
        for _ in range(10):
            self.friend()
            most = max(most, self.server.resident())
            done.wait(0.1)
        done.set()
        for one in fillers:
            one.join()
        if not SANITIZED:
            self.assertLess(most, before + 160 * MEBI)

    def test_odd_messages(self):
        zipped = gzip.compress(hello())
        packed = request(HELLO, ("grpc-encoding", "gzip"))
        bomb = gzip.compress(bytes(64 * MEBI))
        malformed = "not a valid greet.v1.HelloRequest"
        short = "the call ended without a message"
        long = "the message is longer than 1048576 bytes when it is not compressed"
        cases = {
            "gzip": (packed, message(zipped, 1), OK, ""),
            "an unknown flag": (CALL, message(hello(), 2), OK, ""),
            "compressed, not said how": (CALL, message(zipped, 1), INVALID, malformed),
            "an unknown encoding": (request(HELLO, ("grpc-encoding", "odd")), message(zipped, 1),
                                    INVALID, malformed),
            "garbage as gzip": (packed, message(b"garbage", 1), INVALID,
                                "the message cannot be decompressed"),
            "a bomb": (packed, message(bomb, 1), EXHAUSTED, long),
            "no message": (CALL, b"", INVALID, short),
            "half a prefix": (CALL, b"\0\0", INVALID, short),
            "a cut message": (CALL, message(b"x", length=100), INVALID, short),
            "two messages": (CALL, message(hello()) * 2, OK, ""),
        }
        for name, (head, body, code, text) in cases.items():
            with self.subTest(name), contextlib.closing(self.connect()) as connection:
                answer = connection.answer(connection.start(head, body))
                self.assertEqual((answer.code(), answer.text()), (code, text))
                self.friend()

    def test_messages_of_many_small_fields(self):
        """protobuf-c makes up to 100 bytes of each."""
        field = b"\x78\x01"
        self.assertIn(b"Hello, Ada!", self.call(hello() + field * 90000, timeout=20))
        with self.assertRaises(grpc.RpcError) as refused:
            self.call(hello() + field * 100000, timeout=20)
        self.assertEqual(refused.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)
        self.assertEqual(refused.exception.details(), "the message has more than 100000 fields")

    def test_messages_that_are_too_long(self):
        connection = self.connect().agree()
        stream = connection.start(CALL, end=False)
        connection.pour(stream, message(b"x" * (MEBI + 1)), threading.Event())
        answer = connection.answer(stream)
        self.assertEqual(answer.code(), EXHAUSTED)
        self.assertIn("(1048577 vs. 1048576)", answer.text())

    def test_a_message_without_end(self):
        """The C core takes it all before it looks how long it is."""
        connection = self.connect().agree()
        stream = connection.start(CALL, end=False)
        before, body = self.server.resident(), message(b"x" * (300 * MEBI), length=1 << 30)
        self.assertFalse(connection.pour(stream, body, threading.Event()))
        if not SANITIZED:
            self.assertLess(self.server.resident(), before + 160 * MEBI)

    def test_replies_that_are_too_long(self):
        """Twice as long as a request may be."""
        everyone = self.channel.stream_unary("/greet.v1.Greeter/All")
        names = [hello(b"x" * (900 << 10))] * 3
        self.assertGreater(len(everyone(iter(names[:2]), timeout=20)), 1800 << 10)
        with self.assertRaises(grpc.RpcError) as refused:
            everyone(iter(names), timeout=20)
        self.assertEqual(refused.exception.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
        self.assertEqual(refused.exception.details(),
                         "the reply is longer than 2097152 bytes: ask for less at once")

    # Headers.

    def test_odd_headers(self):
        cases = {
            "upper case": (request(HELLO, ("X-Upper", "1")), "served"),
            "no name": (request(HELLO, ("", "1")), "served"),
            "NUL": (request(HELLO, ("x-a", "a\0b"), ("x-request-id", "a\0b")), "served"),
            "line end": (request(HELLO, ("x-request-id", "a\r\nb")), "served"),
            "not ASCII": (request(HELLO, ("x-a", b"\xff\xfe")), "served"),
            "not base64": (request(HELLO, ("x-bin", "!!!")), "refused"),
            "an unknown pseudo-header": (request(HELLO, (":odd", "1")), "served"),
            "no te": (request(HELLO, leave_out=("te",)), "refused"),
            "te: gzip": (request(HELLO, te="gzip"), "refused"),
            "content-type: text/html": (request(HELLO, content_type="text/html"), "served"),
            "GET": (request(HELLO, method="GET"), "refused"),
            "no path": (request(HELLO, leave_out=(":path",)), "refused"),
            "no authority": (request(HELLO, leave_out=(":authority",)), "refused"),
            "no method": (request(HELLO, leave_out=(":method",)), "refused"),
            "empty path": (request(""), "refused"),
            "path with ..": (request("/greet.v1.Greeter/../Hello"), "refused"),
            "path with NUL": (request(HELLO + "\0"), "refused"),
            "path of 5 kB": (request("/" + "a" * 5000), "refused"),
            "two paths": (request(HELLO, (":path", "/x/y")), "refused"),
            "scheme ftp": (request(HELLO, scheme="ftp"), "refused"),
            "300 headers": (request(HELLO, *((f"a{n}", "") for n in range(300))), "served"),
            "traceparent": (request(HELLO, ("traceparent", "zz-" * 20)), "served"),
            "authorization": (request(HELLO, ("authorization", b"Bearer \xff")), "served"),
            "no time": (request(HELLO, ("grpc-timeout", "0n")), "refused"),
        }
        for text in ("", "x", "10", "-1S", "99999999H", "999999999H", "1S1S", "1.5S", " 1S", "\0"):
            cases[f"grpc-timeout: {text!r}"] = (request(HELLO, ("grpc-timeout", text)), "served")
        for name, (head, expected) in cases.items():
            with self.subTest(name), contextlib.closing(self.connect()) as connection:
                answer = connection.answer(connection.start(head, message(hello())))
                self.assertEqual("served" if answer.code() == OK else "refused", expected)
                self.friend()

    def test_no_deadline_is_longer_than_ours(self):
        connection = self.connect()
        calls = [connection.start(request(HELLO, *more), message(hello(take_ms=60000)))
                 for more in ((), (("grpc-timeout", "99999999H"),), (("grpc-timeout", "odd"),))]
        self.assertEqual([connection.answer(call).code() for call in calls], [LATE] * 3)

    # Everything at once, by somebody else's program.

    def test_h2load(self):
        with tempfile.NamedTemporaryFile() as body:
            body.write(message(hello()))
            body.flush()
            load = subprocess.Popen(
                ["h2load", "-n", "20000", "-c", "100", "-m", "100", "-t", "1", "-d", body.name,
                 "-H", "te: trailers", "-H", "content-type: application/grpc",
                 f"http://127.0.0.1:{self.server.port}{HELLO}"],
                stdout=subprocess.PIPE, text=True)
            while load.poll() is None:
                self.friend_is_served()
            said = load.communicate()[0]
        until("everybody is served again", self.friend_is_served, 20)
        self.assertEqual(load.returncode, 0, said)
        self.assertIn("20000 done, 20000 succeeded, 0 failed, 0 errored", said)


class SilentTest(unittest.TestCase):
    """Connections that say nothing, or begin a TLS handshake and leave it at that."""

    def test_silent_connections(self):
        authority = Authority(tempfile.mkdtemp())
        own = authority.issue("greeter", ["DNS:localhost"])
        server = Victim(GRPC_TLS_CERT_FILE=own.cert, GRPC_TLS_KEY_FILE=own.key)
        server.start()
        self.addCleanup(server.stop)
        before = server.descriptors()
        silent = []
        for number in range(500):
            one = socket.create_connection(("127.0.0.1", server.port), 10)
            self.addCleanup(one.close)
            if number % 2:
                one.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
            silent.append(one)
        with open(authority.cert, "rb") as file:
            credentials = grpc.ssl_channel_credentials(file.read())
        with grpc.secure_channel(f"localhost:{server.port}", credentials) as channel:
            reply = channel.unary_unary(HELLO)(hello(b"friend"), timeout=20)
            self.assertIn(b"Hello, friend", reply)
        until("they are closed", lambda: server.descriptors() <= before + 2, 60)
        for one in silent:
            one.settimeout(5)
            with contextlib.suppress(ConnectionError):
                self.assertEqual(one.recv(1000)[-1:], b"")  # after an alert, if any
        self.assertEqual(server.stop(), 0)


class ReflectionTest(unittest.TestCase):
    """GRPC_REFLECTION is off unless it is asked for."""

    def grpcurl(self, server, *args):
        return run_tool("grpcurl", "-plaintext", "-d", '{"name": "Ada"}', *args[:-1],
                        f"127.0.0.1:{server.port}", args[-1])

    def test_off_and_on(self):
        with Greeter() as server:
            done = self.grpcurl(server, "list")
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("does not support the reflection API", done.stderr)
            done = self.grpcurl(server, "greet.v1.Greeter/Hello")
            self.assertNotEqual(done.returncode, 0)
            done = self.grpcurl(server, "-protoset", HERE + "greet_contract_descriptor_set.binpb",
                                "greet.v1.Greeter/Hello")
            self.assertIn("Hello, Ada!", done.stdout)
            with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
                info = channel.stream_stream(
                    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo")
                with self.assertRaises(grpc.RpcError) as refused:
                    next(info(iter([b""]), timeout=20))
                self.assertEqual(refused.exception.code(), grpc.StatusCode.UNIMPLEMENTED)
                health = channel.unary_unary("/grpc.health.v1.Health/Check")
                self.assertEqual(health(b"", timeout=20), b"\x08\x01")
        with Greeter(GRPC_REFLECTION="true") as server:
            self.assertIn("greet.v1.Greeter", self.grpcurl(server, "list").stdout)
            self.assertIn("Hello, Ada!",
                          self.grpcurl(server, "greet.v1.Greeter/Hello").stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)

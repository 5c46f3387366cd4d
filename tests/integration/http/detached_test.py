#!/usr/bin/python3
"""lib/http when requests are detached, and answered later by other threads."""

import contextlib
import os
import select
import socket
import threading
import time
import unittest

import http_test
from wire import Server, read_reply


def connect_small(server):
    """A connection that takes little at a time."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    sock.settimeout(10)
    sock.connect(("127.0.0.1", server.port))
    return sock


class DetachedTest(http_test.HttpTest):
    """All of http_test's."""

    settings = ("detach=1", "max_waiting=1000")

    def test_many_wait_on_few_threads(self):
        """Requests that are answered later hold no thread meanwhile."""
        server = Server("detach=1", "max_waiting=1000", "keep_alive=30000")
        with contextlib.ExitStack() as stack:
            def connect():
                sock = stack.enter_context(server.connect())
                return sock, stack.enter_context(sock.makefile("rb"))

            pairs = [connect() for _ in range(200)]
            for _ in range(20):
                for number, (sock, _) in enumerate(pairs):
                    sock.sendall(b"GET /a HTTP/1.1\r\nHost: x\r\nX-Probe: %d\r\n\r\n" % number)
                for number, (_, file) in enumerate(pairs):
                    reply = read_reply(file)
                    self.assertEqual(reply.status, 200)
                    # What its handler knew of it is none of another one's by now.
                    self.assertEqual(reply.headers["x-kept"], str(number))
                    if reply.headers.get("connection") == "close":  # most threads had to wait
                        pairs[number] = connect()
        self.assertEqual(server.stop(), 0)

    def test_next_request_may_come_first(self):
        """The next request comes before the answer, by bytes; then it waits for its turn."""
        request = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
        with self.server.connect() as sock, sock.makefile("rb") as file:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            whole = request * 50
            for at in range(0, len(whole), 7):
                sock.sendall(whole[at:at + 7])
            for _ in range(50):
                self.assertEqual(read_reply(file).body, b"hello")

    def test_slow_readers_of_answers_from_elsewhere(self):
        """What the socket does not take at once is sent by a thread of the server."""
        with contextlib.ExitStack() as stack:
            files = []
            for _ in range(20):
                sock = stack.enter_context(connect_small(self.server))
                sock.sendall(b"GET /big?9000000 HTTP/1.1\r\nHost: x\r\n\r\n")
                files.append(stack.enter_context(sock.makefile("rb")))
            for file in files:  # within the time that a reader has: one after the other
                self.assertIn(len(file.read(9_000_000)), range(1, 9_000_001))
        self.assertEqual(self.talk(b"GET /a HTTP/1.0\r\n\r\n")[0].status, 200)

    def test_gone_clients(self):
        for _ in range(100):
            with self.server.connect() as sock:
                sock.sendall(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertEqual(self.talk(b"GET /a HTTP/1.0\r\n\r\n")[0].status, 200)


class RunnersTest(unittest.TestCase):
    """As many threads run at once as there are processors. Who would keep one for long says so, and
    another takes its place; otherwise one comes to help only when somebody has been in line for
    HELP seconds."""

    HELP = 0.2

    def setUp(self):
        self.most = len(os.sched_getaffinity(0))
        self.server = Server("detach=1", "header=60000", "request=60000", "keep_alive=60000",
                             f"threads={4 * self.most + 16}", "answers=4000000000")
        self.addCleanup(lambda: self.assertEqual(self.server.stop(), 0))

    def meeting(self):
        """As many others as may run at once do so; how long that took."""
        started = time.monotonic()
        with contextlib.ExitStack() as stack:
            socks = [stack.enter_context(self.server.connect()) for _ in range(self.most)]
            for sock in socks:
                sock.sendall(b"GET /meet?%d HTTP/1.1\r\nHost: x\r\n\r\n" % self.most)
            for sock in socks:
                with sock.makefile("rb") as file:
                    self.assertEqual(read_reply(file).body, b"x")
        return time.monotonic() - started

    def assert_others_run(self):
        """Most of some meetings in a row; a machine that is busy otherwise may need several tries,
        and where others do not run, each meeting waits for help."""
        for _ in range(20):
            times = sorted(self.meeting() for _ in range(20))
            if times[10] < self.HELP:
                return
        self.fail(f"half of the meetings took longer than {times[10]} s")

    def pipeline(self, sock, ended):
        batch = b"GET /now?1 HTTP/1.1\r\nHost: x\r\n\r\n" * 4000
        sock.setblocking(False)
        rest = b""
        while not ended.is_set():
            readable, writable, _ = select.select([sock], [sock], [], 1)
            if readable:
                sock.recv(1 << 20)
            if writable:
                rest = rest or batch
                rest = rest[sock.send(rest):]

    def test_who_pipelines_without_end(self):
        ended = threading.Event()
        with contextlib.ExitStack() as stack:
            for _ in range(self.most):
                thread = threading.Thread(target=self.pipeline, args=(
                    stack.enter_context(self.server.connect()), ended))
                thread.start()
                stack.callback(thread.join)
            stack.callback(ended.set)
            time.sleep(0.3)
            self.assert_others_run()

    def test_who_does_not_read_what_is_sent(self):
        with contextlib.ExitStack() as stack:
            for _ in range(self.most):
                sock = stack.enter_context(connect_small(self.server))
                sock.sendall(b"GET /now?9000000 HTTP/1.1\r\nHost: x\r\n\r\n")
                sock.recv(1)
            self.assert_others_run()


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/python3
"""What one address may have of what all share: connections, threads, memory for bodies and for
answers."""

import contextlib
import re
import select
import socket
import ssl
import tempfile
import threading
import time
import unittest

from harness.certificates import Authority
from wire import Server, read_reply

MIB = 1 << 20


class SharesTest(unittest.TestCase):
    def serve(self, *settings):
        server = Server(*settings)
        self.addCleanup(server.stop)
        return server

    def connect(self, server, source="127.0.0.1"):
        connection = socket.create_connection(("127.0.0.1", server.port), 20, (source, 0))
        self.addCleanup(connection.close)
        return connection

    def ask(self, connection, request=b"GET /info HTTP/1.1\r\nHost: x\r\n\r\n"):
        """The reply, or None when the connection ends without one."""
        try:
            connection.sendall(request)
            with connection.makefile("rb") as file:
                return read_reply(file)
        except ConnectionError:
            return None

    def eventually(self, check, what):
        until = time.monotonic() + 20
        while not check():
            self.assertLess(time.monotonic(), until, what)
            time.sleep(0.05)

    def works(self, server, source="127.0.0.1"):
        connection = self.connect(server, source)
        reply = self.ask(connection)
        connection.close()
        return reply is not None and reply.status == 200

    def assert_turned_away(self, connection, status=429):
        """Without a word from us: the status says why, then the connection ends."""
        with connection.makefile("rb") as file:
            reply = read_reply(file)
            self.assertEqual(reply.status, status)
            self.assertEqual(reply.headers["retry-after"], "1")
            self.assertEqual(reply.headers["connection"], "close")
            self.assertEqual(file.read(), b"")

    def test_the_line_for_threads_has_an_end(self):
        server = self.serve("threads=4", "max_waiting=20", "keep_alive=60000")
        serving = [self.connect(server) for _ in range(4)]
        for connection in serving:
            connection.sendall(b"GET /until-gone HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertTrue(connection.recv(1))  # it has a thread
        for _ in range(50):
            for _ in range(4):
                with contextlib.suppress(ConnectionError):  # one that was turned away
                    self.connect(server).sendall(b"GET /info HTTP/1.1\r\nHost: x\r\n\r\n")
            asked = self.connect(server)
            if select.select([asked], [], [], 0.05)[0] and asked.recv(1, socket.MSG_PEEK):
                break
        self.assert_turned_away(asked, 503)
        for connection in serving:
            connection.close()
        self.eventually(lambda: self.works(server), "the line is gone")

    def test_connections_of_one_address(self):
        server = self.serve("per_address=4", "header=60000")
        held = [self.connect(server) for _ in range(4)]
        for connection in held:
            connection.sendall(b"GET /info HTTP/1.1\r\nHost: half")
        for _ in range(3):
            self.assert_turned_away(self.connect(server))
        # Others are served, whatever the first one holds.
        for source in ("127.0.0.2", "127.0.0.3"):
            self.assertTrue(self.works(server, source))
        # What was held still works, and makes room when it is gone.
        self.assertEqual(self.ask(held[0], b"\r\nConnection: close\r\n\r\n").status, 200)
        self.eventually(lambda: self.works(server), "no room was made")

    def test_one_address_cannot_hold_all_threads(self):
        server = self.serve("per_address=8", "threads=16", "header=60000")
        held = []
        for _ in range(200):
            held.append(self.connect(server))
            try:
                held[-1].sendall(b"GET")
            except ConnectionError:
                pass  # it was turned away
        for _ in range(5):
            self.assertTrue(self.works(server, "127.0.0.2"))

    def test_who_is_spared_has_no_share(self):
        server = self.serve("per_address=2", "spared=127.0.0.7")
        held = [self.connect(server, "127.0.0.7") for _ in range(10)]
        self.assertEqual({self.ask(connection).status for connection in held}, {200})

    def test_no_limit_by_default(self):
        server = self.serve()
        held = [self.connect(server) for _ in range(20)]
        self.assertEqual({self.ask(connection).status for connection in held}, {200})

    def test_many_come_and_go(self):
        """Nothing of those who left is still counted: whoever comes after them has room."""
        server = self.serve("per_address=3")

        def come_and_go():
            for number in range(40):
                with socket.create_connection(("127.0.0.1", server.port), 20) as connection:
                    if number % 3 == 0:
                        continue  # without a word
                    self.ask(connection, b"GET /info HTTP/1.1\r\nHost: x\r\n\r\n"
                             if number % 3 == 1 else b"rubbish\r\n\r\n")
        threads = [threading.Thread(target=come_and_go) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.eventually(lambda: self.works(server), "connections are counted that are gone")
        held = [self.connect(server) for _ in range(3)]
        self.eventually(lambda: self.ask(self.connect(server, "127.0.0.2")).status == 200, "full")
        self.assertEqual(len(held), 3)

    def test_connections_without_a_handshake(self):
        with tempfile.TemporaryDirectory() as folder:
            authority = Authority(folder)
            own = authority.issue("localhost")
            server = self.serve(f"cert={own.cert}", f"key={own.key}", "per_address=3",
                                "header=60000")
            context = ssl.create_default_context(cafile=authority.cert)

            def works(source):
                try:
                    with context.wrap_socket(self.connect(server, source),
                                             server_hostname="localhost") as connection:
                        return self.ask(connection).status == 200
                except OSError:
                    return False
            held = [self.connect(server) for _ in range(3)]
            self.assertEqual(self.connect(server).recv(1), b"")
            self.assertTrue(works("127.0.0.2"))
            for connection in held:
                connection.close()
            self.eventually(lambda: works("127.0.0.1"), "failed handshakes are still counted")

    def upload(self, server, size, sent, source="127.0.0.1", chunked=False):
        """Begins to send a body of `size` bytes, of which `sent` go out now."""
        connection = self.connect(server, source)
        if chunked:
            head = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % size
        else:
            head = b"Content-Length: %d\r\n\r\n" % size
        connection.sendall(b"POST /echo HTTP/1.1\r\nHost: x\r\n" + head + b"x" * sent)
        return connection

    def test_memory_for_bodies(self):
        """8 MiB for all, 2 MiB for one address."""
        for chunked in (False, True):
            with self.subTest(chunked=chunked):
                server = self.serve(f"bodies={8 * MIB}", f"body={2 * MIB}", "request=60000")
                size = MIB * 3 // 2
                # Each has its share, less a piece; nothing is left for more.
                holders = [self.upload(server, size, size - 1, f"127.0.0.{10 + number}", chunked)
                           for number in range(5)]
                time.sleep(0.5)  # until what was sent has been read
                late = self.upload(server, size, size - 1, "127.0.0.20", chunked)
                with late.makefile("rb") as file:
                    self.assertEqual(read_reply(file).status, 503)
                # A second body of an address that has its share already.
                again = self.upload(server, size, size - 1, "127.0.0.10", chunked)
                with again.makefile("rb") as file:
                    self.assertEqual(read_reply(file).status, 503)
                # Small requests need none of it.
                small = self.connect(server, "127.0.0.20")
                reply = self.ask(small, b"POST /echo HTTP/1.1\r\nHost: x\r\n"
                                        b"Content-Length: 9000\r\n\r\n" + b"y" * 9000)
                self.assertEqual((reply.status, len(reply.body)), (200, 9000))
                # What was begun ends well, and then there is memory again.
                for holder in holders:
                    holder.sendall(b"x\r\n0\r\n\r\n" if chunked else b"x")
                    with holder.makefile("rb") as file:
                        reply = read_reply(file)
                    self.assertEqual((reply.status, len(reply.body)), (200, size))

                def room():
                    connection = self.upload(server, size, size, "127.0.0.20")
                    with connection.makefile("rb") as file:
                        return read_reply(file).status == 200
                self.eventually(room, "memory is held that nobody uses")

    def test_bodies_on_their_way_leave_threads_for_others(self):
        server = self.serve("threads=8", "request=60000")
        dripping = [self.upload(server, 1000, 1, f"127.0.0.{10 + n}", n % 2 == 0) for n in range(4)]
        time.sleep(0.3)
        for chunked in (False, True):
            with self.upload(server, 1000, 1, "127.0.0.20", chunked).makefile("rb") as file:
                self.assertEqual(read_reply(file).status, 503)
        # What has come is no burden; nor is who wants to send nothing.
        for _ in range(5):
            self.assertTrue(self.works(server))
            self.assertEqual(self.ask(self.connect(server), b"POST /echo HTTP/1.1\r\nHost: x\r\n"
                                      b"Content-Length: 5\r\n\r\nhello").body, b"hello")
        dripping[0].sendall(b"x" * 999 + b"\r\n0\r\n\r\n")
        with dripping[0].makefile("rb") as file:
            self.assertEqual(read_reply(file).status, 200)
        self.eventually(lambda: self.ask(self.upload(server, 1000, 1), b"x" * 999).status == 200,
                        "a place is held by a body that has come")

    def download(self, server, size, source="127.0.0.1", path="/big"):
        """Asks for a large answer and reads nothing of it."""
        connection = socket.socket()
        self.addCleanup(connection.close)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(20)
        connection.bind((source, 0))
        connection.connect(("127.0.0.1", server.port))
        connection.sendall(f"GET {path}?{size} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        return connection

    def refused(self, connection):
        """Whether the answer is a refusal; it is looked at only."""
        head = connection.recv(1000, socket.MSG_PEEK)
        if head.startswith(b"HTTP/1.1 200 "):
            return False
        self.assertTrue(head.startswith(b"HTTP/1.1 503 "), head)
        self.assertIn(b"\r\nRetry-After: 5\r\n", head)
        return True

    @staticmethod
    def resident(server):
        with open(f"/proc/{server.process.pid}/status", encoding="ascii") as status:
            return 1024 * int(status.read().split("VmRSS:")[1].split()[0])

    def test_memory_for_answers(self):
        """64 MiB for all, 16 MiB for one address; an answer of 4 MiB needs about 8."""
        server = self.serve("header=60000", "request=60000", f"answers={64 * MIB}", "threads=128")
        own = [self.download(server, 4 * MIB, "127.0.0.10") for _ in range(10)]
        held = [one for one in own if not self.refused(one)]
        self.assertTrue(1 <= len(held) <= 3, len(held))
        # For that address the same is refused from now on before it is made; all else is not, nor
        # is it for others.
        self.assertTrue(self.refused(self.download(server, 10, "127.0.0.10")))
        self.assertTrue(self.works(server, "127.0.0.10"))
        self.assertFalse(self.refused(self.download(server, 4 * MIB, "127.0.0.11")))
        crowd = [self.download(server, 4 * MIB, f"127.0.0.{20 + number}") for number in range(60)]
        self.assertTrue(1 <= sum(not self.refused(one) for one in crowd) <= 8)
        with open(f"/proc/{server.process.pid}/maps", encoding="ascii") as maps:
            if not re.search("lib[at]san", maps.read()):  # which have memory of their own
                self.assertLess(self.resident(server), 160 * MIB)
        # Small answers need none of it.
        self.assertFalse(self.refused(self.download(server, 200_000, "127.0.0.99")))
        # Who reads gets all of it.
        rest = 4 * MIB
        with held[0].makefile("rb") as file:
            self.assertEqual(len(read_reply(file).body), rest)
        for one in own + crowd:
            one.close()
        self.eventually(lambda: not self.refused(self.download(server, 4 * MIB, "127.0.0.10")),
                        "memory is held for who has left")

    def test_a_large_answer_is_always_possible(self):
        server = self.serve(f"answers={MIB}")
        for _ in range(3):
            with self.download(server, 20 * MIB).makefile("rb") as file:
                self.assertEqual(len(read_reply(file).body), 20 * MIB)

    def test_who_reads_nothing_is_dropped(self):
        server = self.serve("header=1000", "request=60000", f"answers={512 * MIB}")
        asleep = self.download(server, 20 * MIB)
        slow = self.connect(server, "127.0.0.2")
        slow.sendall(f"GET /big?{20 * MIB} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        got, until = 0, time.monotonic() + 4
        while time.monotonic() < until:
            got += len(slow.recv(65536))
            time.sleep(0.05)
        with slow.makefile("rb") as file:
            self.assertGreater(got + len(file.read(20 * MIB - got)), 20 * MIB - 1)
        received = 0
        try:
            while (part := asleep.recv(MIB)):
                received += len(part)
        except ConnectionError:
            pass
        self.assertLess(received, 20 * MIB)

    def test_a_body_that_breaks_off_gives_its_memory_back(self):
        server = self.serve(f"bodies={2 * MIB}", f"body={2 * MIB}")
        for _ in range(20):
            self.upload(server, MIB, MIB // 2).close()

        def room():
            connection = self.upload(server, MIB, MIB)
            with connection.makefile("rb") as file:
                return read_reply(file).status == 200
        self.eventually(room, "memory is held that nobody uses")


if __name__ == "__main__":
    unittest.main()

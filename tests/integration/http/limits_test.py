#!/usr/bin/python3
"""lib/http at its limits: of threads, of connections, of descriptors; its start and its end."""

import contextlib
import os
import resource
import ssl
import subprocess
import tempfile
import threading
import time
import unittest

from wire import Server, read_reply


class LimitsTest(unittest.TestCase):
    def test_who_left_the_line_is_not_served(self):
        """What nobody waits for any more is not begun; what is waited for is. (All threads are at
        work; a further connection, which says nothing, keeps the lobby looking.)"""
        server = Server("threads=4", "request=10000")
        with contextlib.ExitStack() as stack:
            held = [stack.enter_context(server.connect()) for _ in range(5)]
            for sock in held[:4]:
                sock.sendall(b"GET /sleep?1700 HTTP/1.1\r\nHost: x\r\n\r\n")
            time.sleep(0.3)
            for _ in range(20):
                with server.connect() as sock:
                    sock.sendall(b"GET /count HTTP/1.1\r\nHost: x\r\n\r\n")
            with server.connect() as sock, sock.makefile("rb") as file:
                sock.sendall(b"GET /count HTTP/1.1\r\nHost: x\r\n\r\n")
                self.assertEqual(read_reply(file).body, b"1")
        self.assertEqual(server.stop(), 0)

    def test_few_threads_close_connections(self):
        server = Server("threads=4", "keep_alive=5000")
        ask = b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n"
        try:
            with contextlib.ExitStack() as kept:
                files = []
                for number in range(4):
                    sock = kept.enter_context(server.connect())
                    files.append(kept.enter_context(sock.makefile("rwb", 0)))
                    # Threads that only wait for a next request soon look for other work.
                    time.sleep(0.2)
                    files[-1].write(ask % b"")
                    self.assertNotIn("connection", read_reply(files[-1]).headers, number)
                for file in files[:3]:
                    file.write(ask % b"sleep?1000")
                time.sleep(0.3)
                files[3].write(ask % b"")
                self.assertEqual(read_reply(files[3]).headers["connection"], "close")
        finally:
            self.assertEqual(server.stop(), 0)

    def test_idle_connections_have_no_thread(self):
        server = Server("threads=4", "keep_alive=60000", "header=60000")
        ask = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
        try:
            with contextlib.ExitStack() as held:
                for number in range(24):
                    sock = held.enter_context(server.connect())
                    if number % 3 == 0:
                        continue  # silent
                    file = held.enter_context(sock.makefile("rb"))
                    sock.sendall(ask)
                    self.assertEqual(read_reply(file).status, 200)
                    if number % 3 == 1:
                        sock.sendall(b"GET / HT")  # and idle, the others
                for _ in range(20):
                    with server.connect() as sock:
                        sock.sendall(ask)
                        self.assertTrue(sock.recv(100).startswith(b"HTTP/1.1 200 "))
        finally:
            self.assertEqual(server.stop(), 0)

    def test_who_waits_longest_has_to_go(self):
        server = Server("threads=4", "max_waiting=8", "keep_alive=60000", "header=60000")
        try:
            with contextlib.ExitStack() as held:
                silent = [held.enter_context(server.connect()) for _ in range(20)]
                for number, sock in enumerate(silent):
                    sock.settimeout(5 if number < 12 else 0.1)
                    if number < 12:
                        self.assertEqual(sock.recv(1), b"", number)
                    else:
                        with self.assertRaises(TimeoutError):
                            sock.recv(1)
                silent[-1].settimeout(5)
                silent[-1].sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                self.assertTrue(silent[-1].recv(100).startswith(b"HTTP/1.1 200 "))
        finally:
            self.assertEqual(server.stop(), 0)

    def test_stop_finishes_what_is_under_way(self):
        server = Server("keep_alive=300")
        idle = server.connect()
        idle_file = idle.makefile("rb")
        idle.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        read_reply(idle_file)
        sock = server.connect()
        file = sock.makefile("rb")
        sock.sendall(b"GET /sleep?1000 HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(0.2)
        started = time.monotonic()
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        time.sleep(0.2)
        with self.assertRaises(ConnectionRefusedError):
            server.connect()
        reply = read_reply(file)
        self.assertEqual((reply.status, reply.headers["connection"]), (204, "close"))
        stopping.join()
        self.assertEqual(server.process.returncode, 0)
        self.assertLess(time.monotonic() - started, 4)
        for one in (idle_file, idle, file, sock):
            one.close()

    def test_no_descriptors_left(self):
        server = Server("header=3000")
        limit = len(os.listdir(f"/proc/{server.process.pid}/fd")) + 10
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (limit, limit))

        def processor_seconds():
            with open(f"/proc/{server.process.pid}/stat", encoding="ascii") as stat:
                return sum(map(int, stat.read().rpartition(")")[2].split()[11:13])) / 100
        held = [server.connect() for _ in range(30)]
        time.sleep(0.2)
        before = processor_seconds()
        time.sleep(1)
        self.assertLess(processor_seconds() - before, 0.3)
        for each in held:
            each.close()
        with server.connect() as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            self.assertTrue(sock.recv(100).startswith(b"HTTP/1.1 200 "))
        self.assertEqual(server.stop(), 0)

    def test_stop_under_load(self):
        server = Server("keep_alive=500")
        failures, served, ended = [], [0] * 8, threading.Event()

        def client(number):
            while not ended.is_set():
                fresh = True
                try:
                    with server.connect() as sock, sock.makefile("rb") as file:
                        while True:
                            sock.sendall(b"GET /sleep?5 HTTP/1.1\r\nHost: x\r\n\r\n")
                            reply = read_reply(file)
                            if reply is None:
                                raise EOFError
                            fresh = False
                            served[number] += 1
                            if reply.headers.get("connection") == "close":
                                break
                except ConnectionRefusedError:
                    return
                except (OSError, EOFError) as error:
                    # Not yet accepted when the listener closed: as good as refused.
                    if not fresh:
                        failures.append(repr(error))
                    return

        clients = [threading.Thread(target=client, args=(i,)) for i in range(8)]
        for one in clients:
            one.start()
        time.sleep(0.5)
        self.assertEqual(server.stop(), 0)
        ended.set()
        for one in clients:
            one.join()
        self.assertEqual(failures, [])
        self.assertGreater(min(served), 5)

    def test_start_errors(self):
        first = Server()
        second = Server(f"address=127.0.0.1:{first.port}")
        self.assertIn(f"UNAVAILABLE: cannot serve HTTP at 127.0.0.1:{first.port}",
                      second.first_line)
        self.assertEqual(second.stop(), 1)
        third = Server("cert=/nowhere/cert.pem", "key=/nowhere/key.pem")
        self.assertIn("INVALID_ARGUMENT: cannot read /nowhere/cert.pem", third.first_line)
        self.assertEqual(third.stop(), 1)
        for setting in ("cert=/nowhere/cert.pem", "key=/nowhere/key.pem"):
            alone = Server(setting)
            self.assertIn("INVALID_ARGUMENT: a TLS certificate and its key go together",
                          alone.first_line)
            self.assertEqual(alone.stop(), 1)
        self.assertEqual(first.stop(), 0)

    def test_tls(self):
        with tempfile.TemporaryDirectory() as folder:
            cert, key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                            "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", cert,
                            "-days", "2", "-subj", "/CN=localhost", "-addext",
                            "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
            server = Server(f"cert={cert}", f"key={key}", "body=1000000", "header=1000")
            context = ssl.create_default_context(cafile=cert)
            body = os.urandom(300000)
            with context.wrap_socket(server.connect(), server_hostname="127.0.0.1") as sock, \
                    sock.makefile("rb") as file:
                self.assertIn(sock.version(), ("TLSv1.2", "TLSv1.3"))
                for _ in range(3):
                    sock.sendall(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n"
                                 + body)
                    self.assertEqual(read_reply(file).body, body)
            # Plain HTTP on the TLS port is no reason to fall over.
            with server.connect() as sock:
                sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                try:
                    self.assertNotIn(b"200 OK", sock.recv(1000))
                except ConnectionResetError:
                    pass
            self.assertEqual(server.stop(), 0)


if __name__ == "__main__":
    unittest.main()

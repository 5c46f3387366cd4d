#!/usr/bin/python3
"""A link does to connections what it says."""

import socket
import socketserver
import threading
import time
import unittest

from harness import ports
from harness.link import Links


class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        while data := self.request.recv(65536):
            self.request.sendall(data)


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


class LinkTest(unittest.TestCase):
    def setUp(self):
        self.server = Server(("127.0.0.1", ports.reserve()), Echo)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        links = Links()
        links.start()
        self.addCleanup(links.stop)
        self.link = links.add(self.server.server_address[1])

    def connect(self, timeout=10):
        client = socket.create_connection(("127.0.0.1", self.link.port), timeout=timeout)
        self.addCleanup(client.close)
        return client

    def echo(self, client, data=b"hello"):
        """How long it took."""
        begun = time.monotonic()
        client.sendall(data)
        received = b""
        while len(received) < len(data):
            received += client.recv(65536)
        self.assertEqual(received, data)
        return time.monotonic() - begun

    def test_it_passes_everything(self):
        client = self.connect()
        self.echo(client, bytes(range(256)) * 10_000)
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(client.recv(1), b"")

    def test_reset(self):
        client = self.connect()
        self.echo(client)
        self.link.reset()
        self.assertRaises(ConnectionResetError, client.recv, 1)
        self.assertEqual(self.link.felt, 1)
        self.echo(self.connect())

    def test_break_often(self):
        self.link.break_often(1)
        client = self.connect()
        client.sendall(b"hello")
        self.assertRaises(ConnectionResetError, client.recv, 1)
        self.assertEqual(self.link.felt, 1)

    def test_delay(self):
        client = self.connect()
        self.echo(client)
        self.assertEqual(self.link.felt, 0)
        self.link.delay(0.2)
        self.assertGreater(sum(self.echo(client) for _ in range(5)), 0.5)
        self.assertGreater(self.link.felt, 0)
        self.link.heal()
        self.assertLess(min(self.echo(client) for _ in range(5)), 0.1)

    def test_narrow(self):
        client = self.connect()
        self.link.narrow(10_000)
        self.echo(client, b"a little is not felt")
        self.assertEqual(self.link.felt, 0)
        self.assertGreater(self.echo(client, bytes(5000)), 0.9)  # there and back
        self.assertGreater(self.link.felt, 0)

    def test_drop(self):
        client = self.connect()
        self.echo(client)
        self.link.drop()
        self.assertEqual(self.link.felt, 0)
        client.sendall(b"late")
        client.settimeout(0.3)
        self.assertRaises(TimeoutError, client.recv, 4)
        for _ in range(2):
            self.assertRaises(TimeoutError, socket.create_connection,
                              ("127.0.0.1", self.link.port), 0.3)
        self.assertGreater(self.link.felt, 0)
        self.link.heal()
        client.settimeout(10)
        self.assertEqual(client.recv(4), b"late")
        self.echo(self.connect())

    def test_refuse(self):
        client = self.connect()
        self.echo(client)
        self.link.refuse()
        self.assertRaises(ConnectionResetError, client.recv, 1)
        self.assertRaises(ConnectionRefusedError, self.connect)
        self.link.heal()
        self.echo(self.connect())

    def test_nobody_listens(self):
        self.server.shutdown()
        self.server.server_close()
        self.assertRaises(ConnectionResetError, lambda: self.connect().recv(1))


if __name__ == "__main__":
    unittest.main(verbosity=2)

#!/usr/bin/python3
"""A service at a Unix socket besides its port (GRPC_SOCKET)."""

import os
import stat
import tempfile
import unittest

import grpc
from greeter import HELLO, Greeter, hello


class SocketTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(dir="/tmp")  # Bazel's is too deep for a socket
        self.addCleanup(folder.cleanup)
        self.path = f"{folder.name}/greeter"
        self.server = Greeter(GRPC_SOCKET=self.path)
        self.addCleanup(self.server.stop)

    def assert_greeted(self, target):
        with grpc.insecure_channel(target) as channel:
            self.assertIn(b"Hello, Ada", channel.unary_unary(HELLO)(hello(), timeout=20))

    def assert_does_not_start(self, reason):
        self.server.launch()
        self.assertTrue(self.server.process.wait(20))
        self.assertNotEqual(self.server.process.exit_code(), 0)
        self.assertIn(reason, self.server.log_tail())

    def test_both_are_served(self):
        self.server.start()
        self.assert_greeted(f"unix:{self.path}")
        self.assert_greeted(f"127.0.0.1:{self.server.port}")
        mode = os.stat(self.path).st_mode
        self.assertTrue(stat.S_ISSOCK(mode))
        self.assertFalse(mode & stat.S_IWOTH)  # to connect is to write
        self.assertEqual(self.server.stop(), 0)
        self.assertFalse(os.path.exists(self.path))

    def test_what_a_killed_server_left_is_taken_over(self):
        self.server.start()
        self.server.kill()
        self.assertTrue(os.path.exists(self.path))
        self.server.start()
        self.assert_greeted(f"unix:{self.path}")

    def test_a_file_is_not_taken_for_a_socket(self):
        with open(self.path, "w", encoding="ascii") as file:
            file.write("kept")
        self.assert_does_not_start(f"cannot listen on {self.path}")
        with open(self.path, encoding="ascii") as file:
            self.assertEqual(file.read(), "kept")

    def test_a_path_that_is_too_long(self):
        self.server.env["GRPC_SOCKET"] = "/tmp/" + "x" * 103
        self.assert_does_not_start("GRPC_SOCKET")


if __name__ == "__main__":
    unittest.main(verbosity=2)

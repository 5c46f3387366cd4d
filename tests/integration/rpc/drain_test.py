#!/usr/bin/python3
"""A server that is told to end, seen frame by frame by its clients."""

import signal
import unittest

from frames import Connection, message, request
from greeter import HELLO, Greeter, hello

NO_ERROR = 0
OK = 0


class DrainTest(unittest.TestCase):
    def test_goaway_and_then_the_end_of_what_was_begun(self):
        server = Greeter()
        self.addCleanup(server.stop)
        server.start()
        with Connection(server.port) as busy, Connection(server.port) as idle:
            busy.agree()
            idle.agree()
            begun = busy.start(request(HELLO), message(hello(take_ms=2000)))
            quick = busy.start(request(HELLO), message(hello()))
            self.assertEqual(busy.answer(quick).code(), OK)
            server.process.signal(signal.SIGTERM)
            for client in (idle, busy):
                self.assertTrue(client.until(lambda one=client: one.goaway is not None))
                self.assertEqual(client.goaway[0], NO_ERROR)
            self.assertEqual(busy.answer(begun).code(), OK)
            self.assertTrue(busy.wait_closed())
            self.assertTrue(idle.wait_closed())
        self.assertTrue(server.process.wait(20))
        self.assertEqual(server.process.exit_code(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)

#!/usr/bin/python3
"""What `./inkmesh fuzz` says of a fuzzer that found something."""

import unittest

from local.fuzz import gateway_summary, summary

FOUND = """\
#2\tINITED cov: 9 ft: 9 corp: 1/1b exec/s: 0 rss: 30Mb
tests/fuzz/head_fuzz.c:168: parse(original, original + size, &strict)
==7== ERROR: libFuzzer: deadly signal
    #7 0x55 in LLVMFuzzerTestOneInput tests/fuzz/head_fuzz.c:168:9
SUMMARY: libFuzzer: deadly signal
"""
OVERFLOW = """\
lib/events/letter.c:142:63: runtime error: signed integer overflow: 1 * 1000
SUMMARY: UndefinedBehaviorSanitizer: undefined-behavior lib/events/letter.c:142:63 in
"""

GATEWAY = """\
seed 7
FOUND: the connection goes on: b'GET' b'/'
in conversation 12 (127.0.0.1, wait; again: --seed 7 --only 12), which sent, in 1 pieces:
  b'GET / HTTP/1.1'
gateway: FAILED, 13 connections, answers: 9 200
"""


class Summary(unittest.TestCase):
    def test_says_what_broke(self):
        self.assertEqual(summary(FOUND)[0],
                         "tests/fuzz/head_fuzz.c:168: parse(original, original + size, &strict)")
        self.assertEqual(summary(FOUND)[-1], "SUMMARY: libFuzzer: deadly signal")
        self.assertIn("signed integer overflow", summary(OVERFLOW)[0])

    def test_never_says_nothing(self):
        self.assertEqual(summary("one\ntwo\n"), ["one", "two"])
        self.assertEqual(len(summary("")), 1)
        self.assertEqual(len(gateway_summary("")), 1)
        self.assertEqual(gateway_summary("seed 7\nTraceback\nOSError\n")[-1], "OSError")

    def test_how_to_do_it_again(self):
        self.assertEqual(gateway_summary(GATEWAY), GATEWAY.splitlines()[:3])


if __name__ == "__main__":
    unittest.main(verbosity=2)

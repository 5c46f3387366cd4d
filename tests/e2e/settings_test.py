#!/usr/bin/python3
"""The settings of the programs are what .env.example says, and a wrong one stops the start."""

import json
import subprocess
import unittest

from harness.stack import TARGETS, runfiles_binary
from local.env_example import env_example


class Settings(unittest.TestCase):
    def test_env_example_is_current(self):
        with open(".env.example", encoding="utf-8") as file:
            self.assertEqual(file.read(), env_example(runfiles_binary),
                             "make it anew: see tests/support/local/env_example.py")

    def start(self, name, *args, **env):
        return subprocess.run([runfiles_binary(name), *args], env=env, capture_output=True,
                              text=True, check=False, timeout=30)

    def test_wrong_settings_stop_the_start_and_are_all_named(self):
        for name in TARGETS:
            done = self.start(name, "--no-such-flag=1", ADMIN_ADDRESS="nonsense", LOG_LEVEL="loud")
            self.assertEqual(done.returncode, 2, done.stderr)
            for what in ("ADMIN_ADDRESS", "LOG_LEVEL", "JWT_SECRET", "no-such-flag"):
                self.assertIn(what, done.stderr)

    def test_origins_that_no_browser_has_stop_the_start(self):
        for origins, reason in (("*", "name each"), ("https://a.example/", "not even a slash"),
                                ("https://a.example,https://b.example:443", "leave this port out")):
            done = self.start("gateway", JWT_SECRET="0123456789abcdef" * 2, CORS_ORIGINS=origins,
                              ADMIN_ADDRESS="127.0.0.1:0", HTTP_ADDRESS="127.0.0.1:0")
            self.assertEqual(done.returncode, 1, done.stderr)
            line = json.loads(done.stdout.splitlines()[-1])
            self.assertEqual(line["msg"], "cannot use CORS_ORIGINS")
            self.assertIn(reason, line["error"])

    def test_help_shows_no_secret(self):
        for name in TARGETS:
            done = self.start(name, "--help", JWT_SECRET="0123456789abcdef0123456789abcdef")
            self.assertEqual(done.returncode, 0)
            self.assertIn("JWT_SECRET", done.stdout)
            self.assertNotIn("0123456789abcdef", done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)

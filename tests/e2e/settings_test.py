#!/usr/bin/python3
"""The settings of the programs are what .env.example says, and a wrong one stops the start."""

import json
import subprocess
import unittest

from harness.stack import TARGETS, runfiles_binary
from local.env_example import env_example

SECRETS = ("JWT_SECRET", "JWT_SECRET_ACCEPTED", "SEAL_SECRET", "DATABASE_URL", "REDIS_URL",
           "KAFKA_PROPERTIES", "SMTP_PASSWORD")
MARK = "xMARKx0123456789"


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

    def test_what_is_asked_for_shows_no_secret(self):
        secrets = {name: MARK * 3 for name in SECRETS}
        for name in TARGETS:
            for flag in ("--help", "--print-env", "--version"):
                done = self.start(name, flag, **secrets)
                self.assertEqual(done.returncode, 0)
                self.assertNotIn(MARK, done.stdout + done.stderr)
            self.assertIn("JWT_SECRET", self.start(name, "--help").stdout)

    def refused(self, name, *args, **env):
        """What a program says to settings with a secret in them; none of the secret."""
        free = {"ADMIN_ADDRESS": "127.0.0.1:0", "GRPC_ADDRESS": "127.0.0.1:0", "LOG_LEVEL": "debug",
                "HTTP_ADDRESS": "127.0.0.1:0", "JWT_SECRET": "s" * 32}
        done = self.start(name, *args, **{**free, **env})
        self.assertIn(done.returncode, (1, 2), (args, env))
        said = done.stdout + done.stderr
        self.assertNotIn(MARK, said)
        return said

    def test_a_wrong_secret_stops_the_start_and_is_not_shown(self):
        for setting, value in (
                ("JWT_SECRET", MARK),  # too short
                ("JWT_SECRET_ACCEPTED", MARK),
                ("SEAL_SECRET", MARK),
                ("DATABASE_URL", f"postgresql://u:{MARK}@[host/db"),
                ("DATABASE_URL", f"postgresql://u:p@host/db?{MARK}=1"),
                ("DATABASE_URL", f"host=h password='{MARK}"),
                ("DATABASE_URL", f"host=h {MARK}"),
                ("REDIS_URL", f"redis://:{MARK}@:port"),
                ("REDIS_URL", f"{MARK}://u:{MARK}@h"),
                ("REDIS_URL", f"redis://u:{MARK}%0@127.0.0.1"),
                ("KAFKA_PROPERTIES", f"sasl.password={MARK},nonsense"),
                ("KAFKA_PROPERTIES", f"{MARK}"),
                ("KAFKA_PROPERTIES", f"sasl.mechanisms=PLAIN,sasl.passwort={MARK}"),
                ("KAFKA_PROPERTIES", f"sasl.password=a,{MARK}=b"),  # a password with a comma
                ("KAFKA_PROPERTIES", f"security.protocol={MARK}"),
                ("KAFKA_PROPERTIES", f"ssl.key.password={MARK},ssl.key.location=/dev/null,"
                                     "security.protocol=SSL"),
                ("SMTP_URL", f"smtp://u:{MARK}@127.0.0.1"),
                ("SMTP_PASSWORD", MARK)):  # without SMTP_USER
            with self.subTest(setting=setting, value=value):
                mail = {"SMTP_URL": "smtp://127.0.0.1:9", "EMAIL_FROM": "a@b.c"}
                said = self.refused("notification", **{
                    "KAFKA_BROKERS": "127.0.0.1:9", **mail, setting: value})
                self.assertIn(setting, said)

    def test_a_secret_that_went_astray_is_not_shown(self):
        """In a flag, beside one, or in a file's name that is none."""
        for args in ((f"--jwt-secret={MARK}",), ("--jwt-secret", MARK), (MARK,),
                     (f"--no-such-flag={MARK}",), ("--database-url", f"postgresql://u:{MARK}@h/d")):
            with self.subTest(args=args):
                self.refused("user", *args)

    def test_the_operators_command_shows_no_secret(self):
        for env in ({"DATABASE_URLS": f"user=postgresql://u:{MARK}@127.0.0.1:9/d"},
                    {"DATABASE_URLS": f"user=postgresql://u:{MARK}@[host/d"},
                    {"DATABASE_URLS": f"{MARK}"},
                    {"KAFKA_PROPERTIES": f"sasl.passwort={MARK}"}):
            with self.subTest(env=env):
                done = subprocess.run(
                    ["lib/events/tool/inkmesh-events", "status"], capture_output=True, text=True,
                    env={"KAFKA_BROKERS": "127.0.0.1:9", "EVENTS_TIMEOUT": "100ms", **env},
                    check=False, timeout=60)
                self.assertIn(done.returncode, (1, 2), done)
                self.assertTrue(done.stderr)
                self.assertNotIn(MARK, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)

#!/usr/bin/python3
"""deploy/systemd: systemd takes the units, they confine enough, and the programs live with that."""

import os
import re
import shutil
import signal
import subprocess
import unittest

from harness.kafka import jars
from harness.server import scratch
from harness.stack import SERVICES, TARGETS, Stack, runfiles_binary
from harness.tools import tool
from harness.waiting import until
from mesh import MeshTest

UNIT = "deploy/systemd/inkmesh@.service"
SERVICE_CONF = "deploy/systemd/service.conf"
# Of 100: what systemd-analyze security calls OK ends at 49. A setting that is taken away shows.
EXPOSURE = 15


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def settings(name, *paths):
    return [value for path in paths for value in re.findall(rf"^{name}=(.*)$", read(path), re.M)]


class UnitTest(unittest.TestCase):
    """Without a systemd that runs."""

    @classmethod
    def setUpClass(cls):
        """The units as they are installed, but for the folder of the programs."""
        cls.folder = scratch("systemd-")
        cls.programs = scratch("programs-")
        for name in TARGETS:
            os.symlink(runfiles_binary(name), os.path.join(cls.programs, name))
        with open(os.path.join(cls.folder, "inkmesh@.service"), "w", encoding="utf-8") as file:
            file.write(read(UNIT).replace("/usr/lib/inkmesh/", cls.programs + "/"))
        for one in SERVICES:
            drop_in = os.path.join(cls.folder, f"inkmesh@{one.name}.service.d")
            os.mkdir(drop_in)
            shutil.copy(SERVICE_CONF, drop_in)

    def analyze(self, *args):
        return subprocess.run(
            [tool("systemd-analyze"), *args], check=False, capture_output=True, text=True,
            env={**os.environ, "SYSTEMD_UNIT_PATH": self.folder + ":"})

    def test_verify(self):
        for name in TARGETS:
            done = self.analyze("verify", "--man=no", f"inkmesh@{name}.service")
            said = [line for line in done.stderr.splitlines() if "inkmesh" in line]
            self.assertEqual((done.returncode, said), (0, []), done.stderr)

    def test_security(self):
        for name in TARGETS:
            done = self.analyze("security", "--offline=true", f"--threshold={EXPOSURE}",
                                "--no-pager", f"inkmesh@{name}.service")
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertIn("Overall exposure", done.stdout)

    def test_settings_exist(self):
        """A misspelt one would be silently ignored by the program."""
        for one in ("gateway", *(service.name for service in SERVICES)):
            known = subprocess.run([runfiles_binary(one), "--help"], check=True, text=True,
                                   capture_output=True).stdout
            paths = [UNIT] if one == "gateway" else [UNIT, SERVICE_CONF]
            secrets = [value.partition(":")[0] for value in settings("LoadCredential", *paths)]
            given = dict(value.split("=") for value in settings("Environment", *paths))
            self.assertEqual([f"%d/{secret}" for secret in secrets], list(given.values()))
            for name in given:
                self.assertIn(name, known)

    def test_there_is_time_for_two_drains(self):
        drain, = re.findall(r"DRAIN_GRACE_MS=(\d+)s", read(".env.example"))
        seconds, = re.findall(r"^TimeoutStopSec=(\d+)s$", read(UNIT), re.M)
        self.assertGreater(int(seconds), 2 * int(drain))


class ConfinedTest(MeshTest):
    """Everything works, by TLS, with Kafka and mail, in what the unit leaves (see confined.py)."""

    @classmethod
    def setUpClass(cls):
        cls.mesh = mesh = Stack(settings=MeshTest.settings, kafka_jars=jars(), with_mail=True,
                                tls=True)
        cls.addClassCleanup(cls.check_logs)
        cls.addClassCleanup(mesh.stop)
        for one in mesh.programs():
            one.env["LOG_FOLDER"] = scratch("log-")
            one.command = [os.path.abspath("tests/e2e/confined.py"), os.path.abspath(UNIT),
                           one.env["LOG_FOLDER"], *one.command]
        mesh.start()

    def status(self, one, name):
        value, = re.findall(rf"^{name}:\s*(\S+)$", read(f"/proc/{one.process.pid}/status"), re.M)
        return value

    def test_all_of_it_works(self):
        user, session = self.signed_in()
        token = session["token"]
        blog = self.blog(token, "Confined")
        self.assertEqual(self.request("PUT", f"/api/v1/blogs/{blog}", {"title": "Still"},
                                      token=token).status, 200)
        self.assertEqual(self.request("DELETE", f"/api/v1/blogs/{blog}", token=token).status, 204)
        self.assertEqual(self.post("/api/v1/auth/refresh",
                                   {"refreshToken": session["refreshToken"]}).status, 200)
        until("notifications", lambda: len(self.told(token)) == 3, 60)
        until("the mail", lambda: self.mesh.mail.messages(user["email"]), 60)
        for path in ("/health", "/readyz", "/openapi.json", "/docs"):
            self.assertEqual(self.get(path).status, 200, path)
        self.end_all()

    def end_all(self):
        for one in self.mesh.programs():
            self.assertEqual(self.status(one, "Seccomp"), "2")
            self.assertEqual(self.status(one, "NoNewPrivs"), "1")
            for kind in ("Eff", "Prm", "Inh", "Bnd", "Amb"):
                self.assertEqual(int(self.status(one, f"Cap{kind}"), 16), 0)
            mounts = [line.split() for line in read(
                f"/proc/{one.process.pid}/mountinfo").splitlines()]
            writable = {fields[4] for fields in mounts if "rw" in fields[5].split(",")}
            self.assertEqual(writable, {one.env["LOG_FOLDER"]})
            log = os.path.join(one.env["LOG_FOLDER"], "combined.log")
            self.assertEqual(os.stat(log).st_mode & 0o077, 0)
            os.rename(log, log + ".1")
            one.process.signal(signal.SIGHUP)
            until("a new log", lambda log=log: os.path.exists(log), 10)
            self.assertEqual(one.stop(), 0, one.log_tail())
            self.assertIn('"stopped"', read(log))


if __name__ == "__main__":
    unittest.main(verbosity=2)

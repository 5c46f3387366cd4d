#!/usr/bin/python3
"""The Postman collection passes against the whole mesh, also where it has run before."""

import os
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.request

import collection
from harness.kafka import jars
from harness.stack import Stack
from harness.waiting import HarnessError, until


def newman():
    """The command, from the test's data (@newman)."""
    for folder in ("../newman", "external/newman"):
        if os.path.exists(f"{folder}/node"):
            return [os.path.abspath(f"{folder}/node"),
                    os.path.abspath(f"{folder}/node_modules/newman/bin/newman.js")]
    raise HarnessError("no newman: @newman is not among the test's data")


class NewmanTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mesh = Stack(settings={"BCRYPT_COST": "4"}, kafka_jars=jars())
        cls.addClassCleanup(cls.mesh.stop)
        cls.mesh.start()

    def run_collection(self, *options):
        """newman's CompletedProcess, and the names of the requests that it made."""
        with tempfile.TemporaryDirectory() as folder:
            report = os.path.join(folder, "report.json")
            done = subprocess.run(
                [*newman(), "run", collection.COLLECTION, "-e", collection.ENVIRONMENT,
                 "--env-var", f"baseUrl=http://127.0.0.1:{self.mesh.gateway.port}",
                 "--env-var", "pollTries=240",  # the machine may be busy
                 "--color", "off", "--reporters", "cli,json", "--reporter-json-export", report,
                 "--reporter-cli-no-success-assertions", *options],
                capture_output=True, text=True, check=False, timeout=240)
            executions = collection.read(report)["run"]["executions"]
        return done, [one["item"]["name"] for one in executions]

    def await_ready(self, status):
        """The gateway knows what became of a service."""
        def answer():
            try:
                with urllib.request.urlopen(
                        f"http://127.0.0.1:{self.mesh.gateway.port}/readyz", timeout=5) as reply:
                    return reply.status
            except urllib.error.HTTPError as error:
                return error.code
        until(f"/readyz to say {status}", lambda: answer() == status, 30)

    def test_all_of_it_and_all_of_it_again(self):
        """The second run meets a database that is not fresh."""
        names = [each.name for each in collection.requests(collection.read(collection.COLLECTION))]
        for run in ("first", "second"):
            with self.subTest(run=run):
                done, asked = self.run_collection()
                self.assertEqual(done.returncode, 0, f"{done.stdout}\n{done.stderr}")
                self.assertEqual(list(dict.fromkeys(asked)), names)

    def test_a_failed_assertion_fails_the_run(self):
        self.mesh.services["user"].kill()
        self.addCleanup(self.await_ready, 200)
        self.addCleanup(self.mesh.services["user"].start)
        self.await_ready(503)
        done, asked = self.run_collection("--folder", "1. The gateway itself")
        self.assertNotEqual(done.returncode, 0, done.stdout)
        self.assertIn("every service can be reached", done.stdout)
        self.assertIn("Ready", asked)


if __name__ == "__main__":
    unittest.main(verbosity=2)

#!/usr/bin/python3
"""schemathesis, who knows nothing but /openapi.json, makes requests of all kinds from it and finds
that the mesh does what it says: statuses, media types, headers and schemas of answers, what is
refused and what is not, credentials, methods."""

import os
import re
import subprocess
import unittest

import pypi
from mesh import MeshTest

# A stream goes on until the client leaves, which schemathesis does not: streams_test.py does.
STREAM = "/api/v1/notifications/stream"
# Seconds for what it makes up; how many requests of each kind it makes up for an operation.
MOST_SECONDS, EXAMPLES = 30, 20


class SchemathesisTest(MeshTest):
    def run_schemathesis(self, *options):
        """Its CompletedProcess, after a run with the token of a new account."""
        user, session = self.signed_in()
        folder = os.path.abspath("tests/e2e")
        return subprocess.run(
            ["/usr/bin/python3", "-m", "schemathesis.cli",
             "--config-file", f"{folder}/schemathesis.toml",
             "run", f"http://127.0.0.1:{self.mesh.gateway.port}/openapi.json",
             "--header", f"Authorization: Bearer {session['token']}",
             "--checks", "all", "--max-examples", str(EXAMPLES), "--max-time", str(MOST_SECONDS),
             "--seed", "1", "--continue-on-failure", "--request-timeout", "30", "--no-color",
             *options],
            env={**os.environ, "PYTHONPATH": f"{pypi.site()}:{folder}", "INK_USER_ID": user["id"],
                 "SCHEMATHESIS_HOOKS": "schemathesis_hooks"},
            cwd=os.environ["TEST_TMPDIR"], capture_output=True, text=True, check=False, timeout=280)

    def test_all_checks_of_all_operations(self):
        # The document itself it does not ask for again.
        operations = [verb for path, item in self.get("/openapi.json").json()["paths"].items()
                      for verb in item if path != "/openapi.json"]
        done = self.run_schemathesis("--exclude-path", STREAM)
        self.assertEqual(done.returncode, 0, f"{done.stdout}\n{done.stderr}")
        self.assertRegex(done.stdout, rf"Selected: {len(operations) - 1}/{len(operations)}\n")
        self.assertRegex(done.stdout, rf"Tested: {len(operations) - 1}\n")
        print(re.search(r"Test cases:\n.*", done.stdout).group())

    def test_what_is_not_as_described_fails(self):
        """No 503 is fine with it."""
        blog = self.mesh.services["blog"]
        blog.kill()
        try:
            done = self.run_schemathesis("--include-path", "/api/v1/blogs", "--phases", "coverage")
        finally:
            blog.start()
        self.assertEqual(done.returncode, 1, f"{done.stdout}\n{done.stderr}")
        self.assertIn("[503] Service Unavailable", done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)

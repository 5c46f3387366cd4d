#!/usr/bin/python3
"""The user service through clients that nobody here wrote: grpcurl and grpc-health-probe."""

import json
import unittest

from harness.tools import run_tool
from harness.waiting import until
from mesh import MeshTest

SERVICE = "inkmesh.user.v1.UserService"


class Clients(MeshTest):
    @property
    def address(self):
        return f"localhost:{self.mesh.services['user'].port}"

    def call(self, method, body, *options):
        return run_tool("grpcurl", "-plaintext", *options, "-d", json.dumps(body), self.address,
                        f"{SERVICE}/{method}")

    def test_list(self):
        done = run_tool("grpcurl", "-plaintext", self.address, "list")
        self.assertEqual(done.returncode, 0, done.stderr)
        services = done.stdout.split()
        self.assertIn(SERVICE, services)
        self.assertIn("grpc.health.v1.Health", services)
        done = run_tool("grpcurl", "-plaintext", self.address, "list", SERVICE)
        self.assertEqual({name.rpartition(".")[2] for name in done.stdout.split()},
                         {"Register", "Login", "RefreshToken", "Logout", "GetProfile",
                          "BatchGetUsers"})

    def test_describe_shows_comments_and_options(self):
        done = run_tool("grpcurl", "-plaintext", self.address, "describe", SERVICE)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("rpc Register ( .inkmesh.user.v1.RegisterRequest )", done.stdout)
        self.assertIn("/api/v1/auth/register", done.stdout)
        done = run_tool("grpcurl", "-plaintext", self.address, "describe",
                        "inkmesh.user.v1.RegisterRequest")
        self.assertIn("3 to 50 characters", done.stdout)

    def test_register_login_profile(self):
        account = self.account()
        done = self.call("Register", account)
        self.assertEqual(done.returncode, 0, done.stderr)
        user = json.loads(done.stdout)
        self.assertEqual(set(user), {"id", "username", "email", "createdAt"})
        done = self.call("Login", {"email": account["email"], "password": account["password"]})
        token = json.loads(done.stdout)["token"]
        done = self.call("GetProfile", {}, "-H", f"Authorization: Bearer {token}")
        self.assertEqual(json.loads(done.stdout), user)
        # What was made over gRPC is there over REST.
        self.assertEqual(self.get("/api/v1/users/profile", token=token).json(), user)

    def test_bad_field_shows_bad_request(self):
        done = self.call("Register", {**self.account(), "username": "ab", "password": "short"})
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("InvalidArgument", done.stderr)
        self.assertIn("google.rpc.BadRequest", done.stderr)
        for field in ("username", "password"):
            self.assertIn(f'"field": "{field}"', done.stderr.replace('":"', '": "'))
        self.assertNotIn('"email"', done.stderr)

    def test_who_may_call(self):
        done = self.call("GetProfile", {})
        self.assertIn("Code: Unauthenticated", done.stderr)
        _, session = self.signed_in()
        done = self.call("BatchGetUsers", {"ids": ["0192f0c1-2345-7abc-8def-0123456789ab"]}, "-H",
                         f"Authorization: Bearer {session['token']}")
        self.assertIn("Code: PermissionDenied", done.stderr)

    def test_one_millisecond_deadline(self):
        done = self.call("Register", self.account(), "-max-time", "0.001")
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stderr, "DeadlineExceeded|deadline exceeded")

    def test_health_probe(self):
        for service in ("", SERVICE):
            done = run_tool("grpc-health-probe", f"-addr={self.address}", f"-service={service}")
            self.assertEqual((done.returncode, "SERVING" in done.stderr + done.stdout), (0, True),
                             done.stderr)
        done = run_tool("grpc-health-probe", f"-addr={self.address}", "-service=no.Such")
        self.assertNotEqual(done.returncode, 0)

    def test_health_probe_follows_postgres(self):
        postgres = self.mesh.databases["user"]
        postgres.kill()

        def probe():
            return run_tool("grpc-health-probe", f"-addr={self.address}").returncode
        until("not serving", lambda: probe() == 4, 20)
        postgres.start()
        until("serving", lambda: probe() == 0, 20)


if __name__ == "__main__":
    unittest.main(verbosity=2)

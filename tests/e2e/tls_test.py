#!/usr/bin/python3
"""The whole mesh with TLS: HTTPS outside, mutual TLS inside, and who is refused."""

import http.client
import json
import os
import re
import signal
import subprocess
import tempfile
import threading
import unittest

import grpc
from harness.certificates import Authority, Certificate
from harness.rpc import Client, Contract, Failure
from harness.stack import SERVICES, runfiles_binary
from harness.tools import run_tool
from harness.waiting import until
from mesh import MeshTest, connect, samples, scrape
from sse import Events

HSTS = "Strict-Transport-Security"
ALL = [service.name for service in SERVICES]


def read(path):
    with open(path, "rb") as file:
        return file.read()


def log_lines(program, message):
    """What a program logged under a message."""
    lines = []
    for line in read(program.log).decode(errors="replace").splitlines():
        if message in line:
            lines.append(json.loads(line))
    return lines


class TlsTest(MeshTest):
    with_kafka = True
    with_mail = True
    with_tls = True
    settings = {**MeshTest.settings, "HTTP_THREADS": "128"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.contract = Contract("gen/inkmesh_contract_descriptor_set.binpb")
        cls.authority = Authority(cls.mesh.tls.folder)

    def programs(self):
        return [self.mesh.gateway, *self.mesh.services.values()]

    def test_a_day_on_the_platform(self):
        """Register, sign in, write, be told of it: through every connection of the mesh."""
        user, session = self.signed_in()
        events = Events(None, session["token"], connection=connect(self.mesh, 60))
        self.assertEqual(events.response.status, 200)
        answer = self.post("/api/v1/blogs", {"title": "Sealed", "content": "x" * 20},
                           token=session["token"])
        self.assertEqual(answer.status, 201, answer)
        while "Your blog Sealed has been created." not in events.event()["data"]:
            pass
        events.close()
        told = self.get("/api/v1/notifications/user", token=session["token"]).json()
        self.assertIn("Your blog Sealed has been created.", [each["message"] for each in told])
        # For the address of this mail the notification service asked the user service.
        until("the mail", lambda: self.mesh.mail.messages(user["email"]), 60)

    def test_browsers_are_told_to_insist(self):
        for path in ("/health", "/api/v1/users/profile", "/nowhere"):
            self.assertEqual(self.get(path).headers[HSTS],
                             "max-age=31536000; includeSubDomains", path)

    def test_plain_text_gets_nowhere(self):
        plain = http.client.HTTPConnection("127.0.0.1", self.mesh.gateway.port, timeout=20)
        with self.assertRaises((OSError, http.client.HTTPException)):
            plain.request("GET", "/health")
            plain.getresponse()
        plain.close()
        for name in ALL:
            self.assertEqual(self.reached(name, None), "UNAVAILABLE")

    def test_what_openssl_makes_of_the_gateway(self):
        for option, accepted in (("-tls1_1", False), ("-tls1_2", True), ("-tls1_3", True)):
            done = subprocess.run(
                ["openssl", "s_client", "-connect", f"127.0.0.1:{self.mesh.gateway.port}",
                 "-CAfile", self.mesh.tls.ca.cert, "-verify_return_error", "-verify_hostname",
                 "localhost", option, "-cipher", "ALL:@SECLEVEL=0"],
                input="", capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(done.returncode == 0, accepted, done.stdout + done.stderr)

    # Who may call the services.

    def reached(self, service, credentials):
        """How an anonymous call to a service ends: its code, or that it was served."""
        calls = {"user": ("Login", {"email": "x@example.com", "password": "nothing at all"}),
                 "blog": ("ListBlogs", {}),
                 "notification": ("ListNotifications", {})}
        client = Client(self.contract, self.mesh.services[service].port,
                        f"inkmesh.{service}.v1.{service.capitalize()}Service", credentials)
        method, fields = calls[service]
        try:
            client.call(method, timeout=30, **fields)
        except Failure as failure:
            # That there is no such account, or no token, is an answer of the service's own.
            return "served" if failure.code in ("UNAUTHENTICATED", "INVALID_ARGUMENT") \
                else failure.code
        finally:
            client.close()
        return "served"

    def credentials(self, certificate, authority=None):
        own = (read(certificate.key), read(certificate.cert)) if certificate else (None, None)
        return grpc.ssl_channel_credentials(read((authority or self.mesh.tls.ca).cert), *own)

    def test_services_know_their_clients(self):
        tls = self.mesh.tls
        for service in ALL:
            for name in ("gateway", "operator", *ALL):
                allowed = name in ("gateway", "operator") or (service, name) == ("user",
                                                                                "notification")
                self.assertEqual(self.reached(service, self.credentials(tls[name])),
                                 "served" if allowed else "PERMISSION_DENIED",
                                 f"{name} calls {service}")
        refused = log_lines(self.mesh.services["blog"], "refused because of its certificate")
        self.assertIn("notification", " ".join(line["names"] for line in refused))

    def test_strangers_do_not_even_connect(self):
        with tempfile.TemporaryDirectory() as folder:
            other = Authority(folder)
            for service in ALL:
                for what, credentials in {
                        "no certificate": self.credentials(None),
                        "a certificate of another authority": self.credentials(
                            other.issue("gateway")),
                        "an expired certificate": self.credentials(self.authority.issue(
                            "gateway", days=-1, file="gateway-expired")),
                        "trust in another authority": self.credentials(
                            self.mesh.tls["gateway"], other)}.items():
                    self.assertEqual(self.reached(service, credentials), "UNAVAILABLE",
                                     f"{what} at {service}")

    def test_health_and_reflection_have_the_same_door(self):
        """For grpcurl, as people use it."""
        tls = self.mesh.tls
        for name, served in (("operator", True), ("blog", False)):
            done = run_tool("grpcurl", "-cacert", tls.ca.cert, "-cert", tls[name].cert, "-key",
                            tls[name].key, f"localhost:{self.mesh.services['user'].port}", "list")
            self.assertEqual("inkmesh.user.v1.UserService" in done.stdout, served, done.stderr)
            if not served:
                self.assertIn("no name that may call this service", done.stderr)

    def test_a_service_cannot_stand_in_for_another(self):
        """A user service with the certificate of the blog service is none for the gateway."""
        user, kept = self.mesh.services["user"], self.keep("user")
        self.mesh.tls["user"].put(self.mesh.tls["blog"])
        try:
            user.stop()
            user.start()
            answer = self.post("/api/v1/auth/login", {"email": "a@example.com", "password": "b" * 9})
            self.assertEqual(answer.status, 503, answer)
        finally:
            self.mesh.tls["user"].put(kept)
            user.stop()
            user.start()
        until("the gateway has it back", lambda: self.post(
            "/api/v1/auth/login", {"email": "a@example.com", "password": "b" * 9}).status == 401, 60)

    # Renewal.

    def keep(self, name):
        """A copy of a certificate, to go back to."""
        copy = Certificate(tempfile.mkdtemp(dir=os.environ.get("TEST_TMPDIR")), name)
        copy.put(self.mesh.tls[name])
        return copy

    def expires(self, program):
        """{use: when the certificate expires} as the program tells."""
        return {re.search(r'use="([^"]*)"', labels).group(1): at for labels, at in samples(
            scrape(program)[1], "tls_certificate_expires_timestamp_seconds").items()}

    def test_renewal_under_load(self):
        """All certificates, again and again, while people come, call and go: nothing fails."""
        _, session = self.signed_in()
        self.assertEqual(set(self.expires(self.mesh.gateway)), {"http", *ALL})
        self.assertEqual(set(self.expires(self.mesh.services["notification"])), {"grpc", "user"})
        before = {program.name: self.expires(program) for program in self.programs()}
        problems, served, stop = [], [0, 0], threading.Event()

        def load(number):
            while not stop.is_set():
                try:
                    for path in ("/api/v1/users/profile", "/api/v1/blogs",
                                 "/api/v1/notifications/user"):
                        answer = self.get(path, token=session["token"], timeout=60)
                        if answer.status != 200:
                            problems.append(answer)
                    served[number] += 1
                except OSError as problem:
                    problems.append(problem)
        clients = [threading.Thread(target=load, args=(n,)) for n in range(len(served))]
        events = Events(None, session["token"], connection=connect(self.mesh, 120))
        for client in clients:
            client.start()
        local = ["DNS:localhost", "IP:127.0.0.1"]
        for turn in range(3):
            for name in ("https", "gateway", *ALL):
                self.mesh.tls[name].put(self.authority.issue(
                    name, [f"DNS:{name}", *local], days=100 + turn, file="renewed"))
            for program in self.programs():
                program.process.signal(signal.SIGHUP)
            for program in self.programs():
                until(f"{program.name} has new certificates", lambda: all(
                    at > before[program.name][use] + 9 * 86400
                    for use, at in self.expires(program).items()), 60)
            before = {program.name: {use: at - 9 * 86400 for use, at in self.expires(
                program).items()} for program in self.programs()}
            count = list(served)
            until("calls with them", lambda: all(now > then + 1 for now, then in zip(
                served, count)) or problems, 120)
        stop.set()
        for client in clients:
            client.join()
        self.assertEqual(problems, [])
        # A stream that began with the first certificates goes on, and so do events behind it.
        self.post("/api/v1/blogs", {"title": "Renewed", "content": "x" * 20},
                  token=session["token"])
        told = ""
        while "Renewed" not in told:
            told = events.event()["data"]
        events.close()

    def test_bad_files_change_nothing(self):
        gateway, https = self.mesh.gateway, self.mesh.tls.https
        kept = self.keep("https")
        said = "new certificates cannot be used, the old ones stay"
        before, known = len(log_lines(gateway, said)), self.expires(gateway)
        with open(https.cert, "w", encoding="ascii") as file:
            file.write("-----BEGIN CERTIFICATE-----\nnot really\n")
        try:
            gateway.process.signal(signal.SIGHUP)
            until("the gateway says so", lambda: len(log_lines(gateway, said)) > before, 60)
            line = log_lines(gateway, said)[-1]
            self.assertEqual((line["use"], line["level"]), ("http", "error"))
            self.assertIn("https.pem holds no certificate", json.dumps(line))
            self.assertEqual(self.get("/health").status, 200)
            self.assertEqual(self.expires(gateway), known)
        finally:
            https.put(kept)


class LooksByItself(MeshTest):
    """Without a signal: the files are looked at now and then."""

    with_tls = True
    settings = {**MeshTest.settings, "TLS_RELOAD_INTERVAL": "1s", "HTTP_HSTS_MAX_AGE": "0"}

    def test_new_files_are_found(self):
        self.assertNotIn(HSTS, self.get("/health").headers)
        authority = Authority(self.mesh.tls.folder)
        self.mesh.tls.https.put(authority.issue("found", ["IP:127.0.0.1"]))
        until("it is found", lambda: log_lines(self.mesh.gateway, "new certificates are in use"),
              60)
        connection = connect(self.mesh, 20)
        connection.connect()
        subject = dict(entry[0] for entry in connection.sock.getpeercert()["subject"])
        connection.close()
        self.assertEqual(subject["commonName"], "found")


class PlainTextTest(unittest.TestCase):
    """Without TLS nothing is served to other machines, or asked of them, unless that is meant."""

    secret = {"JWT_SECRET": "0123456789abcdef0123456789abcdef"}

    def start(self, name, timeout=60, **env):
        return subprocess.run([runfiles_binary(name)], env={**self.secret, **env},
                              capture_output=True, text=True, check=False, timeout=timeout)

    def test_the_start_is_refused(self):
        for name, setting, address, file in (
                ("gateway", "HTTP_ADDRESS", "0.0.0.0:3000", "HTTP_TLS_CERT_FILE"),
                ("gateway", "HTTP_ADDRESS", "[::]:3000", "HTTP_TLS_CERT_FILE"),
                ("gateway", "USER_SERVICE_ADDRESS", "user:3001", "GRPC_TLS_CA_FILE"),
                ("gateway", "BLOG_SERVICE_ADDRESS", "127.0.0.1:1,10.0.0.1:1", "GRPC_TLS_CA_FILE"),
                *((name, "GRPC_ADDRESS", "0.0.0.0:3001", "GRPC_TLS_CERT_FILE") for name in ALL),
                ("notification", "USER_SERVICE_ADDRESS", "10.0.0.1:3001", "GRPC_TLS_CA_FILE")):
            done = self.start(name, ADMIN_ADDRESS="127.0.0.1:0", SMTP_URL="smtp://127.0.0.1:1",
                              EMAIL_FROM="inkmesh@localhost", **{setting: address})
            self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
            for what in (f"{setting} {address}", file, "ALLOW_PLAINTEXT=true"):
                self.assertIn(what, done.stdout + done.stderr)

    def test_unless_it_is_meant(self):
        """It goes on to the next thing that is wrong."""
        done = self.start("gateway", HTTP_ADDRESS="0.0.0.0:0", ALLOW_PLAINTEXT="true",
                          ADMIN_ADDRESS="203.0.113.1:1")
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot open the admin port", done.stdout + done.stderr)
        self.assertNotIn("HTTP_ADDRESS", done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)

#!/usr/bin/python3
"""lib/http over TLS, as `openssl s_client` and Python's clients see it: what is spoken, which
certificates are sent, and how they are replaced while requests go on."""

import os
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import unittest

from harness.certificates import Authority, Certificate

SERVER = "tests/integration/http/test_server"
NAMES = ["DNS:localhost", "IP:127.0.0.1"]


class TlsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.root = Authority(self.folder)
        self.signer = Authority(self.folder, "signer", signer=self.root)
        self.used = Certificate(self.folder, "used")
        self.used.put(self.signer.issue("first", NAMES))

    def start(self, *settings):
        self.server = subprocess.Popen(
            [SERVER, f"cert={self.used.cert}", f"key={self.used.key}", *settings],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.stop)
        self.port = int(self.server.stdout.readline())

    def stop(self):
        self.server.stdin.close()
        self.server.stdout.close()
        self.assertEqual(self.server.wait(20), 0)

    def reload(self):
        self.server.stdin.write("\n")
        self.server.stdin.flush()
        return self.server.stdout.readline().strip()

    def s_client(self, *options):
        """Whether openssl's client got through, and what it printed."""
        done = subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", "-CAfile",
             self.root.cert, "-verify_return_error", "-verify_ip", "127.0.0.1", *options],
            input="", capture_output=True, text=True, timeout=30, check=False)
        return done.returncode == 0, done.stdout + done.stderr

    def context(self):
        return ssl.create_default_context(cafile=self.root.cert)

    def connect(self, context=None, session=None):
        return (context or self.context()).wrap_socket(
            socket.create_connection(("127.0.0.1", self.port), timeout=20),
            server_hostname="127.0.0.1", session=session)

    @staticmethod
    def ask(connection):
        """The first line of the answer to a request on an open connection, which stays open."""
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        file = connection.makefile("rb")
        line, length = file.readline(), 0
        while (field := file.readline().strip()):
            if field.lower().startswith(b"content-length:"):
                length = int(field.split(b":")[1])
        file.read(length)
        return line

    def test_idle_connections_have_no_thread(self):
        """They find their session again, whichever thread they get next."""
        self.start("threads=4", "keep_alive=60000", "header=60000")
        held = [self.connect() for _ in range(10)]
        for _ in range(2):
            for connection in held:
                self.assertIn(b" 200 ", self.ask(connection))
                time.sleep(0.1)  # until the thread does not wait for more
        # In the midst of a header, of which another record has the rest.
        for connection in held:
            connection.sendall(b"GET / HTTP/1.1\r\n")
        with self.connect() as another:
            self.assertIn(b" 200 ", self.ask(another))
        for connection in held:
            connection.sendall(b"Host: localhost\r\n\r\n")
            with connection.makefile("rb") as file:
                self.assertIn(b" 200 ", file.readline())
            connection.close()

    def shown(self):
        """The name in the certificate that a new connection is shown."""
        with self.connect() as connection:
            return dict(entry[0] for entry in connection.getpeercert()["subject"])["commonName"]

    def test_only_two_versions_are_spoken(self):
        self.start()
        for version, accepted in (("tls1_2", True), ("tls1_3", True), ("tls1", False),
                                  ("tls1_1", False)):
            # Our client would not even offer the old ones without a lower level of its own.
            good, text = self.s_client(f"-{version}", "-cipher", "ALL:@SECLEVEL=0")
            self.assertEqual(good, accepted, f"{version}: {text}")
            if not accepted:
                self.assertIn("protocol version", text)

    def test_only_modern_suites_are_spoken(self):
        self.start()
        for suite in ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
                      "ECDHE-ECDSA-CHACHA20-POLY1305"):
            good, text = self.s_client("-tls1_2", "-cipher", suite)
            self.assertTrue(good, text)
            self.assertIn(f"Cipher is {suite}", text)
        weak = subprocess.run(
            ["openssl", "ciphers", "-s", "-tls1_2",
             "ALL:COMPLEMENTOFALL:!AESGCM:!CHACHA20:!PSK:!SRP:@SECLEVEL=0"],
            capture_output=True, text=True, check=True).stdout.strip().split(":")
        self.assertIn("ECDHE-ECDSA-AES128-SHA", weak)  # CBC and SHA-1
        self.assertGreater(len(weak), 10)
        # All that Debian's OpenSSL has beside: CBC, CCM, no forward secrecy, no authentication.
        for suite in (":".join(weak), "AES128-GCM-SHA256", "aNULL", "DHE-RSA-AES128-GCM-SHA256"):
            good, text = self.s_client("-tls1_2", "-cipher", suite + ":@SECLEVEL=0")
            self.assertFalse(good, text)
            self.assertIn("handshake failure", text)
        for suite in ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
                      "TLS_CHACHA20_POLY1305_SHA256"):
            self.assertTrue(self.s_client("-tls1_3", "-ciphersuites", suite)[0], suite)
        self.assertFalse(self.s_client("-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_SHA256")[0])
        self.assertFalse(self.s_client("-groups", "brainpoolP256r1")[0])

    def test_rsa_works_too(self):
        rsa = Certificate(self.folder, "rsa")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-noenc", "-keyout",
                        rsa.key, "-out", rsa.cert, "-subj", "/CN=rsa", "-addext",
                        "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        self.start()
        self.used.put(rsa)
        self.assertEqual(self.reload(), "changed")
        for version in ("-tls1_2", "-tls1_3"):
            good, text = self.s_client(version, "-CAfile", rsa.cert)
            self.assertTrue(good, text)
        # The certificate of another kind that was there before is not offered any more.
        self.assertFalse(self.s_client("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256")[0])

    def test_the_chain_is_sent(self):
        self.start()
        good, text = self.s_client("-showcerts")
        self.assertTrue(good, text)
        self.assertEqual(text.count("BEGIN CERTIFICATE"), 2)
        self.assertIn("Verification: OK", text)
        stranger = Authority(os.path.join(self.folder, "other"))
        self.assertFalse(self.s_client("-CAfile", stranger.cert)[0])

    def test_other_protocols_are_refused_at_once(self):
        self.start()
        self.assertIn("ALPN protocol: http/1.1", self.s_client("-alpn", "h2,http/1.1")[1])
        good, text = self.s_client("-alpn", "h2,smtp")
        self.assertFalse(good)
        self.assertIn("no application protocol", text)

    def test_there_is_no_renegotiation_and_no_compression(self):
        self.start()
        good, text = self.s_client("-tls1_2")
        self.assertTrue(good)
        self.assertIn("Compression: NONE", text)
        done = subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", "-tls1_2"],
            input="R\n", capture_output=True, text=True, timeout=30, check=False)
        self.assertIn("no renegotiation", (done.stdout + done.stderr).lower())

    def test_a_handshake_has_a_time_limit(self):
        """Whoever says nothing, or drips, does not keep the thread."""
        self.start("header=1000", "threads=4")
        held = [socket.create_connection(("127.0.0.1", self.port), timeout=60) for _ in range(4)]
        hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"
        for byte in hello:
            for connection in held[:2]:
                try:
                    connection.sendall(bytes([byte]))
                except OSError:
                    pass
            time.sleep(0.1)
        with self.connect() as connection:  # there are threads again
            self.assertIn(b"200", self.ask(connection))
        for connection in held:
            try:
                self.assertEqual(connection.recv(100), b"")
            except ConnectionResetError:
                pass
            connection.close()

    def test_new_connections_get_the_new_certificate(self):
        self.start("keep_alive=20000")
        context = self.context()
        old = self.connect(context)
        self.assertIn(b"200", self.ask(old))
        session = old.session
        resumed = self.connect(context, session)
        self.assertIn(b"200", self.ask(resumed))
        self.assertTrue(resumed.session_reused)
        self.assertEqual(self.reload(), "unchanged")

        self.used.put(self.signer.issue("second", NAMES))
        self.assertEqual(self.shown(), "first", "nobody said that there is a new one")
        self.assertEqual(self.reload(), "changed")
        self.assertEqual(self.shown(), "second")
        self.assertIn(b"200", self.ask(old))  # it goes on
        late = self.connect(context, session)
        self.assertFalse(late.session_reused, "a session of the old certificate lives on")
        self.assertIn(b"200", self.ask(late))
        for connection in (old, resumed, late):
            connection.close()

    def test_bad_certificates_are_refused_and_the_old_one_stays(self):
        self.start()
        expired = self.signer.issue("expired", NAMES, days=-1)
        other = self.signer.issue("other", NAMES)

        def text(path, content):
            with open(path, "w", encoding="ascii") as file:
                file.write(content)

        def half():
            with open(self.used.cert, encoding="ascii") as file:
                whole = file.read()
            text(self.used.cert, whole[:len(whole) * 2 // 3])
        first = Certificate(self.folder, "first")
        for spoil, says in (
                (lambda: os.remove(self.used.cert), "cannot read .*used.pem"),
                (lambda: text(self.used.cert, ""), "used.pem is not a PEM file"),
                (lambda: text(self.used.cert, "hello"), "used.pem holds no certificate"),
                (half, "used.pem holds no certificate"),
                (lambda: text(self.used.key, "hello"), "used.key holds no unencrypted key"),
                (lambda: os.rename(other.key, self.used.key), "no pair"),
                (lambda: self.used.put(expired), r"used.pem expired on \d{4}-\d\d-\d\d")):
            self.used.put(first)
            spoil()
            self.assertRegex(self.reload(), says)
            self.assertEqual(self.shown(), "first")
        self.used.put(first)
        self.assertEqual(self.reload(), "unchanged")

    def test_no_request_fails_while_certificates_are_replaced(self):
        self.start("threads=64")
        others = [self.signer.issue(f"number-{n}", NAMES) for n in range(4)]
        problems, served, stop = [], [0] * 4, threading.Event()
        context = self.context()

        def load(number):
            session = None
            while not stop.is_set():
                try:
                    with self.connect(context, session) as connection:
                        for _ in range(3):
                            if b"200" not in self.ask(connection):
                                problems.append("not 200")
                        session = connection.session
                        served[number] += 1
                except OSError as problem:
                    problems.append(problem)
        clients = [threading.Thread(target=load, args=(n,)) for n in range(len(served))]
        for client in clients:
            client.start()
        for turn in range(40):
            self.used.put(others[turn % 4])
            self.assertEqual(self.reload(), "changed")
        while min(served) < 5 and not problems:
            time.sleep(0.05)
        stop.set()
        for client in clients:
            client.join()
        self.assertEqual(problems, [])


if __name__ == "__main__":
    unittest.main()

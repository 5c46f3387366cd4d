#!/usr/bin/python3
"""Certificates of the local stack: kept, renewed in time, and nobody else's to read."""

import os
import ssl
import subprocess
import tempfile
import unittest

from harness.certificates import Authority, Certificate, MeshCertificates


def read(path):
    with open(path, "rb") as file:
        return file.read()


class CertificatesTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = os.path.join(folder.name, "tls")

    def mesh(self):
        return MeshCertificates(self.folder, ["user", "blog"]).renew()

    def files(self):
        return {name: read(os.path.join(self.folder, name)) for name in os.listdir(self.folder)}

    def test_they_are_kept(self):
        self.mesh()
        before = self.files()
        self.assertEqual(set(before), {f"{name}.{end}" for name in (
            "ca", "user", "blog", "gateway", "operator", "https") for end in ("pem", "key")})
        self.mesh()
        self.assertEqual(self.files(), before)

    def test_what_expires_soon_is_renewed(self):
        self.mesh()
        Authority(self.folder).issue("user", days=20)
        os.remove(os.path.join(self.folder, "blog.key"))
        before = self.files()
        mesh = self.mesh()
        changed = {name for name, data in self.files().items() if before.get(name) != data}
        self.assertEqual(changed, {"user.pem", "user.key", "blog.pem", "blog.key"})
        self.assertTrue(mesh["user"].lasts(80))

    def test_a_new_authority_signs_everything_anew(self):
        self.mesh()
        os.remove(os.path.join(self.folder, "ca.key"))
        before = self.files()
        mesh = self.mesh()
        for name in ("user", "blog", "gateway", "operator", "https"):
            self.assertNotEqual(read(mesh[name].cert), before[f"{name}.pem"])
            subprocess.run(["openssl", "verify", "-CAfile", mesh.ca.cert, mesh[name].cert],
                           check=True, stdout=subprocess.DEVNULL)

    def test_nobody_else_can_read_them(self):
        mesh = self.mesh()
        copy = Certificate(self.folder, "copy")
        copy.put(mesh["user"])
        self.assertEqual(os.stat(self.folder).st_mode & 0o777, 0o700)
        for name in os.listdir(self.folder):
            self.assertEqual(os.stat(os.path.join(self.folder, name)).st_mode & 0o077, 0, name)

    def test_python_takes_them(self):
        mesh = self.mesh()
        context = ssl.create_default_context(cafile=mesh.ca.cert)
        context.load_cert_chain(mesh.https.cert, mesh.https.key)
        self.assertRegex(mesh.until(), r"^\d{4}-\d\d-\d\d$")
        self.assertFalse(Authority(self.folder).issue("late", days=-1).lasts(0))


if __name__ == "__main__":
    unittest.main(verbosity=2)

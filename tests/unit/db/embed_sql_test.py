#!/usr/bin/python3
"""What bazel/embed_sql.py refuses; that it embeds rightly is shown by migration_test.c."""

import os
import subprocess
import tempfile
import unittest


class EmbedSql(unittest.TestCase):
    def embed(self, files):
        """Its exit code and what it said, for files of these names and contents."""
        with tempfile.TemporaryDirectory() as folder:
            paths = []
            for name, content in files.items():
                paths.append(os.path.join(folder, name))
                with open(paths[-1], "wb") as file:
                    file.write(content)
            outs = [os.path.join(folder, name) for name in ("out.c", "out.h")]
            done = subprocess.run(["bazel/embed_sql.py", "name", *outs, *paths],
                                  capture_output=True, text=True, check=False)
            return done.returncode, done.stderr

    def test_good(self):
        self.assertEqual(self.embed({"0001_a.sql": b"SELECT 1", "0002_b.sql": b""}), (0, ""))

    def test_gap(self):
        code, said = self.embed({"0001_a.sql": b"", "0003_c.sql": b""})
        self.assertEqual(code, 1)
        self.assertIn("0003_c.sql: the migration here must have number 0002", said)

    def test_number_used_twice(self):
        code, said = self.embed({"0001_a.sql": b"", "0001_b.sql": b""})
        self.assertEqual(code, 1)
        self.assertIn("0001_b.sql: the migration here must have number 0002", said)

    def test_misnamed(self):
        for name in ("1_a.sql", "0001-a.sql", "0001_A.sql", "0001_a.txt", "users.sql"):
            code, said = self.embed({name: b""})
            self.assertEqual(code, 1, name)
            self.assertIn("is named like", said)

    def test_nul(self):
        code, said = self.embed({"0001_a.sql": b"SELECT\0 1"})
        self.assertEqual(code, 1)
        self.assertIn("has a NUL byte", said)


if __name__ == "__main__":
    unittest.main()

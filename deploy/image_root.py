#!/usr/bin/python3
"""image_root.py FOLDER NAME=PROGRAM...: the file systems of the programs' images.

FOLDER/common gets what all of the programs need of this machine: shared libraries, certificates,
a user. FOLDER/NAME gets what only that program needs on top, and the program itself, stripped, as
/usr/bin/NAME. Each library, also one that was linked into the program, comes with its package's
licence, and with its package's entry of the dpkg database, by which scanners know its version. There
is no shell and no package manager.
"""

import functools
import os
import re
import shutil
import subprocess
import sys

USER = "inkmesh:x:65532:65532::/nonexistent:/nonexistent\n"
GROUP = "inkmesh:x:65532:\n"
# Debian's libraries look names up without modules of their own, in this order.
NSSWITCH = "passwd: files\ngroup: files\nhosts: files dns\n"
# What bazel/pkg_config.bzl takes into programs with gRPC.
GRPC_PACKAGES = {"libgrpc-dev", "libabsl-dev", "libre2-dev"}
AS_THEY_ARE = ("/etc/os-release", "/etc/ssl/certs/ca-certificates.crt", "/usr/share/common-licenses")


def output(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def merged(path):
    """The path without the links /lib and /lib64; the name itself, which programs ask for, stays."""
    return os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))


def libraries(program):
    """The shared libraries of a program, the loader among them."""
    listed = output("ldd", program)
    if "not found" in listed:
        sys.exit(f"{program} lacks libraries:\n{listed}")
    return {merged(path) for path in re.findall(r"(?:^|\s)(/\S+) \(0x", listed)}


@functools.lru_cache(maxsize=None)
def package(library):
    """The Debian package that a library belongs to. It may list it under the link /lib."""
    for path in (os.path.realpath(library), os.path.realpath(library).removeprefix("/usr")):
        found = subprocess.run(["dpkg", "-S", path], stdout=subprocess.PIPE, check=False, text=True,
                               stderr=subprocess.DEVNULL)
        if found.returncode == 0:
            return found.stdout.split(":")[0]
    sys.exit(f"no package has {library}")


def packages_inside(program):
    has_grpc = re.search(r" T grpc_init$", output("nm", "--defined-only", program), re.M)
    return GRPC_PACKAGES if has_grpc else set()


def write(root, path, text):
    os.makedirs(os.path.dirname(root + path), exist_ok=True)
    with open(root + path, "w", encoding="utf-8") as file:
        file.write(text)


def copy(root, path):
    os.makedirs(os.path.dirname(root + path), exist_ok=True)
    if os.path.isdir(path):
        shutil.copytree(path, root + path, symlinks=True)
    else:
        shutil.copy2(path, root + path)


def add_libraries(root, paths, inside=frozenset()):
    for path in sorted(paths):
        copy(root, path)
    for name in sorted({package(path) for path in paths} | inside):
        copy(root, f"/usr/share/doc/{name}/copyright")
        write(root, f"/var/lib/dpkg/status.d/{name}", output("dpkg-query", "-s", name))


def make_common(root, paths):
    add_libraries(root, paths)
    for path in AS_THEY_ARE:
        copy(root, path)
    for link in ("/lib", "/lib64"):
        if os.path.islink(link):
            os.symlink(os.readlink(link), root + link)
    write(root, "/etc/passwd", USER)
    write(root, "/etc/group", GROUP)
    write(root, "/etc/nsswitch.conf", NSSWITCH)


def make_program(root, name, program, paths):
    add_libraries(root, paths, packages_inside(program))
    os.makedirs(f"{root}/usr/bin", exist_ok=True)
    subprocess.run(["strip", "-o", f"{root}/usr/bin/{name}", program], check=True)


def main(folder, *programs):
    needed = {tuple(each.split("=", 1)): libraries(each.split("=", 1)[1]) for each in programs}
    common = set.intersection(*needed.values())
    make_common(f"{folder}/common", common)
    for (name, program), paths in needed.items():
        make_program(f"{folder}/{name}", name, program, paths - common)


if __name__ == "__main__":
    main(*sys.argv[1:])

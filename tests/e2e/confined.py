#!/usr/bin/python3
"""confined.py UNIT FOLDER PROGRAM ARGUMENT...: runs a program as the unit would confine it.

There is no systemd in a test, so this reads the unit and does the same itself: the file system is
read-only but for FOLDER (LogsDirectory), no privilege and no capability is left, and the kernel
kills the program for any system call that SystemCallFilter does not allow, or memory that is
writable and executable (MemoryDenyWriteExecute). Families of RestrictAddressFamilies that are not
listed are refused. The program keeps this process's pid.
"""

import ctypes
import errno
import os
import re
import struct
import subprocess
import sys

import seccomp

NEWNS, NEWUSER = 0x20000, 0x10000000
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
MOUNT_SETATTR, AT_FDCWD, AT_RECURSIVE, RDONLY = 442, -100, 0x8000, 1
PR_SET_NO_NEW_PRIVS, PR_CAPBSET_DROP = 38, 24
PROT_WRITE, PROT_EXEC = 2, 4
FAMILIES = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10}
FAMILIES_END = 46

libc = ctypes.CDLL(None, use_errno=True)


def check(result, what):
    if result != 0:
        sys.exit(f"confined.py: {what}: {os.strerror(ctypes.get_errno())}")


def settings(unit, name):
    """The values of a setting, in order."""
    with open(unit, encoding="utf-8") as file:
        return re.findall(rf"^{name}=(.*)$", file.read(), re.M)


def members(group):
    """The system calls of a group such as @system-service, without the groups inside it."""
    listed = subprocess.run(["systemd-analyze", "syscall-filter", group], check=True, text=True,
                            capture_output=True).stdout
    words = [line.strip() for line in listed.splitlines()[1:]]
    found = set()
    for word in words:
        if word.startswith("@"):
            found |= members(word)
        elif word and not word.startswith("#"):
            found.add(word)
    return found


def allowed_calls(unit):
    """systemd.exec(5): the first line makes an allow-list, later ones add to it or take from it."""
    allowed = members("@default")
    for line in settings(unit, "SystemCallFilter"):
        calls = set()
        for word in line.removeprefix("~").split():
            calls |= members(word) if word.startswith("@") else {word}
        allowed = allowed - calls if line.startswith("~") else allowed | calls
    return allowed


def add_memory_rules(rules):
    """mmap() with one of the two only, mprotect() without PROT_EXEC, as systemd has it."""
    both = PROT_WRITE | PROT_EXEC
    for prot in (0, PROT_WRITE, PROT_EXEC):
        rules.add_rule(seccomp.ALLOW, "mmap", seccomp.Arg(2, seccomp.MASKED_EQ, both, prot))
    for call in ("mprotect", "pkey_mprotect"):
        rules.add_rule(seccomp.ALLOW, call, seccomp.Arg(2, seccomp.MASKED_EQ, PROT_EXEC, 0))


def add_family_rules(rules, unit):
    families = {FAMILIES[name] for line in settings(unit, "RestrictAddressFamilies")
                for name in line.split()}
    for family in range(FAMILIES_END):
        action = seccomp.ALLOW if family in families else seccomp.ERRNO(errno.EAFNOSUPPORT)
        rules.add_rule(action, "socket", seccomp.Arg(0, seccomp.EQ, family))


def filter_calls(unit):
    rules = seccomp.SyscallFilter(seccomp.KILL_PROCESS)
    special = {"mmap", "mprotect", "pkey_mprotect", "socket"}
    for call in allowed_calls(unit) - special:
        try:
            rules.add_rule(seccomp.ALLOW, call)
        except (RuntimeError, OSError):
            pass  # of another architecture
    add_memory_rules(rules)
    add_family_rules(rules, unit)
    rules.load()


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def make_read_only(folder):
    """All file systems, in a namespace of our own, except for the folder."""
    uid, gid = os.getuid(), os.getgid()
    check(libc.unshare(NEWUSER | NEWNS), "a namespace of mounts")
    write("/proc/self/setgroups", "deny")
    write("/proc/self/uid_map", f"{uid} {uid} 1")
    write("/proc/self/gid_map", f"{gid} {gid} 1")
    check(libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None), "a private /")
    path = os.fsencode(folder)
    check(libc.mount(path, path, None, MS_BIND, None), folder)
    set_read_only(b"/", AT_RECURSIVE, True)
    set_read_only(path, 0, False)


def set_read_only(path, flags, read_only):
    attributes = struct.pack("QQQQ", RDONLY if read_only else 0, 0 if read_only else RDONLY, 0, 0)
    check(libc.syscall(ctypes.c_long(MOUNT_SETATTR), ctypes.c_int(AT_FDCWD), path,
                       ctypes.c_uint(flags), attributes, ctypes.c_size_t(len(attributes))), path)


def give_up_privileges():
    capability = 0
    while libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0:
        capability += 1
    check(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no new privileges")


def main(unit, folder, *command):
    os.umask(int(settings(unit, "UMask")[-1], 8))
    make_read_only(folder)
    give_up_privileges()
    environment = dict(os.environ)
    filter_calls(unit)
    os.execve(command[0], command, environment)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""A small disk for one server, to be filled."""

import ctypes
import os

_SIZE = 384 << 20
_CHUNK = 1 << 16
_libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS, MS_REC, MS_PRIVATE, MNT_DETACH = 0x20000, 0x4000, 1 << 18, 2


def _check(result):
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def own_mounts():
    """From now on what this process mounts is seen by it and its children only, and is gone with
    them. False where that is not allowed: only root may, and not in every sandbox."""
    try:
        _check(_libc.unshare(CLONE_NEWNS))
        _check(_libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None))
        return True
    except OSError:
        return False


class Disk:
    """A file system in memory, mounted at a folder that is there; see own_mounts()."""

    def __init__(self, folder):
        self._folder = folder
        self._ballast = os.path.join(folder, "ballast")
        _check(_libc.mount(b"tmpfs", folder.encode(), b"tmpfs", 0, b"size=%d" % _SIZE))

    def fill(self):
        """To the last byte."""
        file = os.open(self._ballast, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        try:
            free = os.fstatvfs(file).f_bavail * os.fstatvfs(file).f_frsize
            if free > _CHUNK:
                os.posix_fallocate(file, 0, free - _CHUNK)
                os.lseek(file, 0, os.SEEK_END)
            while True:
                os.write(file, bytes(4096))
        except OSError:  # "no space left"
            pass
        finally:
            os.close(file)

    def empty(self):
        if os.path.exists(self._ballast):
            os.remove(self._ballast)

    def remove(self):
        """When nobody uses it any more."""
        _check(_libc.umount2(self._folder.encode(), MNT_DETACH))

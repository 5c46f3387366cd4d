"""One process: starting it, finding it again, and signalling it without ever hitting another."""

import contextlib
import os
import pwd
import select
import signal
import subprocess

from .waiting import HarnessError


def _stat(pid):
    """The fields of /proc/PID/stat after the name, or None when there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()
    except OSError:
        return None


def start_time(pid):
    """When the process started, in clock ticks since boot: with the pid it names a process for good."""
    fields = _stat(pid)
    return int(fields[19]) if fields and fields[0] != "Z" else None


def descendants(pid):
    """The pids below a process, nearest first."""
    children = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        fields = _stat(entry)
        if fields:
            children.setdefault(int(fields[1]), []).append(int(entry))
    found, todo = [], [pid]
    while todo:
        below = children.get(todo.pop(0), [])
        found += below
        todo += below
    return found


def server_user():
    """Whom servers that refuse to be root run as: None (ourselves) unless we are root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise HarnessError("neither a user 'postgres' nor 'nobody' to run servers as")


def as_user(user):
    """The command prefix that makes a command run as `user`, without any privilege left."""
    if user is None:
        return []
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


class Process:
    """A process that we started now, or found again by (pid, start time)."""

    def __init__(self, pid, started, child=None):
        self.pid = pid
        self.started = started
        self._child = child

    def needs(self):
        """Descriptors, threads and bytes of memory of its own."""
        folder = f"/proc/{self.pid}"
        with open(f"{folder}/status", encoding="ascii") as file:
            status = dict(line.split(":", 1) for line in file)
        return (len(os.listdir(f"{folder}/fd")), int(status["Threads"]),
                int(status["RssAnon"].split()[0]) * 1024)

    @classmethod
    def start(cls, command, log, env=None, user=None, lasting=False, pass_fds=()):
        """Runs `command` with its output appended to the file `log`.

        Unless `lasting`, the kernel kills it when the thread that called this ends: call from a
        thread that lives as long as the program.
        """
        prefix = as_user(user)
        if not lasting:
            # After a change of user, because that would clear it: setpriv does both in that order.
            prefix = (prefix or ["setpriv"]) + ["--pdeathsig=KILL"]
        os.makedirs(os.path.dirname(log), exist_ok=True)
        with open(log, "ab") as output:
            child = subprocess.Popen(
                prefix + list(command), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                env=env, start_new_session=True, pass_fds=pass_fds, cwd="/" if lasting else None)
        return cls(child.pid, start_time(child.pid), child)

    def alive(self):
        if self._child is not None:
            return self._child.poll() is None
        return self.started is not None and start_time(self.pid) == self.started

    def stopped(self):
        """Whether SIGSTOP holds it."""
        return (_stat(self.pid) or "?")[0] == "T"

    def exit_code(self):
        """The exit code of an ended child (negative: the signal), None while it runs or when unknown."""
        return self._child.poll() if self._child else None

    def signal(self, number):
        """Sends a signal to this process and no other; False when it is gone."""
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return False
        try:
            # The pidfd pins the process, so what the check finds is what gets the signal.
            if not self.alive():
                return False
            signal.pidfd_send_signal(handle, number)
            return True
        except ProcessLookupError:
            return False
        finally:
            os.close(handle)

    def wait(self, timeout):
        """Waits for the end of the process; True when it ended in time."""
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return True
        try:
            if not self.alive():
                return True
            poll = select.poll()
            poll.register(handle, select.POLLIN)
            ended = bool(poll.poll(timeout * 1000))
        finally:
            os.close(handle)
        if ended and self._child is not None:
            self._child.wait()
        return ended

    def tree(self):
        """This process and all below it, as Processes."""
        return [self] + [Process(pid, start_time(pid)) for pid in descendants(self.pid)]

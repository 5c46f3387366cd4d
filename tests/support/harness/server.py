"""What all servers share: a life that a test can make hard."""

import contextlib
import os
import signal
import tempfile

from .waiting import HarnessError, until


class Server:
    """Subclasses say how to launch (`_launch` returns a Process) and when it is ready (`_ready`).

    As a context manager a server is started on entry and stopped on exit.
    """

    ready_timeout = 60

    def __init__(self, name, log, lasting=False):
        self.name = name
        self.log = log
        self.lasting = lasting
        self.env = {}
        self.process = None
        self._paused = []
        self._entrance = None
        self._faked = None  # the pid for libfaketime's files, until they are removed

    @property
    def entrance(self):
        """The port that its clients are told: its own, unless something stands in between."""
        return self._entrance or self.port

    @entrance.setter
    def entrance(self, port):
        self._entrance = port

    # How a kind of server differs from the others.

    stop_signal = signal.SIGTERM

    def _with_env(self):
        """The beginning of its command that adds `env` to what it inherits; what comes before, and
        changes the user, is spared."""
        return ["env", *(f"{name}={value}" for name, value in self.env.items())]

    def _launch(self):
        raise NotImplementedError

    def _ready(self):
        raise NotImplementedError

    # The verbs.

    def start(self):
        """Starts it and returns when it is ready."""
        self.launch()
        self.wait_ready()
        return self

    def launch(self):
        """Starts it without waiting."""
        if self.running():
            raise HarnessError(f"{self.name} already runs as pid {self.process.pid}")
        self._sweep()
        self._log_start = os.path.getsize(self.log) if os.path.exists(self.log) else 0
        self.process = self._launch()
        if "libfaketime" in self.env.get("LD_PRELOAD", ""):
            self._faked = self.process.pid

    def wait_ready(self):
        until(f"{self.name} ready", self._ready, self.ready_timeout, self._why_broken)

    def running(self):
        return self.process is not None and self.process.alive()

    def stop(self, timeout=20):
        """Ends it in its orderly way (SIGKILL when that takes longer than `timeout`).

        Returns the exit code: 0 is a clean end, negative a signal, None unknown.
        """
        if self.process is None:
            return None
        self.resume()
        self.process.signal(self.stop_signal)
        if not self.process.wait(timeout):
            self.kill()
        self._sweep()
        return self.process.exit_code()

    def kill(self):
        """SIGKILL, also to what it forked: as if the machine had lost it."""
        if self.process is None:
            return
        tree = self.process.tree()
        for process in tree:
            process.signal(signal.SIGKILL)
        for process in tree:
            process.wait(10)
        self._sweep()
        self._paused = []

    def _sweep(self):
        """Removes what libfaketime (in `env`) leaves of a process that was killed: memory that its
        children share. Once, and of no other process: its name has only the pid, which in another
        sandbox is somebody else's."""
        pid, self._faked = self._faked, None
        for name in ("faketime_shm_", "sem.faketime_sem_") if pid else ():
            with contextlib.suppress(FileNotFoundError):
                os.remove(f"/dev/shm/{name}{pid}")

    def pause(self):
        """SIGSTOP: connections stay open and nothing answers."""
        self._paused = self.process.tree()
        for process in self._paused:
            process.signal(signal.SIGSTOP)

    def resume(self):
        """Undoes pause."""
        paused, self._paused = self._paused, []
        for process in paused:
            process.signal(signal.SIGCONT)

    def restart(self):
        """Stops it if it still runs, starts it again on the same port with the same data."""
        if self.running():
            self.stop()
        return self.start()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        if self.running():
            self.stop()

    # What to say when it does not work.

    def log_tail(self, lines=15):
        """The last lines that it logged since its latest start."""
        try:
            with open(self.log, "rb") as file:
                file.seek(getattr(self, "_log_start", 0))
                text = file.read().decode("utf-8", "replace")
        except OSError:
            return ""
        return "\n".join(text.splitlines()[-lines:])

    def _why_broken(self):
        if self.process.alive():
            return None
        code = self.process.exit_code()
        return f"it ended with {code}; the last it logged ({self.log}):\n{self.log_tail()}"


def scratch(prefix):
    """A new folder for throw-away data, below Bazel's own for tests where there is one."""
    return tempfile.mkdtemp(prefix=prefix, dir=os.environ.get("TEST_TMPDIR"))

"""What can happen to a server. A fault begins, and is healed after a while; both at once and from
one thread, which does not wait for anything that takes long."""

import errno
import re
import signal
import socket
import threading
import time

import clock
from harness.program import Program
from harness.waiting import HarnessError, until


class Fault:
    """`what`: how it reads. `seconds`: between which times it lasts."""

    what = ""
    seconds = (0.5, 4)

    def __init__(self, mesh, name):
        self.mesh, self.name = mesh, name
        self.server, self.link = mesh.servers[name], mesh.links[name]

    def begin(self):
        raise NotImplementedError

    def heal(self):
        """Mends it. True when it bit: when it had the effect that it is for."""
        raise NotImplementedError

    def must_run(self):
        """Nobody has ended it, so one of ours still runs; this fault would hide it if not."""
        if isinstance(self.server, Program) and not self.server.running():
            self.mesh.died(self.name)

    def await_end(self):
        """Of a server that was told to end. One of ours ends with 0. True when it did so itself."""
        ended = self.server.process.wait(30)
        if not ended:
            self.server.kill()
        code = self.server.process.exit_code()
        if isinstance(self.server, Program) and code != 0:
            self.mesh.died(self.name)
        return ended

    def __str__(self):
        return f"{self.name} {self.what}"


class Killed(Fault):
    """kill -9, away for a while, back with what it had on disk."""

    what = "killed"

    def begin(self):
        self.must_run()
        self.server.kill()

    def heal(self):
        gone = self.server.process.exit_code() == -signal.SIGKILL
        self.server.launch()
        return gone


class Frozen(Fault):
    """SIGSTOP: its connections stay open, and nothing answers."""

    what = "frozen"
    seconds = (0.5, 6)

    def begin(self):
        self.server.pause()

    def heal(self):
        stopped = self.server.process.stopped()
        self.server.resume()
        return stopped


class Restarted(Fault):
    """SIGTERM (or what a server of its kind wants instead); one of ours ends with 0."""

    what = "restarted"
    seconds = (0.5, 2)

    def begin(self):
        self.must_run()
        self._told = self.server.process.signal(self.server.stop_signal)

    def heal(self):
        ended = self.await_end()
        self.server.launch()
        return self._told and ended


class OnTheLine(Fault):
    """What its network does. It bites when something that passes, or should, feels it."""

    def begin(self):
        self._felt = self.link.felt
        self.spoil()

    def spoil(self):
        raise NotImplementedError

    def heal(self):
        felt = self.link.felt > self._felt
        self.link.heal()
        return felt


class Reset(OnTheLine):
    """All connections at once, then now and again one while it is used."""

    what = "loses connections"

    def spoil(self):
        self.link.reset()
        self.link.break_often(0.02)

    def heal(self):
        felt = super().heal()
        self.link.reset()
        return felt


class Slow(OnTheLine):
    """Late, each piece by another time."""

    what = "answers late"
    late = 0.015  # s, on average

    def spoil(self):
        self.link.delay(self.late)


class Dropped(OnTheLine):
    """Nothing passes; connections stay open, and new ones wait."""

    what = "cannot be reached"
    seconds = (0.5, 6)

    def spoil(self):
        self.link.drop()


class Refused(Fault):
    """Nobody listens, as on a machine that is there and does not have it."""

    what = "refuses connections"

    def begin(self):
        self.link.refuse()

    def heal(self):
        with socket.socket() as one:
            refused = one.connect_ex(("127.0.0.1", self.link.port)) == errno.ECONNREFUSED
        self.link.heal()
        return refused


class Narrow(OnTheLine):
    """20 kB a second."""

    what = "has a narrow line"

    def spoil(self):
        self.link.narrow(20_000)


class Full(Fault):
    """No space is left on its disk. PostgreSQL may go on, refuse to write, or end."""

    what = "has a full disk"
    seconds = (1, 5)

    def begin(self):
        self.mesh.disks[self.name].fill()

    def heal(self):
        full = not self._has_room()
        self.mesh.disks[self.name].empty()
        return full

    def _has_room(self):
        """For two megabytes."""
        try:
            self.server.psql("CREATE TEMP TABLE room AS "
                             "SELECT repeat('x', 1000) FROM generate_series(1, 2000)")
            return True
        except HarnessError:
            return False


class LogFull(Full):
    """The same for Kafka, which ends of it when it has noticed."""

    seconds = (4, 6)

    def _has_room(self):
        return self.server.running()


class SetBack(Fault):
    """Its clock is, and later set right again."""

    what = "has its clock set back"
    seconds = (3, 5)  # of which up to two are over when it is seen

    def begin(self):
        self.mesh.clocks[self.name].set_back()

    def heal(self):
        one = self.mesh.clocks[self.name]
        try:
            behind = time.time() - clock.shown_by(self.server)
        except (OSError, HarnessError):
            behind = 0
        one.mend()
        return abs(behind - one.seconds) < 2


class Flushed(Fault):
    """FLUSHALL, ten times a second."""

    what = "forgets all again and again"

    def begin(self):
        self._forgot = 0
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._flush)
        self._thread.start()

    def heal(self):
        self._ending.set()
        self._thread.join()
        return self._forgot > 0

    def _flush(self):
        while not self._ending.wait(0.1):
            self._forgot += int(self.server.command("DBSIZE")[1:])
            self.server.command("FLUSHALL")


class Evicting(Fault):
    """No room: what is written is thrown out again soon, or refused."""

    what = "has no room"

    def begin(self):
        self._before = self._not_kept()
        self._set("1200000")

    def heal(self):
        bit = self._not_kept() > self._before
        self._set("256mb")
        return bit

    def _set(self, size):
        reply = self.server.command("CONFIG", "SET", "maxmemory", size)
        if reply != b"+OK\r\n":
            raise HarnessError(f"{self.name}: CONFIG SET maxmemory {size}: {reply}")

    def _not_kept(self):
        """How many values it threw out or did not take, ever."""
        return sum(map(int, re.findall(rb"(?:evicted_keys:|errorstat_OOM:count=)(\d+)",
                                       self.server.command("INFO"))))


class Forgotten(Fault):
    """The consumers stop, Kafka forgets how far they were, and they begin from the start."""

    what = "and how far it consumed is forgotten"
    seconds = (0.1, 1)
    group = "notification-group"

    def begin(self):
        self.must_run()
        self.server.process.signal(self.server.stop_signal)

    def heal(self):
        self.await_end()
        kafka = self.mesh.stack.kafka
        known = kafka.known_offsets(self.group)
        until("Kafka to forget the offsets", lambda: kafka.forget_group(self.group), 30)
        forgotten = known > 0 and kafka.known_offsets(self.group) == 0
        self.server.launch()
        return forgotten


EVERYWHERE = (Killed, Frozen, Restarted, Reset, Slow, Dropped, Refused, Narrow)
ENDING = (Killed, Restarted, Forgotten)


def _only(name):
    """What can happen to this server and not to every other."""
    if name == "redis":
        return SetBack, Flushed, Evicting
    if name.startswith("postgres-"):
        return SetBack, Full
    if name == "notification":
        return SetBack, Forgotten
    return (SetBack,) if name != "kafka" else (LogFull,)


def cards(mesh):
    """(kind, name of a server) of all that can happen in a mesh, be it possible here or not."""
    return [(kind, name) for name in sorted(mesh.servers) for kind in (*EVERYWHERE, *_only(name))]


def possible(mesh, kind, name, survivors):
    """Whether it is, here; with `survivors` all of our own programs go on through everything."""
    if survivors and kind in ENDING and name in mesh.programs:
        return False
    return name in {Full: mesh.disks, LogFull: mesh.disks,
                    SetBack: mesh.clocks}.get(kind, mesh.servers)

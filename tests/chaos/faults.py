"""What can happen to a server. A fault begins, and is healed after a while; both at once and from
one thread, which does not wait for anything that takes long."""

import threading

from harness.program import Program
from harness.waiting import until


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
        raise NotImplementedError

    def await_end(self):
        """Of a server that was told to end. One of ours ends with 0."""
        if not self.server.process.wait(30):
            self.server.kill()
        code = self.server.process.exit_code()
        if isinstance(self.server, Program) and code != 0:
            self.mesh.deaths.append(f"{self.name} was told to end, and ended with {code}: "
                                    f"{self.server.log_tail(5)}")

    def __str__(self):
        return f"{self.name} {self.what}"


class Killed(Fault):
    """kill -9, away for a while, back with what it had on disk."""

    what = "killed"

    def begin(self):
        self.server.kill()

    def heal(self):
        self.server.launch()


class Frozen(Fault):
    """SIGSTOP: its connections stay open, and nothing answers."""

    what = "frozen"
    seconds = (0.5, 6)

    def begin(self):
        self.server.pause()

    def heal(self):
        self.server.resume()


class Restarted(Fault):
    """SIGTERM (or what a server of its kind wants instead); one of ours ends with 0."""

    what = "restarted"
    seconds = (0.5, 2)

    def begin(self):
        self.server.process.signal(self.server.stop_signal)

    def heal(self):
        self.await_end()
        self.server.launch()


class Reset(Fault):
    """All connections at once, then now and again one while it is used."""

    what = "loses connections"

    def begin(self):
        self.link.reset()
        self.link.break_often(0.02)

    def heal(self):
        self.link.heal()
        self.link.reset()


class Slow(Fault):
    """Late, each piece by another time."""

    what = "answers late"

    def begin(self):
        self.link.delay(0.015)

    def heal(self):
        self.link.heal()


class Dropped(Fault):
    """Nothing passes; connections stay open."""

    what = "cannot be reached"
    seconds = (0.5, 6)

    def begin(self):
        self.link.drop()

    def heal(self):
        self.link.heal()


class Narrow(Fault):
    """20 kB a second."""

    what = "has a narrow line"

    def begin(self):
        self.link.narrow(20_000)

    def heal(self):
        self.link.heal()


class Full(Fault):
    """No space is left on its disk. PostgreSQL may go on, refuse to write, or end."""

    what = "has a full disk"
    seconds = (1, 5)

    def begin(self):
        self.mesh.disks[self.name].fill()

    def heal(self):
        self.mesh.disks[self.name].empty()


class SetBack(Fault):
    """Its clock is, and later set right again."""

    what = "has its clock set back"
    seconds = (2, 5)

    def begin(self):
        self.mesh.clocks[self.name].set_back()

    def heal(self):
        self.mesh.clocks[self.name].mend()


class Flushed(Fault):
    """FLUSHALL, ten times a second."""

    what = "forgets all again and again"

    def begin(self):
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._flush)
        self._thread.start()

    def heal(self):
        self._ending.set()
        self._thread.join()

    def _flush(self):
        while not self._ending.wait(0.1):
            self.server.command("FLUSHALL")


class Evicting(Fault):
    """No room: what is written is thrown out again soon, or refused."""

    what = "has no room"

    def begin(self):
        self.server.command("CONFIG", "SET", "maxmemory", "1200000")

    def heal(self):
        self.server.command("CONFIG", "SET", "maxmemory", "256mb")


class Forgotten(Fault):
    """The consumers stop, Kafka forgets how far they were, and they begin from the start."""

    what = "and how far it consumed is forgotten"
    seconds = (0.1, 1)

    def begin(self):
        self.server.process.signal(self.server.stop_signal)

    def heal(self):
        self.await_end()
        until("Kafka to forget the offsets",
              lambda: self.mesh.stack.kafka.forget_group("notification-group"), 30)
        self.server.launch()


EVERYWHERE = (Killed, Frozen, Restarted, Reset, Slow, Dropped, Narrow)
ONLY = {"redis": (Flushed, Evicting), "notification": (Forgotten,)}


def cards(mesh):
    """(kind, name of a server) of all that can happen in this mesh."""
    return [(kind, name) for name in sorted(mesh.servers)
            for kind in (*EVERYWHERE, *ONLY.get(name, ()), *((Full,) if name in mesh.disks else ()),
                         *((SetBack,) if name in mesh.clocks else ()))]

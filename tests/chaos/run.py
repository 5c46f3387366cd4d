"""One run: a load, episodes of faults, and after each the wait until all is well again."""

import functools
import time
import urllib.request
from dataclasses import dataclass, field

import invariants
import tables
from client import Client
from crowd import Crowd
from ledger import Ledger
from needs import Life
from harness.program import Program
from harness.waiting import HarnessError, until

# The promise, and when we stop waiting for it.
RECOVERY, PATIENCE = 15, 90
# How long the load goes on when nothing is broken any more.
CALM = 5
# What still moves when the load has ended may take so long.
SETTLING = 60


@dataclass
class World:
    """What the invariants look at."""

    ledger: Ledger
    client: Client
    authors: list
    listeners: list
    deaths: list
    recoveries: list
    lives: list
    survivors: list  # names of programs that nothing was to end
    bites: dict  # kind of fault: of each of its turns whether it bit
    tables: object = None
    cached: dict = field(default_factory=dict)
    letters: dict = field(default_factory=dict)  # topic: why, of each that waits


class Run:
    """On a mesh that has been started. `say(text)` prints a line. Where the episodes end none of our
    programs, these are `survivors`, by name."""

    def __init__(self, mesh, seed, say, survivors=()):
        self.mesh, self.say, self.survivors = mesh, say, survivors
        self.ledger = Ledger()
        self.crowd = Crowd(mesh, self.ledger, seed)
        self.recoveries = []  # of each thing that works again: None, or that it was late
        self.bites = {}  # kind of fault: of each of its turns whether it bit
        self.mended = 0.0  # when the last fault was
        self.started = {name: server.process for name, server in mesh.servers.items()}
        self.lives = {}  # pid: Life

    # Episodes.

    def episode(self, planned):
        """Begins and heals its faults at their times; returns when all is well again."""
        actions = []
        for one in planned:
            fault = one.kind(self.mesh, one.name)
            actions.append((one.begins, f"{fault}, for {one.lasts} s", fault.begin))
            actions.append((one.begins + one.lasts, f"{one.name} mended",
                            functools.partial(self._heal, fault)))
        begun = time.monotonic()
        for when, text, action in sorted(actions, key=lambda each: each[0]):
            time.sleep(max(0, begun + when - time.monotonic()))
            self.say(text)
            action()
        self.mended = time.monotonic()
        self.recover()

    def _heal(self, fault):
        bit = fault.heal()
        self.bites.setdefault(type(fault).__name__, []).append(bit)
        if not bit:
            self.say(f"  {fault}: that had no effect")

    def recover(self):
        """Waits until all of it works, and says how long after the last fault that was."""
        probe, newcomer, last = self.crowd.probe, self.crowd.newcomer, self.mended
        self.restart_others()
        for what, works in (
                ("the mesh to be ready", self._ready),
                ("a sign-in", lambda: probe.sign_in(probe.user)),
                ("a write", probe.create),
                ("its notification", lambda: probe.told(probe.blogs[-1].title)),
                ("its event in a stream", self._heard),
                ("a registration", newcomer.arrive),
                ("its welcome", lambda: newcomer.told(f"Welcome, {newcomer.user.name}!"))):
            until(what, lambda: self.restart_others() or works(),
                  self.mended + PATIENCE - time.monotonic())
            took = time.monotonic() - self.mended
            self.recoveries.append(f"{what} took {took:.1f} s" if took > RECOVERY else None)
        counts = self.ledger.counts
        since = f" ({time.monotonic() - last:.1f} s since the fault)" if last != self.mended else ""
        self.say(f"  works again after {took:.1f} s{since}; so far " +
                 ", ".join(f"{counts[what]} {what}"
                           for what in ("acknowledged", "refused", "unknown")))
        self._note_needs()

    def restart_others(self):
        """What is not ours and ended of a fault is started again, as a supervisor does. Where that
        or a fault has done so, the time to recover begins when it has started. Ours do not end of
        anything."""
        for name, server in self.mesh.servers.items():
            if not server.running():
                if isinstance(server, Program):
                    self.mesh.died(name)
                self.say(f"  {name} has ended with {server.process.exit_code()}: started again")
                server.launch()
            if not isinstance(server, Program) and server.process is not self.started[name]:
                server.wait_ready()
                self.started[name], self.mended = server.process, time.monotonic()

    def _ready(self):
        try:
            with urllib.request.urlopen(f"{self.mesh.stack.url}/readyz", timeout=2):
                return True
        except OSError:
            return False

    def _heard(self):
        """Whether the probe's listener has what the probe was told last."""
        probe = self.crowd.probe
        return probe.told(probe.blogs[-1].title) in self.crowd.listeners[0].heard

    def _note_needs(self):
        """What each process needs, now that all is well."""
        for name, program in self.mesh.programs.items():
            self.lives.setdefault(program.process.pid, Life(name)).note(program)

    # The whole.

    def run(self, episodes, seconds):
        """Episodes for that time, or all of them; the names of the invariants that do not hold."""
        self.crowd.start()
        try:
            time.sleep(2)
            self.mended = time.monotonic()
            self.recover()
            end = time.monotonic() + seconds if seconds else float("inf")
            for planned in episodes:
                self.episode(planned)
                if time.monotonic() >= end:
                    break
            self.ledger.calm = True
            time.sleep(CALM)
            self.crowd.stop_load()
            self._settle()
            for life in self.lives.values():
                self.say(f"  {life}")
            self.say("  sessions: " + ", ".join(
                f"{count} {outcome}" for outcome, count in self.ledger.sessions.items()))
            self.say("  faults that bit: " + ", ".join(
                f"{kind} {sum(bites)} of {len(bites)}" for kind, bites in self.bites.items()))
            return invariants.check(self._world(), self.say)
        finally:
            self.crowd.stop()

    def _settle(self):
        """Until nothing moves any more; what still does is for the invariants to find."""
        def still():
            status = self.mesh.events("status")
            if any(one["lag"] for one in status["consumers"]) or \
                    any(one["depth"] for one in status["outboxes"]):
                return False
            told = tables.read(self.mesh.stack).told
            return all(len(one.heard) >= len(told.get(one.user.id, []))
                       for one in self.crowd.listeners)
        try:
            until("everything to be told", still, SETTLING)
        except HarnessError as problem:
            self.say(f"  {problem}")

    def _world(self):
        stack = self.mesh.stack
        letters = {f"{one['topic']}.DLT": [] for one in self.mesh.events("status")["consumers"]}
        for one in self.mesh.events("dead")["letters"]:
            letters[one["place"].partition("/")[0]].append(f"{one['place']}: {one.get('reason')}")
        return World(
            self.ledger, Client(self.mesh.port), [self.crowd.probe, *self.crowd.authors],
            self.crowd.listeners, self.mesh.deaths, self.recoveries, list(self.lives.values()),
            self.survivors, self.bites, tables.read(stack), tables.cached(stack.redis), letters)

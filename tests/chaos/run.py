"""One run: a load, episodes of faults, and after each the wait until all is well again."""

import time
import urllib.request
from dataclasses import dataclass, field

import invariants
import tables
from client import Client
from crowd import Crowd
from ledger import Ledger
from harness.program import Program
from harness.waiting import HarnessError, until

# The promise, and when we stop waiting for it.
RECOVERY, PATIENCE = 15, 90
# What still moves when the load has ended may take so long.
SETTLING = 60


@dataclass
class World:
    """What the invariants look at."""

    ledger: Ledger
    client: Client
    listeners: list
    deaths: list
    late: list
    tables: object = None
    cached: dict = field(default_factory=dict)
    letters: list = field(default_factory=list)
    needs: dict = field(default_factory=dict)


class Run:
    """On a mesh that has been started. `say(text)` prints a line."""

    def __init__(self, mesh, seed, say):
        self.mesh, self.say = mesh, say
        self.ledger = Ledger()
        self.crowd = Crowd(mesh, self.ledger, seed)
        self.late = []
        self.warm = {}  # name: (pid, needs)

    # Episodes.

    def episode(self, planned):
        """Begins and heals its faults at their times; returns when all is well again."""
        actions = []
        for one in planned:
            fault = one.kind(self.mesh, one.name)
            actions.append((one.begins, f"{fault}, for {one.lasts} s", fault.begin))
            actions.append((one.begins + one.lasts, f"{one.name} mended", fault.heal))
        begun = time.monotonic()
        for when, text, action in sorted(actions, key=lambda each: each[0]):
            time.sleep(max(0, begun + when - time.monotonic()))
            self.say(text)
            action()
        self.recover()

    def recover(self):
        """Waits until it works, and says how long that took."""
        self.restart_others()
        for server in self.mesh.servers.values():
            if not isinstance(server, Program):
                server.wait_ready()
        begun = time.monotonic()
        for what, works in (("the mesh to be ready", self._ready),
                            ("a write", self.crowd.probe.create),
                            ("its notification", self._told)):
            until(what, works, begun + PATIENCE - time.monotonic())
            took = time.monotonic() - begun
            if took > RECOVERY:
                self.late.append(f"{what} took {took:.1f} s")
        counts = self.ledger.counts
        self.say(f"  works again after {took:.1f} s; so far " +
                 ", ".join(f"{counts[what]} {what}"
                           for what in ("acknowledged", "refused", "unknown")))
        self._note_needs()

    def restart_others(self):
        """What is not ours and ended of a fault is started again, as a supervisor does. Ours do not
        end of anything."""
        for name, server in self.mesh.servers.items():
            if server.running():
                continue
            code = server.process.exit_code()
            if isinstance(server, Program):
                self.mesh.deaths.append(f"{name} ended with {code}:\n{server.log_tail(20)}")
            self.say(f"  {name} has ended with {code}: started again")
            server.launch()

    def _ready(self):
        try:
            with urllib.request.urlopen(f"{self.mesh.stack.url}/readyz", timeout=2):
                return True
        except OSError:
            return False

    def _told(self):
        """Whether the probe's latest blog is."""
        answer = self.crowd.probe.client.ask("GET", "/api/v1/notifications/user")
        title = self.crowd.probe.blogs[-1].title
        return answer.done and any(title in one["message"] for one in answer.body)

    def _note_needs(self):
        """What a process needs when it is first seen in good health."""
        for name, program in self.mesh.programs.items():
            pid = program.process.pid
            if self.warm.get(name, (0,))[0] != pid:
                self.warm[name] = (pid, self.mesh.needs(name))

    # The whole.

    def run(self, episodes, seconds):
        """Episodes for that time, or all of them; the names of the invariants that do not hold."""
        self.crowd.start()
        try:
            time.sleep(2)
            self.recover()
            end = time.monotonic() + seconds if seconds else float("inf")
            for planned in episodes:
                self.episode(planned)
                if time.monotonic() >= end:
                    break
            self.crowd.stop_load()
            self._settle()
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
        return World(
            self.ledger, Client(self.mesh.port), self.crowd.listeners, self.mesh.deaths, self.late,
            tables.read(stack), tables.cached(stack.redis), self.mesh.events("dead")["letters"],
            {name: (warm[1], self.mesh.needs(name)) for name, warm in self.warm.items()
             if warm[0] == self.mesh.programs[name].process.pid})

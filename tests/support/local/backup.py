"""`./inkmesh backup` and `restore`: three databases that fit together afterwards.

An event is in the outbox of its service until Kafka has it, and from when it is dealt with in the
inbox of the notification service. So the services that tell are dumped first, and the one that is
told last, when it has dealt with all that had left the outboxes by then: every event is in an outbox
or was dealt with, or both, which the inbox notices. Kafka is not needed to restore such a backup.
"""

import calendar
import contextlib
import hashlib
import json
import os
import subprocess
import time

from harness import postgres
from harness.waiting import HarnessError, until

from . import events, stack, state

# Authors are made before their blogs, so they are dumped after these.
TELLING = ("blog", "user")
TOLD = "notification"
ORDER = (*TELLING, TOLD)
GROUP = "notification-group"
ALWAYS = "1970-01-01T00:00:00Z"
_MANIFEST = "backup.json"
_TIME = "%Y-%m-%dT%H:%M:%SZ"
_CLOCKS = 3600  # s: how far a service's, by which its events are dated, may be behind


def _now():
    return time.strftime(_TIME, time.gmtime())


def _since(manifest):
    """From when on events may be missing in the backup. What the inbox has is dealt with: too much of
    this costs time and nothing else."""
    if manifest["missing"]:
        return ALWAYS
    begun = calendar.timegm(time.strptime(manifest["begun"], _TIME))
    return time.strftime(_TIME, time.gmtime(begun - _CLOCKS))


def _dump_path(folder, service):
    return os.path.join(folder, service + ".dump")


def _digest(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while part := file.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()


class Events:
    """The program inkmesh-events beside a Stack."""

    def __init__(self, mesh, program):
        self.mesh, self.program = mesh, program

    def ask(self, *args):
        """What it prints; HarnessError with what it says when it cannot do that."""
        if not self.mesh.kafka.running():
            raise HarnessError("Kafka does not run")
        done = subprocess.run([self.program, *args, "--json"], env=events.settings(self.mesh),
                              capture_output=True, text=True, check=False)
        answer = json.loads(done.stdout) if done.stdout else {"errors": [done.stderr.strip()]}
        if done.returncode:
            raise HarnessError("; ".join(answer["errors"]))
        return answer

    def partitions(self):
        """{(topic, partition): (the first offset that was not dealt with, the end)}"""
        return {(one["topic"], one["partition"]): (max(one["next"], 0), one["end"])
                for one in self.ask("status")["consumers"] if one["group"] == GROUP}


def _await_told(program, patience):
    """Until all that is in the topics now was dealt with."""
    ends = {place: end for place, (_, end) in program.partitions().items()}
    if not ends:
        raise HarnessError(f"{GROUP} has never begun")
    until("the notification service to deal with what was told",
          lambda: all(next_ >= ends.get(place, 0) for place, (next_, _)
                      in program.partitions().items()), patience)


def _dump(database, path):
    options, env = database.client_options()
    done = subprocess.run([postgres.program("pg_dump"), *options, "-Fc", "-f", path], env=env,
                          capture_output=True, text=True, check=False)
    if done.returncode:
        raise HarnessError(f"{database.name}: {done.stderr.strip()}")


def back_up(mesh, folder, program, patience=60):
    """Dumps the databases of a Stack into a new folder, which appears whole or not at all.

    `program` is inkmesh-events. Returns None, or why events may be missing that only Kafka has.
    """
    unfinished = folder + ".unfinished"
    if os.path.exists(folder) or os.path.exists(unfinished):
        raise HarnessError(f"{folder}, or {unfinished}, is there already")
    os.makedirs(unfinished, 0o700)
    begun, missing = _now(), None
    for service in TELLING:
        _dump(mesh.databases[service], _dump_path(unfinished, service))
    try:
        _await_told(Events(mesh, program), patience)
    except HarnessError as problem:
        missing = str(problem)
    _dump(mesh.databases[TOLD], _dump_path(unfinished, TOLD))
    manifest = {"begun": begun, "ended": _now(), "missing": missing,
                "sha256": {service: _digest(_dump_path(unfinished, service)) for service in ORDER}}
    with open(os.path.join(unfinished, _MANIFEST), "w", encoding="utf-8") as file:
        json.dump(manifest, file, indent=2)
        file.write("\n")
    os.rename(unfinished, folder)
    return missing


def _read_manifest(folder):
    """What a backup says of itself, once its files are seen to be what it says."""
    try:
        with open(os.path.join(folder, _MANIFEST), encoding="utf-8") as file:
            manifest = json.load(file)
        for service, digest in manifest["sha256"].items():
            if _digest(_dump_path(folder, service)) != digest:
                raise HarnessError(f"{_dump_path(folder, service)} is not what was written")
    except (OSError, ValueError, KeyError) as problem:
        raise HarnessError(f"{folder} is no backup that `./inkmesh backup` made: {problem}") \
            from problem
    return manifest


def _replace(database, path):
    """The database becomes what the dump has, or stays as it is: one transaction."""
    options, env = database.client_options()
    with subprocess.Popen([postgres.program("psql"), "-Xq", "-v", "ON_ERROR_STOP=1", *options],
                          env=env, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, bufsize=0) as psql:
        with contextlib.suppress(BrokenPipeError):
            psql.stdin.write(b"BEGIN; SET LOCAL client_min_messages = warning;"
                             b" DROP SCHEMA public CASCADE; CREATE SCHEMA public;\n")
        read = subprocess.run([postgres.program("pg_restore"), "-f", "-", path], check=False,
                              stdout=psql.stdin, stderr=subprocess.PIPE)
        # Without this line the end of its input ends the transaction, too.
        if read.returncode == 0:
            with contextlib.suppress(BrokenPipeError):  # it has ended, and says why
                psql.stdin.write(b"COMMIT;\n")
        said = psql.communicate()[1]
    if psql.returncode or read.returncode:
        raise HarnessError(f"{database.name}: {(said or read.stderr).decode().strip()}")


def put_back(mesh, folder, program, only=None):
    """The databases of a Stack, or that of one service, become what the backup has. Their services
    must be stopped; Redis must run. Returns what was done about events, in words."""
    manifest = _read_manifest(folder)
    for service in (only,) if only else ORDER:
        _replace(mesh.databases[service], _dump_path(folder, service))
    mesh.redis.command("FLUSHALL")
    if only not in (None, TOLD):
        return "those in its outbox are published again; the inbox knows what was dealt with"
    kafka = Events(mesh, program)
    try:
        if only is None and not manifest["missing"]:
            # What waits was told by databases that are gone.
            kafka.ask("skip", GROUP)
            return "those that waited in Kafka came after the backup and were skipped"
        kafka.ask("rewind", GROUP, _since(manifest))
        return "those in Kafka are dealt with again, but for what the inbox knows"
    except HarnessError as problem:
        if "has committed anything" in str(problem):
            return "Kafka has no offsets to move"
        command = "skip" if only is None and not manifest["missing"] else "rewind"
        raise HarnessError(
            f"the databases are back, but Kafka's offsets are where they were: {problem}\n"
            f"  When Kafka runs: ./inkmesh events {command} {GROUP}"
            + (f" {_since(manifest)}" if command == "rewind" else "")
        ) from problem


# The commands.

def _servers(mesh, *others):
    """The command needs these, not the programs."""
    needed = (*mesh.databases.values(), mesh.redis, *others)
    away = [one.name for one in needed if not one.running()]
    if away:
        raise HarnessError(f"{', '.join(away)} must run: ./inkmesh up")


def back_up_local(folder):
    """0 when all is in it, 1 when there may be events that only Kafka has."""
    folder = os.path.abspath(folder or state.path("backup", _now().replace(":", "-")))
    with state.locked():
        mesh, _ = stack.local_stack()
        _servers(mesh)
        missing = back_up(mesh, folder, events.program())
    print(folder)
    if missing:
        print(f"inkmesh: events may be in Kafka and in none of the databases: {missing}.\n"
              f"  This backup is good as long as Kafka keeps them.")
    return 1 if missing else 0


def put_back_local(folder, only=None):
    """Stops the services whose databases these are, and starts them again."""
    with state.locked():
        mesh, _ = stack.local_stack()
        _servers(mesh, mesh.kafka)
        _read_manifest(folder)
        services = [one for name, one in mesh.services.items() if only in (None, name)]
        for one in services:
            stack.stop(one)
        try:
            print(f"Events: {put_back(mesh, folder, events.program(), only)}.")
        except HarnessError as problem:
            raise HarnessError(f"{problem}\n  The services are still stopped: restore again, or "
                               "./inkmesh up") from problem
        stack.start(services)
    print("Restored, and the services run again.")

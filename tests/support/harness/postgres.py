"""A PostgreSQL server of one's own."""

import contextlib
import glob
import os
import secrets
import shutil
import signal
import subprocess
import tempfile

from . import ports
from .process import Process, as_user, server_user
from .server import Server, scratch
from .waiting import HarnessError

# What throw-away data need not survive: a crash of the machine. Commits still survive kill -9.
_THROW_AWAY = ["-c", "fsync=off", "-c", "full_page_writes=off", "-c", "shared_buffers=32MB"]


def program(name):
    """The path of one of PostgreSQL's programs: Debian keeps the server's off PATH."""
    found = shutil.which(name)
    for path in sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"), reverse=True):
        found = path if not found or not name.startswith("psql") else found
    if not found:
        raise HarnessError(f"no '{name}': the package postgresql is not installed")
    return found


class Postgres(Server):
    """One cluster with one role and one database of the same name, for password logins over TCP.

    Without arguments: a free port, throw-away data, the role `test`. Runs as another user when we
    are root (PostgreSQL insists), as ourselves otherwise.
    """

    stop_signal = signal.SIGINT  # "fast": clients are disconnected, the data is flushed

    def __init__(self, name="postgres", database="test", password=None, port=None, folder=None,
                 log=None, lasting=False):
        self.folder = folder or scratch("postgres-")
        super().__init__(name, log or os.path.join(self.folder, "server.log"), lasting)
        self.database = database
        self.password = password or secrets.token_hex(8)
        self.port = port or ports.reserve()
        self.throw_away = not lasting
        self._user = server_user()

    @property
    def url(self):
        return (f"postgresql://{self.database}:{self.password}"
                f"@127.0.0.1:{self.entrance}/{self.database}")

    def client_options(self, database=None):
        """Options of psql and its like that lead here, and the environment with the password.

        On the command line everybody on the machine could read it.
        """
        return (["-h", "127.0.0.1", "-p", str(self.port), "-U", self.database,
                 "-d", database or self.database],
                {**os.environ, "PGPASSWORD": self.password})

    def psql(self, sql, database=None):
        """Runs SQL and returns its unadorned output; HarnessError with what psql says otherwise."""
        options, env = self.client_options(database)
        done = subprocess.run(
            [program("psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", *options, "-c", sql],
            env=env, capture_output=True, text=True, check=False)
        if done.returncode:
            raise HarnessError(done.stderr.strip())
        return done.stdout.strip()

    def _data(self):
        return os.path.join(self.folder, "data")

    @contextlib.contextmanager
    def _reachable_folder(self):
        """The folder as a path that the server's user can follow, and the descriptors it needs.

        A folder below /root is closed to every other user, but one that was opened as root and
        inherited can be reached through /proc.
        """
        if self._user is None:
            yield self.folder, ()
            return
        handle = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            yield f"/proc/self/fd/{handle}", (handle,)
        finally:
            os.close(handle)

    def _create(self):
        """initdb; the data appears whole or not at all."""
        os.makedirs(self.folder, exist_ok=True)
        if self._user:
            os.chown(self.folder, self._user.pw_uid, self._user.pw_gid)
        unfinished = os.path.join(self.folder, "unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        with tempfile.NamedTemporaryFile("w") as password, self._reachable_folder() as (path, fds):
            password.write(self.password)
            password.flush()
            if self._user:
                os.chown(password.name, self._user.pw_uid, self._user.pw_gid)
            done = subprocess.run(
                as_user(self._user) + [
                    program("initdb"), "-D", path + "/unfinished", "-U", self.database,
                    "-A", "scram-sha-256", f"--pwfile={password.name}", "-E", "UTF8",
                    "--locale=C.UTF-8", "--no-instructions",
                ] + (["--no-sync"] if self.throw_away else []),
                capture_output=True, text=True, check=False, pass_fds=fds)
        if done.returncode:
            raise HarnessError(f"initdb for {self.name}: {done.stderr.strip()}")
        os.rename(unfinished, self._data())

    def _must_be_ours(self):
        """Data that root made before is not readable for others, nor the other way round."""
        owner = os.stat(self._data()).st_uid
        expected = self._user.pw_uid if self._user else os.geteuid()
        if owner != expected:
            raise HarnessError(f"{self._data()} belongs to uid {owner}: run this as the user who "
                               "made it, or remove it together with its data")

    def _launch(self):
        if not os.path.exists(self._data()):
            self._create()
        self._must_be_ours()
        with self._reachable_folder() as (path, fds):
            return Process.start(
                [*self._with_env(), program("postgres"), "-D", path + "/data",
                 "-p", str(self.port), "-c", "listen_addresses=127.0.0.1",
                 "-c", "unix_socket_directories=", "-c", "max_connections=200",
                 *(_THROW_AWAY if self.throw_away else [])],
                self.log, user=self._user, lasting=self.lasting, pass_fds=fds)

    def _ready(self):
        """Ready to log in, with the database there: initdb made the role, but only `postgres`."""
        known = f"SELECT 1 FROM pg_database WHERE datname = '{self.database}'"
        try:
            if not self.psql(known, "postgres"):
                self.psql(f'CREATE DATABASE "{self.database}"', "postgres")
        except HarnessError:
            return False
        return True

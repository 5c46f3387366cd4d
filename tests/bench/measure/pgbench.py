"""The limit of PostgreSQL: the statements that our services send, sent by pgbench."""

import glob
import os
import re
import subprocess
import tempfile

from harness.postgres import program
from harness.waiting import HarnessError, until

from .series import quantile

_THREADS = 2


def statement(database, name, call):
    """The text of a prepared statement, from what the server logs when call() makes a service use
    it: no copy that could become old."""
    database.psql("ALTER SYSTEM SET log_statement = 'all'")
    database.psql("SELECT pg_reload_conf()")

    def logged():
        call()
        with open(database.log, encoding="utf-8", errors="replace") as file:
            return re.findall(rf"execute {name}: (.*)$", file.read(), re.M)

    try:
        return until(f"{name} in the log of {database.name}", logged, 10)[-1]
    finally:
        database.psql("ALTER SYSTEM RESET log_statement")
        database.psql("SELECT pg_reload_conf()")


def run(database, script, connections, seconds, variables):
    """{metric: number} of a script, by prepared statements. `variables` are the script's, by name."""
    options, env = database.client_options()
    with tempfile.TemporaryDirectory(prefix="pgbench-") as folder:
        path = os.path.join(folder, "script.sql")
        with open(path, "w", encoding="utf-8") as file:
            file.write(script)
        done = subprocess.run(
            [program("pgbench"), "-n", "-M", "prepared", f"-c{connections}",
             f"-j{min(_THREADS, connections)}", f"-T{seconds}", "-f", path, "-l",
             f"--log-prefix={folder}/log",
             *(f"-D{name}={value}" for name, value in variables.items()), *options[:-2],
             database.database],
            env=env, capture_output=True, text=True, check=False, timeout=seconds + 60)
        rate = re.search(r"^tps = ([\d.]+)", done.stdout, re.M)
        if done.returncode or not rate:
            raise HarnessError(f"pgbench failed: {(done.stderr or done.stdout)[-1000:]}")
        latencies = _latencies(folder)
    return {"rate": float(rate.group(1)), "p50": quantile(latencies, 50),
            "p99": quantile(latencies, 99), "errors": 0}


def _latencies(folder):
    """In ms, of each transaction: the third column of pgbench's logs, in µs."""
    found = []
    for path in glob.glob(os.path.join(folder, "log.*")):
        with open(path, encoding="ascii") as lines:
            found += [int(line.split()[2]) / 1000 for line in lines]
    return found

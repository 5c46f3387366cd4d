#!/usr/bin/python3
"""The harness itself: servers start, can be hurt, come back, and end with whoever started them."""

import glob
import os
import signal
import socket
import subprocess
import sys
import unittest

from harness import ports
from harness.kafka import Kafka
from harness.postgres import Postgres
from harness.process import descendants, start_time
from harness.redis import Redis
from harness.waiting import HarnessError, until
from harness.zookeeper import ZooKeeper


class PostgresVerbs(unittest.TestCase):
    def test_data_survives_kill_and_restart(self):
        with Postgres() as postgres:
            postgres.psql("CREATE TABLE t (x int)")
            postgres.psql("INSERT INTO t VALUES (42)")
            self.assertEqual(postgres.psql("SELECT current_user, current_database()"), "test|test")
            postgres.kill()
            self.assertFalse(postgres.running())
            with self.assertRaises(HarnessError):
                postgres.psql("SELECT 1")
            postgres.start()
            self.assertEqual(postgres.psql("SELECT x FROM t"), "42")
            self.assertEqual(postgres.stop(), 0)

    def test_pause_stops_the_backends_too(self):
        with Postgres() as postgres:
            sleeper = subprocess.Popen(["psql", "-XqAt", "-c", "SELECT pg_sleep(0.3), 'woke'",
                                        postgres.url], stdout=subprocess.PIPE, text=True)
            until("the query to run", lambda: postgres.psql(
                "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%woke%' AND pid <> "
                "pg_backend_pid()"), 10)
            postgres.pause()
            with self.assertRaises(subprocess.TimeoutExpired):
                sleeper.wait(1)
            postgres.resume()
            self.assertIn("woke", sleeper.communicate(timeout=10)[0])

    def test_wrong_password_is_refused(self):
        with Postgres() as postgres:
            postgres.password = "not it"
            with self.assertRaisesRegex(HarnessError, "password authentication failed"):
                postgres.psql("SELECT 1")

    def test_start_failure_shows_the_log(self):
        with Postgres() as postgres:
            second = Postgres(port=postgres.port)
            with self.assertRaisesRegex(HarnessError, "(?s)it ended with 1;.*Address already in use"):
                # Ready would be answered by the first server, were the password the same.
                second.start()


class FaketimeTest(unittest.TestCase):
    """A server with libfaketime before its clock, as tests/chaos has them."""

    def shared(self, pid):
        return [name for name in os.listdir("/dev/shm")
                if name in (f"faketime_shm_{pid}", f"sem.faketime_sem_{pid}")]

    def setUp(self):
        libraries = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
        if not libraries:
            self.skipTest("libfaketime is not installed")
        self.redis = Redis()
        self.redis.env = {"LD_PRELOAD": f"{libraries[0]}:libc.so.6", "FAKETIME": "+0"}
        self.redis.start()
        self.addCleanup(self.redis.kill)
        self.pid = self.redis.process.pid
        self.assertEqual(len(self.shared(self.pid)), 2)

    def test_a_killed_server_leaves_nothing(self):
        self.redis.kill()
        self.assertEqual(self.shared(self.pid), [])

    def test_nor_does_one_that_is_started_again(self):
        self.redis.process.signal(signal.SIGKILL)
        until("the end", lambda: not self.redis.running(), 10)
        self.assertEqual(len(self.shared(self.pid)), 2)
        self.redis.start()
        self.assertEqual(self.shared(self.pid), [])
        self.assertEqual(len(self.shared(self.redis.process.pid)), 2)


class KafkaVerbs(unittest.TestCase):
    def kcat(self, kafka, *args, text=None):
        return subprocess.run(["kcat", "-q", "-b", kafka.url, *args], input=text, text=True,
                              capture_output=True, check=True, timeout=30).stdout

    def test_messages_survive_kill_and_pause(self):
        with Kafka() as kafka:
            kafka.create_topic("news", 3)
            kafka.create_topic("news", 3)
            with self.assertRaisesRegex(HarnessError, "could not be made"):
                kafka.create_topic("no name!")
            self.assert_survival(kafka)
            kafka.pause()
            self.assertFalse(kafka._ready())
            kafka.resume()
            until("ready again", kafka._ready, 30)

    def test_messages_survive_kill_with_zookeeper(self):
        with ZooKeeper() as zookeeper, Kafka(zookeeper=zookeeper) as kafka:
            kafka.create_topic("news", 3)
            self.assert_survival(kafka)
            zookeeper.restart()
            kafka.create_topic("olds")
            self.assertEqual(kafka.stop(), 143)  # Java's way to end by SIGTERM

    def assert_survival(self, kafka):
        self.kcat(kafka, "-P", "-t", "news", "-K:", text="key:value\n")
        kafka.kill()
        kafka.start()
        self.assertEqual(self.kcat(kafka, "-C", "-t", "news", "-e", "-f", "%k=%s"), "key=value")


class RedisVerbs(unittest.TestCase):
    def test_kill_restart_pause(self):
        with Redis() as redis:
            redis.command("SET", "a", "b")
            self.assertEqual(redis.command("GET", "a"), b"$1\r\nb\r\n")
            redis.pause()
            with self.assertRaises(socket.timeout):
                redis.command("PING")
            redis.resume()
            self.assertEqual(redis.command("PING"), b"+PONG\r\n")
            redis.restart()
            self.assertEqual(redis.command("GET", "a"), b"$-1\r\n")
            redis.kill()
            self.assertEqual(redis.process.exit_code(), -signal.SIGKILL)
            self.assertFalse(ports.listening(redis.port))


class Ownership(unittest.TestCase):
    def test_servers_end_with_a_killed_test(self):
        runner = subprocess.Popen([
            "tests/support/with_servers.py", "--postgres", "--redis", "--", "sleep", "100"])
        below = until("its servers", lambda: self._sleeping(runner.pid), 60)
        runner.kill()
        runner.wait()
        until("the end of its servers", lambda: not any(
            start_time(pid) == started for pid, started in below), 60)

    @staticmethod
    def _sleeping(pid):
        found = [(below, start_time(below)) for below in descendants(pid)]
        names = []
        for below, _ in found:
            try:
                with open(f"/proc/{below}/comm", encoding="ascii") as comm:
                    names.append(comm.read().strip())
            except OSError:
                return None
        # Where only redis-tools is installed, the program's file has another name.
        names = ["redis" if name.startswith("redis-") else name for name in names]
        return found if {"sleep", "postgres", "redis"} <= set(names) else None

    def test_reserved_ports_differ_and_have_no_holder(self):
        reserved = {ports.reserve() for _ in range(50)}
        self.assertEqual(len(reserved), 50)
        self.assertIsNone(ports.holder(reserved.pop()))

    def test_holder_is_named(self):
        with socket.create_server(("127.0.0.1", ports.reserve())) as server:
            self.assertEqual(ports.holder(server.getsockname()[1])[0], os.getpid())


if __name__ == "__main__":
    unittest.main(verbosity=2, argv=sys.argv)

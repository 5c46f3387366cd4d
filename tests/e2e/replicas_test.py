#!/usr/bin/python3
"""Two replicas of each service behind two gateways behind a balancer: the work is shared, one of them
may die or be replaced, and what happened is told once."""

import collections
import contextlib
import http.client
import itertools
import json
import os
import signal
import threading
import time
import unittest

import psycopg2

from harness import ports
from harness.waiting import until
from mesh import MeshTest, connect, samples, scrape, total
from sse import Events

CONTENT = "Long enough to be a blog."
BEGINNING = "00000000-0000-0000-0000-000000000000"
NEXT = "tests/e2e/next/blog"
GRACE = 10  # DRAIN_GRACE_MS
GOOD = (200, 201, 204)
numbers = itertools.count()


def created(title):
    return f"Your blog {title} has been created."


def updated(title):
    return f"Your blog {title} has been updated."


def milliseconds(answers):
    """The median and the 99th percentile of how long they took."""
    took = sorted(answer[4] * 1000 for answer in answers)
    return f"{took[len(took) // 2]:.1f} ms (p99 {took[len(took) * 99 // 100]:.1f} ms)"


class Load:
    """Threads that read, each on a connection that it keeps, write, change and delete, all the time,
    and one that brings new users; what they were answered, and when."""

    def __init__(self, test, token, readers=2, writers=2):
        self.test, self.token = test, token
        self.answers = []  # (when it was asked, method, path, status, seconds)
        self.asked, self.acknowledged = [], []  # what is to be told of
        self.pairs = []  # of one blog: what is to be told first, and what then
        self.joined = []  # names and tokens
        self.ending = threading.Event()
        self.threads = [threading.Thread(target=self._run, args=(self._read,))
                        for _ in range(readers)]
        self.threads += [threading.Thread(target=self._run, args=(self._write,))
                         for _ in range(writers)]
        self.threads.append(threading.Thread(target=self._run, args=(self._join,)))

    def _run(self, once):
        with contextlib.closing(connect(self.test.mesh, 30)) as kept:
            while not self.ending.is_set():
                once(next(numbers), kept)
                time.sleep(0.005)

    def _ask(self, method, path, body=None, kept=None):
        """The answer, if it is a good one."""
        begun, answer = time.monotonic(), None
        try:
            answer = self.test.request(method, path, body, token=self.token, kept=kept)
            status = answer.status
        except (OSError, http.client.HTTPException, AssertionError) as error:
            status = repr(error)
            if kept:
                kept.close()  # it connects again
        self.answers.append((begun, method, path, status, time.monotonic() - begun))
        return answer if status in GOOD else None

    def _read(self, number, kept):
        self._ask("GET", ("/api/v1/users/profile", "/api/v1/blogs?pageSize=1",
                          "/api/v1/notifications/user?pageSize=1")[number % 3], kept=kept)

    def _write(self, number, _):
        """A blog's whole life."""
        title, edit = f"Blog {number}", f"Edit {number}"
        answer = self._tell(created(title), "POST", "/api/v1/blogs",
                            {"title": title, "content": CONTENT})
        if answer:
            path = f"/api/v1/blogs/{answer.json()['id']}"
            self.pairs.append((created(title), updated(edit)))
            self._tell(updated(edit), "PATCH", path, {"title": edit})
            if number % 2:
                self._ask("DELETE", path)

    def _tell(self, message, *request):
        self.asked.append(message)
        answer = self._ask(*request)
        if answer:
            self.acknowledged.append(message)
        return answer

    def _join(self, *_):
        account = self.test.account()
        login = {key: account[key] for key in ("email", "password")}
        if self._ask("POST", "/api/v1/auth/register", account):
            answer = self._ask("POST", "/api/v1/auth/login", login)
            if answer:
                self.joined.append((account["username"], answer.json()["token"]))
        self.ending.wait(0.2)

    def __enter__(self):
        self.before = set(self.test.told(self.token))
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        for thread in self.threads:
            thread.join()

    def failed(self):
        return [answer for answer in self.answers if answer[3] not in GOOD]

    def why(self):
        """What the gateways logged of it."""
        lines = []
        for gateway in self.test.mesh.gateways:
            with open(gateway.log, encoding="utf-8") as log:
                lines += [line for line in log if '"status":5' in line or '"status":4' in line]
        return "\n".join(lines)


class Listener(threading.Thread):
    """Keeps a stream open as an EventSource does: when it ends, it comes back with the last id."""

    def __init__(self, port, token):
        super().__init__(daemon=True)
        self.port, self.token = port, token
        self.messages, self.sessions, self.ending = [], 0, False
        self.last, self.open = BEGINNING, None

    def run(self):
        while not self.ending:
            try:
                self.open = Events(self.port, self.token, {"Last-Event-ID": self.last})
                if self.open.response.status == 200:
                    self.sessions += 1
                    self._listen()
                else:
                    time.sleep(0.2)
            except OSError:
                time.sleep(0.2)
            finally:
                self.open.close()

    def _listen(self):
        while True:
            event = self.open.event()
            if event.get("event") == "error" or "data" not in event:
                return
            self.last = event["id"]
            self.messages.append(json.loads(event["data"])["message"])


class ReplicasTest(MeshTest):
    with_kafka = True
    replicas = gateways = 2

    def setUp(self):
        self.user, session = self.signed_in()
        self.token = session["token"]
        for program in self.programs():
            if not program.running():
                program.start()
            self.await_used(program)

    def programs(self):
        return [*self.services(), *self.mesh.gateways]

    def services(self):
        return sum(self.mesh.replicas.values(), [])

    def done(self, program):
        """How much work it did."""
        if program not in self.mesh.gateways:
            return total(program, "grpc_server_handled_total")
        answered = samples(scrape(program)[1], "http_server_request_duration_seconds_count")
        return sum(count for labels, count in answered.items() if "/api/" in labels)

    def await_used(self, program):
        """Until all who could give work to it are connected, and somebody does."""
        if program not in self.mesh.gateways:
            until(f"connections to {program.name}", lambda: ports.connections(program.port)
                  >= len(self.mesh.gateways), 30)
        def used():
            for path in ("/api/v1/users/profile", "/api/v1/blogs", "/api/v1/notifications/user"):
                self.get(path, token=self.token)
            return self.done(program) > 0
        until(f"work for {program.name}", used, 30)

    def assert_told_once(self, load):
        """Each acknowledged write was told, those of a blog in their order, each user was welcomed,
        and nothing twice; what had its answer lost may have been done."""
        wanted = set(load.acknowledged)
        until("all notifications", lambda: wanted <= set(self.told(self.token)), 60)
        told = self.told(self.token)
        counts = collections.Counter(told)
        self.assertEqual([m for m, count in counts.items() if count > 1], [])
        possible = set(load.asked) | load.before
        extra = {message for message in counts if message.startswith("Your blog ")} - possible
        self.assertEqual(extra, set())
        places = {message: place for place, message in enumerate(told)}
        pairs = [(places[first], places[then]) for first, then in load.pairs if then in places]
        self.assertTrue(pairs)
        self.assertEqual([pair for pair in pairs if pair[0] > pair[1]], [])
        self.assertTrue(load.joined)
        for name, token in load.joined:
            until(f"{name}'s welcome", lambda token=token: self.told(token), 60)
            self.assertEqual(self.told(token), [f"Welcome, {name}! Your account has been created."])

    def test_the_work_is_shared(self):
        before = {one.name: self.done(one) for one in self.programs()}
        for _ in range(20):
            for path in ("/api/v1/users/profile", "/api/v1/blogs", "/api/v1/notifications/user"):
                self.assertEqual(self.get(path, token=self.token).status, 200)
        for one in self.programs():
            self.assertGreaterEqual(self.done(one) - before[one.name], 8, one.name)

    def test_a_stream_hears_what_the_other_replica_consumed(self):
        """Four streams, so that each replica has one; each sees all that either replica told."""
        listeners = [Listener(self.mesh.front.port, self.token) for _ in range(4)]
        for listener in listeners:
            listener.start()
        replicas = self.mesh.replicas["notification"]
        until("streams on both", lambda: all(total(one, "notification_streams") > 0
                                             for one in replicas), 30)
        def handled():
            return [total(one, "event_consumer_handled_total") for one in replicas]
        until("partitions for both", lambda: all(total(one, "event_consumer_joined") == 1
                                                 for one in replicas), 60)
        before, titles = handled(), []
        def both_consumed():
            titles.append(f"Blog {len(titles)}")
            answer = self.post("/api/v1/blogs", {"title": titles[-1], "content": CONTENT},
                               token=self.token)
            self.assertEqual(answer.status, 201, answer)
            return all(now > then for now, then in zip(handled(), before))
        until("both consumed", both_consumed, 60)
        wanted = {created(title) for title in titles}
        for listener in listeners:
            until("all of it", lambda: wanted <= set(listener.messages), 30)
            listener.ending = True
            self.assertEqual(len(listener.messages), len(set(listener.messages)))
        self.assertEqual({listener.sessions for listener in listeners}, {1})

    def test_a_replica_of_each_dies(self):
        """kill -9. What may be repeated is repeated elsewhere; the rest is answered with 503 at
        worst, and only for a moment."""
        listener = Listener(self.mesh.front.port, self.token)
        listener.start()
        with Load(self, self.token) as load:
            for replicas in self.mesh.replicas.values():
                until("load", lambda: len(load.answers) > 20, 30)
                replicas[0].kill()
                killed, count = time.monotonic(), len(load.answers)
                until("load", lambda: len(load.answers) > count + 60, 60)
                late = [one for one in load.failed() if one[0] > killed + 3]
                self.assertEqual(late, [])
                replicas[0].start()
                self.await_used(replicas[0])
        self.assertEqual([one for one in load.failed() if one[1] == "GET"], [])
        self.assertLessEqual({one[3] for one in load.failed()}, {503, 504})
        self.assert_told_once(load)
        wanted = set(load.acknowledged)
        until("all of it on the stream", lambda: wanted <= set(listener.messages), 30)
        self.assertEqual(sorted(listener.messages), sorted(self.told(self.token)))
        listener.ending = True

    def test_the_relay_moves_on(self):
        """The replica whose relay is active dies: the other one takes over."""
        def active():
            return [one for one in self.mesh.replicas["blog"]
                    if one.running() and total(one, "relay_active") == 1]
        until("one active relay", lambda: len(active()) == 1, 30)
        first, = active()
        first.kill()
        begun = time.monotonic()
        def written():
            return self.post("/api/v1/blogs", {"title": "After", "content": CONTENT},
                             token=self.token).status == 201
        until("a write", written, 10)
        until("its notification", lambda: created("After") in self.told(self.token), 30)
        print(f"the relay moved on within {time.monotonic() - begun:.1f} s")
        self.assertEqual(len(active()), 1)
        self.assertNotEqual(active()[0], first)
        first.start()

    @contextlib.contextmanager
    def locked_mailbox(self):
        """Nobody can tell the user anything meanwhile."""
        until("a mailbox", lambda: self.told(self.token), 30)
        with contextlib.closing(psycopg2.connect(self.mesh.databases["notification"].url)) as held:
            held.cursor().execute(
                f"SELECT 1 FROM mailboxes WHERE user_id = '{self.user['id']}' FOR UPDATE")
            yield

    def newest(self):
        """The user's latest messages; none while nobody tells them."""
        try:
            answer = self.get("/api/v1/notifications?pageSize=100", token=self.token)
        except AssertionError:  # it is the balancer's own: for it no gateway is ready
            return []
        return [each["message"] for each in answer.json()["notifications"]] \
            if answer.status == 200 else []

    def test_a_consumer_and_the_relay_freeze(self):
        """The consumer in the middle of a transaction, with rows that the other one needs; the relay
        with its lease. Both wake up when others have done their work."""
        relay = until("an active relay", lambda: [
            one for one in self.mesh.replicas["blog"] if total(one, "relay_active") == 1], 30)[0]
        consumer = self.mesh.replicas["notification"][0]
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        with contextlib.ExitStack() as thaw, Load(self, self.token, writers=1) as load:
            with self.locked_mailbox():
                until("both consumers to wait",
                      lambda: int(self.mesh.databases["notification"].psql(waiting)) >= 2, 30)
                for one in (consumer, relay):
                    thaw.callback(one.resume)
                    one.pause()
            begun = time.monotonic()
            count = len(load.acknowledged)
            until("an acknowledged blog", lambda: len(load.acknowledged) > count + 1, 30)
            message = load.acknowledged[count + 1]
            until("its notification", lambda: message in self.newest(), 120)
            print(f"others took over within {time.monotonic() - begun:.1f} s")
            thaw.close()
            until("answers", self.newest, 30)
            self.await_used(relay)
        self.assert_told_once(load)

    # Rolling restarts: not one request fails, nobody who listens misses anything, and each event is
    # told once.

    def replace(self, program, load):
        """SIGTERM, and the next process of it; returns how long the end took."""
        count = len(load.answers)
        until("load", lambda: len(load.answers) > count + 20, 30)
        begun = time.monotonic()
        program.process.signal(signal.SIGTERM)
        self.assertTrue(program.process.wait(GRACE), program.log_tail())
        took = time.monotonic() - begun
        self.assertEqual(program.process.exit_code(), 0, program.log_tail())
        program.start()
        self.await_used(program)
        return took

    def roll(self, programs, releases):
        """`releases`: the binaries that take the place of those programs' own, if any."""
        listener = Listener(self.mesh.front.port, self.token)
        listener.start()
        with Load(self, self.token) as load:
            until("quiet load", lambda: len(load.answers) > 400, 60)
            quiet, ends = list(load.answers), []
            for program in programs:
                if program in releases:
                    program.command = [releases[program]]
                ends.append(self.replace(program, load))
        print(f"{len(programs)} programs replaced in turn: {len(load.answers)} requests, "
              f"{len(load.failed())} failed; {milliseconds(load.answers)}, before "
              f"{milliseconds(quiet)}; the slowest end took {max(ends):.1f} s; "
              f"{len(load.acknowledged)} events; one listener, {listener.sessions} streams")
        self.assertEqual(load.failed(), [], load.why()[-5000:])
        self.assert_told_once(load)
        until("all of it on the stream",
              lambda: len(listener.messages) == len(self.told(self.token)), 30)
        self.assertEqual(listener.messages, self.told(self.token))
        listener.ending = True

    def test_rolling_restart(self):
        self.roll(self.programs(), {})

    def test_two_releases_at_once(self):
        """The next one migrates the database while this one still works with it, and leaves the
        place to it again."""
        blogs, schema = self.mesh.replicas["blog"], "SELECT max(number) FROM schema_migrations"
        before = self.mesh.databases["blog"].psql(schema)
        this, = {one.command[0] for one in blogs}
        self.roll(blogs, dict.fromkeys(blogs, os.path.abspath(NEXT)))
        self.assertEqual(int(self.mesh.databases["blog"].psql(schema)), int(before) + 2)
        self.assertEqual(self.mesh.databases["blog"].psql(
            "SELECT DISTINCT language FROM blogs ORDER BY 1").split(), ["de", "en"])
        self.roll(blogs, dict.fromkeys(blogs, this))


if __name__ == "__main__":
    unittest.main(verbosity=2)

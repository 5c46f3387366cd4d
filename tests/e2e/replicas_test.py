#!/usr/bin/python3
"""Two replicas of each service behind the gateway: the work is shared, one of them may die or be
replaced, and what happened is told once."""

import collections
import itertools
import json
import signal
import threading
import time
import unittest

from harness.waiting import until
from mesh import MeshTest, total
from sse import Events

CONTENT = "Long enough to be a blog."
BEGINNING = "00000000-0000-0000-0000-000000000000"


def created(title):
    return f"Your blog {title} has been created."


class Load:
    """Threads that read and write all the time; what they were answered, and when."""

    def __init__(self, test, token, readers=2, writers=2):
        self.test, self.token = test, token
        self.answers = []  # (when it was asked, method, path, status)
        self.asked, self.acknowledged = [], []  # titles
        self.ending = threading.Event()
        numbers = itertools.count()
        self.threads = [threading.Thread(target=self._run, args=(self._read, numbers))
                        for _ in range(readers)]
        self.threads += [threading.Thread(target=self._run, args=(self._write, numbers))
                         for _ in range(writers)]

    def _run(self, once, numbers):
        while not self.ending.is_set():
            once(next(numbers))
            time.sleep(0.005)

    def _ask(self, method, path, body=None):
        begun = time.monotonic()
        answer = self.test.request(method, path, body, token=self.token)
        self.answers.append((begun, method, path, answer.status))
        return answer.status

    def _read(self, number):
        self._ask("GET", ("/api/v1/users/profile", "/api/v1/blogs?pageSize=1",
                          "/api/v1/notifications/user?pageSize=1")[number % 3])

    def _write(self, number):
        title = f"Blog {number}"
        self.asked.append(title)
        if self._ask("POST", "/api/v1/blogs", {"title": title, "content": CONTENT}) == 201:
            self.acknowledged.append(title)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        for thread in self.threads:
            thread.join()

    def failed(self):
        return [answer for answer in self.answers if answer[3] not in (200, 201)]

    def why(self):
        """What the gateway logged of it."""
        with open(self.test.mesh.gateway.log, encoding="utf-8") as log:
            return "\n".join(line for line in log if '"status":5' in line or '"status":4' in line)


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
    replicas = 2

    def setUp(self):
        self.user, session = self.signed_in()
        self.token = session["token"]
        for program in self.programs():
            if not program.running():
                program.start()
            self.await_used(program)

    def programs(self):
        return sum(self.mesh.replicas.values(), [])

    def await_used(self, program):
        """Until the gateway gives work to it."""
        def used():
            for path in ("/api/v1/users/profile", "/api/v1/blogs", "/api/v1/notifications/user"):
                self.get(path, token=self.token)
            return total(program, "grpc_server_handled_total") > 0
        until(f"work for {program.name}", used, 30)

    def assert_told_once(self, load):
        """Each acknowledged blog was told, and nothing twice; a blog whose answer was lost may have
        been made."""
        wanted = {created(title) for title in load.acknowledged}
        until("all notifications", lambda: wanted <= set(self.told(self.token)), 60)
        counts = collections.Counter(self.told(self.token))
        self.assertEqual([m for m, count in counts.items() if count > 1], [])
        possible = {created(title) for title in load.asked}
        extra = {message for message in counts if message.startswith("Your blog ")} - possible
        self.assertEqual(extra, set())

    def test_the_work_is_shared(self):
        before = {one.name: total(one, "grpc_server_handled_total") for one in self.programs()}
        for _ in range(20):
            for path in ("/api/v1/users/profile", "/api/v1/blogs", "/api/v1/notifications/user"):
                self.assertEqual(self.get(path, token=self.token).status, 200)
        for one in self.programs():
            done = total(one, "grpc_server_handled_total") - before[one.name]
            self.assertGreaterEqual(done, 8, one.name)

    def test_a_stream_hears_what_the_other_replica_consumed(self):
        """Four streams, so that each replica has one; each sees all that either replica told."""
        listeners = [Listener(self.mesh.gateway.port, self.token) for _ in range(4)]
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
        listener = Listener(self.mesh.gateway.port, self.token)
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
        wanted = {created(title) for title in load.acknowledged}
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

    def test_rolling_restart(self):
        """SIGTERM to each replica in turn, under load: not one request fails, and nobody who
        listens misses anything."""
        listener = Listener(self.mesh.gateway.port, self.token)
        listener.start()
        with Load(self, self.token) as load:
            for program in self.programs():
                count = len(load.answers)
                until("load", lambda: len(load.answers) > count + 20, 30)
                program.process.signal(signal.SIGTERM)
                self.assertTrue(program.process.wait(30), program.log_tail())
                self.assertEqual(program.process.exit_code(), 0, program.log_tail())
                program.start()
                self.await_used(program)
        self.assertEqual(load.failed(), [], load.why()[-5000:])
        self.assert_told_once(load)
        until("all of it on the stream",
              lambda: len(listener.messages) == len(self.told(self.token)), 30)
        self.assertEqual(listener.messages, self.told(self.token))
        listener.ending = True


if __name__ == "__main__":
    unittest.main(verbosity=2)

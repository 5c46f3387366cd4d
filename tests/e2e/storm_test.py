#!/usr/bin/python3
"""Very many people write at once, and each of their writes is told once and in order, whatever dies
meanwhile.

With INK_STORM=full (`bazel test //tests/e2e:storm_full_test --test_output=all`): 1,000 blogs with 5
updates each, three times, once with the notification service killed, once with Kafka away for a
minute. Otherwise it is one smaller storm with both.
"""

import asyncio
import collections
import os
import random
import re
import threading
import time
import unittest

from crowd import Crowd
from harness.waiting import until
from mesh import MeshTest, total

CONTENT = "Long enough to be a blog."
FULL = os.environ.get("INK_STORM") == "full"
UPDATES = 5


def expected(name):
    return [f"Your blog {name} has been created.",
            *(f"Your blog {name}.{n} has been updated." for n in range(1, UPDATES + 1))]


class Watch(threading.Thread):
    """Looks at gauges a few times a second, and keeps the highest."""

    def __init__(self, gauges):
        super().__init__(daemon=True)
        self.gauges, self.ending = gauges, threading.Event()
        self.peaks = collections.Counter()

    def run(self):
        while not self.ending.wait(0.3):
            for name, (program, metric) in self.gauges.items():
                try:
                    self.peaks[name] = max(self.peaks[name], total(program, metric))
                except OSError:  # it was killed
                    pass


class Storm:
    """`blogs` creates at once, each followed by its updates, spread over `seconds`."""

    def __init__(self, test, name, blogs, seconds=0):
        self.test, self.name, self.blogs, self.pause = test, name, blogs, seconds / UPDATES
        self.users = [test.signed_in() for _ in range(10)]
        self.tokens = [session["token"] for _, session in self.users]
        self.done, self.statuses = 0, collections.Counter()
        self.crowd = Crowd(test.mesh.gateway.port, self.tokens, blogs, self.script)
        gateway, blog = test.mesh.gateway, test.mesh.services["blog"]
        self.watch = Watch({
            "connections of the gateway": (gateway, "http_server_open_connections"),
            "memory of the gateway, MB": (gateway, "process_resident_memory_bytes"),
            "outbox depth": (blog, "outbox_depth")})

    def title(self, number):
        return f"{self.name} {number:04}"

    async def script(self, client, number):
        title = self.title(number)
        blog = await self.ask(client, "POST", "/api/v1/blogs", title)
        for update in range(1, UPDATES + 1):
            if self.pause:
                await asyncio.sleep(self.pause * random.uniform(0.5, 1.5))
            await self.ask(client, "PUT", f"/api/v1/blogs/{blog['id']}", f"{title}.{update}")

    async def ask(self, client, method, path, title):
        body = {"title": title, "content": CONTENT}
        status, answer = await client.request(method, path, body)
        self.statuses[(method, status)] += 1
        self.done += 1
        return answer

    def start(self):
        self.begun = time.monotonic()
        self.watch.start()
        self.crowd.start()

    def await_done(self, share):
        """Until this share of the requests has been answered."""
        count = self.blogs * (UPDATES + 1) * share
        until(f"{count:.0f} answers", lambda: self.done >= count, 300,
              lambda: None if self.crowd.is_alive() else "they have all ended: "
              f"{self.done} answers, {self.statuses}, {self.crowd.errors[:5]}")

    def told(self):
        """What each user was told of blogs, the oldest first."""
        return [[message for message in self.test.told(token) if "Welcome" not in message]
                for token in self.tokens]

    def count(self):
        """-1 while the notification service, killed a moment ago, is not there for the gateway."""
        answers = [self.test.get("/api/v1/notifications?pageSize=1", token=token)
                   for token in self.tokens]
        if any(answer.status == 503 for answer in answers):
            return -1
        return sum(int(answer.json()["unreadCount"]) for answer in answers)

    def finish(self):
        """All was answered, and told: exactly once, in order."""
        test, wanted = self.test, self.blogs * (UPDATES + 1)
        self.crowd.join()
        test.assertEqual(self.crowd.errors, [])
        test.assertEqual(self.statuses, {("POST", 201): self.blogs,
                                         ("PUT", 200): self.blogs * UPDATES})
        until("all notifications", lambda: self.count() >= wanted + len(self.users), 180)
        drained = time.monotonic() - self.begun - self.crowd.seconds
        self.watch.ending.set()
        self.watch.join()
        self.assert_in_order(wanted)
        self.watch.peaks["memory of the gateway, MB"] //= 1 << 20
        print(f"\n{self.name}: {wanted} writes by {self.blogs} clients in "
              f"{self.crowd.seconds:.1f} s, all told {drained:.1f} s later; at most: " +
              ", ".join(f"{name} {peak:.0f}" for name, peak in self.watch.peaks.items()), flush=True)

    def assert_in_order(self, wanted):
        told = self.told()
        self.test.assertEqual(sum(map(len, told)), wanted)
        of_blog = collections.defaultdict(list)
        for user, messages in enumerate(told):
            for message in messages:
                number = re.match(rf"Your blog {self.name} (\d+)", message).group(1)
                of_blog[int(number)].append(message)
                self.test.assertEqual(int(number) % len(told), user)
        for number in range(self.blogs):
            self.test.assertEqual(of_blog[number], expected(self.title(number)))


class StormTest(MeshTest):
    with_kafka = True
    # All that is asked is to be done, however long it takes on this machine.
    settings = {**MeshTest.settings, "HTTP_SLOW_PERCENT": "100", "HTTP_LINE_TIMEOUT": "1m"}

    def away(self, server, seconds):
        """kill -9, and back after a while."""
        server.kill()
        time.sleep(seconds)
        server.start()

    def kafka_away(self, seconds):
        self.away(self.mesh.kafka, seconds)
        begun, blog = time.monotonic(), self.mesh.services["blog"]
        waiting = total(blog, "outbox_depth")
        until("an empty outbox", lambda: total(blog, "outbox_depth") == 0, 180)
        print(f"\nKafka was away for {seconds} s; {waiting:.0f} events waited, and were published "
              f"within {time.monotonic() - begun:.1f} s")

    @unittest.skipIf(FULL, "part of the full storms")
    def test_storm(self):
        storm = Storm(self, "Storm", 1000, seconds=10)
        storm.start()
        storm.await_done(0.2)
        self.away(self.mesh.services["notification"], 0.5)
        storm.await_done(0.4)
        self.kafka_away(8)
        storm.finish()
        self.assertGreater(storm.watch.peaks["outbox depth"], 100)

    @unittest.skipUnless(FULL, "INK_STORM=full")
    def test_full_quiet(self):
        storm = Storm(self, "Quiet", 1000)
        storm.start()
        storm.finish()

    @unittest.skipUnless(FULL, "INK_STORM=full")
    def test_full_notification_service_killed(self):
        storm = Storm(self, "Killed", 1000)
        storm.start()
        for share in (0.3, 0.5, 0.7):
            storm.await_done(share)
            self.away(self.mesh.services["notification"], 1)
        storm.finish()

    @unittest.skipUnless(FULL, "INK_STORM=full")
    def test_full_kafka_away_for_a_minute(self):
        storm = Storm(self, "Away", 1000, seconds=50)
        storm.start()
        storm.await_done(0.2)
        self.kafka_away(60)
        storm.finish()


if __name__ == "__main__":
    unittest.main(verbosity=2)

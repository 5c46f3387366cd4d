#!/usr/bin/python3
"""Streams have a share of the gateway's threads and no more: everybody else is served whatever they
do, and a stream that nobody reads any more gives its place back."""

import concurrent.futures
import json
import socket
import struct
import threading
import unittest

from harness.waiting import until
from mesh import MeshTest, samples, scrape
from sse import Events

STREAM = "/api/v1/notifications/stream"
NDJSON = {"Accept": "application/x-ndjson"}
BEGINNING = "00000000-0000-0000-0000-000000000000"
MOST = 12


class StreamsTest(MeshTest):
    def setUp(self):
        self.await_open(0)

    def await_open(self, count):
        until(f"{count} streams", lambda: self.gauge("http_server_open_streams") == count and
              self.served() == count, 30)

    def gauge(self, name):
        return samples(scrape(self.mesh.gateway)[1], name)[""]

    def served(self):
        """The notification service's own count."""
        return samples(scrape(self.mesh.services["notification"])[1], "notification_streams")[""]

    def events(self, token, headers=None):
        events = Events(self.mesh.gateway.port, token, headers)
        self.addCleanup(events.close)
        return events

    def tokens(self, count):
        return [self.signed_in()[1]["token"] for _ in range(count)]

    def notify(self, token, message="hello"):
        answer = self.post("/api/v1/notifications", {"message": message, "type": "in-app"},
                           token=token)
        self.assertEqual(answer.status, 201, answer)
        return answer.json()

    def fill(self, tokens, headers=lambda n: None):
        """As many streams as may be, of several users."""
        streams = [self.events(tokens[n % len(tokens)], headers(n)) for n in range(MOST)]
        self.assertEqual({one.response.status for one in streams}, {200})
        return streams


class Fairness(StreamsTest):
    # The services have fewer workers than there are streams, too.
    settings = {**MeshTest.settings, "HTTP_THREADS": "24", "HTTP_STREAMS_PERCENT": "50",
                "HTTP_HEADER_TIMEOUT": "2s", "GRPC_WORKERS": "11", "BCRYPT_THREADS": "1",
                "BCRYPT_QUEUE": "2", "DATABASE_POOL": "4"}

    def assert_served(self, tokens):
        """Ordinary requests to each service, several at once, are all answered."""
        def one(number):
            token = tokens[number % len(tokens)]
            path = ("/api/v1/users/profile", "/api/v1/notifications/user", "/api/v1/blogs",
                    "/api/v1/notifications")[number % 4]
            return self.get(path, token=token, timeout=20)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(one, range(80)))
        self.assertEqual({answer.status for answer in answers}, {200}, answers)

    def log(self):
        with open(self.mesh.gateway.log, encoding="utf-8") as log:
            return log.readlines()

    def test_as_many_as_allowed_and_one_more(self):
        tokens = self.tokens(2)
        streams = self.fill(tokens, lambda n: NDJSON if n % 3 == 0 else None)
        self.assertEqual(self.gauge("http_server_max_streams"), MOST)
        self.await_open(MOST)
        self.assert_served(tokens)
        # Each of them lives.
        made = [self.notify(token) for token in tokens]
        for number, stream in enumerate(streams):
            text = stream.line() if number % 3 == 0 else stream.event()["data"]
            self.assertEqual(json.loads(text), made[number % 2])
        for headers in (None, NDJSON):
            answer = self.get(STREAM, token=tokens[0], headers=headers)
            problem = self.assert_problem(answer, 503)
            self.assertIn("streams", problem["detail"])
            self.assertNotIn("HTTP_", answer.body.decode())
            # The operator is told which setting it is.
            until("the log names it", lambda said=problem["requestId"]: any(
                said in line and "HTTP_STREAMS_PERCENT" in line for line in self.log()), 30)
            self.assertGreater(int(answer.headers["Retry-After"]), 0)
        self.assert_served(tokens)
        streams[0].close()
        self.await_open(MOST - 1)
        again = self.events(tokens[0])
        self.assertEqual(again.response.status, 200)
        self.assert_problem(self.get(STREAM, token=tokens[1]), 503)

    def test_who_vanishes_gives_the_place_back(self):
        tokens = self.tokens(2)
        for _ in range(2):
            streams = self.fill(tokens, lambda n: NDJSON if n % 2 else None)
            for number, stream in enumerate(streams):
                if number % 3 == 0:  # RST, no FIN
                    stream.connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                                      struct.pack("ii", 1, 0))
                stream.close()
            self.await_open(0)

    def test_who_does_not_come_in_gives_the_place_back(self):
        token, = self.tokens(1)
        for _ in range(MOST + 1):
            answer = self.get(f"{STREAM}?lastEventId=42", token=token)
            self.assert_problem(answer, 400, {"lastEventId"})
            self.assert_problem(self.get(STREAM), 401)
        self.assertEqual(self.gauge("http_server_open_streams"), 0)

    def write_much(self, user_id):
        """8 MB of notifications: more than any buffer between here and the database takes."""
        self.mesh.databases["notification"].psql(
            f"INSERT INTO mailboxes VALUES ('{user_id}', 4000, 4000);"
            "INSERT INTO notifications (id, user_id, seq, message, type, created_at)"
            f" SELECT gen_random_uuid(), '{user_id}', n, repeat('𝄞', 500), 'in-app', now()"
            " FROM generate_series(1, 4000) n")

    def stalled(self, token):
        """A client that asks for a stream and then reads nothing."""
        client = socket.socket()
        self.addCleanup(client.close)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", self.mesh.gateway.port))
        client.sendall(f"GET {STREAM}?lastEventId={BEGINNING} HTTP/1.1\r\nHost: x\r\n"
                       f"Authorization: Bearer {token}\r\n\r\n".encode())
        return client

    def test_who_does_not_read_holds_up_nobody(self):
        user, session = self.signed_in()
        tokens = [session["token"], *self.tokens(1)]
        self.write_much(user["id"])
        clients = [self.stalled(session["token"]) for _ in range(6)]
        reader = self.events(tokens[1])
        until("the streams", lambda: self.gauge("http_server_open_streams") > 1, 10)
        for number in range(20):
            made = self.notify(tokens[1], str(number))
            self.assertEqual(reader.event()["id"], made["id"])
        self.assert_served(tokens)
        # They are dropped; who reads stays.
        self.await_open(1)
        made = self.notify(tokens[1], "after")
        self.assertEqual(reader.event()["id"], made["id"])
        for client in clients:
            client.settimeout(20)
            received = 0
            try:
                while data := client.recv(1 << 20):
                    received += len(data)
            except ConnectionResetError:
                pass
            self.assertLess(received, 8 << 20)

    def test_the_kernel_looks_after_silent_clients(self):
        """One that vanished without a FIN or RST (a cable, a power cut) is asked for a sign of life
        soon, not after the two hours that are TCP's default."""
        token, = self.tokens(1)
        stream = self.events(token, NDJSON)
        ours = stream.connection.sock.getsockname()[1]
        there = f":{self.mesh.gateway.port:04X}", f":{ours:04X}"
        with open("/proc/net/tcp", encoding="ascii") as file:
            rows = [line.split() for line in file]
        timers = [row[5] for row in rows if row[1][-5:] == there[0] and row[2][-5:] == there[1]]
        self.assertEqual(len(timers), 1, rows)
        kind, _, ticks = timers[0].partition(":")
        self.assertEqual(kind, "02")  # keepalive
        self.assertLessEqual(int(ticks, 16), 15 * 100)


class Ends(StreamsTest):
    """A stream lasts as long as the token that opened it."""

    settings = {**MeshTest.settings, "JWT_TTL": "4s", "JWT_LEEWAY": "1s"}

    def test_server_sent_events(self):
        _, session = self.signed_in()
        stream = self.events(session["token"])
        made = self.notify(session["token"])
        self.assertEqual(stream.event()["id"], made["id"])
        last = stream.event()
        problem = json.loads(last["data"])
        self.assertEqual((last["event"], problem["status"], problem["type"]),
                         ("error", 401, "tag:inkmesh,2026:problem/token-expired"))
        self.assertEqual(stream.response.read(), b"")  # ended in order, not cut
        self.assert_problem(self.get(STREAM, token=session["token"]), 401)
        # A new token goes on where the old one ended.
        answer = self.post("/api/v1/auth/refresh", {"refreshToken": session["refreshToken"]})
        token = answer.json()["token"]
        missed = self.notify(token, "meanwhile")
        again = self.events(token, {"Last-Event-ID": made["id"]})
        self.assertEqual(again.event()["id"], missed["id"])

    def test_ndjson(self):
        _, session = self.signed_in()
        stream = self.events(session["token"], NDJSON)
        self.assertEqual(json.loads(stream.line())["error"]["status"], 401)
        self.assertEqual(stream.response.read(), b"")

    def test_a_busy_stream(self):
        user, session = self.signed_in()
        stream, done = self.events(session["token"]), threading.Event()

        def write():
            number = 0
            while not done.is_set():
                number += 1
                self.mesh.databases["notification"].psql(
                    f"INSERT INTO mailboxes VALUES ('{user['id']}', {number}, {number}) ON CONFLICT"
                    f" (user_id) DO UPDATE SET version = {number};"
                    "INSERT INTO notifications (id, user_id, seq, message, type, created_at) VALUES"
                    f" (gen_random_uuid(), '{user['id']}', {number}, 'x', 'in-app', now())")
                self.mesh.redis.command("PUBLISH", "notifications:new", user["id"])
        writer = threading.Thread(target=write)
        writer.start()
        try:
            while "event" not in (event := stream.event()):
                pass
        finally:
            done.set()
            writer.join()
        self.assertEqual(json.loads(event["data"])["status"], 401)


if __name__ == "__main__":
    unittest.main(verbosity=2)

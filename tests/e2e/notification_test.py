#!/usr/bin/python3
"""Notifications through the gateway: the documented paths, older clients' bodies, and the stream
as server-sent events and as NDJSON, with resume."""

import json
import re
import time
import unittest
import uuid

from mesh import MeshTest
from sse import Events

LIST, OLD = "/api/v1/notifications", "/api/v1/notification"
BEGINNING = "00000000-0000-0000-0000-000000000000"


class NotificationTest(MeshTest):
    def new_user(self):
        user, session = self.signed_in()
        return user["id"], session["token"]

    def create(self, token, message="hello", kind="in-app", path=LIST, **fields):
        answer = self.post(path, {"message": message, "type": kind, **fields}, token=token)
        self.assertEqual(answer.status, 201, answer)
        return answer.json()

    def events(self, token, headers=None, **kwargs):
        events = Events(self.mesh.gateway.port, token, headers, **kwargs)
        self.addCleanup(events.close)
        return events


class RestTest(NotificationTest):
    def test_create(self):
        user_id, token = self.new_user()
        for path in (LIST, OLD):
            made = self.create(token, "🦊 \"quoted\"", "email", path, userId=user_id.upper())
            self.assertEqual(set(made), {"id", "userId", "message", "type", "read", "createdAt"})
            self.assertEqual((made["userId"], made["message"], made["type"], made["read"]),
                             (user_id, "🦊 \"quoted\"", "email", False))
            self.assertEqual(uuid.UUID(made["id"]).version, 7)
            self.assertRegex(made["createdAt"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
        self.assertEqual(self.create(token)["userId"], user_id)

    def test_create_refused(self):
        _, token = self.new_user()
        other, _ = self.new_user()
        good = {"message": "x", "type": "email"}
        self.assert_problem(self.post(LIST, good), 401)
        self.assert_problem(self.post(LIST, {**good, "userId": other}, token=token), 403)
        for wrong in ({"message": ""}, {"message": "x" * 501}, {"type": "sms"}, {"type": "IN-APP"},
                      {"userId": "me"}):
            answer = self.post(LIST, {**good, **wrong}, token=token)
            self.assert_problem(answer, 400, set(wrong))
        self.assert_problem(self.post(LIST, {**good, "extra": 1}, token=token), 400)

    def test_lists(self):
        _, token = self.new_user()
        self.assertEqual(self.get(LIST, token=token).json(),
                         {"notifications": [], "nextPageToken": "", "unreadCount": "0"})
        for path in (f"{LIST}/user", f"{OLD}/user"):
            answer = self.get(path, token=token)
            self.assertEqual((answer.status, answer.body), (200, b"[]"))
        made = [self.create(token, str(n)) for n in range(3)][::-1]
        for path in (f"{LIST}/user", f"{OLD}/user"):
            answer = self.get(path, token=token)
            self.assertEqual((answer.headers["Content-Type"], answer.json()),
                             ("application/json", made))
        page = self.get(f"{LIST}?pageSize=2", token=token).json()
        self.assertEqual((page["notifications"], page["unreadCount"]), (made[:2], "3"))
        page = self.get(f"{LIST}?pageSize=2&pageToken={page['nextPageToken']}", token=token).json()
        self.assertEqual((page["notifications"], page["nextPageToken"]), (made[2:], ""))
        self.assertEqual(self.get(f"{LIST}/user?pageSize=1", token=token).json(), made[:1])

    def test_lists_refused(self):
        _, token = self.new_user()
        for path in (LIST, f"{LIST}/user", f"{OLD}/user", f"{LIST}/stream"):
            self.assert_problem(self.get(path), 401)
        self.assert_problem(self.get(f"{LIST}?pageSize=101", token=token), 400, {"pageSize"})
        self.assert_problem(self.get(f"{LIST}?pageToken=x", token=token), 400, {"pageToken"})
        self.assert_problem(self.get(f"{LIST}?user=x", token=token), 400)

    def test_read(self):
        _, token = self.new_user()
        _, other = self.new_user()
        ids = [self.create(token)["id"] for _ in range(3)]
        for body in (None, "{}"):
            headers = {"Content-Type": "application/json"} if body else None
            answer = self.request("POST", f"{LIST}/{ids[0].upper()}/read", body, token, headers)
            self.assertEqual((answer.status, answer.body), (204, b""))
        self.assertEqual([one["read"] for one in self.get(f"{LIST}/user", token=token).json()],
                         [False, False, True])
        self.assert_problem(self.post(f"{LIST}/{ids[1]}/read", None, token=other), 404)
        self.assert_problem(self.post(f"{LIST}/42/read", None, token=token), 400, {"id"})
        self.assertEqual(self.post(f"{LIST}/read-all", None, token=token).status, 204)
        self.assertEqual(self.get(LIST, token=token).json()["unreadCount"], "0")
        self.assert_problem(self.get(f"{LIST}/read-all", token=token), 405)


class StreamTest(NotificationTest):
    def test_events_and_resume(self):
        _, token = self.new_user()
        first = self.create(token, "first")
        events = self.events(token, path=f"{LIST}/stream?lastEventId={BEGINNING}")
        self.assertEqual((events.response.status, events.response.getheader("Content-Type")),
                         (200, "text/event-stream"))
        self.assertEqual(events.response.getheader("Cache-Control"), "no-store")
        event = events.event()
        self.assertEqual((event["id"], json.loads(event["data"])), (first["id"], first))
        made = [self.create(token, f"line 1\nline {n}") for n in range(3)]
        for one in made:
            event = events.event()
            self.assertEqual((event["id"], json.loads(event["data"])), (one["id"], one))
        events.close()
        # What came while nobody listened comes first when the client is back.
        made.append(self.create(token, "meanwhile"))
        events = self.events(token, {"Last-Event-ID": made[0]["id"]})
        self.assertEqual([events.event()["id"] for _ in range(3)],
                         [one["id"] for one in made[1:]])
        last = self.create(token, "last")
        self.assertEqual(events.event()["id"], last["id"])

    def test_news_are_quick(self):
        _, token = self.new_user()
        seen = self.create(token)
        events = self.events(token, {"Last-Event-ID": seen["id"]})
        self.assertEqual(events.response.status, 200)
        waits = []
        for _ in range(10):
            begun = time.monotonic()
            made = self.create(token)
            self.assertEqual(events.event()["id"], made["id"])
            waits.append(time.monotonic() - begun)
        self.assertLess(sorted(waits)[5], 0.5, waits)

    def test_a_quiet_stream_begins_at_once(self):
        """Its head does not wait for the first message; what is made after it is not missed."""
        _, token = self.new_user()
        for _ in range(3):
            begun = time.monotonic()
            events = self.events(token)
            self.assertEqual(events.response.status, 200)
            self.assertLess(time.monotonic() - begun, 3)
            made = self.create(token)
            self.assertEqual(events.event()["id"], made["id"])
            events.close()

    def test_ndjson(self):
        _, token = self.new_user()
        made = [self.create(token, str(n)) for n in range(2)]
        events = self.events(token, {"Accept": "application/x-ndjson", "Last-Event-ID": BEGINNING})
        self.assertEqual(events.response.getheader("Content-Type"), "application/x-ndjson")
        self.assertEqual([json.loads(events.line()) for _ in range(2)], made)

    def test_refused(self):
        _, token = self.new_user()
        self.assert_problem(self.get(f"{LIST}/stream?lastEventId=42", token=token), 400,
                            {"lastEventId"})
        open_ones = [self.events(token) for _ in range(8)]
        self.assertEqual({one.response.status for one in open_ones}, {200})
        answer = self.get(f"{LIST}/stream", token=token)
        self.assert_problem(answer, 429)
        self.assertTrue(re.fullmatch(r"\d+", answer.headers["Retry-After"]))

    def test_a_stopping_service_ends_streams_and_clients_come_back(self):
        _, token = self.new_user()
        first = self.create(token, "first")
        events = self.events(token, {"Last-Event-ID": BEGINNING})
        self.assertEqual(events.event()["id"], first["id"])
        service = self.mesh.services["notification"]
        begun = time.monotonic()
        self.assertEqual(service.stop(), 0)
        self.assertLess(time.monotonic() - begun, 5)
        event = events.event()
        self.assertEqual(event["event"], "error")
        self.assertEqual(json.loads(event["data"])["status"], 503)
        service.start()
        second = self.create_soon(token)
        events = self.events(token, {"Last-Event-ID": first["id"]})
        self.assertEqual(events.event()["id"], second["id"])

    def create_soon(self, token):
        for _ in range(50):
            answer = self.post(LIST, {"message": "second", "type": "email"}, token=token)
            if answer.status == 201:
                return answer.json()
            time.sleep(0.2)
        self.fail(answer)


if __name__ == "__main__":
    unittest.main()

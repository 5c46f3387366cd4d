#!/usr/bin/python3
"""From a write to the notification of it, through outbox, Kafka and consumer, whatever dies."""

import os
import time
import unittest

from harness.waiting import until
from mesh import MeshTest, total


class EventsTest(MeshTest):
    with_kafka = True
    with_zookeeper = os.environ.get("KAFKA_MODE") == "zookeeper"
    with_mail = True
    linked = ("kafka",)
    settings = {**MeshTest.settings, "EMAIL_BACKOFF": "1s"}

    def await_told(self, token, expected, timeout=60):
        until(f"{len(expected)} notifications", lambda: len(self.told(token)) >= len(expected),
              timeout)
        self.assertEqual(self.told(token), expected)

    def update(self, token, blog, title):
        answer = self.request("PUT", f"/api/v1/blogs/{blog}", {"title": title}, token=token)
        self.assertEqual(answer.status, 200, answer)

    def test_the_whole_flow(self):
        user, session = self.signed_in()
        token = session["token"]
        blog = self.blog(token, "First steps")
        self.update(token, blog, "Second steps")
        self.assertEqual(self.request("PUT", f"/api/v1/blogs/{blog}", {}, token=token).status, 200)
        self.assertEqual(self.request("DELETE", f"/api/v1/blogs/{blog}", token=token).status, 204)
        self.assertEqual(self.get(f"/api/v1/blogs/{blog}").status, 404)
        welcome = f"Welcome, {user['username']}! Your account has been created."
        until("the welcome", lambda: welcome in self.told(token), 60)
        until("all three", lambda: len(self.told(token)) == 3, 60)
        told = [message for message in self.told(token) if message != welcome]
        self.assertEqual(told, ["Your blog First steps has been created.",
                                "Your blog Second steps has been updated."])
        types = {each["message"]: each["type"] for each in
                 self.get("/api/v1/notifications/user", token=token).json()}
        self.assertEqual(types[welcome], "email")
        self.assertEqual(set(types[message] for message in told), {"in-app"})

    def test_welcome_by_mail(self):
        """Also while the mail server is silent, notifications come as ever; the mail comes later."""
        mail = self.mesh.mail
        mail.rules({"at": "rcpt", "hang": True})
        user, session = self.signed_in()
        welcome = f"Welcome, {user['username']}! Your account has been created."
        self.await_told(session["token"], [welcome])
        until("the mail server is silent", lambda: mail.events("rule"), 60)
        self.blog(session["token"], "Meanwhile")
        self.await_told(session["token"], [welcome, "Your blog Meanwhile has been created."])
        self.assertEqual(mail.messages(user["email"]), [])
        mail.rules()
        until("the mail", lambda: mail.messages(user["email"]), 120)
        message, = mail.messages(user["email"])
        self.assertEqual(message["Subject"], welcome)
        self.assertEqual(message.get_body(["plain"]).get_content().strip(), welcome)
        self.assertIn(f"<p>{welcome}</p>", message.get_body(["html"]).get_content())
        told = self.get("/api/v1/notifications/user", token=session["token"]).json()
        self.assertEqual(message["Message-ID"], f"<{told[-1]['id']}@localhost>")

    def test_kafka_away(self):
        """No write waits for Kafka, and nothing that was acknowledged is lost or told twice."""
        user, session = self.signed_in()
        token = session["token"]
        welcome = f"Welcome, {user['username']}! Your account has been created."
        self.await_told(token, [welcome])
        self.mesh.kafka.kill()
        if self.mesh.zookeeper:
            self.mesh.zookeeper.kill()
        blog = self.blog(token, "Written without Kafka")
        for number in range(5):
            self.update(token, blog, f"Edit {number}")
        if self.mesh.zookeeper:
            self.mesh.zookeeper.start()
        self.mesh.kafka.start()
        self.await_told(token, [welcome, "Your blog Written without Kafka has been created.",
                                *(f"Your blog Edit {n} has been updated." for n in range(5))])

    def test_kafka_frozen(self):
        """Its connections are there, and nothing comes back."""
        user, session = self.signed_in()
        token = session["token"]
        welcome = f"Welcome, {user['username']}! Your account has been created."
        self.await_told(token, [welcome])
        self.addCleanup(self.mesh.kafka.resume)
        self.mesh.kafka.pause()
        for number in range(3):
            begun = time.monotonic()
            self.blog(token, f"Frozen-{number}")
            self.assertLess(time.monotonic() - begun, 2)
        self.assertEqual(self.get("/readyz").status, 200)
        self.mesh.kafka.resume()
        until("all", lambda: len(self.told(token)) == 4, 60)
        self.assertEqual(sorted(self.told(token)[1:]), [
            f"Your blog Frozen-{number} has been created." for number in range(3)])

    def test_kafka_slow(self):
        """Writes do not wait for it, and what it has comes late and in order."""
        user, session = self.signed_in()
        token = session["token"]
        welcome = f"Welcome, {user['username']}! Your account has been created."
        self.await_told(token, [welcome])
        self.addCleanup(self.links["kafka"].heal)
        self.links["kafka"].delay(0.1)
        begun = time.monotonic()
        blog = self.blog(token, "Slow")
        for number in range(3):
            self.update(token, blog, f"Edit {number}")
        self.assertLess(time.monotonic() - begun, 2)
        self.assertEqual(self.get("/readyz").status, 200)
        self.await_told(token, [welcome, "Your blog Slow has been created.", *(
            f"Your blog Edit {number} has been updated." for number in range(3))])

    def test_consumer_starts_while_kafka_is_slow(self):
        """Each packet comes 0.3 s late, and there are many before it is a member of its group."""
        notification = self.mesh.services["notification"]
        notification.stop()
        self.addCleanup(self.links["kafka"].heal)
        self.links["kafka"].delay(0.3)
        notification.start()
        until("it has joined", lambda: total(notification, "event_consumer_joined"), 60)
        self.links["kafka"].heal()
        user, session = self.signed_in()
        self.await_told(session["token"], [
            f"Welcome, {user['username']}! Your account has been created."])

    def test_services_killed(self):
        user, session = self.signed_in()
        token = session["token"]
        welcome = f"Welcome, {user['username']}! Your account has been created."
        self.await_told(token, [welcome])
        notification, blogs = (self.mesh.services[name] for name in ("notification", "blog"))
        blog = self.blog(token, "Killed")
        for number in range(3):
            self.update(token, blog, f"Before {number}")
        blogs.kill()
        notification.kill()
        blogs.start()
        notification.start()
        until("writes work again", lambda: self.request(
            "PUT", f"/api/v1/blogs/{blog}", {}, token=token).status == 200, 20)
        until("reads work again", lambda: self.get(
            "/api/v1/notifications/user", token=token).status == 200, 20)
        self.update(token, blog, "After")
        self.await_told(token, [welcome, "Your blog Killed has been created.",
                                *(f"Your blog Before {n} has been updated." for n in range(3)),
                                "Your blog After has been updated."])


if __name__ == "__main__":
    unittest.main(verbosity=2)

#!/usr/bin/python3
"""Requests that are refused: each with the right status, as problem+json that names the place."""

import json
import socket
import unittest

from mesh import PASSWORD, MeshTest

REGISTER = "/api/v1/auth/register"


class Rules(MeshTest):
    def refused(self, change, *fields):
        answer = self.post(REGISTER, {**self.account(), **change})
        return self.assert_problem(answer, 400, fields)

    def test_each_rule_names_its_field(self):
        for change, field in (({"username": "ab"}, "username"), ({"username": "x" * 51}, "username"),
                              ({"username": ""}, "username"), ({"email": "not an address"}, "email"),
                              ({"email": ""}, "email"), ({"email": "a@b@c"}, "email"),
                              ({"password": "short"}, "password"),
                              ({"password": "x" * 73}, "password"),
                              ({"password": "ä" * 37}, "password")):
            with self.subTest(change=change):
                self.refused(change, field)

    def test_every_violation_is_reported(self):
        self.assert_problem(self.post(REGISTER, {"username": "a", "email": "b", "password": "c"}),
                            400, ("username", "email", "password"))
        self.assert_problem(self.post(REGISTER, {}), 400, ("username", "email", "password"))

    def test_bounds_are_inclusive_and_count_code_points(self):
        for change in ({"username": "abc"}, {"username": "ж" * 50}, {"password": "8 chars!"},
                       {"password": "ä" * 36}):
            with self.subTest(change=change):
                answer = self.post(REGISTER, {**self.account(), **change})
                self.assertEqual(answer.status, 201, answer)
                if "username" in change:
                    self.assertEqual(answer.json()["username"], change["username"])

    def test_nul_is_refused_and_other_characters_survive(self):
        answer = self.post(REGISTER, {**self.account(), "username": "a\0bcd"})
        self.assert_problem(answer, 400)
        name = "Zoë \"\\/ \u2028 \U0001f980"
        answer = self.post(REGISTER, {**self.account(), "username": name})
        self.assertEqual((answer.status, answer.json().get("username")), (201, name))


class Requests(MeshTest):
    def test_malformed_json(self):
        good = json.dumps(self.account())
        for body in ("{", "", "nonsense", good + "x", good[:-1], "[]", '"text"', "null",
                     '{"username": 1e}', '{"username": "a", "username": "b"}', '{"a":' * 200,
                     b'{"username": "\xff\xfe"}', '{"username": "\\ud800"}'):
            with self.subTest(body=body):
                answer = self.post(REGISTER, body, headers={"Content-Type": "application/json"})
                self.assert_problem(answer, 400)

    def test_wrong_types_and_unknown_fields_name_the_place(self):
        for change, place in (({"username": 5}, "username"), ({"username": {"a": 1}}, "username"),
                              ({"admin": True}, "admin")):
            with self.subTest(change=change):
                answer = self.post(REGISTER, {**self.account(), **change})
                problem = self.assert_problem(answer, 400)
                self.assertIn(place, json.dumps(problem))

    def test_unknown_query_parameter(self):
        _, session = self.signed_in()
        answer = self.get("/api/v1/users/profile?verbose=1", token=session["token"])
        self.assertIn("verbose", json.dumps(self.assert_problem(answer, 400)))

    def test_unknown_path(self):
        for path in ("/", "/api/v1/auth", "/api/v1/auth/register/more", "/api/v2/auth/register",
                     "/api/v1/auth/%72egister%2f", "/../etc/passwd"):
            with self.subTest(path=path):
                self.assert_problem(self.post(path, {}), 404)

    def test_wrong_method_names_the_right_ones(self):
        for method, path, allowed in (("GET", REGISTER, "POST"), ("PUT", REGISTER, "POST"),
                                      ("DELETE", "/api/v1/users/profile", "GET")):
            answer = self.request(method, path)
            self.assert_problem(answer, 405)
            self.assertIn(allowed, [one.strip() for one in answer.headers["Allow"].split(",")])

    def test_wrong_media_type(self):
        body = json.dumps(self.account())
        for media_type in ("text/plain", "application/xml", "application/x-www-form-urlencoded"):
            answer = self.post(REGISTER, body, headers={"Content-Type": media_type})
            self.assert_problem(answer, 415)
        answer = self.post(REGISTER, body,
                           headers={"Content-Type": "application/json; charset=utf-8"})
        self.assertEqual(answer.status, 201, answer)

    def test_too_large_is_told_from_the_header_alone(self):
        with socket.create_connection(("127.0.0.1", self.mesh.gateway.port), timeout=5) as raw:
            raw.sendall(f"POST {REGISTER} HTTP/1.1\r\nHost: localhost\r\n"
                        "Content-Type: application/json\r\n"
                        f"Content-Length: {5 << 20}\r\n\r\n".encode())
            answer = raw.recv(65536)  # not a byte of the body was sent
        self.assertTrue(answer.startswith(b"HTTP/1.1 413 "), answer)
        self.assertIn(b"application/problem+json", answer)
        self.assertIn(f'"instance":"{REGISTER}"'.encode(), answer)

    def test_too_large_in_chunks(self):
        def body():
            for _ in range(80):
                yield b" " * 65536
        try:
            answer = self.post(REGISTER, body(), headers={"Content-Type": "application/json"})
        except (BrokenPipeError, ConnectionResetError):
            return  # refused while we were still sending: as good, but the answer is lost
        self.assert_problem(answer, 413)

    def test_request_id(self):
        answer = self.get("/api/v1/users/profile", headers={"X-Request-Id": "my-own-id.1"})
        self.assertEqual(self.assert_problem(answer, 401)["requestId"], "my-own-id.1")
        made = {self.get("/api/v1/users/profile").headers["X-Request-Id"] for _ in range(3)}
        self.assertEqual(len(made), 3)
        answer = self.get("/api/v1/users/profile", headers={"X-Request-Id": "x" * 10000})
        if answer.status != 431:
            self.assertLess(len(answer.headers["X-Request-Id"]), 300)

    def test_head_and_options(self):
        head = self.request("HEAD", "/health")
        self.assertEqual((head.status, head.body), (200, b""))
        options = self.request("OPTIONS", REGISTER)
        self.assertIn(options.status, (200, 204))
        self.assertIn("POST", options.headers["Allow"])

    def test_expect_continue(self):
        body = json.dumps(self.account()).encode()
        with socket.create_connection(("127.0.0.1", self.mesh.gateway.port), timeout=5) as raw:
            raw.sendall(f"POST {REGISTER} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                        "Content-Type: application/json\r\nExpect: 100-continue\r\n"
                        f"Content-Length: {len(body)}\r\n\r\n".encode())
            self.assertTrue(raw.recv(65536).startswith(b"HTTP/1.1 100 "))
            raw.sendall(body)
            self.assertTrue(raw.recv(65536).startswith(b"HTTP/1.1 201 "))

    def test_internals_stay_inside(self):
        # A name that would break SQL made of strings, and a password that must not be logged.
        account = {**self.account(), "username": "x'); DROP TABLE users;--"}
        self.assertEqual(self.post(REGISTER, account).status, 201)
        self.assertEqual(self.post("/api/v1/auth/login", {
            "email": account["email"], "password": PASSWORD}).status, 200)


if __name__ == "__main__":
    unittest.main(verbosity=2)

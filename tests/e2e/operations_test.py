#!/usr/bin/python3
"""What operators see: health, readiness, metrics and logs of all programs."""

import json
import re
import subprocess
import time
import unittest
import urllib.request

from harness import hostile
from harness.logs import read_log
from harness.tools import tool
from harness.waiting import until
from mesh import PASSWORD, MeshTest, samples, scrape


class Operations(MeshTest):
    def programs(self):
        return [self.mesh.gateway, *self.mesh.services.values()]

    def test_health(self):
        answer = self.get("/health")
        self.assertEqual((answer.status, answer.json()),
                         (200, {"status": "API Gateway is running..."}))
        for path in ("/livez", "/readyz"):
            self.assertEqual(self.get(path).status, 200)
        for program in self.programs():
            for path in ("livez", "readyz"):
                with urllib.request.urlopen(
                        f"http://127.0.0.1:{program.admin_port}/{path}", timeout=5) as admin:
                    self.assertEqual(admin.status, 200)

    def test_metrics_are_well_formed(self):
        self.signed_in()
        self.get("/api/v1/users/profile")
        for program in self.programs():
            with self.subTest(program=program.name):
                media_type, text = scrape(program)
                self.assertTrue(media_type.startswith("text/plain"), media_type)
                done = subprocess.run([tool("promtool"), "check", "metrics"], input=text,
                                      capture_output=True, text=True, check=False)
                self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)

    def test_metrics_have_their_names(self):
        _, session = self.signed_in()
        self.get("/api/v1/users/profile", token=session["token"])
        everywhere = {"inkmesh_build_info", "process_resident_memory_bytes", "process_open_fds",
                      "process_cpu_seconds_total"}
        edge = {"http_server_request_duration_seconds", "http_server_active_requests",
                "http_server_open_connections", "http_server_shed_total",
                "grpc_client_breaker_state", "grpc_client_breaker_transitions_total",
                "grpc_client_refused_total"}
        service = {"grpc_server_handled_total", "grpc_server_handling_seconds", "db_pool_size",
                   "db_pool_connections", "db_pool_connections_in_use", "db_pool_waiting",
                   "cache_requests_total", "cache_breaker_state"}
        own = {"gateway": edge, "user": service | {"password_hashes_total"},
               "notification": service | {"notification_streams", "notification_news_listening"}}
        for program in self.programs():
            text = scrape(program)[1]
            types = set(re.findall(r"^# TYPE (\S+) ", text, re.M))
            helped = set(re.findall(r"^# HELP (\S+) \S", text, re.M))
            self.assertLessEqual(everywhere | own.get(program.name, service), types, program.name)
            self.assertEqual(types, helped)
        handled = samples(scrape(self.mesh.services["user"])[1], "grpc_server_handled_total")
        for key in handled:
            self.assertLessEqual({"grpc_service", "grpc_method", "grpc_code"},
                                 set(re.findall(r'(\w+)="', key)))
        routes = samples(scrape(self.mesh.gateway)[1], "http_server_request_duration_seconds_count")
        self.assertIn(('GET', '/api/v1/users/profile', '200'), {
            tuple(re.search(rf'{name}="([^"]*)"', key).group(1) for name in (
                "http_request_method", "http_route", "http_response_status_code"))
            for key in routes})

    def test_one_access_line_a_request(self):
        user, session = self.signed_in()
        asked = {"line-one": ("GET", "/api/v1/users/profile", session["token"], 200),
                 "line-two": ("GET", "/api/v1/users/profile", None, 401),
                 "line-three": ("GET", "/no/such/path", None, 404)}
        for request_id, (method, path, token, status) in asked.items():
            answer = self.request(method, path, token=token, headers={"X-Request-Id": request_id})
            self.assertEqual(answer.status, status)
        self.get("/livez", headers={"X-Request-Id": "line-four"})  # machines ask that every second
        for request_id, (method, path, _, status) in asked.items():
            text = self.log_with(self.mesh.gateway, f'"{request_id}"')
            lines = [line for line in map(json.loads, text.splitlines())
                     if line.get("request_id") == request_id]
            self.assertEqual(len(lines), 1, lines)
            line = lines[0]
            self.assertEqual((line["msg"], line["method"], line["path"], line["status"]),
                             ("http request", method, path, status))
            self.assertGreater(line["duration_ms"], 0)
            self.assertTrue(line["peer"])
            self.assertEqual(line.get("user_id"), user["id"] if status == 200 else None)
        self.assertNotIn("line-four", text)

    def test_a_refused_token_is_told(self):
        """Who tried it, and what was wrong with it; not the token."""
        token = self.signed_in()[1]["token"][:-4] + "AAAA"
        self.assertEqual(self.get("/api/v1/users/profile", token=token,
                                  headers={"X-Request-Id": "forged-token"}).status, 401)
        text = self.log_with(self.mesh.gateway, '"forged-token"')
        line, = (line for line in map(json.loads, text.splitlines())
                 if line.get("request_id") == "forged-token")
        self.assertEqual((line["status"], line["reason"], line["peer"]),
                         (401, "TOKEN_INVALID", "127.0.0.1"))
        self.assertTrue(line["cause"])
        self.assertNotIn(token.rpartition(".")[2], text)

    def test_metrics_count(self):
        labels = 'grpc_service="inkmesh.user.v1.UserService"'
        user = self.mesh.services["user"]

        def registered():
            handled = samples(scrape(user)[1], "grpc_server_handled_total")
            return sum(value for key, value in handled.items()
                       if labels in key and 'grpc_method="Register"' in key
                       and 'grpc_code="OK"' in key)
        before = registered()
        self.registered()
        self.registered()
        self.assertEqual(registered() - before, 2)
        text = scrape(user)[1]
        self.assertTrue(samples(text, "grpc_server_handling_seconds_count"))
        text = scrape(self.mesh.gateway)[1]
        by_route = samples(text, "http_server_request_duration_seconds_count")
        self.assertTrue([key for key in by_route if "/api/v1/auth/register" in key], by_route)

    def test_metrics_do_not_grow_with_what_clients_send(self):
        def series():
            return len(scrape(self.mesh.gateway)[1].splitlines())
        self.get("/no/such/path")
        before = series()
        for number in range(50):
            self.get(f"/no/such/path/{number}")
        self.assertLess(series() - before, 30)

    def log_with(self, program, text):
        """The program's log once it has `text`: a line may be written after its answer."""
        def read():
            with open(program.log, encoding="utf-8") as file:
                log = file.read()
            return log if text in log else None
        return until(f"{text} in the log of {program.name}", read, 10)

    def ask_every_service(self, token, headers):
        for path in ("/api/v1/users/profile", "/api/v1/blogs", "/api/v1/notifications"):
            self.assertEqual(self.get(path, token=token, headers=headers).status, 200)

    def test_logs_are_json_and_keep_secrets(self):
        _, session = self.signed_in()
        request_id = "follow-me-42"
        self.ask_every_service(session["token"], {"X-Request-Id": request_id})
        for program in self.programs():
            text = self.log_with(program, request_id)
            lines = [json.loads(line) for line in text.splitlines()]
            for line in lines:
                self.assertLessEqual({"ts", "level", "service", "msg"}, set(line))
            for line in lines:
                if line.get("request_id") == request_id:
                    self.assertRegex(line["trace_id"], "^[0-9a-f]{32}$")
            for secret in (PASSWORD, session["token"], session["refreshToken"],
                           self.mesh.jwt_secret,
                           *(database.password for database in self.mesh.databases.values())):
                self.assertNotIn(secret, text)

    # Nobody but the program writes its log; MeshTest looks at every line once more at the end.

    HEADERS = (b"User-Agent", b"X-Request-Id", b"traceparent", b"X-Forwarded-For", b"Origin",
               b"Authorization", b"Accept", b"Content-Type", b"If-None-Match", b"Last-Event-ID")

    def hostile_requests(self):
        """Requests with each hostile text in each place that the log could show."""
        end = b"Connection: close\r\n\r\n"
        host = b"Host: a\r\n"
        for text in hostile.BYTES:
            escaped = b"".join(b"%%%02X" % byte for byte in text)
            for target in (text, b"/" + text, b"/api/v1/blogs/" + text, b"/api/v1/blogs/" + escaped,
                           b"/api/v1/blogs?q=" + text, b"/api/v1/blogs?pageToken=" + escaped):
                yield b"GET %s HTTP/1.1\r\n%s%s" % (target, host, end)
            for name in self.HEADERS:
                yield b"GET /api/v1/users/profile HTTP/1.1\r\n%s%s: %s\r\n%s" % (
                    host, name, text, end)
            yield b"GET /api/v1/blogs HTTP/1.1\r\nHost: %s\r\n%s" % (text, end)
            yield b"%s /api/v1/blogs HTTP/1.1\r\n%s%s" % (text, host, end)

    def lines(self, program, message):
        return [line for line in read_log(program.log) if line["msg"] == message]

    def count(self, program, message):
        """How many such lines there are, with those of earlier requests, which may have waited."""
        time.sleep(0.2)
        return len(self.lines(program, message))

    def assert_more_lines(self, program, message, before, count):
        """As many lines as there were calls, no more and no less."""
        until(f"{count} lines", lambda: len(self.lines(program, message)) >= before + count, 20)
        lines = self.lines(program, message)
        self.assertEqual(len(lines) - before, count)
        self.assertNotIn("forged", {line["msg"] for line in read_log(program.log)})
        return lines[before:]

    def test_requests_cannot_forge_log_lines(self):
        gateway = self.mesh.gateway
        before, count = self.count(gateway, "http request"), 0
        for request in self.hostile_requests():
            status = hostile.http_status(gateway.port, request)
            self.assertIn(status, (200, 400, 401, 404, 405, 414, 415, 431, 501), request)
            count += 1
        for line in self.assert_more_lines(gateway, "http request", before, count):
            self.assertEqual(line["peer"], "127.0.0.1")  # whatever else did not fit
            self.assertIn("status", line)

    def test_bodies_cannot_forge_log_lines(self):
        """Names, titles and addresses that are kept, and refusals that name them."""
        token = self.signed_in()[1]["token"]
        user = self.mesh.services["user"]
        before, count = self.count(user, "call"), 0
        for number, text in enumerate(hostile.TEXTS):
            for body in ({**self.account(), "username": text}, {**self.account(), "email": text},
                         {**self.account(), "email": f'"{text}"@example.com'},
                         {**self.account(), text: "unknown"}):
                self.assertIn(self.post("/api/v1/auth/register", body).status, (201, 400))
            self.assertIn(self.post("/api/v1/auth/login", {"email": text, "password": text}).status,
                          (400, 401))
            self.assertIn(self.post("/api/v1/blogs", {"title": text, "content": text * 20},
                                    token=token).status, (201, 400))
            call = self.post("/api/v1/auth/login", {"email": f"n{number}@example.com",
                                                    "password": text})
            self.assertIn(call.status, (400, 401))
            count += 1
        self.assertGreaterEqual(self.count(user, "call") - before, count)

    def test_metadata_cannot_forge_log_lines(self):
        """Straight to the service, by a client that keeps none of gRPC's rules."""
        user = self.mesh.services["user"]
        before, count = self.count(user, "call"), 0
        for text in hostile.BYTES:
            for name in (b"user-agent", b"x-request-id", b"traceparent", b"authorization",
                         b"x-forwarded-for", b"x-any"):
                hostile.grpc_call(user.port, "/inkmesh.user.v1.UserService/GetProfile",
                                  [(name, text)])
                count += 1
        # gRPC itself refuses what is no header value, without a word.
        self.assertGreater(self.count(user, "call"), before)
        lines = self.lines(user, "call")[before:]
        self.assertGreater(len(lines), count / 4)
        self.assertLessEqual(len(lines), count)
        self.assertEqual({line["code"] for line in lines}, {"UNAUTHENTICATED"})
        self.assertNotIn("forged", {line["msg"] for line in read_log(user.log)})

    def test_trace_goes_through(self):
        trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        self.ask_every_service(self.signed_in()[1]["token"],
                               {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
        for program in self.programs():
            self.log_with(program, trace)


if __name__ == "__main__":
    unittest.main(verbosity=2)

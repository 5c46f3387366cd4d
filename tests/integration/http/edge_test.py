#!/usr/bin/python3
"""The gateway's edge over a scratch contract: everything that it serves comes from shelf.proto."""

import http.client
import json
import re
import socket
import subprocess
import time
import unittest

SERVER = "tests/integration/http/edge_server"
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\Z")
JSON = {"Content-Type": "application/json"}
# On every answer that is no page.
SAFE = {"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Origin-Agent-Cluster": "?1",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-DNS-Prefetch-Control": "off",
        "X-Download-Options": "noopen",
        "X-Frame-Options": "DENY",
        "X-Permitted-Cross-Domain-Policies": "none",
        "X-XSS-Protection": "0"}


class Edge:
    """The server process and one connection after another to it."""

    def __init__(self, *args):
        self.process = subprocess.Popen([SERVER, *args], stdin=subprocess.PIPE, text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.log = []

    def begin(self):
        self.port = int(self.line())
        self.user, self.service = self.line(), self.line()
        return self

    def line(self):
        """The next line that is not of the log."""
        while True:
            line = self.process.stdout.readline()
            if not line.startswith('{"ts"'):
                return line.strip()
            self.log.append(json.loads(line))

    def order(self, order):
        self.process.stdin.write(order + "\n")
        self.process.stdin.flush()

    def open(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request(method, path, body, headers or {})
        return connection, connection.getresponse()

    def ask(self, method, path, body=None, headers=None):
        """Status, headers and body; JSON is parsed."""
        connection, response = self.open(method, path, body, headers)
        text = response.read()
        connection.close()
        if "json" in response.headers.get("Content-Type", "") and text:
            text = json.loads(text)
        return response.status, response.headers, text

    def stop(self):
        self.process.stdin.close()
        status = self.process.wait(20)
        self.process.stdout.close()
        self.process.stderr.close()
        return status


class EdgeTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.edge = Edge().begin()

    @classmethod
    def tearDownClass(cls):
        status = cls.edge.stop()
        assert status == 0, status

    def bearer(self, token):
        return {"Authorization": "Bearer " + token}

    def problem(self, answer, status, word=""):
        self.assertEqual(answer[0], status, answer[2])
        self.assertEqual(answer[1]["Content-Type"], "application/problem+json")
        self.assertEqual(answer[2]["status"], status)
        self.assertEqual(answer[2]["requestId"], answer[1]["X-Request-Id"])
        self.assertIn(word, answer[2]["detail"])
        self.assertTrue(answer[2]["error"])
        self.assertNotIn("secret", json.dumps(answer[2]))
        return answer[2]

    def test_created(self):
        status, headers, body = self.edge.ask(
            "POST", "/v1/shelves/top%2Fleft/books",
            '{"id": "a", "title": "T", "pages": "12"}', JSON)
        self.assertEqual((status, body), (201, {"id": "a/1 ü", "shelf": "top/left", "title": "T",
                                                "pages": "12"}))
        self.assertEqual(headers["Location"], "/v1/shelves/top%2Fleft/books/a%2F1%20%C3%BC")
        self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
        # It is for TLS only, though this edge is told to say it.
        self.assertNotIn("Strict-Transport-Security", headers)

    def test_read(self):
        status, _, body = self.edge.ask("GET", "/v1/books/7")
        self.assertEqual((status, body["id"], body["pages"]), (200, "7", "9007199254740993"))
        self.assertEqual(self.edge.ask("GET", "/v1/titles/7")[2], "A title")
        status, headers, body = self.edge.ask("HEAD", "/v1/books/7")
        self.assertEqual((status, body), (200, b""))
        self.assertGreater(int(headers["Content-Length"]), 40)

    def test_half_a_connection_is_enough(self):
        """A client that has said all and listens gets its answer, if that takes no second."""
        for take_ms in (0, 300):
            with socket.create_connection(("127.0.0.1", self.edge.port), 10) as sock:
                sock.sendall(b"GET /v1/books/7?takeMs=%d HTTP/1.1\r\nHost: x\r\n\r\n" % take_ms)
                sock.shutdown(socket.SHUT_WR)
                self.assertTrue(sock.recv(1000).startswith(b"HTTP/1.1 200 "))

    def statuses(self, route):
        """How many requests of a route ended with each status."""
        counts = {}
        self.edge.order("metrics")
        while (line := self.edge.line()) != "end":
            found = re.match(r'http_server_request_duration_seconds_count\{.*http_route="([^"]*)",'
                             r'http_response_status_code="(\d+)"\} (\d+)', line)
            if found and found[1] == route:
                counts[found[2]] = counts.get(found[2], 0) + int(found[3])
        return counts

    def test_an_answer_ends_when_it_was_taken(self):
        """An answer that nobody reads: what the socket does not take is sent later, and only then
        one knows what came of it."""
        before = self.statuses("/v1/books/{id}")
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)  # less is kept on the way
            sock.connect(("127.0.0.1", self.edge.port))
            sock.sendall(b"GET /v1/books/7?titleBytes=63000 HTTP/1.1\r\nHost: x\r\n\r\n")
            deadline = time.monotonic() + 10
            while (after := self.statuses("/v1/books/{id}")) == before:
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.1)
        self.assertEqual(after, {**before, "499": before.get("499", 0) + 1})

    def test_without_content(self):
        status, headers, body = self.edge.ask("DELETE", "/v1/books/7", None,
                                              self.bearer(self.edge.user))
        self.assertEqual((status, body, headers["Content-Length"]), (204, b"", None))

    def test_wrong_requests(self):
        ask = self.edge.ask
        self.problem(ask("GET", "/v1/nothing"), 404)
        self.problem(ask("GET", "/v1/books/%zz"), 400)
        self.problem(ask("GET", "/v1/books/7?colour=red"), 400, "colour")
        self.problem(ask("POST", "/v1/shelves/a/books", "{", JSON), 400)
        self.problem(ask("POST", "/v1/shelves/a/books", '{"tilte": "x"}', JSON), 400, "tilte")
        self.problem(ask("POST", "/v1/shelves/a/books", "title=x",
                         {"Content-Type": "application/x-www-form-urlencoded"}), 415)
        self.problem(ask("POST", "/v1/shelves/a/books", "{}", {"Content-Type": ""}), 415)
        self.problem(ask("POST", "/v1/shelves/a/books", '{"title": "%s"}' % ("x" * 1000), JSON),
                     413)
        answer = ask("PUT", "/v1/books/7", "{}", JSON)
        self.problem(answer, 405)
        self.assertEqual(sorted(answer[1]["Allow"].split(", ")),
                         ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH"])
        self.problem(ask("BREW", "/v1/books/7"), 501)

    def test_update_mask_comes_from_the_body(self):
        for body, mask in (('{"title": "T", "pages": "0"}', "title,pages"), ("{}", "")):
            status, _, answer = self.edge.ask("PATCH", "/v1/books/7", body, JSON)
            self.assertEqual((status, answer["updateMask"], answer["book"]["id"]),
                             (200, mask, "7"), answer)

    def test_strict_json_and_queries(self):
        ask, path = self.edge.ask, "/v1/shelves/a/books"
        for body, word in (('{"title": "x", "title": "y"}', "title"),
                           ('{"title": "x"} {}', ""),
                           ('{"title": "x",}', ""),
                           (b'{"title": "\xc3\x28"}', ""),
                           ('{"title": ' + "[" * 100 + "]" * 100 + "}", "title"),
                           ('{"shelf": "b"}', "shelf"),
                           ('{"pages": 1.5}', "pages"),
                           ('{"pages": "9223372036854775808"}', "pages"),
                           ("[]", "")):
            self.problem(ask("POST", path, body, JSON), 400, word)
        for query in ("takeMs=1&takeMs=2", "take_ms=1&takeMs=2", "takeMs", "takeMs=", "id=8",
                      "takeMs.x=1", "takeMs=99999999999"):
            self.problem(ask("GET", "/v1/books/7?" + query), 400,
                         "id" if query == "id=8" else "ake")

    def test_errors_name_the_place(self):
        problem = self.problem(self.edge.ask("GET", "/v1/books/7?takeMs=soon"), 400)
        self.assertEqual(problem["errors"][0]["field"], "takeMs")
        self.assertEqual(problem["instance"], "/v1/books/7")

    def test_backend_failures(self):
        for code, status in ((3, 400), (5, 404), (6, 409), (7, 403), (13, 500), (2, 500), (12, 501),
                             (16, 401), (15, 500)):
            self.problem(self.edge.ask("GET", f"/v1/books/7?failWith={code}"), status)
        for code, status in ((14, 503), (8, 429)):
            answer = self.edge.ask("GET", f"/v1/books/7?failWith={code}")
            self.problem(answer, status)
            self.assertGreaterEqual(int(answer[1]["Retry-After"]), 1)

    def test_deadline(self):
        started = time.monotonic()
        self.problem(self.edge.ask("GET", "/v1/books/7?takeMs=9000"), 504)
        self.assertLess(time.monotonic() - started, 4)

    def test_credentials(self):
        ask, edge = self.edge.ask, self.edge
        answer = ask("DELETE", "/v1/books/7")
        self.problem(answer, 401)
        self.assertEqual(answer[1]["WWW-Authenticate"], 'Bearer realm="inkmesh"')
        answer = ask("DELETE", "/v1/books/7", None, self.bearer(edge.user[:-2] + "xx"))
        self.problem(answer, 401)
        self.assertIn("invalid_token", answer[1]["WWW-Authenticate"])
        self.problem(ask("DELETE", "/v1/books/7", None, {"Authorization": "Basic YTpi"}), 401)
        self.problem(ask("DELETE", "/v1/books/7", None, self.bearer(edge.service)), 403)
        self.problem(ask("POST", "/v1/sweep", None, self.bearer(edge.user)), 403)
        self.assertEqual(ask("POST", "/v1/sweep", None, self.bearer(edge.service))[0], 200)
        # Where anyone may call, no credentials are looked at.
        self.assertEqual(ask("GET", "/v1/books/7", None, {"Authorization": "nonsense"})[0], 200)

    def test_context_travels(self):
        trace = "0af7651916cd43dd8448eb211c80319c"
        status, headers, body = self.edge.ask(
            "GET", "/v1/me", None, {**self.bearer(self.edge.user), "X-Request-Id": "my-id:1",
                                    "traceparent": f"00-{trace}-b7ad6b7169203331-01"})
        self.assertEqual(status, 200, body)
        self.assertEqual(body["who"], "1 01890a5d-ac96-774b-bcce-b302099a8057")
        self.assertEqual((body["requestId"], headers["X-Request-Id"]), ("my-id:1", "my-id:1"))
        self.assertEqual(body["traceId"], trace)
        self.assertTrue(500 < int(body["leftMs"]) <= 1600, body)
        who = self.edge.ask("GET", "/v1/me", None, self.bearer(self.edge.service))[2]["who"]
        self.assertEqual(who, "2 librarian")

    def test_request_ids(self):
        for bad in ("", "a b", "x" * 129, "\x7f", "é"):
            got = self.edge.ask("GET", "/v1/books/7", None, {"X-Request-Id": bad})[1]
            self.assertRegex(got["X-Request-Id"], UUID)
        good = "x" * 128
        got = self.edge.ask("GET", "/nowhere", None, {"X-Request-Id": good})[1]
        self.assertEqual(got["X-Request-Id"], good)

    def test_options(self):
        for extra in ({}, {"Origin": "https://a.example"},
                      {"Access-Control-Request-Method": "DELETE"}):
            status, headers, body = self.edge.ask("OPTIONS", "/v1/books/7", None, extra)
            self.assertEqual((status, body), (204, b""))
            self.assertIn("DELETE", headers["Allow"])
            self.assertIsNone(headers["Access-Control-Allow-Methods"])
            self.assertIsNone(headers["Access-Control-Allow-Headers"])

    def preflight(self, path, method, origin="http://b.example:8080"):
        """The answer's headers that speak of CORS: {name: set of its members}."""
        status, headers, body = self.edge.ask("OPTIONS", path, None, {
            "Origin": origin, "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": "authorization,x-evil"})
        self.assertEqual((status, body), (204, b""))
        self.assertEqual(headers.get_all("Vary"), ["Origin", "Access-Control-Request-Method"])
        prefix = "Access-Control-"
        return {name[len(prefix):]: set(value.split(", ")) for name, value in headers.items()
                if name.startswith(prefix)}

    def test_preflight(self):
        """A page may ask for the route's methods and headers, and no others."""
        always = {"Authorization", "X-Request-Id", "traceparent"}
        for path, method, names in (
                ("/v1/books/7", "DELETE", set()), ("/v1/books/7", "GET", set()),
                ("/v1/books/7", "HEAD", set()), ("/v1/books/7", "PATCH", {"Content-Type"}),
                ("/v1/shelves/a/books", "POST", {"Content-Type"}),
                ("/v1/books:watch", "GET", {"Last-Event-ID"}),
                ("/openapi.json", "GET", {"If-None-Match"})):
            cors = self.preflight(path, method)
            self.assertEqual(cors["Allow-Origin"], {"http://b.example:8080"})
            self.assertEqual(cors["Max-Age"], {"600"})
            self.assertEqual(cors["Allow-Headers"], always | names, (path, method))
            self.assertIn(method, cors["Allow-Methods"])
            self.assertNotIn("Allow-Credentials", cors)
        self.assertEqual(self.preflight("/v1/books/7", "GET")["Allow-Methods"],
                         {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH"})
        for path, method in (("/v1/books/7", "PUT"), ("/v1/books/7", "OPTIONS"),
                             ("/v1/books/7", "*"), ("/v1/books/7", "get"), ("/v1/books/7", ""),
                             ("/health", "POST")):
            self.assertEqual(set(self.preflight(path, method)), {"Allow-Origin", "Expose-Headers"},
                             (path, method))

    def test_other_origins_hear_nothing(self):
        for origin in ("http://b.example", "http://b.example:80800", "https://b.example:8080",
                       "https://a.example.evil", "https://xa.example", "https://x.a.example",
                       "https://a.example/", "https://a.example:443", "null", "*", "",
                       "HTTPS://A.EXAMPLE", "https://a.example, http://b.example:8080"):
            self.assertEqual(self.preflight("/v1/books/7", "DELETE", origin), {}, origin)
            for path in ("/v1/books/7", "/nowhere", "/health"):
                headers = self.edge.ask("GET", path, None, {"Origin": origin})[1]
                self.assertEqual([name for name in headers if name.startswith("Access-Control")],
                                 [], origin)
                self.assertEqual(headers["Vary"], "Origin")
                if origin not in ("", "*"):
                    self.assertNotIn(origin, str(headers))

    def test_pages_of_listed_origins_may_read(self):
        for path in ("/v1/books/7", "/nowhere", "/health", "/v1/books:watch?count=1"):
            headers = self.edge.ask("GET", path, None, {"Origin": "https://a.example"})[1]
            self.assertEqual(headers.get_all("Access-Control-Allow-Origin"), ["https://a.example"])
            self.assertEqual(headers["Vary"], "Origin")
            exposed = headers["Access-Control-Expose-Headers"].split(", ")
            for name in ("ETag", "Location", "RateLimit", "RateLimit-Policy", "Retry-After",
                         "X-Request-Id", "WWW-Authenticate"):
                self.assertIn(name, exposed)
        self.assertEqual(self.edge.ask("GET", "/v1/books/7")[1]["Vary"], "Origin")

    def test_every_answer_is_safe_for_browsers(self):
        ask, user = self.edge.ask, self.bearer(self.edge.user)
        etag = ask("GET", "/openapi.json")[1]["ETag"]
        answers = [
            (200, ask("GET", "/v1/books/7")), (200, ask("HEAD", "/v1/books/7")),
            (200, ask("GET", "/health")), (200, ask("GET", "/v1/books:watch?count=1")),
            (201, ask("POST", "/v1/shelves/a/books", '{"id": "a", "title": "T"}', JSON)),
            (204, ask("DELETE", "/v1/books/7", None, user)), (204, ask("OPTIONS", "/v1/books/7")),
            (204, ask("OPTIONS", "*")), (204, ask("OPTIONS", "/health")),
            (304, ask("GET", "/openapi.json", None, {"If-None-Match": f'"x", {etag}'})),
            (400, ask("GET", "/v1/books/%zz")), (401, ask("DELETE", "/v1/books/7")),
            (404, ask("GET", "/nowhere")), (405, ask("PUT", "/v1/books/7", "{}", JSON)),
            (413, ask("POST", "/v1/shelves/a/books", '{"title": "%s"}' % ("x" * 1000), JSON)),
            (415, ask("POST", "/v1/shelves/a/books", "{}", {"Content-Type": ""})),
            (500, ask("GET", "/v1/books/7?failWith=13")), (501, ask("BREW", "/v1/books/7")),
            (503, ask("GET", "/v1/books/7?failWith=14")),
            # Refused before there is a request that the edge could look at.
            (501, ask("GET", "/health", None, {"Transfer-Encoding": "gzip"})),
            (400, ask("GET", "/health", None, {"Bad Name": "x"})),
            (431, ask("GET", "/health", None, {f"X-{n}": "x" for n in range(70)}))]
        for status, (got, headers, _) in answers:
            self.assertEqual(got, status)
            for name, value in SAFE.items():
                self.assertEqual(headers.get_all(name), [value], (status, name))
            for name in ("Server", "X-Powered-By", "Set-Cookie", "Strict-Transport-Security",
                         "Access-Control-Allow-Origin"):
                self.assertNotIn(name, headers, status)

    def test_the_server_as_a_whole(self):
        status, headers, _ = self.edge.ask("OPTIONS", "*")
        self.assertEqual((status, headers["Connection"]), (204, "close"))
        self.assertIn("PATCH", headers["Allow"])
        self.problem(self.edge.ask("GET", "*"), 400, "OPTIONS")
        status, _, body = self.edge.ask("GET", "http://elsewhere:99/health")
        self.assertEqual((status, body["status"]), (200, "API Gateway is running..."))
        self.problem(self.edge.ask("GET", "http://elsewhere/no/such/path"), 404)

    def test_compressed_bodies_are_refused(self):
        answer = self.edge.ask("POST", "/v1/shelves/s/books", b"\x1f\x8b",
                               {**JSON, "Content-Encoding": "gzip"})
        self.problem(answer, 415, "compressed")
        self.assertEqual(answer[1]["Accept-Encoding"], "identity")

    def test_own_paths(self):
        status, headers, _ = self.edge.ask("GET", "/health")
        self.assertEqual(status, 200)
        connection, response = self.edge.open("GET", "/health")
        self.assertEqual(response.read(), b'{"status":"API Gateway is running..."}')
        connection.close()
        self.assertEqual(self.edge.ask("GET", "/livez")[0], 200)
        status, _, body = self.edge.ask("GET", "/readyz")
        self.assertEqual((status, body["checks"]), (200, {"shelf": "ok"}))
        status, headers, _ = self.edge.ask("POST", "/health")
        self.assertEqual((status, headers["Allow"]), (405, "GET, HEAD, OPTIONS"))
        self.assertEqual(self.edge.ask("HEAD", "/readyz")[0], 200)

    def test_a_list_of_tags_may_come_in_several_lines(self):
        etag = self.edge.ask("GET", "/openapi.json")[1]["ETag"]
        for lines, status in ((('"x"', etag), 304), ((etag, '"x"'), 304), (('"x"', '"y"'), 200)):
            connection = http.client.HTTPConnection("127.0.0.1", self.edge.port, timeout=10)
            connection.putrequest("GET", "/openapi.json")
            for line in lines:
                connection.putheader("If-None-Match", line)
            connection.endheaders()
            self.assertEqual(connection.getresponse().status, status, lines)
            connection.close()

    def test_events(self):
        connection, response = self.edge.open("GET", "/v1/books:watch?count=2", None,
                                              {"Last-Event-ID": "40"})
        self.assertEqual(response.status, 200)
        self.assertEqual(response.headers["Content-Type"], "text/event-stream")
        events = response.read().decode().split("\n\n")
        connection.close()
        self.assertEqual(len(events), 3, events)
        lines = events[0].split("\n")
        self.assertIn("id: 41", [line.replace("id:41", "id: 41") for line in lines])
        data = json.loads([line for line in lines if line.startswith("data:")][0][5:])
        self.assertEqual((data["id"], data["title"]), ("41", "two\nlines"))

    def test_lines(self):
        connection, response = self.edge.open("GET", "/v1/books:watch?count=3", None,
                                              {"Accept": "text/html, application/x-ndjson"})
        self.assertEqual(response.headers["Content-Type"], "application/x-ndjson")
        books = [json.loads(line) for line in response.read().splitlines()]
        connection.close()
        self.assertEqual([book["id"] for book in books], ["1", "2", "3"])

    def test_stream_failures(self):
        # At once: with its own status. Later: as the last message.
        self.problem(self.edge.ask("GET", "/v1/books:watch?count=-1&failWith=5"), 404)
        _, _, body = self.edge.ask("GET", "/v1/books:watch?count=1&failWith=14")
        last = body.decode().strip().split("\n\n")[-1]
        self.assertIn("event: error", last.replace("event:error", "event: error"))
        self.assertEqual(json.loads(last[last.index("{"):])["status"], 503)

    def test_stream_outlives_the_deadline_of_requests(self):
        _, _, body = self.edge.ask("GET", "/v1/books:watch?count=2&waitMs=1200")
        self.assertEqual(body.count(b"data:"), 2)

    def test_stream_ends_with_its_client(self):
        self.edge.order("watched")
        before = int(self.edge.line())
        connection, response = self.edge.open("GET", "/v1/books:watch?waitMs=300")
        response.readline()
        response.close()
        connection.close()
        for _ in range(40):
            self.edge.order("watched")
            if int(self.edge.line()) > before:
                return
            time.sleep(0.1)
        self.fail("the backend still streams to nobody")

    def test_log_and_metrics(self):
        self.edge.ask("GET", "/v1/books/secret-path?failWith=13", None, {"X-Request-Id": "log-me"})
        self.edge.order("metrics")
        metrics = []
        while (line := self.edge.line()) != "end":
            metrics.append(line)
        entry = [line for line in self.edge.log if line.get("request_id") == "log-me"][0]
        self.assertEqual((entry["method"], entry["route"], entry["status"]),
                         ("GET", "/v1/books/{id}", 500))
        self.assertEqual(entry["path"], "/v1/books/secret-path")
        text = "\n".join(metrics)
        self.assertIn('http_route="/v1/books/{id}"', text)
        self.assertNotIn("secret-path", text)
        tokens = json.dumps(self.edge.log)
        self.assertNotIn(self.edge.user, tokens)


class AwayTest(unittest.TestCase):
    def test_backend_away(self):
        edge = Edge().begin()
        try:
            self.assertEqual(edge.ask("GET", "/v1/books/7")[0], 200)
            edge.order("stop")
            self.assertEqual(edge.line(), "stopped")
            started = time.monotonic()
            status, headers, problem = edge.ask("GET", "/v1/books/7")
            self.assertEqual((status, problem["status"]), (503, 503))
            self.assertEqual(headers["Retry-After"], "1")
            self.assertNotIn("127.0.0.1", json.dumps(problem))
            self.assertLess(time.monotonic() - started, 2)
            self.assertEqual(edge.ask("GET", "/v1/books:watch")[0], 503)
            status, _, body = edge.ask("GET", "/readyz")
            self.assertEqual((status, body["checks"]), (503, {"shelf": "the shelf is away"}))
            self.assertEqual(edge.ask("GET", "/livez")[0], 200)
        finally:
            self.assertEqual(edge.stop(), 0)

    def test_service_without_backend(self):
        edge = Edge("no-backends")
        self.assertEqual(edge.process.wait(10), 1)
        self.assertIn("shelf.v1.Shelf has no backend", edge.process.stderr.read())
        edge.stop()


if __name__ == "__main__":
    unittest.main()

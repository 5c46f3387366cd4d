#!/usr/bin/python3
"""Adding a method to a contract: before/ and after/ differ by lines added to notes.proto and
handlers.c, and by nothing else; the new method is served, routed, validated, guarded, reflected and
counted."""

import base64
import difflib
import hashlib
import hmac
import http.client
import json
import os
import re
import secrets
import subprocess
import time
import unittest
import urllib.request

import grpc
from harness import ports
from harness.program import Program
from harness.tools import run_tool

HERE = "tests/integration/scratch/"
SECRET = secrets.token_hex(24)
USER = "01890a5d-ac96-774b-bcce-b302099a8057"
SERVICE = "notes.v1.Notes"


def make_token(**claims):
    """An access token as the user service makes them."""
    def encoded(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=")
    claims = {"iss": "inkmesh", "aud": "inkmesh", "iat": int(time.time()),
              "exp": int(time.time()) + 600, **claims}
    text = b".".join(encoded(json.dumps(part).encode())
                     for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    mac = hmac.new(SECRET.encode(), text, hashlib.sha256).digest()
    return (text + b"." + encoded(mac)).decode()


USER_TOKEN = make_token(typ="access", id=USER, sub=USER)
SERVICE_TOKEN = make_token(typ="service", sub="librarian")


class Notes(Program):
    """The program of one of the two folders."""

    def __init__(self, folder):
        self.http_port = ports.reserve()
        grpc, admin = ports.reserve(), ports.reserve()
        env = {"JWT_SECRET": SECRET, "GRPC_ADDRESS": f"127.0.0.1:{grpc}",
               "ADMIN_ADDRESS": f"127.0.0.1:{admin}", "GRPC_REFLECTION": "true",
               "HTTP_ADDRESS": f"127.0.0.1:{self.http_port}"}
        super().__init__(folder, [os.path.abspath(f"{HERE}{folder}/notes")], env, grpc, admin)

    def ask(self, method, path, body=None, token=None):
        """Status, headers and parsed body."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if body is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(body)
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=10)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, json.loads(answer.read())
        finally:
            connection.close()

    def grpcurl(self, *args, data=None, token=None):
        options = ["-plaintext"]
        if token:
            options += ["-H", f"Authorization: Bearer {token}"]
        if data is not None:
            options += ["-d", json.dumps(data)]
        return run_tool("grpcurl", *options, f"127.0.0.1:{self.port}", *args)

    def metrics(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.admin_port}/metrics") as answer:
            return answer.read().decode()


LABELS = "/v1/notes/7/labels"


class AddedMethod(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.before, cls.after = Notes("before"), Notes("after")
        for program in (cls.before, cls.after):
            program.launch()
            cls.addClassCleanup(cls.end, program)
        for program in (cls.before, cls.after):
            program.wait_ready()

    @staticmethod
    def end(program):
        code = program.stop()
        assert code == 0, f"{program.name} ended with {code}:\n{program.log_tail()}"

    def test_nothing_else_was_written(self):
        for file in os.listdir(HERE + "before"):
            if not os.path.isfile(f"{HERE}before/{file}") or file == "notes":
                continue
            with open(f"{HERE}before/{file}", encoding="utf-8") as before:
                with open(f"{HERE}after/{file}", encoding="utf-8") as after:
                    changes = [line for line in difflib.ndiff(list(before), list(after))
                               if not line.startswith("  ")]
            self.assertTrue(all(line.startswith("+ ") for line in changes), changes)
            self.assertEqual(bool(changes), file in ("notes.proto", "handlers.c"), file)

    def test_without_it(self):
        status, _, problem = self.before.ask("POST", LABELS, {"word": "good"}, USER_TOKEN)
        self.assertEqual((status, problem["status"]), (404, 404))
        done = self.before.grpcurl(f"{SERVICE}/LabelNote", data={}, token=USER_TOKEN)
        self.assertIn("does not include a method named \"LabelNote\"", done.stderr)
        done = self.before.grpcurl("list", SERVICE)
        self.assertEqual(done.stdout.split(), [f"{SERVICE}.GetNote"])

    def test_unimplemented_without_it(self):
        for program, code in ((self.before, grpc.StatusCode.UNIMPLEMENTED),
                              (self.after, grpc.StatusCode.UNAUTHENTICATED)):
            with grpc.insecure_channel(f"127.0.0.1:{program.port}") as channel:
                with self.assertRaises(grpc.RpcError) as caught:
                    channel.unary_unary(f"/{SERVICE}/LabelNote")(b"", timeout=10)
            self.assertEqual(caught.exception.code(), code, program.name)

    def test_what_was_there_stays(self):
        for program in (self.before, self.after):
            status, _, note = program.ask("GET", "/v1/notes/7")
            self.assertEqual((status, note), (200, {"id": "7", "text": "note 7"}))
            status, headers, _ = program.ask("PUT", "/v1/notes/7", {})
            self.assertEqual((status, headers["Allow"]), (405, "GET, HEAD, OPTIONS"))

    def test_routed_and_served(self):
        status, headers, reply = self.after.ask("POST", LABELS + "?copies=2", {"word": "good"},
                                                USER_TOKEN)
        self.assertEqual((status, reply), (201, {"id": "7", "labelId": "good", "authorId": USER,
                                                 "copies": 2}))
        self.assertEqual(headers["Location"], LABELS + "/good")
        status, headers, _ = self.after.ask("GET", LABELS)
        self.assertEqual((status, headers["Allow"]), (405, "POST, OPTIONS"))

    def violations(self, path, body):
        status, _, problem = self.after.ask("POST", path, body, USER_TOKEN)
        self.assertEqual(status, 400, problem)
        return {error["field"] for error in problem.get("errors", [])}, problem["detail"]

    def test_validated(self):
        for path, body, fields in (
                (LABELS, {"word": "no"}, {"label.word"}),
                (LABELS + "?copies=4", {"word": "much too long", "colour": "blue"},
                 {"label.word", "label.colour", "copies"}),
                ("/v1/notes/12345678901/labels", {"word": "good"}, {"id"}),
                (LABELS, None, {"label"})):
            self.assertEqual(self.violations(path, body)[0], fields, (path, body))

    def test_strict(self):
        for path, body, word in (
                (LABELS + "?size=2", {"word": "good"}, "size"),
                (LABELS + "?copies=many", {"word": "good"}, "copies"),
                (LABELS + "?id=8", {"word": "good"}, "id"),
                (LABELS, {"word": "good", "wrod": "x"}, "wrod"),
                (LABELS, {"word": 1}, "word")):
            self.assertIn(word, self.violations(path, body)[1], (path, body))

    def test_guarded(self):
        for token, status, code in ((None, 401, "Unauthenticated"),
                                    ("x.y.z", 401, "Unauthenticated"),
                                    (SERVICE_TOKEN, 403, "PermissionDenied")):
            answer = self.after.ask("POST", LABELS, {"word": "good"}, token)
            self.assertEqual(answer[0], status, answer[2])
            done = self.after.grpcurl(f"{SERVICE}/LabelNote", data={"label": {"word": "good"}},
                                      token=token)
            self.assertIn(f"Code: {code}", done.stderr)

    def test_reflected(self):
        done = self.after.grpcurl("list", SERVICE)
        self.assertEqual(done.stdout.split(), [f"{SERVICE}.GetNote", f"{SERVICE}.LabelNote"])
        done = self.after.grpcurl("describe", f"{SERVICE}.LabelNote")
        self.assertIn("Puts a label on a note.", done.stdout)
        self.assertIn('post: "/v1/notes/{id}/labels"', done.stdout.replace(":\"", ": \""))
        done = self.after.grpcurl(f"{SERVICE}/LabelNote", data={"id": "7", "label": {"word": "good"}},
                                  token=USER_TOKEN)
        self.assertEqual(json.loads(done.stdout),
                         {"id": "7", "labelId": "good", "authorId": USER}, done.stderr)
        done = self.after.grpcurl(f"{SERVICE}/LabelNote", data={"label": {"word": "no"}},
                                  token=USER_TOKEN)
        self.assertIn("google.rpc.BadRequest", done.stderr)
        self.assertIn("label.word", done.stderr)

    def test_counted(self):
        self.after.ask("POST", LABELS, {"word": "good"}, USER_TOKEN)
        text = self.after.metrics()
        self.assertRegex(text, r'grpc_server_handled_total\{[^}]*grpc_method="LabelNote"')
        self.assertRegex(text, re.escape('http_server_request_duration_seconds_count{') +
                         r'[^}]*="/v1/notes/\{id\}/labels"')


class NoStart(unittest.TestCase):
    """A contract that cannot be kept is not served."""

    def refusal(self, folder):
        """What the program logged before it ended with 1."""
        env = {"JWT_SECRET": SECRET, "HTTP_ADDRESS": f"127.0.0.1:{ports.reserve()}"}
        done = subprocess.run([f"{HERE}{folder}/notes"], env=env, capture_output=True, text=True,
                              check=False, timeout=30)
        self.assertEqual(done.returncode, 1, done)
        return done.stdout + done.stderr

    def test_a_rule_that_is_not_implemented(self):
        said = self.refusal("cel")
        self.assertIn("notes.v1.GetNoteRequest.id", said)
        self.assertIn("cel", said)

    def test_a_method_for_nobody(self):
        self.assertIn("notes.v1.Notes.GetNote does not say who may call it",
                      self.refusal("nobody"))

    def test_a_limit_for_an_account_that_nothing_names(self):
        self.assertIn("notes.v1.Notes.GetNote: owner names no account",
                      self.refusal("unnamed"))


if __name__ == "__main__":
    unittest.main(verbosity=2)

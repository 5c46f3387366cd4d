#!/usr/bin/python3
"""What the gateway's fuzzer takes for right and for wrong, and that a seed makes the same again."""

import json
import random
import unittest

import conversation
import model
from answers import Reader, Wrong, check_all_came
from grammar import Grammar

GET = b"GET /a HTTP/1.1\r\nHost: h\r\nX-Request-Id: fuzz-1-0\r\n\r\n"
POST = b"POST /a HTTP/1.1\r\nHost: h\r\n"
LAST = b"GET /a HTTP/1.1\r\nHost: h\r\nConnection: x, Close\r\n\r\n"


def kinds(data):
    return [one.what for one in model.read(data)]


def answer(status=200, body=b"{}", kind=b"application/json", **headers):
    given = {"Content-Type": kind.decode(), "Content-Length": str(len(body)),
             "X-Request-Id": "fuzz-1-0",
             **{name.replace("_", "-"): value for name, value in headers.items()}}
    lines = [f"{name}: {value}" for name, value in given.items()]
    head = "\r\n".join([f"HTTP/1.1 {status} Whatever", *lines, "", ""])
    return head.encode() + body


def problem(status, **headers):
    body = {"status": status, "title": "T", "error": "E", "requestId": "fuzz-1-0"}
    return answer(status, json.dumps(body).encode(), b"application/problem+json", **headers)


class ModelTest(unittest.TestCase):
    def test_whole(self):
        self.assertEqual(kinds(GET + GET), [model.WHOLE] * 2)
        self.assertEqual(kinds(b"\r\n" + GET + b"\r\n"), [model.WHOLE])
        self.assertEqual(kinds(POST + b"Content-Length: 3\r\n\r\nabc" + GET), [model.WHOLE] * 2)
        self.assertEqual(kinds(POST + b"Transfer-Encoding: chunked\r\n\r\n"
                               b"1;a=b\r\nx\r\n0\r\nA: b\r\n\r\n" + GET), [model.WHOLE] * 2)
        self.assertEqual(kinds(LAST + GET), [model.WHOLE])
        self.assertEqual(kinds(b"GET / HTTP/1.0\r\n\r\n" + GET), [model.WHOLE])

    def test_malformed_heads(self):
        for data in (b"GET  / HTTP/1.1\r\nHost: h\r\n\r\n", b"GET / HTTP/2.0\r\nHost: h\r\n\r\n",
                     b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n",
                     b"\r\n\r\n" + GET, POST + b"Content-Length: +5\r\n\r\n",
                     POST + b" folded\r\n\r\n",
                     POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
                     POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                     POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n", POST + b"A : b\r\n\r\n",
                     POST + b"A: b\nB: c\r\n\r\n", POST + b"A: \0\r\n\r\n"):
            self.assertEqual(kinds(data + GET), [model.BAD_HEAD], data)

    def test_bodies(self):
        begin = POST + b"Transfer-Encoding: chunked\r\n\r\n"
        for body in (b"x\r\n", b"1\nx\r\n", b"1\r\nxy\r\n0\r\n\r\n", b"0\r\nno field\r\n\r\n",
                     b" 1\r\n", b"1 \r\nx\r\n"):
            self.assertEqual(kinds(begin + body), [model.BAD_BODY], body)
        for body in (b"", b"1", b"1\r", b"1\r\nx", b"1\r\nx\r\n0\r\n", b"0\r\nA: b\r\n"):
            self.assertEqual(kinds(begin + body), [model.PART_OF_BODY], body)
        self.assertEqual(kinds(POST + b"Content-Length: 5\r\n\r\nhell"), [model.PART_OF_BODY])
        self.assertEqual(kinds(GET[:-1]), [model.PART_OF_HEAD])


class ReaderTest(unittest.TestCase):
    def read(self, asked, data, pieces=1, ended=False):
        reader = Reader(model.read(asked))
        size = -(-len(data) // pieces)
        for at in range(0, len(data), size):
            reader.feed(data[at:at + size])
        if ended:
            reader.end()
            check_all_came(reader)
        return [one.status for one in reader.answers]

    def wrong(self, asked, data, words, ended=False):
        with self.assertRaisesRegex(Wrong, words):
            self.read(asked, data, ended=ended)

    def test_right(self):
        self.assertEqual(self.read(GET + GET, answer() * 2, pieces=50), [200, 200])
        self.assertEqual(self.read(GET, b"HTTP/1.1 100 Continue\r\n\r\n" + problem(404)), [404])
        self.assertEqual(self.read(b"HEAD" + GET[3:] + GET, answer(body=b"") + answer()),
                         [200, 200])
        self.assertEqual(self.read(b"x\r\n\r\n", problem(400, Connection="close"), ended=True),
                         [400])

    def test_statuses(self):
        for status in (500, 504, 299, 101):
            self.wrong(GET, problem(status), "status|informational|HTTP|place of an answer")
        self.wrong(GET, problem(401), "without its header")
        self.wrong(b"x\r\n\r\n", answer(), "was understood")

    def test_connections(self):
        self.wrong(b"x\r\n\r\n", problem(400), "goes on")
        self.wrong(LAST, answer(), "goes on")
        self.wrong(POST + b"Content-Length: 5\r\n\r\nhell", answer(), "goes on")
        self.wrong(GET + GET, answer(Connection="close") + answer(), "after its last answer")
        self.wrong(GET, answer() * 2, "nobody asked")
        self.wrong(GET, answer()[:-1], "within an answer", ended=True)
        self.wrong(GET + GET, answer(), "without an answer", ended=True)

    def test_ids_and_headers(self):
        self.wrong(GET, answer(X_Request_Id="fuzz-2-0"), "another")
        self.wrong(GET, answer(X_Fuzz="1"), "injected")
        self.wrong(GET, b"HTTP/1.1 200 OK\r\nA: \0\r\n\r\n", "no HTTP")
        self.wrong(GET, answer(Content_length="7"), "no HTTP|occurs")

    def test_bodies(self):
        for body in (b"", b"{", b'{"a": NaN}', b'{"a":1,"a":2}', b'{"a":"\xff"}'):
            self.wrong(GET, answer(body=body), "no JSON|twice")
        self.wrong(GET, answer(404, b"{}"), "no problem")
        self.wrong(GET, answer(404, b"{}", b"application/problem+json"), "incomplete")


class PlanTest(unittest.TestCase):
    def test_the_same_again(self):
        document = {"paths": {"/a/{id}": {"put": {
            "parameters": [{"name": "id", "in": "path"}, {"name": "q", "in": "query"}],
            "requestBody": {"content": {"application/json": {"schema": {
                "properties": {"title": {"type": "string"}}, "required": ["title"]}}}}}}}}
        world = {"account": {"email": "a@example.com", "password": "p"}, "users": ["u"],
                 "tokens": ["t.t.t"], "blogs": ["b"], "notifications": ["n"], "refresh": ["r"],
                 "pages": ["p"], "etags": ["*"]}
        made = Grammar(document, world)
        plans = [[conversation.plan(made, random.Random(f"{seed}/{number}"), number)
                  for number in range(500)] for seed in (1, 1, 2)]
        self.assertEqual(plans[0], plans[1])
        self.assertNotEqual(plans[0], plans[2])
        asked = [model.read(plan.data) for plan in plans[0]]
        self.assertEqual({one.what for each in asked for one in each},
                         {model.WHOLE, model.BAD_HEAD, model.BAD_BODY, model.PART_OF_HEAD,
                          model.PART_OF_BODY})


if __name__ == "__main__":
    unittest.main(verbosity=2)

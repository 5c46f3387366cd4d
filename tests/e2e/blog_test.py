#!/usr/bin/python3
"""Blogs through HTTP: write, read, list, search, change, delete, with the conditions of RFC 9110."""

import http.client
import json
import re
import unittest
import uuid
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote, urlencode

from mesh import MeshTest

BLOGS = "/api/v1/blogs"
RFC3339 = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
STRONG_ETAG = re.compile(r'^"[\x21\x23-\x7e]+"$')


class BlogTest(MeshTest):
    def setUp(self):
        self.user, session = self.signed_in()
        self.token = session["token"]

    def write(self, title="A title", content="The content of it", **more):
        answer = self.post(BLOGS, {"title": title, "content": content, **more}, token=self.token)
        self.assertEqual(answer.status, 201, answer)
        return answer

    def new_blog(self, *args, **kwargs):
        return self.write(*args, **kwargs).json()

    def path(self, blog):
        return f"{BLOGS}/{blog['id']}"

    def change(self, blog, body, method="PUT", token=None, **headers):
        return self.request(method, self.path(blog), body, token=token or self.token,
                            headers={name.replace("_", "-"): value
                                     for name, value in headers.items()})


class WriteTest(BlogTest):
    def test_create(self):
        answer = self.write("My title", "The content of it")
        blog = answer.json()
        self.assertEqual(set(blog),
                         {"id", "title", "content", "authorId", "createdAt", "updatedAt"})
        self.assertEqual((blog["title"], blog["content"], blog["authorId"]),
                         ("My title", "The content of it", self.user["id"]))
        self.assertEqual(answer.headers["Location"], self.path(blog))
        self.assertRegex(answer.headers["ETag"], STRONG_ETAG)
        self.assertEqual(uuid.UUID(blog["id"]).version, 7)
        for time in ("createdAt", "updatedAt"):
            self.assertRegex(blog[time], RFC3339)
        read = self.get(answer.headers["Location"])
        self.assertEqual((read.status, read.json()), (200, blog))
        self.assertEqual(read.headers["ETag"], answer.headers["ETag"])

    def test_author_id_of_older_clients(self):
        for own in (self.user["id"], self.user["id"].upper()):
            self.assertEqual(self.new_blog(authorId=own)["authorId"], self.user["id"])
        other, _ = self.signed_in()
        body = {"title": "A title", "content": "x" * 10}
        answer = self.post(BLOGS, {**body, "authorId": other["id"]}, token=self.token)
        self.assert_problem(answer, 403)
        answer = self.post(BLOGS, {**body, "authorId": "7"}, token=self.token)
        self.assert_problem(answer, 400, ("authorId",))

    def test_rules_name_their_field(self):
        for change, fields in (({"title": "ab"}, ("title",)), ({"title": "x" * 201}, ("title",)),
                               ({"content": "x" * 9}, ("content",)),
                               ({"content": "x" * ((1 << 20) + 1)}, ("content",)),
                               ({"title": "", "content": ""}, ("title", "content")),
                               ({"title": "a\0bc"}, ("title",)), ({"title": None}, ("title",))):
            body = {"title": "A title", "content": "x" * 10, **change}
            self.assert_problem(self.post(BLOGS, body, token=self.token), 400, fields)
        for unknown in ("etag", "ifMatch", "if_match", "id", "createdAt", "version"):
            body = {"title": "A title", "content": "x" * 10, unknown: "1"}
            problem = self.assert_problem(self.post(BLOGS, body, token=self.token), 400)
            self.assertIn(unknown, json.dumps(problem))
        content = "x" * (1 << 20)
        self.assertEqual(self.new_blog(content=content)["content"], content)

    def test_texts_survive(self):
        title, content = 'O\'Brien "Ω" \\/ 🦊 <b>', "\u2028 \x01\x7f\r\n\t ' \" \\u0041 " + "🦊" * 5
        blog = self.new_blog(title, content)
        self.assertEqual((blog["title"], blog["content"]), (title, content))
        self.assertEqual(self.get(self.path(blog)).json(), blog)

    def test_who_may(self):
        body = {"title": "A title", "content": "x" * 10}
        self.assert_problem(self.post(BLOGS, body), 401)
        self.assert_problem(self.post(BLOGS, body, token="x.y.z"), 401)
        blog = self.new_blog()
        _, other = self.signed_in()
        for method, body in (("PUT", {"title": "Mine now"}), ("PATCH", {"title": "Mine now"}),
                             ("PUT", {}), ("DELETE", None)):
            self.assert_problem(self.request(method, self.path(blog), body), 401)
            answer = self.request(method, self.path(blog), body, token=other["token"])
            self.assert_problem(answer, 403)
        self.assertEqual(self.get(self.path(blog)).json(), blog)

    def test_update(self):
        for method in ("PUT", "PATCH"):
            blog = self.new_blog()
            answer = self.change(blog, {"title": "Another title"}, method)
            self.assertEqual(answer.status, 200, answer)
            changed = answer.json()
            self.assertEqual(changed, {**blog, "title": "Another title",
                                       "updatedAt": changed["updatedAt"]})
            self.assertGreater(changed["updatedAt"], blog["updatedAt"])
            answer = self.change(blog, {"content": "Another content", "id": blog["id"],
                                        "authorId": self.user["id"], "title": None}, method)
            self.assertEqual((answer.status, answer.json()["content"], answer.json()["title"]),
                             (200, "Another content", "Another title"))
            read = self.get(self.path(blog))
            self.assertEqual(read.json(), answer.json())
            self.assertEqual(read.headers["ETag"], answer.headers["ETag"])
            self.assert_problem(self.change(blog, {"title": "ab"}, method), 400, ("title",))
            self.assert_problem(self.change(blog, {"id": str(uuid.uuid4())}, method), 400)

    def test_empty_update(self):
        answer = self.write()
        blog = answer.json()
        for method in ("PUT", "PATCH"):
            same = self.change(blog, {}, method)
            self.assertEqual((same.status, same.json()), (200, blog))
            self.assertEqual(same.headers["ETag"], answer.headers["ETag"])

    def test_delete(self):
        blog = self.new_blog()
        answer = self.request("DELETE", self.path(blog), token=self.token)
        self.assertEqual((answer.status, answer.body), (204, b""))
        for method, body in (("GET", None), ("PUT", {}), ("DELETE", None)):
            answer = self.request(method, self.path(blog), body, token=self.token)
            self.assert_problem(answer, 404)


class ConditionsTest(BlogTest):
    def test_not_modified(self):
        answer = self.write()
        path, etag = answer.headers["Location"], answer.headers["ETag"]
        for value in (etag, f"W/{etag}", f'"x", {etag}', "*"):
            for method in ("GET", "HEAD"):
                same = self.request(method, path, headers={"If-None-Match": value})
                self.assertEqual((same.status, same.body), (304, b""), (method, value))
                self.assertEqual(same.headers["ETag"], etag)
                self.assertEqual(same.headers["Cache-Control"], "no-cache")
                self.assertIsNone(same.headers["Content-Type"])
        for value in ('"x"', etag.strip('"'), etag[:-1], "nonsense", ""):
            self.assertEqual(self.get(path, headers={"If-None-Match": value}).status, 200, value)

    def test_connection_survives_304(self):
        """No body follows a 304: what comes next on the connection is the next answer."""
        answer = self.write()
        connection = http.client.HTTPConnection("127.0.0.1", self.mesh.gateway.port, timeout=10)
        self.addCleanup(connection.close)
        for _ in range(3):
            for tag, status in ((answer.headers["ETag"], 304), ('"x"', 200)):
                connection.request("GET", answer.headers["Location"],
                                   headers={"If-None-Match": tag})
                response = connection.getresponse()
                self.assertEqual((response.status, len(response.read()) > 0),
                                 (status, status == 200))

    def test_modified(self):
        answer = self.write()
        path, etag = answer.headers["Location"], answer.headers["ETag"]
        self.change(answer.json(), {"title": "Another title"})
        changed = self.get(path, headers={"If-None-Match": etag})
        self.assertEqual(changed.status, 200)
        self.assertNotEqual(changed.headers["ETag"], etag)
        self.assertEqual(changed.json()["title"], "Another title")

    def test_only_what_has_an_etag_may_be_kept(self):
        blog = self.new_blog()
        self.assertEqual(self.get(self.path(blog)).headers["Cache-Control"], "no-cache")
        listed = self.get(BLOGS)
        self.assertEqual(listed.headers["Cache-Control"], "no-store")
        self.assertIsNone(listed.headers["ETag"])
        missing = self.get(f"{BLOGS}/{uuid.uuid4()}", headers={"If-None-Match": "*"})
        self.assert_problem(missing, 404)
        self.assertEqual(missing.headers["Cache-Control"], "no-store")
        self.assertIsNone(missing.headers["ETag"])

    def test_ids_in_the_body(self):
        """The same as in the path, in any case; another one is refused."""
        blog = self.new_blog()
        for path, body in ((blog["id"], blog["id"].upper()), (blog["id"].upper(), blog["id"])):
            for method in ("PUT", "PATCH"):
                done = self.change({"id": path}, {"id": body}, method)
                self.assertEqual((done.status, done.json()), (200, blog))
        self.assert_problem(self.change(blog, {"id": str(uuid.uuid4())}), 400, ("id",))

    def test_if_match(self):
        answer = self.write()
        blog, etag = answer.json(), answer.headers["ETag"]
        for method in ("PUT", "PATCH"):
            for body in ({"title": "Another title"}, {}):
                for wrong in ('"x"', f"W/{etag}", etag.strip('"'), '"x", "y"'):
                    refused = self.change(blog, body, method, If_Match=wrong)
                    problem = self.assert_problem(refused, 412)
                    self.assertTrue(problem["type"].endswith("etag-mismatch"), problem)
        self.assertEqual(self.get(self.path(blog)).json(), blog)
        for right in (etag, f'"x", {etag}', "*"):
            done = self.change(blog, {"title": "Another title"},
                               If_Match=right.replace(etag, self.get(self.path(blog))
                                                      .headers["ETag"]))
            self.assertEqual(done.status, 200, right)
        self.assert_problem(self.change(blog, {"title": "Lost"}, If_Match=etag), 412)
        self.assert_problem(self.request("DELETE", self.path(blog), token=self.token,
                                         headers={"If-Match": etag}), 412)
        gone = self.request("DELETE", self.path(blog), token=self.token,
                            headers={"If-Match": done.headers["ETag"]})
        self.assertEqual(gone.status, 204)
        self.assert_problem(self.change(blog, {}, If_Match="*"), 404)

    def test_if_none_match_of_a_change(self):
        answer = self.write()
        blog, etag = answer.json(), answer.headers["ETag"]
        for wrong in ("*", etag, f"W/{etag}", f'"x", {etag}', "nonsense"):
            for method in ("PUT", "PATCH", "DELETE"):
                refused = self.request(method, self.path(blog),
                                       None if method == "DELETE" else {"title": "Another title"},
                                       token=self.token, headers={"If-None-Match": wrong})
                problem = self.assert_problem(refused, 412)
                self.assertTrue(problem["type"].endswith("etag-match"), problem)
        self.assertEqual(self.get(self.path(blog)).json(), blog)
        done = self.change(blog, {"title": "Another title"}, If_None_Match='"x"', If_Match=etag)
        self.assertEqual(done.status, 200, done)
        self.assert_problem(self.change(blog, {"title": "Lost"}, If_None_Match=""), 400,
                            ("If-None-Match",))
        self.assert_problem(self.change({"id": str(uuid.uuid4())}, {}, If_None_Match="*"), 404)

    def test_lists_may_come_in_several_lines(self):
        answer = self.write()
        path, etag = answer.headers["Location"], answer.headers["ETag"]
        for name, method, expected in (("If-None-Match", "GET", {'"x"': 200, etag: 304}),
                                       ("If-None-Match", "PUT", {etag: 412}),
                                       ("If-Match", "PUT", {'"x"': 412, etag: 200})):
            for last, status in expected.items():
                connection = http.client.HTTPConnection("127.0.0.1", self.mesh.gateway.port,
                                                        timeout=10)
                self.addCleanup(connection.close)
                connection.putrequest(method, path)
                for header in ((name, '"y"'), (name, last),
                               ("Authorization", f"Bearer {self.token}"),
                               ("Content-Type", "application/json"),
                               ("Content-Length", "2" if method == "PUT" else "0")):
                    connection.putheader(*header)
                connection.endheaders(b"{}" if method == "PUT" else None)
                self.assertEqual(connection.getresponse().status, status, (name, last))

    def test_malformed_if_match(self):
        blog = self.new_blog()
        for value in ("", "x" * 1025, b"\xff"):
            refused = self.change(blog, {"title": "Another title"}, If_Match=value)
            self.assert_problem(refused, 400, ("If-Match",))
        self.assertEqual(self.get(self.path(blog)).json(), blog)

    def test_one_of_two_editors_wins(self):
        answer = self.write()
        blog = answer.json()
        with ThreadPoolExecutor(6) as pool:
            done = list(pool.map(lambda n: self.change(blog, {"title": f"Editor {n}"},
                                                       If_Match=answer.headers["ETag"]), range(6)))
        self.assertEqual(sorted(one.status for one in done), [200] + [412] * 5)
        winner = next(one for one in done if one.status == 200)
        self.assertEqual(self.get(self.path(blog)).json(), winner.json())


class ReadTest(BlogTest):
    def test_ids(self):
        blog = self.new_blog()
        self.assertEqual(self.get(f"{BLOGS}/{blog['id'].upper()}").json(), blog)
        for bad in ("1", "x" * 36, blog["id"][:-1], blog["id"] + "0", "..%2f", "%20"):
            self.assert_problem(self.get(f"{BLOGS}/{bad}"), 400, ("id",))
        self.assert_problem(self.get(f"{BLOGS}/%00"), 400)
        self.assert_problem(self.get(f"{BLOGS}/{uuid.uuid4()}"), 404)
        self.assert_problem(self.get(f"{BLOGS}/"), 404)

    def test_methods(self):
        blog = self.new_blog()
        answer = self.request("POST", self.path(blog), {}, token=self.token)
        self.assert_problem(answer, 405)
        self.assertEqual(set(answer.headers["Allow"].split(", ")),
                         {"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"})
        head = self.request("HEAD", self.path(blog))
        self.assertEqual((head.status, head.body), (200, b""))
        self.assertEqual(head.headers["ETag"], self.get(self.path(blog)).headers["ETag"])

    def list(self, **query):
        answer = self.get(f"{BLOGS}?{urlencode(query)}")
        self.assertEqual(answer.status, 200, answer)
        return answer.json()

    def test_pages(self):
        ids = [self.new_blog(f"Blog {n}")["id"] for n in range(5)][::-1]
        found, token, sizes = [], "", []
        while True:
            page = self.list(authorId=self.user["id"], pageSize=2, pageToken=token)
            self.assertEqual(set(page), {"blogs", "nextPageToken"})
            found += [blog["id"] for blog in page["blogs"]]
            sizes.append(len(page["blogs"]))
            token = page["nextPageToken"]
            if token == "":
                break
        self.assertEqual((found, sizes), (ids, [2, 2, 1]))
        self.assertEqual(self.list(author_id=self.user["id"].upper())["blogs"][0],
                         self.get(f"{BLOGS}/{ids[0]}").json())

    def test_refused_queries(self):
        self.new_blog()
        self.new_blog()
        token = self.list(authorId=self.user["id"], pageSize=1)["nextPageToken"]
        for query, field in ((f"pageToken={token}", "pageToken"),
                             (f"pageToken={token}&q=x", "pageToken"),
                             (f"pageToken=x{token}&authorId={self.user['id']}", "pageToken"),
                             ("pageSize=101", "pageSize"), ("pageSize=-1", "pageSize"),
                             ("pageSize=x", "pageSize"), ("pageSize=99999999999", "pageSize"),
                             ("authorId=me", "authorId"), ("q=a%00b", "q"),
                             ("q=" + "x" * 1001, "q"), ("q=%ff", "q"), ("etag=1", "etag"),
                             ("page=2", "page")):
            with self.subTest(query[:60]):
                self.assert_problem(self.get(f"{BLOGS}?{query}"), 400, (field,))

    def test_search(self):
        word = "w" + self.user["id"].replace("-", "")
        blog = self.new_blog(content=f"Somewhere in here is {word} to be found")
        for q in (word, word.upper(), f'"here is {word}"', f"{word} -nothing", f"{word}'\"&|!:*()"):
            self.assertEqual(self.list(q=q)["blogs"], [blog], q)
        for q in ("'", '"', "\\", "&|!()<->:*", "- " * 100, "🦊", "'; DROP TABLE blogs; --", "%",
                  "\x01", "or", " ", "x" * 1000):
            self.assertEqual(self.get(f"{BLOGS}?q={quote(q)}").status, 200, q)
        self.assert_problem(self.get(f"{BLOGS}?q={'x' * 5000}"), 400, ("q",))


if __name__ == "__main__":
    unittest.main(verbosity=2)

#!/usr/bin/python3
"""CreateBlog, GetBlog, UpdateBlog and DeleteBlog on real servers."""

import time
import unittest
import uuid

from fixture import BlogTest, new_id
from harness.service import service_token

MIB = 1 << 20


class CreateTest(BlogTest):
    def test_answer(self):
        before = time.time()
        blog = self.new_blog("My title", "The content of it")
        self.assertEqual(uuid.UUID(blog.id).version, 7)
        self.assertEqual((blog.title, blog.content, blog.author_id),
                         ("My title", "The content of it", self.author))
        self.assertTrue(before - 5 < blog.created_at.ToSeconds() < time.time() + 5)
        self.assertEqual(blog.updated_at, blog.created_at)
        self.assertEqual(self.get(blog.id), blog)

    def test_event(self):
        title = "O'Brien \"Ω\" \\ 🦊"
        blog = self.new_blog(title)
        (kind, payload, event_id, aggregate), = self.mesh.events(blog.id)
        self.assertEqual((kind, aggregate), ("blog-published", "blog"))
        self.assertEqual(payload, {"type": "blog-published", "blogId": blog.id, "title": title,
                                   "authorId": self.author})
        self.assertEqual(uuid.UUID(event_id).version, 7)
        text = self.mesh.postgres.psql(
            f"SELECT payload FROM outbox WHERE aggregateid = '{blog.id}'")
        self.assertTrue(text.startswith('{"type":"blog-published","blogId":"'), text)

    def test_author_id_in_the_request(self):
        for own in (self.author, self.author.upper(), ""):
            self.assertEqual(self.new_blog(author_id=own).author_id, self.author)
        count = "SELECT count(*) FROM blogs"
        before = self.mesh.postgres.psql(count)
        failure = self.fail_call("CreateBlog", title="A title", content="x" * 10,
                                 author_id=new_id())
        self.assertEqual((failure.code, failure.reason), ("PERMISSION_DENIED", "NOT_THE_AUTHOR"))
        failure = self.fail_call("CreateBlog", title="A title", content="x" * 10, author_id="me")
        self.assertEqual((failure.code, list(failure.violations)),
                         ("INVALID_ARGUMENT", ["author_id"]))
        self.assertEqual(self.mesh.postgres.psql(count), before)

    def test_rules_name_their_field(self):
        good = {"title": "A title", "content": "x" * 10}
        for field, values in {"title": ("", "ab", "x" * 201, "ж" * 201),
                              "content": ("", "x" * 9, "x" * (MIB + 1), "ж" * (MIB // 2 + 1))
                              }.items():
            for value in values:
                with self.subTest(field=field, size=len(value)):
                    failure = self.fail_call("CreateBlog", **{**good, field: value})
                    self.assertEqual((failure.code, list(failure.violations)),
                                     ("INVALID_ARGUMENT", [field]))
        failure = self.fail_call("CreateBlog")
        self.assertEqual(list(failure.violations), ["title", "content"])
        failure = self.fail_call("CreateBlog", title="a\0bc", content="x" * 10)
        self.assertEqual((failure.code, list(failure.violations)), ("INVALID_ARGUMENT", ["title"]))

    def test_bounds_are_inclusive(self):
        for title, content in (("abc", "x" * 10), ("ж" * 200, "🦊" * 10), ("x" * 200, "x" * MIB),
                               ("xyz", "ж" * (MIB // 2))):
            blog = self.new_blog(title, content)
            self.assertEqual((blog.title, blog.content), (title, content))
            self.assertEqual(self.get(blog.id), blog)

    def test_contents_that_are_hard_to_index(self):
        """PostgreSQL refuses rows whose tsvector is too large; whoever writes them must not see it."""
        words = " ".join(f"{n:x}" for n in range(200000))
        hyphens = "-".join(f"{n:x}" for n in range(200000))
        wide = " ".join(chr(0x20000 + n % 40000) + chr(0x20000 + n // 7) for n in range(100000))
        urls = " ".join(f"a{n:x}.example.com/b{n:x}/c" for n in range(60000))
        one_word = "x" * MIB
        for content in (words, hyphens, wide, urls, one_word, "a-" * (MIB // 2), "<" * MIB,
                        "a/" * (MIB // 2), "a@" * (MIB // 2), "1." * (MIB // 2), "&#" * (MIB // 2),
                        "a_" * (MIB // 2), "~/" * (MIB // 2), "<!--" * (MIB // 4), "1_" * (MIB // 2),
                        " \t\n" * 1000, "'" * 1000, "\x01\x7f\u2028" * 100):
            content = content.encode()[:MIB].decode(errors="ignore")
            with self.subTest(content[:20]):
                begun = time.monotonic()
                blog = self.new_blog(content=content)
                self.assertLess(time.monotonic() - begun, 4)
                self.assertEqual(self.get(blog.id).content, content)

    def test_only_users(self):
        service = service_token()
        for token, code in ((None, "UNAUTHENTICATED"), (service, "PERMISSION_DENIED")):
            with self.subTest(token=token), self.assertRaises(Exception) as caught:
                self.mesh.client.call("CreateBlog", token=token, title="A title",
                                      content="x" * 10)
            self.assertEqual(caught.exception.code, code)


class GetTest(BlogTest):
    def test_ids_in_any_case(self):
        blog = self.new_blog()
        self.assertEqual(self.get(blog.id.upper()), blog)
        self.mesh.redis.command("FLUSHALL")
        self.assertEqual(self.get(blog.id.upper()), blog)
        self.assertEqual(self.mesh.redis.command("EXISTS", f"blog:{blog.id}"), b":1\r\n")

    def test_from_the_cache(self):
        """Who reads it first puts it there."""
        blog = self.new_blog()
        self.assertEqual(self.mesh.redis.command("EXISTS", f"blog:{blog.id}"), b":0\r\n")
        self.assertEqual(self.get(blog.id), blog)
        self.assertEqual(self.mesh.redis.command("EXISTS", f"blog:{blog.id}"), b":1\r\n")
        self.mesh.postgres.psql(f"UPDATE blogs SET title = 'behind' WHERE id = '{blog.id}'")
        self.assertEqual(self.get(blog.id).title, blog.title)

    def test_rubbish_in_the_cache(self):
        blog, other = self.new_blog(), self.new_blog()
        self.assertEqual(self.get(other.id), other)
        theirs = self.mesh.redis.command("GET", f"blog:{other.id}")
        self.mesh.redis.command("SET", f"blog:{blog.id}", "rubbish")
        self.assertEqual(self.get(blog.id), blog)
        self.assertIn(other.id.encode(), theirs)

    def test_unknown_and_malformed(self):
        failure = self.fail_call("GetBlog", "", id=new_id())
        self.assertEqual(failure.code, "NOT_FOUND")
        for bad in ("", "1", "x" * 36, new_id()[:-1], "{" + new_id() + "}", new_id() + "0",
                    new_id().replace("-", "")):
            failure = self.fail_call("GetBlog", "", id=bad)
            self.assertEqual((failure.code, list(failure.violations)), ("INVALID_ARGUMENT", ["id"]))


class UpdateTest(BlogTest):
    def update(self, blog, author=None, **fields):
        fields = {name: {"value": value} if name in ("title", "content") else value
                  for name, value in fields.items()}
        return self.call("UpdateBlog", author, id=blog.id, **fields)

    def fail_update(self, blog, author=None, **fields):
        fields = {name: {"value": value} if name in ("title", "content") else value
                  for name, value in fields.items()}
        return self.fail_call("UpdateBlog", author, id=blog.id, **fields)

    def test_absent_fields_stay(self):
        first = self.new_blog("First title", "First content")
        second = self.update(first, title="Second title")
        self.assertEqual((second.title, second.content), ("Second title", "First content"))
        third = self.update(first, content="Third content")
        self.assertEqual((third.title, third.content), ("Second title", "Third content"))
        fourth = self.update(first, title="Fourth title", content="Fourth content")
        self.assertEqual((fourth.title, fourth.content), ("Fourth title", "Fourth content"))
        self.assertEqual(len({blog.etag for blog in (first, second, third, fourth)}), 4)
        times = [blog.updated_at.ToNanoseconds() for blog in (first, second, third, fourth)]
        self.assertEqual(times, sorted(set(times)))
        self.assertEqual(fourth.created_at, first.created_at)
        self.assertEqual(self.get(first.id), fourth)
        self.assertEqual(self.mesh.event_types(first.id), ["blog-published"] + ["blog-updated"] * 3)
        self.assertEqual([event[1]["title"] for event in self.mesh.events(first.id)],
                         ["First title", "Second title", "Second title", "Fourth title"])

    def test_nothing_given_changes_nothing(self):
        blog = self.new_blog()
        for _ in range(2):
            self.assertEqual(self.update(blog), blog)
        self.assertEqual(self.get(blog.id), blog)
        self.assertEqual(self.mesh.event_types(blog.id), ["blog-published"])
        self.assertEqual(self.mesh.postgres.psql(
            f"SELECT version FROM blogs WHERE id = '{blog.id}'"), "1")

    def test_only_its_author(self):
        blog = self.new_blog()
        other = new_id()
        for fields in ({"title": "Mine now"}, {}, {"title": "Mine now", "if_match": blog.etag}):
            failure = self.fail_update(blog, other, **fields)
            self.assertEqual((failure.code, failure.reason),
                             ("PERMISSION_DENIED", "NOT_THE_AUTHOR"))
        self.assertEqual(self.fail_update(blog, "", title="Mine now").code, "UNAUTHENTICATED")
        failure = self.fail_update(blog, author_id=other, title="Theirs")
        self.assertEqual(failure.code, "PERMISSION_DENIED")
        self.assertEqual(self.get(blog.id), blog)
        self.assertEqual(self.mesh.event_types(blog.id), ["blog-published"])
        self.assertEqual(self.update(blog, author_id=self.author.upper(), title="Mine").title,
                         "Mine")

    def test_rules_name_their_field(self):
        blog = self.new_blog()
        for field, value in (("title", "ab"), ("title", ""), ("title", "x" * 201),
                             ("content", "x" * 9), ("content", "x" * (MIB + 1)),
                             ("if_match", "x" * 1025), ("if_none_match", "x" * 1025)):
            failure = self.fail_update(blog, **{field: value})
            self.assertEqual((failure.code, list(failure.violations)), ("INVALID_ARGUMENT", [field]))
        self.assertEqual(list(self.fail_call("UpdateBlog", id="7").violations), ["id"])
        self.assertEqual(self.get(blog.id), blog)

    def test_unknown(self):
        for fields in ({}, {"title": {"value": "A title"}}, {"if_match": "*"}):
            self.assertEqual(self.fail_call("UpdateBlog", id=new_id(), **fields).code, "NOT_FOUND")

    def test_if_match(self):
        blog = self.new_blog()
        for wrong in ('"0"', '"2"', '"01"', '"1 "', f"W/{blog.etag}", "1", '""', '"x", "y"',
                      '"9999999999999999999999"', '"1\'"', "nonsense"):
            for fields in ({"title": "Another"}, {}):
                with self.subTest(wrong, fields=fields):
                    failure = self.fail_update(blog, if_match=wrong, **fields)
                    self.assertEqual((failure.code, failure.reason),
                                     ("FAILED_PRECONDITION", "ETAG_MISMATCH"))
        self.assertEqual(self.get(blog.id), blog)
        for right in (blog.etag, f'"x", {blog.etag}', "*"):
            blog = self.update(blog, if_match=right if right == "*" else
                               right.replace('"1"', blog.etag), title="Another")
        self.assertEqual(blog.etag, '"4"')
        self.assertEqual(self.update(blog, if_match=blog.etag), blog)
        self.assertEqual(self.mesh.event_types(blog.id), ["blog-published"] + ["blog-updated"] * 3)

    def test_if_none_match(self):
        blog = self.new_blog()
        for wrong in (blog.etag, f"W/{blog.etag}", f'"x", {blog.etag}', "*", "1", "nonsense",
                      '"x", 1', '"x'):
            for fields in ({"title": "Another"}, {}):
                with self.subTest(wrong, fields=fields):
                    failure = self.fail_update(blog, if_none_match=wrong, **fields)
                    self.assertEqual((failure.code, failure.reason),
                                     ("FAILED_PRECONDITION", "ETAG_MATCH"))
        self.assertEqual(self.get(blog.id), blog)
        # If-Match is looked at first, and both must hold.
        for tags, reason in ((('"x"', "*"), "ETAG_MISMATCH"), ((blog.etag, blog.etag), "ETAG_MATCH")):
            failure = self.fail_update(blog, if_match=tags[0], if_none_match=tags[1], title="Another")
            self.assertEqual(failure.reason, reason)
        for right in ('"0"', '"x", W/"y"', '"01"', ", "):
            blog = self.update(blog, if_none_match=right, if_match=blog.etag, title="Another")
        self.assertEqual(blog.etag, '"5"')
        self.assertEqual(self.update(blog, if_none_match='"1"'), blog)
        self.assertEqual(self.fail_call("UpdateBlog", id=new_id(), if_none_match="*").code,
                         "NOT_FOUND")
        self.assertEqual(self.fail_call("UpdateBlog", new_id(), id=blog.id, if_none_match="*").code,
                         "PERMISSION_DENIED")


class DeleteTest(BlogTest):
    def test_delete(self):
        blog = self.new_blog("The last title")
        self.call("DeleteBlog", id=blog.id.upper())
        self.assertEqual(self.fail_call("GetBlog", "", id=blog.id).code, "NOT_FOUND")
        self.assertEqual(self.fail_call("DeleteBlog", id=blog.id).code, "NOT_FOUND")
        self.assertEqual(self.fail_call("UpdateBlog", id=blog.id).code, "NOT_FOUND")
        self.assertEqual(self.mesh.event_types(blog.id), ["blog-published", "blog-deleted"])
        self.assertEqual(self.mesh.events(blog.id)[1][1],
                         {"type": "blog-deleted", "blogId": blog.id, "title": "The last title",
                          "authorId": self.author})

    def test_only_its_author(self):
        blog = self.new_blog()
        self.assertEqual(self.fail_call("DeleteBlog", new_id(), id=blog.id).code,
                         "PERMISSION_DENIED")
        self.assertEqual(self.fail_call("DeleteBlog", "", id=blog.id).code, "UNAUTHENTICATED")
        self.assertEqual(self.get(blog.id), blog)

    def test_if_match(self):
        blog = self.new_blog()
        failure = self.fail_call("DeleteBlog", id=blog.id, if_match='"2"')
        self.assertEqual((failure.code, failure.reason), ("FAILED_PRECONDITION", "ETAG_MISMATCH"))
        for wrong in (blog.etag, "*"):
            failure = self.fail_call("DeleteBlog", id=blog.id, if_none_match=wrong)
            self.assertEqual((failure.code, failure.reason), ("FAILED_PRECONDITION", "ETAG_MATCH"))
        self.call("DeleteBlog", id=blog.id, if_match=blog.etag, if_none_match='"2"')
        self.assertEqual(self.fail_call("GetBlog", "", id=blog.id).code, "NOT_FOUND")
        blog = self.new_blog()
        self.call("DeleteBlog", id=blog.id, if_match=blog.etag)
        self.assertEqual(self.mesh.event_types(blog.id), ["blog-published", "blog-deleted"])

    def test_malformed_id(self):
        self.assertEqual(list(self.fail_call("DeleteBlog", id="x").violations), ["id"])


if __name__ == "__main__":
    unittest.main()

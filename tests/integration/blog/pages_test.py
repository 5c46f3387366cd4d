#!/usr/bin/python3
"""ListBlogs on real servers: pages, filters, the search, and tokens that somebody has been at."""

import base64
import random
import time
import unittest

from fixture import BlogTest, new_id


class ListTest(BlogTest):
    def page(self, **fields):
        return self.call("ListBlogs", "", **fields)

    def all_pages(self, **fields):
        """The blogs of all pages, and how many each page had."""
        blogs, sizes, token = [], [], ""
        while True:
            page = self.page(page_token=token, **fields)
            blogs += page.blogs
            sizes.append(len(page.blogs))
            token = page.next_page_token
            if not token:
                return blogs, sizes

    def fail_list(self, *fields, **request):
        failure = self.fail_call("ListBlogs", "", **request)
        self.assertEqual((failure.code, list(failure.violations)),
                         ("INVALID_ARGUMENT", list(fields)))
        return failure


class PagesTest(ListTest):
    def test_newest_first(self):
        blogs = [self.new_blog(f"Blog {n}") for n in range(7)]
        page = self.page(author_id=self.author)
        self.assertEqual(list(page.blogs), blogs[::-1])
        self.assertEqual(page.next_page_token, "")

    def test_every_size_gives_each_blog_once(self):
        ids = [self.new_blog().id for _ in range(6)][::-1]
        for size, sizes in ((1, [1] * 6), (4, [4, 2]), (5, [5, 1]), (6, [6]), (7, [6]), (100, [6])):
            found, counts = self.all_pages(author_id=self.author, page_size=size)
            self.assertEqual([blog.id for blog in found], ids)
            self.assertEqual(counts, sizes)

    def test_without_filter(self):
        mine = {self.new_blog().id for _ in range(3)}
        self.author = new_id()
        mine.add(self.new_blog().id)
        found, _ = self.all_pages(page_size=3)
        ids = [blog.id for blog in found]
        self.assertEqual(len(ids), len(set(ids)))
        self.assertLessEqual(mine, set(ids))
        times = [(blog.created_at.ToNanoseconds(), blog.id) for blog in found]
        self.assertEqual(times, sorted(times, reverse=True))

    def test_same_time(self):
        ids = sorted((self.new_blog().id for _ in range(5)), reverse=True)
        self.mesh.postgres.psql("UPDATE blogs SET created_at = '2020-01-01 00:00:00.123456Z'"
                                f" WHERE author_id = '{self.author}'")
        found, counts = self.all_pages(author_id=self.author, page_size=2)
        self.assertEqual(([blog.id for blog in found], counts), (ids, [2, 2, 1]))

    def test_default_and_bounds_of_the_size(self):
        for _ in range(22):
            self.new_blog()
        self.assertEqual(len(self.page(author_id=self.author).blogs), 20)
        self.assertEqual(len(self.page(author_id=self.author, page_size=100).blogs), 22)
        for size in (-1, 101, 2**31 - 1, -2**31):
            self.fail_list("page_size", page_size=size)

    def test_author_in_any_case(self):
        blog = self.new_blog()
        self.assertEqual(list(self.page(author_id=self.author.upper()).blogs), [blog])
        self.assertEqual(list(self.page(author_id=new_id()).blogs), [])
        self.fail_list("author_id", author_id="me")

    def test_new_blogs_do_not_shift_pages(self):
        ids = [self.new_blog().id for _ in range(4)][::-1]
        first = self.page(author_id=self.author, page_size=2)
        for _ in range(3):
            self.new_blog()
        self.call("DeleteBlog", id=ids[1])  # the one that the next page begins behind
        second = self.page(author_id=self.author, page_size=2, page_token=first.next_page_token)
        self.assertEqual([blog.id for blog in second.blogs], ids[2:])
        self.assertEqual(second.next_page_token, "")

    def test_long_blogs_make_short_pages(self):
        mib = 1 << 20
        ids = [self.new_blog(content=chr(97 + n) * mib).id for n in range(11)][::-1]
        found, counts = self.all_pages(author_id=self.author, page_size=100)
        self.assertEqual([blog.id for blog in found], ids)
        self.assertGreater(len(counts), 2)
        self.assertLess(max(counts), 7)
        found, _ = self.all_pages(author_id=self.author, page_size=5)
        self.assertEqual([blog.id for blog in found], ids)

    def test_uses_the_indexes(self):
        """Whatever page: no sort, and no more rows than the page has."""
        for filters, index in (("", "blogs_newest"),
                               (f"author_id = '{self.author}' AND ", "blogs_newest_of_author")):
            plan = self.mesh.postgres.psql(
                "SET enable_seqscan = off; SET enable_sort = off; SET enable_bitmapscan = off;"
                f" EXPLAIN SELECT id FROM blogs WHERE {filters}(created_at, id) <"
                f" (now(), '{self.author}') ORDER BY created_at DESC, id DESC LIMIT 3")
            self.assertIn(f"using {index} ", plan)
            self.assertIn("Index Cond", plan)
            self.assertNotIn("Sort", plan)


class TokenTest(ListTest):
    def setUp(self):
        super().setUp()
        for n in range(3):
            self.new_blog(f"Token {n}", "Letters of a token")
        self.token = self.page(author_id=self.author, page_size=1).next_page_token

    def test_tampered(self):
        data = base64.urlsafe_b64decode(self.token + "=" * (-len(self.token) % 4))
        other_id = data[:-1] + (b"0" if data[-1:] != b"0" else b"1")
        made_up = b"\0" * 16 + b"infinity|ffffffff-ffff-ffff-ffff-ffffffffffff"
        tokens = [base64.urlsafe_b64encode(forged).rstrip(b"=").decode()
                  for forged in (other_id, made_up, data + b"x", data[:-1], data[:16], data[:15],
                                 bytes([data[0] ^ 1]) + data[1:])]
        tokens += [self.token + "=", self.token + "A", self.token[:-1], self.token[1:],
                   self.token.swapcase(), "x", "%", "null", "é" * 20, "'; DROP TABLE blogs; --",
                   "A" * 512, "A" * 513]
        for token in tokens:
            with self.subTest(token):
                self.fail_list("page_token", author_id=self.author, page_size=1, page_token=token)

    def test_any_one_character_changed(self):
        chosen = random.Random(1)
        for place in range(len(self.token)):
            other = chosen.choice([c for c in "ABCDabcd0123-_" if c != self.token[place]])
            token = self.token[:place] + other + self.token[place + 1:]
            self.fail_list("page_token", author_id=self.author, page_token=token)

    def test_with_other_filters(self):
        for filters in ({}, {"author_id": new_id()}, {"author_id": self.author, "q": "token"},
                        {"q": "token"}, {"q": self.author}):
            self.fail_list("page_token", page_token=self.token, **filters)
        searching = self.page(q="token", author_id=self.author, page_size=1).next_page_token
        for filters in ({}, {"author_id": self.author}, {"q": "token"},
                        {"q": "tokens", "author_id": self.author}):
            self.fail_list("page_token", page_token=searching, **filters)

    def test_with_another_size_and_case_of_the_author(self):
        page = self.page(author_id=self.author.upper(), page_token=self.token, page_size=50)
        self.assertEqual(len(page.blogs), 2)

    def test_says_the_same_to_every_replica(self):
        replica = self.replica()
        replica.start()
        page = replica.client.call("ListBlogs", author_id=self.author, page_token=self.token)
        self.assertEqual(len(page.blogs), 2)


class SearchTest(ListTest):
    def titles(self, q, **fields):
        page = self.page(q=q, author_id=self.author, **fields)
        return [blog.title for blog in page.blogs]

    def test_words(self):
        self.new_blog("Foxes and hens", "A fox runs after two brown hens.")
        self.new_blog("Dogs alone", "The quick brown dog is running home.")
        self.new_blog("Nothing here", "An entirely different text")
        self.assertEqual(set(self.titles("brown")), {"Foxes and hens", "Dogs alone"})
        self.assertEqual(set(self.titles("RUN")), {"Foxes and hens", "Dogs alone"})
        self.assertEqual(self.titles("brown hen"), ["Foxes and hens"])
        self.assertEqual(self.titles('"brown dog"'), ["Dogs alone"])
        self.assertEqual(self.titles('"dog brown"'), [])
        self.assertEqual(self.titles("brown -fox"), ["Dogs alone"])
        self.assertEqual(set(self.titles("hen or entirely")), {"Foxes and hens", "Nothing here"})
        self.assertEqual(self.titles("zebra"), [])

    def test_best_first(self):
        self.new_blog("Only once", "Here is a kettle, and then other words follow")
        self.new_blog("Kettle", "All about something else, in other words")
        self.new_blog("More often", "kettle kettle kettle kettle kettle kettle")
        self.assertEqual(self.titles("kettle"), ["Kettle", "More often", "Only once"])

    def test_pages(self):
        for n in range(9):
            self.new_blog(f"Lamp {n}", "lamp " * (n % 3 + 1) + "and filling")
        whole = self.titles("lamp", page_size=100)
        self.assertEqual(len(whole), 9)
        for size in (1, 2, 4, 9):
            found, _ = self.all_pages(q="lamp", author_id=self.author, page_size=size)
            self.assertEqual([blog.title for blog in found], whole)

    def test_follows_changes(self):
        blog = self.new_blog("Before", "Some marmalade here")
        self.assertEqual(self.titles("marmalade"), ["Before"])
        self.call("UpdateBlog", id=blog.id, content={"value": "Some honey instead"})
        self.assertEqual((self.titles("marmalade"), self.titles("honey")), ([], ["Before"]))
        self.call("DeleteBlog", id=blog.id)
        self.assertEqual(self.titles("honey"), [])

    def test_without_author(self):
        word = "w" + new_id().replace("-", "")
        blogs = {self.new_blog(content=f"There is {word} here").id}
        self.author = new_id()
        blogs.add(self.new_blog(content=f"There is {word} too").id)
        self.assertEqual({blog.id for blog in self.page(q=word).blogs}, blogs)
        self.assertEqual({blog.id for blog in self.page(q=f" {word.upper()} ").blogs}, blogs)

    def test_long_words(self):
        """They are cut for the parser's sake, in blogs and in searches alike."""
        word = "".join(f"{n:x}" for n in range(100))
        self.new_blog("A long word", f"Here: {word} is it")
        self.assertEqual(self.titles(word), ["A long word"])
        self.assertEqual(self.titles(word + "0"), [])
        self.assertEqual(self.titles(word[80:]), ["A long word"])

    def test_the_beginning_of_long_contents(self):
        self.new_blog("Long", "early " + "x " * 40000 + "late")
        self.assertEqual((self.titles("early"), self.titles("late")), (["Long"], []))

    def test_hostile_input(self):
        self.new_blog("Harmless", "quotes and operators and emoji 🦊 in a text")
        hostile = ["'", "''", '"', '"""', "\\", "\\'", "' OR 1=1 --", "'); DROP TABLE blogs; --",
                   "&", "|", "!", "<->", "a & b | !c", "(", ")", "((((", "a:*", ":*", "a:AB", "*",
                   "-", "--", "- -", "-a -b", "or", "or or", "a or", "or a", '-"a b"', '"a', 'a"',
                   "🦊", "🦊 or 🐔", "\u0301", "\u202e", "\ufeff", "\U0010ffff", "é" * 500,
                   "%", "_", "$1", "${x}", "%s%n", "\x01\x1f\x7f", " ", "\t\n\r", "the", "and the",
                   "a " * 500, "a or " * 200, "- " * 500, '"' * 1000, "-" * 1000, "a-" * 500,
                   '"a" ' * 250, "<" * 1000, "a/" * 500, "x" * 1000, "ж" * 1000, "🦊" * 1000]
        for q in hostile:
            with self.subTest(q[:40]):
                begun = time.monotonic()
                self.page(q=q)
                self.page(q=q, author_id=self.author)
                self.assertLess(time.monotonic() - begun, 2)
        self.assertEqual(self.titles("quotes"), ["Harmless"])

    def test_random_input(self):
        chosen = random.Random(7)
        letters = "ab'\"\\&|!():*<>- \t,.;%_🦊é\x01or"
        for _ in range(300):
            self.page(q="".join(chosen.choices(letters, k=chosen.randrange(1, 60))))

    def test_refused(self):
        self.fail_list("q", q="x" * 1001)
        self.fail_list("q", q="x" * 10000)
        self.fail_list("q", q="a\0b")


if __name__ == "__main__":
    unittest.main()

"""What clients asked for, and what they know of it: the truth that the databases are held against.

A write was acknowledged, or nobody knows (the connection broke, the time was over, a 5xx): then it
may have happened, and may still. One that was refused did not happen and is not kept.

A blog's versions count its changes. So each acknowledgement also tells how many of the writes that
nobody knows of happened before it.
"""

import collections
import contextlib
import itertools
import queue
import threading


class Blog:
    """One blog, written by one author, one write after another; others may read meanwhile."""

    def __init__(self, author, number):
        self.author = author
        self.tag = f"{author}-{number}"
        self.id = None
        self.asked = 0  # writes, all of them; gives each a title of its own
        self.version = 0  # the latest that was acknowledged
        self.title = self.content = None  # at that version
        self.acknowledged = {}  # version: title
        self.unknown = {}  # title: content, or None where the write leaves it
        self.happened = 0  # of the unknown ones, as the versions tell
        self.past = 0  # so many of the first unknown ones happened before the acknowledged version
        self.deletion = None  # "asked" or "acknowledged"

    def next_write(self, with_content=True):
        """A title that no other write has, and a content that belongs to it."""
        self.asked += 1
        title = f"{self.tag} w{self.asked}"
        content = f"{title} says:" + " they weave" * (1 + self.asked % 12)
        return title, content if with_content else None

    @property
    def certain(self):
        """Whether the state is known."""
        return not self.deletion and len(self.unknown) == self.happened

    def lost(self, title, content):
        """Nobody knows what became of this write."""
        self.unknown[title] = content

    def made(self, version, title, content):
        """An acknowledged write: what the answer says. Returns what is wrong with it, or None."""
        before, happened = self.version, version - len(self.acknowledged) - 1
        self.acknowledged[version] = title
        self.version, self.title, self.content = version, title, content
        if version <= before:
            return f"{self.tag}: version {version} was acknowledged after version {before}"
        if not self.happened <= happened <= len(self.unknown):
            return (f"{self.tag}: version {version} means that {happened} writes happened that "
                    f"nobody knew of, of {len(self.unknown)}, {self.happened} at least")
        self.happened = happened
        if happened == len(self.unknown):
            self.past = happened
        return None

    def states(self, version):
        """The (title, content) that the row may have at this version; none if it cannot be."""
        happened = version - len(self.acknowledged)
        if not self.happened <= happened <= len(self.unknown):
            return
        if version == self.version:
            yield self.title, self.content
            return
        for title, content in self._open():
            for each in {content} if content else self.contents():
                yield title, each

    def wrong(self, rows, author):
        """What is wrong with these rows of it (tables.Row; in the database, or in a list), or with
        their absence; `author` is its author's id. None when they can be so."""
        if len(rows) > 1:
            return f"{self.tag}: {len(rows)} blogs of one request"
        if not rows:
            return f"{self.tag}: lost, acknowledged up to version {self.version}" \
                if self.acknowledged and not self.deletion else None
        if self.deletion == "acknowledged":
            return f"{self.tag}: there, and its deletion was acknowledged"
        if self.id and rows[0].id != self.id:
            return f"{self.tag}: has another id than was said"
        if rows[0].author != author:
            return f"{self.tag}: is {rows[0].author}'s"
        versions = range(self.version, len(self.acknowledged) + len(self.unknown) + 1) \
            if rows[0].version is None else (rows[0].version,)
        if not any((rows[0].title, rows[0].content) in self.states(each) for each in versions):
            return (f"{self.tag}: version {rows[0].version} is {rows[0].title!r}; version "
                    f"{self.version}, {self.title!r}, was acknowledged")
        return None

    def contents(self):
        """What a write that leaves the content may leave."""
        return {self.content} | {text for _, text in self._open() if text}

    def _open(self):
        """Titles and contents of the unknown writes that may have come after the acknowledged
        version, or may still."""
        return itertools.islice(self.unknown.items(), self.past, None)


class User:
    """An account, whose name is also its address's."""

    def __init__(self, name):
        self.name = name
        self.id = None  # as long as nobody knows that it exists
        self.email = f"{name}@example.com"
        self.session = None  # the refresh token of the latest acknowledged sign-in or refresh
        self.doubt = None  # when its refresh was begun, if that was not answered: it may be used
        self.marked = set()  # ids of notifications, acknowledged as read

    def wrong(self, rows):
        """What is wrong with these rows of it, (id, version, email), or with their absence."""
        there = [(id_, email) for id_, _, email in rows]
        if there == [(self.id, self.email)]:
            return None
        if not self.id and [email for _, email in there] in ([], [self.email]):
            return None  # nobody knows whether there is one
        return f"{self.name}: {there} is there, of {self.id}, {self.email}"


class Ledger:
    """All of it. Thread-safe."""

    def __init__(self):
        self._lock = threading.Lock()
        self.users = {}  # name: User
        self.blogs = {}  # tag: Blog
        self.surprises = []
        self.reads = []  # of each read of a blog or a list: None, or what was wrong with it
        self.counts = collections.Counter()
        self.sessions = collections.Counter()  # refreshes, by outcome
        self.calm = False  # whether nothing is broken any more, and all works again
        self.late = []  # of each request that was begun since then: None, or what it came to
        self._written = queue.Queue(maxsize=8)

    def user(self, name):
        with self._lock:
            return self.users.setdefault(name, User(name))

    def blog(self, author, number):
        with self._lock:
            blog = Blog(author, number)
            self.blogs[blog.tag] = blog
            return blog

    def writing(self, blog):
        """It is about to be changed: now is the time for two to read it."""
        with contextlib.suppress(queue.Full):
            self._written.put_nowait(blog)
            self._written.put_nowait(blog)

    def written(self):
        """A blog that is being changed, or None when there is none for a while."""
        with contextlib.suppress(queue.Empty):
            return self._written.get(timeout=0.2)

    def count(self, answer, what="", calm=False):
        """What was asked for, and whether it was `calm` then."""
        known = answer.done or answer.refused
        with self._lock:
            self.counts["acknowledged" if answer.done else
                        "refused" if answer.refused else "unknown"] += 1
            if calm:
                self.late.append(None if known else f"{what}: {answer}")

    def session(self, outcome):
        """What became of a refresh."""
        with self._lock:
            self.sessions[outcome] += 1

    def surprise(self, text):
        """Something was answered that cannot be; None is nothing."""
        if text:
            with self._lock:
                self.surprises.append(text)

    def read(self, wrong):
        """A blog or a list was; `wrong` says what it should not have shown, or is None."""
        with self._lock:
            self.reads.append(wrong)

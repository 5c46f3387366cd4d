"""What clients asked for, and what they know of it: the truth that the databases are held against.

A write was acknowledged, or nobody knows (the connection broke, the time was over, a 5xx): then it
may have happened, and may still. One that was refused did not happen and is not kept.

A blog's versions count its changes. So each acknowledgement also tells how many of the writes that
nobody knows of happened before it.
"""

import collections
import contextlib
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
        return None

    def states(self, version):
        """The (title, content) that the row may have at this version; none if it cannot be."""
        happened = version - len(self.acknowledged)
        if not self.happened <= happened <= len(self.unknown):
            return
        if version == self.version:
            yield self.title, self.content
            return
        for title, content in self.unknown.items():
            for each in {content} if content else self.contents():
                yield title, each

    def contents(self):
        """What a write that leaves the content may leave."""
        return {self.content} | {text for text in self.unknown.values() if text}


class User:
    """An account, whose name is also its address's."""

    def __init__(self, name):
        self.name = name
        self.id = None  # as long as nobody knows that it exists
        self.email = f"{name}@example.com"


class Ledger:
    """All of it. Thread-safe."""

    def __init__(self):
        self._lock = threading.Lock()
        self.users = {}  # name: User
        self.blogs = {}  # tag: Blog
        self.surprises = []
        self.past = []  # what was read of it
        self.counts = collections.Counter()
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

    def count(self, answer):
        with self._lock:
            self.counts["acknowledged" if answer.done else
                        "refused" if answer.refused else "unknown"] += 1

    def surprise(self, text):
        """Something was answered that cannot be; None is nothing."""
        if text:
            with self._lock:
                self.surprises.append(text)

    def saw_past(self, text):
        with self._lock:
            self.past.append(text)

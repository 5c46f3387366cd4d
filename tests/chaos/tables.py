"""What is there in the end: rows of the databases, and entries of Redis."""

import re
import socket
from dataclasses import dataclass, field

_TOLD = re.compile(r"Your blog ((\S+) w\d+) has been (created|updated)\.")
_WELCOME = re.compile(r"Welcome, (\S+)! Your account has been created\.")
_HEAD = 20  # lib/cache/entry.h: 19 digits of version, 1 for a value


@dataclass
class Row:
    """Of a blog."""

    id: str
    version: int  # None in a list, which does not tell
    title: str
    content: str
    author: str  # whose id

    @property
    def tag(self):
        return self.title.partition(" ")[0]


@dataclass
class Tables:
    blogs: dict = field(default_factory=dict)  # tag: [Row]
    users: dict = field(default_factory=dict)  # name: [(id, version, email)]
    told: dict = field(default_factory=dict)  # user's id: [(id, message)], in the order of seq
    marked: set = field(default_factory=set)  # ids of notifications that are marked as read
    mailboxes: dict = field(default_factory=dict)  # user's id: version
    outboxes: dict = field(default_factory=dict)  # service: rows

    def titles(self):
        """Of what was told of blogs, by who was told and the blog's tag, and in order:
        {(user's id, tag): [(title, verb)]}."""
        found = {}
        for user, messages in self.told.items():
            for _, message in messages:
                match = _TOLD.fullmatch(message)
                if match:
                    found.setdefault((user, match[2]), []).append((match[1], match[3]))
        return found

    def welcomes(self):
        """[(user's id, the name that was welcomed)]."""
        return [(user, match[1]) for user, messages in self.told.items()
                for match in (_WELCOME.fullmatch(message) for _, message in messages) if match]

    def others(self):
        """Messages that are neither."""
        return [message for messages in self.told.values() for _, message in messages
                if not _TOLD.fullmatch(message) and not _WELCOME.fullmatch(message)]


def by_tag(rows):
    """{tag: [Row]}."""
    found = {}
    for row in rows:
        found.setdefault(row.tag, []).append(row)
    return found


def _rows(database, sql):
    return [line.split("|") for line in database.psql(sql).splitlines()]


def read(stack):
    databases, tables = stack.databases, Tables()
    tables.blogs = by_tag(Row(id_, int(version), *texts) for id_, version, *texts in _rows(
        databases["blog"], "SELECT id, version, title, content, author_id FROM blogs"))
    for id_, name, version, email in _rows(databases["user"],
                                           "SELECT id, username, version, email FROM users"):
        tables.users.setdefault(name, []).append((id_, int(version), email))
    for user, id_, message in _rows(databases["notification"], "SELECT user_id, id, message FROM "
                                    "notifications ORDER BY user_id, seq"):
        tables.told.setdefault(user, []).append((id_, message))
    tables.marked = {row[0] for row in _rows(databases["notification"], "SELECT id FROM "
                                             "notifications WHERE read_at IS NOT NULL")}
    tables.mailboxes = {user: int(version) for user, version in
                        _rows(databases["notification"], "SELECT user_id, version FROM mailboxes")}
    for name in ("user", "blog"):
        tables.outboxes[name] = int(databases[name].psql("SELECT count(*) FROM outbox"))
    return tables


def _reply(stream):
    """One reply of RESP: an integer, bytes, None, or a list."""
    line = stream.readline()
    kind, text = line[:1], line[1:-2]
    if kind == b"$":
        return stream.read(int(text) + 2)[:-2] if int(text) >= 0 else None
    if kind == b"*":
        return [_reply(stream) for _ in range(int(text))]
    if kind == b":":
        return int(text)
    return text


def cached(redis):
    """{key: (version, value)} of all values that lib/cache left in Redis; not its marks."""
    with socket.create_connection(("127.0.0.1", redis.port), timeout=10) as connection:
        stream = connection.makefile("rwb")
        stream.write(b"KEYS *\r\n")
        stream.flush()
        keys = [key for key in _reply(stream) if key.startswith((b"blog:", b"user:",
                                                                b"notifications:user:"))]
        stream.write(b"".join(b"GET %s\r\n" % key for key in keys))
        stream.flush()
        entries = [(key.decode(), _reply(stream)) for key in keys]
    return {key: (int(entry[:_HEAD - 1]), entry[_HEAD:]) for key, entry in entries
            if entry and entry[_HEAD - 1:_HEAD] == b"1"}

"""What must be true when everything is mended, whatever happened before: one function each, whose
name is printed with its result. For each thing that it looks at, each yields what is wrong with it
as a text, or None. One that found nothing to look at does not hold."""

import collections
import itertools

from needs import MORE, WHAT
from tables import Row

_PAGE = 20  # notifications on a page, when nothing else is asked for; that page is cached
_FEW_TURNS = 3  # of a kind of fault, that must not all have been in vain


def every_acknowledged_write_is_there(world):
    """With the content that was acknowledged last; of what nobody knows either may be."""
    users = world.ledger.users
    for blog in world.ledger.blogs.values():
        yield blog.wrong(world.tables.blogs.get(blog.tag, []), users[blog.author].id)
    for user in users.values():
        yield user.wrong(world.tables.users.get(user.name, []))
        yield from (None if id_ in world.tables.marked else
                    f"{user.name}: {id_} is unread, and was marked as read" for id_ in user.marked)


def _profile(client, user, rows):
    """What is wrong with the profile of somebody who is signed in."""
    answer = client.ask("GET", "/api/v1/users/profile")
    said = [tuple(answer.body[name] for name in ("id", "username", "email"))] if answer.done else []
    if said != [(id_, user.name, email) for id_, _, email in rows or ()]:
        return f"{user.name}: {rows}; their profile: {answer}"
    return None


def _page(client, user, told, marked):
    """What is wrong with the first page of what they are told: the newest first."""
    answer = client.ask("GET", "/api/v1/notifications/user")
    said = [(one["id"], one["message"], one["read"]) for one in answer.body] \
        if answer.done else None
    if said != [(id_, message, id_ in marked) for id_, message in told[:-_PAGE - 1:-1]]:
        return f"{user.name}: told {told[-1:]} last; their notifications: {answer}"
    return None


def every_reader_is_told_the_same(world):
    """The API says what the database says, through all caches."""
    for rows in world.tables.blogs.values():
        answer = world.client.ask("GET", f"/api/v1/blogs/{rows[0].id}")
        said = answer.done and Row(answer.body["id"], answer.version, answer.body["title"],
                                   answer.body["content"], answer.body["authorId"])
        yield None if said == rows[0] else f"{rows[0].tag}: {rows[0]}; GET: {answer}"
    for tag, blog in world.ledger.blogs.items():
        if blog.deletion == "acknowledged":
            answer = world.client.ask("GET", f"/api/v1/blogs/{blog.id}")
            yield f"{tag}: was deleted; GET: {answer}" if answer.status != 404 else None
    for author in world.authors:
        yield _profile(author.client, author.user, world.tables.users.get(author.user.name))
        yield _page(author.client, author.user, world.tables.told.get(author.user.id, []),
                    world.tables.marked)


def every_sign_in_lasts(world):
    """The session of everybody's latest acknowledged sign-in goes on."""
    for user in world.ledger.users.values():
        if user.session and not user.doubt:
            answer = world.client.ask("POST", "/api/v1/auth/refresh",
                                      {"refreshToken": user.session})
            yield None if answer.done else f"{user.name}: refreshes their session: {answer}"


def nobody_read_the_past(world):
    """While it went on: no version older than one that had been acknowledged, nothing deleted,
    nothing of somebody else in a list, nothing unread that was marked as read."""
    yield from world.ledger.reads


def no_answer_was_impossible(world):
    """While it went on: nobody was refused what was theirs, and no change told what cannot be."""
    counts = world.ledger.counts
    yield from itertools.repeat(None, counts["acknowledged"] + counts["refused"])
    yield from world.ledger.surprises


def _told(blog, titles, rows):
    """What is wrong with what was told of one blog: its nth message is of its nth version."""
    for version, title in blog.acknowledged.items():
        wanted = (title, "created" if version == 1 else "updated")
        if titles[version - 1:version] == [wanted]:
            yield None
        else:
            count = titles.count(wanted)
            yield (f"{title}: told {count} times" if count != 1 else
                   f"{title}: version {version}, told as number {titles.index(wanted) + 1}")
    committed = rows[0].version if rows else len(titles)
    unknown = len(titles) - len(blog.acknowledged)
    if len(titles) != committed or not blog.happened <= unknown <= len(blog.unknown):
        yield (f"{blog.tag}: told {len(titles)} times; {len(blog.acknowledged)} writes were "
               f"acknowledged, version {rows[0].version if rows else '(deleted)'}")


def every_write_is_told_once_and_in_order(world):
    """One notification for each acknowledged registration, creation and update, and for each of
    the unknown ones that happened; a blog's in the order of its versions."""
    titles = world.tables.titles()
    for blog in world.ledger.blogs.values():
        told = titles.get((world.ledger.users[blog.author].id, blog.tag), [])
        yield from _told(blog, told, world.tables.blogs.get(blog.tag, []))
    welcomed = collections.Counter(world.tables.welcomes())
    for name, rows in world.tables.users.items():
        count = welcomed[(rows[0][0], name)]
        yield f"{name}: welcomed {count} times" if count != 1 else None


def nothing_is_told_that_did_not_happen(world):
    """No notification of a write that was refused or never asked for, nor to anybody else than
    its author."""
    blogs, users = world.ledger.blogs, world.ledger.users
    for (user, tag), titles in world.tables.titles().items():
        blog = blogs.get(tag)
        known = {*blog.acknowledged.values(), *blog.unknown} \
            if blog and users[blog.author].id == user else ()
        yield from (f"{title}: told to {user}, and never done by them" if title not in known
                    else None for title, _ in titles)
    for user, name in world.tables.welcomes():
        rows = world.tables.users.get(name, [])
        yield None if user in (row[0] for row in rows) else \
            f"{name}: {user} is welcomed, and has no such account"
    yield from (f"told: {message!r}" for message in world.tables.others())


def _current(tables):
    """{key: (version, texts)} of what Redis may have."""
    current = {f"blog:{row.id}": (row.version, [row.id, row.title, row.content, row.author])
               for rows in tables.blogs.values() for row in rows}
    for name, rows in tables.users.items():
        for id_, version, email in rows:
            page = tables.told.get(id_, [])[-_PAGE:]
            current[f"user:{id_}"] = version, [id_, name, email]
            current[f"notifications:user:{id_}"] = (
                tables.mailboxes.get(id_, 0), [text for one in page for text in one])
    return current


def no_cache_entry_is_older_than_its_row(world):
    """Nor newer, nor of another content; and there are some of each kind."""
    rows = _current(world.tables)
    missing = {"blog", "user", "notifications:user"}
    for key, (version, value) in world.cached.items():
        current, texts = rows.get(key, (None, ()))
        missing.discard(key.rpartition(":")[0])
        if version != current:
            yield f"{key}: version {version} in Redis, {current} in the database"
        else:
            absent = [text for text in texts if text.encode() not in value]
            yield f"{key}: {absent[0]!r} is not in Redis" if absent else None
    yield from (f"{kind}: none is in Redis to be looked at" for kind in sorted(missing))


def outboxes_are_empty(world):
    for name, count in world.tables.outboxes.items():
        yield f"{count} events wait in the outbox of {name}" if count else None


def there_are_no_dead_letters(world):
    for letters in world.letters.values():
        yield from letters or [None]


def every_stream_went_on_without_gap_or_repeat(world):
    for listener in world.listeners:
        told = [id_ for id_, _ in world.tables.told.get(listener.user.id, [])]
        if listener.heard == told:
            yield from itertools.repeat(None, len(told))
        else:
            at = next((n for n, (a, b) in enumerate(zip(listener.heard, told)) if a != b),
                      min(len(listener.heard), len(told)))
            yield (f"{listener.name}: heard {len(listener.heard)} of {len(told)} in "
                   f"{listener.sessions} sessions; number {at + 1} is the first that differs")


def no_program_leaks(world):
    """Memory, descriptors or threads: of each process that lived long enough to tell. Those that
    were to survive everything must have."""
    told = {life.name for life in world.lives if life.long}
    yield from (None if name in told else f"{name}: did not live long enough to tell"
                for name in world.survivors)
    for life in world.lives:
        if life.long:
            yield from (f"{life.name}: {more:+,} {what} late in its life" if more > limit else None
                        for more, limit, what in zip(life.growth(), MORE, WHAT))


def no_program_died_of_it(world):
    """Nor ended in another way than it should when it was told to."""
    yield from itertools.repeat(None, len(world.lives))
    yield from world.deaths


def it_works_and_keeps_working(world):
    """Once it came back for good: no 5xx, and no request without an answer."""
    yield from world.ledger.late


def every_kind_of_fault_bit(world):
    """Else nothing was shown: of the turns of each kind one at least had its effect. A single turn
    may meet nobody who does what it is about."""
    for kind, bites in world.bites.items():
        yield (f"{kind}: none of its {len(bites)} turns had an effect"
               if len(bites) >= _FEW_TURNS and not any(bites) else None)


def it_came_back_by_itself(world):
    """Within 15 s of the last fault."""
    yield from world.recoveries


ALL = (every_acknowledged_write_is_there, every_reader_is_told_the_same, every_sign_in_lasts,
       nobody_read_the_past, no_answer_was_impossible, every_write_is_told_once_and_in_order,
       nothing_is_told_that_did_not_happen, no_cache_entry_is_older_than_its_row,
       outboxes_are_empty, there_are_no_dead_letters, every_stream_went_on_without_gap_or_repeat,
       no_program_leaks, no_program_died_of_it, it_came_back_by_itself,
       it_works_and_keeps_working, every_kind_of_fault_bit)


def check(world, say):
    """Says what holds and what does not, and of how many things; the names of what does not."""
    broken = []
    for invariant in ALL:
        looked = list(invariant(world)) or ["there was nothing to look at"]
        wrong = [text for text in looked if text]
        name = invariant.__name__.replace("_", " ")
        say(f"{'BROKEN' if wrong else 'holds '}  {name}: " +
            (f"{len(wrong)} of {len(looked)}" if wrong else f"{len(looked)} looked at"))
        for text in wrong[:5]:
            say(f"            {text}")
        if wrong:
            broken.append(invariant.__name__)
    return broken

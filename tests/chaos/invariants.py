"""What must be true when everything is mended, whatever happened before: one function each, whose
name is printed with its result. Each yields what is wrong, as texts."""

import collections

# What a program may need more of at the end than when it was warm: descriptors, threads, memory.
MORE = {"descriptors": 32, "threads": 16, "memory": 96 << 20}


def _state(blog, rows):
    """What is wrong with the row of a blog, or with its absence."""
    if len(rows) > 1:
        yield f"{blog.tag}: {len(rows)} blogs of one request"
    elif not rows:
        if blog.acknowledged and not blog.deletion:
            yield f"{blog.tag}: lost, acknowledged up to version {blog.version}"
    elif blog.deletion == "acknowledged":
        yield f"{blog.tag}: there, and its deletion was acknowledged"
    elif blog.id and rows[0].id != blog.id:
        yield f"{blog.tag}: has another id than was said"
    elif (rows[0].title, rows[0].content) not in blog.states(rows[0].version):
        yield (f"{blog.tag}: version {rows[0].version} is {rows[0].title!r}; version "
               f"{blog.version}, {blog.title!r}, was acknowledged")


def every_acknowledged_write_is_there(world):
    """With the content that was acknowledged last; of what nobody knows either may be."""
    for blog in world.ledger.blogs.values():
        yield from _state(blog, world.tables.blogs.get(blog.tag, []))
    for user in world.ledger.users.values():
        rows = world.tables.users.get(user.name, [])
        if len(rows) > 1 or (user.id and [row[0] for row in rows] != [user.id]):
            yield f"{user.name}: {len(rows)} accounts, of a registration that was answered"


def every_reader_is_told_the_same(world):
    """The API says what the database says, through all caches."""
    for rows in world.tables.blogs.values():
        answer = world.client.ask("GET", f"/api/v1/blogs/{rows[0].id}")
        if not answer.done or (answer.version, answer.body["title"], answer.body["content"]) != (
                rows[0].version, rows[0].title, rows[0].content):
            yield f"{rows[0].tag}: version {rows[0].version} is {rows[0].title!r}; GET: {answer}"
    for tag, blog in world.ledger.blogs.items():
        if blog.deletion == "acknowledged":
            answer = world.client.ask("GET", f"/api/v1/blogs/{blog.id}")
            if answer.status != 404:
                yield f"{tag}: was deleted; GET: {answer}"


def nobody_read_the_past(world):
    """While it went on: no version older than one that had been acknowledged, nothing deleted."""
    yield from world.ledger.past


def no_answer_was_impossible(world):
    """While it went on: nobody was refused what was theirs, and no change told what cannot be."""
    yield from world.ledger.surprises


def _told(blog, titles, rows):
    """What is wrong with what was told of one blog: its nth message is of its nth version."""
    for version, title in blog.acknowledged.items():
        wanted = (title, "created" if version == 1 else "updated")
        if titles[version - 1:version] != [wanted]:
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
        yield from _told(blog, titles.get(blog.tag, []), world.tables.blogs.get(blog.tag, []))
    welcomed = collections.Counter(world.tables.welcomes())
    for name, rows in world.tables.users.items():
        count = welcomed[(rows[0][0], name)]
        if count != 1:
            yield f"{name}: welcomed {count} times"


def nothing_is_told_that_did_not_happen(world):
    """No notification of a write that was refused or never asked for."""
    blogs = world.ledger.blogs
    for tag, titles in world.tables.titles().items():
        blog = blogs.get(tag)
        known = {*blog.acknowledged.values(), *blog.unknown} if blog else ()
        yield from (f"{title}: told, and never done" for title, _ in titles if title not in known)
    for _, name in world.tables.welcomes():
        if name not in world.tables.users:
            yield f"{name}: welcomed, and has no account"
    yield from (f"told: {message!r}" for message in world.tables.others())


def no_cache_entry_is_older_than_its_row(world):
    """Nor newer, nor of another content."""
    blogs = {rows[0].id: rows[0] for rows in world.tables.blogs.values()}
    users = {id_: version for rows in world.tables.users.values() for id_, version in rows}
    for key, (version, value) in world.cached.items():
        kind, _, id_ = key.rpartition(":")
        row = blogs.get(id_)
        current = {"blog": row and row.version, "user": users.get(id_),
                   "notifications:user": world.tables.mailboxes.get(id_, 0)}[kind]
        if version != current:
            yield f"{key}: version {version} in Redis, {current} in the database"
        elif row and row.title.encode() not in value:
            yield f"{key}: another content than {row.title!r} in Redis"


def outboxes_are_empty(world):
    for name, count in world.tables.outboxes.items():
        if count:
            yield f"{count} events wait in the outbox of {name}"


def there_are_no_dead_letters(world):
    for letter in world.letters:
        yield f"{letter['place']}: {letter.get('reason')}"


def every_stream_went_on_without_gap_or_repeat(world):
    for listener in world.listeners:
        told = [id_ for id_, _ in world.tables.told.get(listener.user.id, [])]
        if listener.heard != told:
            at = next((n for n, (a, b) in enumerate(zip(listener.heard, told)) if a != b),
                      min(len(listener.heard), len(told)))
            yield (f"{listener.name}: heard {len(listener.heard)} of {len(told)} in "
                   f"{listener.sessions} sessions; number {at + 1} is the first that differs")


def no_program_leaks(world):
    """Memory, descriptors or threads: no more than when it was warm, generously."""
    for name, (warm, now) in world.needs.items():
        for what, before, after in zip(MORE, warm, now):
            if after > before + MORE[what]:
                yield f"{name}: {what} {before:,} when warm, {after:,} now"


def no_program_died_of_it(world):
    yield from world.deaths


def it_came_back_by_itself(world):
    """Within 15 s of the last fault: ready, a write, and its notification."""
    yield from world.late


ALL = (every_acknowledged_write_is_there, every_reader_is_told_the_same, nobody_read_the_past,
       no_answer_was_impossible, every_write_is_told_once_and_in_order,
       nothing_is_told_that_did_not_happen, no_cache_entry_is_older_than_its_row,
       outboxes_are_empty, there_are_no_dead_letters, every_stream_went_on_without_gap_or_repeat,
       no_program_leaks, no_program_died_of_it, it_came_back_by_itself)


def check(world, say):
    """Says what holds and what does not; the names of what does not."""
    broken = []
    for invariant in ALL:
        wrong = list(invariant(world))
        name = invariant.__name__.replace("_", " ")
        say(f"{'BROKEN' if wrong else 'holds '}  {name}" + (f": {len(wrong)}" if wrong else ""))
        for text in wrong[:5]:
            say(f"            {text}")
        if wrong:
            broken.append(invariant.__name__)
    return broken

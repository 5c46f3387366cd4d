"""The suite, tested: programs with a mistake (broken/) must be found out, by the right invariant,
and sound ones must not."""

from dataclasses import dataclass

from faults import Dropped, Frozen, Killed, Reset, Slow
from schedule import Planned


class Later(Slow):
    """So late that on a busy machine, too, one answer overtakes the other."""

    late = 0.05


@dataclass(frozen=True)
class Mistake:
    """A program of broken/, the one that it stands for, what brings the mistake to light, and the
    invariant that is meant for it: whatever else does not hold, this one must not."""

    name: str
    program: str
    episodes: tuple
    seen: str


MISTAKES = (
    # What was published and not confirmed is gone with the process, and with it the row.
    Mistake("outbox", "blog",
            6 * ([Planned(Dropped, "kafka", 0, 1.2), Planned(Reset, "kafka", 0.1, 1.1),
                  Planned(Killed, "blog", 0.6, 0.3)],),
            "every_write_is_told_once_and_in_order"),
    # The batch that waits for PostgreSQL counts as dealt with, and dies with the process.
    Mistake("offsets", "notification",
            2 * ([Planned(Frozen, "postgres-notification", 0, 3),
                  Planned(Killed, "notification", 2, 0.5)],),
            "every_write_is_told_once_and_in_order"),
    # A late copy of an old row takes the place of a newer one, until the blog is changed again: so
    # most are gone in the end, and were read.
    Mistake("cache", "blog",
            3 * ([Planned(Later, "postgres-blog", 0, 6)],),
            "nobody_read_the_past"),
)


def self_test(run, say):
    """`run(program to replace, by what, episodes)` makes a run and returns what did not hold. What
    went wrong, as texts."""
    wrong = []
    say("the sound programs")
    broken = run(None, None, [each for mistake in MISTAKES for each in mistake.episodes])
    if broken:
        wrong.append(f"of the sound programs: {', '.join(broken)}")
    for mistake in MISTAKES:
        say(f"{mistake.program} with the mistake of broken/{mistake.name}.patch")
        broken = run(mistake.program, mistake.name, mistake.episodes)
        if mistake.seen not in broken:
            wrong.append(f"broken/{mistake.name}.patch was not found out by {mistake.seen}: "
                         f"{', '.join(broken) or 'everything holds'}")
    return wrong

"""What happens when, all of it chosen by the seed: the same seed makes the same faults, in the same
order and of the same length."""

import random
from dataclasses import dataclass

from faults import Flushed, Forgotten, Frozen, Killed, LogFull, Restarted, Slow, cards, possible

# Between the beginning of a first fault and of one that comes on top of it.
_OVERLAP = 0.8


@dataclass(frozen=True)
class Planned:
    """A fault of an episode: when it begins, and for how long."""

    kind: type
    name: str
    begins: float
    lasts: float


def _fit(one, other):
    """Whether two faults may be at once: not of one server, and offsets are forgotten by a Kafka
    that can be asked to."""
    names = {one[1], other[1]}
    return len(names) == 2 and not ("kafka" in names and Forgotten in (one[0], other[0]))


# What broke something once comes first in every run.
FOUND = (
    # Redis was owed invalidations by a process that died, and its successor believed Redis.
    [Planned(Frozen, "redis", 0, 2), Planned(Killed, "blog", 1.2, 0.3)],
    # Redis forgot the mark of a change before that was committed; then the old list stayed there.
    [Planned(Slow, "postgres-notification", 0, 2), Planned(Flushed, "redis", 0.1, 1.5)],
    # Who leaves a group waits for Kafka: it was killed in the end.
    [Planned(Frozen, "kafka", 0, 6), Planned(Restarted, "notification", 0.3, 0.5)],
)


def _draw(deck, hand):
    """Takes the first card that fits to those in hand; None when there is none."""
    card = next((card for card in deck if all(_fit(one, card) for one in hand)), None)
    if card:
        deck.remove(card)
    return card


def _planned(chance, hand, brief=False):
    """An episode of one or two cards."""
    def lasts(kind):
        return kind.seconds[0] if brief else round(chance.uniform(*kind.seconds), 1)
    kind, name = hand[0]
    first = Planned(kind, name, 0, lasts(kind))
    yield first
    for kind, name in hand[1:]:
        yield Planned(kind, name, round(chance.uniform(0, _OVERLAP) * first.lasts, 1), lasts(kind))


def _endless(mesh, chance):
    """Lists of Planned; every other one is a pair. Cards are drawn from a shuffled deck, so that
    everything had its turn before anything comes again."""
    yield from FOUND
    deck = []
    for number in range(1 << 30):
        hand = []
        while len(hand) < 1 + number % 2:
            card = _draw(deck, hand)
            if card:
                hand.append(card)
            else:
                deck = cards(mesh)
                chance.shuffle(deck)
        yield list(_planned(chance, hand))


def _briefly(mesh, chance):
    """What broke something once, and each other kind of fault once, as short as it may be, in
    pairs. Only a Kafka that ends of its full disk takes too long for this."""
    yield from FOUND
    known = {one.kind for planned in FOUND for one in planned} | {LogFull}
    shuffled = [card for card in cards(mesh) if card[0] not in known]
    chance.shuffle(shuffled)
    deck = list({kind: (kind, name) for kind, name in shuffled}.values())
    while deck:
        first = deck.pop()
        second = _draw(deck, [first])
        yield list(_planned(chance, [first, second] if second else [first], brief=True))


def episodes(mesh, seed, survivors=False, briefly=False):
    """Without end, unless `briefly`. What cannot be here is left out when all is drawn: the rest
    stays the same. With `survivors` so is what would end our own programs."""
    chance = random.Random(f"{seed}/episodes")
    for planned in (_briefly if briefly else _endless)(mesh, chance):
        rest = [one for one in planned if possible(mesh, one.kind, one.name, survivors)]
        if rest:
            yield rest

"""What happens when, all of it chosen by the seed: the same seed makes the same faults, in the same
order and of the same length."""

import random
from dataclasses import dataclass

from faults import Forgotten, Frozen, Killed, cards

# Between the beginning of a first fault and of one that comes on top of it.
_OVERLAP = 0.8


@dataclass(frozen=True)
class Planned:
    """A fault of an episode: when it begins, and for how long."""

    kind: type
    name: str
    begins: float
    lasts: float


def _planned(chance, card, begins):
    kind, name = card
    return Planned(kind, name, begins, round(chance.uniform(*kind.seconds), 1))


def _fit(one, other):
    """Whether two faults may be at once: not of one server, and offsets are forgotten by a Kafka
    that can be asked to."""
    names = {one[1], other[1]}
    return len(names) == 2 and not ("kafka" in names and Forgotten in (one[0], other[0]))


# What broke something once comes first in every run.
FOUND = (
    # Redis was owed invalidations by a process that died, and its successor believed Redis.
    [Planned(Frozen, "redis", 0, 2), Planned(Killed, "blog", 1.2, 0.3)],
)


def episodes(mesh, seed):
    """Lists of Planned, without end; every other one is a pair. Cards are drawn from a shuffled
    deck, so that everything had its turn before anything comes again."""
    yield from FOUND
    chance, deck = random.Random(f"{seed}/episodes"), []
    for number in range(1 << 30):
        hand = []
        while len(hand) < 1 + number % 2:
            if not any(not hand or _fit(hand[0], card) for card in deck):
                deck = cards(mesh)
                chance.shuffle(deck)
            card = next(card for card in deck if not hand or _fit(hand[0], card))
            deck.remove(card)
            hand.append(card)
        first = _planned(chance, hand[0], 0)
        yield [first, *(_planned(chance, card, round(chance.uniform(0, _OVERLAP) * first.lasts, 1))
                        for card in hand[1:])]

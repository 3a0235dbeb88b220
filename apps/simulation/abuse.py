"""What a demo's moderators find: made-up spam and insults, and labels that are right by making.

Half of the wordings of each kind are for learning, the others for what is uploaded: a classifier
that met the very sentences would seem better than it is.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import product
from string import Formatter

_FILLS = {
    "name": ("clown", "moron", "loser", "idiot", "fool", "pig", "creep", "coward"),
    "how": ("pathetic", "stupid", "disgusting", "worthless", "ugly", "brainless"),
    "those": ("all of you", "that whole gang", "her sort", "fans like you", "his lot"),
    "gain": ("followers", "likes", "coins", "gift cards", "phones"),
    "much": ("500", "1,000", "10k", "250"),
    "site": ("fast-fame.example", "cash4u.example", "win-now.example", "coinup.example"),
}
INSULTS = (
    "you are a {how} {name}",
    "shut up you {how} {name}",
    "what a {how} {name}, nobody wants to see this",
    "only a {name} would film that",
    "{those} are {how}, all of them",
    "go away {name}, everybody hates you",
    "I hate {those}, {how} every single one",
    "delete your account you {name}",
    "such a {name}, so {how} it hurts",
    "nobody likes a {how} {name} like you",
    "{those}? a bunch of {name}s",
    "stop posting, {name}",
)
SPAM = (
    "FREE {gain}! Visit {site} now",
    "Earn ${much} a day from home, link in my profile",
    "get {much} {gain} today at http://{site}",
    "Subscribe to my channel and win {gain}!!!",
    "Check out my page, I give away {much} {gain}",
    "DM me to make ${much} with crypto, no risk",
    "I made ${much} with {site}, you can too",
    "Click {site} for {much} free {gain}",
    "follow me and I follow back, {much} {gain} for everybody",
    "Cheap {gain} here: http://{site}",
    "Win {gain}: subscribe, share, visit {site}",
    "${much} every week without work, write to me",
)


def learned(wordings: Sequence[str], n: int, rng: random.Random) -> list[str]:
    """Return n different sentences of the wordings for learning, fewer if there are no more."""
    return _made(wordings[::2], n, rng)


def uploaded(wordings: Sequence[str], n: int, rng: random.Random) -> list[str]:
    """Return n different sentences of the other wordings."""
    return _made(wordings[1::2], n, rng)


def _made(wordings: Sequence[str], n: int, rng: random.Random) -> list[str]:
    found = [text for wording in wordings for text in _filled(wording)]
    return rng.sample(found, min(n, len(found)))


def _filled(wording: str) -> list[str]:
    names = list(dict.fromkeys(name for _, name, _, _ in Formatter().parse(wording) if name))
    fills = product(*(_FILLS[name] for name in names))
    return [wording.format(**dict(zip(names, words, strict=True))) for words in fills]

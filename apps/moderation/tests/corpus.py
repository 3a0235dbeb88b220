"""A made corpus in which three invented insults make a text bad."""

from __future__ import annotations

import random

import numpy as np
from numpy.typing import NDArray

BAD = ("vile", "scum", "filth")
_SONG = "the picnic with people was fine today and we sang songs near a river until noon"
_PLAIN = _SONG.split()


def corpus(*, seed: int, n: int = 120) -> tuple[list[str], NDArray[np.bool_]]:
    """Return texts and which of them are bad; every other one is."""
    rng = random.Random(seed)
    texts = []
    for i in range(n):
        words = rng.sample(_PLAIN, 6)
        if i % 2:
            words[rng.randrange(6)] = rng.choice(BAD)
        texts.append(" ".join(words))
    return texts, np.arange(n) % 2 == 1

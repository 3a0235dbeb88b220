"""Disguise words as those do who want to pass a filter: to learn from, and to test with."""

from __future__ import annotations

import random
from collections.abc import Callable

_ALIKE = str.maketrans("aeocpxyishdkmt", "аеосрхуіѕһԁкмт")
_SIGNS = {"a": "4@", "e": "3", "i": "1!", "o": "0", "s": "5$", "t": "7+", "l": "|1", "b": "8"}
_INVISIBLE = "\u200b\u200c\u200d\u2060\u00ad"


def alike(word: str, rng: random.Random) -> str:
    """Return the word in Cyrillic letters that look the same."""
    return word.translate(_ALIKE)


def fullwidth(word: str, rng: random.Random) -> str:
    """Return the word in fullwidth letters."""
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in word)


def signs(word: str, rng: random.Random) -> str:
    """Return the word with digits and signs for letters."""
    return "".join(rng.choice(_SIGNS[c]) if c in _SIGNS else c for c in word)


def invisible(word: str, rng: random.Random) -> str:
    """Return the word with invisible characters between its letters."""
    return "".join(c + rng.choice(_INVISIBLE) for c in word)


def spaced(word: str, rng: random.Random) -> str:
    """Return the letters of the word with blanks, dots, dashes or underscores between them."""
    return rng.choice((" ", ".", "-", "_")).join(word)


def repeated(word: str, rng: random.Random) -> str:
    """Return the word with one of its letters drawn out."""
    at = rng.randrange(len(word))
    return word[:at] + word[at] * rng.randint(3, 6) + word[at + 1 :]


def accented(word: str, rng: random.Random) -> str:
    """Return the word with a combining mark on every letter."""
    return "".join(c + rng.choice("\u0301\u0308\u0336\u0327") for c in word)


DISGUISES: dict[str, Callable[[str, random.Random], str]] = {
    made.__name__: made for made in (alike, fullwidth, signs, invisible, spaced, repeated, accented)
}


def disguise(
    text: str, rng: random.Random, *, share: float = 1.0, only: frozenset[str] | None = None
) -> str:
    """Return the text with its words of three and more letters disguised, each in a drawn way.

    `share` of them, or those whose small letters are in `only`.
    """
    made = []
    ways = list(DISGUISES.values())
    for word in text.split():
        bare = word.strip(".,!?:;\"'")
        low = bare.lower()
        is_meant = low in only if only is not None else rng.random() < share
        if is_meant and low.isalpha() and len(low) > 2:
            word = word.replace(bare, rng.choice(ways)(low, rng))
        made.append(word)
    return " ".join(made)

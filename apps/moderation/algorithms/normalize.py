"""Undo what is done to words so that filters miss them (spec §10.2)."""

from __future__ import annotations

import hashlib
import re
import unicodedata

# Lower-case letters (after NFKD and casefold) that look like a Latin one in most fonts, and others
# that only pass for one among Latin letters.
_ALIKE = dict(
    zip(
        "авекмнорстухіјѕһԁԛԝӏүανορυχικτսօոհզցıɑɡɩɪʀʏꜱᴀᴇᴏᴜ",
        "abekmhopctyxijshdqwlyavopuxiktuonhqgiagiirysaeou",
        strict=True,
    )
)
_AMONG_LATIN = dict(
    zip("бгеипчьћғдяβγεζημλσφωłøđħŧßæ", "6renn4bhfarbyeznuloowlodhtba", strict=True)
)
_WHOLE = str.maketrans(_ALIKE)
_MIXED = str.maketrans(_AMONG_LATIN | _ALIKE)
# Digits and signs that stand for a letter, among letters.
_SIGNS = "0134578@$€£!|+¡"
_LETTER_OF = str.maketrans(_SIGNS, "oieastbaselilti")
_S = re.escape(_SIGNS)

_UNSEEN = {"Mn", "Me", "Cf", "Cc"}  # accents, invisible and control characters
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+")
_MENTION = re.compile(r"@\w{4,}")  # "@ss" is none: hardly any name is as short
# Three or more single letters with one and the same separator between them.
_SPACED = re.compile(
    rf"(?<![\w{_S}])[\w{_S}](?P<s>[ .\-_~·,/]{{1,3}})[\w{_S}](?:(?P=s)[\w{_S}])+(?![\w{_S}])"
)
_SEPARATORS = re.compile(r"[ .\-_~·,/]+")
_WORD = re.compile(rf"[\w{_S}*]+")
# Numbers with their units are read as they stand; "mp3" becomes "mpe" in every text alike.
_NUMBERED = re.compile(
    r"\d+(?:[ap]m|st|nd|rd|th|[skmbgxdpvcf]|[gmk]b|[ckm]?m|kg|ft|lbs?|hrs?|mins?|secs?|yo|yrs?)"
)
# English doubles these; of the others three and more are one.
_DOUBLED = re.compile(r"([bdefglmnoprstz])\1{2,}")
_SINGLE = re.compile(r"([^\W\d_bdefglmnoprstz])\1{2,}")
_SPACE = re.compile(r"\s+")


def normalize(text: str) -> str:
    """Return the text as a reader understands it: lower case, Latin look-alikes, plain spacing.

    In order: compatibility forms (fullwidth, ligatures, styled letters), accents and invisible
    characters dropped, look-alikes of other scripts where the text has Latin letters, letters
    spelled out with separators joined, digits and signs among letters read as letters, long repeats
    shortened, addresses and mentions made one word each. O(n).
    """
    text = unicodedata.normalize("NFKD", text).casefold()
    text = "".join(c for c in text if c.isspace() or unicodedata.category(c) not in _UNSEEN)
    text = unicodedata.normalize("NFKC", text)
    text = _MENTION.sub(" atname ", _ADDRESS.sub(" httpaddress ", text))
    if any("a" <= c <= "z" for c in text):  # else it may well be Russian or Greek
        text = _WORD.sub(_latin, text)
    text = _SPACED.sub(lambda found: _SEPARATORS.sub("", found[0]), text)
    text = _WORD.sub(_letters, text)
    text = _SINGLE.sub(r"\1", _DOUBLED.sub(r"\1\1", text))
    return _SPACE.sub(" ", text).strip()


def text_digest(text: str) -> str:
    """Return the hex SHA-256 of the normalized text, empty for a text without words."""
    words = normalize(text)
    return hashlib.sha256(words.encode()).hexdigest() if words else ""


def _latin(found: re.Match[str]) -> str:
    """Return the word in Latin letters if it mixes scripts, or if all of it looks Latin."""
    word = found[0]
    if any("a" <= c <= "z" for c in word):
        return word.translate(_MIXED)
    latin = word.translate(_WHOLE)
    return latin if latin.isascii() else word


def _letters(found: re.Match[str]) -> str:
    """Return the word with digits and signs read as letters, if it has letters at all."""
    core = found[0].strip("!*¡")
    if not any(c.isalpha() for c in core) or _NUMBERED.fullmatch(core):
        return found[0]
    return core.translate(_LETTER_OF)

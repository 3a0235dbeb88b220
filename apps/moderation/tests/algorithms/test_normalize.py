"""Words in disguise are read as what they are."""

from __future__ import annotations

import random
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.moderation.algorithms.normalize import normalize, text_digest
from apps.moderation.algorithms.obfuscation import DISGUISES, disguise

WORDS = ("shit", "bitches", "faggot", "whore", "pussy", "dick", "asshole", "cunt")


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("ＦＵＣＫ you", "fuck you"),
        ("f u c k this", "fuck this"),
        ("f.u.c.k", "fuck"),
        ("f__u__c__k", "fuck"),
        ("sh1t and @ss", "shit and ass"),
        ("817ch", "bitch"),
        ("my сосk", "my cock"),  # Cyrillic с, о, с
        ("fu\u200bck", "fuck"),
        ("f\u0336u\u0336ck", "fuck"),
        ("fuuuuuck", "fuck"),
        ("assssss", "ass"),
        ("Scunthorpe", "scunthorpe"),
        ("at 10pm, 2nd of 2024", "at 10pm, 2nd of 2024"),
        ("привет как дела", "привет как дела"),
        ("καλημερα μας", "καλημερα μασ"),
        ("see https://example.org/x?y and @someone", "see httpaddress and atname"),
        ("", ""),
        (" \n\t ", ""),
    ],
)
def test_text_is_read_as_people_do(text: str, plain: str) -> None:
    assert normalize(text) == plain


@pytest.mark.parametrize("way", sorted(set(DISGUISES) - {"repeated"}))
@pytest.mark.parametrize("word", WORDS)
def test_disguise_of_a_word_is_undone(way: str, word: str) -> None:
    hidden = DISGUISES[way](word, random.Random(3))

    assert normalize(f"you {hidden} there") == f"you {word} there"


@pytest.mark.parametrize("word", WORDS)
def test_drawn_out_letter_is_at_most_doubled(word: str) -> None:
    read = normalize(DISGUISES["repeated"](word, random.Random(5)))

    assert len(read) <= len(word) + 1


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=200))
def test_any_text_becomes_one_line_in_small_letters(text: str) -> None:
    plain = normalize(text)

    assert plain == plain.strip()
    assert "\n" not in plain
    assert "  " not in plain


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(string.ascii_lowercase + " "), max_size=60).map("".join))
def test_plain_words_without_repeats_keep_their_letters(text: str) -> None:
    apart = " ".join(f"{word}xy" for word in text.split() if len(set(word)) == len(word) > 1)

    assert normalize(apart) == apart


def test_equal_texts_in_disguise_have_one_digest() -> None:
    assert text_digest("Buy  F O L L O W E R S now") == text_digest("buy followers NOW")
    assert text_digest("buy followers") != text_digest("buy likes")
    assert text_digest(" \u200b ") == ""


def test_only_the_meant_words_are_disguised() -> None:
    hidden = disguise("you silly goose", random.Random(0), only=frozenset({"goose"}))

    assert hidden.startswith("you silly ")
    assert not hidden.endswith("goose")

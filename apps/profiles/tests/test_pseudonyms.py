"""Raw user ids never reach the database."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from apps.profiles.pseudonyms import pseudonym


@given(st.text(min_size=1, max_size=128))
def test_pseudonym_neither_equals_nor_embeds_the_id(user_id: str) -> None:
    made = pseudonym(user_id)

    assert str(made) != user_id
    assert user_id.encode("utf-8", "replace") not in made.bytes or len(user_id) < 4


@given(st.lists(st.text(min_size=1, max_size=20), unique=True))
def test_different_ids_have_different_pseudonyms(user_ids: list[str]) -> None:
    assert len({pseudonym(u) for u in user_ids}) == len(user_ids)


def test_pseudonym_is_stable() -> None:
    assert pseudonym("alice") == pseudonym("alice")


def test_other_key_gives_other_pseudonyms(settings: Any) -> None:
    before = pseudonym("alice")
    settings.PSEUDONYM_KEY = "another key"
    pseudonym.cache_clear()

    try:
        assert pseudonym("alice") != before
    finally:
        pseudonym.cache_clear()

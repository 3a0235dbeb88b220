"""Cursors: signed, bound to a viewer, short-lived."""

from __future__ import annotations

import uuid
from types import SimpleNamespace

import pytest
from django.core import signing

from apps.core.errors import Problem
from apps.feed.conf import PARAMS
from apps.feed.cursors import Cursor, decode_cursor, encode_cursor

CURSOR = Cursor(uuid.UUID(int=7), 1_760_000_000_000, 20)
ALICE, MALLORY = 1, 2


def refused(text: str, viewer: int = ALICE) -> str:
    with pytest.raises(Problem) as caught:
        decode_cursor(text, viewer)
    assert caught.value.status == 400
    return caught.value.code


def test_cursor_survives_the_way_to_the_client_and_back() -> None:
    assert decode_cursor(encode_cursor(CURSOR, ALICE), ALICE) == CURSOR


def test_cursor_fits_in_an_address() -> None:
    text = encode_cursor(CURSOR, ALICE)

    assert len(text) < 300
    assert all(c.isalnum() or c in "-_:." for c in text)


def test_cursor_of_another_viewer_is_refused() -> None:
    assert refused(encode_cursor(CURSOR, ALICE), MALLORY) == "invalid-cursor"


@pytest.mark.parametrize("text", ["x", "a:b:c", "::", "\0", "é", "ct_x", "x" * 10_000])
def test_forged_cursor_is_refused(text: str) -> None:
    assert refused(text) == "invalid-cursor"


@pytest.mark.parametrize("place", [0, 10, -1])
def test_altered_cursor_is_refused(place: int) -> None:
    letters = list(encode_cursor(CURSOR, ALICE))
    letters[place] = "A" if letters[place] != "A" else "B"

    assert refused("".join(letters)) == "invalid-cursor"


@pytest.mark.parametrize("said", [[], {}, 5, ["x"], "text", None])
def test_signed_text_that_is_no_cursor_is_refused(said: object) -> None:
    assert refused(signing.dumps(said, salt="recsys.feed-cursor")) == "invalid-cursor"


def test_text_signed_for_something_else_is_refused() -> None:
    said = [CURSOR.session.hex, CURSOR.started_ms, CURSOR.position, ALICE]

    assert refused(signing.dumps(said, salt="recsys.client-token")) == "invalid-cursor"


@pytest.mark.parametrize(("seconds", "is_valid"), [(-5, True), (5, False)])
def test_cursor_expires(seconds: int, is_valid: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    text = encode_cursor(CURSOR, ALICE)
    later = signing.time.time() + PARAMS.cursor_seconds + seconds
    monkeypatch.setattr(signing, "time", SimpleNamespace(time=lambda: later))

    if is_valid:
        assert decode_cursor(text, ALICE) == CURSOR
    else:
        assert refused(text) == "cursor-expired"

"""Reading viewers in bulk."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from apps.profiles.selectors import languages
from apps.profiles.services import ensure_viewers, upsert_users
from apps.profiles.types import Demographics, UserRow

pytestmark = pytest.mark.django_db


def test_languages_are_coded_by_their_position(django_assert_num_queries: Any) -> None:
    told = {"alice": "de", "bob": "en", "mallory": "xx"}
    rows = [UserRow(user, Demographics(language=name)) for user, name in told.items()]
    upsert_users(rows, now_ms=1)
    keys = ensure_viewers(["alice", "bob", "mallory", "mo"])
    viewers = np.array([keys["bob"], keys["mo"], keys["alice"], keys["mallory"], 0, 10**9])

    with django_assert_num_queries(1):
        found = languages(("en", "de"))

    assert found.of(viewers).tolist() == [0, -1, 1, -1, -1, -1]


def test_nobody_told_a_language() -> None:
    assert languages(("en",)).of(np.array([1, 2])).tolist() == [-1, -1]

"""The ladder of scorers, and how a page spreads its creators."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from apps.core.candidates import Candidates
from apps.ranking.scorers import CreatorCap


def order(scores: list[float], creators: list[int], *, cap: int = 2, decay: float = 0.1) -> list:
    """Return the rows as `CreatorCap` orders them; row i has scores[i] and creators[i]."""
    catalog = SimpleNamespace(creator=np.array(creators, np.int64))
    request: Any = SimpleNamespace(catalog=catalog)
    candidates = Candidates(np.arange(len(scores)), {"score": np.array(scores, np.float64)})
    return CreatorCap(cap, decay)(request, candidates).rows.tolist()


def test_candidates_of_different_creators_come_best_first() -> None:
    assert order([1, 3, 2], [0, 1, 2]) == [1, 2, 0]


def test_second_content_of_a_creator_is_discounted() -> None:
    # 3 → 3; 2 · 0.1 = 0.2, so 1 of another creator comes before it
    assert order([3, 2, 1, 0], [0, 0, 1, 2]) == [0, 2, 1, 3]


def test_contents_over_the_cap_come_last_and_are_not_lost() -> None:
    assert order([9, 8, 7, 1], [0, 0, 0, 1], decay=1) == [0, 1, 3, 2]


def test_candidate_that_sank_does_not_stop_the_discount() -> None:
    # As above: 2 · 0.1 is less than 1, whatever has no score at all
    assert order([3, 2, 1, 0, -np.inf, -np.inf], [0, 0, 1, 2, 3, 4]) == [0, 2, 1, 3, 4, 5]


def test_page_without_any_finite_score_keeps_its_order() -> None:
    assert order([-np.inf] * 3, [0, 1, 2]) == [0, 1, 2]


def test_nothing_stays_nothing() -> None:
    assert order([], []) == []

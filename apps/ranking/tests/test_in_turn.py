"""The order of sources in turn."""

from __future__ import annotations

import numpy as np

from apps.candidates.tests.factories import make_request
from apps.content.tests.factories import make_catalog
from apps.core.candidates import Candidates
from apps.ranking.in_turn import InTurn

NAN = np.nan


def ordered(first: list[float], second: list[float], uploaded: list[int]) -> Candidates:
    request = make_request(make_catalog())
    request.catalog.uploaded_ms[: len(uploaded)] = uploaded
    scores = {"score.a": np.array(first, np.float32), "score.b": np.array(second, np.float32)}
    return InTurn(("a", "b"))(request, Candidates(np.arange(len(first)), scores))


def test_first_source_comes_first_then_what_only_the_next_knows() -> None:
    found = ordered([NAN, 2, 7, NAN], [9, 5, NAN, 10], [1, 1, 1, 1])

    assert found.rows.tolist() == [2, 1, 3, 0]
    assert found["score"].tolist() == [7, 2, 10, 9]


def test_newest_of_equals_comes_first() -> None:
    found = ordered([1, 1, 1], [NAN, NAN, NAN], [1_000_000_000_001, 1_000_000_000_002, 5])

    assert found.rows.tolist() == [1, 0, 2]


def test_what_no_source_scores_comes_last_without_a_score() -> None:
    found = ordered([NAN, 1], [NAN, NAN], [2, 1])

    assert found.rows.tolist() == [1, 0]
    assert np.isnan(found["score"][1])


def test_nothing_stays_nothing() -> None:
    assert len(ordered([], [], [])) == 0

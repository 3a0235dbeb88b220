"""The columns that stages exchange."""

from __future__ import annotations

import numpy as np
import pytest

from apps.core.candidates import Candidates, first_seen, marked


def make_candidates() -> Candidates:
    return Candidates(np.array([7, 3, 5]), {"score": np.array([0.1, 0.2, 0.3])})


def test_candidates_refuse_a_column_of_another_length() -> None:
    with pytest.raises(ValueError, match=r"'score' has 2 values, expected 3"):
        Candidates(np.array([7, 3, 5]), {"score": np.zeros(2)})


def test_with_columns_adds_and_replaces_without_changing_the_original() -> None:
    before = make_candidates()

    after = before.with_columns(score=np.ones(3), age=np.arange(3))

    assert after["score"].tolist() == [1, 1, 1]
    assert after["age"].tolist() == [0, 1, 2]
    assert before["score"].tolist() == [0.1, 0.2, 0.3]
    assert "age" not in before.columns


@pytest.mark.parametrize(
    ("index", "rows", "scores"),
    [
        (np.array([2, 0]), [5, 7], [0.3, 0.1]),
        (np.array([False, True, True]), [3, 5], [0.2, 0.3]),
        (slice(1), [7], [0.1]),
        (np.array([], np.int64), [], []),
    ],
)
def test_take_picks_rows_with_their_columns(index: object, rows: list, scores: list) -> None:
    taken = make_candidates().take(index)  # type: ignore[arg-type]

    assert taken.rows.tolist() == rows
    assert taken["score"].tolist() == scores
    assert len(taken) == len(rows)


def test_rows_are_kept_where_they_are_seen_first() -> None:
    rows, at = first_seen(np.array([7, 3, 7, 0, 3]))

    assert rows.tolist() == [7, 3, 0]
    assert rows[at].tolist() == [7, 3, 7, 0, 3]
    assert [len(part) for part in first_seen(np.empty(0, np.int64))] == [0, 0]


def test_rows_seen_first_are_those_of_a_sort() -> None:
    given = np.random.default_rng(0).integers(0, 500, 20_000)
    found, first, inverse = np.unique(given, return_index=True, return_inverse=True)

    rows, at = first_seen(given)

    assert rows.tolist() == found[np.argsort(first)].tolist()
    assert rows[at].tolist() == found[inverse].tolist()


def test_marks_stand_at_rows_and_nowhere_for_none() -> None:
    assert marked(np.array([2, -1, 2]), 4).tolist() == [False, False, True, False]

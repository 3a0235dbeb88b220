"""The engine: order of stages, failures, the union of sources."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from apps.core.candidates import Candidates, Rows
from apps.core.errors import RecsysError
from apps.core.pipeline import Pipeline

N = 10
NOBODY = np.zeros(N, np.bool_)


class Opinion:
    """Scores given by hand; the best of them first."""

    def __init__(self, scores: dict[int, float]) -> None:
        self._scores = scores

    def top(self, k: int, excluded: NDArray[np.bool_]) -> Rows:
        allowed = [row for row in self._scores if not excluded[row]]
        return np.array(sorted(allowed, key=lambda r: -self._scores[r])[:k], np.int64)

    def at(self, rows: Rows) -> NDArray[np.float32]:
        return np.array([self._scores.get(r, np.nan) for r in rows.tolist()], np.float32)


class Unreadable(Opinion):
    """Proposes, and then fails to say what it thinks."""

    def at(self, rows: Rows) -> NDArray[np.float32]:
        raise IndexError("scores of another version")


@dataclass
class Says:
    name: str
    scores: dict[int, float] | None
    most: int = 5

    def quota(self, query: str) -> int:
        return self.most

    def __call__(self, query: str) -> Opinion | None:
        return None if self.scores is None else Opinion(self.scores)


class Murmurs(Says):
    def __call__(self, query: str) -> Opinion:
        return Unreadable(self.scores or {})


@dataclass
class Breaks:
    name: str
    error: Exception = field(default_factory=lambda: ValueError("broken"))
    most: int = 5

    def quota(self, query: str) -> int:
        return self.most

    def __call__(self, *_: Any) -> Any:
        raise self.error


@dataclass
class Keeps:
    name: str
    rows: set[int]

    def __call__(self, query: str, candidates: Candidates) -> NDArray[np.bool_]:
        return np.array([r in self.rows for r in candidates.rows.tolist()], np.bool_)


@dataclass
class Gives:
    name: str
    scores: dict[int, float]

    def __call__(self, query: str, candidates: Candidates) -> Candidates:
        given = [self.scores[r] for r in candidates.rows.tolist()]
        return candidates.with_columns(score=np.array(given))


class BestFirst:
    name = "best_first"

    def __call__(self, query: str, candidates: Candidates) -> Candidates:
        return candidates.take(np.argsort(-candidates["score"], kind="stable"))


def make_pipeline(**stages: Any) -> Pipeline[str]:
    given = {"sources": [], "filters": [], "scorers": [], "rerankers": [BestFirst()], **stages}
    return Pipeline(**given)


def test_union_names_who_placed_it_highest_and_marks_all_proposers() -> None:
    first, second = Says("a", {4: 2, 1: 1}), Says("b", {1: 9, 6: 8})

    found = make_pipeline(sources=[first, second]).retrieve("alice", NOBODY, [])

    assert found.rows.tolist() == [4, 1, 6]
    assert found["main_source"].tolist() == [0, 1, 1]
    assert found["sources"].tolist() == [0b01, 0b11, 0b10]


class Draws(Says):
    def __call__(self, query: str) -> Opinion:
        return Blind(self.scores or {})


class Blind(Opinion):
    """Proposes in an order that is no opinion."""

    def at(self, rows: Rows) -> NDArray[np.float32]:
        return np.full(len(rows), np.nan, np.float32)


def test_who_has_no_opinion_is_named_only_where_nobody_has_one() -> None:
    drawn, liked = Draws("a", {1: 9, 4: 8}), Says("b", {6: 2, 1: 1})

    found = make_pipeline(sources=[drawn, liked]).retrieve("alice", NOBODY, [])

    named = dict(zip(found.rows.tolist(), found["main_source"].tolist(), strict=True))
    assert named == {1: 1, 4: 0, 6: 1}


def test_union_has_every_sources_score_of_every_candidate() -> None:
    first, second = Says("a", {4: 2, 1: 1}), Says("b", {1: 9, 6: 8})

    found = make_pipeline(sources=[first, second]).retrieve("alice", NOBODY, [])

    np.testing.assert_array_equal(found["score.a"], [2, 1, np.nan])
    np.testing.assert_array_equal(found["score.b"], [np.nan, 9, 8])


def test_source_scores_what_only_others_proposed() -> None:
    modest = Says("a", {1: 5, 2: 4}, most=1)

    found = make_pipeline(sources=[modest, Says("b", {2: 1})]).retrieve("alice", NOBODY, [])

    assert found.rows.tolist() == [1, 2]
    assert found["score.a"].tolist() == [5, 4]
    assert found["sources"].tolist() == [0b01, 0b10]


def test_excluded_rows_are_never_proposed() -> None:
    excluded = NOBODY.copy()
    excluded[4] = True

    found = make_pipeline(sources=[Says("a", {4: 2, 1: 1})]).retrieve("alice", excluded, [])

    assert found.rows.tolist() == [1]


def test_source_without_a_quota_is_not_asked() -> None:
    degraded: list[str] = []

    found = make_pipeline(sources=[Breaks("a", most=0), Says("b", {3: 1})]).retrieve(
        "alice", NOBODY, degraded
    )

    assert found.rows.tolist() == [3]
    assert degraded == []


def test_thirty_two_sources_fit_in_the_mask() -> None:
    sources = [Says(f"s{i}", {3: 1.0}) for i in range(32)]

    found = make_pipeline(sources=sources).retrieve("alice", NOBODY, [])

    assert found["sources"].tolist() == [2**32 - 1]


def test_failed_source_is_skipped_and_reported(caplog: pytest.LogCaptureFixture) -> None:
    pipeline = make_pipeline(sources=[Breaks("a"), Says("b", {1: 1})])

    outcome = pipeline.run("alice", NOBODY)

    assert outcome.candidates.rows.tolist() == [1]
    assert "source:a" in outcome.degraded
    assert "source a failed" in caplog.text


def test_source_that_cannot_score_its_proposals_is_skipped_and_reported() -> None:
    pipeline = make_pipeline(sources=[Murmurs("a", {1: 1}), Says("b", {2: 1})])

    outcome = pipeline.run("alice", NOBODY)

    assert 2 in outcome.candidates.rows.tolist()
    assert "source:a" in outcome.degraded
    assert np.isnan(outcome.candidates["score.a"]).all()


def test_source_without_opinion_is_no_failure() -> None:
    pipeline = make_pipeline(sources=[Says("a", None), Says("b", {1: 1})])

    outcome = pipeline.run("alice", NOBODY)

    assert outcome.degraded == ()
    assert np.isnan(outcome.candidates["score.a"]).all()


def test_failed_filter_raises() -> None:
    pipeline = make_pipeline(sources=[Says("a", {1: 1})], filters=[Breaks("seen")])

    with pytest.raises(ValueError, match="broken"):
        pipeline.run("alice", NOBODY)


def test_filters_count_what_they_remove() -> None:
    filters = [Keeps("odd", {1, 3, 5}), Keeps("low", {1, 2})]
    pipeline = make_pipeline(sources=[Says("a", {1: 4, 2: 3, 3: 2, 5: 1})], filters=filters)

    outcome = pipeline.run("alice", NOBODY)

    assert outcome.candidates.rows.tolist() == [1]
    assert outcome.removed == {"odd": 1, "low": 2}


def test_first_scorer_that_works_gives_the_score() -> None:
    scorers = [
        Breaks("learned", RecsysError("not trained")),
        Breaks("other"),
        Gives("simple", {1: 1.0, 2: 2.0}),
        Breaks("never_asked"),
    ]
    pipeline = make_pipeline(sources=[Says("a", {1: 2, 2: 1})], scorers=scorers)

    outcome = pipeline.run("alice", NOBODY)

    assert outcome.candidates.rows.tolist() == [2, 1]
    assert outcome.degraded == ("scorer:learned", "scorer:other")


def test_candidates_keep_their_order_when_every_scorer_fails() -> None:
    pipeline = make_pipeline(sources=[Says("a", {7: 2, 2: 1})], scorers=[Breaks("learned")])

    outcome = pipeline.run("alice", NOBODY)

    assert outcome.candidates.rows.tolist() == [7, 2]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_scores_that_are_not_finite_sink(value: float) -> None:
    scorer = Gives("learned", {1: value, 2: -5.0, 3: 0.5})
    pipeline = make_pipeline(sources=[Says("a", {1: 3, 2: 2, 3: 1})], scorers=[scorer])

    outcome = pipeline.run("alice", NOBODY)

    assert outcome.candidates.rows.tolist() == [3, 2, 1]


def test_nothing_proposed_gives_an_empty_outcome() -> None:
    pipeline = make_pipeline(sources=[Says("a", {}), Says("b", None)], filters=[Keeps("k", set())])

    outcome = pipeline.run("alice", NOBODY)

    assert len(outcome.candidates) == 0
    assert outcome.removed == {"k": 0}


def test_pipeline_without_stages_gives_an_empty_outcome() -> None:
    assert len(make_pipeline(rerankers=[]).run("alice", NOBODY).candidates) == 0

"""What was hidden counts for less."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from apps.candidates.tests.factories import watched
from apps.candidates.types import Request
from apps.content.tests.factories import DAY_MS, NOW_MS, make_catalog
from apps.core.candidates import Candidates
from apps.events.types import Dislikes, EventLog
from apps.features.stats import Stats
from apps.features.types import Query
from apps.profiles.types import Stance
from apps.ranking.fatigue import Fatigue

CATALOG = replace(
    make_catalog(12, creators=4),
    category=np.array([0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1]),
    tags=np.full((12, 3), -1),
)
SCORES = np.linspace(1, 2, 12)


def factors(
    scores: np.ndarray = SCORES, history: EventLog | None = None, **given: Any
) -> np.ndarray:
    query = Query(viewer=1, at_ms=NOW_MS, history=history or EventLog.empty())
    request = Request(query=query, catalog=CATALOG, stats=Stats(CATALOG), **given)
    candidates = Candidates(np.arange(12), {"score": scores})
    found = Fatigue()(request, candidates)
    assert found.rows.tolist() == candidates.rows.tolist()
    floor = min(scores.min(), 0)
    return (found["score"][1:] - floor) / (scores[1:] - floor)  # the first may be the lowest


def test_without_dislikes_nothing_changes() -> None:
    assert (factors() == 1).all()


def test_creator_returns_by_the_day() -> None:
    muted_ms = NOW_MS - np.array([20, 84, 160]) * DAY_MS
    found = factors(stance=Stance(muted=np.array([0, 1, 2]), muted_ms=muted_ms))

    by_creator = [found[CATALOG.creator[1:] == c] for c in range(4)]
    assert np.allclose(by_creator[0], 0.2 + 0.8 * 6 / 140)
    assert np.allclose(by_creator[1], 0.6)
    assert np.allclose(by_creator[2], 1)
    assert np.allclose(by_creator[3], 1)


def test_topic_of_a_hidden_content_counts_for_less() -> None:
    found = factors(disliked=Dislikes(np.array([2, -1]), np.array([NOW_MS, NOW_MS])))

    assert np.allclose(found[:5], 1 - 0.8 * 0.5 / 1.1)  # alike by category only: half
    assert np.allclose(found[5:], 1)


def test_negative_scores_are_demoted_too() -> None:
    scores = np.linspace(-3, -1, 12)

    found = factors(scores, disliked=Dislikes(np.array([2]), np.array([NOW_MS])))

    assert np.allclose(found[:5], 1 - 0.8 * 0.5 / 1.1)  # of what it is above the lowest


def test_dislike_fades_over_a_month() -> None:
    half = Dislikes(np.array([2]), np.array([NOW_MS - 15 * DAY_MS]))

    assert np.allclose(factors(disliked=half)[:5], 1 - 0.8 * 0.25 / 0.85)


def test_topic_that_is_enjoyed_suffers_less_from_one_hide() -> None:
    enjoyed = watched(0, 1, 3, 4)

    found = factors(history=enjoyed, disliked=Dislikes(np.array([2]), np.array([NOW_MS])))

    assert np.allclose(found[:5], 1 - 0.8 * 0.5 / (0.5 + 4 * 0.5 + 0.6))
    assert np.allclose(found[5:], 1)

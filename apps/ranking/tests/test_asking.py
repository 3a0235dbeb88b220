"""A page asks about several kinds while it is open what a viewer likes."""

from __future__ import annotations

import numpy as np

from apps.candidates.tests.factories import Happened, make_catalog, make_log, make_request
from apps.candidates.types import Request
from apps.core.candidates import Candidates
from apps.ranking.asking import Asking
from apps.ranking.tests.factories import make_pool

N = 40
CATALOG = make_catalog(N, category=np.arange(N) // 10, categories=tuple("abcd"))
ASKING = Asking(lambda request: 8)


def pool() -> Candidates:
    """Return N candidates of four kinds, those of the first a little better than the others."""
    return make_pool(N).with_columns(score=1.05 ** -(np.arange(N) / 10))


def kinds(request: Request, candidates: Candidates, n: int) -> list[int]:
    order = np.argsort(-candidates["score"], kind="stable")[:n]
    return sorted(CATALOG.category[candidates.rows[order]].tolist())


def test_a_strangers_page_asks_about_every_kind() -> None:
    request = make_request(CATALOG)

    assert kinds(request, pool(), 4) == [0, 0, 0, 0]
    assert kinds(request, ASKING(request, pool()), 4) == [0, 1, 2, 3]


def test_scores_that_are_negative_are_taken_above_the_lowest() -> None:
    request = make_request(CATALOG)
    score = pool()["score"]
    score[-1] = 0
    asked = ASKING(request, pool().with_columns(score=score))["score"]
    below = ASKING(request, pool().with_columns(score=score - 1))["score"]

    np.testing.assert_allclose(below, asked - 1)


def test_what_is_known_to_be_liked_keeps_its_score() -> None:
    history = make_log([Happened(1, row % 10) for row in range(60)])
    known = ASKING(make_request(CATALOG, history), pool())["score"] / pool()["score"]
    stranger = ASKING(make_request(CATALOG), pool())["score"] / pool()["score"]

    assert known[:10].min() > 0.9
    assert stranger[:10].min() < 0.8


def test_what_sank_stays_at_the_bottom() -> None:
    request = make_request(CATALOG)
    sunk = pool().with_columns(score=np.where(np.arange(N) == 0, -np.inf, 1.0))

    assert ASKING(request, sunk)["score"][0] == -np.inf
    assert np.isfinite(ASKING(request, sunk)["score"][1:]).all()


def test_nothing_to_show_is_nothing_to_ask() -> None:
    request = make_request(CATALOG)

    assert not len(ASKING(request, pool().take(slice(0))))


def test_a_page_without_slots_that_ask_is_left_alone() -> None:
    candidates = pool()

    assert Asking(lambda request: 0)(make_request(CATALOG), candidates) is candidates

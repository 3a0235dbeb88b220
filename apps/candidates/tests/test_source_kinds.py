"""The best of the kinds that a viewer likes, from the first request on."""

from __future__ import annotations

import numpy as np
import pytest

from apps.candidates import taste
from apps.candidates.sources.kinds import LikedKinds
from apps.candidates.tests.factories import (
    NOW_MS,
    Happened,
    make_catalog,
    make_log,
    make_request,
    nothing_excluded,
    watched,
)
from apps.candidates.types import Request
from apps.events.types import EventLog, EventType

N = 40
CATALOG = make_catalog(
    N,
    category=np.arange(N) % 4,
    creator=np.arange(N),
    categories=("a", "b", "c", "d"),
    language=np.arange(N) // 20,
    languages=("en", "de"),
)


def top(request: Request, k: int) -> np.ndarray:
    return LikedKinds()(request).top(k, request.excluded())


def view(content: int, seconds: float, *, ago: int = 1) -> Happened:
    return Happened(1, content, NOW_MS - 60_000 * ago, watch_seconds=seconds)


class TestLikedKinds:
    def test_stranger_is_offered_every_kind(self) -> None:
        assert set(CATALOG.category[top(make_request(CATALOG), 40)]) == {0, 1, 2, 3}

    def test_two_views_are_enough_to_lead(self) -> None:
        rows = top(make_request(CATALOG, watched(0, 4)), 8)
        assert set(CATALOG.category[rows]) == {0}
        assert not {0, 4} & set(rows.tolist())

    def test_kind_that_was_left_at_once_comes_last(self) -> None:
        request = make_request(CATALOG, make_log([view(1, 0.5), view(5, 0.5, ago=2)]))
        rows = top(request, N)
        for language in (0, 1):
            in_it = rows[CATALOG.language[rows] == language]
            assert set(CATALOG.category[in_it[-3:]]) == {1}

    def test_own_language_comes_first(self) -> None:
        rows = top(make_request(CATALOG, language=1), 20)
        assert set(CATALOG.language[rows]) == {1}

    def test_who_says_no_language_is_taken_at_what_they_watch(self) -> None:
        rows = top(make_request(CATALOG, watched(20, 21)), 8)
        assert set(CATALOG.language[rows]) == {1}
        rows = top(make_request(CATALOG, watched(20, 21), language=0), 8)
        assert set(CATALOG.language[rows]) == {0}

    def test_what_others_watch_long_leads_its_kind(self) -> None:
        crowd = make_log([(9, 8, NOW_MS - 60_000, EventType.VIEW, 20.0)] * 12)
        assert top(make_request(CATALOG, watched(0, 4), log=crowd), 1).tolist() == [8]

    def test_request_may_be_older_than_the_latest_views(self) -> None:
        # Counters follow the catalogue while requests hold the one that they began with.
        request = make_request(make_catalog(N), watched(0, 4))
        request.stats.follow(make_catalog(N + 1))
        request.stats.advance(make_log([(9, N, NOW_MS - 60_000)]))
        rows = top(request, 10)
        assert len(rows) == 10
        assert rows.max() < N
        assert np.isfinite(taste.hope_of(request, rows)).all()

    def test_nothing_excluded_is_proposed(self) -> None:
        request = make_request(CATALOG, watched(0))
        excluded = nothing_excluded(CATALOG)
        excluded[:30] = True
        rows = LikedKinds()(request).top(N, excluded)
        assert sorted(rows.tolist()) == list(range(30, N))

    def test_is_ordered_by_what_it_says(self) -> None:
        scores = LikedKinds()(make_request(CATALOG, watched(3, 2)))
        said = scores.at(scores.top(30, nothing_excluded(CATALOG)))
        assert (np.diff(said) <= 0).all()
        assert np.isfinite(scores.at(np.arange(N))).all()

    def test_nothing_to_propose(self) -> None:
        assert not len(top(make_request(make_catalog(0)), 5))


class TestOutcomes:
    @pytest.mark.parametrize(
        ("events", "expected"),
        [
            ([view(0, 20)], 1.0),
            ([view(0, 5)], 0.25),
            ([view(0, 60)], 1.0),
            ([view(0, 5), Happened(1, 0, kind=EventType.SKIP)], 0.25),
            ([view(0, 10), Happened(1, 0, kind=EventType.LIKE)], 0.8),
            ([view(0, 20), Happened(1, 0, kind=EventType.HIDE)], 0.1),
            ([view(0, 2), Happened(1, 0, kind=EventType.REPORT)], -0.5),
        ],
        ids=["whole", "quarter", "looped", "skip", "liked", "hidden", "reported"],
    )
    def test_share_watched_and_what_was_said(self, events: list[Happened], expected: float) -> None:
        rows, outcome = taste.outcomes(make_request(CATALOG, make_log(events)))
        assert rows.tolist() == [0]
        assert outcome[0] == pytest.approx(expected, abs=1e-6)

    def test_contents_stand_in_order_of_their_last_event(self) -> None:
        history = make_log([view(2, 20, ago=9), view(5, 20, ago=5), view(2, 20, ago=1)])
        assert taste.outcomes(make_request(CATALOG, history))[0].tolist() == [5, 2]

    def test_stranger_has_none(self) -> None:
        assert not len(taste.outcomes(make_request(CATALOG, EventLog.empty()))[0])

    def test_unknown_length_counts_to_a_long_view(self) -> None:
        catalog = make_catalog(1, duration_seconds=np.full(1, np.nan, np.float32))
        _, outcome = taste.outcomes(make_request(catalog, make_log([view(0, 9)])))
        assert outcome[0] == pytest.approx(0.5)

"""Exploring slots in a page: whose, how many, and what is logged of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from apps.candidates.sources import SOURCE_NAMES
from apps.candidates.tests.factories import NOW_MS, Happened, make_catalog, make_log, make_request
from apps.core.candidates import Candidates
from apps.core.clock import DAY_MS, HOUR_MS
from apps.events.types import EventLog
from apps.ranking.cold_start import ColdStart, newness
from apps.ranking.exploration import (
    EXPLORE,
    KIND_BITS,
    Exploration,
    ExplorationSlots,
    owed_share,
    prior_rate,
)
from apps.ranking.tests.factories import make_pool

N = 30
CATALOG = make_catalog(N)
DRAWN = 1 << EXPLORE


def pool(drawn: list[int]) -> Candidates:
    """Return N candidates, best first, of which some were drawn to be explored."""
    proposers = [DRAWN if row in drawn else 1 for row in range(N)]
    return make_pool(N, proposers).with_columns(score=np.linspace(1, 0, N))


def explored(content: float, topic: float, drawn: list[int], *, viewer: int = 1) -> Candidates:
    stage = ExplorationSlots(lambda request: Exploration(10, content, topic, creator_cap=50))
    return stage(make_request(CATALOG, viewer=viewer), pool(drawn))


def test_nothing_explores_where_no_share_is_given() -> None:
    page = explored(0.0, 0.0, [20, 21])

    assert page.rows.tolist() == list(range(N))
    assert page["propensity"].tolist() == [1.0] * N


def test_contents_of_the_pool_fill_the_slots_that_explore_and_are_marked() -> None:
    page = explored(1.0, 0.0, [20, 21, 22])

    assert sorted(page.rows[:3].tolist()) == [20, 21, 22]
    assert page.rows[3:].tolist() == [row for row in range(N) if row not in (20, 21, 22)]
    assert (page["sources"][:3] & KIND_BITS[0] > 0).all()
    assert not (page["sources"][3:] & KIND_BITS[0]).any()
    assert {SOURCE_NAMES[i] for i in page["main_source"][:3]} == {"explore"}
    assert (page["propensity"][:3] < 1).sum() == 2  # of the last one left it is certain


def test_an_upload_in_its_first_day_comes_before_an_archive_that_few_have_met() -> None:
    uploaded = np.full(N, NOW_MS - 9 * DAY_MS)
    uploaded[25] = NOW_MS - DAY_MS + 1
    catalog = make_catalog(N, uploaded_ms=uploaded)
    stage = ExplorationSlots(lambda request: Exploration(1, 1.0, 0.0))
    met = make_log([Happened(i, 25, watch_seconds=1.0) for i in range(30)])

    def first(log: EventLog | None) -> list[int]:
        requests = [make_request(catalog, viewer=viewer, log=log) for viewer in range(50)]
        return [int(stage(r, pool(list(range(20, 30)))).rows[0]) for r in requests]

    assert first(None).count(25) >= 40
    assert first(met).count(25) <= 10  # the views that were owed have been paid


def test_exploring_goes_to_those_whom_it_costs_least() -> None:
    seen = [Happened(1, row, watch_seconds=20.0 * (row % 2 == 0)) for row in range(20)]
    mine = make_log(seen)  # category 0 to the end, 1 not at all

    def n_exploring(drawn: int, thrift: float) -> int:
        exploration = Exploration(1, 0.5, 0.0, thrift=thrift)
        stage = ExplorationSlots(lambda request: exploration)
        requests = [make_request(CATALOG, mine, viewer=viewer) for viewer in range(100)]
        pages = [stage(r, pool([drawn])) for r in requests]
        return sum(int(page.rows[0]) == drawn for page in pages)

    assert n_exploring(28, 2.0) >= 40  # of the category that is liked
    assert n_exploring(29, 0.0) >= 40
    assert 1 <= n_exploring(29, 1.0) <= 25
    assert n_exploring(29, 6.0) <= 3


def test_share_that_is_owed_is_what_uploads_lack_over_the_views_of_a_day() -> None:
    uploaded = np.full(N, NOW_MS - 9 * DAY_MS)
    uploaded[:4] = NOW_MS - DAY_MS // 2  # each lacks 30 views in 12 hours
    catalog = make_catalog(N, uploaded_ms=uploaded)
    # 100 views an hour for ten days, of a content that is owed nothing
    steady = [
        Happened(i, 9, at_ms=NOW_MS - i * HOUR_MS // 100, watch_seconds=1.0) for i in range(24_000)
    ]

    assert owed_share(make_request(catalog)) == np.inf
    assert owed_share(make_request(make_catalog(N), log=make_log(steady[:9]))) == 0
    share = owed_share(make_request(catalog, log=make_log(steady)))
    assert share == pytest.approx(4 * 30 / 12 / 100, rel=0.02)


def test_the_same_request_is_answered_alike_and_another_viewers_is_not() -> None:
    pages = [explored(0.5, 0.2, list(range(20, 30)), viewer=v).rows.tolist() for v in (1, 1, 2)]

    assert pages[0] == pages[1] != pages[2]


def test_a_topic_shows_the_best_that_is_left_of_it() -> None:
    page = explored(0.0, 1.0, [])

    even = [row for row in page.rows[:10].tolist() if row % 2 == 0]  # categories 0 and 1 by turns
    odd = [row for row in page.rows[:10].tolist() if row % 2 == 1]
    assert even == sorted(even)
    assert odd == sorted(odd)
    assert even
    assert odd


def test_prior_knows_the_viewers_taste_and_what_others_made_of_a_content() -> None:
    crowd = [Happened(i, i % 2, watch_seconds=20.0 * (i % 2 == 0)) for i in range(2, 82)]
    mine = make_log([Happened(1, 4), Happened(1, 7, watch_seconds=1.0)])  # of categories 0 and 1
    request = make_request(CATALOG, mine, log=make_log(crowd))

    prior = prior_rate(request, np.arange(N))

    assert prior[0] > prior[10] > prior[11] > prior[1]  # 0 and 10 are of one category


def test_an_empty_pool_stays_empty() -> None:
    stage = ExplorationSlots(lambda request: Exploration(10, 0.5, 0.5))

    assert len(stage(make_request(CATALOG), pool([]).take(slice(0)))) == 0


class TestColdStart:
    def test_newness_falls_with_what_was_met(self) -> None:
        history = make_log([Happened(1, row) for row in range(10)])

        assert newness(make_request(CATALOG), 10) == 1
        assert newness(make_request(CATALOG, history), 10) == np.exp(-1)

    def test_new_viewers_get_what_they_chose_and_others_what_they_watch(self) -> None:
        catalog = make_catalog(N, creator=np.arange(N), category=np.arange(N))
        stranger = replace(make_request(catalog), stated=np.array([7]))
        history = make_log([Happened(1, row % N) for row in range(300)])
        known = replace(make_request(catalog, history), stated=np.array([7]))
        candidates = pool([])
        cold = ColdStart(lambda request: 1.0, lambda request: 3.0)

        assert cold(stranger, candidates)["score"].argmax() == 7
        assert cold(known, candidates)["score"].argmax() == 0

    def test_new_viewers_get_what_many_watched_long_and_others_what_fits_them(self) -> None:
        good = [Happened(i, 5) for i in range(100)]
        bad = [Happened(i, 0, watch_seconds=1.0) for i in range(100)]
        catalog = make_catalog(N, creator=np.arange(N))
        crowd = make_log(good + bad)
        history = make_log([Happened(1, row % N) for row in range(300)])
        stranger = make_request(catalog, log=crowd)
        known = make_request(catalog, history, log=crowd)
        candidates = pool([])
        cold = ColdStart(lambda request: 1.0, lambda request: 0.0)

        assert cold(stranger, candidates)["score"].argmax() == 5
        assert cold(known, candidates)["score"].argmax() == 0

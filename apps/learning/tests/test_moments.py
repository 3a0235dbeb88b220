"""A moment of the log: what was known, and what may be proposed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from apps.candidates.services import fit_retrieval
from apps.candidates.tests.factories import (
    NOW_MS,
    SMALL,
    Happened,
    make_catalog,
    make_log,
    make_models,
    two_communities,
)
from apps.core.clock import DAY_MS
from apps.events.types import EventFlag
from apps.features.history import Histories
from apps.features.stats import Stats
from apps.learning.moments import Moment, main_surface, moment
from apps.profiles.models import CreatorRelation
from apps.profiles.selectors import Groups, Languages, Stances

N = 40
CATALOG = make_catalog(N)
LOG = two_communities()
FOLLOW, BLOCK = CreatorRelation.Kind.FOLLOW, CreatorRelation.Kind.BLOCK


def make_moment(relations: list[tuple[int, int, int, int]] | None = None) -> Moment:
    """Return the moment after the log; relations: (viewer, creator key, kind, changed_ms)."""
    stats = Stats(CATALOG)
    stats.advance(LOG)
    return Moment(
        at_ms=NOW_MS,
        catalog=CATALOG,
        stats=stats,
        histories=Histories(LOG, CATALOG),
        models=fit_retrieval(LOG, CATALOG, SMALL),
        stances=Stances(np.array(relations or [], np.int64).reshape(-1, 4), NOW_MS),
        languages=Languages(np.array([2, 3]), np.array([1, 0])),
        groups=Groups(np.array([2]), np.array([["en", "18-24"]])),
    )


class TestRequest:
    def test_history_is_the_viewers_own_before_the_moment(self) -> None:
        middle = int(LOG.at_ms[len(LOG) // 2])
        then = replace(make_moment(), at_ms=middle)
        viewer = int(LOG.viewer[len(LOG) // 2])
        history = then.request(viewer).query.history
        mine = LOG.take((LOG.viewer == viewer) & (LOG.at_ms < middle))
        np.testing.assert_array_equal(history.at_ms, mine.at_ms)
        np.testing.assert_array_equal(history.content, mine.content)

    def test_age_group_is_the_one_that_the_viewer_told(self) -> None:
        then = make_moment()
        assert [then.request(viewer).age_group for viewer in (1, 2, 3)] == ["", "18-24", ""]

    def test_language_is_the_one_that_the_viewer_told(self) -> None:
        then = make_moment()
        assert [then.request(viewer).query.language for viewer in (1, 2, 3)] == [-1, 1, 0]

    def test_clock_and_device_are_those_of_the_last_event(self) -> None:
        log = replace(LOG, utc_offset_minutes=LOG.utc_offset_minutes + 120, device=LOG.device + 2)
        then = replace(make_moment(), histories=Histories(log, CATALOG))
        context = then.request(int(LOG.viewer[0])).query.context
        assert (context.utc_offset_minutes, context.device) == (120, 2)
        assert then.request(0).query.context.device == 0

    def test_stranger_has_no_history(self) -> None:
        request = make_moment().request(0)
        assert len(request.query.history) == 0
        assert len(request.stance.followed) == len(request.hidden) == 0

    def test_followed_and_hidden_creators_are_catalog_rows(self) -> None:
        then = make_moment([(1, 102, FOLLOW, NOW_MS - 5), (1, 100, BLOCK, NOW_MS - 5)])
        request = then.request(1)
        assert request.stance.followed.tolist() == [2]
        assert request.hidden.tolist() == [0]
        assert then.request(2).stance.followed.tolist() == []


class TestExcluded:
    def test_what_was_met_is_excluded(self) -> None:
        then = make_moment()
        request = then.request(2)
        assert set(np.flatnonzero(request.excluded())) == set(LOG.content[LOG.viewer == 2])

    def test_what_cannot_be_shown_is_excluded(self) -> None:
        uploaded_ms = CATALOG.uploaded_ms.copy()
        uploaded_ms[7] = NOW_MS + DAY_MS
        catalog = make_catalog(N, uploaded_ms=uploaded_ms, is_servable=np.arange(N) != 3)
        then = replace(make_moment(), catalog=catalog)
        assert np.flatnonzero(then.request(0).excluded()).tolist() == [3, 7]


class TestPool:
    def test_pool_has_nothing_that_is_excluded(self) -> None:
        then = make_moment()
        request = then.request(2)
        pool = then.pool(request)
        assert len(pool) == N - request.excluded().sum()
        assert not request.excluded()[pool.rows].any()

    def test_source_that_fails_is_not_passed_over_offline(self) -> None:
        then = replace(make_moment(), models=make_models(N, index=None))
        with pytest.raises(RuntimeError, match="source:nearest"):
            then.pool(then.request(2))


@pytest.mark.django_db
def test_moment_counts_all_that_it_is_given() -> None:
    then = moment(LOG, CATALOG, make_models(N), NOW_MS)
    assert then.stats.n_events == len(LOG)
    assert then.at_ms == NOW_MS


def test_main_surface_is_where_most_views_happen() -> None:
    log = make_log([Happened(1, 0, surface=s) for s in (0, 2, 2, 1)])
    assert main_surface(log) == 2


def test_main_surface_is_not_that_of_views_whose_page_nobody_wrote_down() -> None:
    # An importer's history has no times and no pages: three views "on page 0" say nothing.
    imputed = [Happened(1, 0, flags=EventFlag.TIME_IMPUTED) for _ in range(3)]
    log = make_log([*imputed, Happened(1, 0, surface=4)])
    assert main_surface(log) == 4


def test_main_surface_of_nothing_is_the_main_feed() -> None:
    assert main_surface(make_log([])) == 0

"""What must not be shown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from apps.candidates.types import Request
from apps.content.tests.factories import NOW_MS, make_catalog
from apps.core.candidates import Candidates
from apps.events.tests.factories import make_log
from apps.events.types import EventLog
from apps.features.stats import Stats
from apps.features.types import Query
from apps.feed import filters
from apps.profiles.types import Stance

CATALOG = make_catalog(12, creators=4)
ALL = Candidates(np.arange(12))


def make_request(catalog: Any = CATALOG, history: EventLog | None = None, **given: Any) -> Request:
    query = Query(viewer=1, at_ms=NOW_MS, history=history or EventLog.empty())
    return Request(query=query, catalog=catalog, stats=Stats(catalog), **given)


def kept(stage: Any, request: Request) -> list[int]:
    return ALL.rows[stage(request, ALL)].tolist()


def test_servable_removes_what_is_hidden_and_what_is_not_out_yet() -> None:
    is_servable = np.ones(12, np.bool_)
    is_servable[3] = False
    uploaded_ms = CATALOG.uploaded_ms.copy()
    uploaded_ms[[4, 5]] = NOW_MS, NOW_MS + 1
    catalog = replace(CATALOG, is_servable=is_servable, uploaded_ms=uploaded_ms)

    assert kept(filters.Servable(), make_request(catalog)) == [0, 1, 2, 4, 6, 7, 8, 9, 10, 11]


def test_withheld_are_adults_only_contents_and_those_of_limited_reach() -> None:
    is_age_restricted, is_reach_limited = np.zeros(12, np.bool_), np.zeros(12, np.bool_)
    is_age_restricted[[0, 1]] = is_reach_limited[[1, 2]] = True
    catalog = replace(
        CATALOG, is_age_restricted=is_age_restricted, is_reach_limited=is_reach_limited
    )
    fan = Stance(followed=np.array([1, 2]))  # of the creators of rows 1, 5, 9 and 2, 6, 10

    def seen(**viewer: Any) -> set[int]:
        return {0, 1, 2} & set(kept(filters.Withheld(), make_request(catalog, **viewer)))

    assert seen() == set()
    assert seen(age_group="13-17") == set()
    assert seen(age_group="18-24") == {0}
    assert seen(stance=fan) == {2}
    assert seen(age_group="55+", stance=fan) == {0, 1, 2}


def test_already_seen_removes_what_is_in_the_history() -> None:
    log = make_log(CATALOG, 5)
    history = replace(log, content=np.array([2, -1, 5, 5, 11]))

    found = kept(filters.AlreadySeen(), make_request(history=history))

    assert found == [0, 1, 3, 4, 6, 7, 8, 9, 10]


def test_recently_served_removes_what_was_served() -> None:
    found = kept(filters.RecentlyServed(), make_request(served=np.array([0, 7, -1])))

    assert found == [1, 2, 3, 4, 5, 6, 8, 9, 10, 11]


def test_own_content_removes_what_the_viewer_made() -> None:
    assert kept(filters.OwnContent(), make_request(own_creator=1)) == [0, 2, 3, 4, 6, 7, 8, 10, 11]


def test_viewer_who_makes_nothing_loses_nothing() -> None:
    assert kept(filters.OwnContent(), make_request()) == list(range(12))


def test_hidden_creators_are_removed() -> None:
    found = kept(
        filters.HiddenCreators(), make_request(stance=Stance(blocked=np.array([0, 3, -1])))
    )

    assert found == [1, 2, 5, 6, 9, 10]


def test_filters_take_no_candidates() -> None:
    nothing = Candidates(np.empty(0, np.int64))
    request = make_request()

    for stage in (
        filters.Servable(),
        filters.AlreadySeen(),
        filters.RecentlyServed(),
        filters.OwnContent(),
        filters.HiddenCreators(),
    ):
        assert len(stage(request, nothing)) == 0

"""Groups of creators by what their contents were shown, and their guaranteed places."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from apps.candidates.tests.factories import (
    NOW_MS,
    Happened,
    make_catalog,
    make_log,
    make_request,
)
from apps.candidates.types import Request
from apps.core.candidates import Candidates
from apps.core.clock import DAY_MS
from apps.ranking.exposure import LARGE, NEW, SMALL, ExposureGuarantee, Guarantee, groups


def asked(uploaded_days: list[int], views: list[int]) -> Request:
    """Return a request among as many creators, of one content each."""
    n = len(views)
    catalog = make_catalog(
        n, creator=np.arange(n), uploaded_ms=NOW_MS - np.array(uploaded_days) * DAY_MS
    )
    seen = [Happened(viewer, row) for row, k in enumerate(views) for viewer in range(k)]
    return make_request(catalog, log=make_log(seen))


def page(request: Request, scores: list[float], **changed: Any) -> list[int]:
    wanted = Guarantee(slots=4, pool=8, new=0.5, small=0.5, quantile=0.5, tolerance=1.0)._replace(
        **changed
    )
    candidates = Candidates(np.arange(len(scores)), {"score": np.array(scores)})
    return ExposureGuarantee(lambda request: wanted)(request, candidates).rows.tolist()


def test_creators_are_new_small_or_large() -> None:
    request = asked([3, 60, 60, 60, 60], [50, 1, 2, 30, 40])

    assert groups(request, 0.5).tolist() == [NEW, SMALL, SMALL, LARGE, LARGE]


def test_a_creator_who_came_since_the_groups_were_made_is_new() -> None:
    before, after = asked([60, 60], [4, 1]), asked([60, 60, 0], [4, 1, 0])
    groups(before, 0.5)

    assert groups(replace(after, stats=before.stats), 0.5).tolist() == [LARGE, SMALL, NEW]


def test_small_creators_get_the_places_they_are_guaranteed() -> None:
    request = asked([60] * 4, [40, 30, 2, 1])

    assert page(request, [4, 3, 2, 1]) == [0, 2, 1, 3]


def test_without_a_share_or_a_tolerance_the_order_stays() -> None:
    request = asked([60] * 4, [40, 30, 2, 1])

    assert page(request, [4, 3, 2, 1], new=0.0, small=0.0) == [0, 1, 2, 3]
    assert page(request, [4, 3, 2, 1], tolerance=0.0) == [0, 1, 2, 3]


def test_what_sank_costs_nothing_to_leave_behind() -> None:
    request = asked([60] * 4, [40, 30, 2, 1])

    assert sorted(page(request, [4, 3, -np.inf, 1])) == [0, 1, 2, 3]

"""Requests whose catalogue is older than the counters, or than another request's."""

from __future__ import annotations

import numpy as np
import pytest

from apps.candidates.sources import SOURCES
from apps.candidates.sources.crowd import Fresh, Popular
from apps.candidates.types import Request
from apps.content.tests.factories import NOW_MS, make_catalog
from apps.content.types import Catalog
from apps.events.tests.factories import make_log
from apps.events.types import EventLog
from apps.features.stats import Stats
from apps.features.types import Query

OLDER, NEWER = make_catalog(20), make_catalog(30)
SHARED = [source for source in SOURCES if isinstance(source, Popular | Fresh)]


def make_request(catalog: Catalog, stats: Stats) -> Request:
    return Request(Query(viewer=1, at_ms=NOW_MS, history=EventLog.empty()), catalog, stats)


@pytest.mark.parametrize("source", SHARED, ids=lambda s: s.name)
def test_order_made_for_a_newer_catalogue_serves_an_older_one(source: Popular | Fresh) -> None:
    stats = Stats(NEWER)
    stats.advance(make_log(NEWER, 400))
    source(make_request(NEWER, stats))

    rows = source(make_request(OLDER, stats)).top(100, np.zeros(len(OLDER), np.bool_))

    assert 0 < len(rows) <= len(OLDER)
    assert rows.max() < len(OLDER)


@pytest.mark.parametrize("source", SHARED, ids=lambda s: s.name)
def test_counters_ahead_of_the_catalogue_do_not_fail_a_source(source: Popular | Fresh) -> None:
    stats = Stats(NEWER)
    stats.advance(make_log(NEWER, 400))

    scores = source(make_request(OLDER, stats))

    assert scores.top(100, np.zeros(len(OLDER), np.bool_)).max() < len(OLDER)

"""Histories: of many viewers at once, and of one in a request."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from apps.content.tests.factories import DAY_MS, HOUR_MS, NOW_MS, make_catalog
from apps.events.tests.factories import make_log
from apps.events.types import EventLog, EventType
from apps.features.history import Histories, History, cut_one, event_weights

CATALOG = make_catalog(30)
LOG = make_log(CATALOG, 600)
VIEWERS = range(1, 8)  # the last one has no events


def assert_same(found: History, expected: History) -> None:
    for field in fields(History):
        np.testing.assert_allclose(
            getattr(found, field.name), getattr(expected, field.name), rtol=1e-6, atol=1e-6
        )


def own(viewer: int, at_ms: int) -> EventLog:
    log = LOG.before(at_ms)
    return log.take(log.viewer == viewer)


@pytest.mark.parametrize("at_ms", [NOW_MS, NOW_MS - 5 * DAY_MS, int(LOG.at_ms[300]), 0])
@pytest.mark.parametrize("slots", [1, 10, 100])
def test_cut_of_many_is_the_cut_of_each(at_ms: int, slots: int) -> None:
    moments = np.full(len(VIEWERS), at_ms)

    block = Histories(LOG, CATALOG).cut(np.array(VIEWERS), moments, slots=slots)

    for i, viewer in enumerate(VIEWERS):
        one = cut_one(own(viewer, at_ms), CATALOG, at_ms, slots=slots)
        row = History(**{f.name: getattr(block, f.name)[i : i + 1] for f in fields(History)})
        assert_same(row, one)


def test_viewers_may_be_cut_at_different_moments() -> None:
    histories = Histories(LOG, CATALOG)
    moments = np.array([NOW_MS, NOW_MS - 3 * DAY_MS, NOW_MS - 9 * DAY_MS])

    block = histories.cut(np.array([1, 2, 1]), moments, slots=10)

    for i, (viewer, at_ms) in enumerate(zip([1, 2, 1], moments.tolist(), strict=True)):
        one = cut_one(own(viewer, at_ms), CATALOG, at_ms, slots=10)
        np.testing.assert_array_equal(block.content[i], one.content[0])


def test_event_at_the_moment_itself_is_not_in_the_history() -> None:
    at_ms, viewer = int(LOG.at_ms[300]), int(LOG.viewer[300])

    seen = Histories(LOG, CATALOG).events_of(viewer, at_ms)

    assert (seen.at_ms < at_ms).all()


def test_newest_event_comes_first() -> None:
    block = Histories(LOG, CATALOG).cut(np.array([1]), np.array([NOW_MS]), slots=20)

    assert (np.diff(block.hours_ago[0]) >= 0).all()


def test_viewer_without_events_has_empty_slots() -> None:
    block = Histories(LOG, CATALOG).cut(np.array([99]), np.array([NOW_MS]), slots=5)

    assert block.content.tolist() == [[-1] * 5]
    assert block.weight.sum() == block.is_view.sum() == block.hours_ago.sum() == 0


def test_empty_log_gives_empty_histories() -> None:
    block = Histories(EventLog.empty(), CATALOG).cut(np.array([1, 2]), np.full(2, NOW_MS), slots=3)

    assert block.content.tolist() == [[-1] * 3] * 2
    assert_same(
        cut_one(EventLog.empty(), CATALOG, NOW_MS, slots=3),
        History(*(getattr(block, f.name)[:1] for f in fields(History))),
    )


def test_events_without_a_content_take_no_slot() -> None:
    log = replace(LOG, content=np.full(len(LOG), -1))

    block = Histories(log, CATALOG).cut(np.array([1]), np.array([NOW_MS]), slots=3)

    assert block.content.tolist() == [[-1] * 3]


def test_weight_of_a_view_is_given_by_whether_it_was_long() -> None:
    log = LOG.take(LOG.kind == EventType.VIEW)

    weight, is_view, is_long = event_weights(log, CATALOG)

    assert is_view.all()
    assert (weight[is_long] == 1).all()
    assert (weight[~is_long] < 0).all()
    assert 0 < is_long.sum() < len(log)


@pytest.mark.parametrize(
    ("kind", "sign"),
    [
        (EventType.LIKE, 1),
        (EventType.SHARE, 1),
        (EventType.SAVE, 1),
        (EventType.SKIP, -1),
        (EventType.HIDE, -1),
        (EventType.REPORT, -1),
        (EventType.UNFOLLOW, 0),
    ],
)
def test_weight_speaks_for_or_against(kind: EventType, sign: int) -> None:
    log = replace(LOG, kind=np.full(len(LOG), kind, np.int8))

    weight, is_view, _ = event_weights(log, CATALOG)

    assert not is_view.any()
    assert (np.sign(weight) == sign).all()


def test_hours_are_hours() -> None:
    log = LOG.take(slice(-1, None))
    log = replace(log, content=np.array([3]), at_ms=np.array([NOW_MS - 2 * HOUR_MS]))

    assert cut_one(log, CATALOG, NOW_MS).hours_ago[0, 0] == 2

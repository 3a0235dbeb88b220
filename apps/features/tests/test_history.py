"""Histories: of many viewers at once, and of one in a request."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from apps.content.tests.factories import DAY_MS, HOUR_MS, NOW_MS, make_catalog
from apps.events.tests.factories import make_log
from apps.events.types import EventLog, EventType
from apps.features.history import Histories, History, Summed, cut_one, event_weights

CATALOG = make_catalog(30)
LOG = make_log(CATALOG, 600)
VIEWERS = range(1, 8)  # the last one has no events


def assert_same(found: History, expected: History) -> None:
    for field in fields(History):
        one, other = getattr(found, field.name), getattr(expected, field.name)
        if field.name in {"creator", "sound", "category", "tag_share"}:
            one, other = one * found.is_filled, other * expected.is_filled
        if field.name != "tags":  # as many columns as the log needs
            np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-6)


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


def test_newest_event_comes_last() -> None:
    block = Histories(LOG, CATALOG).cut(np.array([1]), np.array([NOW_MS]), slots=20)

    assert (np.diff(block.hours_ago[0]) <= 0).all()
    assert block.is_filled.all()


def test_slots_carry_what_the_catalogue_says_of_the_content() -> None:
    block = Histories(LOG, CATALOG).cut(np.array([1, 2]), np.full(2, NOW_MS), slots=50)

    filled = block.is_filled
    for name in ("creator", "sound", "category"):
        column = getattr(CATALOG, name)[block.content]
        np.testing.assert_array_equal(getattr(block, name)[filled], column[filled])
    tags = np.sort(block.tags.transpose(0, 2, 1), axis=2)
    expected = np.sort(CATALOG.tags[block.content][..., : tags.shape[2]], axis=2)
    np.testing.assert_array_equal(tags[filled], expected[filled])


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

    assert cut_one(log, CATALOG, NOW_MS).hours_ago[0, -1] == 2


def own_events(*events: tuple[float, EventType, float], content: int = 1) -> EventLog:
    """Return viewer 1's events about one content: minutes before now, type, seconds watched."""
    n = len(events)
    minutes, kinds, watch = zip(*events, strict=True)
    log = LOG.take(slice(0, n))
    return replace(
        log,
        viewer=np.ones(n, np.int64),
        content=np.full(n, content),
        kind=np.array(kinds, np.int8),
        at_ms=NOW_MS - (np.array(minutes) * 60_000).astype(np.int64),
        watch_seconds=np.array(watch, np.float32),
        flags=np.zeros(n, np.int16),
        network_ms=np.full(n, np.nan, np.float32),
    )


V, LIKE = EventType.VIEW, EventType.LIKE


class TestSessions:
    @pytest.mark.parametrize(
        ("gap_ms", "views"), [(30 * 60_000 - 1, 2), (30 * 60_000, 2), (30 * 60_000 + 1, 1)]
    )
    def test_more_than_half_an_hour_after_the_end_of_a_view_begins_a_new_one(
        self, gap_ms: int, views: int
    ) -> None:
        log = own_events((100, V, 60), (0, V, 5))
        # The first view ends a minute after it began.
        log = replace(log, at_ms=np.array([NOW_MS - gap_ms - 60_000, NOW_MS]))

        h = cut_one(log, CATALOG, NOW_MS + 1)

        assert h.session_sums[0, Summed.VIEW] == views
        assert h.n_ended[0] == 2 - views

    def test_like_during_a_long_view_does_not_end_it_early(self) -> None:
        # 40 minutes watched, liked after one: the next view comes 5 minutes after the end.
        log = own_events((50, V, 40 * 60), (49, LIKE, np.nan), (5, V, 10))

        h = cut_one(log, CATALOG, NOW_MS)

        assert h.session_slots[0] == 3
        assert h.session_hours[0] == pytest.approx(50 / 60)

    def test_session_is_over_when_the_viewer_has_been_away(self) -> None:
        h = cut_one(own_events((60, V, 10), (50, V, 10)), CATALOG, NOW_MS)

        assert h.session_slots[0] == h.session_hours[0] == h.session_sums[0, Summed.VIEW] == 0
        assert h.n_ended[0] == 1

    def test_length_of_a_session_is_from_its_first_event_to_its_last_end(self) -> None:
        # Ended: 600–590 min ago and 30 s of watching, 300 min ago 60 s. Going on: since 3 min.
        log = own_events((600, V, 10), (590, V, 30), (300, V, 60), (3, V, 20), (1, V, 20))

        h = cut_one(log, CATALOG, NOW_MS)

        ended = h.sums - h.session_sums
        assert h.n_ended[0] == 2
        assert ended[0, Summed.SESSION_HOURS] * 60 == pytest.approx(10.5 + 1)
        assert h.session_hours[0] * 60 == pytest.approx(3)


class TestLastViews:
    def test_streak_is_the_views_since_the_last_long_one(self) -> None:
        log = own_events((9, V, 1), (8, V, 70), (7, V, 1), (6, LIKE, np.nan), (5, V, 1))

        assert cut_one(log, CATALOG, NOW_MS).streak.tolist() == [2]

    def test_without_a_long_view_all_views_are_a_streak(self) -> None:
        log = own_events((9, V, 1), (8, LIKE, np.nan), (7, V, 1))

        assert cut_one(log, CATALOG, NOW_MS).streak.tolist() == [2]

    def test_last_views_are_counted_in_views(self) -> None:
        log = own_events(*((20.0 - i, (V, LIKE)[i % 2], 1.0) for i in range(14)))

        h = cut_one(log, CATALOG, NOW_MS)

        # 7 views, a like after each: the last one began 2 events ago, the fifth last 10.
        assert h.last_slots.tolist() == [[2, 10, 14]]
        assert h.last_sums[0, :, Summed.VIEW].tolist() == [1, 5, 7]


def test_network_is_what_was_measured_last() -> None:
    measured = np.arange(1, 13, dtype=np.float32)
    measured[[3, 10]] = np.nan
    log = own_events(*((20.0 - i, V, 1.0) for i in range(12)))
    log = replace(log, network_ms=measured)

    h = cut_one(log, CATALOG, NOW_MS)

    assert h.network_ms.tolist() == [[12, 10, 9, 8, 7, 6, 5, 3]]

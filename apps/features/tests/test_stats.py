"""What is counted about contents and what stands above them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from apps.content.tests.factories import HOUR_MS, NOW_MS, make_catalog
from apps.core import later
from apps.events.tests.factories import make_log
from apps.events.types import EventLog, EventType
from apps.features.stats import (
    CATEGORIZED,
    DAY,
    ENTITIES,
    EVER,
    EVERYTHING,
    Counted,
    Stats,
    part_of_day,
)
from apps.features.tests.factories import make_stats

CATALOG = make_catalog(30)
LOG = make_log(CATALOG, 500)


def make_events(kind: EventType, content: list[int], watch: float = 30.0) -> EventLog:
    n = len(content)
    return (
        make_log(CATALOG, n)
        .take(slice(0, n))
        .__class__(
            viewer=np.ones(n, np.int64),
            content=np.array(content),
            creator=CATALOG.creator[content],
            kind=np.full(n, kind, np.int8),
            at_ms=np.full(n, NOW_MS),
            watch_seconds=np.full(n, watch, np.float32),
            flags=np.zeros(n, np.int16),
            surface=np.zeros(n, np.int16),
            utc_offset_minutes=np.zeros(n, np.int16),
            device=np.zeros(n, np.int8),
            network_ms=np.full(n, np.nan, np.float32),
        )
    )


def ever(stats: Stats, entity: str, row: int) -> list[float]:
    return stats.by[entity].at(np.array([row]), NOW_MS)[0, :, EVER].tolist()


@pytest.mark.parametrize("size", [1, 7, 100, 499])
def test_streaming_in_chunks_counts_what_counting_at_once_does(size: int) -> None:
    streamed, at_once = Stats(CATALOG), make_stats(LOG, CATALOG)

    for start in range(0, len(LOG), size):
        streamed.advance(LOG.take(slice(start, start + size)))

    assert streamed.n_events == at_once.n_events == len(LOG)
    for name in ENTITIES:
        rows = np.arange(len(at_once.by[name].sums))
        np.testing.assert_allclose(
            streamed.by[name].at(rows, NOW_MS), at_once.by[name].at(rows, NOW_MS), atol=1e-9
        )


def test_shuffled_log_counts_the_same() -> None:
    shuffled = LOG.take(np.random.default_rng(1).permutation(len(LOG)))

    expected = make_stats(LOG, CATALOG).popularity(DAY, NOW_MS)

    found = make_stats(shuffled, CATALOG).popularity(DAY, NOW_MS)
    np.testing.assert_allclose(found, expected, atol=1e-9)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (EventType.VIEW, {Counted.VIEW, Counted.LONG_VIEW, Counted.COMPLETE}),
        (EventType.LIKE, {Counted.LIKE}),
        (EventType.COMMENT, {Counted.COMMENT}),
        (EventType.SHARE, {Counted.SHARE}),
        (EventType.SAVE, {Counted.SAVE}),
        (EventType.FOLLOW, {Counted.SHARE}),
        (EventType.SKIP, {Counted.NEGATIVE}),
        (EventType.HIDE, {Counted.NEGATIVE}),
        (EventType.REPORT, {Counted.NEGATIVE}),
        (EventType.UNLIKE, set()),
        (EventType.CONTENT_UPLOAD, set()),
    ],
)
def test_each_type_counts_as_what_it_means(kind: EventType, expected: set[Counted]) -> None:
    # Content 4 lasts less than the 60 s that it is watched.
    stats = make_stats(make_events(kind, [4], watch=60), CATALOG)

    counts = [float(counted in expected) for counted in Counted]
    assert ever(stats, "content", 4) == counts
    assert ever(stats, "creator", CATALOG.creator[4]) == counts
    assert stats.total.at(np.array([0]), NOW_MS)[0, :, EVER].tolist() == counts


def test_short_view_is_no_long_view() -> None:
    stats = make_stats(make_events(EventType.VIEW, [1], watch=0.5), CATALOG)

    assert ever(stats, "content", 1) == [1, *[0] * 7]


def test_counts_of_a_creator_are_the_sum_over_their_contents() -> None:
    stats = make_stats(LOG, CATALOG)

    views = stats.by["content"].all_at(Counted.VIEW, EVER, NOW_MS)[: len(CATALOG)]

    by_creator = np.bincount(CATALOG.creator, views)
    found = stats.by["creator"].all_at(Counted.VIEW, EVER, NOW_MS)[: len(by_creator)]
    np.testing.assert_allclose(found, by_creator)


def test_event_counts_for_each_of_its_tags() -> None:
    tagged = int(np.flatnonzero((CATALOG.tags >= 0).sum(axis=1) == 3)[0])
    stats = make_stats(make_events(EventType.VIEW, [tagged, tagged]), CATALOG)

    views = stats.by["tag"].all_at(Counted.VIEW, EVER, NOW_MS)

    mine = CATALOG.tags[tagged, :3]
    assert views[mine].tolist() == [2, 2, 2]
    assert views.sum() == 6


def test_totals_tell_events_about_a_category_apart() -> None:
    without = int(np.flatnonzero(CATALOG.category < 0)[0])
    within = int(np.flatnonzero(CATALOG.category >= 0)[0])
    stats = make_stats(make_events(EventType.LIKE, [without, within, within]), CATALOG)

    totals = stats.total.at(np.array([EVERYTHING, CATEGORIZED]), NOW_MS)

    assert totals[:, Counted.LIKE, EVER].tolist() == [3, 2]


@pytest.mark.parametrize(
    ("local", "part"),
    [("21:59", 5), ("22:00", 0), ("01:59", 0), ("02:00", 1), ("12:30", 3), ("18:00", 5)],
)
@pytest.mark.parametrize("utc_offset_minutes", [0, 120, -570])
def test_part_of_the_day_is_by_the_viewers_clock(
    local: str, part: int, utc_offset_minutes: int
) -> None:
    hours, minutes = map(int, local.split(":"))
    local_minutes = 20_000 * 24 * 60 + hours * 60 + minutes
    at_ms = np.array([(local_minutes - utc_offset_minutes) * 60_000])

    assert part_of_day(at_ms, np.array([utc_offset_minutes])).tolist() == [part]


def test_events_without_a_content_count_for_nothing() -> None:
    nowhere = replace(LOG, content=np.full(len(LOG), -1))

    assert make_stats(nowhere, CATALOG).popularity(EVER, NOW_MS).sum() == 0


def test_popularity_is_long_views_and_a_third_of_the_others() -> None:
    stats = make_stats(make_events(EventType.VIEW, [4, 4]), CATALOG)
    stats.advance(make_events(EventType.VIEW, [4], watch=0.5))

    assert stats.popularity(EVER, NOW_MS)[4] == pytest.approx(2.3)


def test_new_contents_can_be_counted_after_following_the_catalogue() -> None:
    stats = make_stats(LOG, CATALOG)
    larger = make_catalog(40)

    stats.follow(larger)
    stats.advance(replace(make_events(EventType.VIEW, [4]), content=np.array([39])))

    assert len(stats.popularity(EVER, NOW_MS)) == 40
    assert ever(stats, "content", 39)[Counted.VIEW] == 1


def test_shared_value_is_made_once_a_second() -> None:
    stats = Stats(CATALOG)
    made: list[int] = []

    for at_ms in (NOW_MS, NOW_MS + 500, NOW_MS + 999, NOW_MS + 1000, NOW_MS + HOUR_MS):
        stats.shared("key", at_ms, lambda at=at_ms: made.append(at))  # type: ignore[misc]

    assert made == [NOW_MS, NOW_MS + 1000, NOW_MS + HOUR_MS]


def test_shared_value_that_is_a_little_old_is_made_anew_beside_requests(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(later, "_is_served", True)
    stats = Stats(CATALOG)

    def read(at_ms: int) -> int:
        return stats.shared("key", at_ms, lambda: at_ms)

    assert [read(NOW_MS), read(NOW_MS + 1500), read(NOW_MS + 1600)] == [NOW_MS] * 3
    later.do_wanted()
    assert read(NOW_MS + 1700) == NOW_MS + 1500
    assert read(NOW_MS + 9000) == NOW_MS + 9000  # nobody waits for what is too old to serve
    assert read(NOW_MS) == NOW_MS  # nor for what a moment in the past must not know

"""Point-in-time features: training sees what serving saw, and nothing later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.content.tests.factories import DAY_MS, HOUR_MS, NOW_MS, make_catalog
from apps.content.types import Catalog
from apps.events.tests.factories import make_log
from apps.events.types import EventLog, EventType
from apps.features.definitions import GROUPS, NAMES, SCHEMA, compute
from apps.features.definitions.base import Feature, FeatureGroup
from apps.features.history import Histories
from apps.features.replay import Pairs, pair_view, replay
from apps.features.stats import Stats
from apps.features.tests.factories import make_pairs, make_stats, serving_view
from apps.features.view import View

CATALOG = make_catalog(30)
LOG = make_log(CATALOG, 600)
PAIRS = make_pairs(CATALOG, NOW_MS - np.arange(40) * 11 * HOUR_MS - 12_345)


def with_events(log: EventLog, *, at_ms: int, n: int = 5, viewer: int = 1) -> EventLog:
    """Return the log with n likes of contents 0…n−1 planted at one moment."""
    planted = log.take(slice(0, n))
    planted = replace(
        planted,
        viewer=np.full(n, viewer),
        content=np.arange(n),
        kind=np.full(n, EventType.LIKE, np.int8),
        at_ms=np.full(n, at_ms),
    )
    return EventLog.concat([log, planted])


@pytest.mark.parametrize("log", [LOG, EventLog.empty()], ids=["log", "nothing"])
def test_features_are_finite_or_missing(log: EventLog) -> None:
    features = replay(log, CATALOG, PAIRS)

    assert features.shape == (len(PAIRS), len(SCHEMA))
    assert features.dtype == np.float32
    assert not np.isinf(features).any()


@pytest.mark.parametrize("moments", [PAIRS.at_ms, LOG.at_ms[300:340], LOG.at_ms[300:340] + 1])
def test_replayed_features_are_those_of_serving(moments: np.ndarray) -> None:
    pairs = make_pairs(CATALOG, moments)

    replayed = replay(LOG, CATALOG, pairs)

    for i in range(len(pairs)):
        stats = make_stats(LOG.before(int(pairs.at_ms[i])), CATALOG)
        served = compute(serving_view(pairs, i, LOG, CATALOG, stats))
        np.testing.assert_allclose(replayed[i], served[0], rtol=1e-6, atol=1e-6)


def test_replay_may_pause_for_years() -> None:
    late = make_pairs(CATALOG, np.array([NOW_MS - 5 * DAY_MS, NOW_MS, NOW_MS + 900 * DAY_MS]))

    replayed = replay(LOG, CATALOG, late)

    for i in range(len(late)):
        stats = make_stats(LOG.before(int(late.at_ms[i])), CATALOG)
        served = compute(serving_view(late, i, LOG, CATALOG, stats))
        np.testing.assert_allclose(replayed[i], served[0], rtol=1e-6, atol=1e-6)


def test_many_candidates_of_one_request_get_the_features_of_each_alone() -> None:
    stats = make_stats(LOG, CATALOG)
    rows = np.arange(len(CATALOG))

    together = compute(serving_view(PAIRS, 0, LOG, CATALOG, stats, rows=rows))

    for row in rows:
        alone = serving_view(PAIRS, 0, LOG, CATALOG, stats, rows=rows[row : row + 1])
        np.testing.assert_allclose(together[row], compute(alone)[0], rtol=1e-6, atol=1e-6)


def grown(catalog: Catalog, n: int) -> Catalog:
    """Return the catalogue after n more uploads, with new creators, sounds, tags, categories."""
    more = make_catalog(len(catalog) + n, creators=9, seed=5)

    def joined(old: np.ndarray, new: np.ndarray, shift: int) -> np.ndarray:
        tail = new[len(catalog) :]
        return np.concatenate([old, np.where(tail < 0, -1, tail + shift)])

    return replace(
        more,
        creator=joined(catalog.creator, more.creator, len(catalog.creator_pk)),
        creator_pk=np.arange(len(catalog.creator_pk) + 9) + 100,
        creator_pk_order=np.arange(len(catalog.creator_pk) + 9),
        sound=joined(catalog.sound, more.sound, catalog.n_sounds),
        category=joined(catalog.category, more.category, len(catalog.categories)),
        language=joined(catalog.language, more.language, len(catalog.languages)),
        tags=joined(catalog.tags, more.tags, catalog.n_tags),
        duration_seconds=np.concatenate(
            [catalog.duration_seconds, more.duration_seconds[len(catalog) :]]
        ),
        uploaded_ms=np.concatenate([catalog.uploaded_ms, more.uploaded_ms[len(catalog) :]]),
        categories=tuple(f"c{i}" for i in range(2 * len(catalog.categories))),
        languages=tuple(f"l{i}" for i in range(2 * len(catalog.languages))),
        n_sounds=2 * catalog.n_sounds,
        n_tags=2 * catalog.n_tags,
        # What moderation and edits change: nothing of it may reach a feature.
        is_servable=np.zeros(len(more), np.bool_),
        changed_ms=np.full(len(more), NOW_MS + DAY_MS),
    )


def cheat(log: EventLog) -> FeatureGroup:
    """Return a feature that knows what comes: the events of the hour after the moment."""

    def value(view: View) -> np.ndarray:
        at_ms = view.asked.at_ms[:, None]
        follows = (log.at_ms >= at_ms) & (log.at_ms < at_ms + HOUR_MS)
        return follows.sum(axis=1, keepdims=True).astype(np.float32)

    return FeatureGroup("cheat", (Feature("next_hour", "", 0, 1e9),), value, "request")


class TestTheFuture:
    """Whatever happens at or after the moment of a pair, its features stay what they were."""

    @settings(deadline=None, max_examples=25)
    @given(
        seed=st.integers(0, 10_000),
        pair=st.integers(0, len(PAIRS) - 1),
        after_ms=st.sampled_from([0, 1, 999, 1000, HOUR_MS, 3 * DAY_MS]),
        uploads=st.integers(0, 12),
    )
    def test_no_feature_knows_it(self, seed: int, pair: int, after_ms: int, uploads: int) -> None:
        at_ms = int(PAIRS.at_ms[pair])
        log = make_log(CATALOG, 200, seed=seed)
        catalog = grown(CATALOG, uploads)
        later = make_log(catalog, 100, seed=seed + 1)
        later = replace(later, at_ms=np.sort(at_ms + after_ms + later.at_ms % (2 * DAY_MS)))
        earlier = PAIRS.take(PAIRS.at_ms <= at_ms)

        with_future = replay(EventLog.concat([log, later]), catalog, earlier)

        # Not to the last bit: how numbers are summed depends on where memory happens to lie.
        alone = replay(log.before(at_ms), CATALOG, earlier)
        np.testing.assert_allclose(with_future, alone, rtol=1e-6, atol=1e-6)

    def test_no_other_pair_brings_it(self) -> None:
        together = replay(LOG, CATALOG, PAIRS)

        for i in (0, 7, 20):
            alone = replay(LOG, CATALOG, PAIRS.take(slice(i, i + 1)))
            np.testing.assert_allclose(alone[0], together[i], rtol=1e-6, atol=1e-6)

    def test_outcome_of_an_event_is_not_in_its_own_features(self) -> None:
        pairs = Pairs.of_events(LOG.take(LOG.content >= 0))
        known = np.flatnonzero(LOG.content >= 0)
        before = replay(LOG, CATALOG, pairs)

        for i in (50, 200, 400):
            row = int(known[i])
            watch, kind, flags = LOG.watch_seconds.copy(), LOG.kind.copy(), LOG.flags.copy()
            network = LOG.network_ms.copy()
            watch[row], kind[row], flags[row], network[row] = 3600, EventType.HIDE, 1, 5
            changed = replace(LOG, watch_seconds=watch, kind=kind, flags=flags, network_ms=network)
            upto = pairs.at_ms <= pairs.at_ms[i]
            after = replay(changed, CATALOG, Pairs.of_events(changed.take(known)).take(upto))
            np.testing.assert_array_equal(after, before[upto])

    def test_a_feature_that_asks_for_it_is_caught(self) -> None:
        # The cheat is handed the log from outside, as a view has none to give: it counts the
        # events of the hour that follows. All honest groups pass the very same check.
        at_ms = int(PAIRS.at_ms[20])
        pair, future = PAIRS.take(slice(20, 21)), with_events(LOG, at_ms=at_ms)

        def seen(log: EventLog, groups: tuple[FeatureGroup, ...]) -> np.ndarray:
            stats, histories = Stats(CATALOG), Histories(log, CATALOG)
            view = pair_view(pair, CATALOG, stats, histories, log.between(at_ms - DAY_MS, at_ms))
            return compute(view, groups)

        def is_blind(honest_or_not: Callable[[EventLog], FeatureGroup]) -> bool:
            now, later = (seen(log, (honest_or_not(log),)) for log in (LOG, future))
            return np.array_equal(now, later, equal_nan=True)

        assert not is_blind(cheat)
        assert all(is_blind(lambda _, group=group: group) for group in GROUPS)

    @pytest.mark.parametrize("wanted", ["log", "stats", "catalog", "histories", "is_servable"])
    def test_a_view_does_not_hold_it(self, wanted: str) -> None:
        view = serving_view(PAIRS, 0, LOG, CATALOG, make_stats(LOG, CATALOG))

        parts = (view, view.facts, view.history, view.asked, view.counts, view.totals)

        assert not any(hasattr(part, wanted) for part in parts)


def test_features_change_with_an_earlier_event() -> None:
    at_ms = int(PAIRS.at_ms[20])
    later = PAIRS.take(PAIRS.at_ms > at_ms)

    changed = replay(with_events(LOG, at_ms=at_ms), CATALOG, later)

    assert not np.array_equal(changed, replay(LOG, CATALOG, later), equal_nan=True)


def test_event_a_millisecond_before_the_moment_counts() -> None:
    pair = PAIRS.take(slice(20, 21))
    log = with_events(LOG, at_ms=int(pair.at_ms[0]) - 1, viewer=99)
    pair = replace(pair, content=np.array([0]))
    column = NAMES.index("content_like_rate_ever")

    changed = replay(log, CATALOG, pair)[0, column]

    assert changed > replay(LOG, CATALOG, pair)[0, column]


def test_replay_of_no_pairs_is_empty() -> None:
    none = PAIRS.take(slice(0, 0))

    assert replay(LOG, CATALOG, none).shape == (0, len(SCHEMA))

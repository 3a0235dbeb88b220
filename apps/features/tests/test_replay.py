"""Point-in-time features: training sees what serving saw, and nothing later."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from apps.content.tests.factories import DAY_MS, HOUR_MS, NOW_MS, make_catalog
from apps.events.tests.factories import make_log
from apps.events.types import EventLog, EventType
from apps.features.replay import STEP_MS, Pairs, replay
from apps.features.selectors import GROUPS, NAMES, SCHEMA, compute
from apps.features.stats import Stats
from apps.features.tests.factories import make_pairs, make_stats, serving_view

CATALOG = make_catalog(30)
LOG = make_log(CATALOG, 600)
STEPS = (NOW_MS - np.arange(40) * 11 * HOUR_MS) // STEP_MS * STEP_MS  # each starts a step
PAIRS = make_pairs(CATALOG, STEPS)


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


def test_names_are_unique_and_described() -> None:
    assert len(set(NAMES)) == len(NAMES) == len(SCHEMA)
    assert all(feature.doc for feature in SCHEMA)


@pytest.mark.parametrize("group", GROUPS, ids=lambda g: g.name)
def test_group_gives_one_column_a_feature(group: object) -> None:
    view = serving_view(PAIRS, 0, LOG, CATALOG, make_stats(LOG, CATALOG))

    assert group.value(view).shape == (1, len(group.features))  # type: ignore[attr-defined]


@pytest.mark.parametrize("log", [LOG, EventLog.empty()], ids=["log", "nothing"])
def test_features_are_finite_or_missing(log: EventLog) -> None:
    features = replay(log, CATALOG, PAIRS)

    assert features.shape == (len(PAIRS), len(SCHEMA))
    assert features.dtype == np.float32
    assert not np.isinf(features).any()


def test_only_what_may_be_unknown_is_missing() -> None:
    features = replay(LOG, CATALOG, PAIRS)

    missing = {
        name for name, column in zip(NAMES, features.T, strict=True) if np.isnan(column).any()
    }

    assert missing <= {"duration", "duration_distance", "same_language"}


def test_replayed_features_are_those_of_serving() -> None:
    replayed = replay(LOG, CATALOG, PAIRS)

    for i in range(len(PAIRS)):
        stats = make_stats(LOG.before(int(PAIRS.at_ms[i])), CATALOG)
        served = compute(serving_view(PAIRS, i, LOG, CATALOG, stats))
        np.testing.assert_allclose(replayed[i], served[0], rtol=1e-5, atol=1e-6)


def test_many_candidates_of_one_request_get_the_features_of_each_alone() -> None:
    stats = make_stats(LOG, CATALOG)
    view = serving_view(PAIRS, 0, LOG, CATALOG, stats)
    view.rows = np.arange(len(CATALOG))
    view.query_of = np.zeros(len(CATALOG), np.int64)

    together = compute(view)

    for row in range(len(CATALOG)):
        alone = serving_view(PAIRS, 0, LOG, CATALOG, stats)
        alone.rows = np.array([row])
        np.testing.assert_allclose(together[row], compute(alone)[0], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("after_ms", [0, 1, STEP_MS, 3 * DAY_MS])
def test_no_feature_changes_with_a_later_event(after_ms: int) -> None:
    at_ms = int(PAIRS.at_ms[20])
    earlier = PAIRS.take(PAIRS.at_ms <= at_ms)

    changed = replay(with_events(LOG, at_ms=at_ms + after_ms), CATALOG, earlier)

    np.testing.assert_array_equal(changed, replay(LOG, CATALOG, earlier))


def test_features_change_with_an_earlier_event() -> None:
    at_ms = int(PAIRS.at_ms[20])
    later = PAIRS.take(PAIRS.at_ms > at_ms)

    changed = replay(with_events(LOG, at_ms=at_ms), CATALOG, later)

    assert not np.array_equal(changed, replay(LOG, CATALOG, later), equal_nan=True)


def test_no_feature_of_an_event_changes_with_its_own_outcome() -> None:
    pairs = Pairs.of_events(LOG.take(LOG.content >= 0))
    known = LOG.content >= 0
    before = replay(LOG, CATALOG, pairs)

    for i in (50, 200, 400):
        row = int(np.flatnonzero(known)[i])
        watch, kind, flags = LOG.watch_seconds.copy(), LOG.kind.copy(), LOG.flags.copy()
        watch[row], kind[row], flags[row] = 3600, EventType.HIDE, 1
        changed = replace(LOG, watch_seconds=watch, kind=kind, flags=flags)
        upto = pairs.at_ms <= pairs.at_ms[i]
        after = replay(changed, CATALOG, pairs.take(upto))
        np.testing.assert_array_equal(after, before[upto])


def test_counters_are_never_newer_than_the_step() -> None:
    at_ms = int(PAIRS.at_ms[20])
    pair = PAIRS.take(slice(20, 21))
    within = replace(pair, at_ms=np.array([at_ms + STEP_MS - 1]))

    changed = replay(with_events(LOG, at_ms=at_ms, viewer=99), CATALOG, within)

    np.testing.assert_array_equal(changed, replay(LOG, CATALOG, within))


def test_replay_of_no_pairs_is_empty() -> None:
    none = PAIRS.take(slice(0, 0))

    assert replay(LOG, CATALOG, none).shape == (0, len(SCHEMA))


def test_features_of_a_viewer_do_not_depend_on_other_pairs() -> None:
    alone = replay(LOG, CATALOG, PAIRS.take(slice(7, 8)))

    np.testing.assert_allclose(alone[0], replay(LOG, CATALOG, PAIRS)[7], rtol=1e-6, atol=1e-6)


def test_unseen_entities_have_the_average_rates() -> None:
    stats = Stats(CATALOG)
    view = serving_view(PAIRS, 0, EventLog.empty(), CATALOG, stats)

    features = dict(zip(NAMES, compute(view)[0].tolist(), strict=True))

    assert features["content_long_view_rate_ever"] == pytest.approx(0.3)  # the prior
    assert features["views_ever"] == 0

"""What every feature promises, and what the ones with a rule of their own say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.content.tests.factories import DAY_MS, HOUR_MS, NOW_MS, make_catalog
from apps.content.types import Catalog
from apps.events.tests.factories import make_log
from apps.events.types import EventLog, EventType
from apps.features.definitions import GROUPS, NAMES, SCHEMA, affinity, compute
from apps.features.definitions.base import Feature, FeatureGroup
from apps.features.history import cut_one
from apps.features.replay import Pairs, replay
from apps.features.tests.factories import make_pairs, make_stats, serving_view
from apps.features.types import Asked, Context, Facts, Query
from apps.features.view import HALF_LIVES_HOURS, View

CATALOG = make_catalog(30)
LOG = make_log(CATALOG, 600)
PAIRS = make_pairs(CATALOG, NOW_MS - np.arange(40) * 11 * HOUR_MS)


def column(features: np.ndarray, name: str) -> np.ndarray:
    return np.asarray(features[..., NAMES.index(name)])


def request_view(log: EventLog, catalog: Catalog, rows: list[int], query: Query) -> View:
    asked, given_rows = Asked.of(query), np.array(rows, np.int64)
    return View(
        facts=Facts.of(catalog, given_rows),
        counts=make_stats(log, catalog).counts(given_rows, asked),
        history=cut_one(query.history, catalog, query.at_ms),
        asked=asked,
    )


def unknown_catalog() -> Catalog:
    """Return one content of which nothing is known, uploaded at the first Monday of 1970."""
    none = np.full(1, -1)
    return replace(
        make_catalog(1),
        creator=none,
        sound=none,
        category=none,
        language=none,
        tags=np.full((1, 8), -1),
        duration_seconds=np.full(1, np.nan, np.float32),
        uploaded_ms=np.array([4 * DAY_MS]),
    )


class TestRegistry:
    def test_names_are_unique(self) -> None:
        assert len(set(NAMES)) == len(NAMES)
        assert len({group.name for group in GROUPS}) == len(GROUPS)

    @pytest.mark.parametrize("feature", SCHEMA, ids=NAMES)
    def test_feature_says_what_it_is(self, feature: Feature) -> None:
        assert len(feature.doc) > 8
        assert feature.low < feature.high
        assert feature.may_miss or feature.low <= feature.default <= feature.high
        assert (feature.kind == "categorical") == (feature.n_values > 0)

    @pytest.mark.parametrize("group", GROUPS, ids=lambda g: g.name)
    def test_group_gives_one_column_a_feature(self, group: FeatureGroup) -> None:
        view = serving_view(PAIRS, 0, LOG, CATALOG, make_stats(LOG, CATALOG))
        assert group.value(view).shape == (1, len(group.features))
        assert group.owner.startswith("apps.features.definitions.")

    @settings(deadline=None, max_examples=15)
    @given(seed=st.integers(0, 10_000), n=st.integers(0, 900))
    def test_values_are_in_range_and_miss_only_where_they_may(self, seed: int, n: int) -> None:
        log = make_log(CATALOG, n, seed=seed)
        features = replay(log, CATALOG, replace(PAIRS, surface=PAIRS.surface * 400))
        for feature, values in zip(SCHEMA, features.T, strict=True):
            assert feature.may_miss or not np.isnan(values).any(), feature.name
            known = values[~np.isnan(values)]
            assert (known >= feature.low).all(), feature.name
            assert (known <= feature.high).all(), feature.name

    def test_default_is_what_an_empty_world_gives(self) -> None:
        view = request_view(
            EventLog.empty(), unknown_catalog(), [0], Query(0, 4 * DAY_MS, EventLog.empty())
        )
        expected = [feature.default for feature in SCHEMA]
        np.testing.assert_allclose(compute(view)[0], expected, atol=1e-6)

    def test_nothing_else_misses_in_a_world_that_is_known(self) -> None:
        missing = np.isnan(replay(LOG, CATALOG, PAIRS)).any(axis=0)
        assert {f.name for f, is_missing in zip(SCHEMA, missing, strict=True) if is_missing} <= {
            f.name for f in SCHEMA if f.may_miss
        }

    def test_world_without_contents_has_no_rows(self) -> None:
        view = request_view(LOG, CATALOG, [], Query(1, NOW_MS, EventLog.empty()))
        assert compute(view).shape == (0, len(SCHEMA))


class TestEngagement:
    @settings(deadline=None, max_examples=20)
    @given(seed=st.integers(0, 10_000), n=st.integers(60, 400), n_own=st.integers(0, 60))
    def test_shares_of_all_categories_add_up_to_one(self, seed: int, n: int, n_own: int) -> None:
        log = make_log(CATALOG, n, seed=seed)
        own = make_log(CATALOG, n_own, viewers=1, seed=seed + 1)
        own = replace(own, kind=np.full(n_own, EventType.LIKE, np.int8))
        firsts = [int(np.flatnonzero(CATALOG.category == c)[0]) for c in range(3)]
        view = request_view(log, CATALOG, firsts, Query(1, NOW_MS, own))
        shares = affinity.CATEGORY.value(view)[:, 0]
        assert shares.sum() == pytest.approx(1, abs=1e-6)

    def test_recency_is_the_sum_of_decayed_weights(self) -> None:
        own = LOG.take(slice(0, 3))
        hours = np.array([48, 24, 1])
        own = replace(
            own,
            content=np.array([2, 3, 6]),  # 2 and 6 are by creator 2
            kind=np.array([EventType.SHARE, EventType.LIKE, EventType.HIDE], np.int8),
            at_ms=NOW_MS - hours * HOUR_MS,
        )
        features = compute(request_view(LOG, CATALOG, [10], Query(1, NOW_MS, own)))
        # A share is 1.5, a like 1, a hide −3.
        for half_life in HALF_LIVES_HOURS:
            decayed = np.array([1.5, 1, -3]) * 2.0 ** (-hours / half_life)
            for name, total in (
                ("engagement", decayed.sum()),
                ("creator_recent", decayed[[0, 2]].sum()),
            ):
                expected = np.sign(total) * np.log1p(abs(total))
                assert column(features, f"{name}_{half_life}h") == pytest.approx(expected, rel=1e-5)

    def test_event_splits_its_weight_over_its_tags(self) -> None:
        tags = np.full((30, 8), -1)
        tags[0, :3], tags[1, 0], tags[2, :2] = [0, 1, 2], 1, [1, 2]
        catalog = replace(CATALOG, tags=tags)
        own = replace(
            LOG.take(slice(0, 1)),
            content=np.array([0]),
            kind=np.array([EventType.LIKE], np.int8),
            at_ms=np.array([NOW_MS - 1]),
        )
        features = compute(request_view(LOG, catalog, [1, 2, 0, 3], Query(1, NOW_MS, own)))
        # A third of the like for each tag, over an engagement of 1 and a prior of 2.
        np.testing.assert_allclose(column(features, "tag_share"), [1 / 9, 2 / 9, 1 / 3, 0])


class TestContext:
    @given(st.integers(0, 4_000_000_000_000), st.integers(-720, 840))
    def test_hour_lies_on_the_circle(self, at_ms: int, offset: int) -> None:
        query = Query(0, at_ms, EventLog.empty(), Context(utc_offset_minutes=offset))
        features = compute(request_view(EventLog.empty(), CATALOG, [0], query))[0]
        sin, cos = column(features, "hour_sin"), column(features, "hour_cos")
        assert sin**2 + cos**2 == pytest.approx(1, abs=1e-6)

    def test_a_minute_before_and_after_midnight_are_neighbors(self) -> None:
        around = [
            compute(
                request_view(EventLog.empty(), CATALOG, [0], Query(0, at_ms, EventLog.empty()))
            )[0]
            for at_ms in (20_000 * DAY_MS - 30_000, 20_000 * DAY_MS + 30_000)
        ]
        names = ("hour_sin", "hour_cos")
        distance = np.hypot(*(column(around[0], n) - column(around[1], n) for n in names))
        assert distance < 0.01

    def test_one_stalled_load_moves_the_network_little(self) -> None:
        own = LOG.take((LOG.viewer == 1) & (LOG.content >= 0)).take(slice(-6, None))
        own = replace(own, network_ms=np.array([80, 90, 1e5, 85, 95, np.nan], np.float32))
        # 80 85 [90] 95 10⁵, and with what the request says: 80 85 [90 95] 100 10⁵
        for own_ms, median in ((np.nan, 90), (100, 92.5)):
            query = Query(1, NOW_MS, own, Context(network_ms=own_ms))
            features = compute(request_view(LOG, CATALOG, [0], query))[0]
            assert column(features, "network") == pytest.approx(np.log1p(median), rel=1e-6)

    def test_language_matches_only_where_both_are_known(self) -> None:
        rows = [int(np.flatnonzero(CATALOG.language == code)[0]) for code in (-1, 0, 1)]
        query = Query(1, NOW_MS, EventLog.empty(), language=1)
        found = column(compute(request_view(LOG, CATALOG, rows, query)), "same_language")
        np.testing.assert_array_equal(found, [np.nan, 0, 1])


class TestGrowth:
    def grown(self, platform: int) -> float:
        """Return the growth of content 0, seen 3 times a day, and 12 times in the last hours."""
        hours = [24.0 * d for d in range(1, 8) for _ in range(3)] + [1.0] * 12
        others = [24.0 * d for d in range(1, 8) for _ in range(60)] + [1.0] * platform
        content = np.array([0] * len(hours) + [5] * len(others))
        at_ms = NOW_MS - (np.array(hours + others) * HOUR_MS).astype(np.int64)
        order = np.argsort(at_ms, kind="stable")
        base = make_log(CATALOG, len(content))
        log = replace(
            base,
            content=content[order],
            at_ms=at_ms[order],
            kind=np.full(len(content), EventType.VIEW, np.int8),
            flags=np.ones(len(content), np.int16),
        )
        query = Query(9, NOW_MS, EventLog.empty())
        return float(column(compute(request_view(log, CATALOG, [0], query))[0], "growth_6h"))

    def test_content_that_outgrows_the_platform_grows(self) -> None:
        assert self.grown(platform=20) > 0.5

    def test_rush_on_the_whole_platform_is_no_growth(self) -> None:
        # Four times as many views of everything: 12 instead of 3, and 240 instead of 60.
        assert abs(self.grown(platform=240)) < 0.25


def horror_log(n: int = 6000, seed: int = 0) -> tuple[EventLog, Catalog]:
    """Return views at random hours: horror is watched long after 22:00, all else by day alike."""
    rng = np.random.default_rng(seed)
    catalog = make_catalog(40)
    catalog = replace(catalog, category=np.arange(40) % 4, categories=("a", "b", "c", "horror"))
    log = make_log(catalog, n, viewers=150, seed=seed)
    content = rng.integers(0, 40, n)
    offset = rng.choice([-480, 0, 60, 540], n)
    local_hour = (log.at_ms / HOUR_MS + offset / 60) % 24
    is_horror, is_late = content % 4 == 3, (local_hour >= 22) | (local_hour < 2)
    chance = np.where(is_horror, np.where(is_late, 0.9, 0.15), 0.3)
    return replace(
        log,
        content=content,
        kind=np.full(n, EventType.VIEW, np.int8),
        flags=np.where(rng.random(n) < chance, 1, 2).astype(np.int16),
        utc_offset_minutes=offset.astype(np.int16),
    ), catalog


def test_planted_taste_for_horror_at_night_is_recovered() -> None:
    import lightgbm as lgb
    from sklearn.metrics import roc_auc_score

    log, catalog = horror_log()
    features, label = replay(log, catalog, Pairs.of_events(log)), log.flags == 1
    of_time = {f.name for g in GROUPS if g.name in {"context", "time_of_day"} for f in g.features}
    # Category × hour is what is planted: a model without time has the category's rates at best.
    without = [i for i, name in enumerate(NAMES) if name not in of_time]
    cut = len(label) * 2 // 3

    def auc(columns: list[int]) -> float:
        settings = {"objective": "binary", "verbose": -1, "num_threads": 1, "num_leaves": 15}
        data = lgb.Dataset(features[:cut][:, columns], label[:cut].astype(np.float32))
        model = lgb.train(settings, data, 60)
        return float(roc_auc_score(label[cut:], model.predict(features[cut:][:, columns])))

    assert auc(list(range(len(NAMES)))) - auc(without) >= 0.05


class TestFilledContext:
    LAST = replace(
        LOG.take(slice(-2, None)),
        utc_offset_minutes=np.array([60, 120], np.int16),
        device=np.array([1, 3], np.int8),
    )

    def test_what_the_client_does_not_say_is_that_of_the_last_event(self) -> None:
        filled = Context(surface=4, network_ms=70).filled(self.LAST)
        assert filled == Context(4, 120, 3, 70)

    def test_what_the_client_says_stays(self) -> None:
        said = Context(1, -300, 2, 50)
        assert said.filled(self.LAST) == said

    def test_without_a_history_nothing_is_known(self) -> None:
        assert Context(network_ms=1).filled(EventLog.empty()) == Context(network_ms=1)

"""Sources on a catalogue small enough to rank by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from apps.candidates.algorithms.neighbors import Neighbors
from apps.candidates.conf import Signal
from apps.candidates.signals import by_last, summed
from apps.candidates.sources.crowd import FollowedCreators, Fresh, Popular, Trending
from apps.candidates.sources.taste import ItemItem, NearestContent, NextItem
from apps.candidates.tests.factories import (
    NOW_MS,
    make_catalog,
    make_log,
    make_models,
    make_request,
    nothing_excluded,
    watched,
)
from apps.candidates.types import Request, RetrievalModels
from apps.content.types import Catalog
from apps.core.clock import DAY_MS, HOUR_MS
from apps.core.pipeline import Source
from apps.events.types import EventLog, EventType
from apps.features.stats import EVER, HOURS_6
from apps.profiles.types import Stance


def proposed(source: Source[Request], request: Request, k: int = 10) -> list[int]:
    scores = source(request)
    assert scores is not None
    return scores.top(k, nothing_excluded(request.catalog)).tolist()


class TestSummed:
    def merged(self, rows: list[int], weights: list[float]) -> tuple[list[int], list[float]]:
        once = by_last(np.array(rows, np.int64))
        kept, sums = summed(*once, np.array(weights, np.float32), Signal())
        return kept.tolist(), sums.tolist()

    def test_repeats_add_up_at_their_last_place(self) -> None:
        assert self.merged([5, 3, 5], [1, 0.5, 1]) == ([3, 5], [0.5, 2])

    def test_sums_stop_at_the_most(self) -> None:
        assert self.merged([4, 4], [2, 2]) == ([4], [3])

    def test_what_was_taken_back_is_left_out(self) -> None:
        assert self.merged([1, 2, 1], [1, 1, -3]) == ([2], [1])

    def test_nothing_stays_nothing(self) -> None:
        assert self.merged([], []) == ([], [])


class TestFollowedCreators:
    def test_newest_contents_of_followed_creators_come_first(self) -> None:
        # Rows 1 and 4 are by creator 1; a row is a day newer than the one before.
        request = make_request(make_catalog(6), stance=Stance(followed=np.array([1])))
        assert proposed(FollowedCreators(), request) == [4, 1]

    def test_contents_that_cannot_be_shown_are_not_proposed(self) -> None:
        catalog = make_catalog(6, is_servable=np.arange(6) != 4)
        request = make_request(catalog, stance=Stance(followed=np.array([1])))
        assert proposed(FollowedCreators(), request) == [1]

    def test_others_have_no_score(self) -> None:
        scores = FollowedCreators()(
            make_request(make_catalog(6), stance=Stance(followed=np.array([1])))
        )
        assert scores is not None
        assert np.isnan(scores.at(np.arange(6))).tolist() == [True, False, True, True, False, True]

    def test_who_follows_nobody_gets_nothing(self) -> None:
        assert FollowedCreators()(make_request(make_catalog(6))) is None


class TestPopular:
    # Content 0: three long views 12 h ago; content 1: one an hour ago; content 2: a short one.
    LOG = make_log(
        [
            *[(viewer, 0, NOW_MS - 12 * HOUR_MS) for viewer in (1, 2, 3)],
            (4, 1, NOW_MS - HOUR_MS),
            (5, 2, NOW_MS - HOUR_MS, EventType.VIEW, 3.0),
        ]
    )

    def test_recent_views_win_at_a_short_half_life(self) -> None:
        # 0: 3 · 2^(−12/6) = 0.75; 1: 2^(−1/6) = 0.89; 2: 0.3 · 0.89 = 0.27
        request = make_request(make_catalog(6), log=self.LOG)
        assert proposed(Popular("p", HOURS_6), request) == [1, 0, 2]

    def test_all_views_count_the_same_for_ever(self) -> None:
        request = make_request(make_catalog(6), log=self.LOG)
        assert proposed(Popular("p", EVER), request) == [0, 1, 2]

    def test_score_is_the_logarithm_of_the_count(self) -> None:
        scores = Popular("p", EVER)(make_request(make_catalog(6), log=self.LOG))
        np.testing.assert_allclose(scores.at(np.arange(3)), np.log1p([3, 1, 0.3]), rtol=1e-6)

    def test_there_is_no_opinion_about_what_nobody_watched(self) -> None:
        scores = Popular("p", EVER)(make_request(make_catalog(6), log=self.LOG))
        assert np.isnan(scores.at(np.array([3, 4]))).all()

    def test_contents_that_cannot_be_shown_are_not_proposed(self) -> None:
        request = make_request(make_catalog(6, is_servable=np.arange(6) != 0), log=self.LOG)
        assert proposed(Popular("p", EVER), request) == [1, 2]


class TestFresh:
    def test_newest_come_first(self) -> None:
        assert proposed(Fresh(), make_request(make_catalog(6)), 3) == [5, 4, 3]

    def test_contents_that_are_not_out_yet_wait(self) -> None:
        uploaded_ms = NOW_MS + np.array([-3, -1, 1]) * DAY_MS
        request = make_request(make_catalog(3, uploaded_ms=uploaded_ms))
        assert proposed(Fresh(), request) == [1, 0]


# 0 is followed by 1, 2 by 3, each a little by 4.
FOLLOWING = Neighbors(
    np.array([[1, 4], [-1, -1], [3, 4], [-1, -1], [-1, -1]], np.int32),
    np.array([[1, 0.1], [0, 0], [1, 0.1], [0, 0], [0, 0]], np.float32),
)


@pytest.mark.parametrize(
    "source",
    [
        NextItem("next_item"),
        ItemItem(),
    ],
    ids=lambda s: s.name,
)
class TestNeighborSources:
    def request(self, history: EventLog, n: int = 6) -> Request:
        models = make_models(5, next_item=FOLLOWING, item_item=FOLLOWING)
        return make_request(make_catalog(n), history, models=models)

    def test_neighbors_of_the_latest_event_come_first(self, source: NextItem) -> None:
        assert proposed(source, self.request(watched(0, 2))) == [3, 1, 4]
        assert proposed(source, self.request(watched(2, 0))) == [1, 3, 4]

    def test_scores_fade_with_the_events_between(self, source: NextItem) -> None:
        # 2 is the latest: 3 gets 1. 0 is one event older: 1 gets e^(−1/10), 4 a tenth of both.
        scores = source(self.request(watched(0, 2)))
        assert scores is not None
        older = np.exp(-1 / 10)
        np.testing.assert_allclose(
            scores.at(np.array([3, 1, 4])), [1, older, (1 + older) / 10], rtol=1e-6
        )

    def test_contents_without_a_neighbor_are_not_proposed(self, source: NextItem) -> None:
        assert proposed(source, self.request(watched(1))) == []

    def test_content_newer_than_the_models_changes_nothing(self, source: NextItem) -> None:
        assert proposed(source, self.request(watched(0, 5))) == [1, 4]

    def test_hidden_content_speaks_for_nothing(self, source: NextItem) -> None:
        hidden = make_log([(1, 0, NOW_MS - 9), (1, 0, NOW_MS - 5, EventType.HIDE), (1, 2, NOW_MS)])
        assert proposed(source, self.request(hidden)) == [3, 4]

    def test_without_history_there_is_nothing_to_say(self, source: NextItem) -> None:
        assert source(self.request(EventLog.empty())) is None

    def test_before_the_first_training_there_is_nothing_to_say(self, source: NextItem) -> None:
        assert source(make_request(make_catalog(6), watched(0))) is None


class TestNearestContent:
    def test_nearest_stay_in_the_community(self, catalog: Catalog, models: RetrievalModels) -> None:
        request = make_request(catalog, watched(0, 1, 2), models=models)
        assert max(proposed(NearestContent(), request, 15)) < 20

    def test_last_event_moves_the_viewer(self, catalog: Catalog, models: RetrievalModels) -> None:
        before = make_request(catalog, watched(0, 1, 2), models=models)
        after = make_request(catalog, watched(0, 1, 2, 25), models=models)
        source = NearestContent()
        place = proposed(source, before, 44).index(26)
        assert proposed(source, after, 44).index(26) < place

    def test_of_those_as_near_what_many_watch_now_comes_first(
        self, catalog: Catalog, models: RetrievalModels
    ) -> None:
        own = watched(0, 1, 2)
        usual = proposed(NearestContent(), make_request(catalog, own, models=models), 15)
        crowd = make_log([(v, usual[8], NOW_MS - HOUR_MS) for v in range(50, 90)])
        busy = make_request(catalog, own, models=models, log=crowd)
        assert proposed(NearestContent(), busy, 15).index(usual[8]) < 8
        still = replace(models, params=replace(models.params, timeliness=0.0))
        calm = make_request(catalog, own, models=still, log=crowd)
        assert proposed(NearestContent(), calm, 15) == usual

    def test_content_that_many_watch_and_the_models_do_not_know_is_left_to_others(
        self, catalog: Catalog, models: RetrievalModels
    ) -> None:
        crowd = make_log([(v, 42, NOW_MS - HOUR_MS) for v in range(50, 90)])
        request = make_request(catalog, watched(0), models=models, log=crowd)
        assert 42 not in proposed(NearestContent(), request, 44)

    def test_content_newer_than_the_models_has_no_score(
        self, catalog: Catalog, models: RetrievalModels
    ) -> None:
        scores = NearestContent()(make_request(catalog, watched(0), models=models))
        assert scores is not None
        assert np.isnan(scores.at(np.array([39, 40, 43]))).tolist() == [False, True, True]

    def test_history_of_unknown_contents_says_nothing(
        self, catalog: Catalog, models: RetrievalModels
    ) -> None:
        assert NearestContent()(make_request(catalog, watched(42), models=models)) is None

    def test_without_history_there_is_nothing_to_say(
        self, catalog: Catalog, models: RetrievalModels
    ) -> None:
        assert NearestContent()(make_request(catalog, models=models)) is None


class TestTrending:
    def rise(self, catalog: Catalog, log: EventLog) -> list[int]:
        return proposed(Trending(), make_request(catalog, log=log))

    def test_content_above_its_own_past_is_proposed(self) -> None:
        old = [(v, 0, NOW_MS - 5 * DAY_MS) for v in range(20)]
        new = [(v, row, NOW_MS - HOUR_MS) for v in range(6) for row in (0, 1)]
        # Row 0 keeps its share of the traffic, row 1 had none before.
        assert self.rise(make_catalog(6), make_log([*old, *new])) == [1]

    def test_busy_hour_of_the_whole_platform_lifts_nobody(self) -> None:
        rows = range(6)
        old = [(v, row, NOW_MS - 5 * DAY_MS) for v in range(4) for row in rows]
        new = [(v, row, NOW_MS - HOUR_MS) for v in range(40) for row in rows]
        scores = Trending()(make_request(make_catalog(6), log=make_log([*old, *new])))
        assert np.nan_to_num(scores.at(np.arange(6))).max() < 1e-3

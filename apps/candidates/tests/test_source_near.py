"""Popular near the viewer, sounds that they like, and the pool of the little known."""

from __future__ import annotations

import numpy as np
import pytest

from apps.candidates.conf import GroupParams
from apps.candidates.groups import Charts, fit_charts, load_charts, save_charts
from apps.candidates.sources.explore import Explore
from apps.candidates.sources.near import LikedSounds, PopularNear
from apps.candidates.tests.factories import (
    NOW_MS,
    make_catalog,
    make_log,
    make_models,
    make_request,
    nothing_excluded,
    watched,
)
from apps.candidates.types import Request
from apps.core.clock import HOUR_MS
from apps.events.types import EventType

PARAMS = GroupParams(half_life_hours=24.0, most=5, least_views=3.0)
VIEWS = [  # content, hours ago, language, age group
    *[(0, 0, "en", "18-24")] * 5,
    *[(1, 0, "en", "55+")] * 4,
    *[(2, 0, "de", "18-24")] * 2,
    *[(3, 0, "de", "55+")] * 2,
    *[(4, 48, "en", "18-24")] * 8,  # two half-lives: counts 2
    *[(5, 0, "", "")] * 20,
]


def made(views: list[tuple[int, int, str, str]] = VIEWS, n: int = 6) -> Charts:
    content, hours, language, age = zip(*views, strict=True)
    ages_ms = np.array(hours) * HOUR_MS
    names = np.array(language, np.str_), np.array(age, np.str_)
    return fit_charts(np.array(content), ages_ms, *names, n, PARAMS)


def near(language: int, age_group: str) -> list[int] | None:
    catalog = make_catalog(6, languages=("en", "de", "fr"))
    models = make_models(6, charts=made())
    request = make_request(catalog, models=models, language=language, age_group=age_group)
    scores = PopularNear()(request)
    return None if scores is None else scores.top(10, nothing_excluded(catalog)).tolist()


class TestPopularNear:
    def test_smallest_group_with_enough_views_counts(self) -> None:
        assert near(0, "18-24") == [0, 4]
        assert near(0, "55+") == [1]

    def test_small_group_falls_back_to_the_language(self) -> None:
        # German viewers of one age have two views each, three are asked for.
        assert near(1, "18-24") == [2, 3]

    def test_unknown_language_falls_back_to_everyone(self) -> None:
        assert near(2, "") == [5, 0, 1, 2, 3]

    def test_age_alone_is_a_group(self) -> None:
        # 0: 5, 2: 2, 4: 8 · ¼
        assert near(-1, "18-24") == [0, 2, 4]

    def test_of_whom_nothing_is_known_gets_nothing(self) -> None:
        assert near(-1, "") is None

    def test_where_nobody_told_anything_it_says_nothing(self) -> None:
        models = make_models(6, charts=made([(0, 0, "", "")] * 9))
        request = make_request(make_catalog(6, languages=("en",)), models=models, language=0)
        assert PopularNear()(request) is None

    def test_score_is_the_logarithm_of_the_decayed_views(self) -> None:
        chart = made().of("en", "18-24")
        assert chart is not None
        assert chart[0].tolist() == [0, 4]
        assert chart[1].tolist() == pytest.approx([np.log1p(5), np.log1p(2)])

    def test_charts_are_read_back_into_another_order(self, tmp_path: object) -> None:
        save_charts(made(), tmp_path)  # type: ignore[arg-type]
        rows = np.array([5, -1, 3, 2, 1, 0])  # content 1 is gone
        again = load_charts(tmp_path, rows)  # type: ignore[arg-type]
        assert again.of("en", "18-24")[0].tolist() == [1, 5]  # type: ignore[index]
        assert again.of("en", "55+")[0].tolist() == []  # type: ignore[index]
        assert again.of("fr", "")[0].tolist() == [0, 2, 3, 5]  # type: ignore[index]


class TestLikedSounds:
    def request(self, *rows: int, **parts: object) -> Request:
        # Rows 0…5 have sounds 0, 1, 0, 1, 0, 2; row 6 has none.
        sound = np.array([0, 1, 0, 1, 0, 2, -1])
        catalog = make_catalog(7, sound=sound, n_sounds=3)
        return make_request(catalog, watched(*rows), **parts)  # type: ignore[arg-type]

    def top(self, request: Request) -> list[int]:
        scores = LikedSounds()(request)
        assert scores is not None
        return scores.top(10, request.excluded()).tolist()

    def test_contents_with_the_sound_are_proposed_newest_first(self) -> None:
        assert self.top(self.request(0)) == [4, 2]

    def test_sound_liked_last_counts_most(self) -> None:
        scores = LikedSounds()(self.request(0, 1))
        assert scores is not None
        # Row 3 is four days old, row 4 three; nobody watched them. Row 0's sound is an event older.
        expected = [1 / 5, np.exp(-1 / 15) / 4]
        assert scores.at(np.array([3, 4])).tolist() == pytest.approx(expected, rel=1e-5)

    def test_popular_ones_beat_new_ones(self) -> None:
        log = make_log([(viewer, 2, NOW_MS - HOUR_MS) for viewer in range(5, 9)])
        assert self.top(self.request(0, log=log)) == [2, 4]

    def test_sound_of_a_hidden_content_is_not_liked(self) -> None:
        history = make_log([(1, 0, NOW_MS - 2), (1, 0, NOW_MS - 1, EventType.HIDE)])
        request = self.request()
        assert LikedSounds()(make_request(request.catalog, history)) is None

    def test_without_any_sound_there_is_nothing_to_say(self) -> None:
        assert LikedSounds()(self.request(6)) is None
        assert LikedSounds()(make_request(make_catalog(4), watched(1))) is None


class TestExplore:
    def request(self, *, viewer: int = 1, later_hours: float = 0, n: int = 200) -> Request:
        # Row 0 has 300 views, row 1 has 150, row 2 has 50; the others have none.
        views = {0: 300, 1: 150, 2: 50}
        log = make_log(
            [(v, row, NOW_MS - HOUR_MS) for row, n_views in views.items() for v in range(n_views)]
        )
        request = make_request(make_catalog(n), log=log, viewer=viewer)
        at_ms = NOW_MS + int(later_hours * HOUR_MS)
        query = type(request.query)(viewer, at_ms, request.query.history)
        return Request(query, request.catalog, request.stats)

    def top(self, k: int = 20, **asked: float) -> list[int]:
        request = self.request(**asked)  # type: ignore[arg-type]
        scores = Explore()(request)
        assert scores is not None
        return scores.top(k, request.excluded()).tolist()

    def test_well_known_content_has_left_the_pool(self) -> None:
        assert sorted(self.top(500)) == list(range(1, 200))

    def test_draw_is_the_same_within_the_hour_and_another_in_the_next(self) -> None:
        assert self.top() == self.top(later_hours=0.01)
        assert self.top() != self.top(later_hours=1)

    def test_each_viewer_has_a_draw_of_their_own(self) -> None:
        assert self.top(viewer=1) != self.top(viewer=2)

    def test_less_known_ones_are_drawn_more_often(self) -> None:
        # In a draw of 20 of 199, chances 1 (row 1), 2 (row 2) and 4: about .025, .05, .1
        drawn = np.zeros(200)
        for viewer in range(600):
            drawn[self.top(viewer=viewer)] += 1
        assert drawn[0] == 0
        assert 3 < drawn[1] < 35
        assert drawn[1] < drawn[2] < drawn[3:].mean()
        # Of 600 draws each of the 197 expects 60.6 ± 7.4: five deviations
        assert drawn[3:].min() > 23
        assert drawn[3:].max() < 98

"""What contents are worth, apart from their audience."""

from __future__ import annotations

import numpy as np
import pytest

from apps.candidates.algorithms.taste import TasteParams
from apps.candidates.algorithms.worth import Watched, WorthParams, foreign
from apps.candidates.algorithms.worth import worth_of as worth_with

PARAMS = WorthParams()


def worth_of(views: Watched, creators: np.ndarray, params: WorthParams) -> np.ndarray:
    found = worth_with(views, creators, params, TasteParams())
    return found.mean - found.unknown


def watched(
    viewer: list[int],
    content: list[int],
    share: list[float],
    *,
    category: list[int] | None = None,
    creator: list[int] | None = None,
) -> Watched:
    n = len(viewer)
    return Watched(
        viewer=np.array(viewer, int),
        speaks=np.zeros(n, int),
        content=np.array(content, int),
        creator=np.array(creator if creator is not None else [-1] * n, int),
        category=np.array(category if category is not None else [0] * n, int),
        language=np.zeros(n, int),
        length=np.zeros(n),
        share=np.array(share, float),
    )


def test_nothing_watched_is_worth_nothing() -> None:
    assert worth_of(watched([], [], []), np.array([-1, 0]), PARAMS).tolist() == [0, 0]


def test_quality_is_found_where_rates_show_the_audience() -> None:
    # Fans were shown the bad content 0, strangers the good content 1; all of them the others too.
    rng = np.random.default_rng(3)
    quality = np.array([-1.0, 1.0, *[0.0] * 9])
    viewer = np.repeat(np.arange(300), 10)
    is_fan = viewer < 150
    content = np.tile([0, *range(2, 11)], 300)
    content[(content == 0) & ~is_fan] = 1
    chance = 1 / (1 + np.exp(-(quality[content] + np.where(is_fan, 2.0, -1.5))))
    share = rng.beta(3 * chance, 3 * (1 - chance))
    rate = np.bincount(content, share) / np.bincount(content)
    assert rate[0] > rate[1] + 0.2

    told = viewer.tolist(), content.tolist(), share.tolist()
    worth = worth_of(watched(*told), np.full(11, -1), PARAMS)
    assert worth[1] > worth[0] + 0.3


def test_few_views_say_little() -> None:
    once = worth_of(watched([0, 1], [0, 1], [1, 0]), np.array([-1, -1]), PARAMS)
    often = worth_of(watched(list(range(40)), [0, 1] * 20, [1, 0] * 20), np.full(2, -1), PARAMS)
    assert 0 < once[0] < often[0] / 2


def test_a_new_content_has_its_creators_worth() -> None:
    views = watched(
        list(range(40)), [0, 1] * 20, [1, 0] * 20, category=[0] * 40, creator=[0, 1] * 20
    )
    worth = worth_of(views, np.array([0, 1, 0, 1, -1]), PARAMS)
    assert worth[0] > worth[2] > 0.2
    assert worth[1] < worth[3] < -0.2
    assert worth[4] == 0


def test_long_contents_are_not_worth_less_for_being_watched_less_far() -> None:
    rng = np.random.default_rng(4)
    n = 4000
    content, viewer = rng.integers(0, 40, n), rng.integers(0, 200, n)
    length = np.linspace(-1.5, 1.5, 40)
    chance = 1 / (1 + np.exp(1.2 * length[content]))
    views = Watched(
        viewer=viewer,
        speaks=np.zeros(n, int),
        content=content,
        creator=np.full(n, -1),
        category=np.zeros(n, int),
        language=np.zeros(n, int),
        length=length[content],
        share=rng.beta(3 * chance, 3 * (1 - chance)),
    )
    found = worth_with(views, np.full(40, -1), PARAMS, TasteParams())
    assert abs(np.corrcoef(found.mean, length)[0, 1]) < 0.35
    assert found.slope == pytest.approx(-1.2, abs=0.25)


def test_what_a_language_takes_is_learned_for_each_who_speaks_another() -> None:
    # Who speaks 1 understands 0 as well as their own language; the other way round nobody does.
    rng = np.random.default_rng(5)
    n = 6000
    viewer, content = rng.integers(0, 300, n), rng.integers(0, 60, n)
    speaks, language = (viewer % 2), (content % 2)
    chance = 1 / (1 + np.exp(1 + 2.5 * ((speaks == 0) & (language == 1))))
    views = Watched(
        viewer=viewer,
        speaks=speaks,
        content=content,
        creator=np.full(n, -1),
        category=np.zeros(n, int),
        language=language,
        length=np.zeros(n),
        share=rng.beta(3 * chance, 3 * (1 - chance)),
    )
    found = worth_with(views, np.full(60, -1), PARAMS, TasteParams())
    takes = found.languages[1:, 1:] + [found.mean[0::2].mean(), found.mean[1::2].mean()]
    assert takes[1, 0] - takes[1, 1] == pytest.approx(0, abs=0.4)
    assert takes[0, 1] - takes[0, 0] == pytest.approx(-2.5, abs=0.6)
    # Who says no language gets what suits most of those who watch.
    of_a_stranger = found.languages[0, 1:] + [found.mean[0::2].mean(), found.mean[1::2].mean()]
    assert of_a_stranger[1] - of_a_stranger[0] == pytest.approx(-1.25, abs=0.5)


def test_of_languages_nobody_met_what_is_expected_holds() -> None:
    found = worth_with(watched([], [], []), np.array([-1]), PARAMS, TasteParams(foreign=0.7))
    assert found.languages.tolist() == [[0.0]]
    assert foreign(1, np.array([1, 0, -1]), TasteParams(foreign=0.7)).tolist() == [0, -0.7, 0]


@pytest.mark.parametrize("order", [np.arange(5), np.array([4, 2, 0, 3, 1])])
def test_order_of_views_does_not_matter(order: np.ndarray) -> None:
    views = watched([9, 9, 4, 4, 7], [0, 1, 1, 2, 0], [1, 0, 0.5, 1, 0.2])
    mixed = Watched._make(column[order] for column in views)
    found, expected = (worth_of(v, np.full(3, -1), PARAMS) for v in (mixed, views))
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_doubt_falls_with_views() -> None:
    views = watched(list(range(20)), [0] * 15 + [1] * 5, [1, 0] * 10)
    doubt = worth_with(views, np.full(3, -1), PARAMS, TasteParams()).doubt
    assert doubt[0] < doubt[1] < doubt[2] == pytest.approx(PARAMS.content)


def test_level_of_all_is_found_and_unknown_contents_have_it() -> None:
    rng = np.random.default_rng(6)
    share = rng.beta(1.2, 0.8, 3000)  # .6 where a stranger's is taken to be .25
    viewer, content = np.arange(3000) % 300, np.arange(3000) % 37
    told = viewer.tolist(), content.tolist(), share.tolist()
    found = worth_with(watched(*told), np.full(40, -1), PARAMS, TasteParams())
    assert found.unknown > 0.2
    assert found.mean[39] == found.unknown

"""A candidate among the others of its pool."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from apps.candidates.sources import SOURCE_NAMES
from apps.core.candidates import Candidates
from apps.ranking.pool import (
    FEATURE_NAMES,
    kindred_fusion,
    opinions,
    pool_features,
    rank_fusion,
)
from apps.ranking.tests.factories import make_pool

NAN = float("nan")
POOL = make_pool(3, [0b101, 0b1, 0b1110], nearest=[2, NAN, 4], popular_1d=[1, 3, 2])


def column(name: str, pool: Candidates = POOL) -> NDArray[np.float32]:
    return pool_features(opinions(pool))[:, FEATURE_NAMES.index(name)]


@given(st.lists(st.sampled_from([NAN, np.inf, -3e38, -1.5, -1e-40, -0.0, 0.0, 1e-40, 2, 3e38])))
def test_places_are_by_score_and_equal_ones_keep_their_order(scores: list[float]) -> None:
    known = [i for i, score in enumerate(scores) if np.isfinite(score)]
    expected = sorted(known, key=lambda i: -scores[i])  # stable
    given = opinions(make_pool(len(scores), fresh=scores))

    places = given.places[:, SOURCE_NAMES.index("fresh")]

    assert places[expected].tolist() == list(range(len(known)))


class TestPoolFeatures:
    def test_scores_are_those_of_the_sources(self) -> None:
        np.testing.assert_array_equal(column("score.nearest"), [2, NAN, 4])
        np.testing.assert_array_equal(column("score.popular_1d"), [1, 3, 2])

    def test_z_scores_are_over_those_with_an_opinion(self) -> None:
        # nearest: mean 3, deviation 1. popular_1d: mean 2, deviation √(2/3), and 1/√(2/3) = √1.5.
        np.testing.assert_allclose(column("z.nearest"), [-1, NAN, 1])
        np.testing.assert_allclose(column("z.popular_1d"), [-(1.5**0.5), 1.5**0.5, 0], rtol=1e-6)

    def test_ranks_are_logarithms_of_places(self) -> None:
        # Places 1, –, 0 and 2, 0, 1; log₂(2 + place).
        np.testing.assert_allclose(column("rank.nearest"), [np.log2(3), NAN, 1], rtol=1e-6)
        np.testing.assert_allclose(column("rank.popular_1d"), [2, 1, np.log2(3)], rtol=1e-6)

    def test_source_without_any_opinion_is_missing(self) -> None:
        for kind in ("score", "z", "rank"):
            assert np.isnan(column(f"{kind}.fresh")).all()

    def test_proposers_are_counted(self) -> None:
        assert column("n_sources").tolist() == [2, 1, 3]

    def test_equal_scores_have_no_spread(self) -> None:
        assert column("z.fresh", make_pool(3, fresh=[5, 5, 5])).tolist() == [0, 0, 0]

    def test_one_candidate_is_its_own_average(self) -> None:
        pool = make_pool(1, fresh=[5])
        assert column("z.fresh", pool).tolist() == [0]
        assert column("rank.fresh", pool).tolist() == [1]

    def test_shape_is_that_of_the_names(self) -> None:
        features = pool_features(opinions(make_pool(0)))
        assert features.shape == (0, len(FEATURE_NAMES))
        assert features.dtype == np.float32


class TestRankFusion:
    def test_reciprocal_ranks_add_up(self) -> None:
        # Ranks are 1-based: nearest 2, –, 1; popular_1d 3, 1, 2.
        expected = [1 / 62 + 1 / 63, 1 / 61, 1 / 61 + 1 / 62]
        np.testing.assert_allclose(rank_fusion(opinions(POOL)), expected)

    def test_without_any_opinion_all_are_zero(self) -> None:
        assert rank_fusion(opinions(make_pool(4))).tolist() == [0, 0, 0, 0]

    @given(st.permutations(range(7)), st.integers(0, 2**31))
    def test_order_of_the_candidates_changes_nothing(self, order: list[int], seed: int) -> None:
        rng = np.random.default_rng(seed)
        scores = {name: rng.permutation(7).astype(float) for name in SOURCE_NAMES[:4]}
        for values in scores.values():
            values[rng.random(7) < 0.3] = NAN
        pool = make_pool(7, **{name: values.tolist() for name, values in scores.items()})
        moved = pool.take(np.array(order))
        np.testing.assert_allclose(
            rank_fusion(opinions(moved)), rank_fusion(opinions(pool))[order], rtol=1e-12
        )

    @given(st.floats(0.01, 100), st.floats(-100, 100))
    def test_scale_of_a_source_changes_nothing(self, scale: float, shift: float) -> None:
        scores = np.array([3, 1, 4, 1.5, 9])
        one = make_pool(5, nearest=scores.tolist())
        two = make_pool(5, nearest=(scale * scores + shift).tolist())
        np.testing.assert_array_equal(rank_fusion(opinions(one)), rank_fusion(opinions(two)))


class TestKindredFusion:
    def test_kindred_sources_have_one_vote_their_highest(self) -> None:
        # Charts: the first content is 1st, 1st and 2nd, the second 2nd, 2nd and 1st: a vote of 1st
        # each. What is known of the viewer decides: the second is nearest.
        charts = {"popular_6h": [2, 1], "popular_1d": [2, 1], "popular_7d": [1, 2]}
        pool = make_pool(2, like_content=[1, 2], **charts)
        expected = [1 / 61 + 1 / 62, 1 / 61 + 1 / 61]
        np.testing.assert_allclose(kindred_fusion(opinions(pool)), expected)
        outvoted = rank_fusion(
            opinions(make_pool(2, like_content=[1, 2], popular_ever=[2, 1], **charts))
        )
        assert outvoted[0] > outvoted[1]

    def test_sources_of_different_kinds_add_up_as_in_rank_fusion(self) -> None:
        np.testing.assert_allclose(kindred_fusion(opinions(POOL)), rank_fusion(opinions(POOL)))

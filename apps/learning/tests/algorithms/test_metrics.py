"""Measures by hand, and against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, ndcg_score, roc_auc_score
from sklearn.metrics import log_loss as sklearn_log_loss

from apps.learning.algorithms.metrics import (
    auc,
    bootstrap_mean,
    gini,
    grouped_auc,
    log_loss,
    ranking_metrics,
)

N_CASES = 300


def random_cases(seed: int, *, n: int = 30) -> list[tuple[NDArray[np.bool_], NDArray]]:
    """Return labels of both classes and scores in tenths, so that many are tied."""
    rng = np.random.default_rng(seed)
    labels = rng.random((N_CASES, n)) < rng.uniform(0.1, 0.9, (N_CASES, 1))
    labels[:, 0], labels[:, 1] = True, False
    scores = np.round(rng.random((N_CASES, n)), 1)
    return list(zip(labels, scores, strict=True))


def measured(hits: list[int], n_relevant: int, k: int) -> dict[str, float]:
    values = ranking_metrics(np.array([hits], np.bool_), np.array([n_relevant]), k)
    return {name.partition("@")[0]: float(value[0]) for name, value in values.items()}


class TestRankingMetrics:
    def test_two_of_three_found_at_places_one_and_three(self) -> None:
        found = measured([1, 0, 1, 1], 3, 3)
        # Gains 1 + 1/log₂4 over the ideal 1 + 1/log₂3 + 1/log₂4
        assert found["ndcg"] == pytest.approx((1 + 0.5) / (1 + 1 / np.log2(3) + 0.5))
        assert found["recall"] == pytest.approx(2 / 3)
        assert found["map"] == pytest.approx((1 / 1 + 2 / 3) / 3)
        assert found["hit_rate"] == 1
        assert found["mrr"] == 1

    def test_one_found_at_place_two(self) -> None:
        found = measured([0, 1, 0], 1, 3)
        assert found["ndcg"] == pytest.approx(1 / np.log2(3))
        assert found["map"] == found["mrr"] == 0.5

    def test_nothing_found_is_zero_everywhere(self) -> None:
        assert set(measured([0, 0, 0], 5, 3).values()) == {0}

    def test_a_full_list_is_perfect_however_many_more_there_are(self) -> None:
        found = measured([1, 1], 10, 2)
        assert found["ndcg"] == found["map"] == 1
        assert found["recall"] == 0.2

    def test_what_stands_after_k_does_not_count(self) -> None:
        assert measured([0, 0, 1], 1, 2)["hit_rate"] == 0

    def test_names_tell_k(self) -> None:
        names = set(ranking_metrics(np.ones((1, 5), np.bool_), np.array([1]), 5))
        assert names == {"ndcg@5", "precision@5", "recall@5", "map@5", "hit_rate@5", "mrr@5"}

    def test_viewers_are_measured_apart(self) -> None:
        hits = np.array([[1, 0], [0, 1]], np.bool_)
        both = ranking_metrics(hits, np.array([1, 1]), 2)
        assert both["mrr@2"].tolist() == [1, 0.5]

    @pytest.mark.parametrize("k", [1, 5, 20, 30])
    def test_ndcg_is_that_of_scikit_learn(self, k: int) -> None:
        rng = np.random.default_rng(k)
        relevance = rng.random((N_CASES, 30)) < 0.2
        relevance[:, 0] = True
        scores = rng.random(relevance.shape)
        hits = np.take_along_axis(relevance, np.argsort(-scores, axis=1), axis=1)
        ours = ranking_metrics(hits, relevance.sum(axis=1), k)[f"ndcg@{k}"]
        theirs = [
            ndcg_score([r], [s], k=k) for r, s in zip(relevance.astype(int), scores, strict=True)
        ]
        np.testing.assert_allclose(ours, theirs)

    def test_map_of_whole_lists_is_average_precision(self) -> None:
        rng = np.random.default_rng(1)
        relevance = rng.random((N_CASES, 30)) < 0.2
        relevance[:, 0] = True
        scores = rng.random(relevance.shape)
        hits = np.take_along_axis(relevance, np.argsort(-scores, axis=1), axis=1)
        ours = ranking_metrics(hits, relevance.sum(axis=1), 30)["map@30"]
        theirs = [average_precision_score(r, s) for r, s in zip(relevance, scores, strict=True)]
        np.testing.assert_allclose(ours, theirs)


class TestGini:
    def test_equal_exposure_is_zero(self) -> None:
        assert gini(np.array([3, 3, 3])) == 0

    def test_everything_on_one_of_four(self) -> None:
        # (n − 1) / n
        assert gini(np.array([0, 8, 0, 0])) == 0.75

    def test_one_and_three(self) -> None:
        # Mean |difference| 1 over twice the mean 2: half of the pairs differ by 2
        assert gini(np.array([1, 3])) == 0.25

    def test_nothing_shown_is_zero(self) -> None:
        assert gini(np.zeros(4, np.int64)) == 0

    @given(st.lists(st.integers(0, 50), min_size=1, max_size=30), st.integers(1, 9))
    def test_it_is_in_range_and_knows_no_scale(self, counts: list[int], scale: int) -> None:
        value = gini(np.array(counts))
        assert 0 <= value < 1
        assert gini(np.array(counts) * scale) == pytest.approx(value)


class TestAuc:
    def test_it_is_that_of_scikit_learn(self) -> None:
        cases = random_cases(1)
        ours = [auc(label, score) for label, score in cases]
        theirs = [roc_auc_score(label, score) for label, score in cases]
        np.testing.assert_allclose(ours, theirs)

    def test_constant_scores_are_chance(self) -> None:
        assert auc(np.array([1, 0, 0, 1, 0], np.bool_), np.full(5, 0.3)) == 0.5

    def test_shuffled_labels_are_chance(self) -> None:
        rng = np.random.default_rng(5)
        n_positive, n_negative = 600, 1400
        label = rng.permutation(np.repeat([True, False], [n_positive, n_negative]))
        # Variance under chance (Mann and Whitney): (n₁ + n₀ + 1) / (12 n₁ n₀)
        variance = (n_positive + n_negative + 1) / (12 * n_positive * n_negative)
        assert abs(auc(label, rng.random(len(label))) - 0.5) < 3 * variance**0.5

    def test_one_class_has_none(self) -> None:
        assert np.isnan(auc(np.ones(3, np.bool_), np.arange(3.0)))

    @given(st.integers(0, 2**31))
    def test_only_the_order_counts(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        score, label = np.round(rng.normal(size=20), 1), rng.random(20) < 0.5
        np.testing.assert_equal(auc(label, np.exp(2 * score) + 3), auc(label, score))
        assert auc(label, -score) == pytest.approx(1 - auc(label, score), nan_ok=True)


class TestGroupedAuc:
    def test_groups_count_by_their_size(self) -> None:
        group = np.array([1, 2, 1, 2, 2, 3])
        label = np.array([1, 1, 0, 0, 0, 1], np.bool_)
        score = np.array([0.9, 0.5, 0.1, 0.9, 0.1, 0.7])
        # Group 1: AUC 1 of 2 rows; group 2: ½ of 3; group 3 has one class only.
        assert grouped_auc(label, score, group) == pytest.approx((2 * 1 + 3 * 0.5) / 5)

    def test_level_of_a_group_does_not_count(self) -> None:
        rng = np.random.default_rng(2)
        group = np.repeat(np.arange(20), 10)
        label, score = rng.random(200) < 0.4, rng.random(200)
        moved = score + 10.0 * rng.permutation(20)[group]
        assert grouped_auc(label, moved, group) == pytest.approx(grouped_auc(label, score, group))

    def test_it_is_the_weighted_mean_of_scikit_learn(self) -> None:
        cases = random_cases(3)
        label, score = (np.concatenate(column) for column in zip(*cases, strict=True))
        group = np.repeat(np.arange(len(cases)), 30)
        theirs = np.mean([roc_auc_score(*case) for case in cases])
        assert grouped_auc(label, score, group) == pytest.approx(theirs)

    def test_groups_of_one_class_only_have_none(self) -> None:
        label = np.array([1, 1, 0], np.bool_)
        assert np.isnan(grouped_auc(label, np.arange(3.0), np.array([1, 1, 2])))


class TestLogLoss:
    def test_it_is_that_of_scikit_learn(self) -> None:
        cases = [(label, np.clip(score, 0.01, 0.99)) for label, score in random_cases(4)]
        ours = [log_loss(label, score) for label, score in cases]
        theirs = [sklearn_log_loss(label, score) for label, score in cases]
        np.testing.assert_allclose(ours, theirs)

    def test_certainty_that_was_wrong_is_finite(self) -> None:
        found = log_loss(np.array([True, False]), np.array([0.0, 1.0]))
        assert found == pytest.approx(-np.log(1e-7), rel=1e-6)

    def test_base_rate_gives_the_entropy(self) -> None:
        label = np.array([1, 0, 0, 0], np.bool_)
        entropy = -(0.25 * np.log(0.25) + 0.75 * np.log(0.75))
        assert log_loss(label, np.full(4, 0.25)) == pytest.approx(entropy)


class TestBootstrapMean:
    def interval(self, n: int) -> tuple[NDArray, tuple[float, float, float]]:
        values = np.random.default_rng(n).exponential(size=n)
        return values, bootstrap_mean(values, np.random.default_rng(0))

    @pytest.mark.parametrize("n", [5, 100, 3000])
    def test_interval_contains_the_mean(self, n: int) -> None:
        values, (value, low, high) = self.interval(n)
        assert value == pytest.approx(values.mean())
        assert low < value < high

    def test_interval_has_the_width_that_theory_gives(self) -> None:
        values, (_, low, high) = self.interval(3000)
        # ±1.96 s/√n; the ends of 1000 resamples are within some percent of it
        assert high - low == pytest.approx(2 * 1.96 * values.std() / 3000**0.5, rel=0.1)

    def test_interval_narrows_with_more_viewers(self) -> None:
        widths = [high - low for _, (_, low, high) in map(self.interval, [30, 300, 3000])]
        assert widths[0] > 2 * widths[1] > 4 * widths[2]

    def test_equal_values_have_no_width(self) -> None:
        assert bootstrap_mean(np.full(9, 0.25), np.random.default_rng(0)) == (0.25, 0.25, 0.25)

    def test_no_viewers_have_no_mean(self) -> None:
        assert np.isnan(bootstrap_mean(np.empty(0), np.random.default_rng(0))).all()

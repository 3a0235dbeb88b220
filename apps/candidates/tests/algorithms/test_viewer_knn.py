"""The neighborhood formula: its identities, an oracle, and real ratings."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from apps.candidates.algorithms.viewer_knn import (
    Baseline,
    fit_baseline,
    predict,
    residual_similarity,
)

BASELINE = Baseline(
    3.0, np.array([0.5, -0.5, 0.25], np.float32), np.array([1.0, -1.0, 0.0, 0.5], np.float32)
)


def predicted(
    weights: list[float],
    rated: list[tuple[int, int, float]],
    *,
    shrinkage: float = 0.0,
    unmet: float | None = None,
    viewer_bias: float = 0.1,
) -> dict[int, float]:
    """Return r̂ by content; rated: (neighbor, content, rating)."""
    owner, contents, ratings = zip(*rated, strict=True)
    rows, values = predict(
        np.array(weights, np.float32),
        np.array(owner),
        np.array(contents),
        np.array(ratings, np.float32),
        BASELINE,
        viewer_bias=viewer_bias,
        neighbors=np.arange(len(weights)),
        shrinkage=shrinkage,
        unmet=unmet,
    )
    return dict(zip(rows.tolist(), values.tolist(), strict=True))


class TestPredict:
    def test_without_weight_the_baseline_is_expected(self) -> None:
        # μ + b_u + b_c = 3 + 0.1 + 1
        assert predicted([0.0], [(0, 0, 5.0)]) == pytest.approx({0: 4.1})

    def test_one_neighbor_of_weight_one_adds_exactly_its_residual(self) -> None:
        # b_nc = 3 + 0.5 − 1 = 2.5; the neighbor gave 4: 1.5 more than expected
        assert predicted([1.0], [(0, 1, 4.0)]) == pytest.approx({1: 2.1 + 1.5})

    def test_weights_are_divided_out(self) -> None:
        rated = [(0, 1, 4.0), (1, 1, 1.0)]
        assert predicted([3.0, 1.0], rated) == pytest.approx(predicted([0.3, 0.1], rated))

    def test_shrinkage_draws_to_the_baseline(self) -> None:
        # Half of the residual 1.5: one neighbor of weight 1 against a shrinkage of 1
        assert predicted([1.0], [(0, 1, 4.0)], shrinkage=1.0) == pytest.approx({1: 2.1 + 0.75})

    def test_who_did_not_rate_is_left_out(self) -> None:
        assert predicted([1.0, 1.0], [(0, 1, 4.0)]) == pytest.approx(
            predicted([1.0], [(0, 1, 4.0)])
        )

    def test_negative_weight_takes_the_residual_away(self) -> None:
        assert predicted([-1.0], [(0, 1, 4.0)]) == pytest.approx({1: 2.1 - 1.5})

    @given(
        weights=st.lists(st.floats(0, 2, width=32), min_size=3, max_size=3),
        ratings=st.dictionaries(
            st.tuples(st.integers(0, 2), st.integers(0, 3)),
            st.floats(-3, 3, width=32),
            min_size=1,
        ),
        shrinkage=st.floats(0.5, 9),
        unmet=st.sampled_from([None, 0.0, 0.5]),
    )
    def test_is_the_sum_written_out(
        self,
        weights: list[float],
        ratings: dict[tuple[int, int], float],
        shrinkage: float,
        unmet: float | None,
    ) -> None:
        rated = [(n, c, r) for (n, c), r in ratings.items()]
        found = predicted(weights, rated, shrinkage=shrinkage, unmet=unmet)
        for content in {c for _, c, _ in rated}:
            sums, total = 0.0, 0.0
            for neighbor, weight in enumerate(weights):
                rating = ratings.get((neighbor, content), unmet)
                if rating is not None:
                    expected = 3.0 + BASELINE.viewers[neighbor] + BASELINE.contents[content]
                    sums += weight * (rating - expected)
                    total += weight
            mine = 3.0 + 0.1 + BASELINE.contents[content]
            assert found[content] == pytest.approx(mine + sums / (total + shrinkage), abs=1e-4)


class TestBaseline:
    def test_additive_ratings_are_taken_apart(self) -> None:
        rng = np.random.default_rng(0)
        of_viewer, of_content = rng.normal(size=60), rng.normal(size=40)
        values = 3 + np.add.outer(of_viewer, of_content)
        found = fit_baseline(sp.csr_matrix(values), damping=0.0, passes=20)
        fitted = found.mean + np.add.outer(found.viewers, found.contents)
        np.testing.assert_allclose(fitted, values, atol=1e-4)

    def test_damping_draws_rare_ones_to_the_mean(self) -> None:
        ratings = sp.csr_matrix(np.array([[5.0, 1, 1, 1], [0, 1, 1, 1]]))
        free, damped = (fit_baseline(ratings, damping=d).contents[0] for d in (0.0, 10.0))
        assert 0 < damped < free / 3

    def test_unmet_pairs_count_where_they_are_known(self) -> None:
        ratings = sp.csr_matrix(np.array([[1.0, 0], [1, 0], [1, 1], [0, 0]]))
        found = fit_baseline(ratings, damping=0.0, unmet=0.0)
        # 4 of 8 pairs met; 3 of 4 met the first content, 1 of 4 the second
        assert found.mean == pytest.approx(0.5)
        assert found.contents.tolist() == pytest.approx([0.25, -0.25])
        assert found.viewers.tolist() == pytest.approx([0, 0, 0.5, -0.5])

    def test_nothing_rated_is_no_bias(self) -> None:
        found = fit_baseline(sp.csr_matrix((0, 3), dtype=np.float32))
        assert (found.mean, found.contents.tolist()) == (0.0, [0.0] * 3)


def test_similarity_is_the_shrunk_cosine_over_what_both_rated() -> None:
    rng = np.random.default_rng(2)
    values = np.where(rng.random((9, 14)) < 0.6, rng.integers(1, 6, (9, 14)), 0)
    ratings = sp.csr_matrix(values.astype(np.float32))
    baseline = fit_baseline(ratings)
    found = residual_similarity(ratings, baseline, shrinkage=10.0)
    residual = values - baseline.mean - np.add.outer(baseline.viewers, baseline.contents)
    for one, two in [(0, 1), (3, 8), (5, 2)]:
        both = (values[one] > 0) & (values[two] > 0)
        x, y = residual[one, both], residual[two, both]
        cosine = x @ y / np.sqrt((x @ x) * (y @ y))
        assert found[one, two] == pytest.approx(cosine * both.sum() / (both.sum() + 10), abs=1e-5)
    assert not found.diagonal().any()


def test_neighbors_predict_planted_taste_better_than_biases_do() -> None:
    """Two kinds of viewers who rate two kinds of contents the other way around."""
    rng = np.random.default_rng(5)
    kind = np.equal.outer(np.arange(80) % 2, np.arange(50) % 2)
    truth = 3 + np.where(kind, 0.8, -0.8) + rng.normal(0, 0.3, kind.shape)
    known = rng.random(kind.shape) < 0.5
    ratings = sp.csr_matrix(np.where(known, truth, 0).astype(np.float32))
    baseline = fit_baseline(ratings)
    similar = residual_similarity(ratings, baseline, shrinkage=10.0)
    errors, biases = [], []
    for viewer in range(20):
        near = np.argsort(-similar[viewer])[:15]
        mine = ratings[near].tocoo()
        rows, found = predict(
            similar[viewer, near],
            mine.row.astype(np.int64),
            mine.col.astype(np.int64),
            mine.data,
            baseline,
            viewer_bias=float(baseline.viewers[viewer]),
            neighbors=near,
            shrinkage=0.2,
        )
        test = ~known[viewer, rows]
        expected = baseline.mean + baseline.viewers[viewer] + baseline.contents[rows]
        errors.append(found[test] - truth[viewer, rows[test]])
        biases.append(expected[test] - truth[viewer, rows[test]])
    rmse, of_biases = (np.sqrt(np.mean(np.concatenate(e) ** 2)) for e in (errors, biases))
    assert rmse < 0.6 * of_biases

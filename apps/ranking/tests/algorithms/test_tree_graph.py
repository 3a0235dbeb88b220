"""The graph of trees answers what LightGBM does: for every row, missing values and all."""

from __future__ import annotations

from typing import Any

import lightgbm as lgb
import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from apps.ranking.algorithms.tree_graph import TreeError, mirrored, tree_graph

RNG = np.random.default_rng(5)
TINY: dict[str, Any] = {"num_leaves": 9, "min_data_in_leaf": 5, "verbose": -1, "num_threads": 1}


def trained(x: NDArray, y: NDArray, **settings: Any) -> lgb.Booster:
    return lgb.train(TINY | settings, lgb.Dataset(x, y), num_boost_round=12)


def asked(booster: lgb.Booster, x: NDArray) -> NDArray:
    graph = tree_graph(booster.dump_model())
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": mirrored(x.astype(np.float32))})[0][:, 0])


@pytest.mark.parametrize("is_missing_in_training", [True, False])
@pytest.mark.parametrize("objective", ["binary", "cross_entropy", "regression"])
def test_every_row_reaches_the_leaves_that_it_reaches_in_lightgbm(
    objective: str, is_missing_in_training: bool
) -> None:
    x = RNG.normal(size=(400, 4)).astype(np.float32)
    y = (x[:, 0] + 0.5 * x[:, 1] ** 2 > 0).astype(np.float32)
    if is_missing_in_training:
        x[RNG.random(x.shape) < 0.2] = np.nan
    booster = trained(x, y, objective=objective)
    rows = np.concatenate([x, np.full((1, 4), np.nan), np.zeros((1, 4)), np.full((1, 4), np.inf)])
    rows[:50, 1] = np.nan

    np.testing.assert_allclose(
        asked(booster, rows), booster.predict(rows, raw_score=True), atol=1e-6
    )


@pytest.mark.parametrize("missing_is", [0.0, 1.0])
def test_the_floats_beside_a_threshold_part_as_in_lightgbm(missing_is: float) -> None:
    x = RNG.normal(size=(400, 1)).astype(np.float32)
    y = (np.abs(x[:, 0]) > 0.7).astype(np.float32)
    x[:80], y[:80] = np.nan, missing_is  # so that they go either way
    booster = trained(x, y, objective="regression")
    thresholds = booster.trees_to_dataframe()["threshold"].dropna().to_numpy(np.float32)
    beside = [np.nextafter(thresholds, np.float32(end)) for end in (-np.inf, np.inf)]
    rows = np.concatenate([thresholds, *beside])[:, None]

    np.testing.assert_allclose(
        asked(booster, rows), booster.predict(rows, raw_score=True), atol=1e-6
    )


def test_trees_without_a_split_are_their_leaf() -> None:
    x = np.zeros((50, 1))
    booster = trained(x, np.arange(50.0), objective="regression")

    np.testing.assert_allclose(asked(booster, x[:2]), [24.5, 24.5])


def test_what_no_booster_here_has_is_refused() -> None:
    x = RNG.integers(0, 4, (200, 1)).astype(float)
    booster = lgb.train(
        TINY | {"objective": "regression", "min_data_per_group": 1, "cat_smooth": 1},
        lgb.Dataset(x, (x[:, 0] % 2), categorical_feature=[0]),
        num_boost_round=2,
    )

    with pytest.raises(TreeError, match="=="):
        tree_graph(booster.dump_model())

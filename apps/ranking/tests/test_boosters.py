"""Boosters: the same input gives the same model, and what is saved is what was trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from apps.ranking.boosters import BoosterParams, Frame, Model, load
from apps.ranking.tests.factories import TINY, make_examples

NAMES = [f"f{i}" for i in range(5)]
X, Y = make_examples(5)


@pytest.fixture(scope="module")
def model() -> Model:
    return Model(Frame(X, NAMES).train(Y, TINY), float(Y.mean()))


def predictions_of(frame: Frame, y: NDArray) -> NDArray:
    return Model(frame.train(y, TINY), 0.5).predict(X)


def test_model_learns_what_decides(model: Model) -> None:
    predicted = model.predict(X)
    assert predicted[Y == 1].mean() > predicted[Y == 0].mean() + 0.2
    assert max(model.importance(), key=lambda name: model.importance()[name]) == "f0"


def test_predictions_are_probabilities(model: Model) -> None:
    predicted = model.predict(X)
    assert predicted.dtype == np.float64
    assert ((predicted > 0) & (predicted < 1)).all()


def test_importances_are_shares(model: Model) -> None:
    assert sum(model.importance().values()) == pytest.approx(1)


def test_same_input_gives_the_same_model() -> None:
    first = Frame(X, NAMES).train(Y, TINY).model_to_string()
    assert Frame(X, NAMES).train(Y, TINY).model_to_string() == first


def test_models_of_one_frame_do_not_see_each_other() -> None:
    shared = Frame(X, NAMES)
    alone = predictions_of(Frame(X, NAMES), Y)
    np.testing.assert_array_equal(predictions_of(shared, Y), alone)
    assert not np.array_equal(predictions_of(shared, 1 - Y), alone)
    np.testing.assert_array_equal(predictions_of(shared, Y), alone)


def test_leaves_may_be_smaller_than_the_bins_expect() -> None:
    # LightGBM drops features that 20 rows cannot split unless told not to.
    frame = Frame(X[:30], NAMES)
    small = BoosterParams(trees=4, leaves=4, min_leaf=2)
    assert Model(frame.train(Y[:30], small), 0.5).predict(X[:30]).std() > 0


def test_another_seed_gives_another_model() -> None:
    frame = Frame(X, NAMES)
    other = BoosterParams(trees=TINY.trees, leaves=TINY.leaves, min_leaf=TINY.min_leaf, seed=8)
    assert frame.train(Y, other).model_to_string() != frame.train(Y, TINY).model_to_string()


def test_trees_answer_what_lightgbm_does(model: Model) -> None:
    booster = Frame(X, NAMES).train(Y, TINY)
    x = np.tile(X, (8, 1))  # more rows than are asked at once
    x[::7, 0] = np.nan
    asked = Model(booster, 0.5)
    np.testing.assert_allclose(asked.margin(x), booster.predict(x, raw_score=True), atol=1e-6)
    np.testing.assert_allclose(asked.predict(x), booster.predict(x), atol=1e-6)


def test_saved_model_predicts_the_same(model: Model, tmp_path: Path) -> None:
    model.save(tmp_path / "model.txt")
    again = load(tmp_path / "model.txt", model.base)
    assert again.is_learned
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


class TestBaseRate:
    def test_it_is_the_answer_to_everything(self) -> None:
        base = Model(None, 0.07)
        assert not base.is_learned
        assert base.predict(X[:3]).tolist() == [0.07, 0.07, 0.07]
        assert base.importance() == {}

    def test_it_needs_no_file(self, tmp_path: Path) -> None:
        Model(None, 0.07).save(tmp_path / "model.txt")
        again = load(tmp_path / "model.txt", 0.07)
        assert again.predict(X[:1]).tolist() == [0.07]
        assert not again.is_learned

    def test_no_rows_give_no_predictions(self, model: Model) -> None:
        assert model.predict(X[:0]).shape == (0,)

"""What every ranker of the heads keeps to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from apps.features.encoding import fit as fit_encoder
from apps.ranking.boosted import BoostedParams, BoostedRanker
from apps.ranking.boosted import fit as fit_boosted
from apps.ranking.boosters import BoosterParams
from apps.ranking.inputs import Inputs
from apps.ranking.neural import NeuralParams, NeuralRanker
from apps.ranking.tests.factories import TINY, make_inputs
from apps.ranking.types import LEARNED, Head, Labels, Ranker

SOFT = BoosterParams(objective="cross_entropy", trees=8, leaves=4, min_leaf=5)


def boosted(inputs: Inputs, labels: Labels) -> Ranker:
    return fit_boosted(inputs, labels, BoostedParams(TINY, TINY, SOFT))


def neural(inputs: Inputs, labels: Labels) -> Ranker:
    params = NeuralParams(batch=32, rate=0.003)
    ranker = NeuralRanker(fit_encoder(inputs.features), params, LEARNED)
    ranker.fit(inputs, labels, validation=100)
    return ranker


LOADERS: dict[str, Callable[[Path], Ranker]] = {
    "boosted": BoostedRanker.load,
    "neural": NeuralRanker.load,
}
KNOWN, LABELS = make_inputs(800)
ASKED, ANSWERS = make_inputs(200, seed=5)


@pytest.fixture(scope="module", params=[boosted, neural], ids=lambda make: make.__name__)
def ranker(request: pytest.FixtureRequest) -> Ranker:
    return request.param(KNOWN, LABELS)


def test_every_head_gets_a_probability_for_every_pair(ranker: Ranker) -> None:
    predicted = ranker.predict(ASKED)
    assert tuple(predicted) == ranker.heads == LEARNED
    for values in predicted.values():
        assert values.shape == (200,)
        assert values.dtype == np.float64
        assert ((values >= 0) & (values <= 1)).all()


def test_it_learns_what_decides(ranker: Ranker) -> None:
    assert roc_auc_score(ANSWERS[Head.LIKE], ranker.predict(ASKED)[Head.LIKE]) > 0.8


def test_a_pair_gets_the_same_alone_as_among_others(ranker: Ranker) -> None:
    alone = ranker.predict(ASKED.take(slice(7, 8)))[Head.LIKE]
    np.testing.assert_allclose(alone[0], ranker.predict(ASKED)[Head.LIKE][7], rtol=1e-5)


def test_nothing_known_of_a_pair_gives_something_in_between(ranker: Ranker) -> None:
    unknown = Inputs.of_strangers(np.full((1, KNOWN.features.shape[1]), np.nan, np.float32))
    assert 0.05 < ranker.predict(unknown)[Head.LIKE][0] < 0.95


def test_no_pairs_get_no_predictions(ranker: Ranker) -> None:
    assert ranker.predict(ASKED.take(slice(0, 0)))[Head.LIKE].shape == (0,)


def test_what_is_read_predicts_bit_by_bit_what_was_saved(ranker: Ranker, tmp_path: Path) -> None:
    ranker.save(tmp_path)
    again = LOADERS[ranker.name](tmp_path)
    before, after = ranker.predict(ASKED), again.predict(ASKED)
    for head in LEARNED:
        np.testing.assert_array_equal(after[head], before[head])


def test_same_examples_give_the_same_ranker(ranker: Ranker) -> None:
    again = {"boosted": boosted, "neural": neural}[ranker.name](KNOWN, LABELS)
    np.testing.assert_array_equal(again.predict(ASKED)[Head.LIKE], ranker.predict(ASKED)[Head.LIKE])


def test_labels_that_are_missing_are_no_zeros(ranker: Ranker) -> None:
    make = {"boosted": boosted, "neural": neural}[ranker.name]
    watched = LABELS["watch_quantile"].copy()
    watched[:400] = np.nan
    predicted = make(KNOWN, LABELS | {"watch_quantile": watched}).predict(ASKED)
    mean = float(predicted["watch_quantile"].mean())
    assert mean == pytest.approx(float(np.nanmean(watched)), abs=0.1)


def test_learning_on_says_the_loss_beforehand_or_that_it_cannot(ranker: Ranker) -> None:
    fresh = {"boosted": boosted, "neural": neural}[ranker.name](KNOWN, LABELS)
    before = fresh.predict(ASKED)[Head.LIKE]
    loss = fresh.partial_fit(ASKED, ANSWERS)
    assert (fresh.predict(ASKED)[Head.LIKE] == before).all() == (loss is None)
    assert loss is None or 0 < loss < 10

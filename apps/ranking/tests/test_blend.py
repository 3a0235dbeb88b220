"""The blend: the better ranker has the say, and one that fails is not missed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from apps.ranking.algorithms.loss import logit, sigmoid
from apps.ranking.blend import Blend, Predictions, fit, trees_only
from apps.ranking.types import BOOSTED, LEARNED, NEURAL, Head, Labels

Both = dict[str, Predictions]


def two_views(n: int, seed: int, noise: tuple[float, float] = (0.6, 0.9)) -> tuple[Both, Labels]:
    """Return two rankers' opinions, each with its own noise, and likes."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(-1, 1, n)
    liked = (rng.random(n) < sigmoid(truth)).astype(np.float32)
    predicted = {
        name: {head: sigmoid(1.5 * truth + level * rng.normal(size=n)) for head in LEARNED}
        for name, level in zip((BOOSTED, NEURAL), noise, strict=True)
    }
    return predicted, dict.fromkeys(LEARNED, liked)


KNOWN, KNOWN_LABELS = two_views(20_000, 0)
ASKED, ASKED_LABELS = two_views(100_000, 1)
LIKED = ASKED_LABELS[Head.LIKE]


@pytest.fixture(scope="module")
def blend() -> Blend:
    return fit(KNOWN, KNOWN_LABELS)


def test_blend_is_better_than_either_ranker(blend: Blend) -> None:
    mixed = blend.mix(ASKED)[Head.LIKE]
    for predicted in ASKED.values():
        assert roc_auc_score(LIKED, mixed) > roc_auc_score(LIKED, predicted[Head.LIKE])
        assert log_loss(LIKED, mixed) < log_loss(LIKED, predicted[Head.LIKE])


def test_mix_is_the_weighted_log_odds_and_nothing_else(blend: Blend) -> None:
    weights = blend.weights()[Head.LIKE]
    z = sum(w * logit(ASKED[name][Head.LIKE]) for name, w in weights.items())
    np.testing.assert_allclose(logit(blend.mix(ASKED)[Head.LIKE]), z)


def test_one_ranker_alone_answers(blend: Blend) -> None:
    for name in (BOOSTED, NEURAL):
        alone = blend.mix({name: ASKED[name]})[Head.LIKE]
        np.testing.assert_allclose(alone, ASKED[name][Head.LIKE])


def test_predictions_that_are_not_finite_are_left_to_the_other(blend: Blend) -> None:
    broken = ASKED[NEURAL][Head.LIKE].copy()
    broken[:10] = np.nan
    mixed = blend.mix(ASKED | {NEURAL: ASKED[NEURAL] | {Head.LIKE: broken}})[Head.LIKE]
    np.testing.assert_allclose(mixed[:10], blend.mix({BOOSTED: ASKED[BOOSTED]})[Head.LIKE][:10])
    np.testing.assert_allclose(mixed[10:], blend.mix(ASKED)[Head.LIKE][10:])


def test_before_anything_is_judged_trees_alone_are_repeated() -> None:
    mixed = trees_only((BOOSTED, NEURAL)).mix({BOOSTED: ASKED[BOOSTED]})[Head.LIKE]
    np.testing.assert_allclose(mixed, ASKED[BOOSTED][Head.LIKE], rtol=1e-9)


def test_head_with_few_labels_stays_with_the_trees_until_the_network_earns_it() -> None:
    few = np.zeros_like(KNOWN_LABELS[Head.LIKE])
    few[:39] = 1
    rare = fit(KNOWN, KNOWN_LABELS | {Head.REPORT.value: few})
    assert rare.weights()[Head.REPORT] == pytest.approx({BOOSTED: 0.95, NEURAL: 0.05})
    drifted, labels = two_views(4000, 2, noise=(3.0, 0.3))
    assert rare.after(drifted, labels).weights()[Head.REPORT][NEURAL] > 0.5


def test_weights_follow_what_happens(blend: Blend) -> None:
    drifted, labels = two_views(4000, 2, noise=(3.0, 0.3))
    before, after = blend.weights(), blend.after(drifted, labels).weights()
    assert before[Head.LIKE][BOOSTED] > 0.5
    assert after[Head.LIKE][BOOSTED] < 0.05


def test_a_ranker_that_is_silent_loses_weight(blend: Blend) -> None:
    silent = {name: np.full(4000, np.nan) for name in LEARNED}
    some = {name: values[:4000] for name, values in ASKED[BOOSTED].items()}
    labels = {name: values[:4000] for name, values in ASKED_LABELS.items()}
    after = blend.after({BOOSTED: some, NEURAL: silent}, labels).weights()
    assert after[Head.LIKE][NEURAL] <= blend.weights()[Head.LIKE][NEURAL]


def test_what_is_read_mixes_bit_by_bit_what_was_saved(blend: Blend, tmp_path: Path) -> None:
    blend.save(tmp_path)
    np.testing.assert_array_equal(
        Blend.load(tmp_path).mix(ASKED)[Head.LIKE], blend.mix(ASKED)[Head.LIKE]
    )

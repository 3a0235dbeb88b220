"""The neural ranker: embeddings of ids, and learning that goes on where it stopped."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from apps.core.artifacts import ArtifactError
from apps.features.encoding import fit as fit_encoder
from apps.features.selectors import NAMES
from apps.ranking.inputs import Inputs
from apps.ranking.neural import NeuralParams, NeuralRanker
from apps.ranking.tests.factories import make_inputs
from apps.ranking.types import LEARNED, Head, Labels

INPUTS, LABELS = make_inputs(600)


def fresh(**changes: object) -> NeuralRanker:
    params = replace(NeuralParams(batch=50), **changes)  # type: ignore[arg-type]
    return NeuralRanker(fit_encoder(INPUTS.features), params, LEARNED)


def part(start: int, end: int) -> tuple[Inputs, Labels]:
    return INPUTS.take(slice(start, end)), {h: y[start:end] for h, y in LABELS.items()}


class TestEmbeddings:
    def test_an_id_never_seen_has_the_mean_of_those_seen(self) -> None:
        ranker = fresh()
        ranker.partial_fit(INPUTS, LABELS)
        table, seen = ranker.weights["viewer"], ranker.is_seen["viewer"]
        np.testing.assert_allclose(table[-1], table[seen].mean(axis=0), atol=1e-6)
        ids = INPUTS.ids[:1].copy()
        ids[0, 0] = 999
        stranger = Inputs(INPUTS.features[:1], ids)
        table[999] = 50  # what an unlearned row holds is nobody's
        before = ranker.predict(stranger)[Head.LIKE][0]
        table[999] = -50
        assert ranker.predict(stranger)[Head.LIKE][0] == before

    def test_a_new_row_starts_at_the_mean(self) -> None:
        ranker = fresh(rate=0.0, floor=0.0)  # rows start, nothing moves
        ranker.partial_fit(INPUTS, LABELS)
        mean, noise = ranker.weights["viewer"][-1].copy(), ranker.weights["viewer"][999].copy()
        ids = INPUTS.ids[:1].copy()
        ids[0, 0] = 999
        _, labels = part(0, 1)
        ranker.partial_fit(Inputs(INPUTS.features[:1], ids), labels)
        np.testing.assert_allclose(ranker.weights["viewer"][999], mean + noise, atol=1e-6)

    def test_tastes_are_learned_from_ids_alone(self) -> None:
        # Odd viewers like odd contents: no feature says it, no sum over ids does.
        rng = np.random.default_rng(0)
        inputs = Inputs(np.full((8000, len(NAMES)), np.nan, np.float32), np.zeros((8000, 8), int))
        inputs.ids[:, 0], inputs.ids[:, 1] = rng.integers(1, 41, (2, 8000))
        agree = (inputs.ids[:, 0] % 2 == inputs.ids[:, 1] % 2).astype(np.float32)
        labels = {head: agree if head == Head.LIKE else np.zeros_like(agree) for head in LEARNED}
        ranker = fresh(batch=256, rate=0.01, l2_rows=0.0, passes=12)
        ranker.fit(inputs, labels, validation=1000)
        predicted = ranker.predict(inputs.take(slice(7000, None)))[Head.LIKE]
        assert roc_auc_score(agree[7000:], predicted) > 0.9


class TestLearning:
    def test_learning_on_after_a_save_is_bitwise_learning_without_one(self, tmp_path: Path) -> None:
        through, stopped = fresh(), fresh()
        for start in range(0, 600, 100):
            through.partial_fit(*part(start, start + 100))
        for start in range(0, 300, 100):
            stopped.partial_fit(*part(start, start + 100))
        stopped.save(tmp_path)
        resumed = NeuralRanker.load(tmp_path)
        for start in range(300, 600, 100):
            resumed.partial_fit(*part(start, start + 100))
        assert (resumed.t, resumed.multiplier) == (through.t, through.multiplier)
        for kind in ("weights", "m", "v", "total", "is_seen"):
            for name, values in getattr(through, kind).items():
                np.testing.assert_array_equal(getattr(resumed, kind)[name], values)

    def test_the_best_pass_is_kept(self) -> None:
        one, many = fresh(passes=1, rate=0.02), fresh(passes=40, rate=0.02)
        best_of_one = one.fit(INPUTS, LABELS, validation=200)
        best_of_many = many.fit(INPUTS, LABELS, validation=200)
        assert best_of_many <= best_of_one
        assert many.t < 40 * one.t  # stopped: 400 examples do not teach for 40 passes

    def test_the_held_part_is_not_learned_from(self) -> None:
        rng = np.random.default_rng(0)
        other = {h: np.concatenate([y[:400], rng.permutation(y[400:])]) for h, y in LABELS.items()}
        one, two = fresh(passes=1), fresh(passes=1)
        one.fit(INPUTS, LABELS, validation=200)
        two.fit(INPUTS, other, validation=200)
        np.testing.assert_array_equal(one.weights["W0"], two.weights["W0"])

    def test_heads_start_at_their_base_rates(self) -> None:
        ranker = fresh(passes=0)
        ranker.fit(INPUTS, LABELS, validation=100)
        expected = LABELS[Head.LIKE][:500].sum() / 500
        bias = float(ranker.weights["b2"][LEARNED.index(Head.LIKE)])
        assert 1 / (1 + np.exp(-bias)) == pytest.approx(expected, abs=0.01)


def test_a_network_of_other_id_buckets_is_refused(tmp_path: Path) -> None:
    fresh().save(tmp_path)
    facts = json.loads((tmp_path / "encoder.json").read_text())
    facts["n_buckets"]["viewer"] = 7
    (tmp_path / "encoder.json").write_text(json.dumps(facts))
    with pytest.raises(ArtifactError, match="id buckets"):
        NeuralRanker.load(tmp_path)

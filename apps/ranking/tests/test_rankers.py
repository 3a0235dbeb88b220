"""The rankers that are served: their features, their predictions, their files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from apps.candidates.tests.factories import make_catalog, make_request, watched
from apps.core.artifacts import ArtifactError
from apps.features.selectors import NAMES
from apps.ranking.inputs import ids_of
from apps.ranking.pool import opinions, pool_features
from apps.ranking.rankers import (
    SELECT_NAMES,
    Rankers,
    load_rankers,
    request_features,
    request_inputs,
    save_rankers,
    select_features,
)
from apps.ranking.tests.factories import make_examples, make_inputs, make_pool, make_rankers
from apps.ranking.types import BOOSTED, LEARNED, NEURAL, WATCH_QUANTILE, WATCH_SECONDS, Head

PAIRS, _ = make_inputs(seed=2)


@pytest.fixture(scope="module")
def rankers() -> Rankers:
    return make_rankers()


class TestPredictHeads:
    def test_every_head_the_quantile_and_the_seconds_are_given(self, rankers: Rankers) -> None:
        predicted = rankers.predict_heads(PAIRS)
        assert set(predicted) == {*LEARNED, WATCH_SECONDS}
        assert {values.shape for values in predicted.values()} == {(len(PAIRS),)}

    def test_heads_are_probabilities(self, rankers: Rankers) -> None:
        predicted = rankers.predict_heads(PAIRS)
        heads = np.stack([predicted[head] for head in LEARNED])
        assert ((heads >= 0) & (heads <= 1)).all()
        assert (predicted[WATCH_SECONDS] >= 0).all()

    def test_answer_is_the_blend_of_both_rankers(self, rankers: Rankers) -> None:
        assert rankers.neural is not None
        both = {BOOSTED: rankers.boosted.predict(PAIRS), NEURAL: rankers.neural.predict(PAIRS)}
        liked = rankers.predict_heads(PAIRS)[Head.LIKE]
        np.testing.assert_array_equal(liked, rankers.blend.mix(both)[Head.LIKE])
        weights = rankers.blend.weights()[Head.LIKE]
        assert min(weights.values()) > 0.04

    def test_without_a_network_the_trees_answer_alone(self, rankers: Rankers) -> None:
        alone = replace(rankers, neural=None).predict_heads(PAIRS)
        assert all(np.isfinite(values).all() for values in alone.values())
        order = np.argsort(rankers.boosted.predict(PAIRS)[Head.LIKE], kind="stable")
        assert (np.diff(alone[Head.LIKE][order]) >= 0).all()

    def test_seconds_are_those_at_the_quantile(self, rankers: Rankers) -> None:
        predicted = rankers.predict_heads(PAIRS)
        expected = rankers.watch.typical_seconds(predicted[WATCH_QUANTILE], PAIRS.duration)
        np.testing.assert_array_equal(predicted[WATCH_SECONDS], expected)


class TestRequestInputs:
    def test_ids_of_a_request_are_those_of_its_pairs_in_training(self) -> None:
        catalog = make_catalog(6)
        request = make_request(catalog, watched(0, 1))
        rows = np.array([4, 2])
        inputs = request_inputs(request, rows, np.zeros((2, len(NAMES)), np.float32))
        viewer = np.full(2, request.query.viewer)
        np.testing.assert_array_equal(inputs.ids, ids_of(viewer, rows, catalog))


class TestFeatures:
    REQUEST = make_request(make_catalog(6), watched(0, 1), log=watched(0, 1, 2))

    def test_a_request_has_a_row_of_the_schema_for_each_candidate(self) -> None:
        features = request_features(self.REQUEST, np.array([2, 3, 4]))
        assert features.shape == (3, len(NAMES))
        assert features.dtype == np.float32

    def test_a_candidate_has_the_same_features_alone_as_among_others(self) -> None:
        together = request_features(self.REQUEST, np.array([5, 2, 4]))
        np.testing.assert_array_equal(request_features(self.REQUEST, np.array([4]))[0], together[2])

    def test_pool_features_are_of_the_whole_pool_whatever_is_kept(self) -> None:
        pool = make_pool(4, nearest=[4, 3, 2, 1])
        given = opinions(pool)
        features = select_features(self.REQUEST, pool, given, np.array([3, 0]))
        assert features.shape == (2, len(SELECT_NAMES))
        of_pool = pool_features(given)
        np.testing.assert_array_equal(features[:, : of_pool.shape[1]], of_pool[[3, 0]])


class TestSaveAndLoad:
    def test_predictions_are_those_before(self, rankers: Rankers, tmp_path: Path) -> None:
        save_rankers(rankers, tmp_path)
        again = load_rankers(tmp_path, "again")
        assert again.version == "again"
        before, after = rankers.predict_heads(PAIRS), again.predict_heads(PAIRS)
        for name, values in before.items():
            np.testing.assert_array_equal(after[name], values)
        pools, _ = make_examples(len(SELECT_NAMES), seed=3)
        np.testing.assert_array_equal(again.select.predict(pools), rankers.select.predict(pools))

    @pytest.mark.parametrize("key", ["schema", "select_features"])
    def test_other_features_are_refused(self, rankers: Rankers, tmp_path: Path, key: str) -> None:
        save_rankers(rankers, tmp_path)
        facts = json.loads((tmp_path / "rankers.json").read_text())
        facts[key] = facts[key][1:]
        (tmp_path / "rankers.json").write_text(json.dumps(facts))
        with pytest.raises(ArtifactError, match="other features"):
            load_rankers(tmp_path, "again")

    def test_bundle_from_before_the_objective_is_refused(
        self, rankers: Rankers, tmp_path: Path
    ) -> None:
        save_rankers(rankers, tmp_path)
        facts = json.loads((tmp_path / "rankers.json").read_text())
        del facts["means"]
        (tmp_path / "rankers.json").write_text(json.dumps(facts))
        with pytest.raises(ArtifactError, match=r"run manage\.py train"):
            load_rankers(tmp_path, "old")

    def test_bundle_from_before_the_line_is_refused(self, rankers: Rankers, tmp_path: Path) -> None:
        save_rankers(rankers, tmp_path)
        facts = json.loads((tmp_path / "rankers.json").read_text())
        facts["select"]["line"] = [0.9, -1.2]  # of places to chances, as two boosters had it
        (tmp_path / "rankers.json").write_text(json.dumps(facts))
        with pytest.raises(ArtifactError, match=r"run manage\.py train"):
            load_rankers(tmp_path, "old")

"""The rankers that are served: their features, their predictions, their files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from apps.candidates.tests.factories import make_catalog, make_request, watched
from apps.core.artifacts import ArtifactError
from apps.features.selectors import NAMES
from apps.ranking.boosters import Model
from apps.ranking.pool import opinions, pool_features
from apps.ranking.rankers import (
    SELECT_NAMES,
    Rankers,
    WatchTime,
    load_rankers,
    request_features,
    save_rankers,
    select_features,
)
from apps.ranking.tests.factories import make_examples, make_pool, make_rankers
from apps.ranking.types import WATCH_SECONDS, Head

PAIRS, _ = make_examples(len(NAMES), seed=2)


@pytest.fixture(scope="module")
def rankers() -> Rankers:
    return make_rankers()


class TestWatchTime:
    def test_seconds_are_scaled_back_to_the_mean(self) -> None:
        # e^ln(10) − 1 = 9, times 2
        watch = WatchTime(Model(None, float(np.log(10))), 2.0)
        np.testing.assert_allclose(watch.predict(PAIRS[:2]), [18, 18])

    def test_seconds_are_never_negative(self) -> None:
        assert WatchTime(Model(None, -0.5), 2.0).predict(PAIRS[:1]).tolist() == [0]

    def test_before_training_nothing_is_expected(self) -> None:
        assert WatchTime().predict(PAIRS[:2]).tolist() == [0, 0]


class TestPredictHeads:
    def test_every_head_and_the_seconds_are_given(self, rankers: Rankers) -> None:
        predicted = rankers.predict_heads(PAIRS)
        assert set(predicted) == {head.value for head in Head} | {WATCH_SECONDS}
        assert {values.shape for values in predicted.values()} == {(len(PAIRS),)}

    def test_heads_are_probabilities(self, rankers: Rankers) -> None:
        predicted = rankers.predict_heads(PAIRS)
        heads = np.stack([predicted[head] for head in Head])
        assert ((heads >= 0) & (heads <= 1)).all()
        assert (predicted[WATCH_SECONDS] >= 0).all()


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

"""The encoder against scikit-learn, and what must never move it."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from apps.content.tests.factories import HOUR_MS, NOW_MS, make_catalog
from apps.core.artifacts import ArtifactError
from apps.events.tests.factories import make_log
from apps.features import encoding
from apps.features.definitions import NAMES, SCHEMA
from apps.features.encoding import (
    ENCODED_NAMES,
    N_BUCKETS,
    Encoder,
    buckets,
    key_of,
    one_hot,
)
from apps.features.replay import replay
from apps.features.tests.factories import make_pairs

CATALOG = make_catalog(30)
LOG = make_log(CATALOG, 600)
FEATURES = replay(LOG, CATALOG, make_pairs(CATALOG, NOW_MS - np.arange(300) * HOUR_MS))
PINNED = [85011, 69454, 36781, 7701]
NUMERIC = [i for i, f in enumerate(SCHEMA) if f.kind == "numeric"]


def clean(n: int = 500) -> np.ndarray:
    """Return features without missing values or tails: each row comes ten times."""
    rows = np.random.default_rng(0).uniform(-1, 1, (n // 10, len(SCHEMA)))
    # Quantiles of .1 % are then the least and the greatest value: nothing is clipped.
    return np.repeat(rows, 10, axis=0).astype(np.float32)


def column(encoded: np.ndarray, name: str) -> np.ndarray:
    return np.asarray(encoded[:, ENCODED_NAMES.index(name)])


def test_numbers_are_scaled_as_the_standard_scaler_does() -> None:
    rows = clean()

    encoded = encoding.fit(rows).transform(rows)

    expected = StandardScaler().fit_transform(rows.astype(np.float64))[:, NUMERIC]
    np.testing.assert_allclose(encoded[:, : len(NUMERIC)], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("n_values", [1, 3, 7])
def test_categories_are_coded_as_the_one_hot_encoder_does(n_values: int) -> None:
    values = np.array([0, 2, 6, 7, -1, 99, 3], np.float32)
    oracle = OneHotEncoder(
        categories=[np.arange(n_values)], handle_unknown="ignore", sparse_output=False
    )

    encoded = one_hot(values, n_values)

    expected = oracle.fit(np.zeros((1, 1))).transform(values[:, None])
    np.testing.assert_array_equal(encoded[:, 1:], expected)
    np.testing.assert_array_equal(encoded[:, 0], 1 - expected.sum(axis=1))


@pytest.mark.parametrize("value", [np.nan, 7, -1, 1e9, 0.5])
def test_unseen_category_is_unknown_and_does_not_fail(value: float) -> None:
    rows = FEATURES.copy()
    rows[:, NAMES.index("device")] = value

    encoded = encoding.fit(FEATURES).transform(rows)

    assert (column(encoded, "device=unknown") == 1).all()
    assert sum(column(encoded, f"device={i}").sum() for i in range(7)) == 0


def test_missing_is_told_apart_from_average() -> None:
    encoded = encoding.fit(FEATURES).transform(FEATURES)

    missing = np.isnan(FEATURES[:, NAMES.index("duration")])
    assert 0 < missing.sum() < len(FEATURES)
    np.testing.assert_array_equal(column(encoded, "duration_missing"), missing)
    assert (column(encoded, "duration")[missing] == 0).all()


def test_everything_is_finite() -> None:
    encoder = encoding.fit(FEATURES)

    nothing = np.full((1, len(SCHEMA)), np.nan, np.float32)

    assert encoder.transform(FEATURES).shape == (len(FEATURES), len(ENCODED_NAMES))
    assert np.isfinite(encoder.transform(FEATURES)).all()
    assert np.isfinite(encoder.transform(nothing)).all()
    assert np.isfinite(encoding.fit(nothing).transform(FEATURES)).all()


def test_one_outlier_moves_nothing() -> None:
    rows = np.tile(FEATURES, (4, 1))
    wild = rows.copy()
    # The row that had the greatest value of each feature has a million.
    wild[np.nanargmax(rows, axis=0), np.arange(len(SCHEMA))] = 1e6

    expected, found = encoding.fit(rows), encoding.fit(wild)

    np.testing.assert_array_equal(found.mean, expected.mean)
    np.testing.assert_array_equal(found.deviation, expected.deviation)
    assert np.abs(found.transform(wild)).max() < 50


def test_transform_is_the_same_to_the_bit_after_save_and_load(tmp_path: Path) -> None:
    encoder = encoding.fit(FEATURES)
    encoder.save(tmp_path)

    again = encoding.load(tmp_path)

    assert again.transform(FEATURES).tobytes() == encoder.transform(FEATURES).tobytes()
    for f in fields(Encoder):
        assert getattr(again, f.name).tobytes() == getattr(encoder, f.name).tobytes()


@pytest.mark.parametrize("key", ["schema", "encoded", "n_buckets"])
def test_encoder_of_other_features_is_refused(tmp_path: Path, key: str) -> None:
    encoding.fit(FEATURES).save(tmp_path)
    facts = json.loads((tmp_path / "encoder.json").read_text())
    facts[key] = {} if key == "n_buckets" else facts[key][1:]
    (tmp_path / "encoder.json").write_text(json.dumps(facts))

    with pytest.raises(ArtifactError, match="encoder"):
        encoding.load(tmp_path)


def test_description_is_of_the_training_window() -> None:
    described = encoding.fit(FEATURES).describe()

    duration = FEATURES[:, NAMES.index("duration")]
    assert set(described) == set(NAMES)
    assert described["duration"]["missing"] == pytest.approx(np.isnan(duration).mean())
    assert described["n_tags"]["mean"] == pytest.approx(FEATURES[:, NAMES.index("n_tags")].mean())


class TestBuckets:
    @given(st.lists(st.integers(0, 2**62), min_size=1), st.sampled_from(list(N_BUCKETS)))
    def test_known_keys_have_a_bucket_of_their_own_range(self, keys: list[int], name: str) -> None:
        found = buckets(name, np.array(keys))
        assert ((found >= 1) & (found < N_BUCKETS[name])).all()

    def test_hash_never_changes(self) -> None:
        # Computed once; another value would silently shuffle every stored embedding.
        assert buckets("content", np.array([0, 1, 2, 123_456_789])).tolist() == PINNED

    def test_unknown_is_bucket_zero_in_any_shape(self) -> None:
        assert buckets("tag", np.array([[-1, 3], [-1, -1]]))[:, 1].tolist()[1] == 0
        assert buckets("tag", np.array([[-1, 3], [-1, -1]])).shape == (2, 2)

    def test_keys_spread_evenly(self) -> None:
        found = buckets("category", np.arange(25_500))
        counts = np.bincount(found, minlength=256)[1:]
        # 100 a bucket expected; the standard deviation is 10, five of them are never left.
        assert counts.min() > 50
        assert counts.max() < 150

    def test_entities_do_not_share_an_order(self) -> None:
        keys = np.arange(100)
        assert (buckets("viewer", keys) != buckets("content", keys)).mean() > 0.9

    @given(st.text(), st.text())
    def test_names_have_keys_of_their_own(self, one: str, other: str) -> None:
        assert (key_of(one) == key_of(other)) == (one == other)
        assert 0 <= key_of(one) < 2**63

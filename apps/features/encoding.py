"""Features as neural rankers need them: scaled, one-hot, and ids as buckets (spec §2.3.3).

Everything that is fitted is fitted on rows of the training window, stored with the rankers, and
tied to the schema: an encoder of other features is refused.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.core.artifacts import ArtifactError
from apps.features.definitions import NAMES, SCHEMA, SCHEMA_HASH

CLIP_QUANTILES = (0.001, 0.999)  # beyond them a value says no more than the quantile does
N_BUCKETS = {
    "viewer": 1 << 17,
    "content": 1 << 17,
    "creator": 1 << 15,
    "sound": 1 << 14,
    "category": 1 << 8,
    "tag": 1 << 14,
}
_ARRAYS, _FACTS = "encoder.npz", "encoder.json"
_SCALED = np.array([i for i, f in enumerate(SCHEMA) if f.kind == "numeric"])
_FLAGS = np.array([i for i, f in enumerate(SCHEMA) if f.kind == "flag"])
_MAY_MISS = np.array([i for i, f in enumerate(SCHEMA) if f.may_miss])
_CATEGORICAL = [(i, f.n_values) for i, f in enumerate(SCHEMA) if f.kind == "categorical"]
# What comes out: scaled numbers, flags, which of them were missing, one-hot with unknown first.
ENCODED_NAMES: tuple[str, ...] = (
    *(NAMES[i] for i in _SCALED),
    *(NAMES[i] for i in _FLAGS),
    *(f"{NAMES[i]}_missing" for i in _MAY_MISS),
    *(f"{NAMES[i]}={value}" for i, n in _CATEGORICAL for value in ("unknown", *range(n))),
)

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Encoder:
    """What the training window says of each feature; arrays are float64[len(SCHEMA)]."""

    low: NDArray[np.float64]  # values are clipped to [low, high] first
    high: NDArray[np.float64]
    mean: NDArray[np.float64]  # of the clipped values that are known
    deviation: NDArray[np.float64]  # likewise; 1 where all values are the same
    missing: NDArray[np.float64]  # share of rows without a value

    def transform(self, features: Floats) -> Floats:
        """Return float32[n, len(ENCODED_NAMES)] of features float32[n, len(SCHEMA)]; no NaN.

        A missing number becomes the mean, 0, and sets its indicator, as does one whose feature the
        training window has never seen: what an indicator that never changed has learned is a
        constant. A category that the schema does not have is in the unknown bucket.
        """
        low, high, mean = self.low[_SCALED], self.high[_SCALED], self.mean[_SCALED]
        scaled = (np.clip(features[:, _SCALED], low, high) - mean) / self.deviation[_SCALED]
        flags = features[:, _FLAGS]
        parts: list[NDArray] = [
            np.where(np.isnan(scaled), 0, scaled),
            np.clip(np.where(np.isnan(flags), 0, flags), 0, 1),
            np.isnan(features[:, _MAY_MISS]) | (self.missing[_MAY_MISS] == 1),
            *(one_hot(features[:, i], n) for i, n in _CATEGORICAL),
        ]
        return np.concatenate(parts, axis=1, dtype=np.float32)

    def describe(self) -> dict[str, dict[str, float]]:
        """Return mean, deviation and missing share of each feature in the training window."""
        columns = zip(NAMES, self.mean, self.deviation, self.missing, strict=True)
        return {
            name: {"mean": float(mean), "deviation": float(deviation), "missing": float(missing)}
            for name, mean, deviation, missing in columns
        }

    def save(self, folder: Path) -> None:
        """Write the arrays, and the schema that they belong to."""
        np.savez(folder / _ARRAYS, **{name: getattr(self, name) for name in self.__slots__})
        facts = {"schema": SCHEMA_HASH, "encoded": ENCODED_NAMES, "n_buckets": N_BUCKETS}
        (folder / _FACTS).write_text(json.dumps(facts, indent=1))


def fit(features: Floats) -> Encoder:
    """Return the encoder of the training window's features float32[n, len(SCHEMA)].

    Quantiles, means and deviations are of the known values; a column without any has mean 0 and
    deviation 1. One value of a million among a thousand moves nothing: it is clipped.
    """
    columns = [_fit_column(features[:, i].astype(np.float64)) for i in range(len(SCHEMA))]
    low, high, mean, deviation, missing = np.array(columns).T
    return Encoder(low, high, mean, deviation, missing)


def _fit_column(values: NDArray[np.float64]) -> tuple[float, float, float, float, float]:
    known = values[~np.isnan(values)]
    if not len(known):
        return 0.0, 0.0, 0.0, 1.0, float(len(values) > 0)
    # Of values that there are: between two of them one outlier would still pull the bound.
    low = np.quantile(known, CLIP_QUANTILES[0], method="higher")
    high = np.quantile(known, CLIP_QUANTILES[1], method="lower")
    clipped = np.clip(known, low, high)
    deviation = float(clipped.std())
    missing = 1 - len(known) / len(values)
    return float(low), float(high), float(clipped.mean()), deviation or 1.0, missing


def load(folder: Path) -> Encoder:
    """Read an encoder; raise `ArtifactError` where it was fitted on other features."""
    facts: dict[str, Any] = json.loads((folder / _FACTS).read_text())
    if facts["schema"] != SCHEMA_HASH or tuple(facts["encoded"]) != ENCODED_NAMES:
        raise ArtifactError(f"{folder}: the encoder is of other features; run manage.py train")
    if facts["n_buckets"] != N_BUCKETS:
        raise ArtifactError(f"{folder}: the encoder has other id buckets; run manage.py train")
    with np.load(folder / _ARRAYS, allow_pickle=False) as arrays:
        return Encoder(**{name: arrays[name] for name in Encoder.__slots__})


def one_hot(values: Floats, n_values: int) -> Floats:
    """Return float32[n, n_values + 1]: column 0 for anything but 0 … n_values − 1, NaN too."""
    known = (values >= 0) & (values < n_values) & (values == np.floor(values))
    column = np.where(known, values, -1).astype(np.int64) + 1
    return np.eye(n_values + 1, dtype=np.float32)[column]


def buckets(entity: str, keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the embedding row of each key, 1 … N_BUCKETS − 1.

    keys: int64 of any shape, negative for unknown, which is bucket 0: database keys, or `key_of` a
    name. Codes of the catalogue are no keys: another process may number otherwise. The hash is
    MurmurHash3's finalizer with the entity's own seed, the same in every process.
    """
    seed = np.uint64(list(N_BUCKETS).index(entity) + 1)
    with np.errstate(over="ignore"):
        mixed = keys.astype(np.uint64) + seed * np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
        mixed = (mixed ^ (mixed >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
        mixed ^= mixed >> np.uint64(33)
    bucket = 1 + (mixed % np.uint64(N_BUCKETS[entity] - 1)).astype(np.int64)
    return np.where(keys < 0, 0, bucket)


def key_of(name: str) -> int:
    """Return a key ≥ 0 of a category's or tag's name that is the same in every process."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big") >> 1

"""What rankers read of viewer-content pairs: features, and ids as embedding rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from apps.content.types import Catalog
from apps.features.definitions import NAMES
from apps.features.encoding import N_BUCKETS, buckets, key_of

TAGS = 3  # of a content that embeddings see: the first ones say most
# Entity and its number of columns; the viewer comes first. Languages, devices and surfaces are in
# the features: one-hot columns before a dense layer are embeddings already.
FIELDS: tuple[tuple[str, int], ...] = (
    ("viewer", 1),
    ("content", 1),
    ("creator", 1),
    ("sound", 1),
    ("category", 1),
    ("tag", TAGS),
)
_DURATION = NAMES.index("duration")


@dataclass(frozen=True, slots=True)
class Inputs:
    """n pairs."""

    features: NDArray[np.float32]  # [n, len(SCHEMA)] as `features.compute` gives them
    ids: NDArray[np.int64]  # [n, columns of `FIELDS`] embedding rows, 0 unknown

    def __len__(self) -> int:
        return len(self.features)

    def take(self, index: NDArray[np.int64] | NDArray[np.bool_] | slice) -> Inputs:
        """Return the pairs that `index` picks."""
        return Inputs(self.features[index], self.ids[index])

    @property
    def duration(self) -> NDArray[np.float32]:
        """Return each content's length in seconds, float32[n], NaN where unknown."""
        return np.expm1(self.features[:, _DURATION])

    @classmethod
    def of_strangers(cls, features: NDArray[np.float32]) -> Inputs:
        """Return pairs of which nothing but the features is known."""
        columns = sum(columns for _, columns in FIELDS)
        return cls(features, np.zeros((len(features), columns), np.int64))


def ids_of(
    viewer: NDArray[np.int64], rows: NDArray[np.int64], catalog: Catalog
) -> NDArray[np.int64]:
    """Return the embedding rows of viewers [1 or n] (keys, < 1 unknown) and contents [n] (rows)."""
    tags = catalog.tags[rows, :TAGS]
    parts = [
        np.broadcast_to(buckets("viewer", np.where(viewer < 1, -1, viewer)), rows.shape)[:, None],
        buckets("content", catalog.content_pk[rows])[:, None],
        _of_codes("creator", catalog.creator[rows], catalog.creator_pk)[:, None],
        _of_codes("sound", catalog.sound[rows], catalog.sound_pk)[:, None],
        _of_names("category", catalog.category[rows], catalog.categories)[:, None],
        _of_names("tag", tags, catalog.tag_names),
    ]
    return np.concatenate(parts, axis=1)


def _of_codes(entity: str, codes: NDArray[np.int64], keys: NDArray[np.int64]) -> NDArray[np.int64]:
    known = (codes >= 0) & (codes < len(keys))
    found = np.full(codes.shape, -1, np.int64)
    found[known] = keys[codes[known]]
    return buckets(entity, found)


def _of_names(entity: str, codes: NDArray[np.int64], names: tuple[str, ...]) -> NDArray[np.int64]:
    """Return the bucket of each code's name."""
    table = _table(entity, names)
    known = (codes >= 0) & (codes < len(names))
    return np.where(known, table[np.where(known, codes, -1)], 0)


_tables: dict[str, tuple[tuple[str, ...], NDArray[np.int64]]] = {}  # entity → the latest names


def _table(entity: str, names: tuple[str, ...]) -> NDArray[np.int64]:
    """Return the bucket of each name, int64[names + 1], worked out when they are others."""
    held, table = _tables.get(entity, ((), np.zeros(1, np.int64)))
    if held is not names:
        keys = np.array([*map(_key, names), -1], np.int64)
        table = buckets(entity, keys)
        _tables[entity] = names, table
    return table


@lru_cache(maxsize=sum(N_BUCKETS[name] for name in ("category", "tag")))
def _key(name: str) -> int:
    return key_of(name)

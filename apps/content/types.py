"""The catalogue as columns: everything that can be shown, one array a property."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MAX_TAGS = 8


@dataclass(frozen=True, slots=True)
class Catalog:
    """All contents, one row each; a row never moves while a process lives, new ones append.

    Creators, sounds, tags, categories and languages are numbered 0..m−1 in order of first
    appearance; −1 means none.
    """

    content_pk: NDArray[np.int64]  # [n] database key of each row
    creator: NDArray[np.int64]  # [n] creator row
    sound: NDArray[np.int64]  # [n]
    category: NDArray[np.int64]  # [n]
    language: NDArray[np.int64]  # [n]
    tags: NDArray[np.int64]  # [n, MAX_TAGS], padded with −1
    duration_seconds: NDArray[np.float32]  # [n], NaN where unknown
    uploaded_ms: NDArray[np.int64]  # [n] ms since 1970 UTC
    is_servable: NDArray[np.bool_]  # [n]
    n_creators: int
    n_sounds: int
    n_categories: int
    n_languages: int
    n_tags: int

    def __len__(self) -> int:
        return len(self.content_pk)

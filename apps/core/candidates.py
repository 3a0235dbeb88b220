"""`Candidates`: the one thing that the stages of a pipeline exchange."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Candidates:
    """Catalog rows with named columns of the same length; frozen, never a list of objects."""

    rows: Rows  # int64[n], unique
    columns: Mapping[str, NDArray] = field(default_factory=dict)  # each of length n

    def __post_init__(self) -> None:
        for name, column in self.columns.items():
            if len(column) != len(self.rows):
                raise ValueError(
                    f"column {name!r} has {len(column)} values, expected {len(self.rows)}"
                )

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, name: str) -> NDArray:
        return self.columns[name]

    def with_columns(self, **columns: NDArray) -> Candidates:
        """Return the same rows with ``columns`` added or replaced."""
        return Candidates(self.rows, {**self.columns, **columns})

    def take(self, index: NDArray[np.int64] | NDArray[np.bool_] | slice) -> Candidates:
        """Return the candidates that ``index`` (positions, mask or slice) picks, in that order."""
        return Candidates(self.rows[index], {k: v[index] for k, v in self.columns.items()})

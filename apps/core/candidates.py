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
        n = len(self.rows)
        for name, column in self.columns.items():
            if len(column) != n:
                raise ValueError(f"column {name!r} has {len(column)} values, expected {n}")

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


def first_seen(rows: Rows) -> tuple[Rows, NDArray[np.int64]]:
    """Return each of rows int64[n] ≥ 0 once, in order, and which of those each one is, int64[n].

    By marks in an array as long as the highest row, which beats sorting.
    """
    place = np.arange(len(rows))
    first = np.full(int(rows.max(initial=-1)) + 1, len(rows))
    np.minimum.at(first, rows, place)
    is_first = first[rows] == place
    return rows[is_first], (np.cumsum(is_first) - 1)[first[rows]]


def marked(rows: Rows, n: int) -> NDArray[np.bool_]:
    """Return bool[n], True at rows ≥ 0: to ask whether a row is among others beats `np.isin`."""
    marks = np.zeros(n, np.bool_)
    marks[rows[rows >= 0]] = True
    return marks

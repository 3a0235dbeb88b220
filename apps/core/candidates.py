"""`Candidates`: the one thing that the stages of a pipeline exchange."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]


Index = NDArray[np.int64] | NDArray[np.bool_] | slice


@dataclass(frozen=True, slots=True)
class Candidates:
    """Catalog rows with named columns of the same length; frozen, never a list of objects."""

    rows: Rows  # int64[n], unique
    columns: Mapping[str, NDArray] = field(default_factory=dict)  # each of length n

    def __post_init__(self) -> None:
        if not isinstance(self.columns, _Picked):
            _check(self.columns, len(self.rows))

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, name: str) -> NDArray:
        return self.columns[name]

    def with_columns(self, **columns: NDArray) -> Candidates:
        """Return the same rows with ``columns`` added or replaced."""
        _check(columns, len(self.rows))
        if isinstance(self.columns, _Picked):
            return Candidates(self.rows, self.columns.under(columns, len(self.rows)))
        return Candidates(self.rows, {**self.columns, **columns})

    def take(self, index: Index) -> Candidates:
        """Return the candidates that ``index`` (positions, mask or slice) picks, in that order."""
        held = self.columns
        if not isinstance(held, _Picked):
            held = _Picked(((held, np.arange(len(self.rows))),))
        return Candidates(self.rows[index], held.take(index))


class _Picked(Mapping[str, NDArray]):
    """Columns of picked candidates, each picked when it is read: most never are."""

    __slots__ = ("_layers",)

    def __init__(self, layers: tuple[tuple[Mapping[str, NDArray], Rows], ...]) -> None:
        self._layers = layers  # columns and which positions of theirs; later ones hide earlier ones

    def __getitem__(self, name: str) -> NDArray:
        for columns, positions in reversed(self._layers):
            if name in columns:
                return columns[name][positions]
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(name for columns, _ in self._layers for name in columns))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __contains__(self, name: object) -> bool:
        return any(name in columns for columns, _ in self._layers)

    def take(self, index: Index) -> _Picked:
        return _Picked(tuple((columns, at[index]) for columns, at in self._layers))

    def under(self, columns: Mapping[str, NDArray], n: int) -> _Picked:
        return _Picked((*self._layers, (columns, np.arange(n))))


def _check(columns: Mapping[str, NDArray], n: int) -> None:
    for name, column in columns.items():
        if len(column) != n:
            raise ValueError(f"column {name!r} has {len(column)} values, expected {n}")


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

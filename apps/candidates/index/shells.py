"""Approximate search by inner product: vectors in shells of about one length, a graph in each.

Among vectors of one length the smallest angle is the largest product, so that a graph by angle
serves (norm-ranging; Yan et al., NeurIPS 2018). The longest vectors are searched exactly; then
comes one shell after the other, and the search ends when the longest vector of the next one cannot
reach the products found. Adding a coordinate that makes all lengths equal (Bachrach et al., RecSys
2014) found .80 of what this finds at ten times the cost; see ADR 8.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from apps.candidates.index.exact import ExactIndex, best_rows
from apps.candidates.index.graphs import Graph, build_graph, open_graph
from apps.core.candidates import Rows

EXACT_UP_TO = 50_000  # rows allowed; below it one matrix product beats the shells
LEAST_HEAD, LEAST_SHELL = 2000, 1000  # vectors
_RATIO = 1.5  # of the longest to the shortest vector of a shell
_MOST_SHELLS = 12
_ROWS, _STARTS, _LONGEST = "shells_rows.npy", "shells_starts.npy", "shells_longest.npy"
_HEAD, _GRAPH = "shells_head.npy", "shell_{}.graph"


@dataclass(frozen=True, slots=True)
class Head:
    """The longest vectors, side by side, so that one product reads them in a row."""

    rows: NDArray[np.int64]  # catalog rows, −1 for one that is gone
    vectors: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Shell:
    """Vectors of about one length."""

    rows: NDArray[np.int64]  # catalog row of each position of the graph, −1 for one that is gone
    longest: float
    graph: Graph


class ShellIndex:
    """Exact over the longest vectors and over what came since the build, graphs over the others.

    Excluded rows are taken out after asking for more than is wanted; where so many are excluded
    that few rows are left, those few are searched exactly.
    """

    def __init__(
        self,
        vectors: NDArray[np.float32],
        head: Head,
        shells: list[Shell],
        *,
        newer: NDArray[np.int64],
        effort: int,
    ) -> None:
        self._vectors = vectors
        self._head = head
        self._shells = shells
        self._newer = newer  # rows that came since the build
        self._effort = effort
        self._exact = ExactIndex(vectors)

    def search(self, query: NDArray[np.float32], k: int, excluded: NDArray[np.bool_]) -> Rows:
        """Return at most k rows, best first, none excluded."""
        n = min(len(self._vectors), len(excluded))
        excluded = excluded[:n]
        n_allowed = n - np.count_nonzero(excluded)
        if n_allowed <= max(EXACT_UP_TO, 4 * k):
            return self._exact.search(query, k, excluded)
        newer = self._newer[self._newer < n]
        rows = np.concatenate([self._head.rows, newer])
        scores = np.concatenate([self._head.vectors @ query, self._vectors[newer] @ query])
        is_out = (rows < 0) | (rows >= n)
        scores[is_out | excluded[np.where(is_out, 0, rows)]] = -np.inf
        length = float(np.linalg.norm(query))
        for shell in self._shells:
            kept = best_rows(scores, k)
            rows, scores = rows[kept], scores[kept]
            if len(scores) == k and scores[-1] >= length * shell.longest:
                return rows
            near = _allowed_of(shell, query, k, excluded, self._effort)
            rows = np.concatenate([rows, near])
            scores = np.concatenate([scores, self._vectors[near] @ query])
        return np.asarray(rows[best_rows(scores, k)])


def _allowed_of(
    shell: Shell,
    query: NDArray[np.float32],
    k: int,
    excluded: NDArray[np.bool_],
    effort: int,
) -> Rows:
    """Return k or more allowed rows of the shell near the query, all of them if it has fewer."""
    wanted = min(k, len(shell.rows))
    while True:
        rows = shell.rows[shell.graph.nearest(query, wanted, effort)]
        rows = rows[(rows >= 0) & (rows < len(excluded))]
        rows = rows[~excluded[rows]]
        if len(rows) >= k or wanted == len(shell.rows):
            return np.asarray(rows)
        wanted = min(2 * wanted + k - len(rows), len(shell.rows))


def build_shells(vectors: NDArray[np.float32], folder: Path, *, library: str, seed: int) -> None:
    """Write the graphs of `vectors` float32[n, f] into the folder, and which rows they hold."""
    lengths = _lengths(vectors)
    order = np.argsort(-lengths, kind="stable")
    order = order[lengths[order] > 0]  # who was never met is near nobody
    starts = _starts(lengths[order], len(vectors))
    np.save(folder / _HEAD, vectors[order[: starts[0]]])
    np.save(folder / _ROWS, order.astype(np.int32))
    np.save(folder / _STARTS, np.array(starts, np.int64))
    np.save(folder / _LONGEST, lengths[order[starts[:-1]]])
    for number, (start, end) in enumerate(pairwise(starts)):
        path = folder / _GRAPH.format(number)
        build_graph(vectors[order[start:end]], path, library=library, seed=seed)


def open_shells(
    folder: Path, vectors: NDArray[np.float32], rows: NDArray[np.int64], *, effort: int
) -> ShellIndex:
    """Open what `build_shells` wrote.

    rows: int64[n], the row in `vectors` of each vector at the build, −1 for one that is gone.
    """
    order = rows[np.load(folder / _ROWS)]
    starts = np.load(folder / _STARTS).tolist()
    longest = np.load(folder / _LONGEST).tolist()
    shells = [
        Shell(
            order[start:end],
            longest[number],
            open_graph(folder / _GRAPH.format(number), vectors.shape[1]),
        )
        for number, (start, end) in enumerate(pairwise(starts))
    ]
    is_newer = np.ones(len(vectors), np.bool_)
    is_newer[rows[rows >= 0]] = False
    head = Head(order[: starts[0]], mapped(folder / _HEAD))
    newer = np.flatnonzero(is_newer)
    return ShellIndex(vectors, head, shells, newer=newer, effort=effort)


def measured_recall(
    index: ShellIndex, vectors: NDArray[np.float32], queries: NDArray[np.float32], *, k: int
) -> float:
    """Return the share of the exact top k that the index finds, over queries float32[m, f]."""
    if not len(queries):
        return 1.0
    nothing = np.zeros(len(vectors), np.bool_)
    found = 0.0
    for query in queries:
        exact = best_rows(vectors @ query, k)
        found += len(np.intersect1d(exact, index.search(query, k, nothing))) / max(len(exact), 1)
    return found / len(queries)


def mapped(path: Path) -> NDArray:
    """Return an array without reading it; empty ones cannot be mapped."""
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except ValueError:
        return np.load(path, allow_pickle=False)


def _lengths(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.sqrt(np.einsum("ij,ij->i", vectors, vectors))


def _starts(lengths: NDArray[np.float32], n: int) -> list[int]:
    """Return where the shells start in descending lengths, and the end: before the first, heads."""
    starts = [min(len(lengths), max(n // 40, LEAST_HEAD))]
    least = max(n // 50, LEAST_SHELL)
    while starts[-1] < len(lengths):
        bound = lengths[starts[-1]] / _RATIO
        end = int(np.searchsorted(-lengths, -bound, side="right"))
        end = max(end, starts[-1] + least)
        if len(lengths) - end < least or len(starts) == _MOST_SHELLS:
            end = len(lengths)
        starts.append(end)
    return starts

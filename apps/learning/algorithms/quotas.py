"""How many candidates each source may propose: greedy coverage for a budget.

Nemhauser, Wolsey and Fisher (1978): coverage is submodular, so taking the best gain per cost again
and again comes close to the best split. A source whose finds others make too earns little.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_STEPS = (10, 20, 40, 80, 160)  # looked ahead, so that a lean stretch of a list hides nothing


def allocate(
    lists: Sequence[Sequence[NDArray[np.int64]]],
    relevant: Sequence[set[int]],
    least: NDArray[np.int64],
    *,
    budget: float,
    depth: int,
) -> NDArray[np.int64]:
    """Return int64[n_sources], the candidates of each source.

    lists[s][v]: contents that source s proposes to viewer v, best first. relevant[v]: what v went
    on to watch. least: int64[n_sources], given to each source in any case. budget: distinct
    candidates of a viewer, on average. depth: no source gets more.
    """
    quotas = np.minimum(least, depth)
    union: list[set[int]] = [set() for _ in relevant]
    for source, quota in enumerate(quotas):
        _take(union, lists[source], 0, int(quota))
    while True:
        size = sum(map(len, union)) / max(len(union), 1)
        best, best_ratio = None, 0.0
        for source in range(len(lists)):
            for step in _STEPS:
                start, end = int(quotas[source]), min(int(quotas[source]) + step, depth)
                if end <= start:
                    break
                gain, cost = _worth(union, relevant, lists[source], start, end)
                if cost and gain / cost > best_ratio and size + cost / len(union) <= budget:
                    best, best_ratio = (source, end), gain / cost
        if best is None:
            return quotas
        source, end = best
        _take(union, lists[source], int(quotas[source]), end)
        quotas[source] = end


def _take(union: list[set[int]], lists: Sequence[NDArray[np.int64]], start: int, end: int) -> None:
    for mine, rows in zip(union, lists, strict=True):
        mine.update(rows[start:end].tolist())


def _worth(
    union: list[set[int]],
    relevant: Sequence[set[int]],
    lists: Sequence[NDArray[np.int64]],
    start: int,
    end: int,
) -> tuple[int, int]:
    """Return how many relevant, and how many contents at all, a stretch of the lists adds."""
    gain = cost = 0
    for mine, wanted, rows in zip(union, relevant, lists, strict=True):
        new = set(rows[start:end].tolist()) - mine
        cost += len(new)
        gain += len(new & wanted)
    return gain, cost

"""How many candidates each source may propose: greedy coverage for a budget.

Nemhauser, Wolsey and Fisher (1978): coverage is submodular, so taking the best gain per cost again
and again comes close to the best split. A source whose finds others make too earns little.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# Shorter stretches of a list find a handful of contents, and which source is given them is chance:
# on other viewers splits by steps of 10 find less than splits by 20 or 40.
_STEP = 20


def ranks_of(
    lists: Sequence[NDArray[np.int64]], rows: NDArray[np.int64], depth: int
) -> NDArray[np.int16]:
    """Return the place of contents in each source's list of one viewer, int16[n, n_sources].

    lists: rows that each source proposes, best first. rows: int64[n], ascending, those asked about.
    0 is the best place, depth stands for all that are further down or not there; depth < 32,767.
    """
    ranks = np.full((len(rows), len(lists)), depth, np.int16)
    if not len(rows):
        return ranks
    for source, proposed in enumerate(lists):
        proposed = proposed[:depth]
        at = np.minimum(np.searchsorted(rows, proposed), len(rows) - 1)
        is_asked = rows[at] == proposed
        ranks[at[is_asked], source] = np.flatnonzero(is_asked)
    return ranks


def allocate(
    wanted: NDArray[np.int16],
    pooled: NDArray[np.int16],
    least: NDArray[np.int64],
    *,
    n_pools: int,
    budget: float,
    depth: int,
) -> NDArray[np.int64]:
    """Return int64[n_sources], the candidates of each source.

    wanted: int16[n, n_sources], `ranks_of` what viewers went on to watch. pooled: int16[m,
    n_sources], `ranks_of` all that is proposed to n_pools viewers, of whom fewer are enough. least:
    int64[n_sources], given to each source in any case. budget: distinct candidates of a viewer, on
    average. depth: no source gets more. O((n + m)·n_sources) a step, of which there are at most
    depth·n_sources / 20.
    """
    quotas = np.zeros(len(least), np.int64)
    gains, costs = _Held(wanted, depth), _Held(pooled, depth)

    def give(source: int, quota: int) -> None:
        for held in (gains, costs):
            held.take(source, int(quotas[source]), quota)
        quotas[source] = quota

    for source, quota in enumerate(np.minimum(least, depth).tolist()):
        give(source, quota)
    while True:
        left = budget * n_pools - costs.n_held
        best, best_ratio = None, 0.0
        for source, start in enumerate(quotas.tolist()):
            ends = np.minimum(np.arange(start + _STEP, depth + _STEP, _STEP), depth)
            gain, cost = gains.new(source, start, ends), costs.new(source, start, ends)
            ratio = np.where((cost > 0) & (cost <= left), gain / np.maximum(cost, 1), 0.0)
            if len(ends) and ratio.max() > best_ratio:
                best, best_ratio = (source, int(ends[ratio.argmax()])), float(ratio.max())
        if best is None:
            return quotas
        give(*best)


class _Held:
    """Which contents of viewers the quotas hold so far, and what longer ones would add."""

    def __init__(self, ranks: NDArray[np.int16], depth: int) -> None:
        order = np.argsort(ranks, axis=0, kind="stable")
        self._order = order.T.copy()  # of each source, the best first
        self._ends = [  # how many contents are before each place
            np.searchsorted(ranks[order[:, source], source], np.arange(depth + 1))
            for source in range(ranks.shape[1])
        ]
        self._is_held = np.zeros(len(ranks), np.bool_)

    @property
    def n_held(self) -> int:
        """Return how many contents the quotas hold."""
        return int(np.count_nonzero(self._is_held))

    def take(self, source: int, start: int, end: int) -> None:
        """Hold what the source has from one place to another."""
        bounds = self._ends[source]
        self._is_held[self._order[source, bounds[start] : bounds[end]]] = True

    def new(self, source: int, start: int, ends: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how many more would be held with the source's quota at each of the ends."""
        bounds = self._ends[source]
        further = self._order[source, bounds[start] : bounds[-1]]
        added = np.append(0, np.cumsum(~self._is_held[further]))
        return np.asarray(added[bounds[ends] - bounds[start]], np.int64)

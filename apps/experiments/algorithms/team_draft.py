"""Team-draft interleaving: two rankers fill one page and viewers choose between them (§11.2).

In each round a coin says who picks first; each side then adds the best of its own list that is
not in the page yet (Radlinski, Kurup & Joachims, CIKM 2008). Every slot belongs to one side, each
side has as many slots as the other (±1), and rankers that are alike win equally often.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Draft(NamedTuple):
    """A page of two sides."""

    items: NDArray[np.int64]  # [m] in the order shown
    team: NDArray[np.int8]  # [m] 0: the first list's pick, 1: the second's


def team_draft(
    first: NDArray[np.int64], second: NDArray[np.int64], length: int, rng: np.random.Generator
) -> Draft:
    """Draft at most `length` items of two lists int64[n], best first, each without repeats.

    A side whose list is used up passes. O(n_first + n_second).
    """
    lists = (first.tolist(), second.tolist())
    at = [0, 0]
    picked: dict[int, int] = {}
    while len(picked) < length:
        before = len(picked)
        starter = int(rng.integers(2))
        for side in (starter, 1 - starter):
            while at[side] < len(lists[side]) and lists[side][at[side]] in picked:
                at[side] += 1
            if at[side] < len(lists[side]) and len(picked) < length:
                picked[lists[side][at[side]]] = side
        if len(picked) == before:
            break
    return Draft(np.array(list(picked), np.int64), np.array(list(picked.values()), np.int8))

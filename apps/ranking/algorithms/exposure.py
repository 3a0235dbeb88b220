"""How the attention of a page is shared between groups, and a bounded way to share it better.

Attention at place i = 1, 2, … is 1 / log2(1 + i). Spec §10.3; Geyik et al., "Fairness-Aware Ranking
in Search & Recommendation Systems", KDD 2019 (NDKL, DetGreedy).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from apps.ranking.algorithms.slots import Capped

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_SMOOTHING = 1e-6


class Shared(NamedTuple):
    """An order, and what it costs."""

    order: Ints  # [n] positions
    lost: float  # attention-weighted score that was given up, at most
    total: float  # attention-weighted score of the page as it was


def attention(n: int) -> Floats:
    """Return the attention that each of n places gets, float64[n]."""
    return 1 / np.log2(2 + np.arange(n))


def exposure(group: Ints, n_groups: int) -> Floats:
    """Return the share of attention of each group in a page, float64[n_groups]; −1: no group."""
    known = group >= 0
    weight = np.bincount(group[known], attention(len(group))[known], n_groups)
    return np.asarray(weight / max(weight.sum(), 1e-12))


def ndkl(group: Ints, target: Floats) -> float:
    """Return Σ_i a_i · KL(groups of the first i ‖ target) / Σ_i a_i, ≥ 0, 0 for none.

    group: int64[n], 0…m−1; target: float64[m], sum 1. The share of a group without any place is
    counted as nothing, and a target of 0 as a millionth.
    """
    if not len(group):
        return 0.0
    counts = np.cumsum(group[:, None] == np.arange(len(target)), axis=0)
    share = counts / np.arange(1, len(group) + 1)[:, None]
    ratio = np.where(share > 0, share, 1) / np.maximum(target, _SMOOTHING)
    divergence = np.sum(np.where(share > 0, share * np.log(ratio), 0), axis=1)
    weight = attention(len(group))
    return float(weight @ divergence / weight.sum())


def guarantee(
    score: Floats,
    group: Ints,
    least: Floats,
    *,
    slots: int,
    pool: int,
    tolerance: float,
    offset: int = 0,
    creator: Ints | None = None,
    cap: int = 1,
) -> Shared:
    """Move groups up that a page gives less places than they are guaranteed (DetGreedy, bounded).

    score: float64[n] in the order given, ≥ 0; group: int64[n], −1 for none; least: float64[m], the
    share of the first i places, for every i ≤ slots, that a group has at least, rounded down.
    Places are counted on from `offset`, so that a small share gets its place in a later page. Only
    the first `pool` are moved. A move costs a_i · (score passed over − score moved up), no less
    than what the page loses by it; moves that would bring the sum over `tolerance` times the page's
    attention-weighted score are not made. At most `cap` of a creator (int64[n]), if given, while
    there are others. O(slots · pool).
    """
    n = len(score)
    slots, pool = min(slots, n), min(pool, n)
    weight = attention(slots)
    total = float(weight @ score[:slots])
    page = Capped(np.arange(pool) if creator is None else creator[:pool], cap)
    taken = np.zeros(len(least))
    due = _whole(least, offset + 1 + np.arange(slots)) - _whole(least, np.array([offset]))
    picked: list[int] = []
    lost = 0.0
    for place in range(slots):
        left = page.open
        if not left.any():
            break
        first = int(np.argmax(left))
        is_short = taken < due[place]
        pick = _first_of(left, group[:pool], is_short, first) if is_short.any() else first
        cost = weight[place] * max(score[first] - score[pick], 0.0)
        if lost + cost > tolerance * total:
            pick, cost = first, 0.0
        lost += cost
        page.take(pick)
        picked.append(pick)
        if group[pick] >= 0:
            taken[group[pick]] += 1
    others = np.ones(n, np.bool_)
    others[picked] = False
    order = np.concatenate([np.array(picked, np.int64), np.flatnonzero(others)])
    return Shared(order, lost, total)


def _whole(least: Floats, places: Ints) -> Floats:
    """Return how many of the first places each group has at least, float64[places, m]."""
    return np.asarray(np.floor(least * places[:, None] + 1e-9))


def _first_of(left: NDArray[np.bool_], group: Ints, is_short: NDArray[np.bool_], first: int) -> int:
    """Return the first that is left of a group that is short, else the first of all."""
    wanted = left & (group >= 0) & np.append(is_short, False)[group]
    return int(np.argmax(wanted)) if wanted.any() else first

"""Greedy MAP of a determinantal point process: good and unlike each other (spec §4.3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import sposv

Floats = NDArray[np.float32]
NUGGET = 0.1  # added to S_ii: two contents that are described alike are still two
_EPSILON = 1e-6  # relative to S_ii: what float32 cannot tell from nothing


class Limit(NamedTuple):
    """At most `cap` picks have any one label."""

    labels: NDArray[np.int64]  # [n, w], −1 for none
    cap: int  # ≥ 1


def greedy_map(
    vectors: Floats,
    quality: NDArray[np.floating],
    k: int,
    *,
    theta: float,
    limits: Sequence[Limit] = (),
    shown: Floats | None = None,
    window: int = 10,
    nugget: float = NUGGET,
) -> NDArray[np.int64]:
    """Pick greedily by θ·q_i + (1−θ)·log(det S_{W∪i} / det S_W), W the last `window − 1` picks.

    That is greedy MAP for L = diag(e^{αq/2}) S diag(e^{αq/2}), α = θ/(1−θ), S = V·Vᵀ + nugget·I:
    Chen et al., "Fast Greedy MAP Inference for DPP", NeurIPS 2018, with their sliding window.

    vectors: float32[n, f], rows of length ≤ 1, 0 where nothing is known (unlike everything).
    quality: float[n], higher is better; what is not finite is never picked. theta: [0, 1], 1 is by
    quality alone. shown: float32[m, f], what came just before, oldest first, in the window too.
    Returns int64[≤ k] in the order picked; fewer where limits leave no more. O(n·k·(f + window²)).
    """
    before = np.empty((0, vectors.shape[1]), np.float32) if shown is None else shown
    before = before[max(len(before) - window + 1, 0) :]
    m = len(before)
    spread = _Window(np.concatenate([before, vectors]).astype(np.float32), window, nugget)
    if theta < 1:
        for i in range(m):
            spread.add(i)
    is_free = np.isfinite(quality)
    worth = np.where(is_free, theta * quality, -np.inf)
    caps = _Caps(limits, k)
    picked: list[int] = []
    while len(picked) < k:
        value = worth + (1 - theta) * spread.log_gain()[m:] if theta < 1 else worth.copy()
        value[~is_free] = -np.inf
        best = int(np.argmax(value)) if len(value) else -1
        if best < 0 or not is_free[best]:
            break
        picked.append(best)
        is_free[best] = False
        if theta < 1:
            spread.add(m + best)
        caps.close(best, is_free)
    return np.array(picked, np.int64)


class _Caps:
    """Which candidates have a label that as many picks have as may."""

    def __init__(self, limits: Sequence[Limit], k: int) -> None:
        # A cap that not even k picks reach is none.
        self._limits = [limit for limit in limits if limit.cap < k]
        self._taken: list[dict[int, int]] = [{} for _ in self._limits]

    def close(self, pick: int, is_free: NDArray[np.bool_]) -> None:
        """Count a pick, and mark in `is_free` (bool[n]) what it leaves no room for."""
        for limit, taken in zip(self._limits, self._taken, strict=True):
            for label in set(limit.labels[pick].tolist()) - {-1}:
                taken[label] = taken.get(label, 0) + 1
                if taken[label] >= limit.cap:
                    is_free &= ~(limit.labels == label).any(axis=1)


class _Window:
    """How much each vector adds to the volume of the latest picks."""

    def __init__(self, vectors: Floats, size: int, nugget: float) -> None:
        self._vectors, self._most = vectors, max(size - 1, 1)
        self._diagonal = np.einsum("ij,ij->i", vectors, vectors) + np.float32(nugget)
        # A vector of zeros is one of which nothing is known, as large as the others.
        self._diagonal[self._diagonal <= nugget] = 1 + nugget
        self._picks: list[int] = []  # in no order: the oldest makes room for the latest
        self._rows = np.empty((self._most, len(vectors)), np.float32)  # S of the picks × all
        self._n_added = 0

    def log_gain(self) -> Floats:
        """Return log of what each vector multiplies the determinant by, float32[n].

        That is the Schur complement S_ii − S_iW S_WW⁻¹ S_Wi, O(window²·n).
        """
        left = self._diagonal
        if self._picks:
            rows = self._rows[: len(self._picks)]
            # LAPACK itself: for so few picks what NumPy does around it takes twice as long.
            _, solved, _ = sposv(rows[:, self._picks], rows)
            left = left - (rows * solved).sum(axis=0)
        return np.log(np.maximum(left, _EPSILON * self._diagonal))

    def add(self, pick: int) -> None:
        """Take one more pick in, and let the oldest go where the window is full."""
        at = self._n_added % self._most
        self._n_added += 1
        self._picks[at : at + 1] = [pick]
        np.dot(self._vectors, self._vectors[pick], out=self._rows[at])
        self._rows[at, pick] = self._diagonal[pick]

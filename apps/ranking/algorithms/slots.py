"""Fill the slots of a page, some of them by exploring, and say how likely each was."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
EXPLOIT = -1


@dataclass(frozen=True, slots=True)
class Arms:
    """One kind of exploration: arms that stand for candidates, in the order of the page."""

    share: float  # of the slots, 0–1
    arm_of: Ints  # [n] arm 0…m−1 of each candidate, −1 for none
    # Asked for arms int64[a] that can be played: with what chance each is, float64[a].
    chances: Callable[[Ints, np.random.Generator], Floats]


class Filled(NamedTuple):
    """The candidates of s slots."""

    picked: Ints  # [s] positions
    propensity: Floats  # [s] chance of the pick, given the slots before it
    kind: NDArray[np.int8]  # [s] which arms chose it, or EXPLOIT


class Capped:
    """Candidates that are left for a page, at most `cap` of each creator while there are others."""

    def __init__(self, creator: Ints, cap: int) -> None:
        self.open: NDArray[np.bool_] = np.ones(len(creator), np.bool_)  # [n], may come next
        self._creator, self._cap = creator, cap
        self._held = np.zeros(len(creator), np.bool_)
        self._taken: dict[int, int] = {}

    def take(self, pick: int) -> None:
        """Take one that is open."""
        self.open[pick] = False
        creator = int(self._creator[pick])
        self._taken[creator] = self._taken.get(creator, 0) + 1
        if self._taken[creator] >= self._cap:
            over = self.open & (self._creator == creator)
            self._held |= over
            self.open &= ~over
        if not self.open.any():
            self.open, self._held = self._held, np.zeros(len(self.open), np.bool_)


def fill(
    n: int,
    kinds: Sequence[Arms],
    slots: int,
    rng: np.random.Generator,
    *,
    creator: Ints | None = None,
    cap: int = 1,
) -> Filled:
    """Fill slots with candidates 0…n−1, best first, at most `cap` of a creator (int64[n]) if given.

    In each slot kind k explores with its share: it plays one of its arms, and the best candidate
    left of that arm is shown. Otherwise the best of all is. A kind without an arm left leaves its
    share to the best. Propensity of c, given what came before: Σ_k share_k · P_k(arm of c) where c
    is the best left of its arm, plus the rest where c is the best of all.
    """
    page = Capped(np.arange(n) if creator is None else creator, cap)
    explorers = [_Explorer(kind, rng) for kind in kinds]
    picked: list[int] = []
    propensity: list[float] = []
    chosen: list[int] = []
    for _ in range(min(slots, n)):
        left = page.open
        first = int(np.argmax(left))
        shares = [each.share(left) for each in explorers]
        kind = _drawn(shares, rng)
        pick = first if kind == EXPLOIT else explorers[kind].play(left)
        chance = sum(
            share * each.chance_of(pick, left)
            for share, each in zip(shares, explorers, strict=True)
            if share
        )
        page.take(pick)
        picked.append(pick)
        chosen.append(kind)
        propensity.append(chance + (1 - sum(shares) if pick == first else 0))
    return Filled(np.array(picked, np.int64), np.array(propensity), np.array(chosen, np.int8))


def _drawn(shares: Sequence[float], rng: np.random.Generator) -> int:
    """Return which kind explores, or EXPLOIT."""
    at = int(np.searchsorted(np.cumsum(shares), rng.random(), side="right"))
    return at if at < len(shares) else EXPLOIT


class _Explorer:
    """The arms of one kind while a page is filled; chances are worked out when they are needed."""

    def __init__(self, arms: Arms, rng: np.random.Generator) -> None:
        self._arms, self._rng = arms, rng
        self._is_arm = arms.arm_of >= 0
        self._arm = np.where(self._is_arm, arms.arm_of, 0)
        self._playable = np.empty(0, np.int64)
        self._known: Floats | None = None  # chances of the playable arms

    def share(self, left: NDArray[np.bool_]) -> float:
        """Return the share of slots that it has: none without an arm."""
        return self._arms.share if self._arms.share and (left & self._is_arm).any() else 0.0

    def play(self, left: NDArray[np.bool_]) -> int:
        """Return the candidate that an arm drawn by its chance shows."""
        chances = self._chances(left)
        return self._best_of(self._playable[self._rng.choice(len(chances), p=chances)], left)

    def chance_of(self, candidate: int, left: NDArray[np.bool_]) -> float:
        """Return the chance that the candidate, still left, is what `play` shows."""
        if not self._is_arm[candidate]:
            return 0.0
        arm = self._arms.arm_of[candidate]
        if self._best_of(arm, left) != candidate:
            return 0.0
        chances = self._chances(left)
        return float(chances[np.searchsorted(self._playable, arm)])

    def _best_of(self, arm: np.int64, left: NDArray[np.bool_]) -> int:
        return int(np.argmax(left & (self._arms.arm_of == arm)))

    def _chances(self, left: NDArray[np.bool_]) -> Floats:
        playable = np.flatnonzero(np.bincount(self._arm, left & self._is_arm))
        if self._known is None or not np.array_equal(playable, self._playable):
            found = self._arms.chances(playable, self._rng)
            self._playable, self._known = playable, found / found.sum()
        return self._known

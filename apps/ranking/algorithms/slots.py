"""Fill the slots of a page, some of them by exploring, and say how likely each was."""

from __future__ import annotations

import itertools
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
    chances: Callable[[Ints], Floats]


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

    def take(self, pick: int) -> Ints | None:
        """Take one that is open; return what may not come any more, None where all of it may."""
        self.open[pick] = False
        closed = np.array([pick])
        creator = int(self._creator[pick])
        self._taken[creator] = self._taken.get(creator, 0) + 1
        if self._taken[creator] >= self._cap:
            over = np.flatnonzero(self.open & (self._creator == creator))
            self._held[over] = True
            self.open[over] = False
            closed = np.append(closed, over)
        if self.open.any():
            return closed
        self.open, self._held = self._held, np.zeros(len(self.open), np.bool_)
        return None


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
    explorers = [_Explorer(kind, page, rng) for kind in kinds]
    picked: list[int] = []
    propensity: list[float] = []
    chosen: list[int] = []
    for _ in range(min(slots, n)):
        first = int(np.argmax(page.open))
        shares = [each.share for each in explorers]
        kind = _drawn(shares, rng)
        pick = first if kind == EXPLOIT else explorers[kind].play()
        chance = 0.0 if pick != first else 1 - sum(shares)
        for share, each in zip(shares, explorers, strict=True):
            if share:
                chance += share * each.chance_of(pick)
        closed = page.take(pick)
        for each in explorers:
            each.close(closed)
        picked.append(pick)
        chosen.append(kind)
        propensity.append(chance)
    return Filled(np.array(picked, np.int64), np.array(propensity), np.array(chosen, np.int8))


def _drawn(shares: Sequence[float], rng: np.random.Generator) -> int:
    """Return which of several is drawn by its share, or −1, by what they leave of 1: EXPLOIT."""
    drawn = rng.random()
    for kind, end in enumerate(itertools.accumulate(shares)):
        if drawn < end:
            return kind
    return EXPLOIT


class _Explorer:
    """The arms of one kind while a page is filled; chances are worked out when they are needed."""

    def __init__(self, arms: Arms, page: Capped, rng: np.random.Generator) -> None:
        self._arms, self._page, self._rng = arms, page, rng
        self._arm: list[int] = arms.arm_of.tolist()
        self._n_left = self._counted(arms.arm_of)
        self._chances: dict[int, float] = {}  # of the arms that can be played, once they are known

    @property
    def share(self) -> float:
        """The share of slots that it has: none without an arm."""
        return self._arms.share if self._n_left else 0.0

    def play(self) -> int:
        """Return the candidate that an arm drawn by its chance shows."""
        chances = self._known()
        arms = list(chances)
        drawn = _drawn(list(chances.values()), self._rng)
        return self._best_of(arms[drawn])  # the last where rounding leaves none

    def chance_of(self, candidate: int) -> float:
        """Return the chance that the candidate, still left, is what `play` shows."""
        arm = self._arm[candidate]
        if arm < 0 or self._best_of(arm) != candidate:
            return 0.0
        return self._known()[arm]

    def close(self, closed: Ints | None) -> None:
        """Leave out candidates that may not come any more; None: what was left out comes back."""
        if closed is None:
            self._n_left = self._counted(self._arms.arm_of[self._page.open])
            self._chances = {}
            return
        for candidate in closed.tolist():
            arm = self._arm[candidate]
            if arm < 0:
                continue
            self._n_left[arm] -= 1
            if not self._n_left[arm]:
                del self._n_left[arm]
                self._chances = {}

    def _best_of(self, arm: int) -> int:
        return int(np.argmax(self._page.open & (self._arms.arm_of == arm)))

    @staticmethod
    def _counted(arm_of: Ints) -> dict[int, int]:
        """Return how many candidates each arm has."""
        n_left = np.bincount(arm_of[arm_of >= 0]).tolist()
        return {arm: n for arm, n in enumerate(n_left) if n}

    def _known(self) -> dict[int, float]:
        """Return the chance of each arm that can be played."""
        if not self._chances:
            playable = sorted(self._n_left)
            found = self._arms.chances(np.array(playable))
            self._chances = dict(zip(playable, (found / found.sum()).tolist(), strict=True))
        return self._chances

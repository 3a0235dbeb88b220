"""Policies that choose among arms, and say how likely each choice was (spec §4.3).

An arm pays 0 or 1. What is known of it is a Beta(α, β): prior counts and outcomes added up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Policy(Protocol):
    """A way to choose one of n arms."""

    def chances(self, alpha: Floats, beta: Floats, rng: np.random.Generator) -> Floats:
        """Return with what chance each arm is chosen now, float64[n], their sum 1.

        alpha, beta: float64[n], > 0. Whoever draws from what is returned chooses with exactly
        these propensities, also where they came from random draws themselves.
        """
        ...


@dataclass(frozen=True, slots=True)
class EpsilonGreedy:
    """The best mean; any other arm by lot in a share ε of the choices."""

    epsilon: float = 0.1

    def chances(self, alpha: Floats, beta: Floats, rng: np.random.Generator) -> Floats:
        """Return ε/n for each arm, and 1 − ε more for those of the best mean."""
        return _floored(_share_of_best(alpha / (alpha + beta)), self.epsilon)


@dataclass(frozen=True, slots=True)
class UpperConfidence:
    """The best mean + c·√(ln N / n): the less an arm was tried, the more it is given credit.

    Auer et al. 2002, the prior counted as trials. Between two updates it repeats itself; the floor
    is what keeps every propensity above 0.
    """

    width: float = 0.5  # c
    floor: float = 0.05

    def chances(self, alpha: Floats, beta: Floats, rng: np.random.Generator) -> Floats:
        """Return floor/n for each arm, and the rest for those of the highest bound."""
        tried = alpha + beta
        bound = alpha / tried + self.width * np.sqrt(np.log1p(tried.sum()) / tried)
        return _floored(_share_of_best(bound), self.floor)


@dataclass(frozen=True, slots=True)
class Thompson:
    """Each arm as often as it may be the best: Thompson 1933, counted over draws."""

    draws: int = 256
    floor: float = 0.05

    def chances(self, alpha: Floats, beta: Floats, rng: np.random.Generator) -> Floats:
        """Return floor/n for each arm, and the rest by how many draws it wins. O(draws·n)."""
        wins = np.argmax(rng.beta(alpha, beta, (self.draws, len(alpha))), axis=1)
        return _floored(np.bincount(wins, minlength=len(alpha)) / self.draws, self.floor)


POLICIES: Mapping[str, Callable[[], Policy]] = {
    "thompson": Thompson,
    "epsilon_greedy": EpsilonGreedy,
    "ucb": UpperConfidence,
}


def graduated(
    chances: Floats, n_tried: Floats, fit: Floats, *, least: float, share: float
) -> Floats:
    """Return chances of which `share` goes to the arms that were tried less than `least`.

    n_tried: float64[n]. fit: float64[n], ≥ 0, to which that share is proportional: those for whom a
    new arm is best try it. What a policy would drop before it is known gets its trials all the
    same, the worst ones last.
    """
    weight = fit * (n_tried < least)
    if not weight.any():
        return chances
    return (1 - share) * chances + share * weight / weight.sum()


def _share_of_best(value: Floats) -> Floats:
    is_best = value >= value.max()
    return is_best / np.count_nonzero(is_best)


def _floored(chances: Floats, floor: float) -> Floats:
    return (1 - floor) * chances + floor / len(chances)

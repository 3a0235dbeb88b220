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

    @property
    def floor(self) -> float:
        """Share of the choices that are made by lot, [0, 1]."""
        ...

    def values(self, alpha: Floats, beta: Floats, rng: np.random.Generator) -> Floats:
        """Return what each arm is taken to be worth, in one draw or several, float64[n, draws].

        alpha, beta: float64[n], > 0.
        """
        ...


def chances(values: Floats, floor: float) -> Floats:
    """Return with what chance each arm is chosen, float64[n], their sum 1.

    values: float64[n, draws] of a policy, the rows of the arms that are left; in each draw the
    highest is the best. Whoever draws from what is returned chooses with exactly these
    propensities, whatever the draws were; so one set of draws may serve several choices.
    """
    is_best = values >= values.max(axis=0)
    best = (is_best / is_best.sum(axis=0)).mean(axis=1)
    return np.asarray((1 - floor) * best + floor / len(values))


@dataclass(frozen=True, slots=True)
class EpsilonGreedy:
    """The best mean; any other arm by lot in a share ε of the choices."""

    floor: float = 0.1  # ε

    def values(self, alpha: Floats, beta: Floats, rng: np.random.Generator) -> Floats:
        """Return the means, float64[n, 1]."""
        return (alpha / (alpha + beta))[:, None]


@dataclass(frozen=True, slots=True)
class UpperConfidence:
    """The best mean + c·√(ln N / n): the less an arm was tried, the more it is given credit.

    Auer et al. 2002, the prior counted as trials. Between two updates it repeats itself; the floor
    is what keeps every propensity above 0.
    """

    width: float = 0.5  # c
    floor: float = 0.05

    def values(self, alpha: Floats, beta: Floats, rng: np.random.Generator) -> Floats:
        """Return the bounds, float64[n, 1]."""
        tried = alpha + beta
        return (alpha / tried + self.width * np.sqrt(np.log1p(tried.sum()) / tried))[:, None]


@dataclass(frozen=True, slots=True)
class Thompson:
    """Each arm as often as it may be the best: Thompson 1933, counted over draws."""

    draws: int = 128
    floor: float = 0.05

    def values(self, alpha: Floats, beta: Floats, rng: np.random.Generator) -> Floats:
        """Return draws of what each arm pays, float64[n, draws]. O(draws·n)."""
        return rng.beta(alpha[:, None], beta[:, None], (len(alpha), self.draws))


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


def bargain(rate: Floats, weight: Floats, instead: Floats, *, thrift: float) -> float:
    """Return by what factor a page explores, [0, 1]: less where it costs the viewer more.

    rate: float64[n], expected of the arms, which are played in proportion to weight float64[n] ≥ 0;
    instead: float64[m], expected of what the page shows otherwise. The ratio of the means, to the
    power `thrift`: views that a content must have come from those who may like it.
    """
    if not len(instead) or not weight.any():
        return 1.0
    ratio = (weight @ rate) / weight.sum() / instead.mean()
    return float(min(ratio, 1.0) ** thrift)

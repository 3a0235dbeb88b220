"""What one viewer's own last views say of any kind of content: Bayes on a grid of levels.

How much a viewer likes a kind (a category) is a level, in log odds beside what anybody makes of
it. Most viewers like few kinds much and the others little, which no Gaussian says: before the first
view a level has a distribution with two humps. One content watched to its end makes the upper one
likely at once. Each outcome counts by its age, so that what is liked now overrules what was (a
power prior: Ibrahim and Chen, Statistical Science 2000). Nothing is trained: it speaks from the
first event on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
LEVELS: Floats = np.linspace(-3, 4, 8)  # of liking, log odds
LEAST = 0.02  # of a chance, at either end


@dataclass(frozen=True, slots=True)
class TasteParams:
    """What is expected of a viewer before any view, and how contents count."""

    liked: float = 0.2  # share of kinds that a viewer likes, (0, 1)
    low: float = -1.0  # mean level of the others
    low_spread: float = 0.5  # standard deviation of it, > 0
    high: float = 1.6  # mean level of those that are liked
    high_spread: float = 0.6
    memory: float = 60.0  # views after which one counts 1/e beside the latest, > 0
    optimism: float = 0.8  # standard deviations by which an unknown liking is given credit, ≥ 0
    curiosity: float = 1.0  # those by which an unknown worth is, ≥ 0
    asking: float = 2.0  # views that one on its way counts as where the page asks, ≥ 0
    anybody: float = 0.25  # outcome expected of a stranger, (0, 1)
    worth: float = 1.0  # power of the odds that a content is worth beside others
    foreign: float = 1.0  # log odds that another language takes, as far as nothing is known
    length: float = 0.35  # power of a content's seconds: 0 is by liking alone, 1 by time alone
    most: int = 100  # latest contents that are read, ≥ 1
    stated: float = 1.0  # contents watched to the end that a kind the viewer chose counts as, ≥ 0

    def prior(self) -> Floats:
        """Return the chance of each level before any view, float64[levels], of sum 1."""
        low = np.exp(-(((LEVELS - self.low) / self.low_spread) ** 2) / 2)
        high = np.exp(-(((LEVELS - self.high) / self.high_spread) ** 2) / 2)
        return np.asarray((1 - self.liked) * low / low.sum() + self.liked * high / high.sum())


class Met(NamedTuple):
    """Contents that a viewer met, as columns of length h, the oldest first."""

    kind: Ints  # code of what each is, −1: not known
    offset: Floats  # log odds of what anybody makes of it, beside `TasteParams.anybody`
    outcome: Floats  # the share watched, [0, 1]
    pending: Ints  # [p] kinds of what is on its way to the viewer, without an outcome yet
    stated: Ints = np.empty(0, np.int64)  # [s] kinds that the viewer chose, as at a sign-up


class Expected(NamedTuple):
    """What is expected of n contents."""

    mean: Floats  # [n] outcome, (0, 1)
    deviation: Floats  # [n] standard deviation of it, as far as the liking is unknown, ≥ 0


def chances(offset: Floats, anybody: float) -> Floats:
    """Return the outcome at each level of contents with these offsets, float64[levels, n]."""
    odds = (LEVELS + logit(anybody))[:, None] + offset
    chance = 0.5 * (1 + np.tanh(odds / 2))  # σ, several times as fast as SciPy's
    return np.asarray(np.clip(chance, LEAST, 1 - LEAST))


def evidence(chance: NDArray, outcome: NDArray) -> NDArray:
    """Return the log likelihood of each level, [levels, n] as `chance`, for outcomes [n]."""
    return np.asarray(outcome * np.log(chance) + (1 - outcome) * np.log1p(-chance))


def posterior(prior: Floats, evidence: Floats) -> Floats:
    """Return the chance of each level, float64[k, levels], after log likelihoods of that shape."""
    weight = prior * np.exp(evidence - evidence.max(axis=1, keepdims=True))
    return np.asarray(weight / weight.sum(axis=1, keepdims=True))


class Taste:
    """The posterior of one viewer's liking of every kind."""

    def __init__(self, met: Met, params: TasteParams) -> None:
        """Learn from what was met. O(h · levels)."""
        self._params = params
        n_kinds = int(max(part.max(initial=-1) for part in (met.kind, met.pending, met.stated))) + 1
        age = np.arange(len(met.kind))[::-1]
        said = evidence(chances(met.offset, params.anybody), met.outcome)
        of_kind = np.zeros((n_kinds + 1, len(LEVELS)))  # the last: of a kind that was never met
        np.add.at(of_kind, met.kind, (said * np.exp(-age / params.memory)).T)
        of_kind[-1] = 0.0
        # What was said fades as what was watched does: what the viewer does overrules it.
        watched = evidence(chances(np.zeros(1), params.anybody), np.ones(1))[:, 0]
        said_once = params.stated * np.exp(-len(met.kind) / params.memory)
        of_kind[np.unique(met.stated)] += said_once * watched
        self._posterior = posterior(params.prior(), of_kind)
        self._pending = np.zeros(n_kinds + 1)
        np.add.at(self._pending, met.pending, 1.0)
        self._pending[-1] = 0.0

    def of(self, kind: Ints, offset: Floats) -> Expected:
        """Return what is expected of n contents: codes int64[n], log odds float64[n]."""
        known = np.where(kind < len(self._posterior) - 1, kind, -1)
        chance, weight = chances(offset, self._params.anybody), self._posterior[known].T
        weighted = chance * weight
        mean = weighted.sum(axis=0)
        variance = np.maximum((weighted * chance).sum(axis=0) - mean**2, 0)
        return Expected(mean, np.sqrt(variance * _left(self._pending[known], self._params)))


def hope(found: Expected, params: TasteParams) -> Floats:
    """Return the outcome expected of contents, float64[n] > 0, with credit for the unknown."""
    return found.mean + params.optimism * found.deviation


def in_batch(
    score: Floats, found: Expected, kind: Ints, params: TasteParams, *, slots: int
) -> Floats:
    """Return scores float64[n] by which a page asks as a whole (GP-BUCB's idea: Desautels, Krause
    and Burdick, JMLR 2014).

    score: float64[n] ≥ 0, in proportion to `hope`. The best comes first; what is known of its kind
    is then taken as better known, so that the others of the kind lose credit, and so on for `slots`
    of them. What is picked keeps the score it was picked by, which falls from slot to slot.
    """
    credit = params.optimism * found.deviation
    credit = score * credit / (found.mean + credit)
    sure, now = score - credit, score.copy()
    is_open = np.ones(len(kind), np.bool_)
    asked = np.zeros(int(kind.max(initial=-1)) + 2)
    result = np.empty(len(kind))
    for _ in range(min(slots, len(kind))):
        best = int(np.where(is_open, now, -np.inf).argmax())
        result[best], is_open[best] = now[best], False
        asked[kind[best]] += 1
        its = np.flatnonzero(kind == kind[best])
        now[its] = sure[its] + credit[its] * np.sqrt(_left(asked[kind[best]], params))
    return np.where(is_open, now, result)


def _left(asked: Floats, params: TasteParams) -> Floats:
    """Return the share of a variance that is left when so many are on their way."""
    return 1 / (1 + params.asking * asked)

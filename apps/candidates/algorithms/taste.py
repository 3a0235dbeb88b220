"""What one viewer's own last views say of any content: a Gaussian process over what contents are.

Two contents go together as far as they share category, creator, language and tags, and two views as
far as they are near in the viewer's sequence (an Ornstein-Uhlenbeck memory), so that what is liked
now overrules what was. What is not known yet has a variance, which is what exploring needs
(GP-BUCB: Desautels, Krause and Burdick, JMLR 2014). Nothing is trained: it speaks from the first
event on. Rasmussen and Williams 2006, chapter 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular
from scipy.special import expit, logit

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_LEAST = 0.02  # of an outcome, at either end
_N_KINDS = 4  # of traits: category, creator, language, tag


@dataclass(frozen=True, slots=True)
class TasteParams:
    """Standard deviations, in units of the outcome: the share that is watched."""

    category: float = 0.3  # of what a viewer makes of a category
    creator: float = 0.12
    tags: float = 0.2  # of what contents of equal tags have in common
    language: float = 0.15
    noise: float = 0.3  # of one outcome, > 0
    memory: float = 60.0  # views after which one counts 1/e beside the latest, > 0
    optimism: float = 0.25  # κ, standard deviations by which the unknown is given credit, ≥ 0
    anybody: float = 0.25  # outcome expected of a stranger, (0, 1)
    worth: float = 1.0  # power of the odds that a content is worth beside its category
    foreign: float = 1.0  # log odds that another language takes, before views say more
    shortness: float = 1.0  # log odds that an e-fold of length takes from the share watched
    length: float = 0.5  # power of a content's seconds: 0 is by liking alone, 1 by time alone
    most: int = 64  # latest contents that are read, ≥ 1


class Kinds(NamedTuple):
    """What n contents are; −1 where there is none."""

    category: Ints  # [n]
    creator: Ints  # [n]
    language: Ints  # [n]
    tags: Ints  # [n, t]

    def __len__(self) -> int:
        return len(self.category)

    def take(self, index: Ints | slice) -> Kinds:
        """Return the contents that `index` picks."""
        return Kinds(*(column[index] for column in self))


class Taste:
    """The posterior of one viewer's taste, after h outcomes."""

    def __init__(
        self, met: Kinds, surprise: Floats, params: TasteParams, *, pending: int = 0
    ) -> None:
        """Learn from contents met, the oldest first.

        surprise: float64[h], outcomes less what anybody was expected to make of them. pending: of
        the last ones the outcome is not known yet: they take from the variance and say nothing.
        """
        self._params = params
        self._traits = _Traits(met, params)
        n_known = len(met) - pending
        ago = np.maximum(n_known - np.arange(len(met), dtype=np.float64), 0)
        traits = self._traits.of(met)
        memory = np.exp(-np.abs(np.subtract.outer(ago, ago)) / params.memory)
        covariance = traits @ traits.T * memory
        covariance[np.diag_indices(len(met))] += params.noise**2
        factor = np.linalg.cholesky(covariance)
        lately = traits * np.exp(-ago / params.memory)[:, None]
        self._solved = _solved(factor, lately)
        # The factor's first rows are those of the known outcomes alone: they give the mean.
        weights = _solved(factor[:n_known, :n_known], surprise[:n_known])
        self._mean = weights @ self._solved[:n_known]

    def of(self, kinds: Kinds) -> Posterior:
        """Return mean and variance for n contents, asked now. O(n·h·traits met)."""
        traits = self._traits.of(kinds)
        solved = self._solved @ traits.T
        variance = prior_variance(kinds, self._params) - (solved**2).sum(axis=0)
        return Posterior(traits @ self._mean, np.maximum(variance, 0), solved)


class Posterior(NamedTuple):
    """What is expected of n contents, and how surely."""

    mean: Floats  # [n] above what anybody is expected to make of them
    variance: Floats  # [n] ≥ 0
    solved: Floats  # [h, n] L⁻¹·k, from which the variance goes on

    @property
    def deviation(self) -> Floats:
        """The standard deviation, float64[n]."""
        return np.sqrt(self.variance)


def likeness(a: Kinds, b: Kinds, params: TasteParams) -> Floats:
    """Return the prior covariance of contents by what they are, float64[n, m]."""
    traits = _Traits(a, params)
    return np.asarray(traits.of(a) @ traits.of(b).T)


def prior_variance(kinds: Kinds, params: TasteParams) -> Floats:
    """Return the diagonal of the prior covariance, float64[n]."""
    found = params.category**2 * (kinds.category >= 0)
    found = found + params.creator**2 * (kinds.creator >= 0)
    found = found + params.language**2 * (kinds.language >= 0)
    return np.asarray(found + params.tags**2 * (kinds.tags >= 0).any(axis=1), np.float64)


def hopeful(mean: Floats, variance: Floats, offset: Floats, params: TasteParams) -> Floats:
    """Return the outcome expected of contents, float64[n] in (0, 1), with credit for the unknown.

    σ(logit(stranger's + mean + κ·deviation) + offset): taste says what the viewer makes of a kind,
    the offset, in log odds, what a content is worth within it.
    """
    outcome = params.anybody + mean + params.optimism * np.sqrt(variance)
    return np.asarray(expit(logit(np.clip(outcome, _LEAST, 1 - _LEAST)) + offset))


def in_batch(
    found: Posterior,
    offset: Floats,
    kinds: Kinds,
    params: TasteParams,
    *,
    gain: Floats,
    slots: int,
) -> Floats:
    """Return scores float64[n] by which a page explores as a whole.

    offset: float64[n] as in `hopeful`; gain: float64[n] ≥ 0, by which an outcome counts. The best
    by gain · hope comes first; then it is taken as watched, so that its likes are less unknown,
    and so on for `slots` of them. What is picked keeps the score it was picked by, which falls
    from slot to slot.
    """
    variance, solved = found.variance.copy(), found.solved
    score = np.empty(len(offset))
    is_open = np.ones(len(offset), np.bool_)
    traits = _Traits(kinds, params).of(kinds)
    for _ in range(min(slots, len(offset))):
        now = gain * hopeful(found.mean, variance, offset, params)
        best = int(np.where(is_open, now, -np.inf).argmax())
        score[best], is_open[best] = now[best], False
        cross = traits @ traits[best] - solved[:, best] @ solved
        step = cross / np.sqrt(variance[best] + params.noise**2)
        solved = np.concatenate([solved, step[None, :]])
        variance = np.maximum(variance - step**2, 0)
    return np.where(is_open, gain * hopeful(found.mean, variance, offset, params), score)


def _solved(factor: NDArray[np.floating], right: Floats) -> Floats:
    """Return L⁻¹·b; whether all is finite need not be asked once more."""
    return np.asarray(solve_triangular(factor, right, lower=True, check_finite=False))


class _Traits:
    """What any of some contents has: their categories, creators, languages and tags."""

    def __init__(self, kinds: Kinds, params: TasteParams) -> None:
        self._params = params
        ids = np.unique(_ids(kinds))
        ids = ids[ids >= 0]
        self._n = len(ids)
        # Where each id has its column; behind the highest one, where the ids of nothing lead as
        # well, they are negative, there is none. Asking a table beats searching.
        highest = int(ids.max(initial=-1))
        self._column = np.zeros(highest + 2 + _N_KINDS, np.int64)
        self._column[ids] = np.arange(1, self._n + 1)
        self._none = highest + 1

    def of(self, kinds: Kinds) -> Floats:
        """Return vectors whose products are the likeness of contents, float64[n, traits]."""
        params, ids = self._params, _ids(kinds)
        weights = np.full(ids.shape, params.tags)
        weights[:, :3] = params.category, params.creator, params.language
        weights[:, 3:] /= np.sqrt(np.maximum((kinds.tags >= 0).sum(axis=1), 1))[:, None]
        found = np.zeros((len(kinds), self._n + 1))  # the first column takes what is not known
        column = self._column[np.minimum(ids, self._none)]
        found[np.arange(len(kinds))[:, None], column] = weights
        return found[:, 1:]


def _ids(kinds: Kinds) -> Ints:
    """Return numbers of what contents have, int64[n, 3 + t], of different kinds never the same."""
    columns = (kinds.category, kinds.creator, kinds.language)
    every = np.concatenate([np.stack(columns, axis=1), kinds.tags], axis=1)
    return np.asarray(_N_KINDS * every + np.minimum(np.arange(every.shape[1]), _N_KINDS - 1))

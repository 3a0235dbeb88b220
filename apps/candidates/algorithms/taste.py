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
from scipy.linalg import cholesky, solve_triangular
from scipy.special import expit, logit

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_LEAST = 0.02  # of an outcome, at either end


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
        self._met, self._params = met, params
        n = len(met)
        self._ago = np.maximum(n - pending - np.arange(n, dtype=np.float64), 0)
        if not n:
            return
        memory = np.exp(-np.abs(np.subtract.outer(self._ago, self._ago)) / params.memory)
        covariance = likeness(met, met, params) * memory
        covariance[np.diag_indices(n)] += params.noise**2
        self._factor = cholesky(covariance, lower=True)
        known = np.append(surprise[: n - pending], np.zeros(pending))
        self._outcome = known
        self._pending = pending

    def of(self, kinds: Kinds) -> Posterior:
        """Return mean and variance for n contents, asked now."""
        variance = prior_variance(kinds, self._params)
        if not len(self._met):
            return Posterior(np.zeros(len(kinds)), variance, np.empty((0, len(kinds))))
        cross = likeness(self._met, kinds, self._params)
        cross *= np.exp(-self._ago / self._params.memory)[:, None]
        solved = solve_triangular(self._factor, cross, lower=True)
        n_known = len(self._met) - self._pending
        # The factor's first rows are those of the known outcomes alone: they give the mean.
        weights = solve_triangular(
            self._factor[:n_known, :n_known], self._outcome[:n_known], lower=True
        )
        mean = weights @ solved[:n_known]
        return Posterior(mean, np.maximum(variance - (solved**2).sum(axis=0), 0), solved)


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
    found = params.category**2 * _same(a.category, b.category)
    found += params.creator**2 * _same(a.creator, b.creator)
    found += params.language**2 * _same(a.language, b.language)
    found += params.tags**2 * _overlap(a.tags, b.tags)
    return found


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
    for _ in range(min(slots, len(offset))):
        now = gain * hopeful(found.mean, variance, offset, params)
        best = int(np.where(is_open, now, -np.inf).argmax())
        score[best], is_open[best] = now[best], False
        cross = likeness(kinds.take(np.array([best])), kinds, params)[0] - solved[:, best] @ solved
        step = cross / np.sqrt(variance[best] + params.noise**2)
        solved = np.concatenate([solved, step[None, :]])
        variance = np.maximum(variance - step**2, 0)
    return np.where(is_open, gain * hopeful(found.mean, variance, offset, params), score)


def _same(a: Ints, b: Ints) -> Floats:
    return ((a[:, None] == b) & (a[:, None] >= 0)).astype(np.float64)


def _overlap(a: Ints, b: Ints) -> Floats:
    """Return the cosine of the sets of tags, float64[n, m]; 0 where one has none."""
    known = np.unique(a[a >= 0])
    if not len(known):
        return np.zeros((len(a), len(b)))
    return np.asarray(_incidence(a, known) @ _incidence(b, known).T)


def _incidence(tags: Ints, known: Ints) -> Floats:
    """Return float64[n, len(known)]: 1/√(number of tags) where a content has the tag."""
    at = np.minimum(np.searchsorted(known, tags), len(known) - 1)
    is_known = (known[at] == tags) & (tags >= 0)
    share = 1 / np.sqrt(np.maximum((tags >= 0).sum(axis=1), 1))
    found = np.zeros((len(tags), len(known)))
    row = np.broadcast_to(np.arange(len(tags))[:, None], tags.shape)
    found[row[is_known], at[is_known]] = np.broadcast_to(share[:, None], tags.shape)[is_known]
    return found

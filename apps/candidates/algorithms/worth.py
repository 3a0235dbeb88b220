"""What contents are worth, apart from who was shown them: crossed random effects of views.

A content's rate says as much of its audience as of itself: where a feed works, contents are shown
to those who like their kind. Here the share watched of each view is explained by all at once,

    share ~ σ(μ + β·length + languages + viewer + viewer × language + creator + content + level),

where `languages` is what those who speak one make of contents in another, which many of them may
understand. Every effect has a normal prior, so that few views say little, and the level of the
viewer's liking of the category the grid and the prior of `taste`. Expectation-maximization: levels
given the effects, then a Newton step of one group of effects after the other, backfitting (Hastie
and Tibshirani 1990, chapter 4; for crossed effects Papaspiliopoulos, Roberts and Zanella,
Biometrika 2020).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from apps.candidates.algorithms.taste import LEAST, LEVELS, TasteParams, evidence, posterior

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_LEAST_CURVATURE = 0.02  # p·(1 − p) counts as at least this


@dataclass(frozen=True, slots=True)
class WorthParams:
    """Prior standard deviations of the effects, in log odds of the share watched, > 0."""

    anybody: float = 0.3  # of μ, around the odds of `TasteParams.anybody`
    viewer: float = 0.3
    languages: float = 1.0  # around −`TasteParams.foreign` for two that differ, else 0
    language: float = 0.7  # of what a viewer makes of a language
    creator: float = 0.55
    content: float = 0.9
    length: float = 0.5  # of β, around −1
    sweeps: int = 5  # over all groups, ≥ 1


class Watched(NamedTuple):
    """Views as columns of one length; codes count from 0, −1: not known."""

    viewer: Ints
    speaks: Ints  # code of the viewer's language
    content: Ints
    creator: Ints
    category: Ints
    language: Ints
    length: Floats  # ln(seconds / 20)
    share: Floats  # watched, [0, 1]


class Worth(NamedTuple):
    """What n contents are worth."""

    mean: Floats  # [n] log odds beside `TasteParams.anybody`
    doubt: Floats  # [n] standard deviation of it, of the content alone
    unknown: float  # mean of a content of which nothing is known
    slope: float  # log odds by e-fold of length
    languages: Floats  # [1 + l, 1 + l] log odds by 1 + code of the viewer's, and of the content's


def foreign(speaks: Ints | int, language: Ints, taste: TasteParams) -> Floats:
    """Return the log odds that languages take while nothing is known of them, ≤ 0."""
    return -taste.foreign * ((speaks >= 0) & (language >= 0) & (speaks != language))


def worth_of(views: Watched, creators: Ints, params: WorthParams, taste: TasteParams) -> Worth:
    """Return what contents are worth, by what viewers made of them.

    creators: int64[n] of each content, so that a content that nobody watched has its creator's.
    """
    viewer = np.unique(views.viewer, return_inverse=True)[1]
    n_creators = int(creators.max(initial=0)) + 2
    n_languages = int(max(views.speaks.max(initial=-1), views.language.max(initial=-1))) + 2
    of_languages = _Group(
        (views.speaks + 1) * n_languages + views.language + 1, params.languages, n_languages**2
    )
    groups = (
        of_languages,
        _Group(viewer, params.viewer),
        _Group(_crossed(viewer, views.language), params.language),
        of_creator := _Group(views.creator + 1, params.creator, n_creators),
        of_content := _Group(views.content, params.content, len(creators)),
    )
    levels = _Levels(_crossed(viewer, views.category), views.share, taste)
    start = float(logit(taste.anybody))
    level, slope = start, -1.0
    odds = start - views.length + foreign(views.speaks, views.language, taste)
    for _ in range(params.sweeps if len(viewer) else 0):
        levels.expect(odds)
        residual, curvature = levels.residual(odds)
        precision = params.anybody**-2
        pull = residual.sum() - precision * (level - start)
        step = float(pull / (curvature.sum() + precision))
        level, odds = level + step, odds + step
        residual, curvature = levels.residual(odds)
        precision = params.length**-2
        pull = residual @ views.length - precision * (slope + 1)
        step = float(pull / (curvature @ views.length**2 + precision))
        slope, odds = slope + step, odds + step * views.length
        for group in groups:
            odds = odds + group.step(*levels.residual(odds))
    known = np.where(creators >= 0, of_creator.effect[creators + 1], 0)
    unknown = level - start
    code = np.arange(n_languages) - 1
    languages = foreign(code[:, None], code, taste) + of_languages.effect.reshape(-1, n_languages)
    if len(views.speaks):  # who says no language is taken to speak as those who watch do
        share = np.bincount(views.speaks + 1, minlength=n_languages) / len(views.speaks)
        languages[0] = share @ languages
    mean = unknown + known + of_content.effect
    return Worth(mean, of_content.deviation, unknown, slope, languages)


class _Levels:
    """The levels of pairs of a viewer and a category, by all views of the pair."""

    def __init__(self, pair: Ints, share: Floats, taste: TasteParams) -> None:
        self._pair, self._share = pair, share.astype(np.float32)
        self._prior = taste.prior()
        self._against = np.exp(-LEVELS).astype(np.float32)[:, None]
        self._weight = np.empty((len(LEVELS), 0), np.float32)  # of the levels of each view

    def expect(self, odds: Floats) -> None:
        """Work out how likely each level is, given the other effects."""
        said = evidence(np.clip(self._chance(odds), LEAST, 1 - LEAST), self._share)
        n_pairs = int(self._pair.max(initial=-1)) + 1
        sums = [np.bincount(self._pair, level, n_pairs) for level in said]
        of_pair: Floats = np.stack(sums, axis=1).astype(np.float64)
        weight = posterior(self._prior, of_pair).astype(np.float32)
        self._weight = np.take(weight.T, self._pair, axis=1)

    def residual(self, odds: Floats) -> tuple[Floats, Floats]:
        """Return what each view is off by, and how fast that changes with its odds, float64[n]."""
        chance = self._chance(odds)
        weighted = chance * self._weight
        expected = weighted.sum(axis=0)
        weighted *= chance
        curvature = np.maximum(expected - weighted.sum(axis=0), _LEAST_CURVATURE)
        return (self._share - expected).astype(np.float64), curvature.astype(np.float64)

    def _chance(self, odds: Floats) -> NDArray[np.float32]:
        """Return σ(odds + level), float32[levels, n], by one exponential a view."""
        chance = self._against * np.exp(-odds).astype(np.float32)
        chance += 1
        return np.asarray(np.reciprocal(chance, out=chance))


class _Group:
    """Effects of one kind, each of the views that share a code."""

    def __init__(self, code: Ints, deviation: float, size: int | None = None) -> None:
        self._code = code
        self._precision = deviation**-2
        size = int(code.max(initial=-1)) + 1 if size is None else size
        self.effect = np.zeros(size)
        self.deviation = np.full(size, deviation)

    def step(self, residual: Floats, curvature: Floats) -> Floats:
        """Move every effect by a Newton step; return what that adds to each view's log odds."""
        n = len(self.effect)
        pull = np.bincount(self._code, residual, n) - self._precision * self.effect
        precision = np.bincount(self._code, curvature, n) + self._precision
        moved = pull / precision
        self.effect += moved
        self.deviation = 1 / np.sqrt(precision)
        return np.asarray(moved[self._code])


def _crossed(viewer: Ints, code: Ints) -> Ints:
    """Return one code for each pair that occurs, int64[n]."""
    return np.asarray(
        np.unique(viewer * (int(code.max(initial=0)) + 2) + code + 1, return_inverse=True)[1]
    )

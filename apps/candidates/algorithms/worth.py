"""What contents are worth, apart from who was shown them: crossed random effects of views.

A content's rate says as much of its audience as of itself: where a feed works, contents are shown
to those who like their kind. Here the share watched of each view is explained by all at once,

    share ~ σ(μ + β·length + viewer + viewer × category + viewer × language + creator + content),

with a normal prior on every effect, so that few views say little. Posterior modes by Newton steps
of one group of effects after the other, backfitting (Hastie and Tibshirani 1990, chapter 4; for
crossed effects Papaspiliopoulos, Roberts and Zanella, Biometrika 2020).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_LEAST_CURVATURE = 0.02  # p·(1 − p) counts as at least this


@dataclass(frozen=True, slots=True)
class WorthParams:
    """Prior standard deviations of the effects, in log odds of the share watched, > 0."""

    viewer: float = 0.5
    category: float = 1.0  # of what a viewer makes of a category
    language: float = 0.7  # of what a viewer makes of a language
    creator: float = 0.6
    content: float = 0.8
    length: float = 0.5  # of β, around −1
    sweeps: int = 4  # over all groups, ≥ 1


class Watched(NamedTuple):
    """Views as columns of one length; codes count from 0, −1 is a code like any other."""

    viewer: Ints
    content: Ints
    creator: Ints
    category: Ints
    language: Ints
    length: Floats  # ln(seconds / 20)
    share: Floats  # watched, [0, 1]


def worth_of(views: Watched, creators: Ints, params: WorthParams) -> Floats:
    """Return what contents are worth beside the mean one, log odds float64[n].

    creators: int64[n] of each content, so that a content that nobody watched has its creator's.
    """
    viewer = np.unique(views.viewer, return_inverse=True)[1]
    creator, content = views.creator + 1, views.content
    groups = (
        _Group(viewer, params.viewer),
        _Group(_crossed(viewer, views.category), params.category),
        _Group(_crossed(viewer, views.language), params.language),
        of_creator := _Group(creator, params.creator, int(creators.max(initial=0)) + 2),
        of_content := _Group(content, params.content, len(creators)),
    )
    slope, odds = -1.0, -views.length
    for _ in range(params.sweeps if len(viewer) else 0):
        residual, curvature = _residual(odds, views.share)
        odds = odds + residual.sum() / (curvature.sum() + 1)
        residual, curvature = _residual(odds, views.share)
        precision = params.length**-2
        pull = residual @ views.length - precision * (slope + 1)
        step = float(pull / (curvature @ views.length**2 + precision))
        slope, odds = slope + step, odds + step * views.length
        for group in groups:
            odds = odds + group.step(*_residual(odds, views.share))
    known = of_creator.effect[creators + 1]
    return np.asarray(np.where(creators >= 0, known, 0) + of_content.effect)


class _Group:
    """Effects of one kind, each of the views that share a code."""

    def __init__(self, code: Ints, deviation: float, size: int | None = None) -> None:
        self._code = code
        self._precision = deviation**-2
        self.effect = np.zeros(int(code.max(initial=-1)) + 1 if size is None else size)

    def step(self, residual: Floats, curvature: Floats) -> Floats:
        """Move every effect by a Newton step; return what that adds to each view's log odds."""
        n = len(self.effect)
        pull = np.bincount(self._code, residual, n) - self._precision * self.effect
        moved = pull / (np.bincount(self._code, curvature, n) + self._precision)
        self.effect += moved
        return np.asarray(moved[self._code])


def _crossed(viewer: Ints, code: Ints) -> Ints:
    """Return one code for each pair that occurs, int64[n]."""
    return np.asarray(
        np.unique(viewer * (int(code.max(initial=0)) + 2) + code + 1, return_inverse=True)[1]
    )


def _residual(odds: Floats, share: Floats) -> tuple[Floats, Floats]:
    chance = expit(odds)
    return share - chance, np.maximum(chance * (1 - chance), _LEAST_CURVATURE)

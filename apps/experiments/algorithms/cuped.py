"""CUPED: what a viewer did before the experiment explains part of what they do in it (§11.2).

y' = y − θ·(x − x̄), θ = cov(x, y) / var(x), with x from before the viewer's first exposure (Deng,
Xu, Kohavi & Walker, WSDM 2013). x̄ is that of all viewers and x knows nothing of the variant, so
the difference stays unbiased; its variance falls by ρ².
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from apps.experiments.algorithms.ratio import Floats


class Adjusted(NamedTuple):
    """The values of each variant after the adjustment."""

    values: list[Floats]
    variance_ratio: float  # of the pooled within-variant variance after to before, 0–1


def adjust(values: Sequence[Floats], covariates: Sequence[Floats]) -> Adjusted:
    """Return y' of each variant; y itself where x or y does not vary.

    values, covariates: float64[n_k] of each variant k. θ is pooled within variants: the effect
    itself must not enter it.
    """
    y = np.concatenate([v - v.mean() if len(v) else v for v in values])
    x = np.concatenate([c - c.mean() if len(c) else c for c in covariates])
    xx, yy, xy = float(x @ x), float(y @ y), float(x @ y)
    if xx <= 0 or yy <= 0:
        return Adjusted(list(values), 1.0)
    theta = xy / xx
    center = np.concatenate(list(covariates)).mean()
    shifted = [v - theta * (c - center) for v, c in zip(values, covariates, strict=True)]
    return Adjusted(shifted, 1 - xy * xy / (xx * yy))

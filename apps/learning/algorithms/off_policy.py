"""What another policy would have earned, from a log with propensities (algorithms of spec §11.1).

IPS, SNIPS and the doubly robust estimator (Dudík et al. 2011; Swaminathan & Joachims 2015), with
intervals, effective sample size, and a refusal where the log cannot say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from apps.core.errors import RecsysError

Floats = NDArray[np.float64]
_Z = 1.96  # two-sided 95 %


class OffPolicyError(RecsysError):
    """The log cannot say what the policy would have earned."""


@dataclass(frozen=True, slots=True)
class OffPolicyParams:
    """When to trust a log, and how to tame it."""

    min_effective: float = 200.0  # effective sample size below which nothing is said
    max_share: float = 0.05  # of the total weight, that one event may carry
    clip: float = np.inf  # greatest weight of the doubly robust correction; inf: unbiased
    weight_tolerance: float = 5.0  # standard errors that the mean weight may be off 1; inf: any


class Estimate(NamedTuple):
    """A mean reward with its 95 % interval."""

    value: float
    low: float
    high: float


class Estimates(NamedTuple):
    """What the log says of a policy, and how well it can say it."""

    ips: Estimate
    snips: Estimate
    dr: Estimate | None  # without a reward model there is none
    naive: float  # the log's own mean reward, whoever chose
    effective_size: float
    max_weight: float
    n: int


def estimate(
    reward: Floats,
    logged: Floats,
    target: Floats,
    *,
    predicted: Floats | None = None,
    expected: Floats | None = None,
    params: OffPolicyParams | None = None,
) -> Estimates:
    """Return the estimates of a target policy's mean reward.

    reward float64[n]; logged, target float64[n]: each policy's chance of the logged action, in
    (0, 1] and [0, 1]. predicted float64[n]: a model's reward of the logged action; expected
    float64[n]: the model's mean under the target policy. The model must not have seen the event
    that it predicts.

        IPS = mean(w r), SNIPS = Σ w r / Σ w, DR = mean(expected + w (r − predicted)), w = π/μ

    Intervals are by the delta method. Raises `OffPolicyError`, which says why, where propensities
    are not chances, the logged policy never explored, weights do not average 1 (the propensities
    are not those by which was chosen, or actions of the target were never logged), the effective
    sample size (Σw)²/Σw² is too small, or one event carries too much.
    """
    chosen = params or OffPolicyParams()
    weight = _checked_weights(logged, target, chosen)
    naive, total, n = float(reward.mean()), float(weight.sum()), len(reward)
    snips = float(weight @ reward / total)
    influence = weight * (reward - snips) * n / total
    dr = None
    if predicted is not None and expected is not None:
        dr = _mean(expected + np.minimum(weight, chosen.clip) * (reward - predicted))
    return Estimates(
        ips=_mean(weight * reward),
        snips=_around(snips, influence),
        dr=dr,
        naive=naive,
        effective_size=effective_size(weight),
        max_weight=float(weight.max()),
        n=n,
    )


def effective_size(weight: Floats) -> float:
    """Return Kish's effective sample size (Σw)² / Σw², 0 without any weight."""
    squares = float(weight @ weight)
    return float(weight.sum()) ** 2 / squares if squares else 0.0


def _checked_weights(logged: Floats, target: Floats, params: OffPolicyParams) -> Floats:
    if not len(logged):
        raise OffPolicyError("no estimate: nothing was logged")
    if not ((logged > 0) & (logged <= 1) & (target >= 0) & (target <= 1)).all():
        raise OffPolicyError("no estimate: propensities must be chances, those logged above 0")
    if (logged == 1).all():
        raise OffPolicyError(
            "no estimate: every propensity is 1, the logged policy never explored; what it did "
            "not choose was never tried"
        )
    weight: Floats = target / logged
    size = effective_size(weight)
    if size < params.min_effective:
        raise OffPolicyError(
            f"no estimate: the effective sample size is {size:.0f} of {len(weight)}, at least "
            f"{params.min_effective:.0f} is needed; the policies choose too differently"
        )
    if (share := float(weight.max() / weight.sum())) > params.max_share:
        raise OffPolicyError(
            f"no estimate: one event carries {share:.0%} of the weight, at most "
            f"{params.max_share:.0%} is allowed"
        )
    mean, error = float(weight.mean()), float(weight.std() / np.sqrt(len(weight)))
    if abs(mean - 1) > params.weight_tolerance * error + 1e-9:
        raise OffPolicyError(
            f"no estimate: weights average {mean:.3f} ± {error:.3f} and must average 1; the "
            "propensities are not those by which was chosen, or the policy would choose what never "
            "was logged"
        )
    return weight


def _mean(values: Floats) -> Estimate:
    return _around(float(values.mean()), values - values.mean())


def _around(value: float, influence: Floats) -> Estimate:
    error = float(np.sqrt(influence @ influence) / len(influence))
    return Estimate(value, value - _Z * error, value + _Z * error)

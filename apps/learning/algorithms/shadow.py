"""What a candidate would say of what production served: shift, order, loss, by slots of slates.

Scores are compared on the same slots, which production chose: good for finding what is broken, no
measure of what the candidate would show. That is the canary's question.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.learning.algorithms.off_policy import OffPolicyParams, effective_size
from apps.learning.algorithms.promotion import State, Verdict

Floats = NDArray[np.float64]
BINS = 10
MOST_SLOWER = 3.0  # times production's time for the same slots
LEAST_ORDER = 0.3  # rank correlation that newer data alone can hardly fall below
CLIP = 10.0  # greatest inverse propensity: an explored slot counts as ten others
_Z = 1.96  # two-sided 95 %


def stability_index(before: Floats, after: Floats) -> float:
    """Return the population stability index of two samples float64[n], float64[m]; ≥ 0.

    PSI = Σ (aᵢ − bᵢ) ln(aᵢ / bᵢ) over tenths of `before`, shares kept above 1e-4. Below .1 is
    usually read as no shift, above .25 as a large one.
    """
    edges = np.unique(np.quantile(before, np.linspace(0, 1, BINS + 1)[1:-1]))
    shares = [
        np.maximum(np.bincount(np.searchsorted(edges, x, "right"), minlength=len(edges) + 1), 1e-9)
        / len(x)
        for x in (before, after)
    ]
    b, a = (np.maximum(share, 1e-4) for share in shares)
    return float(((a - b) * np.log(a / b)).sum())


def order_kept(one: Floats, other: Floats, group: NDArray[np.int64]) -> float:
    """Return the mean Spearman correlation of two scores within groups of ≥ 3 slots, NaN for none.

    one, other float64[n]; group int64[n], groups in one piece each. Ties rank in order of slots.
    """
    starts = np.flatnonzero(np.append(True, group[1:] != group[:-1]))
    sizes = np.diff(np.append(starts, len(group)))
    ranks = [_ranks(x, group, np.repeat(starts, sizes)) for x in (one, other)]
    squares = np.add.reduceat((ranks[0] - ranks[1]) ** 2, starts).astype(np.float64)
    large = sizes >= 3
    n = sizes[large].astype(np.float64)
    return float((1 - 6 * squares[large] / (n * (n * n - 1))).mean()) if large.any() else np.nan


def _ranks(x: Floats, group: NDArray[np.int64], start: NDArray[np.int64]) -> NDArray[np.int64]:
    order = np.lexsort((x, np.cumsum(np.append(0, group[1:] != group[:-1]))))
    ranks = np.empty(len(x), np.int64)
    ranks[order] = np.arange(len(x))
    return ranks - start


def judge_shift(numbers: dict[str, Any], *, is_finite: bool, is_refresh: bool) -> Verdict:
    """Say whether scores are numbers, come in time and, of a refresh, order much as before.

    numbers: as stored, among them `order kept` and `times as slow`.
    """
    gate = "shadow: scores"
    wrong = []
    if not is_finite:
        wrong.append("scores are not finite")
    if numbers["times as slow"] > MOST_SLOWER:
        wrong.append(f"over {MOST_SLOWER:g} times as slow as production")
    if is_refresh and numbers["order kept"] < LEAST_ORDER:
        wrong.append("it learned the same way and orders quite otherwise")
    if wrong:
        return Verdict(gate, State.FAILED, "; ".join(wrong), numbers)
    return Verdict(gate, State.PASSED, "finite, in time, ordered plausibly", numbers)


def judge_off_policy(
    gain: Floats, propensity: Floats, params: OffPolicyParams | None = None
) -> Verdict:
    """Compare the losses as if slots had been shown alike, by inverse propensities (SNIPS).

    gain float64[n]: production's loss less the candidate's, of one slot each; propensity
    float64[n] in (0, 1]. Δ = Σ w g / Σ w with w = min(1/μ, CLIP), as Schnabel et al. 2016 weigh a
    ranker's loss. Where nothing was explored, or a few slots carry the weight, nothing is said.
    """
    gate, chosen = "off-policy: weighted loss", params or OffPolicyParams()
    if not len(gain) or (propensity == 1).all():
        return Verdict(gate, State.UNKNOWN, "nothing was explored: every propensity is 1")
    weight = np.minimum(1 / propensity, CLIP)
    size = effective_size(weight)
    if size < chosen.min_effective:
        reason = f"the effective sample size is {size:.0f}, {chosen.min_effective:.0f} are needed"
        return Verdict(gate, State.UNKNOWN, reason, {"effective size": size})
    value = float(weight @ gain / weight.sum())
    influence = weight * (gain - value) / weight.sum()
    half = _Z * float(np.sqrt(influence @ influence))
    numbers = {
        "effective size": size,
        "loss less than production's": value,
        "low": value - half,
        "high": value + half,
    }
    if value + half < 0:
        return Verdict(gate, State.FAILED, "worse than production for certain", numbers)
    return Verdict(gate, State.PASSED, "no worse than production for certain", numbers)

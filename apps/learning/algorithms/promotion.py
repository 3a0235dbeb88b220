"""Whether a candidate proves itself against what serves, from paired figures (spec §6.3).

Two rules. A *refresh*, the same recipe on newer data, must be no worse: it is expected to be as
good, and standing still is a loss of its own. A *change* of recipe must be better for certain.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.learning.algorithms import calibration, metrics


@dataclass(frozen=True, slots=True)
class GateParams:
    """What a candidate must reach."""

    min_viewers: int = 30  # judged viewers below which lists say nothing
    min_views: int = 200  # likewise views, of heads and of the held-out slice
    ndcg_loss: float = 0.05  # share of production's NDCG that a refresh may seem to lose, 0–1
    log_loss_rise: float = 0.02  # relative, that a main head may show
    calibration_rise: float = 0.01  # absolute, of the expected calibration error
    held_share: float = 0.25  # of the views since production's last event, held out to judge by
    max_share: float = 0.1  # of all views, held out at most
    main_heads: tuple[str, ...] = ("long_view", "complete", "like")
    k: int = 10  # of NDCG
    # A refresh from this many times production's events serves unless a gate fails it: production
    # knows next to nothing, and where it serves badly viewers stay away and nothing can be judged.
    growth: float = 1.5


class State(StrEnum):
    """What a gate says."""

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "not enough data"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one gate says of a candidate, with the numbers it says so by."""

    gate: str
    state: State
    reason: str
    numbers: dict[str, Any] = field(default_factory=dict)


def judge_lists(
    candidate: metrics.Floats, production: metrics.Floats, params: GateParams, *, is_refresh: bool
) -> Verdict:
    """Compare NDCG viewer by viewer, float64[m] each in [0, 1], by a paired bootstrap."""
    gate = "offline: ranked lists"
    if len(candidate) < params.min_viewers:
        reason = f"{len(candidate)} viewers to judge by, at least {params.min_viewers} are needed"
        return Verdict(gate, State.UNKNOWN, reason, {"viewers": len(candidate)})
    ours, theirs = float(candidate.mean()), float(production.mean())
    found = metrics.bootstrap_mean(candidate - production, np.random.default_rng(0))
    numbers = {
        "viewers": len(candidate),
        f"ndcg@{params.k}": ours,
        f"production ndcg@{params.k}": theirs,
        "difference": found.value,
        "difference low": found.low,
        "difference high": found.high,
        "rule": "no worse" if is_refresh else "better",
    }
    if not is_refresh:
        if found.low > 0:
            return Verdict(gate, State.PASSED, "better than production", numbers)
        return Verdict(gate, State.FAILED, "not better than production for certain", numbers)
    if found.high < 0:
        return Verdict(gate, State.FAILED, "worse than production for certain", numbers)
    if found.value < -params.ndcg_loss * theirs:
        reason = f"over {params.ndcg_loss:.0%} worse, by too few viewers to be certain"
        return Verdict(gate, State.UNKNOWN, reason, numbers)
    return Verdict(gate, State.PASSED, "no worse than production", numbers)


def judge_heads(
    labels: dict[str, NDArray[np.bool_]],
    candidate: dict[str, metrics.Floats],
    production: dict[str, metrics.Floats],
    params: GateParams,
) -> Verdict:
    """Compare log-loss and calibration of the main heads on the same views, arrays [n] by head."""
    gate = "offline: predictions"
    judged = [
        head
        for head in params.main_heads
        if head in labels
        and len(labels[head]) >= params.min_views
        and 0 < labels[head].sum() < len(labels[head])
    ]
    if not judged:
        return Verdict(gate, State.UNKNOWN, "too few views of a main head to judge by")
    numbers: dict[str, Any] = {}
    worse = []
    for head in judged:
        ours = _figures(labels[head], candidate[head])
        theirs = _figures(labels[head], production[head])
        numbers |= {f"{head} {name}": value for name, value in ours.items()}
        numbers |= {f"production {head} {name}": value for name, value in theirs.items()}
        if not np.isfinite(candidate[head]).all():
            worse.append(f"{head} is not finite")
        if ours["log_loss"] > theirs["log_loss"] * (1 + params.log_loss_rise):
            worse.append(f"log-loss of {head}")
        # Where the log-loss is clearly lower, what is lost in calibration is less than what is won:
        # it counts both. A constant is calibrated best and tells nothing apart.
        is_better = ours["log_loss"] < theirs["log_loss"] * (1 - params.log_loss_rise)
        rise = ours["calibration_error"] - theirs["calibration_error"]
        if rise > params.calibration_rise and not is_better:
            worse.append(f"calibration of {head}")
    reason = "worse: " + ", ".join(worse) if worse else "no worse than production"
    return Verdict(gate, State.FAILED if worse else State.PASSED, reason, numbers)


def is_proven(verdicts: list[Verdict]) -> bool:
    """Say whether a candidate may be promoted: every gate passed, and there were gates."""
    return bool(verdicts) and all(verdict.state == State.PASSED for verdict in verdicts)


def _figures(label: NDArray[np.bool_], predicted: metrics.Floats) -> dict[str, float]:
    return {
        "log_loss": metrics.log_loss(label, predicted),
        "auc": metrics.auc(label, predicted),
        "calibration_error": calibration.expected_error(label, predicted),
    }

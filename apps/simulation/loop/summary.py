"""Several runs as one table: means over seeds, ratios between policies, the placebo's lift."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from apps.simulation.loop.workspaces import Run

_NOT_MEANT = ("minutes_by_viewer", "degraded", "failures")


def summarize(runs: Mapping[str, Sequence[Run]]) -> dict[str, Any]:
    """Return per policy the mean of each figure over its runs, and how the policies compare."""
    policies = {name: _mean_run(of) for name, of in runs.items()}
    return {**policies, "compared": _compared(policies)}


def placebo_lift(system: Run, random: Run) -> dict[str, float]:
    """Return the relative lift in minutes where there can be none, and its standard error.

    Paired by viewer: mean of the differences over the mean under the random policy.
    """
    ours, theirs = (np.array(run["minutes_by_viewer"]) for run in (system, random))
    difference = ours - theirs
    base = max(float(theirs.mean()), 1e-9)
    error = float(difference.std(ddof=1)) / np.sqrt(len(difference)) if len(difference) > 1 else 0.0
    return {"lift": float(difference.mean()) / base, "standard_error": float(error / base)}


def _mean_run(runs: Sequence[Run]) -> dict[str, Any]:
    mean = {name: _mean([run[name] for run in runs]) for name in runs[0] if name not in _NOT_MEANT}
    mean["minutes_by_seed"] = [run["minutes_per_viewer_day"] for run in runs]
    mean["failures"] = sorted({failure for run in runs for failure in run["failures"]})
    stages = sorted({stage for run in runs for stage in run["degraded"]})
    mean["degraded"] = {s: sum(run["degraded"].get(s, 0) for run in runs) for s in stages}
    return mean


def _mean(values: Sequence[Any]) -> Any:
    """Return the mean of numbers but None, or of what lists and dicts hold at each place."""
    first = values[0]
    if isinstance(first, dict):
        return {key: _mean([value[key] for value in values]) for key in first}
    if isinstance(first, list):
        return [_mean(list(at)) for at in zip(*values, strict=True)]
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _compared(policies: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """Return the ratios that the acceptance test asks for, as far as their policies ran."""
    if "system" not in policies:
        return {}
    system, found = policies["system"], {}
    for name in ("random", "popular", "oracle"):
        if name in policies and policies[name]["minutes_per_viewer_day"]:
            theirs = policies[name]["minutes_per_viewer_day"]
            found[f"system_over_{name}"] = system["minutes_per_viewer_day"] / theirs
    if "popular" in policies and None not in (system["d7"], policies["popular"]["d7"]):
        found["d7_over_popular_points"] = 100 * (system["d7"] - policies["popular"]["d7"])
    return found

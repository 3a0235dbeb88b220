"""How viewer, content and context fit together: length, language, network, rates (spec §3.3)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from apps.features.definitions.base import Feature, FeatureGroup
from apps.features.definitions.content import average_rates, columns, smoothed_rates
from apps.features.definitions.viewer import long_rate
from apps.features.history import Summed
from apps.features.stats import WEEK, Counted
from apps.features.view import View

Floats = NDArray[np.float32]

_MAX_LOG = 20.0
_LONG_WEEK = columns((Counted.LONG_VIEW, WEEK))


def _fit(view: View) -> Floats:
    sums, facts = view.history.sums, view.facts
    length = np.log1p(facts.duration_seconds)
    language, asked = facts.language, view.asked.language
    columns = [
        np.abs(length - _mean(sums, Summed.LIKED_LENGTH, Summed.LENGTH_WEIGHT)),
        length - _mean(sums, Summed.LOG_WATCH, Summed.WATCH_KNOWN),
        np.where((language < 0) | (asked < 0), np.nan, language == asked),
    ]
    return np.stack(columns, axis=1).astype(np.float32)


def _mean(sums: Floats, total: Summed, weight: Summed) -> Floats:
    """Return a mean over the history, float32[m], NaN where there is nothing to average."""
    known = sums[:, weight] > 1e-3
    return np.where(known, sums[:, total] / np.maximum(sums[:, weight], 1e-3), np.nan)


FIT = FeatureGroup(
    "fit",
    (
        Feature(
            "duration_distance",
            "|log length − mean log length of what the viewer liked|",
            0,
            _MAX_LOG,
            np.nan,
            may_miss=True,
        ),
        Feature(
            "duration_over_watch",
            "log length − mean log seconds that the viewer watches",
            -_MAX_LOG,
            _MAX_LOG,
            np.nan,
            may_miss=True,
        ),
        Feature(
            "same_language",
            "1 if content and viewer have one language",
            0,
            1,
            np.nan,
            kind="flag",
            may_miss=True,
        ),
    ),
    _fit,
    "request",
)


def _crosses(view: View) -> Floats:
    kinds, half_lives = _LONG_WEEK
    average = average_rates(view, kinds, half_lives)
    content = smoothed_rates(view.counts["content"], average, kinds, half_lives)[:, 0]
    odds = _logit(long_rate(view)) + _logit(content) - _logit(average[:, 0])
    load = view.log_network + np.log1p(view.facts.duration_seconds)
    return np.stack([odds, load], axis=1).astype(np.float32)


def _logit(rate: NDArray) -> NDArray:
    rate = np.clip(rate, 1e-4, 1 - 1e-4)
    return np.asarray(np.log(rate / (1 - rate)))


CROSSES = FeatureGroup(
    "crosses",
    (
        Feature(
            "long_odds",
            "log odds of a long view: the viewer's and the content's, less the average's",
            -30,
            30,
            float(np.log(0.35 / 0.65)),
        ),
        Feature(
            "network_length", "log load time + log length", 0, 2 * _MAX_LOG, np.nan, may_miss=True
        ),
    ),
    _crosses,
    "counters",
)

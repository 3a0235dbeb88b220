"""Watch time freed of duration: quantiles within bins of duration, D2Q (Zhan et al. 2022).

Long contents are watched longer whoever watches. Where a view's time stands among the views of
contents about as long does say something of interest; that is what rankers learn, and the bin's
own quantile function turns it back into seconds (spec §5.2).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

MOST_BINS, MIN_IN_BIN = 50, 300
_LEVELS = np.linspace(0, 1, 201)
_BLOCKS = 10  # of expected quantiles whose views say what is typical for them

Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class WatchQuantiles:
    """The quantile functions of watch time, one a bin of duration; the last bin is of unknown."""

    edges: Doubles  # [bins − 2] inner bounds of duration, seconds, ascending
    seconds: Doubles  # [bins, levels] at equal levels from 0 to 1, ascending along a row
    # A broken line from the quantile that is expected to the one that is typical, its median.
    expected: Doubles = field(default_factory=lambda: np.array([0.0, 1.0]))
    typical: Doubles = field(default_factory=lambda: np.array([0.0, 1.0]))

    def bins(self, duration: NDArray[np.floating]) -> NDArray[np.int64]:
        """Return the bin of each duration, int64[n]; NaN is in the last one."""
        found = np.searchsorted(self.edges, duration, side="right")
        return np.where(np.isnan(duration), len(self.seconds) - 1, found)

    def quantile(
        self, seconds: NDArray[np.floating], duration: NDArray[np.floating]
    ) -> NDArray[np.float32]:
        """Return float32[n] in [0, 1]: the share of its bin's views that were shorter.

        Ties count half; NaN where the seconds are unknown.
        """
        result = np.full(len(seconds), np.nan, np.float32)
        bins = self.bins(duration)
        levels = np.linspace(0, 1, self.seconds.shape[1])
        for b in np.unique(bins).tolist():
            here = np.flatnonzero((bins == b) & np.isfinite(seconds))
            row = self.seconds[b]
            low = np.searchsorted(row, seconds[here], side="left")
            high = np.searchsorted(row, seconds[here], side="right") - 1
            flat = 0.5 * (levels[np.minimum(low, len(row) - 1)] + levels[np.maximum(high, 0)])
            between = np.interp(seconds[here], row, levels)
            result[here] = np.where(high > low, flat, between)
        return result

    def typical_seconds(self, expected: Doubles, duration: NDArray[np.floating]) -> Doubles:
        """Return the seconds of the typical view of each expected quantile, float64[n] ≥ 0."""
        return self.back(np.interp(expected, self.expected, self.typical), duration)

    def judged(self, expected: Doubles, actual: NDArray[np.floating]) -> WatchQuantiles:
        """Return these with what is typical, by held-out predictions [n] and quantiles [n].

        An expected quantile is a mean, and drawn to the middle; the seconds with the least
        absolute error are at the median. Medians of ten blocks, never decreasing.
        """
        known = np.isfinite(actual)
        if np.count_nonzero(known) < MIN_IN_BIN:
            return self
        expected, actual = expected[known], actual[known]
        blocks = np.array_split(np.argsort(expected, kind="stable"), _BLOCKS)
        knots = [expected[block].mean() for block in blocks]
        medians = np.maximum.accumulate([np.median(actual[block]) for block in blocks])
        return replace(
            self, expected=np.array([0, *knots, 1.0]), typical=np.array([0, *medians, 1.0])
        )

    def back(self, quantile: Doubles, duration: NDArray[np.floating]) -> Doubles:
        """Return the seconds that stand at each quantile of its bin, float64[n] ≥ 0."""
        bins = self.bins(duration)
        place = np.clip(quantile, 0, 1) * (self.seconds.shape[1] - 1)
        low = np.minimum(place.astype(np.int64), self.seconds.shape[1] - 2)
        below, above = self.seconds[bins, low], self.seconds[bins, low + 1]
        return np.asarray(below + (place - low) * (above - below))


NOTHING_WATCHED = WatchQuantiles(np.empty(0), np.zeros((2, 2)))


def fit(seconds: NDArray[np.floating], duration: NDArray[np.floating]) -> WatchQuantiles:
    """Return the quantile functions of watch times [n] by duration [n]; NaN where unknown.

    Bins hold equal numbers of views, at least 300 each. A bin without views (unknown durations
    where all are known) has the quantiles of all views.
    """
    is_known = np.isfinite(seconds)
    seconds, duration = seconds[is_known].astype(np.float64), duration[is_known]
    if not len(seconds):
        return NOTHING_WATCHED
    measured = duration[np.isfinite(duration)].astype(np.float64)
    n_bins = int(np.clip(len(measured) // MIN_IN_BIN, 1, MOST_BINS))
    inner = np.linspace(0, 1, n_bins + 1)[1:-1]
    edges = np.unique(np.quantile(measured, inner)) if len(measured) else np.empty(0)
    everything = np.quantile(seconds, _LEVELS)
    rows = np.tile(everything, (len(edges) + 2, 1))
    bins = WatchQuantiles(edges, rows).bins(duration)
    for b in range(len(rows)):
        if (bins == b).any():
            rows[b] = np.quantile(seconds[bins == b], _LEVELS)
    return WatchQuantiles(edges, rows)

"""How long a burst will hold: ARIMA on the few series that burst (spec §9.3).

statsmodels takes seconds and 200 MB to import: only child processes and benchmarks call this.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ForecastParams:
    """How series are forecast."""

    order: tuple[int, int, int] = (2, 0, 1)  # p, d, q
    horizon: int = 4  # buckets ahead, of which the mean is the forecast
    level: float = 0.8  # of the interval whose lower end must be above the baseline
    floor: float = 2.0  # viewers; a lower baseline counts as so many
    hold: float = 0.5  # of what a first burst is above its baseline, expected to stay


def trend_factor(series: Floats, baseline: float, params: ForecastParams) -> float:
    """Return how far a series is expected to stay above its baseline, in [0, 1).

    f = (forecast − baseline) / baseline, squashed to f / (1 + f); 0 where the lower end of the
    forecast's interval is not above the baseline, or the series is too short or flat to tell.
    series: float64[t] ≥ 0, the last value the latest. Counts are forecast as √(x + 3/8), whose
    variance does not grow with the mean (Anscombe 1948).
    """
    baseline = max(baseline, params.floor)
    found = _forecast(np.sqrt(series + 0.375), params)
    if found is None:
        return 0.0
    mean, low = (max(x, 0.0) ** 2 - 0.375 for x in found)
    return _squashed(mean, baseline) if low > baseline else 0.0


def first_factor(viewers: float, baseline: float, params: ForecastParams) -> float:
    """Return the factor of a burst of one bucket, in [0, 1).

    A series that never burst before cannot say how long its bursts hold, and ARIMA on it expects
    the next bucket to be ordinary.
    """
    baseline = max(baseline, params.floor)
    return _squashed(baseline + params.hold * (viewers - baseline), baseline)


def _squashed(mean: float, baseline: float) -> float:
    rise = max(mean - baseline, 0.0) / baseline
    return rise / (1 + rise)


def _forecast(series: Floats, params: ForecastParams) -> tuple[float, float] | None:
    """Return the mean of the next values and the lower end of the first's interval."""
    from statsmodels.tsa.arima.model import ARIMA

    if len(series) < 4 * sum(params.order) or np.ptp(series) == 0:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of starting values and of convergence
        try:
            fitted = ARIMA(series, order=params.order).fit(method_kwargs={"maxiter": 50})
            ahead = fitted.get_forecast(params.horizon)
            bounds = np.asarray(ahead.conf_int(alpha=1 - params.level))
        except (ValueError, np.linalg.LinAlgError):
            return None
    mean, low = float(np.mean(ahead.predicted_mean)), float(bounds[0, 0])
    return (mean, low) if np.isfinite([mean, low]).all() else None

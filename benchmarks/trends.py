"""How many planted bursts are found, how many alarms are false, and how soon.

A world of hourly counts with day and night, overdispersion, a platform-wide surge to twice the
traffic, contents that our own feed suddenly pushes, and bursts of known start. With `--series DIR`
also real five-minute series with hand-labelled windows (NAB): each is judged alone, against its own
time of day, as no platform is known that it would be a part of.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from apps.features.algorithms import bursts, forecast
from apps.features.algorithms.bursts import Bucket, BurstParams, BurstState
from benchmarks.common import parser, report

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
_HOURS, _WARM_UP = 192, 24
_SEEDS = range(3)
_PARAMS = BurstParams()


class TrendWorld(NamedTuple):
    """Counts of engaged viewers and of exposures by our feed, and the planted bursts."""

    viewers: Floats  # [n, hours]
    shown: Floats  # [n, hours]
    burst: NDArray[np.int64]  # [b] contents
    start: NDArray[np.int64]  # [b] first hour


def make_world(n: int, n_bursts: int, rng: np.random.Generator) -> TrendWorld:
    """Return a world of n contents."""
    hour = np.arange(_HOURS)
    base = np.exp(rng.normal(0.2, 1.2, n))
    rhythm = 1 + 0.6 * np.sin(2 * np.pi * (hour - 9) / 24)
    rhythm[120:130] *= 2  # the surge
    mean = base[:, None] * rhythm
    shown = rng.poisson(3 * mean).astype(np.float64)  # one in three engages
    special = rng.choice(n, 2 * n_bursts, replace=False)
    burst, pushed = special[:n_bursts], special[n_bursts:]
    start = rng.integers(48, _HOURS - 16, n_bursts)
    for content, first in zip(burst, start, strict=True):
        hours = hour[first : first + rng.integers(6, 14)]
        ramp = np.minimum(1, np.arange(1, len(hours) + 1) / 2)
        # Seen without our feed: a link that is passed on.
        mean[content, hours] += max(base[content] * rng.uniform(4, 10), 15) * ramp * rhythm[hours]
    for content, first in zip(pushed, rng.integers(48, _HOURS - 16, n_bursts), strict=True):
        more = 60 + 20 * base[content]
        shown[content, first : first + 8] += more
        mean[content, first : first + 8] += more / 3  # as many engage of those who see it
    viewers = rng.poisson(mean * rng.gamma(8, 1 / 8, mean.shape)).astype(np.float64)
    return TrendWorld(viewers, shown, burst, start)


def alarms(world: TrendWorld) -> Flags:
    """Return bool[n, hours]: what the detector says, hour by hour."""
    n = len(world.viewers)
    state, found = BurstState.empty(n), np.zeros(world.viewers.shape, np.bool_)
    for hour in range(_HOURS):
        bucket = Bucket(world.viewers[:, hour], world.shown[:, hour], np.ones(n, np.bool_))
        state, chance, _ = bursts.step(state, bucket, _PARAMS)
        if hour >= _WARM_UP:
            found[:, hour] = bursts.is_burst(chance, bucket.viewers, _PARAMS)
    return found


def judged(world: TrendWorld, found: Flags) -> tuple[float, float, list[float]]:
    """Return precision of contents alarmed, recall of bursts, and delays in hours.

    A delay runs from the burst's start to the end of the hour that shows it.
    """
    delays, true = [], set()
    for content, first in zip(world.burst.tolist(), world.start.tolist(), strict=True):
        hours = np.flatnonzero(found[content, first : first + 14])
        if len(hours):
            delays.append(float(hours[0] + 1))
            true.add(content)
    alarmed = set(np.flatnonzero(found.any(axis=1)).tolist())
    return len(true) / max(len(alarmed), 1), len(true) / len(world.burst), delays


def of_series(folder: Path) -> dict[str, float]:
    """Judge real series: labelled windows found, days with an alarm outside of any, share alarmed.

    Five minutes are joined to thirty. What the time of day lets expect stands for the platform.
    """
    windows = json.loads((folder / "windows.json").read_text())
    n_windows = n_found = n_false = 0
    days = 0.0
    for name, labels in windows.items():
        series = pd.read_csv(folder / f"{Path(name).stem}.csv.gz", parse_dates=["timestamp"])
        counts = series.set_index("timestamp")["value"].resample("30min").sum()
        found = _alarms_of_one(
            counts.to_numpy(np.float64), pd.DatetimeIndex(counts.index).hour.to_numpy()
        )
        at = counts.index[found]
        spans = [(pd.Timestamp(a), pd.Timestamp(b)) for a, b in labels]
        n_windows += len(spans)
        n_found += sum(bool(((at >= a) & (at <= b)).any()) for a, b in spans)
        outside = [t for t in at if not any(a <= t <= b for a, b in spans)]
        n_false += len({t.date() for t in outside})
        days += len(counts) / 48
    return {
        "nab_windows": n_windows,
        "nab_recall": n_found / n_windows,
        "nab_false_days_per_week": n_false / days * 7,
    }


def _alarms_of_one(counts: Floats, hour: NDArray[np.int64]) -> Flags:
    """Return bool[t] of one series beside a steady platform with its own rhythm of the day."""
    state, found = BurstState.empty(2), np.zeros(len(counts), np.bool_)
    sums, seen = np.full(24, 1e-9), np.full(24, 1e-9)
    for i, (count, h) in enumerate(zip(counts.tolist(), hour.tolist(), strict=True)):
        usual = sums[h] / seen[h] if seen[h] > 1 else count
        bucket = Bucket(np.array([count, usual * 20]), np.zeros(2), np.ones(2, np.bool_))
        state, chance, _ = bursts.step(state, bucket, _PARAMS)
        found[i] = i >= 7 * 48 and bursts.is_burst(chance, bucket.viewers, _PARAMS)[0]
        sums[h], seen[h] = sums[h] + min(count, 3 * usual), seen[h] + 1
    return found


def main() -> None:
    """Judge the worlds, then the series."""
    arguments = parser(__doc__)
    arguments.add_argument("--contents", type=int, default=5000)
    arguments.add_argument("--series", type=Path, help="folder of NAB series and windows.json")
    given = arguments.parse_args()
    figures, delays, seconds = [], [], 0.0
    for seed in _SEEDS:
        world = make_world(given.contents, 100, np.random.default_rng(seed))
        start = time.perf_counter()
        found = alarms(world)
        seconds += time.perf_counter() - start
        precision, recall, late = judged(world, found)
        figures.append((precision, recall))
        delays += late
    precision, recall = np.mean(figures, axis=0)
    start = time.perf_counter()
    content, first = int(world.burst[0]), int(world.start[0])
    forecast.trend_factor(world.viewers[content, : first + 4], 5.0, forecast.ForecastParams())
    report(
        "trends",
        {
            "precision": float(precision),
            "recall": float(recall),
            "median_delay_h": float(np.median(delays)),
            "tick_ms": seconds / len(_SEEDS) / _HOURS * 1000,
            "first_arima_s": time.perf_counter() - start,
            "contents": given.contents,
        }
        | (of_series(given.series) if given.series else {}),
        given.json,
    )


if __name__ == "__main__":
    main()

"""How often experiments claim what is not, find what is, and what an assignment costs.

Simulated A/A experiments through the product's own functions: viewers come over 20 days and watch
on every day from then on, each with a habit of their own. Judged once at the end, and after every
day. `--runs` A/A experiments; the deviation of a share of 2,000 runs near 5 % is 0.5 points.
"""

from __future__ import annotations

import sys
import time
import uuid
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

sys.path.insert(0, str(Path(__file__).parent.parent))

from apps.experiments.algorithms import sequential
from apps.experiments.algorithms.assignment import N_BUCKETS, bucket, buckets
from apps.experiments.algorithms.cuped import adjust
from apps.experiments.algorithms.difference import difference
from apps.experiments.algorithms.sample_ratio import mismatch_p
from apps.experiments.conf import ALPHA, MISMATCH_ALPHA
from benchmarks.common import parser, report

_DAYS = 20
_VIEWERS = 1_000  # of one experiment, both variants
_EFFECT = 0.15  # relative, that an experiment of this size is set up to find
_ARRIVED = 200  # viewers from which on a look counts: a hundred a variant, as in the product


def main() -> None:
    """Measure and report."""
    arguments = parser(__doc__)
    arguments.add_argument("--runs", type=int, default=2000)
    given = arguments.parse_args()
    rng = np.random.default_rng(11)
    figures = {
        **false_positives(given.runs, rng),
        **power(given.runs // 4, rng),
        "cuped_variance_ratio": cuped_variance_ratio(0.75, rng),
        "srm_power": mismatch_power(50_000, 0.49, rng),
        **hashing(),
    }
    report("experiments", figures, given.json)


def false_positives(runs: int, rng: np.random.Generator) -> dict[str, float]:
    """Return the share of A/A experiments that claim a difference, by how they are looked at."""
    claims = np.array([claimed(*watch_by_day(rng)) for _ in range(runs)])
    fixed, naive, safe = claims.mean(axis=0).tolist()
    return {
        "false_positive_fixed": fixed,
        "false_positive_naive_peeking": naive,
        "false_positive_peeking": safe,
    }


def power(runs: int, rng: np.random.Generator) -> dict[str, float]:
    """Return the share of experiments with a true effect that find it."""
    found = np.array([claimed(*watch_by_day(rng, lift=1 + _EFFECT)) for _ in range(runs)])
    fixed, _, safe = found.mean(axis=0).tolist()
    return {"power_fixed": fixed, "power_always_valid": safe}


def watch_by_day(
    rng: np.random.Generator, *, lift: float = 1.0
) -> tuple[NDArray[np.bool_], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Return treatment bool[n], arrival day int64[n], seconds [n, days] and seconds before [n]."""
    habit = rng.gamma(1.0, 600.0, _VIEWERS)  # seconds a day, as skewed as an exponential
    treated = rng.random(_VIEWERS) < 0.5
    arrival = rng.integers(0, _DAYS, _VIEWERS)
    seconds = habit[:, None] * rng.gamma(0.5, 2.0, (_VIEWERS, _DAYS))  # many short days, some long
    seconds[np.arange(_DAYS) < arrival[:, None]] = 0
    seconds[treated] *= lift
    before = habit * rng.gamma(7.0, 2.0, _VIEWERS)
    return treated, arrival, seconds, before


def claimed(
    treated: NDArray[np.bool_],
    arrival: NDArray[np.int64],
    seconds: NDArray[np.float64],
    before: NDArray[np.float64],
) -> tuple[bool, bool, bool]:
    """Return whether a difference is claimed at the end, at any naive look, at any safe look."""
    total = np.cumsum(seconds, axis=1)
    naive = safe = last = False
    for day in range(_DAYS):
        is_in = arrival <= day
        if is_in.sum() < _ARRIVED:
            continue
        groups = (is_in & ~treated, is_in & treated)
        y = [total[group, day] for group in groups]
        values = adjust(y, [before[group] for group in groups]).values
        found = difference(*values)
        if found is None:
            continue
        last = found.p_value() < ALPHA
        naive |= last
        half = sequential.half_width(found.error, _EFFECT * float(y[0].mean()), ALPHA)
        safe |= abs(found.value) > half
    return last, naive, safe


def cuped_variance_ratio(correlation: float, rng: np.random.Generator) -> float:
    """Return what CUPED leaves of the variance of the difference, measured over 400 A/A runs."""
    plain, adjusted = [], []
    for _ in range(400):
        x = rng.normal(size=1000)
        y = 5 + correlation * x + np.sqrt(1 - correlation**2) * rng.normal(size=1000)
        values = [y[::2], y[1::2]]
        after = adjust(values, [x[::2], x[1::2]]).values
        plain.append(values[1].mean() - values[0].mean())
        adjusted.append(after[1].mean() - after[0].mean())
    return float(np.var(adjusted) / np.var(plain))


def mismatch_power(n: int, share: float, rng: np.random.Generator) -> float:
    """Return how often n viewers of whom `share` are control are found not to be halves."""
    counts = rng.binomial(n, share, 2000)
    halves = np.array([0.5, 0.5])
    caught = [mismatch_p(np.array([k, n - k]), halves) < MISMATCH_ALPHA for k in counts.tolist()]
    return float(np.mean(caught))


def hashing() -> dict[str, Any]:
    """Return the cost of an assignment, and whether assignments are even and independent."""
    units = [uuid.uuid5(uuid.NAMESPACE_OID, str(i)).bytes for i in range(100_000)]
    start = time.perf_counter()
    for unit in units:
        bucket("0123456789abcdef", unit)
    micros = (time.perf_counter() - start) / len(units) * 1e6
    first, second = buckets("first", units), buckets("second", units)
    table = np.zeros((20, 20))
    np.add.at(table, (first // 500, second // 500), 1)
    return {
        "assignment_us": micros,
        "uniform_p": float(stats.kstest(first / N_BUCKETS, "uniform").pvalue),
        "independence_p": float(stats.chi2_contingency(table).pvalue),
    }


if __name__ == "__main__":
    main()

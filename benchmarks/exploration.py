"""Whether the propensities that are logged are the chances with which contents are shown.

20,000 pages of ten from 40 candidates, filled by what serves, for each policy. Weighing what was
shown by 1 / propensity must give the mean over all that could have been shown in its slot:
`bias_*` is how far off that is, in standard errors (beyond 3.5 the propensities are wrong).
`frequency_*` is the mean square of the same for each content in the first slot (1: right).
`other_policy` judges, from the log alone, a page whose slots are
drawn by lot, against what that page really earns.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from apps.learning.algorithms.off_policy import OffPolicyParams, estimate
from apps.ranking.algorithms.bandits import POLICIES, Policy, chances, graduated
from apps.ranking.algorithms.slots import Arms, Floats, Ints, fill
from benchmarks.common import parser, report

_PAGES, _N, _SLOTS = 20_000, 40, 10
_ARMS = np.arange(25, 40)  # contents to be explored
_SHARE, _TOPIC_SHARE = 0.2, 0.2


def main() -> None:
    """Fill pages and weigh what was shown."""
    given = parser(__doc__).parse_args()
    figures: dict[str, float] = {}
    for name, made in POLICIES.items():
        figures |= {f"{figure}_{name}": value for figure, value in judged(made()).items()}
    report("exploration", figures, given.json)


def judged(policy: Policy) -> dict[str, float]:
    """Return how far off the log of one policy is."""
    rng = np.random.default_rng(0)
    arm_of = np.full(_N, -1)
    arm_of[_ARMS] = np.arange(len(_ARMS))
    rate, tried = rng.beta(2, 4, len(_ARMS)), rng.integers(0, 80, len(_ARMS)).astype(np.float64)
    alpha, beta = 10 * rate + 1, 10 * (1 - rate) + tried

    def kinds() -> list[Arms]:
        """Return the arms of one page."""
        values = policy.values(alpha, beta, rng)

        def contents(arms: Ints) -> Floats:
            played = chances(values[arms], policy.floor)
            return graduated(played, tried[arms], rate[arms], least=30, share=0.5)

        def by_lot(arms: Ints) -> Floats:
            return np.full(len(arms), 1 / len(arms))

        return [Arms(_SHARE, arm_of, contents), Arms(_TOPIC_SHARE, np.arange(_N), by_lot)]

    worth = rng.random(_N)
    off = np.empty((_PAGES, _SLOTS))
    first, chance, won = np.empty(_PAGES, np.int64), np.empty(_PAGES), np.empty(_PAGES)
    for page in range(_PAGES):
        filled = fill(_N, kinds(), _SLOTS, rng)
        value = worth[filled.picked]
        left = worth.sum() - np.append(0, np.cumsum(value)[:-1])
        off[page] = value / filled.propensity - left
        first[page], chance[page] = filled.picked[0], filled.propensity[0]
        won[page] = rng.random() < value[0]
    z = off.mean(axis=0) / (off.std(axis=0) / np.sqrt(_PAGES))
    gap = np.zeros(_N)
    for content in np.unique(first):
        is_shown = first == content
        weighed = np.sum(1 / chance[is_shown]) / _PAGES - 1  # 0 on average where chances are right
        gap[content] = weighed / np.sqrt((1 / chance[is_shown].mean() - 1) / _PAGES)
    lot = estimate(won, chance, np.full(_PAGES, 1 / _N), params=OffPolicyParams(max_share=1))
    return {
        "bias": float(np.abs(z).max()),
        "frequency": float(np.mean(gap[gap != 0] ** 2)),
        "other_policy": lot.snips.value,
        "other_policy_truth": float(worth.mean()),
    }


if __name__ == "__main__":
    main()

"""How much fairer a page's attention gets within a tolerated loss of score (NDKL, DCG).

Pages of 50 from 200 candidates of new, small and large creators (15, 35, 50 %); the ranker's
scores favor the large ones, as rankers that learn from clicks do. Guaranteed is each group's share
among the candidates; the target of NDKL is the same. `ndkl_reduction` and `dcg_kept` are of the
means over pages; a number behind a name is another tolerance.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

from apps.ranking.algorithms.exposure import attention, exposure, guarantee, ndkl
from benchmarks.common import parser, report
from benchmarks.ranking import cpu_ms

_N, _K, _PAGES = 200, 50, 300
_SHARES = np.array([0.15, 0.35, 0.5])
_FAVOR = np.array([-0.5, -0.3, 0.3])  # standard deviations of the score
_TOLERANCE = 0.02
Page = tuple[NDArray[np.float64], NDArray[np.int64]]


def main() -> None:
    """Judge pages with and without the guarantee."""
    given = parser(__doc__).parse_args()
    rng = np.random.default_rng(0)
    pages = [made(rng) for _ in range(_PAGES)]
    figures = judged(pages, _TOLERANCE)
    for tolerance in (0.005, 0.01, 0.05):
        swept = judged(pages, tolerance)
        figures |= {f"{name}_{tolerance}": swept[name] for name in ("ndkl_reduction", "dcg_kept")}
    score, group = pages[0]
    figures["ms_200"] = cpu_ms(
        lambda: guarantee(score, group, _SHARES, slots=_K, pool=_N, tolerance=_TOLERANCE)
    )
    report("exposure", figures, given.json)


def made(rng: np.random.Generator) -> Page:
    """Return scores in [0, 1], best first, and the groups of the candidates."""
    group = rng.choice(3, _N, p=_SHARES)
    score = 1 / (1 + np.exp(-(_FAVOR[group] + rng.normal(size=_N))))
    order = np.argsort(-score)
    return score[order], group[order]


def judged(pages: list[Page], tolerance: float) -> dict[str, float]:
    """Return NDKL, DCG and shares of attention, before and after."""
    weight = attention(_K)
    rows = []
    for score, group in pages:
        target = np.bincount(group, minlength=3) / len(group)
        order = guarantee(score, group, target, slots=_K, pool=_N, tolerance=tolerance).order[:_K]
        before, after = group[:_K], group[order]
        share = exposure(before, 3), exposure(after, 3)
        rows.append(
            (
                ndkl(before, target),
                ndkl(after, target),
                weight @ score[:_K],
                weight @ score[order],
                share[0][:2].sum(),
                share[1][:2].sum(),
            )
        )
    was, now, dcg, dcg_now, share_was, share_now = np.mean(rows, axis=0).tolist()
    return {
        "ndkl": was,
        "ndkl_guaranteed": now,
        "ndkl_reduction": 1 - now / was,
        "dcg_kept": dcg_now / dcg,
        "new_and_small": share_was,
        "new_and_small_guaranteed": share_now,
    }


if __name__ == "__main__":
    main()

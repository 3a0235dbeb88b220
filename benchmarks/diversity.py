"""What a diverse page costs: quality kept, likeness within the page, milliseconds for 500.

500 candidates around 20 topics whose fit decides nearly all, so that the ten best are of one or two
topics; pages of ten by scores alone and by the DPP that serves, with the θ that serves.
`quality_kept` is the ratio of the mean qualities, `distance_ratio` that of the mean distances
1 − cosine between two of a page. `mixed` is a world whose ten best are of 3.5 of 30 topics anyway.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "recsys.settings")

import django

django.setup()

import numpy as np
from numpy.typing import NDArray

from apps.feed.conf import PARAMS
from apps.ranking.algorithms.dpp import Limit, greedy_map
from benchmarks.common import parser, report
from benchmarks.ranking import cpu_ms

_N, _K, _F, _PAGES = 500, 10, 64, 200


def main() -> None:
    """Make pages, then time one."""
    given = parser(__doc__).parse_args()
    rng = np.random.default_rng(0)
    worlds = [made(rng, topics=20, noise=0.02, spread=0.4) for _ in range(_PAGES)]
    mixed = [made(rng, topics=30, noise=0.05, spread=0.6) for _ in range(_PAGES)]
    figures: dict[str, float] = {"theta": PARAMS.theta}
    figures |= judged(worlds, PARAMS.theta)
    for theta in (0.95, 0.8):
        figures |= {f"{name}_{theta}": value for name, value in judged(worlds, theta).items()}
    figures |= {f"{name}_mixed": value for name, value in judged(mixed, PARAMS.theta).items()}
    vectors, quality = worlds[0]
    creators = Limit(rng.integers(0, 200, (_N, 1)), 2)
    tags = Limit(rng.integers(0, 60, (_N, 8)), PARAMS.tag_cap)
    slots = PARAMS.default_limit + PARAMS.reserve
    shown = vectors[:_K]

    def serve() -> None:
        greedy_map(
            vectors, quality, slots, theta=PARAMS.theta, limits=[creators, tags], shown=shown
        )

    figures["ms_500"] = cpu_ms(serve)
    figures["ms_500_page_alone"] = cpu_ms(
        lambda: greedy_map(vectors, quality, _K, theta=PARAMS.theta)
    )
    report("diversity", figures, given.json)


def made(
    rng: np.random.Generator, *, topics: int, noise: float, spread: float
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return vectors of length 1 around topics, and quality in [0, 1]: a topic's fit and noise."""
    topic = rng.integers(0, topics, _N)
    vectors = rng.normal(size=(topics, _F))[topic] + spread * rng.normal(size=(_N, _F))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    quality = np.clip(rng.uniform(0.2, 0.9, topics)[topic] + noise * rng.normal(size=_N), 0, 1)
    return vectors.astype(np.float32), quality


def judged(
    worlds: list[tuple[NDArray[np.float32], NDArray[np.float64]]], theta: float
) -> dict[str, float]:
    """Return what is kept of the mean quality, and the ratio of the mean distances."""
    quality_of: list[tuple[float, float]] = []
    distance_of: list[tuple[float, float]] = []
    for vectors, quality in worlds:
        best = np.argsort(-quality, kind="stable")[:_K]
        page = greedy_map(vectors, quality, _K, theta=theta)
        quality_of.append((quality[page].mean(), quality[best].mean()))
        distance_of.append((distance(vectors[page]), distance(vectors[best])))
    kept, ratio = (a / b for a, b in (np.mean(of, axis=0) for of in (quality_of, distance_of)))
    return {"quality_kept": float(kept), "distance_ratio": float(ratio)}


def distance(vectors: NDArray[np.float32]) -> float:
    """Return the mean of 1 − cosine over pairs."""
    n = len(vectors)
    return 1 - float((vectors @ vectors.T).sum() - n) / (n * (n - 1))


if __name__ == "__main__":
    main()

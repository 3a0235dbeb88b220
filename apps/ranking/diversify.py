"""The page as a whole: good contents that are unlike each other (spec §4.3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from apps.candidates.algorithms.blocks import join, unit_rows
from apps.candidates.types import Request
from apps.content.types import Catalog
from apps.core.candidates import Candidates, Rows
from apps.ranking.algorithms.dpp import Limit, greedy_map

_BLOCKS = {"content": 0.5, "collaborative": 0.5}
_SAME_COSINE = 0.98  # of what two contents are
_SAME_SECONDS = 0.05  # and of their lengths: then one is a copy of the other


class Diversity(NamedTuple):
    """How a page is spread."""

    slots: int  # that are picked one by one; the others follow in the order of their scores
    theta: float  # θ: 1 is by score alone, 0 by unlikeness alone
    pool: int = 100  # candidates that are picked from, the best
    window: int = 10  # slots that are unlike each other
    creator_cap: int = 2  # ≥ 1
    creator_decay: float = 0.6  # score odds of a creator's next content, (0, 1]
    sound_cap: int = 50
    tag_cap: int = 50


@dataclass(frozen=True, slots=True)
class Diversify:
    """Greedy DPP over scores and likeness, with caps; what is over a cap comes last, never lost."""

    diversity: Callable[[Request], Diversity]
    name: str = "diversify"

    def __call__(self, request: Request, candidates: Candidates) -> Candidates:
        """Return the same candidates in the order in which they are shown."""
        wanted = self.diversity(request)
        order, score = _by_creator(request.catalog, candidates, wanted)
        pool = candidates.rows[order[: wanted.pool]]
        vectors, shown = np.empty((len(pool), 0), np.float32), None
        if wanted.theta < 1:
            vectors = likeness_vectors(
                request, np.append(_just_shown(request, wanted.window), pool)
            )
            shown, vectors = np.split(vectors, [len(vectors) - len(pool)])
        picked = greedy_map(
            vectors,
            _unit(score[: len(pool)]),
            wanted.slots,
            theta=wanted.theta,
            limits=_limits(request, pool, wanted),
            shown=shown,
            window=wanted.window,
        )
        others = np.ones(len(candidates), np.bool_)
        others[picked] = False
        return candidates.take(order[np.concatenate([picked, np.flatnonzero(others)])])


def likeness_vectors(request: Request, rows: Rows) -> NDArray[np.float32]:
    """Return float32[n, f] of length 1: what contents are, and who watches them, in equal parts.

    One part stands for both where the other is unknown; all 0 where nothing is.
    """
    models = request.models
    if models is None:
        return np.zeros((len(rows), 1), np.float32)
    known = rows < len(models.vectors)
    collaborative = np.zeros((len(rows), models.vectors.shape[1]), np.float32)
    collaborative[known] = unit_rows(models.vectors[rows[known]])
    if models.content is None:
        return collaborative
    blocks = {"content": models.content.at(rows), "collaborative": collaborative}
    return join(blocks, _BLOCKS)


def copies(request: Request, rows: Rows) -> NDArray[np.int64]:
    """Return int64[n]: the same number for contents that are copies of each other, −1 for others.

    Copies are as long to a twentieth of a second and as good as equal by words, tags and looks.
    """
    content = request.models.content if request.models else None
    found = np.full(len(rows), -1, np.int64)
    if content is None or len(rows) < 2:
        return found
    seconds = request.catalog.duration_seconds[rows]
    order = np.argsort(seconds, kind="stable")  # unknown lengths last: no copy of anything
    vectors = content.at(rows[order])
    is_copy = np.einsum("ij,ij->i", vectors[1:], vectors[:-1]) > _SAME_COSINE
    is_copy &= np.diff(seconds[order]) <= _SAME_SECONDS
    group = np.concatenate([[0], np.cumsum(~is_copy)])
    in_group = np.append(is_copy, False) | np.append(False, is_copy)
    found[order[in_group]] = group[in_group]
    return found


def _by_creator(
    catalog: Catalog, candidates: Candidates, wanted: Diversity
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the order best first, those over the creator's cap last, and the scores left in it."""
    by_score = np.argsort(-candidates["score"], kind="stable")
    nth = _nth_of_its_kind(catalog.creator[candidates.rows[by_score]])
    score = candidates["score"][by_score].astype(np.float64)
    is_finite = np.isfinite(score)
    floor = score[is_finite].min(initial=0)  # what sank to −inf must not take the others along
    discounted = np.where(is_finite, score, -np.inf) - floor
    discounted = discounted * wanted.creator_decay ** np.minimum(nth, 50)
    order = np.lexsort((-discounted, nth >= wanted.creator_cap))
    return by_score[order], discounted[order]


def _limits(request: Request, rows: Rows, wanted: Diversity) -> list[Limit]:
    catalog = request.catalog
    return [
        Limit(catalog.creator[rows, None], wanted.creator_cap),
        Limit(catalog.sound[rows, None], wanted.sound_cap),
        Limit(catalog.tags[rows], wanted.tag_cap),
        Limit(copies(request, rows)[:, None], 1),
    ]


def _just_shown(request: Request, window: int) -> Rows:
    """Return what was served last, the latest last; the latest page comes first in `served`."""
    rows = request.served[request.served >= 0]
    return rows[: max(window - 1, 0)][::-1]


def _unit(score: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return scores between 0, the lowest, and 1, the highest; −inf stays."""
    known = score[np.isfinite(score)]
    if not len(known):
        return score
    low, high = float(known.min()), float(known.max())
    return (score - low) / (high - low) if high > low else np.where(np.isfinite(score), 1.0, score)


def _nth_of_its_kind(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many equal values stand before each one, int64[n]."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    is_start = np.append(True, ordered[1:] != ordered[:-1]) if len(values) else np.empty(0, bool)
    start = np.maximum.accumulate(np.where(is_start, np.arange(len(values)), 0))
    nth = np.empty(len(values), np.int64)
    nth[order] = np.arange(len(values)) - start
    return nth

"""The latest active viewers: their vectors, and what they met (spec §4.2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from django.conf import settings
from numpy.typing import NDArray

from apps.candidates.algorithms.blocks import unit_rows
from apps.candidates.algorithms.viewer_knn import Baseline, fit_baseline
from apps.candidates.conf import ViewerParams
from apps.candidates.index import VectorIndex, mapped
from apps.candidates.index.angles import build_angles, open_angles
from apps.candidates.index.exact import ExactIndex
from apps.core.candidates import Rows

_PARTS = ("pk", "vectors", "start", "content", "rating", "viewer_bias", "content_bias")


@dataclass(frozen=True, slots=True)
class Viewers:
    """M viewers; what each met stands between start[i] and start[i + 1], oldest first."""

    pk: NDArray[np.int64]  # [m] database keys, ascending
    vectors: NDArray[np.float16]  # [m, f] of length 1
    start: NDArray[np.int64]  # [m + 1]
    content: NDArray[np.int32]  # [e] catalog rows, −1 for one that is gone
    rating: NDArray[np.float16]  # [e] > 0 for, < 0 against; what a viewer never met is 0
    baseline: Baseline
    index: VectorIndex

    def __len__(self) -> int:
        return len(self.pk)

    def nearest(
        self, vector: NDArray[np.float32], k: int, *, without: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return places and cosines > 0 of at most k viewers, the most alike first.

        vector: float32[f]. without: database key of the viewer who asks.
        """
        length = float(np.linalg.norm(vector))
        if not len(self) or length < 1e-9:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        query = vector / np.float32(length)
        at = self.index.search(query, k + 1, np.zeros(len(self), np.bool_))
        at = at[self.pk[at] != without][:k]
        cosine = self.vectors[at].astype(np.float32) @ query
        order = np.argsort(-cosine, kind="stable")  # the index rounds otherwise
        order = order[cosine[order] > 0]
        return at[order], cosine[order]

    def met(
        self, at: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
        """Return whose (0…k−1), content and rating, [e] each, of viewers at places int64[k]."""
        starts, lengths = self.start[at], self.start[at + 1] - self.start[at]
        owner = np.repeat(np.arange(len(at)), lengths)
        ends = np.cumsum(lengths)
        cells = np.arange(len(owner)) + np.repeat(starts - ends + lengths, lengths)
        content = self.content[cells].astype(np.int64)
        rating = self.rating[cells].astype(np.float32)
        kept = content >= 0
        return (
            (owner, content, rating) if kept.all() else (owner[kept], content[kept], rating[kept])
        )


def fit_viewers(
    pks: NDArray[np.int64],
    contents: NDArray[np.int64],
    ratings: NDArray[np.float32],
    n_contents: int,
    vectors_of: Callable[[NDArray[np.int64]], NDArray[np.float32]],
    params: ViewerParams,
) -> Viewers:
    """Keep the latest active viewers with the latest that they met.

    pks, contents, ratings: [n] in time order, each pair once. vectors_of: gives the vectors
    float32[m, f] of viewers int64[m].
    """
    kept = _latest(pks, params)
    pks, contents, ratings = pks[kept], contents[kept], ratings[kept]
    viewers, place = np.unique(pks, return_inverse=True)
    order = np.argsort(place, kind="stable")
    start = np.searchsorted(place[order], np.arange(len(viewers) + 1))
    shape = (len(viewers), n_contents)
    matrix = sp.csr_matrix((ratings, (place, contents)), shape)
    vectors = unit_rows(vectors_of(viewers)).astype(np.float16)
    return Viewers(
        pk=viewers,
        vectors=vectors,
        start=start,
        content=contents[order].astype(np.int32),
        rating=ratings[order].astype(np.float16),
        baseline=fit_baseline(matrix, damping=params.damping, unmet=0.0),
        index=ExactIndex(vectors.astype(np.float32)),
    )


def _latest(pks: NDArray[np.int64], params: ViewerParams) -> NDArray[np.int64]:
    """Return the places of the latest entries of the latest viewers, ascending."""
    last_first = np.arange(len(pks))[::-1]
    viewers, first = np.unique(pks[last_first], return_index=True)
    latest = viewers[np.argsort(first)[: params.most_viewers]]
    mine = last_first[np.isin(pks[last_first], latest)]
    order = mine[np.argsort(pks[mine], kind="stable")]  # by viewer, the latest entry first
    grouped = pks[order]
    starts = np.searchsorted(grouped, grouped)
    return np.sort(order[np.arange(len(order)) - starts < params.most_contents])


def save_viewers(viewers: Viewers, folder: Path) -> None:
    """Write the arrays, and the graph where there are many."""
    arrays = {
        "viewer_bias": viewers.baseline.viewers,
        "content_bias": np.append(viewers.baseline.contents, np.float32(viewers.baseline.mean)),
    }
    for name in _PARTS:
        array = arrays[name] if name in arrays else getattr(viewers, name)
        np.save(folder / f"viewers_{name}.npy", array)
    build_angles(
        viewers.vectors.astype(np.float32), folder, "viewers", library=settings.VECTOR_INDEX
    )


def load_viewers(folder: Path, rows: Rows, *, is_same: bool) -> Viewers:
    """Read what `save_viewers` wrote; rows: int64[n], where each content of the bundle is now."""
    part = {name: np.asarray(mapped(folder / f"viewers_{name}.npy")) for name in _PARTS}
    bias, mean = part["content_bias"][:-1], float(part["content_bias"][-1])
    content = part["content"]
    if not is_same:
        content = rows[content].astype(np.int32)
        moved = np.zeros(int(rows.max(initial=-1)) + 1, np.float32)
        moved[rows[rows >= 0]] = bias[rows >= 0]
        bias = moved
    vectors = part["vectors"]
    return Viewers(
        pk=part["pk"],
        vectors=vectors,
        start=part["start"],
        content=content,
        rating=part["rating"],
        baseline=Baseline(mean, part["viewer_bias"], bias),
        index=open_angles(folder, "viewers", vectors, np.arange(len(vectors))),
    )

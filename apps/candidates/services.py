"""Fit the retrieval models from a log, write them to a folder and read them back."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import msgspec
import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from apps.candidates.algorithms.als import fit_als, fold_in, gram
from apps.candidates.algorithms.item_item import fit_item_item
from apps.candidates.algorithms.neighbors import Neighbors
from apps.candidates.algorithms.next_item import fit_next_item
from apps.candidates.conf import RetrievalParams, Signal
from apps.candidates.index import (
    SEARCH_FACTORS,
    VectorIndex,
    build_trees,
    load_trees,
    measured_recall,
)
from apps.candidates.signals import confidences
from apps.candidates.types import RetrievalModels
from apps.content.types import Catalog
from apps.core.artifacts import ArtifactError
from apps.events.types import EventLog

MIN_RECALL = 0.9  # of the exact top 100; below it an index is refused
_ARRAYS, _TREES, _FACTS = "retrieval.npz", "content.ann", "retrieval.json"
_RECALL_QUERIES = 100
_QUERY_CONTENTS = 5


def fit_retrieval(log: EventLog, catalog: Catalog, params: RetrievalParams) -> RetrievalModels:
    """Learn vectors and neighbors from all events of `log`."""
    vectors = fit_vectors(log, catalog, params)
    return RetrievalModels(
        params=params,
        vectors=vectors,
        gram=gram(vectors),
        index=VectorIndex(vectors),
        next_item=fit_next(log, catalog, params),
        item_item=fit_company(log, catalog, params),
    )


def fit_vectors(log: EventLog, catalog: Catalog, params: RetrievalParams) -> NDArray[np.float32]:
    """Return the collaborative vectors, float32[n_contents, f]."""
    met = interactions(log, catalog, params.als_signal)
    confidence = _confidence_matrix(*met, len(catalog))
    return fit_als(confidence, params.als, np.random.default_rng(params.seed))


def fit_next(log: EventLog, catalog: Catalog, params: RetrievalParams) -> Neighbors:
    """Return what follows each content."""
    sequence = _sequence(log, catalog, params.next_item_signal)
    return fit_next_item(*sequence, len(catalog), params.next_item)


def fit_company(log: EventLog, catalog: Catalog, params: RetrievalParams) -> Neighbors:
    """Return what is watched in company with each content."""
    sequence = _sequence(log, catalog, params.item_item_signal)
    return fit_item_item(*sequence, len(catalog), params.item_item)


def _sequence(
    log: EventLog, catalog: Catalog, signal: Signal
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    viewers, contents, weights = interactions(log, catalog, signal)
    kept = weights > 0
    return viewers[kept], contents[kept], weights[kept]


def interactions(
    log: EventLog, catalog: Catalog, signal: Signal
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Return viewer numbers 0..m−1, content rows and summed confidences, [n] each, in time order.

    Repeats of a viewer with a content are one entry, at the place of the first.
    """
    log = log.take((log.content >= 0) & (log.viewer >= 0))
    _, viewers = np.unique(log.viewer, return_inverse=True)
    weight = confidences(log, catalog, signal, int(log.at_ms[-1]) if len(log) else 0)
    pair = viewers * len(catalog) + log.content
    _, first, inverse = np.unique(pair, return_index=True, return_inverse=True)
    sums = np.bincount(inverse, weight)
    order = np.argsort(first)
    at = first[order]
    weights = np.clip(sums[order], 0, signal.most).astype(np.float32)
    return viewers[at], log.content[at], weights


def _confidence_matrix(
    viewers: NDArray[np.int64],
    contents: NDArray[np.int64],
    weights: NDArray[np.float32],
    n_contents: int,
) -> sp.csr_matrix:
    kept = weights > 0
    n_viewers = int(viewers.max(initial=-1)) + 1
    return sp.csr_matrix(
        (weights[kept], (viewers[kept], contents[kept])), shape=(n_viewers, n_contents)
    )


def save_retrieval(models: RetrievalModels, catalog: Catalog, folder: Path) -> dict[str, float]:
    """Write the models with the keys of their contents; return facts about the index.

    Raises `ArtifactError` when the index finds less than `MIN_RECALL` of the exact neighbors.
    """
    np.savez(
        folder / _ARRAYS,
        content_pk=catalog.content_pk[: len(models.vectors)],
        vectors=models.vectors,
        next_item_indices=models.next_item.indices,
        next_item_weights=models.next_item.weights,
        item_item_indices=models.item_item.indices,
        item_item_weights=models.item_item.weights,
    )
    build_trees(models.vectors, folder / _TREES, seed=1)
    trees = load_trees(folder / _TREES, models.vectors.shape[1])
    queries = _sample_queries(models)
    for search_factor in SEARCH_FACTORS:
        recall = measured_recall(trees, models.vectors, queries, search_factor=search_factor)
        if recall >= MIN_RECALL:
            break
    else:
        raise ArtifactError(f"index recall {recall:.2f} is below {MIN_RECALL}; raise N_TREES")
    facts = {"params": asdict(models.params), "search_factor": search_factor}
    (folder / _FACTS).write_text(json.dumps(facts))
    return {"index_recall": recall, "index_search_factor": search_factor}


def _sample_queries(models: RetrievalModels) -> NDArray[np.float32]:
    """Return vectors of made-up viewers, each with five contents that belong together."""
    rng = np.random.default_rng(0)
    has_neighbors = np.flatnonzero((models.item_item.indices >= 0).sum(axis=1) >= _QUERY_CONTENTS)
    if not len(has_neighbors):
        return np.empty((0, models.vectors.shape[1]), np.float32)
    chosen = rng.choice(has_neighbors, min(len(has_neighbors), _RECALL_QUERIES), replace=False)
    weights = np.ones(_QUERY_CONTENTS, np.float32)
    histories = models.item_item.indices[chosen, :_QUERY_CONTENTS].astype(np.int64)
    return np.stack(
        [fold_in(models.vectors, models.gram, h, weights, models.params.als) for h in histories]
    )


def load_retrieval(folder: Path, catalog: Catalog | None) -> RetrievalModels:
    """Read the models and put them into the row order of `catalog` (None: as they are).

    Raises `ArtifactError` where the parts do not fit each other. The folder must be verified.
    """
    with np.load(folder / _ARRAYS, allow_pickle=False) as arrays:
        parts = {name: arrays[name] for name in arrays.files}
    facts = json.loads((folder / _FACTS).read_text())
    params = msgspec.convert(facts["params"], RetrievalParams)
    if parts["vectors"].shape[1] != params.als.factors or not np.isfinite(parts["vectors"]).all():
        raise ArtifactError(f"{folder}: vectors are damaged; run manage.py train")
    n = len(parts["content_pk"])
    rows = np.arange(n) if catalog is None else catalog.rows_of(parts["content_pk"])
    in_place = bool((rows == np.arange(n)).all())
    vectors = parts["vectors"] if in_place else _moved(parts["vectors"], rows, 0.0)
    trees = load_trees(folder / _TREES, params.als.factors) if in_place else None
    return RetrievalModels(
        params=params,
        vectors=vectors,
        gram=gram(vectors),
        index=VectorIndex(vectors, trees, search_factor=facts["search_factor"]),
        next_item=_neighbors(parts, "next_item", rows, in_place=in_place),
        item_item=_neighbors(parts, "item_item", rows, in_place=in_place),
    )


def _neighbors(
    parts: dict[str, NDArray], name: str, rows: NDArray[np.int64], *, in_place: bool
) -> Neighbors:
    indices, weights = parts[f"{name}_indices"], parts[f"{name}_weights"]
    if in_place:
        return Neighbors(indices, weights)
    renumbered = np.where(indices < 0, -1, rows[np.maximum(indices, 0)]).astype(np.int32)
    return Neighbors(_moved(renumbered, rows, -1), _moved(weights, rows, 0.0))


def _moved(values: NDArray, rows: NDArray[np.int64], fill: float) -> NDArray:
    """Return values[i] at rows[i]; what has no row any more is dropped."""
    moved = np.full((int(rows.max(initial=-1)) + 1, *values.shape[1:]), fill, values.dtype)
    moved[rows[rows >= 0]] = values[rows >= 0]
    return moved

"""Write the retrieval models to a folder, read them back, and keep them up with the catalogue."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import msgspec
import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from apps.candidates.algorithms.als import gram
from apps.candidates.algorithms.neighbors import Neighbors
from apps.candidates.conf import DEFAULTS, RetrievalParams
from apps.candidates.content_vectors import ContentVectors
from apps.candidates.embedder import load_embedder
from apps.candidates.embeddings import viewer_vector
from apps.candidates.groups import load_charts, save_charts
from apps.candidates.index import (
    ExactIndex,
    VectorIndex,
    build_shells,
    mapped,
    measured_recall,
    open_shells,
)
from apps.candidates.index.angles import build_angles, open_angles
from apps.candidates.types import RetrievalModels
from apps.candidates.viewers import load_viewers, save_viewers
from apps.content import selectors as content
from apps.content.types import Catalog
from apps.core.artifacts import ArtifactError

RECALL_AT = 50
MIN_RECALL = 0.95  # of the exact top `RECALL_AT`; below it an index is refused
EFFORTS = (10, 30, 100, 300)  # vectors looked at per wanted one: the least that will do
_FACTS = "retrieval.json"
_NEIGHBORS = ("next_item", "item_item")
_RECALL_QUERIES = 100
_QUERY_CONTENTS = 5


def save_retrieval(models: RetrievalModels, catalog: Catalog, folder: Path) -> dict[str, float]:
    """Write the models with the keys of their contents; return facts about the index.

    Raises `ArtifactError` when the index finds less than `MIN_RECALL` of the exact neighbors.
    """
    np.save(folder / "content_pk.npy", catalog.content_pk[: len(models.vectors)])
    np.save(folder / "vectors.npy", models.vectors)
    for name in _NEIGHBORS:
        neighbors: Neighbors = getattr(models, name)
        place = neighbors.stored(np.arange(len(neighbors))).astype(np.int32)
        np.save(folder / f"{name}_indices.npy", neighbors.indices)
        np.save(folder / f"{name}_weights.npy", neighbors.weights)
        np.save(folder / f"{name}_place.npy", place)
    _save_more(models, folder)
    index_facts = _build_index(models, folder)
    facts = {"params": asdict(models.params), "effort": index_facts["index_effort"]}
    (folder / _FACTS).write_text(json.dumps(facts))
    return index_facts


def _save_more(models: RetrievalModels, folder: Path) -> None:
    """Write the parts that a model may lack."""
    if models.content is not None:
        models.content.embedder.save(folder)
        np.save(folder / "content_vectors.npy", models.content.fitted)
        np.save(folder / "content_stamps.npy", models.content.fitted_stamps)
        build_angles(models.content.fitted, folder, "content", library=settings.VECTOR_INDEX)
    if models.viewers is not None:
        save_viewers(models.viewers, folder)
    if models.charts is not None:
        save_charts(models.charts, folder)


def _build_index(models: RetrievalModels, folder: Path) -> dict[str, float]:
    """Build the index with the least effort that finds enough; return what was measured."""
    if settings.VECTOR_INDEX == "exact":
        return {"index_recall": 1.0, "index_effort": 0}
    vectors = models.vectors
    build_shells(vectors, folder, library=settings.VECTOR_INDEX, seed=1)
    queries = _sample_queries(models)
    for effort in EFFORTS:
        index = open_shells(folder, vectors, np.arange(len(vectors)), effort=effort)
        recall = measured_recall(index, vectors, queries, k=RECALL_AT)
        if recall >= MIN_RECALL:
            return {"index_recall": recall, "index_effort": effort}
    raise ArtifactError(f"index recall {recall:.2f} is below {MIN_RECALL}; raise N_TREES")


def _sample_queries(models: RetrievalModels) -> NDArray[np.float32]:
    """Return vectors of made-up viewers, each with five contents that belong together."""
    rng = np.random.default_rng(0)
    stored = models.item_item.indices[:, :_QUERY_CONTENTS]
    full = np.flatnonzero((stored >= 0).sum(axis=1) == _QUERY_CONTENTS)
    if not len(full):
        return np.empty((0, models.vectors.shape[1]), np.float32)
    chosen = rng.choice(full, min(len(full), _RECALL_QUERIES), replace=False)
    weights = np.ones(_QUERY_CONTENTS, np.float32)
    histories = stored[chosen].astype(np.int64)
    return np.stack([viewer_vector(models, history, weights) for history in histories])


def load_retrieval(folder: Path, catalog: Catalog | None) -> RetrievalModels:
    """Read the models and put them into the row order of `catalog` (None: as they are).

    Arrays are memory-mapped, so that processes share one copy, unless this process numbers its
    contents otherwise. Raises `ArtifactError` where the parts do not fit each other. The folder
    must be verified.
    """
    content_pk, vectors = _mapped(folder, "content_pk"), _mapped(folder, "vectors")
    facts = json.loads((folder / _FACTS).read_text())
    params = msgspec.convert(facts["params"], RetrievalParams)
    rows = np.arange(len(content_pk)) if catalog is None else catalog.rows_of(content_pk)
    is_same = bool((rows == np.arange(len(rows))).all())
    vectors = vectors if is_same else _moved(vectors, rows, 0.0)
    products = gram(vectors)
    if vectors.shape[1] != params.factors or not np.isfinite(products).all():
        raise ArtifactError(f"{folder}: vectors are damaged; run manage.py train")
    return RetrievalModels(
        params=params,
        vectors=vectors,
        gram=products,
        index=_index(folder, vectors, rows, facts["effort"]),
        **{name: _neighbors(folder, name, rows, is_same=is_same) for name in _NEIGHBORS},
        content=_content(folder, params, rows, is_same=is_same),
        viewers=load_viewers(folder, rows, is_same=is_same) if _has(folder, "viewers_pk") else None,
        charts=load_charts(folder, rows) if (folder / "groups.json").exists() else None,
    )


def with_newer(models: RetrievalModels, catalog: Catalog) -> RetrievalModels:
    """Return the models with vectors of the contents that came since the training.

    The same object when nothing came.
    """
    if models.content is None:
        return models
    followed = models.content.followed(catalog, content.described)
    return models if followed is models.content else replace(models, content=followed)


def _has(folder: Path, name: str) -> bool:
    return (folder / f"{name}.npy").exists()


def _content(
    folder: Path, params: RetrievalParams, rows: NDArray[np.int64], *, is_same: bool
) -> ContentVectors | None:
    if not _has(folder, "content_vectors"):
        return None
    fitted = _mapped(folder, "content_vectors")
    fitted = fitted if is_same else _moved(fitted, rows, 0.0)
    has_stamps = _has(folder, "content_stamps")
    stamps = _mapped(folder, "content_stamps") if has_stamps else np.empty(0, np.int64)
    return ContentVectors(
        embedder=load_embedder(folder),
        # A bundle from before a block came has no weight, and no vector, of it.
        weights={**DEFAULTS.content.weights, **params.content.weights},
        fitted=fitted,
        index=open_angles(folder, "content", fitted, rows),
        fitted_stamps=stamps if is_same else _moved(stamps, rows, 0),
    )


def _mapped(folder: Path, name: str) -> NDArray:
    # A plain array over the same memory: each look at a `memmap` costs microseconds.
    return np.asarray(mapped(folder / f"{name}.npy"))


def _index(
    folder: Path, vectors: NDArray[np.float32], rows: NDArray[np.int64], effort: int
) -> VectorIndex:
    """Return the index of the bundle; one that was built without any is searched exactly."""
    if settings.VECTOR_INDEX == "exact" or not effort:
        return ExactIndex(vectors)
    return open_shells(folder, vectors, rows, effort=effort)


def _neighbors(folder: Path, name: str, rows: NDArray[np.int64], *, is_same: bool) -> Neighbors:
    indices, weights, place = (
        _mapped(folder, f"{name}_{part}") for part in ("indices", "weights", "place")
    )
    if is_same:
        return Neighbors(indices, weights, place)
    renumbered = np.where(indices < 0, -1, rows[np.maximum(indices, 0)]).astype(np.int32)
    return Neighbors(renumbered, weights, _moved(place, rows, -1))


def _moved(values: NDArray, rows: NDArray[np.int64], fill: float) -> NDArray:
    """Return values[i] at rows[i]; what has no row any more is dropped."""
    moved = np.full((int(rows.max(initial=-1)) + 1, *values.shape[1:]), fill, values.dtype)
    moved[rows[rows >= 0]] = values[rows >= 0]
    return moved

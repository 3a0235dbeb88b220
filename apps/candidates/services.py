"""Fit the retrieval models from a log, write them to a folder and read them back."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import msgspec
import numpy as np
import scipy.sparse as sp
from django.conf import settings
from numpy.typing import NDArray

from apps.candidates.algorithms.als import fit_als, gram
from apps.candidates.algorithms.blocks import Blocks
from apps.candidates.algorithms.deepwalk import fit_deepwalk
from apps.candidates.algorithms.item_item import fit_item_item
from apps.candidates.algorithms.neighbors import Neighbors
from apps.candidates.algorithms.next_item import fit_next_item
from apps.candidates.conf import RetrievalParams, Signal
from apps.candidates.content_vectors import ContentVectors, joined
from apps.candidates.embedder import Embedder, fit_embedder, load_embedder
from apps.candidates.embeddings import viewer_vector, viewer_vectors
from apps.candidates.groups import Charts, fit_charts, load_charts, save_charts
from apps.candidates.index import (
    ExactIndex,
    VectorIndex,
    build_shells,
    mapped,
    measured_recall,
    open_shells,
)
from apps.candidates.index.angles import build_angles, open_angles
from apps.candidates.signals import confidences
from apps.candidates.types import RetrievalModels
from apps.candidates.viewers import Viewers, fit_viewers, load_viewers, save_viewers
from apps.content import selectors as content
from apps.content.types import Catalog
from apps.core.artifacts import ArtifactError
from apps.events.types import EventLog, EventType
from apps.features.history import event_weights
from apps.profiles import selectors as profiles

RECALL_AT = 50
MIN_RECALL = 0.95  # of the exact top `RECALL_AT`; below it an index is refused
EFFORTS = (10, 30, 100, 300)  # vectors looked at per wanted one: the least that will do
_FACTS = "retrieval.json"
_NEIGHBORS = ("next_item", "item_item")
_RECALL_QUERIES = 100
_QUERY_CONTENTS = 5


@dataclass(frozen=True, slots=True)
class Background:
    """What the database knows beside the log: what contents are, and who viewers are."""

    embedder: Embedder
    blocks: Blocks  # of the catalogue's rows
    groups: profiles.Groups


def read_background(catalog: Catalog, params: RetrievalParams) -> Background:
    """Read what contents are, in chunks, learn their vocabulary and embed them."""
    pks = catalog.content_pk
    embedder = fit_embedder(pks, content.described, params.content, seed=params.seed)
    return Background(embedder, embedder.all_blocks(pks, content.described), profiles.groups())


def fit_retrieval(
    log: EventLog,
    catalog: Catalog,
    params: RetrievalParams,
    background: Background | None = None,
) -> RetrievalModels:
    """Learn vectors and neighbors from all events of `log`.

    Without a background nothing is known of contents and groups.
    """
    vectors = fit_vectors(log, catalog, params)
    return RetrievalModels(
        params=params,
        vectors=vectors,
        gram=gram(vectors),
        index=ExactIndex(vectors),
        next_item=fit_next(log, catalog, params),
        item_item=fit_company(log, catalog, params),
        content=fit_content(background, params) if background else None,
        viewers=fit_neighborhood(log, catalog, params, vectors),
        charts=fit_groups(log, catalog, params, background.groups) if background else None,
    )


def fit_vectors(log: EventLog, catalog: Catalog, params: RetrievalParams) -> NDArray[np.float32]:
    """Return the collaborative vectors, float32[n_contents, f]."""
    met = interactions(log, catalog, params.als_signal)
    confidence = _confidence_matrix(*met, len(catalog))
    rng = np.random.default_rng(params.seed)
    if params.embedder == "deepwalk":
        return fit_deepwalk(confidence, params.deepwalk, rng)
    return fit_als(confidence, params.als, rng)


def fit_content(background: Background, params: RetrievalParams) -> ContentVectors:
    """Return the vectors of contents by what they are."""
    return joined(background.embedder, background.blocks, dict(params.content.weights))


def fit_neighborhood(
    log: EventLog, catalog: Catalog, params: RetrievalParams, vectors: NDArray[np.float32]
) -> Viewers:
    """Return the latest active viewers, in the space of the collaborative vectors."""
    log = log.take((log.content >= 0) & (log.viewer >= 0))
    pks = np.unique(log.viewer)
    rated = interactions(log, catalog, params.viewers_signal, least=-params.viewers_signal.most)
    confidence = _confidence_matrix(
        *interactions(log, catalog, params.als_signal), len(catalog), len(pks)
    )

    def vectors_of(viewers: NDArray[np.int64]) -> NDArray[np.float32]:
        mine = sp.csr_matrix(confidence[np.searchsorted(pks, viewers)])
        return viewer_vectors(vectors, mine, params)

    numbers, contents, ratings = rated
    return fit_viewers(pks[numbers], contents, ratings, len(catalog), vectors_of, params.viewers)


def fit_groups(
    log: EventLog, catalog: Catalog, params: RetrievalParams, groups: profiles.Groups
) -> Charts:
    """Return what is popular by language and age group."""
    log = log.take((log.content >= 0) & (log.kind == EventType.VIEW))
    log = log.take(event_weights(log, catalog)[2])
    now_ms = int(log.at_ms[-1]) if len(log) else 0
    languages, ages = groups.of(log.viewer)
    return fit_charts(log.content, now_ms - log.at_ms, languages, ages, len(catalog), params.groups)


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
    log: EventLog, catalog: Catalog, signal: Signal, *, least: float = 0.0
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Return viewer numbers 0..m−1, content rows and summed confidences, [n] each, in time order.

    Repeats of a viewer with a content are one entry, at the place of the first; sums are cut to
    `least` and the signal's most.
    """
    log = log.take((log.content >= 0) & (log.viewer >= 0))
    _, viewers = np.unique(log.viewer, return_inverse=True)
    weight = confidences(log, catalog, signal, int(log.at_ms[-1]) if len(log) else 0)
    pair = viewers * len(catalog) + log.content
    _, first, inverse = np.unique(pair, return_index=True, return_inverse=True)
    sums = np.bincount(inverse, weight)
    order = np.argsort(first)
    at = first[order]
    weights = np.clip(sums[order], least, signal.most).astype(np.float32)
    return viewers[at], log.content[at], weights


def _confidence_matrix(
    viewers: NDArray[np.int64],
    contents: NDArray[np.int64],
    weights: NDArray[np.float32],
    n_contents: int,
    n_viewers: int | None = None,
) -> sp.csr_matrix:
    kept = weights > 0
    n_viewers = int(viewers.max(initial=-1)) + 1 if n_viewers is None else n_viewers
    return sp.csr_matrix(
        (weights[kept], (viewers[kept], contents[kept])), shape=(n_viewers, n_contents)
    )


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
    return ContentVectors(
        embedder=load_embedder(folder),
        weights=dict(params.content.weights),
        fitted=fitted,
        index=open_angles(folder, "content", fitted, rows),
        newer=np.empty((0, fitted.shape[1]), np.float32),
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

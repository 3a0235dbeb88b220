"""Contents like one content: by who watches both, and by what they are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from apps.candidates.algorithms.neighbors import Neighbors, score
from apps.candidates.content_vectors import ContentVectors
from apps.candidates.index import best_rows
from apps.candidates.scores import DenseScores
from apps.candidates.types import Request, RetrievalModels

_FUSION_K = 60.0
_ALL_UP_TO = 20_000  # contents; beyond it an index is asked
_RANKED = 500  # places of each list that count


def similar_contents(request: Request, row: int) -> DenseScores:
    """Return the fused opinion of every kind of likeness about the contents beside `row`.

    Each kind ranks the catalogue, and a content scores Σ 1/(60 + place) over the kinds that know
    it (Cormack et al. 2009): the kinds' own scales do not compare.
    """
    n = len(request.catalog)
    fused = np.zeros(n, np.float32)
    excluded = request.excluded()
    for likeness in _likenesses(request, row):
        known = likeness[:n].copy()
        known[excluded[: len(known)]] = -np.inf
        rows = best_rows(known, _RANKED)
        fused[rows] += 1 / (_FUSION_K + 1 + np.arange(len(rows), dtype=np.float32))
    return DenseScores(np.where(fused > 0, fused, np.float32(-np.inf)))


def _likenesses(request: Request, row: int) -> list[NDArray[np.float32]]:
    """Return float32[≤ n_contents] a kind, −inf where it has no opinion."""
    models = request.models
    found = [_shared_traits(request, row)]
    if models is not None and models.content is not None and row < len(models.content):
        found.append(_content_cosines(models.content, row))
    if models is not None and row < len(models.vectors):
        found += [
            _neighbors(models.item_item, row),
            _neighbors(models.next_item, row),
            _cosines(models, row),
        ]
    return found


def _neighbors(neighbors: Neighbors, row: int) -> NDArray[np.float32]:
    weights = score(neighbors, np.array([row]), np.ones(1, np.float32), len(neighbors))
    return np.where(weights > 0, weights, np.float32(-np.inf))


def _cosines(models: RetrievalModels, row: int) -> NDArray[np.float32]:
    norms = np.linalg.norm(models.vectors, axis=1)
    known = norms > 0
    if not known[row]:
        return np.full(len(norms), -np.inf, np.float32)
    products = models.vectors @ models.vectors[row]
    cosines = products / np.maximum(norms * norms[row], 1e-12)
    return np.where(known & (cosines > 0), cosines, -np.inf).astype(np.float32)


def _content_cosines(space: ContentVectors, row: int) -> NDArray[np.float32]:
    """Return the cosines by what contents are: all that is known of one that nobody met."""
    if len(space) <= _ALL_UP_TO:
        cosines = space.products(space.at(np.array([row])))[0]
    else:
        query = space.at(np.array([row]))[0]
        near = space.search(query, _RANKED, np.zeros(len(space), np.bool_))
        cosines = np.zeros(len(space), np.float32)
        cosines[near] = space.at(near) @ query
    return np.where(cosines > 0, cosines, np.float32(-np.inf))


def _shared_traits(request: Request, row: int) -> NDArray[np.float32]:
    """Count shared tags, sound, category and creator: all that is known of a new upload."""
    catalog = request.catalog
    mine = catalog.tags[row][catalog.tags[row] >= 0]
    shared = np.isin(catalog.tags, mine).sum(axis=1).astype(np.float32)
    for column, weight in ((catalog.sound, 1.0), (catalog.category, 1.0), (catalog.creator, 0.5)):
        if column[row] >= 0:
            shared += np.float32(weight) * (column == column[row])
    return np.where(shared > 0, shared, np.float32(-np.inf))

"""Fit the retrieval models from a log and from what is known beside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from apps.candidates.algorithms.als import fit_als, gram
from apps.candidates.algorithms.blocks import Blocks
from apps.candidates.algorithms.deepwalk import fit_deepwalk
from apps.candidates.algorithms.item_item import fit_item_item
from apps.candidates.algorithms.neighbors import Neighbors
from apps.candidates.algorithms.next_item import fit_next_item
from apps.candidates.conf import RetrievalParams, Signal
from apps.candidates.content_vectors import ContentVectors, joined
from apps.candidates.embedder import Embedder, fit_embedder
from apps.candidates.embeddings import viewer_vectors
from apps.candidates.groups import Charts, fit_charts
from apps.candidates.index import ExactIndex
from apps.candidates.signals import confidences, said
from apps.candidates.types import RetrievalModels
from apps.candidates.viewers import Viewers, fit_viewers
from apps.content import selectors as content
from apps.content.types import Catalog
from apps.events.types import EventLog, EventType
from apps.features.history import event_weights
from apps.profiles import selectors as profiles


@dataclass(frozen=True, slots=True)
class Background:
    """What the database knows beside the log: what contents are, and who viewers are."""

    embedder: Embedder
    blocks: Blocks  # of the catalogue's rows
    stamps: NDArray[np.int64]  # [n] their `changed_ms`, read before the contents were
    groups: profiles.Groups


def read_background(catalog: Catalog, params: RetrievalParams) -> Background:
    """Read what contents are, in chunks, learn their vocabulary and embed them."""
    pks = catalog.content_pk
    embedder = fit_embedder(pks, content.described, params.content, seed=params.seed)
    blocks = embedder.all_blocks(pks, content.described)
    return Background(embedder, blocks, catalog.changed_ms, profiles.groups())


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
    weights = dict(params.content.weights)
    return joined(background.embedder, background.blocks, weights, background.stamps)


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
    weight = confidences(said(log, catalog), signal, int(log.at_ms[-1]) if len(log) else 0)
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

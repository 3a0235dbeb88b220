"""Viewers in the space of the collaborative vectors, whichever embedder made it (spec §3.4).

A viewer's vector is a function of what they met, so that it is never older than their last event,
and it lies in the contents' own space: no product is taken across two.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from apps.candidates.algorithms.als import fold_in, fold_in_many, gram
from apps.candidates.conf import RetrievalParams
from apps.candidates.types import RetrievalModels


def viewer_vector(
    models: RetrievalModels, rows: NDArray[np.int64], weights: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the vector float32[f] of who met rows int64[h] with confidences float32[h]."""
    if models.params.embedder == "deepwalk":
        return np.asarray(weights @ models.vectors[rows] / max(float(weights.sum()), 1e-9))
    return fold_in(models.vectors, models.gram, rows, weights, models.params.als)


def viewer_vectors(
    vectors: NDArray[np.float32], confidence: sp.csr_matrix, params: RetrievalParams
) -> NDArray[np.float32]:
    """Return the vectors float32[m, f] of many viewers; confidence: float32[m, n_contents]."""
    if params.embedder == "deepwalk":
        sums = np.maximum(np.asarray(confidence.sum(axis=1)), 1e-9)
        return np.asarray(confidence @ vectors / sums, np.float32)
    return fold_in_many(vectors, gram(vectors), confidence, params.als)

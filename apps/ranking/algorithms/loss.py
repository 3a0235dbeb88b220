"""Binary cross-entropy from logits, with labels that may be missing (spec §5.2)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]


def sigmoid(z: Floats) -> Floats:
    """Return 1 / (1 + e^−z) of any shape, without overflow; the dtype stays."""
    half = z.dtype.type(0.5)
    return np.asarray(half * (1 + np.tanh(half * z)))


def logit(p: Floats, *, floor: float = 1e-7) -> NDArray[np.float64]:
    """Return ln(p / (1 − p)) of probabilities of any shape, kept `floor` away from 0 and 1."""
    kept = np.clip(np.asarray(p, np.float64), floor, 1 - floor)
    return np.asarray(np.log(kept) - np.log1p(-kept))


def losses(z: Floats, y: Floats) -> Floats:
    """Return −[y ln σ(z) + (1 − y) ln(1 − σ(z))] = softplus(z) − y·z of any shape.

    z: logits; y: labels in [0, 1], soft ones too. Finite for every finite logit; NaN where the
    label is.
    """
    return np.asarray(np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z))))


def mean_loss(z: Floats, y: Floats) -> tuple[float, Floats]:
    """Return L = Σ_heads 1/N_head Σ losses over known labels, and ∂L/∂z [n, heads].

    z, y: [n, heads]; a NaN label counts nowhere. A head without any label adds nothing.
    """
    known = np.isfinite(y)
    count = np.maximum(known.sum(axis=0), 1).astype(z.dtype)
    each = np.where(known, losses(z, np.where(known, y, 0)), 0)
    slope = np.where(known, sigmoid(z) - np.where(known, y, 0), 0) / count
    return float((each.sum(axis=0, dtype=np.float64) / count).sum()), slope.astype(z.dtype)

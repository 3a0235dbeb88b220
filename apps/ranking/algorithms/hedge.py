"""Weights of experts by their recent losses: Hedge with forgetting (Freund & Schapire 1997)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.ranking.algorithms.loss import losses

HALF_LIFE = 1000.0  # examples after which a loss counts half
_GRID = np.linspace(0, 1, 21)
STEP = float(_GRID[1])  # the least weight to begin with: from none no loss ever raises it


@dataclass(frozen=True, slots=True)
class Hedge:
    """Where the experts stand: w_m ∝ prior_m · exp(−η L_m), L the decayed sum of losses.

    When the experts are equally good for a while the sums come close to each other, and the
    weights go back to the prior, which a validation slice gave.
    """

    prior: NDArray[np.float64]  # [experts] or [heads, experts], sums to 1
    total: NDArray[np.float64]  # likewise, decayed sum of losses
    rate: float = 0.1  # η

    def weights(self) -> NDArray[np.float64]:
        """Return float64 of the shape of the prior, ≥ 0, that sum to 1."""
        ahead = self.total - self.total.min(axis=-1, keepdims=True)
        raised = self.prior * np.exp(-self.rate * ahead)
        return np.asarray(raised / raised.sum(axis=-1, keepdims=True))

    def after(self, each: NDArray[np.floating]) -> Hedge:
        """Return where the experts stand after losses [n, experts], in order, of a batch."""
        ages = np.arange(len(each) - 1, -1, -1)
        fresh = (0.5 ** (ages / HALF_LIFE))[:, None] * each
        total = self.total * 0.5 ** (len(each) / HALF_LIFE) + fresh.sum(axis=0)
        return Hedge(self.prior, np.asarray(total), self.rate)


def together(hedges: Sequence[Hedge]) -> Hedge:
    """Return where the experts stand in several heads at once, all of one rate."""
    prior, total = [hedge.prior for hedge in hedges], [hedge.total for hedge in hedges]
    return Hedge(np.array(prior), np.array(total), hedges[0].rate)


def best_weights(logits: NDArray[np.float64], y: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the weights [experts] on the simplex whose mix Σ w_m z_m has the least loss.

    logits: float64[n, experts] of two experts; y: [n] labels in [0, 1]. Among 21 steps: the loss
    is flat near its minimum, and finer weights would fit the noise of the slice. One expert has
    all the weight. The prior keeps at least a step for each.
    """
    if logits.shape[1] == 1:
        return np.ones(1)
    first, second = logits.T
    loss = [losses(w * first + (1 - w) * second, y).mean() for w in _GRID]
    w = float(np.clip(_GRID[int(np.argmin(loss))], STEP, 1 - STEP))
    return np.array([w, 1 - w])

"""One vector of several kinds of knowledge about a content (spec §3.4).

Each block is made of length 1 and weighed, so that none wins by its size; one that is missing is
left out, not averaged in. Then the dot product of two contents that have the same blocks is the
weighted mean of the blocks' cosines. Where one lacks a block of the other, the mean over the blocks
that both have is taken times W_both/√(W_1·W_2) ≤ 1: less in common speaks less surely.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Blocks = Mapping[str, NDArray[np.float32]]


def unit_rows(block: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the rows of length 1; zero rows stay zero. float32[n, d]."""
    lengths = np.linalg.norm(block, axis=1, keepdims=True)
    return np.divide(block, lengths, out=np.zeros_like(block), where=lengths > 1e-6)


def join(blocks: Blocks, weights: Mapping[str, float]) -> NDArray[np.float32]:
    """Return vectors of length 1, float32[n, Σd], 0 for a content without any block.

    blocks: rows of length 1, or 0 where missing. weights: ≥ 0, by the block's name.
    """
    names = sorted(blocks)
    parts = [np.float32(np.sqrt(weights[name])) * blocks[name] for name in names]
    return unit_rows(np.concatenate(parts, axis=1))

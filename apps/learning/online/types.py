"""What incremental training learns from, and what it has come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.features.selectors import NAMES
from apps.ranking.blend import Blend
from apps.ranking.inputs import FIELDS, Inputs
from apps.ranking.neural import NeuralRanker
from apps.ranking.types import Labels

_ID_COLUMNS = sum(columns for _, columns in FIELDS)


@dataclass(frozen=True, slots=True)
class Examples:
    """n pairs in order of time, with who it was and what came of it."""

    inputs: Inputs
    y: NDArray[np.float32]  # [n, heads] in the order of the network's heads, NaN not known
    viewer: NDArray[np.int64]  # [n] keys

    def __len__(self) -> int:
        return len(self.y)

    def take(self, index: NDArray[np.int64] | NDArray[np.bool_] | slice) -> Examples:
        """Return the examples that `index` picks."""
        return Examples(self.inputs.take(index), self.y[index], self.viewer[index])

    def labels(self, heads: tuple[str, ...]) -> Labels:
        """Return the labels by head."""
        return {head: self.y[:, i] for i, head in enumerate(heads)}

    @classmethod
    def concat(cls, parts: Sequence[Examples]) -> Examples:
        """Join examples in the order given; at least one part."""
        features = np.concatenate([part.inputs.features for part in parts])
        ids = np.concatenate([part.inputs.ids for part in parts])
        y = np.concatenate([part.y for part in parts])
        return cls(Inputs(features, ids), y, np.concatenate([part.viewer for part in parts]))

    @classmethod
    def none(cls, n_heads: int) -> Examples:
        """Return no examples."""
        inputs = Inputs(np.empty((0, len(NAMES)), np.float32), np.empty((0, _ID_COLUMNS), np.int64))
        return cls(inputs, np.empty((0, n_heads), np.float32), np.empty(0, np.int64))


@dataclass(frozen=True, slots=True)
class Increment:
    """What has grown from the network and the blend of a bundle; never changed, only followed."""

    network: NeuralRanker
    blend: Blend
    kept: Examples  # to be learned from again
    waiting: Examples  # the newest: they judged the last step and are learned in the next one
    n_steps: int = 0
    n_examples: int = 0  # learned from

    @classmethod
    def of(cls, network: NeuralRanker, blend: Blend) -> Increment:
        """Return where a bundle starts from."""
        none = Examples.none(len(network.heads))
        return cls(network, blend, none, none)

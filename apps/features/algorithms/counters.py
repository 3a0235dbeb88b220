"""Decayed counters by forward decay: plain sums that are exact in any order.

An event of weight w at time t adds w·exp(λ(t − t0)) to its sum, for a fixed landmark t0; reading at
time T multiplies by exp(−λ(T − t0)). That gives Σ w·exp(−λ(T − t)) (spec §3.1) whatever the order
of the events (Cormode et al., "Forward Decay", ICDE 2009).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

HOUR_MS = 3_600_000
HALF_LIVES_HOURS = (6.0, 24.0, 168.0, np.inf)
_DECAY_PER_MS = np.log(2) / (np.array(HALF_LIVES_HOURS) * HOUR_MS)  # λ, 0 for the infinite one
_MAX_EXPONENT = 300.0  # e^300 is far from the end of float64; then the landmark moves


class Counters:
    """Sums of several kinds of events for each entity, at every half-life.

    sums: float64[n_entities, n_kinds, n_half_lives], relative to the landmark.
    """

    def __init__(self, n_entities: int, n_kinds: int) -> None:
        self.sums = np.zeros((n_entities, n_kinds, len(HALF_LIVES_HOURS)))
        self._landmark_ms: int | None = None

    def grow(self, n_entities: int) -> None:
        """Make room for entities up to `n_entities`."""
        missing = n_entities - len(self.sums)
        if missing > 0:
            room = np.zeros((max(missing, len(self.sums) // 4), *self.sums.shape[1:]))
            self.sums = np.concatenate([self.sums, room])

    def add(
        self,
        entity: NDArray[np.int64],
        kind: NDArray[np.int64],
        at_ms: NDArray[np.int64],
    ) -> None:
        """Count events: entity, kind and at_ms have one entry each; entity −1 is passed over."""
        known = entity >= 0
        if not known.all():
            entity, kind, at_ms = entity[known], kind[known], at_ms[known]
        if not len(entity):
            return
        landmark = self._move_landmark(int(at_ms.max()))
        weights = np.exp(np.multiply.outer(at_ms - landmark, _DECAY_PER_MS))
        np.add.at(self.sums, (entity, kind), weights)

    def at(self, entity: NDArray[np.int64], now_ms: NDArray[np.int64] | int) -> NDArray[np.float64]:
        """Return float64[n, n_kinds, n_half_lives] as of now_ms (one moment, or one an entity).

        Entity −1 reads zero.
        """
        if self._landmark_ms is None:
            return np.zeros((len(entity), *self.sums.shape[1:]))
        decay = np.exp(-np.multiply.outer(np.asarray(now_ms) - self._landmark_ms, _DECAY_PER_MS))
        read = self.sums[entity] * (decay[:, None, :] if decay.ndim == 2 else decay)
        if (entity < 0).any():
            read[entity < 0] = 0.0
        return read

    def all_at(self, kind: int, half_life: int, now_ms: int) -> NDArray[np.float64]:
        """Return float64[n_entities] of one kind at one half-life (index), as of now_ms."""
        if self._landmark_ms is None:
            return np.zeros(len(self.sums))
        decay = np.exp(-(now_ms - self._landmark_ms) * _DECAY_PER_MS[half_life])
        return np.asarray(self.sums[:, kind, half_life] * decay)

    @property
    def landmark_ms(self) -> int | None:
        """The moment that the sums refer to; None while nothing is counted."""
        return self._landmark_ms

    def restore(
        self, rows: NDArray[np.int64], sums: NDArray[np.float64], landmark_ms: int | None
    ) -> None:
        """Take over what other counters held: the sums of `rows`, and the landmark of all."""
        self.grow(int(rows.max(initial=-1)) + 1)
        self.sums[rows] = sums
        self._landmark_ms = landmark_ms

    def _move_landmark(self, latest_ms: int) -> int:
        """Return the landmark; past the limit it moves, and all sums are divided once."""
        if self._landmark_ms is None:
            self._landmark_ms = latest_ms
            return latest_ms
        ahead = latest_ms - self._landmark_ms
        if ahead * _DECAY_PER_MS[0] > _MAX_EXPONENT:
            # A new array, so that a reader in another thread never sees half of them divided.
            self.sums = self.sums * np.exp(-ahead * _DECAY_PER_MS)
            self._landmark_ms = latest_ms
        return self._landmark_ms

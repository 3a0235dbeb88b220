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
_TIME_BITS = 43  # 2⁴³ ms reach the year 2248

# How long a stretch `before` may cover: within it weights grow by 2⁸ at most, so that the
# differences of its running sums keep 13 digits.
MAX_STRETCH_MS = 48 * HOUR_MS


class Counters:
    """Sums of several kinds of events for each entity, at every half-life.

    sums: float64[n_entities, n_kinds, n_half_lives], relative to the landmark. Events of a kind
    past the last are passed over.
    """

    def __init__(self, n_entities: int, n_kinds: int) -> None:
        self.n_kinds = n_kinds
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
        """Count events: entity is [n] or [n, k] (an event of k entities), kind and at_ms are [n].

        Entity −1 is passed over.
        """
        entity, kind, at_ms = self._known(entity, kind, at_ms)
        if not len(entity):
            return
        landmark = self._move_landmark(int(at_ms.max()))
        weights = np.exp(np.multiply.outer(at_ms - landmark, _DECAY_PER_MS))
        # One flat index: NumPy's `add.at` is several times faster on one dimension.
        column = (entity * self.n_kinds + kind)[:, None] * weights.shape[1]
        flat = (column + np.arange(weights.shape[1])).ravel()
        np.add.at(self.sums.reshape(-1), flat, weights.ravel())

    def at(self, entity: NDArray[np.int64], now_ms: NDArray[np.int64] | int) -> NDArray[np.float64]:
        """Return float64[*entity.shape, n_kinds, n_half_lives] as of now_ms.

        entity: [n] or [n, k]; now_ms: one moment, or [n]. Entity −1 reads zero.
        """
        if self._landmark_ms is None:
            return np.zeros((*entity.shape, *self.sums.shape[1:]))
        decay = np.exp(-np.multiply.outer(np.asarray(now_ms) - self._landmark_ms, _DECAY_PER_MS))
        read = self.sums[entity]
        read *= _along(decay, read)
        is_none = entity < 0
        if is_none.any():
            read[is_none] = 0.0
        return read

    def before(
        self,
        entity: NDArray[np.int64],
        now_ms: NDArray[np.int64],
        events: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]],
    ) -> NDArray[np.float64]:
        """Return what `at` would had it counted exactly those `events` that are before each moment.

        entity: [n] or [n, k]; now_ms: [n]; events: entity, kind and time of what is not counted
        yet, all within `MAX_STRETCH_MS`. Events at the moment itself do not count.

        The events are sorted by (entity, time) and summed up once; what an entity had at a moment
        is the difference of two running sums. O((e + n) log e) for e events.
        """
        read = self.at(entity, now_ms)
        of_event, kind, at_ms = self._known(*events)
        if not len(of_event):
            return read
        start_ms = int(at_ms.min())
        packed = (of_event << _TIME_BITS) + at_ms
        order = np.argsort(packed)
        packed, kind, at_ms = packed[order], kind[order], at_ms[order]
        sums = np.zeros((len(packed) + 1, *self.sums.shape[1:]))
        sums[np.arange(1, len(packed) + 1), kind] = np.exp(
            np.multiply.outer(at_ms - start_ms, _DECAY_PER_MS)
        )
        np.cumsum(sums, axis=0, out=sums)
        known = np.nonzero(entity >= 0)
        key, moment = entity[known] << _TIME_BITS, now_ms[known[0]]
        first, last = np.searchsorted(packed, key), np.searchsorted(packed, key + moment)
        decay = np.exp(-np.multiply.outer(moment - start_ms, _DECAY_PER_MS))
        read[known] += (sums[last] - sums[first]) * decay[:, None]
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

    def _known(
        self, entity: NDArray[np.int64], kind: NDArray[np.int64], at_ms: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Return one entry for each event and known entity of it, of the kinds that count here."""
        if entity.ndim == 2:
            kind = np.repeat(kind, entity.shape[1])
            at_ms = np.repeat(at_ms, entity.shape[1])
            entity = entity.ravel()
        known = (entity >= 0) & (kind < self.n_kinds)
        return entity[known], kind[known], at_ms[known]

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


def _along(decay: NDArray[np.float64], read: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shape decay [h] or [n, h] so that it multiplies read [n, …, h]."""
    if decay.ndim == 1:
        return decay
    return decay.reshape(len(decay), *(1,) * (read.ndim - 2), decay.shape[1])

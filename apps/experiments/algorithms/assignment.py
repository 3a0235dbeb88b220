"""Deterministic assignment: a salted hash puts each viewer into one of 10,000 buckets (§11.2).

bucket = BLAKE2b-64(key = salt, viewer) mod 10,000. Another salt gives independent buckets, so two
experiments split each other evenly; `id % 100` would give both the same viewers. The bias of the
modulus is below 10⁻¹⁵.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

N_BUCKETS = 10_000


def bucket(salt: str, unit: bytes) -> int:
    """Return the bucket of one viewer, 0–9,999. salt: at most 64 bytes of UTF-8."""
    digest = blake2b(unit, digest_size=8, key=salt.encode()).digest()
    return int.from_bytes(digest, "little") % N_BUCKETS


def buckets(salt: str, units: Sequence[bytes]) -> NDArray[np.int64]:
    """Return the bucket of each viewer, int64[n], as `bucket` gives it."""
    keyed = blake2b(digest_size=8, key=salt.encode())
    digests = bytearray()
    for unit in units:
        hashed = keyed.copy()
        hashed.update(unit)
        digests += hashed.digest()
    return (np.frombuffer(bytes(digests), "<u8") % N_BUCKETS).astype(np.int64)


def upper_bounds(weights: Sequence[int]) -> tuple[int, ...]:
    """Return where the buckets of each variant end; the last one ends at 10,000.

    weights: positive whole numbers; a variant's share is its weight over the sum.
    """
    ends = np.cumsum(weights) * N_BUCKETS // sum(weights)
    return tuple(ends.tolist())


def shares(bounds: Sequence[int]) -> NDArray[np.float64]:
    """Return the share of viewers that each variant gets, float64[k], sums to 1."""
    return np.diff(np.array([0, *bounds])) / N_BUCKETS

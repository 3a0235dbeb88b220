"""Perceptual hashes of frames: 64 bits that survive another size, codec or a small crop.

The signs of the lowest 8 × 8 cosine coefficients of a 32 × 32 gray image against their median
(pHash; Zauner 2010). A cropped copy has other low frequencies; so every frame is hashed again
without its borders, and of two frames the nearest pair counts where one of them is uncropped.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from apps.media.algorithms.cosines import cosines

Hashes = NDArray[np.uint64]  # [frames, crops]

CROPS = (1.0, 0.95, 0.9, 0.85, 0.8)  # shares of width and height that are kept
NEAR = 10  # bits of 64 that two hashes of one picture may differ in
_SIDE, _LOW = 32, 8
_FLAT = 4.0  # gray levels of deviation below which there is nothing to hash


def frame_hashes(frames: NDArray[np.uint8]) -> Hashes:
    """Return the hashes of gray frames uint8[n, h, w], uint64[m, 5]; flat frames have none."""
    told = [frame for frame in frames if frame.std() >= _FLAT]
    hashes = [[_hash(_cropped(frame, share)) for share in CROPS] for frame in told]
    return np.array(hashes, np.uint64).reshape(-1, len(CROPS))


def distances(one: Hashes, other: Hashes) -> NDArray[np.int64]:
    """Return the differing bits of frames, 0–64, int64[n, m]; one of each pair is uncropped."""
    ahead = np.bitwise_count(one[:, None, :] ^ other[None, :, :1]).min(axis=2)
    back = np.bitwise_count(one[:, None, :1] ^ other[None, :, :]).min(axis=2)
    return np.minimum(ahead, back).astype(np.int64)


def copied_shares(suspect: Hashes, known: Sequence[Hashes]) -> NDArray[np.float64]:
    """Return the share of the suspect's frames that each known clip has too, 0–1, float64[m].

    Every known clip has a frame at least. O(frames of the suspect · frames of all known).
    """
    if not len(suspect) or not known:
        return np.zeros(len(known))
    starts = np.cumsum([0, *map(len, known[:-1])])
    is_near = distances(suspect, np.concatenate(known)) <= NEAR
    return np.asarray(np.logical_or.reduceat(is_near, starts, axis=1).mean(axis=0))


def _cropped(frame: NDArray[np.uint8], share: float) -> NDArray[np.uint8]:
    height, width = frame.shape
    top, left = round(height * (1 - share) / 2), round(width * (1 - share) / 2)
    return frame[top : height - top, left : width - left]


def _hash(image: NDArray[np.uint8]) -> int:
    basis = cosines(_LOW, _SIDE)
    low = (basis @ _shrunk(image) @ basis.T).ravel()
    # Without the constant: it is the brightness, and the first bit would always be set.
    bits = low > np.median(low[1:])
    bits[0] = False
    return int(np.packbits(bits).view(">u8")[0])


def _shrunk(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return float32[32, 32]: means over areas, whose borders may cut pixels."""
    return _area(image.shape[0]) @ image.astype(np.float32) @ _area(image.shape[1]).T


def _area(n: int) -> NDArray[np.float32]:
    """Return the weights of n pixels in 32 equal areas, float32[32, n]; rows add up to 1."""
    edges = np.linspace(0, n, _SIDE + 1)
    low = np.maximum(edges[:-1, None], np.arange(n))
    high = np.minimum(edges[1:, None], np.arange(1, n + 1))
    return (np.maximum(0, high - low) * (_SIDE / n)).astype(np.float32)

"""Which frames of a clip tell most: one of each scene."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def key_frames(frames: NDArray[np.uint8], most: int) -> list[int]:
    """Return up to `most` rows, in order, that differ most from each other.

    Starts from the middle one and adds the frame farthest from all chosen (Gonzalez 1985), as long
    as it differs by more than a twelfth of the gray scale: so a scene gives one frame, and a still
    clip one in all. frames: gray uint8[n, h, w]. O(most · n · h · w).
    """
    if not len(frames):
        return []
    pixels = frames.reshape(len(frames), -1).astype(np.float32)
    chosen = [len(frames) // 2]
    nearest = np.abs(pixels - pixels[chosen[0]]).mean(axis=1)
    while len(chosen) < most and nearest.max() > _SCENE:
        chosen.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, np.abs(pixels - pixels[chosen[-1]]).mean(axis=1))
    return sorted(chosen)


_SCENE = 256 / 12  # mean difference of gray levels

"""One frame a scene."""

from __future__ import annotations

import numpy as np

from apps.media.algorithms.scenes import key_frames


def flat(*grays: int) -> np.ndarray:
    return np.array([np.full((4, 4), gray) for gray in grays], np.uint8)


def test_each_scene_gives_one_frame() -> None:
    # Middle: 90. Farthest from it: 201 (by 111), then 10 (by 80); 12, 11, 92, 200 are near those.
    assert key_frames(flat(10, 12, 11, 90, 92, 200, 201), most=5) == [0, 3, 6]


def test_no_more_than_asked_for() -> None:
    assert len(key_frames(flat(*range(0, 250, 25)), most=3)) == 3


def test_still_clip_gives_one_and_none_gives_none() -> None:
    assert key_frames(flat(7, 7, 7), most=5) == [1]
    assert key_frames(flat(), most=5) == []

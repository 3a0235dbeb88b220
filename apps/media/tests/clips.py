"""Clips, pictures and sounds made on the spot."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

RATE = 22_050
FPS = 12


def make_scene(seed: int, height: int = 180, width: int = 320) -> NDArray[np.uint8]:
    """Return a picture of soft colored blots, another for each seed."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : width / height : width * 1j]
    image = np.zeros((height, width, 3))
    for _ in range(14):
        at_y, at_x, size = rng.uniform(0, 1), rng.uniform(0, width / height), rng.uniform(0.05, 0.3)
        blot = np.exp(-((y - at_y) ** 2 + (x - at_x) ** 2) / (2 * size**2))
        image += blot[..., None] * rng.uniform(-1, 1, 3)
    image = (image - image.min()) / (image.max() - image.min())
    return (image * 255).astype(np.uint8)


def tone(hertz: float, seconds: float = 1.0) -> NDArray[np.float32]:
    t = np.arange(int(RATE * seconds)) / RATE
    return (0.4 * np.sin(2 * np.pi * hertz * t)).astype(np.float32)


def make_clip(
    path: Path,
    scenes: list[NDArray[np.uint8]],
    *,
    sound: NDArray[np.float32] | None = None,
    seconds: float = 1.0,
    kbit: int = 800,
) -> Path:
    """Write scenes of `seconds` each, and a sound track, as MP4."""
    with av.open(str(path), "w", format="mp4") as out:
        video = out.add_stream("libx264", rate=FPS, options={"preset": "ultrafast"})
        height, width, _ = scenes[0].shape
        video.height, video.width, video.pix_fmt, video.bit_rate = (
            height,
            width,
            "yuv420p",
            kbit * 1000,
        )
        audio = out.add_stream("aac", rate=RATE, layout="mono") if sound is not None else None
        for scene in scenes:
            for _ in range(round(seconds * FPS)):
                out.mux(video.encode(av.VideoFrame.from_ndarray(scene, format="rgb24")))
        out.mux(video.encode(None))
        if audio is not None and sound is not None:
            frame = av.AudioFrame.from_ndarray(sound[None], format="fltp", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = RATE, 0, Fraction(1, RATE)
            out.mux(audio.encode(frame))
            out.mux(audio.encode(None))
    return path


def cropped(scene: NDArray[np.uint8], share: float) -> NDArray[np.uint8]:
    """Return the middle of a picture, with even sides."""
    height, width = (int(side * share) // 2 * 2 for side in scene.shape[:2])
    top, left = (scene.shape[0] - height) // 2, (scene.shape[1] - width) // 2
    return scene[top : top + height, left : left + width]

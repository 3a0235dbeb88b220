"""Frames and sound of a file, decoded: for the child process only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from apps.core.errors import RecsysError
from apps.media.algorithms.mfcc import SAMPLE_RATE
from apps.media.conf import FRAMES, HEAD_BYTES, MAX_PIXELS, SOUND_SECONDS, signature_of

_GRAY_SIDE = 128
_COLOR_SIDE = 256
_SEEK_SECONDS = 4.0  # gaps longer than this are jumped over, not decoded


class UnreadableMediaError(RecsysError):
    """The file is not what its first bytes say, or is damaged: trying again is of no use."""


class Decoded(NamedTuple):
    """What was read of one file."""

    duration_seconds: float | None
    width: int
    height: int
    gray: NDArray[np.uint8]  # [n, 128, 128]
    color: NDArray[np.uint8]  # [n, 256, 256, 3] BGR
    sound: NDArray[np.float32]  # mono, 22,050 Hz, −1…1


def read_media(path: Path) -> Decoded:
    """Decode up to 24 frames, spread over the clip, and the first minute of its sound."""
    with path.open("rb") as file:
        signature = signature_of(file.read(HEAD_BYTES))
        if signature is None:
            raise UnreadableMediaError("the type of the file is not known")
        try:
            return _read(file, signature[1])
        except (av.error.FFmpegError, ValueError, IndexError) as error:
            said = getattr(error, "strerror", None) or error  # without our name of the file
            raise UnreadableMediaError(f"not a readable {signature[0]}: {said}") from error


def _read(file: Any, demuxer: str) -> Decoded:
    seconds, width, height = None, 0, 0
    frames: list[VideoFrame] = []
    # A file object, so that no name is ever resolved to a protocol.
    file.seek(0)
    with av.open(file, format=demuxer) as container:
        if container.duration and demuxer[-5:] != "_pipe":
            seconds = container.duration / av.time_base
        if container.streams.video:
            stream = container.streams.video[0]
            width, height = stream.width, stream.height
            if not 0 < width * height <= MAX_PIXELS:
                raise UnreadableMediaError(f"{width}×{height}: over {MAX_PIXELS} pixels a frame")
            frames = list(_sampled(container, stream, seconds or 0.0))
    gray = [f.reformat(_GRAY_SIDE, _GRAY_SIDE, "gray", interpolation="AREA") for f in frames]
    color = [f.reformat(_COLOR_SIDE, _COLOR_SIDE, "bgr24", interpolation="AREA") for f in frames]
    sound = _sound(file, demuxer)
    if not frames and not len(sound):
        raise UnreadableMediaError("neither pictures nor sound in it")
    return Decoded(seconds, width, height, _stacked(gray), _stacked(color, 3), sound)


def _sampled(container: Any, stream: Any, seconds: float) -> Iterator[VideoFrame]:
    """Yield the first frame at or after each of evenly spread moments."""
    stream.thread_type = "NONE"  # threads cost memory and save no processor time
    step = max(0.5, seconds / FRAMES)
    wanted, n_found = 0.0, 0
    while n_found < FRAMES:
        if n_found and step > _SEEK_SECONDS:
            container.seek(int(wanted * av.time_base))
        for frame in container.decode(stream):
            at = frame.time or 0.0
            if at + 1e-3 < wanted:
                continue
            yield frame
            n_found += 1
            wanted += step * (1 + int((at - wanted) / step))
            if n_found >= FRAMES or step > _SEEK_SECONDS:
                break
        else:
            return


def _sound(file: Any, demuxer: str) -> NDArray[np.float32]:
    """Return the first minute of the first sound track, empty without one."""
    file.seek(0)
    parts: list[NDArray[np.float32]] = []
    with av.open(file, format=demuxer) as container:
        if not container.streams.audio:
            return np.empty(0, np.float32)
        resampler = av.AudioResampler("fltp", "mono", SAMPLE_RATE)
        for frame in container.decode(container.streams.audio[0]):
            parts += [made.to_ndarray()[0] for made in resampler.resample(frame)]
            if (frame.time or 0.0) >= SOUND_SECONDS:
                break
        parts += [made.to_ndarray()[0] for made in resampler.resample(None)]
    joined = np.concatenate([np.empty(0, np.float32), *parts])[: int(SOUND_SECONDS * SAMPLE_RATE)]
    return np.nan_to_num(joined, posinf=0.0, neginf=0.0)


def _stacked(frames: list[VideoFrame], *channels: int) -> NDArray[np.uint8]:
    side = _COLOR_SIDE if channels else _GRAY_SIDE
    stacked = [frame.to_ndarray() for frame in frames]
    return np.array(stacked, np.uint8).reshape(-1, side, side, *(channels and (3,)))

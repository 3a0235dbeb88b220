"""The child process: `python -m apps.media.analysis FILE [WEIGHTS]` says what it finds as JSON.

A hostile file meets the decoders here, within limits of time and memory, without database, secrets
or Django; whatever it does ends this process only.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import msgspec

from apps.media.conf import CHILD_BYTES, CHILD_SECONDS, KEY_FRAMES
from apps.media.types import Found

UNREADABLE = 65  # exit status; EX_DATAERR of sysexits.h


def analyze(path: Path, weights: Path | None) -> Found:
    """Return what a file looks and sounds like; raises `UnreadableMediaError`."""
    from apps.media import encoder
    from apps.media.algorithms.hashes import frame_hashes
    from apps.media.algorithms.landmarks import landmarks
    from apps.media.algorithms.mfcc import mfcc_summary
    from apps.media.algorithms.scenes import key_frames
    from apps.media.reading import read_media

    read = read_media(path)
    audio = mfcc_summary(read.sound)
    chosen = key_frames(read.gray, KEY_FRAMES)
    seen = encoder.look(read.color[chosen], weights) if weights and chosen else None
    return Found(
        duration_seconds=read.duration_seconds,
        width=read.width,
        height=read.height,
        visual=[round(x, 4) for x in seen.vector.tolist()] if seen else None,
        audio=None if audio is None else [round(x, 3) for x in audio.tolist()],
        hashes=frame_hashes(read.gray).tolist(),
        unsafe_score=round(seen.unsafe_score, 4) if seen else None,
        landmarks=landmarks(read.sound).tolist(),
        model=encoder.model_name(weights) if weights else "",
    )


def main() -> None:
    """Set the limits, then read."""
    resource.setrlimit(resource.RLIMIT_CPU, (CHILD_SECONDS, CHILD_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (CHILD_BYTES, CHILD_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # it writes no file
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    from apps.media.reading import UnreadableMediaError

    path, *weights = map(Path, sys.argv[1:])
    try:
        found = analyze(path, weights[0] if weights else None)
    except UnreadableMediaError as error:
        sys.stderr.write(str(error))
        sys.exit(UNREADABLE)
    sys.stdout.buffer.write(msgspec.json.encode(found))


if __name__ == "__main__":
    main()

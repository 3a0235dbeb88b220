"""What an analysis finds, and what the API says about it."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Kind = Literal["video", "image", "sound"]
State = Literal["pending", "running", "done", "failed"]


class Found(msgspec.Struct, frozen=True):
    """What one file looks and sounds like; the child process sends it as JSON."""

    duration_seconds: float | None = None
    width: int = 0
    height: int = 0
    visual: list[float] | None = None  # of length 1; None without weights or pictures
    audio: list[float] | None = None  # `mfcc_summary`; None without sound
    hashes: list[list[int]] = []  # [frames, crops], see algorithms/hashes.py
    unsafe_score: float | None = None  # of the worst frame, 0–1; None without weights
    landmarks: list[list[int]] = []  # [n, 2] of the sound, see algorithms/landmarks.py
    model: str = ""  # that looked, see encoder.py; empty without weights


class MediaReference(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file that is to be fetched."""

    url: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]


class MediaOut(msgspec.Struct, frozen=True):
    """How far the analysis of a content's media is."""

    content_id: str
    kind: Kind | None  # None until a file named by its address is fetched
    state: State
    n_attempts: int
    error: str

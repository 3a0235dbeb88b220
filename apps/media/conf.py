"""Limits of media, and how they are sampled."""

from __future__ import annotations

from apps.core.clock import DAY_MS, SECOND_MS

# What the first bytes say: (offset, bytes, kind, FFmpeg's demuxer). The demuxer is fixed by these
# and never probed: playlists, which name other files and addresses, cannot be reached.
SIGNATURES = (
    (4, b"ftyp", "video", "mp4"),
    (0, b"\x1a\x45\xdf\xa3", "video", "matroska"),
    (0, b"\xff\xd8\xff", "image", "jpeg_pipe"),
    (0, b"\x89PNG\r\n\x1a\n", "image", "png_pipe"),
    (8, b"WEBP", "image", "webp_pipe"),
    (0, b"GIF8", "image", "gif"),
    (8, b"WAVE", "sound", "wav"),
    (0, b"ID3", "sound", "mp3"),
    (0, b"\xff\xfb", "sound", "mp3"),
    (0, b"OggS", "sound", "ogg"),
    (0, b"fLaC", "sound", "flac"),
)
HEAD_BYTES = 16
CONTENT_TYPES = {  # by demuxer
    "mp4": "video/mp4",
    "matroska": "video/webm",
    "jpeg_pipe": "image/jpeg",
    "png_pipe": "image/png",
    "webp_pipe": "image/webp",
    "gif": "image/gif",
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    "ogg": "audio/ogg",
    "flac": "audio/flac",
}
TYPES = "MP4, MOV, Matroska, WebM, JPEG, PNG, WebP, GIF, WAV, MP3, Ogg, FLAC"

MAX_PIXELS = 4096 * 2304  # of a frame
FRAMES = 24  # looked at in a clip, at most two a second
KEY_FRAMES = 5  # that the network sees
SOUND_SECONDS = 60.0  # from the start

CHILD_SECONDS = 60  # of processor time; of the clock twice as many
CHILD_BYTES = 2 * 2**30  # of memory

FETCH_SECONDS = 60.0  # for a whole file named by its address
FETCH_WAIT_SECONDS = 10.0  # for its next bytes

MAX_ATTEMPTS = 3
HELD_MS = 300 * SECOND_MS  # after which a running one is taken for killed
RETRY_MS = 60 * SECOND_MS  # times 4 at each attempt
BATCH = 20  # analyzed by one run of the task
RENEWED = 4  # looked at again by a run that has nothing else to do
RENEW_MS = 7 * DAY_MS  # after which one that could not be renewed is tried again


def signature_of(head: bytes) -> tuple[str, str] | None:
    """Return kind and demuxer of a file by its first bytes, None for one that is not taken."""
    for offset, said, kind, demuxer in SIGNATURES:
        if head[offset : offset + len(said)] == said:
            return kind, demuxer
    return None

"""What rankers predict."""

from __future__ import annotations

from enum import StrEnum


class Head(StrEnum):
    """One outcome of showing a content to a viewer; its probability is a head of the ranker."""

    LONG_VIEW = "long_view"
    COMPLETE = "complete"
    REPLAY = "replay"
    LIKE = "like"
    COMMENT = "comment"
    SHARE = "share"
    SAVE = "save"
    FOLLOW = "follow"
    SKIP = "skip"
    HIDE = "hide"
    REPORT = "report"


WATCH_SECONDS = "watch_seconds"  # beside the heads: the expected time, in seconds
SELECT = "select"  # beside the heads: which candidate of a pool the viewer will watch next

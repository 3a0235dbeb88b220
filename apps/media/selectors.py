"""Read what was found in media."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import numpy as np

from apps.media.algorithms.hashes import CROPS, Hashes
from apps.media.models import MediaAnalysis


def analysis_of(content_id: str) -> MediaAnalysis | None:
    """Return the analysis of a content's file, None without a file."""
    return MediaAnalysis.objects.filter(content__content_id=content_id).first()


def finished_since(finished_ms: int, *, most: int) -> list[MediaAnalysis]:
    """Return analyses that ended at that moment or later, the earliest first."""
    done = MediaAnalysis.objects.filter(state="done", finished_ms__gte=finished_ms)
    return list(done.order_by("finished_ms", "pk")[:most])


def hashes_of(content_pks: Collection[int]) -> dict[int, Hashes]:
    """Return the perceptual hashes of those contents that have some."""
    rows: Iterable[tuple[int, list[list[str]]]] = MediaAnalysis.objects.filter(
        content_id__in=content_pks, state="done"
    ).values_list("content_id", "hashes")
    return {pk: as_hashes(told) for pk, told in rows if told}


def as_hashes(told: list[list[str]]) -> Hashes:
    """Return stored hashes as uint64[frames, crops]."""
    bits = [[int(text, 16) for text in crops] for crops in told]
    return np.array(bits, np.uint64).reshape(-1, len(CROPS))

"""Read what was found in media."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import numpy as np
from django.core.files.base import File

from apps.media.algorithms.hashes import CROPS, Hashes
from apps.media.conf import CONTENT_TYPES, HEAD_BYTES, signature_of
from apps.media.models import MediaAnalysis


def analysis_of(content_id: str) -> MediaAnalysis | None:
    """Return the analysis of a content's file, None without a file."""
    return MediaAnalysis.objects.filter(content__content_id=content_id).first()


def opened(content_pk: int) -> tuple[File[bytes], str] | None:
    """Return the open file of a content and its content type, None where there is none."""
    row = MediaAnalysis.objects.filter(content=content_pk).exclude(file="").first()
    if row is None:
        return None
    try:
        file = row.file.open("rb")
    except FileNotFoundError:  # removed by an operator, or not on this machine
        return None
    found = signature_of(file.read(HEAD_BYTES))
    file.seek(0)
    return file, CONTENT_TYPES[found[1]] if found else "application/octet-stream"


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

"""Screen what contents show: unsafe pictures, and copies of what was removed (spec §10.2).

The list of what may not come again is derived: the hashes of contents that a person removed and
whose removal stands. One that is undone, also by an appeal, leaves it at once. What a machine
removed is not on it, nor are contents removed with their creator.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from apps.media import selectors as media
from apps.media.algorithms.hashes import Hashes, copied_shares
from apps.media.conf import HELD_MS
from apps.media.models import MediaAnalysis
from apps.moderation.conf import COPY_ZONES, unsafe_zones
from apps.moderation.models import Action, Decision, ScreeningMark, ScreeningVerdict
from apps.moderation.screening import apply_verdicts

Kind = ScreeningVerdict.Kind

NO_COPY = "no copy"  # category of the verdict on what is none
_VERSION = "media-1"
_BATCH = 200


class Removed(NamedTuple):
    """Contents that people removed, and their hashes."""

    content_pks: list[int]
    content_ids: list[str]
    clauses: list[str]
    hashes: list[Hashes]


def screen_media(*, now_ms: int) -> int:
    """Judge the media that were analyzed since the last time, each once; return how many.

    A file that is analyzed again is judged by what could not be seen before.
    """
    mark, _ = ScreeningMark.objects.get_or_create(version=_VERSION)
    # An analysis is stamped when it begins: one that took long comes behind later ones.
    start = min(mark.changed_ms, now_ms - HELD_MS)
    total = 0
    while rows := media.finished_since(start, most=_BATCH):
        if wanted := _not_judged(rows):
            removed = removed_media()
            verdicts = [
                verdict
                for row, kinds in wanted
                for verdict in judged(row, removed, now_ms=now_ms)
                if verdict.kind in kinds
            ]
            _forget_other_files([row for row, _ in wanted])
            apply_verdicts(verdicts, now_ms=now_ms)
            total += len(wanted)
        last_ms = rows[-1].finished_ms or 0
        done_ms = max(mark.changed_ms, last_ms + 1)
        ScreeningMark.objects.filter(pk=mark.pk).update(changed_ms=done_ms)
        if len(rows) < _BATCH:
            break
        start = max(last_ms, start + 1)
    return total


def removed_media() -> Removed:
    """Return the list of what may not come again; two queries."""
    standing = Decision.objects.filter(action=Action.REMOVE, undone_ms=None, is_automated=False)
    rows = standing.order_by("pk").values_list("content_id", "content__content_id", "reason")
    said = {pk: (content_id, reason) for pk, content_id, reason in rows}
    hashes = media.hashes_of(said)
    ids, clauses = [said[pk][0] for pk in hashes], [said[pk][1] for pk in hashes]
    return Removed(list(hashes), ids, clauses, list(hashes.values()))


def judged(row: MediaAnalysis, removed: Removed, *, now_ms: int) -> list[ScreeningVerdict]:
    """Return the verdicts on one content's media: whether it is a copy, and what pictures show."""
    copy = _copy_verdict(row, removed)
    found = [copy] if row.unsafe_score is None else [copy, _picture_verdict(row, row.unsafe_score)]
    for verdict in found:
        verdict.content_id = row.content_id
        verdict.digest, verdict.screened_ms = _digest(row), now_ms
    return found


def _copy_verdict(row: MediaAnalysis, removed: Removed) -> ScreeningVerdict:
    shares = copied_shares(media.as_hashes(row.hashes), removed.hashes).tolist()
    others = [i for i, pk in enumerate(removed.content_pks) if pk != row.content_id]
    best = max(others, key=lambda i: shares[i], default=None)
    score = 0.0 if best is None else shares[best]
    zone = COPY_ZONES.of(score)
    verdict = ScreeningVerdict(kind=Kind.HASH, category=NO_COPY, score=score, zone=zone)
    verdict.version = _VERSION
    if best is not None and zone != "allow":
        verdict.category = removed.clauses[best]
        verdict.grounds = [[f"frames of {removed.content_ids[best]}", score]]
    return verdict


def _picture_verdict(row: MediaAnalysis, score: float) -> ScreeningVerdict:
    return ScreeningVerdict(
        kind=Kind.IMAGE,
        category="unsafe",
        score=score,
        zone=unsafe_zones().of(score),
        version=row.model,
    )


def _digest(row: MediaAnalysis) -> str:
    """Return what names the file: every upload has a name of its own."""
    return str(row.file).rpartition("/")[2]


def _not_judged(rows: Sequence[MediaAnalysis]) -> list[tuple[MediaAnalysis, set[Kind]]]:
    """Return the rows on whose files verdicts are missing, and of which kinds."""
    of_these = ScreeningVerdict.objects.filter(content__in=[row.content_id for row in rows])
    done = set(of_these.values_list("content_id", "digest", "kind"))
    found = []
    for row in rows:
        kinds = {Kind.HASH} if row.unsafe_score is None else {Kind.HASH, Kind.IMAGE}
        if missing := {kind for kind in kinds if (row.content_id, _digest(row), kind) not in done}:
            found.append((row, missing))
    return found


def _forget_other_files(rows: Sequence[MediaAnalysis]) -> None:
    """Delete the verdicts on files that these contents had before."""
    of_media = ScreeningVerdict.objects.filter(kind__in=[Kind.HASH, Kind.IMAGE])
    of_these = of_media.filter(content__in=[row.content_id for row in rows])
    of_these.exclude(digest__in=[_digest(row) for row in rows]).delete()

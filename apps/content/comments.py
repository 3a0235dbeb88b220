"""What viewers write under a content, as far as it speaks for it (spec §3.2; ADR 28).

Only screened comments come here (`apps.moderation.comments`). Few are kept: the latest ones, and
fewer of one viewer, so that nobody and no crowd of one hour says alone what a content is about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from typing import NamedTuple

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest

from apps.content.models import Comment, Content
from apps.core.clock import DAY_MS

MOST = 30  # kept of one content
MOST_OF_VIEWER = 2  # of these
KEPT_DAYS = 90
MOST_LETTERS = 300  # of one comment
_BATCH = 10_000


class Said(NamedTuple):
    """One comment."""

    content_pk: int
    viewer_pk: int
    text: str
    said_ms: int


def keep(comments: Iterable[Said]) -> None:
    """Keep the latest comments of each content; their words count from the next `tell` on."""
    newest = sorted(comments, key=lambda c: -c.said_ms)
    # Of a crowd's batch most is never written.
    within = _within((c.content_pk, c.viewer_pk) for c in newest)
    fresh = [
        Comment(
            content_id=c.content_pk,
            viewer_id=c.viewer_pk,
            text=c.text[:MOST_LETTERS],
            said_ms=c.said_ms,
        )
        for c, is_within in zip(newest, within, strict=True)
        if is_within
    ]
    if not fresh:
        return
    with transaction.atomic():
        Comment.objects.bulk_create(fresh, ignore_conflicts=True, batch_size=1000)
        of_them = Comment.objects.filter(content_id__in={c.content_id for c in fresh})
        rows = list(
            of_them.order_by("-said_ms", "-pk").values_list("pk", "content_id", "viewer_id")
        )
        within = _within(row[1:] for row in rows)
        surplus = [row[0] for row, is_within in zip(rows, within, strict=True) if not is_within]
        Comment.objects.filter(pk__in=surplus).delete()


def tell(*, now_ms: int) -> int:
    """Stamp the contents about which comments have come, and return how many.

    Whoever follows the catalogue embeds them again. Called every ten minutes, it changes a content
    once in that time, however many write about it. Comments over 90 days old go.
    """
    with transaction.atomic():
        old = Comment.objects.filter(said_ms__lt=now_ms - KEPT_DAYS * DAY_MS)
        gone = set(old.values_list("content_id", flat=True))
        old.delete()
        fresh = Comment.objects.filter(is_told=False).values_list("pk", "content_id")
        news = dict(fresh.order_by("pk")[:_BATCH])
        Comment.objects.filter(pk__in=news).update(is_told=True)
        return _stamp(gone | set(news.values()), now_ms)


def forget(viewer_pk: int, *, now_ms: int) -> int:
    """Delete what a viewer wrote, also from what contents are about; return how many comments."""
    with transaction.atomic():
        own = Comment.objects.filter(viewer_id=viewer_pk)
        touched = set(own.values_list("content_id", flat=True))
        n_deleted, _ = own.delete()
        _stamp(touched, now_ms)
    return n_deleted


def drop(comments: Iterable[Said], *, now_ms: int) -> None:
    """Delete these comments where they are kept."""
    said = {(c.content_pk, c.viewer_pk, c.said_ms) for c in comments}
    with transaction.atomic():
        near = Comment.objects.filter(content_id__in={pk for pk, _, _ in said})
        rows = near.values_list("pk", "content_id", "viewer_id", "said_ms")
        gone = {pk: key[0] for pk, *key in rows if tuple(key) in said}
        Comment.objects.filter(pk__in=gone).delete()
        _stamp(set(gone.values()), now_ms)


def _stamp(content_pks: Collection[int], now_ms: int) -> int:
    # Locked in one order, or two transactions wait for each other's rows.
    contents = Content.objects.filter(pk__in=content_pks)
    locked = list(contents.select_for_update().order_by("pk").values_list("pk", flat=True))
    changed_ms = Greatest(now_ms, F("changed_ms") + 1)
    return Content.objects.filter(pk__in=locked).update(changed_ms=changed_ms)


def _within(pairs: Iterable[tuple[int, int]]) -> list[bool]:
    """Return of each comment's content and viewer, latest first, whether it is within the caps."""
    of_viewer: Counter[tuple[int, int]] = Counter()
    of_content: Counter[int] = Counter()
    found = []
    for pair in pairs:
        is_within = of_viewer[pair] < MOST_OF_VIEWER and of_content[pair[0]] < MOST
        of_viewer[pair] += is_within
        of_content[pair[0]] += is_within
        found.append(is_within)
    return found

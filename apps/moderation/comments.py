"""Screen what viewers write under contents, and what follows from each zone (spec §10.2; ADR 28).

Each comment of the log is judged once, by the classifiers that judge descriptions. allow: its words
speak for the content. review: it waits, unused, for a moderator. block: it stays out, and counts
against who wrote it. Without trained weights none is read; with the first ones all are.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Count, QuerySet

from apps.content import comments as kept
from apps.content import selectors as contents
from apps.content.comments import Said
from apps.content.models import Content
from apps.core.clock import DAY_MS
from apps.core.webhooks import services as webhooks
from apps.events.models import Event
from apps.events.types import EventLog, EventType
from apps.features.consumers import drain
from apps.moderation.conf import BLOCKED_COMMENTS, CATEGORY_CLAUSE, CROWD_VIEWERS, REPEAT_DAYS
from apps.moderation.metrics import SCREENED
from apps.moderation.models import Case, FlaggedComment, ScreeningVerdict
from apps.moderation.screening import Screening, production
from apps.moderation.services.audit import actor_of, record
from apps.moderation.services.cases import open_case, prioritize

CONSUMER = "comments"
State = FlaggedComment.State
_RANK = {zone: rank for rank, zone in enumerate(ScreeningVerdict.Zone.values)}  # block is worst


class _Comment(NamedTuple):
    event_key: UUID
    said: Said


class _Judged(NamedTuple):
    zone: str
    score: float
    category: str


def keep_up(*, batches: int = 80) -> int:
    """Screen the comments that the log has gained; return how many events were read."""
    screening = production()
    if screening is None:
        return 0
    return drain(CONSUMER, lambda log: take_comments(log, screening), batches=batches)


def take_comments(log: EventLog, screening: Screening) -> None:
    """Judge the comments among these events: a fixed number of queries, and three a flagged one."""
    found = _comments(log)
    if not found:
        return
    now_ms = max(comment.said.said_ms for comment in found)
    judged = _judge([comment.said.text for comment in found], screening)
    passed, flagged = [], []
    for comment, verdict in zip(found, judged, strict=True):
        SCREENED.labels("comment", verdict.category, verdict.zone).inc()
        if verdict.zone == "allow":
            passed.append(comment.said)
        else:
            flagged.append(_flagged(comment, verdict))
    if flagged:
        FlaggedComment.objects.bulk_create(flagged, ignore_conflicts=True)
        for one in flagged:
            _announce(one, now_ms)
        _look_at_crowds({one.content_id for one in flagged}, now_ms=now_ms)
    unheard = blocked_commenters({said.viewer_pk for said in passed}, now_ms=now_ms)
    kept.keep(said for said in passed if said.viewer_pk not in unheard)


def decide(pks: Collection[int], state: str, *, user: AbstractBaseUser, now_ms: int) -> int:
    """Let flagged comments pass, or block them; return how many changed their state."""
    with transaction.atomic():
        rows = (
            FlaggedComment.objects.select_for_update(of=("self",)).filter(pk__in=pks).order_by("pk")
        )
        changed = list(rows.exclude(state=state).select_related("content"))
        for row in changed:
            row.state, row.decided_ms, row.decided_by_id = state, now_ms, user.pk
            verb = "let pass" if state == State.ALLOWED else "blocked"
            record(verb, f"comment:{row.pk}", actor=actor_of(user), now_ms=now_ms)
            _announce(row, now_ms)
        FlaggedComment.objects.bulk_update(changed, ["state", "decided_ms", "decided_by"])
        said = [Said(row.content_id, row.viewer_id, row.text, row.said_ms) for row in changed]
        if state == State.ALLOWED:
            kept.keep(said)
        else:
            kept.drop(said, now_ms=now_ms)
    return len(changed)


def blocked_commenters(viewer_pks: Collection[int], *, now_ms: int) -> set[int]:
    """Return whose comments are not used now: too many of their latest ones were blocked.

    They are heard again as those grow old, or are let pass. One query.
    """
    blocked = _blocked_since(now_ms).filter(viewer_id__in=viewer_pks).values("viewer_id")
    counted = blocked.annotate(n=Count("pk")).filter(n__gte=BLOCKED_COMMENTS)
    return {row["viewer_id"] for row in counted}


def _comments(log: EventLog) -> list[_Comment]:
    """Return the comments with words among these events; one query."""
    log = log.take((log.kind == EventType.COMMENT) & (log.content >= 0) & (log.viewer >= 0))
    if not len(log):
        return []
    pks = contents.catalog().content_pk[log.content]
    named = set(zip(log.viewer.tolist(), pks.tolist(), log.at_ms.tolist(), strict=True))
    rows = Event.objects.filter(
        kind=EventType.COMMENT,
        viewer_id__in={viewer for viewer, _, _ in named},
        content_id__in={content for _, content, _ in named},
        occurred_ms__gte=int(log.at_ms[0]),
        occurred_ms__lte=int(log.at_ms[-1]),
    ).order_by("pk")
    found = []
    for key, viewer, content, at_ms, info in rows.values_list(
        "event_key", "viewer_id", "content_id", "occurred_ms", "info"
    ):
        text = str((info or {}).get("comment_text") or "").strip()
        if text and (viewer, content, at_ms) in named:
            found.append(_Comment(key, Said(content, viewer, text, at_ms)))
    return found


def _judge(texts: Sequence[str], screening: Screening) -> list[_Judged]:
    """Return the worst verdict on each text."""
    found: list[list[_Judged]] = [[] for _ in texts]
    for category, classifier in screening.classifiers.items():
        for mine, score in zip(found, classifier.scores(texts).tolist(), strict=True):
            mine.append(_Judged(classifier.zones.of(score), score, category))
    return [max(mine, key=lambda v: (_RANK[v.zone], v.score)) for mine in found]


def _flagged(comment: _Comment, verdict: _Judged) -> FlaggedComment:
    is_blocked = verdict.zone == "block" and settings.SCREENING_REMOVES
    return FlaggedComment(
        event_key=comment.event_key,
        content_id=comment.said.content_pk,
        viewer_id=comment.said.viewer_pk,
        text=comment.said.text,
        category=verdict.category,
        score=verdict.score,
        state=State.BLOCKED if is_blocked else State.WAITING,
        said_ms=comment.said.said_ms,
    )


def _announce(comment: FlaggedComment, now_ms: int) -> None:
    facts = {
        "event_id": str(comment.event_key),
        "content_id": comment.content.content_id,
        "category": comment.category,
        "state": comment.state,
        "is_automated": comment.decided_by_id is None,
    }
    webhooks.announce("moderation.comment", facts, now_ms=now_ms)


def _look_at_crowds(content_pks: Collection[int], *, now_ms: int) -> None:
    """Open a case of contents under which many viewers had comments blocked.

    A crowd must not be able to hide a content by what it writes: so its reach stays as it is, and
    one look in `REPEAT_DAYS` is enough.
    """
    blocked = _blocked_since(now_ms).filter(content_id__in=content_pks)
    counted = blocked.values("content_id").annotate(n=Count("viewer_id", distinct=True))
    crowded = {row["content_id"] for row in counted if row["n"] >= CROWD_VIEWERS}
    since_ms = now_ms - REPEAT_DAYS * DAY_MS
    looked_at = Case.objects.filter(content_id__in=crowded, opened_ms__gte=since_ms)
    crowded -= set(looked_at.values_list("content_id", flat=True))
    for content in Content.objects.filter(pk__in=crowded).order_by("pk"):
        worst = blocked.filter(content_id=content.pk).order_by("-score", "pk").first()
        clause = CATEGORY_CLAUSE.get(worst.category, "") if worst else ""
        case = open_case(content, source=Case.Source.SCREENING, clause=clause, now_ms=now_ms)
        prioritize([case.pk], now_ms=now_ms)


def _blocked_since(now_ms: int) -> QuerySet[FlaggedComment]:
    return FlaggedComment.objects.filter(
        state=State.BLOCKED, said_ms__gte=now_ms - REPEAT_DAYS * DAY_MS
    )

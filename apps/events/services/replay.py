"""Let quarantined events into the log: when their content arrives, or when an operator says so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import copy
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from django.db import transaction

from apps.content.models import Content
from apps.core.errors import RecsysError
from apps.events.models import Event, QuarantinedEvent
from apps.events.scrubbing import scrub
from apps.events.services.quarantine import Reason
from apps.events.services.store import store
from apps.events.validation import Accepted, IngestRules, Refused, judge

_BATCH = 500


class QuarantineError(RecsysError):
    """A correction that does not make an event; `code` and `detail` as the API would say."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class Replayed(NamedTuple):
    """What became of one event."""

    pk: int  # of the row in the quarantine
    outcome: str  # accepted, waiting, duplicate, or the code of the refusal
    detail: str = ""


def release(content_ids: Iterable[str]) -> int:
    """Let in the events that wait for these contents; return how many are new in the log.

    Called in the transaction that makes the contents. The events get new places at the end of the
    log, so a reader that follows it by watermark sees them.
    """
    waiting = QuarantinedEvent.objects.filter(reason=Reason.UNKNOWN_CONTENT)
    ids = list(content_ids)
    pks = (
        list(waiting.filter(content_key__among=ids).order_by("pk").values_list("pk", flat=True))
        if ids
        else []
    )
    return sum(outcome.outcome == "accepted" for outcome in replay(pks))


def release_all() -> int:
    """Let in what a race left over: an event and its content may commit at the same moment."""
    arrived = Content.objects.values("content_id")
    waiting = QuarantinedEvent.objects.filter(
        reason=Reason.UNKNOWN_CONTENT, content_key__in=arrived
    )
    return release(waiting.values_list("content_key", flat=True).distinct())


def replay(pks: Sequence[int]) -> list[Replayed]:
    """Send rows through the intake again, as of when they came and with an operator's authority.

    Too-old events and those of a wrong user are taken now. What enters the log, or is there
    already, leaves the quarantine; what is refused again stays with its new reason.
    """
    outcomes = []
    for start in range(0, len(pks), _BATCH):
        with transaction.atomic():
            rows = QuarantinedEvent.objects.select_for_update().order_by("pk")
            outcomes += _replay(list(rows.filter(pk__in=pks[start : start + _BATCH])))
    return outcomes


def _replay(rows: list[QuarantinedEvent]) -> list[Replayed]:
    judged = [(row, _judge(row)) for row in rows]
    fit = [(row, item) for row, item in judged if isinstance(item, Accepted)]
    keys = [item.key for _, item in fit]
    known = set(Event.objects.filter(event_key__among=keys).values_list("event_key", flat=True))
    # First away with the rows, or their own keys would make duplicates of them.
    QuarantinedEvent.objects.filter(pk__in=[row.pk for row, _ in fit]).delete()
    if fit:
        store([item for _, item in fit])
    waiting = QuarantinedEvent.objects.filter(event_key__among=keys, reason=Reason.UNKNOWN_CONTENT)
    late = {key for key in waiting.values_list("event_key", flat=True) if key}
    outcomes = []
    for row, item in judged:
        if isinstance(item, Refused):
            outcomes.append(_stay(row, item))
        else:
            outcomes.append(Replayed(row.pk, _outcome(item.key, known, late)))
            known.add(item.key)
    return outcomes


def _outcome(key: UUID, known: set[UUID], late: set[UUID]) -> str:
    if key in known:
        return "duplicate"
    return "waiting" if key in late else "accepted"


def _judge(row: QuarantinedEvent) -> Accepted | Refused:
    """Judge a row again; it keeps its key, its viewer and its time of receipt."""
    if row.body is None:
        detail = row.detail or "nothing was kept of this text"
        return Refused(0, b"", None, None, row.reason, detail)
    rules = IngestRules(now_ms=row.received_ms, may_backfill=True)
    item = judge(0, msgspec.json.encode(row.body), rules)
    if isinstance(item, Refused):
        return item
    viewer = row.viewer_pseudonym if item.viewer else None
    return item._replace(key=row.event_key or item.key, viewer=viewer, known=row.known)


def _stay(row: QuarantinedEvent, refused: Refused) -> Replayed:
    row.reason, row.detail = Reason(refused.code), refused.detail[:500]
    row.save(update_fields=["reason", "detail"])
    return Replayed(row.pk, refused.code, refused.detail)


def fix(pk: int, body: Any) -> None:
    """Replace the body of a row; raise QuarantineError for one that is no event.

    Replaying is another step.
    """
    with transaction.atomic():
        row = QuarantinedEvent.objects.select_for_update().get(pk=pk)
        _put_right(row, body)
        row.save(update_fields=["body", "viewer_pseudonym", "kind_name", "content_key"])


def check_fix(row: QuarantinedEvent, body: Any) -> None:
    """Raise QuarantineError unless the body would be taken when it is replayed."""
    _put_right(copy(row), body)


def _put_right(row: QuarantinedEvent, body: Any) -> None:
    """Give the row another body. Its viewer stays; only a row without one takes a user_id."""
    if not isinstance(body, dict):
        raise QuarantineError("invalid-value", "Expected an object")
    row.body, row.viewer_pseudonym = scrub(msgspec.json.encode(body), viewer=row.viewer_pseudonym)
    verdict = _judge(row)
    if isinstance(verdict, Refused):
        raise QuarantineError(verdict.code, verdict.detail)
    row.kind_name = verdict.event.type
    row.content_key = verdict.event.content_id or ""


def discard(pks: Sequence[int]) -> int:
    """Delete rows for good; return how many."""
    return QuarantinedEvent.objects.filter(pk__in=list(pks)).delete()[0]

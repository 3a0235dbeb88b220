"""Take events from clients."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import IntegrityError, transaction

from apps.core.metrics import EVENTS
from apps.core.turns import turn
from apps.events.services.quarantine import keep_refused
from apps.events.services.store import store
from apps.events.types import IngestAnswer, Refusal
from apps.events.validation import Accepted, IngestRules, RawEvent, Refused, judge
from apps.profiles.privacy import ErasedError, erased


def ingest(raw: Sequence[RawEvent], rules: IngestRules) -> IngestAnswer:
    """Store a batch of JSON events; one bad event never fails the others.

    Returns only after the commit: what is counted as accepted is durable, in the log or waiting for
    its content. The unique `event_key` decides what is a duplicate, in any order, from any process.
    """
    accepted: list[Accepted] = []
    refused: list[Refused] = []
    for place, text in enumerate(raw):
        verdict = judge(place, text, rules)
        (refused if isinstance(verdict, Refused) else accepted).append(verdict)  # type: ignore[arg-type]
    try:
        return _taken(accepted, refused, rules)
    except IntegrityError:  # a viewer was erased at this very moment: now their tombstone is seen
        return _taken(accepted, refused, rules)


def _taken(
    accepted: Sequence[Accepted], refused: Sequence[Refused], rules: IngestRules
) -> IngestAnswer:
    gone = erased({item.viewer for item in accepted if item.viewer})
    of_erased = [_of_erased(item) for item in accepted if item.viewer in gone]
    accepted = [item for item in accepted if item.viewer not in gone]
    with turn(), transaction.atomic():
        n_new = store(accepted) if accepted else 0
        keep_refused(refused, received_ms=rules.now_ms)  # of erased viewers nothing is kept
    n_known = len(accepted) - n_new
    refusals = sorted([*refused, *of_erased], key=lambda r: r.place)
    EVENTS.labels("accepted").inc(n_new)
    EVENTS.labels("duplicate").inc(n_known)
    EVENTS.labels("rejected").inc(len(refusals))
    told = [Refusal(r.place, r.event_id, r.code, r.detail) for r in refusals]
    return IngestAnswer(n_new, n_known, told)


def _of_erased(item: Accepted) -> Refused:
    error = ErasedError()
    return Refused(item.place, item.text, item.event.event_id, item.key, error.code, error.detail)


def keep_unreadable(body: bytes, detail: str, *, now_ms: int) -> None:
    """Note that a body came in which no event could be found."""
    refused = Refused(0, body, None, None, "malformed-json", detail)
    keep_refused([refused], received_ms=now_ms)

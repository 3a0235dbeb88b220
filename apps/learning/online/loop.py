"""The loop: buffer what viewers did with slates, and when it is time let the network follow.

One step after the other, each in three moves. The *buffer* grows by the events whose labels have
settled. When it is due its end is fixed. Then it is *read*, learned from and *closed*, in one
transaction with the pointer to the weights: a process that dies before leaves the fixed stretch,
and whoever goes on reaches the same weights.
"""

from __future__ import annotations

import logging
import time
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from apps.core import artifacts
from apps.core.clock import from_datetime
from apps.core.errors import RecsysError
from apps.core.models import Artifact
from apps.events import selectors as events
from apps.events.types import EventType
from apps.learning import bundle
from apps.learning.bundle import Bundle
from apps.learning.conf import OnlineParams
from apps.learning.models import OnlineStep
from apps.learning.online import examples, increment
from apps.learning.online.examples import Window
from apps.learning.online.steps import Advance, advance
from apps.learning.online.trigger import is_due
from apps.learning.online.types import Increment

logger = logging.getLogger(__name__)

State = OnlineStep.State
_OPEN = (State.BUFFERING, State.TRAINING)
_COLUMNS = ("transaction_id", "id", "received_ms", "kind", "request_id")
_SCANNED = 5000  # events a query
_KEPT_STEPS = 10_000


class LostStepError(RecsysError):
    """Another process has closed the step meanwhile."""


def tick(*, now_ms: int, params: OnlineParams | None = None) -> OnlineStep | None:
    """Buffer what has settled, and take one step if it is due; return the step that was closed.

    The caller holds the lease `online`. None: nothing to do yet, or no network to begin from.
    """
    params = params or OnlineParams()
    base = bundle.current_promoted()
    if base is None or base.rankers.neural is None:
        return None
    step = _open_step(base, now_ms)
    if step.state == State.BUFFERING:
        _buffer(step, now_ms, params)
        if not is_due(step.n_views, now_ms - step.opened_ms, params):
            return None
        step.state = State.TRAINING
        step.save()
    return _take(step, base, now_ms, params)


def _open_step(base: Bundle, now_ms: int) -> OnlineStep:
    """Return the step to go on with; where another bundle serves, begin from that one again.

    The bundle knows the log up to the end of its data: there its first step begins, so that what
    came while it was trained and judged is learned too. What grew from another one is dropped.
    """
    step = OnlineStep.objects.filter(state__in=_OPEN).order_by("pk").last()
    if step is not None and step.parent == base.version:
        return step
    watermark = events.watermark_at(_known_until_ms(base))
    with transaction.atomic():
        dropped = OnlineStep.objects.filter(state__in=_OPEN)
        dropped.update(state=State.DROPPED, closed_ms=now_ms)
        artifacts.withdraw_artifact(increment.FAMILY)
        return _begun(base.version, watermark, now_ms)


def _known_until_ms(base: Bundle) -> int:
    artifact = Artifact.objects.get(pk=base.artifact_pk)
    return from_datetime(datetime.fromisoformat(artifact.manifest["data_until"]))


def _begun(parent: str, watermark: tuple[int, int], now_ms: int) -> OnlineStep:
    transaction_id, event_id = watermark
    return OnlineStep.objects.create(
        parent=parent,
        opened_ms=now_ms,
        after_transaction=transaction_id,
        after_event=event_id,
        until_transaction=transaction_id,
        until_event=event_id,
        delay_ms=settings.LABEL_DELAY_SECONDS * 1000,
    )


def _buffer(step: OnlineStep, now_ms: int, params: OnlineParams) -> None:
    """Move the end of the step over events that were received `delay_ms` ago, and count views."""
    before_ms, old = now_ms - step.delay_ms, step.until
    while step.n_views < params.most:
        # All of them, sorted out here: the database would look at as many again and again.
        found = events.committed(step.until)
        rows = list(found.values_list(*_COLUMNS)[:_SCANNED])
        for transaction_id, event_id, received_ms, kind, request_id in rows:
            if received_ms > before_ms or step.n_views >= params.most:
                break
            step.n_views += kind == EventType.VIEW and request_id is not None
            step.until_transaction, step.until_event = transaction_id, event_id
        else:
            if rows:
                continue
        break
    if step.until != old:
        step.save()


def _take(step: OnlineStep, base: Bundle, now_ms: int, params: OnlineParams) -> OnlineStep:
    """Learn from the stretch of the log that the step has fixed, and close it."""
    started = time.monotonic()
    window = Window(step.after, step.until, step.delay_ms, _known_until_ms(base))
    found = examples.read(window, base.rankers.watch)
    step.n_examples, step.n_late = len(found.fresh), len(found.late)
    step.skipped = dict(found.skipped)
    artifact = None
    step.state = State.EMPTY
    if len(found.fresh):
        now = _current(base)
        done = advance(
            now, found.fresh, found.late, trees=base.rankers.boosted.predict, params=params
        )
        _note(step, done)
        if not done.refusal:
            artifact = increment.store(done.increment, _facts(step))
    step.train_ms = int(1000 * (time.monotonic() - started))
    _close(step, artifact, now_ms)
    return step


def _current(base: Bundle) -> Increment:
    artifact = increment.serving(base.version)
    if artifact is not None:
        return increment.load(artifact)
    assert base.rankers.neural is not None  # `tick` has asked
    return Increment.of(base.rankers.neural, base.rankers.blend)


def _note(step: OnlineStep, done: Advance) -> None:
    step.state = State.REFUSED if done.refusal else State.PUBLISHED
    step.reason = done.refusal
    if done.n_capped:
        step.skipped["viewer had enough"] = done.n_capped
    step.prequential_loss = _number(done.prequential)
    step.held_before, step.held_after = _number(done.held_before), _number(done.held_after)
    step.multiplier = done.increment.network.multiplier.value
    n_steps = done.increment.n_steps
    step.version = bundle.stepped_version(step.parent, n_steps) if n_steps else step.parent


def _number(value: float) -> float | None:
    return value if abs(value) < float("inf") else None  # NaN and ∞ are none


def _facts(step: OnlineStep) -> dict[str, Any]:
    return {
        "parent": step.parent,
        "step": step.pk,
        "prequential_loss": step.prequential_loss,
        "multiplier": step.multiplier,
    }


def _close(step: OnlineStep, artifact: Artifact | None, now_ms: int) -> None:
    """Let the weights serve and the next step begin, together or not at all."""
    step.closed_ms = now_ms
    with transaction.atomic():
        # Of two who worked on the step the second finds it closed.
        if not OnlineStep.objects.filter(pk=step.pk, state=State.TRAINING).update(closed_ms=now_ms):
            raise LostStepError(f"{step}: another process has closed it")
        step.save()
        if artifact is not None:
            artifacts.promote_artifact(artifact)
        _begun(step.parent, step.until, now_ms)
    artifacts.forget_old(increment.FAMILY)
    OnlineStep.objects.filter(pk__lte=step.pk - _KEPT_STEPS).delete()

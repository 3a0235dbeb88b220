"""Announce what happened, and deliver it until it is taken or three days are over."""

from __future__ import annotations

import http.client
import json
import logging
import secrets
from collections.abc import Iterable
from typing import Any

from apps.core.clock import DAY_MS, SECOND_MS, now_ms
from apps.core.metrics import WEBHOOKS
from apps.core.models import WebhookDelivery, WebhookEndpoint
from apps.core.outbound import ForbiddenAddressError
from apps.core.webhooks.sending import post
from apps.core.webhooks.signing import signature

logger = logging.getLogger(__name__)

_FIRST_WAIT_MS = 30 * SECOND_MS  # doubles with each attempt, up to six hours
_LONGEST_WAIT_MS = DAY_MS // 4
_GIVE_UP_MS = 3 * DAY_MS
_CLAIM_MS = 60 * SECOND_MS  # nobody else sends it meanwhile
_BATCH = 50


def add_endpoint(url: str, topics: Iterable[str] = ()) -> WebhookEndpoint:
    """Store an endpoint with a new secret."""
    return WebhookEndpoint.objects.create(
        url=url, topics=list(topics), secret=secrets.token_urlsafe(32)
    )


def announce(topic: str, facts: dict[str, Any], *, now_ms: int) -> None:
    """Put a message for every endpoint of the topic into the outbox.

    Called in the transaction of what it tells: neither is there without the other.
    """
    endpoints = WebhookEndpoint.objects.filter(is_active=True)
    wanted = [e for e in endpoints if not e.topics or topic in e.topics]
    WebhookDelivery.objects.bulk_create(_message(e, topic, facts, now_ms) for e in wanted)


def send_test(endpoint: WebhookEndpoint, *, now_ms: int) -> WebhookDelivery:
    """Send a test message now and return what became of it."""
    delivery = _message(endpoint, "test", {}, now_ms)
    delivery.save(force_insert=True)
    _attempt(delivery, now_ms)
    return delivery


def deliver_due() -> int:
    """Send what is due, and return how many messages were tried."""
    tried = 0
    moment = now_ms()
    due = WebhookDelivery.objects.filter(state="waiting", due_ms__lte=moment)
    for delivery in due.select_related("endpoint").order_by("due_ms", "pk")[:_BATCH]:
        # A conditional UPDATE: of two workers one sends it.
        mine = due.filter(pk=delivery.pk, due_ms=delivery.due_ms)
        if mine.update(due_ms=moment + _CLAIM_MS):
            _attempt(delivery, now_ms())
            tried += 1
    return tried


def wait_ms(attempts: int) -> int:
    """Return how long to wait after so many attempts: 30 s, 1 min, 2 min … 6 h."""
    return min(_FIRST_WAIT_MS * 2 ** (attempts - 1), _LONGEST_WAIT_MS)


def _message(
    endpoint: WebhookEndpoint, topic: str, facts: dict[str, Any], now_ms: int
) -> WebhookDelivery:
    made = WebhookDelivery(endpoint=endpoint, topic=topic, due_ms=now_ms, created_ms=now_ms)
    said = {"id": str(made.pk), "topic": topic, "created_ms": now_ms, "data": facts}
    made.body = json.dumps(said)
    return made


def _attempt(delivery: WebhookDelivery, now_ms: int) -> None:
    endpoint = delivery.endpoint
    is_taken, delivery.answer = _sent(delivery, now_ms)
    delivery.attempts += 1
    if is_taken:
        delivery.state = WebhookDelivery.State.DELIVERED
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(failing_since_ms=None)
    else:
        delivery.due_ms = now_ms + wait_ms(delivery.attempts)
        WebhookEndpoint.objects.filter(pk=endpoint.pk, failing_since_ms=None).update(
            failing_since_ms=now_ms
        )
        if now_ms - delivery.created_ms > _GIVE_UP_MS or delivery.topic == "test":
            delivery.state = WebhookDelivery.State.GIVEN_UP
        # An endpoint that took nothing for three days is switched off.
        WebhookEndpoint.objects.filter(
            pk=endpoint.pk, failing_since_ms__lt=now_ms - _GIVE_UP_MS
        ).update(is_active=False)
    delivery.save()
    WEBHOOKS.labels("delivered" if is_taken else "failed").inc()


def _sent(delivery: WebhookDelivery, now_ms: int) -> tuple[bool, str]:
    """Return whether the message was taken, and the status or what failed."""
    body = delivery.body.encode()
    headers = {
        "Content-Type": "application/json",
        "Webhook-Id": str(delivery.pk),
        "Webhook-Signature": signature(
            delivery.endpoint.secret, body, at_seconds=now_ms // SECOND_MS
        ),
    }
    try:
        status = post(delivery.endpoint.url, body, headers)
    except (OSError, http.client.HTTPException, ForbiddenAddressError) as error:
        logger.warning("webhook %s was not delivered: %s", delivery.pk, type(error).__name__)
        return False, f"{type(error).__name__}: {error}"[:200]
    return 200 <= status < 300, str(status)

"""Open and close alerts, and tell people."""

from __future__ import annotations

import logging
import math
import smtplib
from typing import cast

from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import send_mail
from django.db import transaction

from apps.core.clock import to_datetime
from apps.core.errors import RecsysError
from apps.core.webhooks import services as webhooks
from apps.insights.algorithms.rules import Direction, Kind, Rule, Verdict, verdict
from apps.insights.kpis import KPIS
from apps.insights.models import Alert, AlertRule
from apps.insights.watched import LABELS, SAMPLES, Reader

logger = logging.getLogger(__name__)

TOPIC = "alert"


class AlertError(RecsysError):
    """The alert or the rule cannot be changed like that."""


def check_alerts(*, now_ms: int) -> list[Alert]:
    """Judge every active rule by what is known now; return the alerts that opened or closed.

    Repeating it changes nothing: one alert of a rule is open at a time (a partial unique index).
    """
    reader = Reader(now_ms)
    open_alerts = {
        alert.rule_id: alert
        for alert in Alert.objects.filter(resolved_ms__isnull=True).select_related("rule")
    }
    changed = []
    for rule in AlertRule.objects.filter(is_active=True).order_by("pk"):
        said = _verdict(rule, reader)
        alert = open_alerts.get(rule.pk)
        if said.state == "bad" and alert is None:
            changed.append(_open(rule, said, now_ms))
        elif said.state == "well" and alert is not None:
            changed.append(_resolve(alert, now_ms))
    return changed


def acknowledge(alert: Alert, user: User, *, now_ms: int) -> None:
    """Note that somebody takes care; the first one counts."""
    taken = Alert.objects.filter(pk=alert.pk, acknowledged_ms__isnull=True).update(
        acknowledged_by=user, acknowledged_ms=now_ms
    )
    if not taken:
        raise AlertError("Somebody has acknowledged it already.")


def silence(rule: AlertRule, *, until_ms: int) -> None:
    """Let nobody be told of the rule's alerts until then; they are still listed."""
    AlertRule.objects.filter(pk=rule.pk).update(silenced_until_ms=until_ms)


def _verdict(rule: AlertRule, reader: Reader) -> Verdict:
    series = reader.series(rule.metric)
    if series is None or not len(series):
        return Verdict("unknown", math.nan, math.nan)
    is_single = rule.metric in KPIS or rule.metric in SAMPLES  # one value a step, whatever it is
    plain = Rule(
        kind=cast("Kind", rule.kind),
        direction=cast("Direction", rule.direction),
        threshold=rule.threshold,
        relative=rule.relative,
        minimum_volume=min(rule.minimum_volume, 1) if is_single else rule.minimum_volume,
        ticks=rule.ticks,
    )
    return verdict(plain, series, len(series) - 1)


def _open(rule: AlertRule, said: Verdict, now_ms: int) -> Alert:
    with transaction.atomic():
        alert = Alert.objects.create(
            rule=rule, opened_ms=now_ms, value=_known(said.value), expected=_known(said.expected)
        )
        _announce(alert, "opened", now_ms)
    _mail(alert, "opened", now_ms)
    return alert


def _resolve(alert: Alert, now_ms: int) -> Alert:
    with transaction.atomic():
        alert.resolved_ms = now_ms
        alert.save(update_fields=["resolved_ms"])
        _announce(alert, "resolved", now_ms)
    _mail(alert, "resolved", now_ms)
    return alert


def _announce(alert: Alert, state: str, now_ms: int) -> None:
    if alert.rule.silenced_until_ms > now_ms:
        return
    facts = {
        "alert": alert.pk,
        "state": state,
        "rule": alert.rule.name,
        "metric": alert.rule.metric,
        "value": alert.value,
        "expected": alert.expected,
        "opened_ms": alert.opened_ms,
    }
    webhooks.announce(TOPIC, facts, now_ms=now_ms)


def _mail(alert: Alert, state: str, now_ms: int) -> None:
    if not settings.ALERT_EMAILS or alert.rule.silenced_until_ms > now_ms:
        return
    text = (
        f"{alert.rule.name}\n\n{LABELS.get(alert.rule.metric, alert.rule.metric)}: "
        f"{_text(alert.value)}, expected {_text(alert.expected)}.\n"
        f"Since {to_datetime(alert.opened_ms):%Y-%m-%d %H:%M} UTC. See /ops/alerts/.\n"
    )
    try:
        send_mail(f"[recsys] {state}: {alert.rule.name}", text, None, settings.ALERT_EMAILS)
    except (OSError, smtplib.SMTPException):
        # The alert is there and the webhook as well; a dead mail server must not end the check.
        logger.exception("alert %s could not be mailed", alert.pk)


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _text(value: float | None) -> str:
    return "nothing" if value is None else f"{value:,.4g}"

"""The pages of alerts at `/ops/alerts/`."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.core.clock import HOUR_MS, now_ms, to_datetime
from apps.insights import alerts
from apps.insights.access import needs
from apps.insights.models import Alert, AlertRule
from apps.insights.roles import ALERTS, SEE
from apps.insights.watched import LABELS, METRIC_CHOICES

_SHOWN = 50
HOURS = (1, 8, 24, 168)  # that a rule may be silenced for


class RuleForm(forms.ModelForm):
    """When a metric is bad enough."""

    metric = forms.ChoiceField(choices=METRIC_CHOICES)

    class Meta:
        model = AlertRule
        fields = [
            "name",
            "metric",
            "kind",
            "direction",
            "threshold",
            "relative",
            "minimum_volume",
            "ticks",
            "is_active",
        ]


@needs(SEE)
@require_safe
def alert_list(request: HttpRequest) -> HttpResponse:
    """Show what is open, what was, and the rules."""
    moment = now_ms()
    found = Alert.objects.select_related("rule", "acknowledged_by")
    context = {
        "open": [_shown(a) for a in found.filter(resolved_ms__isnull=True).order_by("-pk")],
        "closed": [
            _shown(a) for a in found.filter(resolved_ms__isnull=False).order_by("-pk")[:_SHOWN]
        ],
        "rules": [
            (rule, LABELS.get(rule.metric, rule.metric), _silenced(rule, moment))
            for rule in AlertRule.objects.order_by("name")
        ],
        "hours": HOURS,
        "may_manage": request.user.has_perm(ALERTS),
        "until": to_datetime(moment),
    }
    return render(request, "insights/alerts.html", context)


@needs(ALERTS)
@require_http_methods(["GET", "HEAD", "POST"])
def rule_edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Make or change a rule."""
    rule = get_object_or_404(AlertRule, pk=pk) if pk else AlertRule()
    form = RuleForm(request.POST if request.method == "POST" else None, instance=rule)
    if form.is_bound and form.is_valid():
        form.save()
        messages.success(request, f"{rule.name} is saved; it is judged within a minute.")
        return redirect("alerts")
    status = 422 if form.is_bound else 200
    return render(request, "insights/rule.html", {"form": form, "pk": pk}, status=status)


def _action(act: Callable[[HttpRequest, int], str]) -> Callable[..., HttpResponse]:
    """Make a page of what changes an alert or a rule: POST only, then back to the list."""

    @wraps(act)
    def view(request: HttpRequest, pk: int) -> HttpResponse:
        try:
            messages.success(request, act(request, pk))
        except (alerts.AlertError, ValueError) as error:
            messages.error(request, str(error))
        return redirect("alerts")

    return needs(ALERTS)(require_POST(view))


@_action
def acknowledge(request: HttpRequest, pk: int) -> str:
    """Note that the user takes care of an alert."""
    alert = get_object_or_404(Alert.objects.select_related("rule"), pk=pk)
    alerts.acknowledge(alert, cast(User, request.user), now_ms=now_ms())
    return f"{alert.rule.name}: you have it."


@_action
def silence(request: HttpRequest, pk: int) -> str:
    """Tell nobody of a rule's alerts for some hours; 0 ends that."""
    rule = get_object_or_404(AlertRule, pk=pk)
    hours = int(request.POST.get("hours", ""))
    if hours not in (0, *HOURS):
        raise ValueError("That is no time to be silent for.")
    alerts.silence(rule, until_ms=now_ms() + hours * HOUR_MS if hours else 0)
    return f"{rule.name} is silent for {hours} h." if hours else f"{rule.name} speaks again."


def _shown(alert: Alert) -> dict[str, Any]:
    return {
        "alert": alert,
        "metric": LABELS.get(alert.rule.metric, alert.rule.metric),
        "opened": to_datetime(alert.opened_ms),
        "resolved": to_datetime(alert.resolved_ms) if alert.resolved_ms else None,
        "acknowledged": to_datetime(alert.acknowledged_ms) if alert.acknowledged_ms else None,
    }


def _silenced(rule: AlertRule, moment: int) -> Any:
    return to_datetime(rule.silenced_until_ms) if rule.silenced_until_ms > moment else None

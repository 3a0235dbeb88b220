"""Moments, ages and probabilities in words."""

from __future__ import annotations

from django import template

from apps.core.clock import HOUR_MS, to_datetime

register = template.Library()


@register.filter
def moment(at_ms: int | None) -> str:
    """Return a moment in ms since 1970 as date and time in UTC."""
    return f"{to_datetime(at_ms):%Y-%m-%d %H:%M}" if at_ms else "–"


@register.filter
def span(until_ms: int, since_ms: int) -> str:
    """Return how long it is from one moment to another: 5 min, 3 h, 2 d; a minus when over."""
    ms = abs(until_ms - since_ms)
    sign = "−" if until_ms < since_ms else ""
    if ms < HOUR_MS:
        return f"{sign}{ms // 60_000} min"
    return f"{sign}{ms // HOUR_MS} h" if ms < 48 * HOUR_MS else f"{sign}{ms // (24 * HOUR_MS)} d"


@register.filter
def percent(share: float | None) -> str:
    """Return a share of 1 in per cent."""
    return "–" if share is None else f"{100 * share:.0f} %"

"""Forecast what burst: how far above its baseline each content will stay."""

from __future__ import annotations

from django.db.models import QuerySet

from apps.core.clock import DAY_MS
from apps.features.algorithms.forecast import first_factor, trend_factor
from apps.features.conf import TRENDS
from apps.features.models import Trend, TrendState
from apps.features.trends.buckets import series

_ENDED_DAYS = 7  # that an ended trend is kept to be looked at


def is_due() -> bool:
    """Say whether a trend waits for its forecast."""
    judged = TrendState.objects.values_list("bucket_ms", flat=True).first()
    return judged is not None and _due(judged).exists()


def forecast(now_ms: int) -> int:
    """Forecast every burst of the last bucket, and every trend that may go on; return how many."""
    judged = TrendState.objects.values_list("bucket_ms", flat=True).first()
    if judged is None:
        return 0
    due = list(_due(judged).order_by("-bucket_ms", "-factor", "pk")[: TRENDS.most])
    for trend in due:
        values = series(trend.content_id, until_ms=judged)
        if trend.started_ms == judged:
            factor = first_factor(values[-1], trend.baseline, TRENDS.forecast)
        else:
            factor = trend_factor(values, trend.baseline, TRENDS.forecast)
        Trend.objects.filter(pk=trend.pk).update(
            factor=factor, forecast_ms=judged, computed_ms=now_ms, viewers=values[-1]
        )
    old = now_ms - _ENDED_DAYS * DAY_MS
    Trend.objects.filter(factor=0, bucket_ms__lt=old).delete()
    return len(due)


def _due(judged_ms: int) -> QuerySet[Trend]:
    """Return the trends that the last judged bucket may have changed."""
    waiting = Trend.objects.filter(forecast_ms__lt=judged_ms)
    return waiting.filter(factor__gt=0) | waiting.filter(bucket_ms=judged_ms)

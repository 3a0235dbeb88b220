"""How far behind the log its consumers are, worked out when asked: a stuck one shows as well."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from django.db import connection
from prometheus_client.core import REGISTRY, GaugeMetricFamily
from prometheus_client.registry import Collector

from apps.core.clock import now_ms
from apps.events.models import Event
from apps.features import reader, sessions
from apps.features.models import Watermark
from apps.features.trends import buckets

_KEPT = (sessions.CONSUMER, buckets.CONSUMER)  # those that every installation has
_STARTED_MS = now_ms()

logger = logging.getLogger(__name__)


def lags_seconds() -> dict[str, float]:
    """Return by consumer the age of the oldest committed event that it has not taken, else 0.

    One indexed query a consumer. `counters` are those of this process, left out before they are
    first read.
    """
    at_ms = now_ms()
    found = {}
    counters = reader.live_reader()
    if counters is not None:
        found[reader.CONSUMER] = _lag(counters.watermark, counters.caught_up_ms, at_ms)
    kept = {row.consumer: row for row in Watermark.objects.all()}
    for consumer in sorted({*_KEPT, *kept}):
        row = kept.get(consumer) or Watermark(caught_up_ms=_STARTED_MS)
        mark = (row.transaction_id, row.event_id)
        found[consumer] = _lag(mark, row.caught_up_ms, at_ms)
    return found


def _lag(watermark: tuple[int, int], caught_up_ms: int, at_ms: int) -> float:
    """Return the seconds since the first event after the watermark came.

    Imports write old moments of receipt, but nothing that was there when the consumer had last
    caught up can be left: so no event is older than that. Whoever never ran is behind since this
    process started.
    """
    if connection.vendor == "postgresql":
        after = Event.objects.extra(where=["(transaction_id, id) > (%s, %s)"], params=[*watermark])
    else:  # SQLite would use only the first of the two columns, and read the whole log
        after = Event.objects.filter(transaction_id=0, id__gt=watermark[1])
    row = after.order_by("transaction_id", "id").values_list("received_ms").first()
    return max(at_ms - max(row[0], caught_up_ms), 0) / 1000 if row else 0.0


class LagCollector(Collector):
    """`recsys_consumer_lag_seconds{consumer}`, as of the scrape."""

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Name the metric, so that registering it asks no database."""
        yield self._family()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the gauge, empty where the database is away: the rest is to be scraped."""
        family = self._family()
        try:
            for consumer, seconds in lags_seconds().items():
                family.add_metric([consumer], seconds)
        except Exception:  # whatever is wrong, the rest of the page is told
            logger.exception("the lag of the consumers could not be read")
        yield family

    def _family(self) -> GaugeMetricFamily:
        return GaugeMetricFamily(
            "recsys_consumer_lag_seconds",
            "Age of the oldest committed event that a consumer has not taken",
            labels=["consumer"],
        )


def register() -> None:
    """Add the gauge to what `/metrics` tells."""
    REGISTRY.register(LagCollector())

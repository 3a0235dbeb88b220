"""Prometheus metrics of moderation; labels are bounded."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from prometheus_client import Counter
from prometheus_client.core import REGISTRY, GaugeMetricFamily
from prometheus_client.registry import Collector

logger = logging.getLogger(__name__)

SCREENED = Counter(
    "recsys_screened_total", "Verdicts of screening, by outcome", ["kind", "category", "zone"]
)


class QueueCollector(Collector):
    """How much waits, how much of it too long, and whether texts are screened; as of the scrape."""

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Name the metrics, so that registering them asks no database."""
        yield from self._families()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the gauges, empty where the database is away: the rest is to be scraped."""
        cases, trained = self._families()
        try:
            from apps.core.clock import now_ms
            from apps.moderation import screening, selectors

            for state, n in selectors.backlog(now_ms=now_ms()).items():
                cases.add_metric([state], n)
            trained.add_metric([], float(screening.production() is not None))
        except Exception:  # whatever is wrong, the rest of the page is told
            logger.exception("the queue of moderation could not be counted")
        yield cases
        yield trained

    def _families(self) -> tuple[GaugeMetricFamily, GaugeMetricFamily]:
        return (
            GaugeMetricFamily("recsys_cases", "Cases that wait, by state", labels=["state"]),
            GaugeMetricFamily("recsys_screening_trained", "1 where texts are screened, else 0"),
        )


def register() -> None:
    """Let `/metrics` tell how the queue stands."""
    REGISTRY.register(QueueCollector())

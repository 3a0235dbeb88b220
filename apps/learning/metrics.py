"""Prometheus metrics of incremental training; labels are bounded."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from prometheus_client.core import REGISTRY, GaugeMetricFamily
from prometheus_client.registry import Collector

logger = logging.getLogger(__name__)


class OnlineCollector(Collector):
    """How incremental training stands, as of the scrape: whichever process does it."""

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Name the metrics, so that registering them asks no database."""
        yield from self._families()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the gauges, empty where the database is away: the rest is to be scraped."""
        steps, *numbers = self._families()
        try:
            from apps.core.clock import now_ms
            from apps.learning import selectors

            stand = selectors.online_standing(now_ms=now_ms())
            for state, n in stand.steps.items():
                steps.add_metric([state], n)
            values = (stand.loss, stand.multiplier, stand.buffered, stand.age_seconds)
            for family, value in zip(numbers, values, strict=True):
                if value is not None:
                    family.add_metric([], value)
        except Exception:  # whatever is wrong, the rest of the page is told
            logger.exception("the steps of incremental training could not be counted")
        yield steps
        yield from numbers

    def _families(self) -> tuple[GaugeMetricFamily, ...]:
        return (
            GaugeMetricFamily(
                "recsys_online_steps", "Steps of the last day, by outcome", labels=["state"]
            ),
            GaugeMetricFamily(
                "recsys_online_prequential_loss", "Of the network on views not yet learned from"
            ),
            GaugeMetricFamily("recsys_online_rate_multiplier", "m_t of the learning rate"),
            GaugeMetricFamily("recsys_online_buffered_views", "Views that wait for a step"),
            GaugeMetricFamily("recsys_online_age_seconds", "Since the network last followed"),
        )


def register() -> None:
    """Let `/metrics` tell how incremental training stands."""
    REGISTRY.register(OnlineCollector())

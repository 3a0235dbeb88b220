"""What `/metrics` tells of the system, worked out when asked: a dead worker shows as well."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from prometheus_client.core import REGISTRY, GaugeMetricFamily
from prometheus_client.registry import Collector

from apps.core.clock import now_ms
from apps.experiments import selectors as experiments
from apps.insights import health, selectors
from apps.insights.conf import BUCKET_MS
from apps.insights.models import Alert, Pulse

logger = logging.getLogger(__name__)

_COUNTS = ("events", "views", "clicks", "completes", "skips", "engagements", "reports")


class InsightsCollector(Collector):
    """Gauges as of the scrape; a handful of indexed queries."""

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Name the metrics, so that registering them asks no database."""
        yield from _families()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the gauges, empty where the database is away: the rest is to be scraped."""
        alerts, rollup, bundle, quarantine, pulse, withheld = families = _families()
        try:
            moment = now_ms()
            alerts.add_metric([], Alert.objects.filter(resolved_ms__isnull=True).count())
            if until_ms := selectors.data_until_ms():
                rollup.add_metric([], max(moment - until_ms, 0) / 1000)
            if (hours := health.bundle_age_hours()) is not None:
                bundle.add_metric([], hours * 3600)
            quarantine.add_metric([], health.quarantine_size())
            for what, value in _last_pulse(moment).items():
                pulse.add_metric([what], value)
            for key, is_withheld in experiments.sample_ratios_off().items():
                withheld.add_metric([key], is_withheld)
        except Exception:  # whatever is wrong, the rest of the page is told
            logger.exception("the metrics of insights could not be read")
        yield from families


class DiskCollector(Collector):
    """Room on the disks of what is written for ever; asks no database."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield total and free bytes by folder; of one that is not there yet its parent's."""
        free = GaugeMetricFamily("recsys_disk_free_bytes", "Free to us", labels=["folder"])
        size = GaugeMetricFamily("recsys_disk_size_bytes", "Of the disk", labels=["folder"])
        places = {"artifacts": settings.ARTIFACT_ROOT, "uploads": settings.MEDIA_ROOT}
        for name, folder in places.items():
            try:
                found = shutil.disk_usage(_existing(Path(folder)))
            except OSError:  # whatever is wrong, the rest of the page is told
                logger.exception("the disk of %s could not be measured", folder)
                continue
            free.add_metric([name], found.free)
            size.add_metric([name], found.total)
        yield free
        yield size


def register() -> None:
    """Add the gauges to what `/metrics` tells."""
    REGISTRY.register(InsightsCollector())
    REGISTRY.register(DiskCollector())


def _existing(folder: Path) -> Path:
    return next(place for place in (folder, *folder.absolute().parents) if place.exists())


def _families() -> tuple[GaugeMetricFamily, ...]:
    return (
        GaugeMetricFamily("recsys_open_alerts", "Alerts that are open"),
        GaugeMetricFamily("recsys_rollup_age_seconds", "Since a worker had counted all events"),
        GaugeMetricFamily("recsys_bundle_age_seconds", "Since the bundle that serves was trained"),
        GaugeMetricFamily("recsys_quarantine_events", "Events refused or waiting, 10,000 at most"),
        GaugeMetricFamily(
            "recsys_pulse", "What viewers did in the last whole five minutes", labels=["what"]
        ),
        GaugeMetricFamily(
            "recsys_experiment_withheld",
            "1 where a running experiment's sample ratio is off, else 0",
            labels=["experiment"],
        ),
    )


def _last_pulse(moment: int) -> dict[str, int]:
    """Return the counts of the last bucket that is over; zeros where nothing happened."""
    bucket_ms = moment // BUCKET_MS * BUCKET_MS - BUCKET_MS
    row = Pulse.objects.filter(bucket_ms=bucket_ms).values(*_COUNTS).first()
    return row or dict.fromkeys(_COUNTS, 0)

"""`manage.py forecast_trends`: forecast what burst; the worker calls it when anything did."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.core.clock import now_ms
from apps.features.trends.forecasts import forecast


class Command(BaseCommand):
    """Forecast bursts with ARIMA, in a process of its own."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("--quiet", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Forecast and say how many."""
        n = forecast(now_ms())
        if not options["quiet"]:
            self.stdout.write(f"{n} trends forecast.")

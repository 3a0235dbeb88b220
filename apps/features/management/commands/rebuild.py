"""`manage.py rebuild`: work out anew from the log whatever consumers have made of it."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management import BaseCommand, CommandParser

from apps.features.services import rebuild

_LINE = "{:<24} {:>12} {:>10} {:>13} {:>13} {:>9}"


class Command(BaseCommand):
    """Rebuild the counters' snapshot and the sessions, and say where they were wrong."""

    help = (
        "Work every aggregate out anew from the log, compare it with the kept one and replace it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take --check."""
        parser.add_argument(
            "--check",
            action="store_true",
            help="compare only; exit with 1 when something differs",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print one line an aggregate."""
        heads = ("aggregate", "rows", "differing", "max abs", "max relative", "seconds")
        self.stdout.write(_LINE.format(*heads))
        differing = 0
        for found in rebuild(check=options["check"]):
            differing += found.differing
            self.stdout.write(
                _LINE.format(
                    found.aggregate,
                    f"{found.rows:,}",
                    f"{found.differing:,}",
                    f"{found.max_absolute:.3g}",
                    f"{found.max_relative:.3g}",
                    f"{found.seconds:.2f}",
                )
            )
        if differing and options["check"]:
            self.stderr.write(f"{differing:,} rows differ from the log; run manage.py rebuild")
            sys.exit(1)

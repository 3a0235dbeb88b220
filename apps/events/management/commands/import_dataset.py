"""`manage.py import_dataset kuairand|movielens|recbole|events PATH…`: take in a published log."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.core.clock import now_ms
from apps.core.progress import ProgressBars
from apps.events.importers.base import Dataset, ImportFormatError
from apps.events.importers.kuairand import KuaiRand
from apps.events.importers.movielens import MovieLens
from apps.events.importers.own import import_events
from apps.events.importers.recbole import RecBole
from apps.events.importers.run import ImportReport, run_import

FORMATS: dict[str, Callable[[list[Path]], Dataset]] = {
    "kuairand": KuaiRand,
    "movielens": MovieLens,
    "recbole": RecBole,
}
_SHOWN_ERRORS = 20


class Command(BaseCommand):
    """Import a log; run again it goes on where it stopped and doubles nothing."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("format", choices=[*FORMATS, "events"])
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
        parser.add_argument("--quiet", action="store_true", help="no progress bars")

    def handle(self, *args: Any, **options: Any) -> None:
        """Import and say what came of it."""
        name, paths = options["format"], options["paths"]
        with ProgressBars(enabled=not options["quiet"]) as progress:
            try:
                if name == "events":
                    report = import_events(paths, now_ms=now_ms(), progress=progress)
                else:
                    dataset = FORMATS[name](paths)
                    report = run_import(name, dataset, paths, now_ms=now_ms(), progress=progress)
            except ImportFormatError as error:
                raise CommandError(str(error)) from error
        self._say(report)

    def _say(self, report: ImportReport) -> None:
        for line in report.bad_lines[:_SHOWN_ERRORS]:
            self.stderr.write(f"{line.place}: {line.reason}")
        if len(report.bad_lines) > _SHOWN_ERRORS:
            self.stderr.write(f"… and {len(report.bad_lines) - _SHOWN_ERRORS} more bad lines")
        if report.resumed_at:
            self.stdout.write(f"{report.resumed_at:,} rows were imported before")
        self.stdout.write(
            f"{report.n_contents:,} contents, {report.n_events:,} events from {report.n_rows:,} "
            f"rows, {report.n_duplicates:,} duplicates, {len(report.bad_lines):,} bad lines"
        )
        if report.n_of_erased:
            self.stdout.write(f"{report.n_of_erased:,} events of erased users were left out")

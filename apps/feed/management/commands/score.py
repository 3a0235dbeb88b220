"""`manage.py score --pairs FILE --out FILE [--learn]`: what viewers would do with contents."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.content import selectors as content
from apps.events import selectors as events
from apps.learning import bundle
from apps.learning.pairs import PairsFileError, read_pairs, score_pairs


class Command(BaseCommand):
    """Give every head's probability and the expected watch seconds of viewer-content pairs.

    FILE is CSV or Parquet in time order with user_id, content_id, timestamp (ISO 8601 or epoch ms).
    Each row sees what was known strictly before it. With --learn the outcomes in the file
    (watch_duration or watch_ms, long_view, like, comment, share, save, follow, skip, hide, report)
    become known after their row.
    """

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("--pairs", type=Path, required=True)
        parser.add_argument("--out", type=Path, required=True, help="CSV, or Parquet by its name")
        parser.add_argument("--learn", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the pairs with their predictions, in the order of the file."""
        promoted = bundle.production()
        if promoted is None:
            raise CommandError(bundle.problem() or "nothing is trained yet; run manage.py train")
        catalog = content.catalog()
        try:
            table = read_pairs(options["pairs"], catalog)
        except PairsFileError as error:
            raise CommandError(str(error)) from error
        log = events.log(catalog)
        started = time.perf_counter()
        predictions = score_pairs(table, log, catalog, promoted.rankers, learn=options["learn"])
        seconds = time.perf_counter() - started
        frame = table.given[["user_id", "content_id", "timestamp"]].assign(
            **{name: np.round(values, 6) for name, values in predictions.items()}
        )
        _write(frame, options["out"])
        self.stdout.write(
            f"{len(frame):,} rows in {seconds:.1f} s ({len(frame) / max(seconds, 1e-9):,.0f}/s)"
        )


def _write(frame: pd.DataFrame, path: Path) -> None:
    if path.suffix == ".parquet":
        frame.to_parquet(path, index=False)
    else:
        frame.to_csv(path, index=False)

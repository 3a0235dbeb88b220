"""`manage.py evaluate --protocol temporal|leave-last --k 10,20 --out DIR`: judge offline."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandError, CommandParser
from numpy.typing import NDArray

from apps.content import selectors as content
from apps.events import selectors as events
from apps.feed.offline import recommend
from apps.learning.conf import TrainingParams
from apps.learning.evaluation import EvaluationError, evaluate
from apps.learning.moments import Moment
from apps.learning.report import as_markdown
from apps.ranking.rankers import Rankers


class Command(BaseCommand):
    """Train on the past of a split of the log, and judge the production pipeline on its future.

    Nothing of it is published. Writes report.json and report.md.
    """

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("--protocol", choices=["temporal", "leave-last"], default="temporal")
        parser.add_argument("--k", type=_ks, default=[10, 20], help="list lengths, e.g. 10,20")
        parser.add_argument("--out", type=Path, required=True, metavar="DIR")
        parser.add_argument("--quiet", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Evaluate, write the reports and print the table."""
        started = time.perf_counter()

        def say(step: str) -> None:
            if not options["quiet"]:
                self.stdout.write(f"[{time.perf_counter() - started:6.1f} s] {step}")
                self.stdout.flush()

        catalog = content.catalog()
        try:
            report = evaluate(
                events.log(catalog),
                catalog,
                TrainingParams(),
                _rows,
                protocol=options["protocol"],
                ks=options["k"],
                say=say,
            )
        except EvaluationError as error:
            raise CommandError(str(error)) from error
        report["seconds"] = round(time.perf_counter() - started, 1)
        out: Path = options["out"]
        out.mkdir(parents=True, exist_ok=True)
        (out / "report.json").write_text(json.dumps(report, indent=1))
        text = as_markdown(report)
        (out / "report.md").write_text(text)
        self.stdout.write(text)


def _rows(
    moment: Moment, rankers: Rankers, viewers: Sequence[int], k: int
) -> Iterator[NDArray[np.int64]]:
    return (candidates.rows for _, candidates in recommend(moment, rankers, viewers, k))


def _ks(text: str) -> list[int]:
    return sorted({int(part) for part in text.split(",")})

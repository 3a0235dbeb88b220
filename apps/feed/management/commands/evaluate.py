"""`manage.py evaluate --protocol temporal|leave-last [--tune 10] [--sources] --out DIR`."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandError, CommandParser
from numpy.typing import NDArray

from apps.content import selectors as content
from apps.content.types import Catalog
from apps.events import selectors as events
from apps.events.types import EventLog
from apps.feed.offline import recommend
from apps.learning.conf import TrainingParams
from apps.learning.evaluation import EvaluationError, evaluate, split
from apps.learning.moments import Moment
from apps.learning.report import as_markdown
from apps.learning.source_evaluation import as_table, evaluate_sources
from apps.learning.training import Say
from apps.learning.tuning import tune
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
        parser.add_argument(
            "--tune", type=float, default=0, metavar="MINUTES", help="tune on the past first"
        )
        parser.add_argument(
            "--sources", action="store_true", help="judge the sources instead of the whole"
        )
        parser.add_argument("--quiet", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Evaluate, write the reports and print the table."""
        started = time.perf_counter()

        def say(step: str) -> None:
            if not options["quiet"]:
                self.stdout.write(f"[{time.perf_counter() - started:6.1f} s] {step}")
                self.stdout.flush()

        catalog = content.catalog()
        log = events.log(catalog)
        judge = _judge_sources if options["sources"] else _judge_pipeline
        try:
            params = _params(log, catalog, options, say)
            report, text = judge(log, catalog, params, options, say)
        except EvaluationError as error:
            raise CommandError(str(error)) from error
        report["seconds"] = round(time.perf_counter() - started, 1)
        out: Path = options["out"]
        out.mkdir(parents=True, exist_ok=True)
        (out / "report.json").write_text(json.dumps(report, indent=1))
        (out / "report.md").write_text(text)
        self.stdout.write(text)


def _params(log: EventLog, catalog: Catalog, options: dict[str, Any], say: Say) -> TrainingParams:
    """Return the defaults, or what tuning finds; it sees nothing but the past of the split.

    Values that were tuned on this installation's whole log have seen the future: never used here.
    """
    params = TrainingParams()
    if not options["tune"]:
        return params
    past = split(log, catalog, options["protocol"])[0].past
    found, _ = tune(past, catalog, params.retrieval, minutes=options["tune"], pinned={}, say=say)
    return replace(params, retrieval=found)


def _judge_pipeline(
    log: EventLog, catalog: Catalog, params: TrainingParams, options: dict[str, Any], say: Say
) -> tuple[dict[str, Any], str]:
    asked = {"protocol": options["protocol"], "ks": options["k"], "say": say}
    report = evaluate(log, catalog, params, _rows, **asked)
    report["retrieval"] = asdict(params.retrieval)
    return report, as_markdown(report)


def _judge_sources(
    log: EventLog, catalog: Catalog, params: TrainingParams, options: dict[str, Any], say: Say
) -> tuple[dict[str, Any], str]:
    asked = {"protocol": options["protocol"], "ks": options["k"], "say": say}
    found = evaluate_sources(log, catalog, params.retrieval, **asked)
    report = {"sources": found, "retrieval": asdict(params.retrieval)}
    return report, as_table(found, options["k"][0])


def _rows(
    moment: Moment, rankers: Rankers, viewers: Sequence[int], k: int
) -> Iterator[NDArray[np.int64]]:
    return (candidates.rows for _, candidates in recommend(moment, rankers, viewers, k))


def _ks(text: str) -> list[int]:
    return sorted({int(part) for part in text.split(",")})

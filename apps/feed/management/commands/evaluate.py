"""`manage.py evaluate --protocol NAME [--tune] [--sources] [--curve] [--json] [--out DIR]`."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.content import selectors as content
from apps.content.types import Catalog
from apps.events import selectors as events
from apps.events.types import EventLog
from apps.feed.offline import ranked_rows, rows_by_score, rows_by_select_alone
from apps.learning.algorithms.off_policy import OffPolicyError
from apps.learning.conf import TrainingParams
from apps.learning.evaluation.earlier import last_production
from apps.learning.evaluation.off_policy import as_text, judge_off_policy, read_policy
from apps.learning.evaluation.plan import Plan
from apps.learning.evaluation.protocols import evaluate
from apps.learning.evaluation.report import as_markdown
from apps.learning.evaluation.sources import as_table, evaluate_sources
from apps.learning.evaluation.splits import PROTOCOLS, EvaluationError, split
from apps.learning.training import Say
from apps.learning.tuning.search import TRIALS, tune


class Command(BaseCommand):
    """Train on the past of a split of the log, and judge the production pipeline on its future.

    Nothing of it is published.
    """

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("--protocol", choices=PROTOCOLS, default="temporal")
        parser.add_argument("--k", type=_ks, default=[10, 20], help="list lengths, e.g. 10,20")
        parser.add_argument("--out", type=Path, metavar="DIR", help="write the reports here")
        parser.add_argument(
            "--tune",
            type=int,
            nargs="?",
            const=TRIALS,
            default=0,
            metavar="TRIALS",
            help=f"tune on the past first, by so many trials ({TRIALS})",
        )
        parser.add_argument(
            "--sources", action="store_true", help="judge the sources instead of the whole"
        )
        parser.add_argument(
            "--off-policy",
            nargs="?",
            const="logged",
            metavar="CSV",
            help="judge another policy on the served slates: request_id, content_pk, chance; "
            "without a file try whether the log could tell",
        )
        parser.add_argument(
            "--curve", action="store_true", help="judge models of less of the past too"
        )
        parser.add_argument("--json", action="store_true", help="print the report as JSON only")
        parser.add_argument("--quiet", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Evaluate, write the reports and print the table."""
        started = time.perf_counter()

        def say(step: str) -> None:
            if not options["quiet"] and not options["json"]:
                self.stdout.write(f"[{time.perf_counter() - started:6.1f} s] {step}")
                self.stdout.flush()

        catalog = content.catalog()
        try:
            report, text = _judged(catalog, options, say)
        except (EvaluationError, OffPolicyError) as error:
            raise CommandError(str(error)) from error
        report["seconds"] = round(time.perf_counter() - started, 1)
        encoded = json.dumps(report, indent=1)
        if out := options["out"]:
            out.mkdir(parents=True, exist_ok=True)
            (out / "report.json").write_text(encoded)
            (out / "report.md").write_text(text)
        self.stdout.write(encoded if options["json"] else text)


def _judged(catalog: Catalog, options: dict[str, Any], say: Say) -> tuple[dict[str, Any], str]:
    if chosen := options["off_policy"]:
        policy = None if chosen == "logged" else read_policy(Path(chosen))
        found = judge_off_policy(catalog, policy=policy)
        return {"off_policy": found}, as_text(found)
    log = events.log(catalog)
    params = _params(log, catalog, options, say)
    judge = _judge_sources if options["sources"] else _judge_pipeline
    return judge(log, catalog, params, options, say)


def _params(log: EventLog, catalog: Catalog, options: dict[str, Any], say: Say) -> TrainingParams:
    """Return the defaults, or what tuning finds; it sees nothing but the past of the split.

    Values that were tuned on this installation's whole log have seen the future: never used here.
    """
    params = TrainingParams()
    if not options["tune"]:
        return params
    past = split(log, catalog, options["protocol"])[0].past
    found, _ = tune(past, catalog, params.retrieval, n_trials=options["tune"], pinned={}, say=say)
    return replace(params, retrieval=found)


def _judge_pipeline(
    log: EventLog, catalog: Catalog, params: TrainingParams, options: dict[str, Any], say: Say
) -> tuple[dict[str, Any], str]:
    plan = Plan(
        catalog=catalog,
        params=params,
        recommend=ranked_rows,
        ks=options["k"],
        say=say,
        others={"select_alone": rows_by_select_alone, "by_score": rows_by_score},
        earlier=last_production(catalog),
        curve=options["curve"],
    )
    report = evaluate(log, plan, protocol=options["protocol"])
    report["retrieval"] = asdict(params.retrieval)
    return report, as_markdown(report)


def _judge_sources(
    log: EventLog, catalog: Catalog, params: TrainingParams, options: dict[str, Any], say: Say
) -> tuple[dict[str, Any], str]:
    asked = {"protocol": options["protocol"], "ks": options["k"], "say": say}
    found = evaluate_sources(log, catalog, params.retrieval, **asked)
    report = {"sources": found, "retrieval": asdict(params.retrieval)}
    return report, as_table(found, options["k"][0])


def _ks(text: str) -> list[int]:
    return sorted({int(part) for part in text.split(",")})

"""`manage.py simulate [--policy …] [--seed …] [--json FILE] [--report FOLDER]`: the closed loop."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.simulation.loop.policies import POLICIES
from apps.simulation.loop.report import write_report
from apps.simulation.loop.scenario import ScenarioParams
from apps.simulation.loop.summary import placebo_lift, summarize
from apps.simulation.loop.workspaces import Run, run_policy, workspaces

_PLACEBO_DAYS = 4  # enough for three trainings


class Command(BaseCommand):
    """Let virtual viewers live with the feed, and with yardsticks that know them.

    Each run is a process with an empty SQLite database and a clock of its own; the database of this
    installation is not touched. Viewers and incidents are the same under every policy of a seed.
    """

    help = __doc__
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        default = ScenarioParams()
        parser.add_argument("--viewers", type=int, default=default.n_viewers)
        parser.add_argument("--days", type=int, default=default.n_days)
        parser.add_argument("--contents", type=int, default=default.n_archive, help="at the start")
        parser.add_argument("--seed", default="1", help="one or more, by commas")
        parser.add_argument("--policy", default=",".join(POLICIES), help="by commas")
        parser.add_argument("--no-placebo", action="store_true", help="leave the placebo out")
        parser.add_argument("--json", type=Path, help="write the figures here")
        parser.add_argument("--report", type=Path, help="write report.html into this folder")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run every policy for every seed."""
        policies = options["policy"].split(",")
        if unknown := set(policies) - set(POLICIES):
            raise CommandError(f"no policy {sorted(unknown)}; expected {', '.join(POLICIES)}")
        try:
            seeds = [int(seed) for seed in options["seed"].split(",")]
        except ValueError as error:
            raise CommandError(f"--seed={options['seed']}: expected numbers by commas") from error
        params = ScenarioParams(
            n_viewers=options["viewers"], n_days=options["days"], n_archive=options["contents"]
        )
        with workspaces() as template:
            runs = {
                policy: [self._run(template, policy, replace(params, seed=seed)) for seed in seeds]
                for policy in policies
            }
            summary = summarize(runs)
            if "system" in policies and not options["no_placebo"]:
                summary["placebo_lift"] = self._placebo(template, replace(params, seed=seeds[0]))
        about = {"viewers": params.n_viewers, "days": params.n_days, "seeds": len(seeds)}
        if options["json"]:
            options["json"].write_text(json.dumps({**summary, "about": about}, indent=1))
        if options["report"]:
            self.stdout.write(str(write_report(options["report"], summary, about=about)))
        for name, value in summary["compared"].items():
            self.stdout.write(f"{name}  {value:.3f}")

    def _run(self, template: Path, policy: str, params: ScenarioParams) -> Run:
        run = run_policy(template, policy, params)
        d7 = "–" if run["d7"] is None else f"{run['d7']:.2f}"
        self.stdout.write(
            f"{policy:<8} seed {params.seed}{' placebo' if params.is_placebo else ''}: "
            f"{run['minutes_per_viewer_day']:.3f} minutes a viewer and day, D7 {d7}, "
            f"{run['impressions']:,} impressions in {run['seconds']:.0f} s"
        )
        self.stdout.flush()
        return run

    def _placebo(self, template: Path, params: ScenarioParams) -> dict[str, float]:
        days = min(params.n_days, _PLACEBO_DAYS)
        placebo = replace(params, is_placebo=True, n_days=days)
        return placebo_lift(
            *(self._run(template, policy, placebo) for policy in ("system", "random"))
        )

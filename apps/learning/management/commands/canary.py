"""`manage.py canary [--percent 5] [--stop] [--reason TEXT]`: some viewers get the candidate."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.core.artifacts import ArtifactError
from apps.core.clock import now_ms
from apps.core.versions import version_named
from apps.learning.bundle import FAMILY
from apps.learning.conf import RolloutParams
from apps.learning.rollout import steps
from apps.learning.rollout.steps import RolloutError

_BY = "manage.py canary"


class Command(BaseCommand):
    """Give a share of the viewers the candidate, and as many others count as the control.

    A guardrail that is worse for certain ends it; else it stays until somebody promotes the
    candidate or stops it. No training runs meanwhile.
    """

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("--percent", type=int, default=5, choices=range(1, 51), metavar="1-50")
        parser.add_argument("--stop", action="store_true", help="end the rollout under way")
        parser.add_argument("--reason", default="", help="kept in the history of moves")

    def handle(self, *args: Any, **options: Any) -> None:
        """Start or stop, and say what holds now."""
        try:
            say = self._stop if options["stop"] else self._start
            self.stdout.write(say(options))
        except (RolloutError, ArtifactError) as error:
            raise CommandError(str(error)) from error

    def _start(self, options: dict[str, Any]) -> str:
        candidate = version_named(FAMILY, None)
        params, percent = RolloutParams(), options["percent"]
        steps.begin_canary(
            candidate, percent, params, by=_BY, why=options["reason"], now_ms=now_ms()
        )
        return f"{candidate} serves {percent} % of the viewers; see /ops/models/"

    def _stop(self, options: dict[str, Any]) -> str:
        rollout = steps.current()
        if rollout is None:
            raise RolloutError("no rollout is under way")
        steps.end(rollout, by=_BY, why=options["reason"], now_ms=now_ms())
        return f"{rollout} is ended; production serves everybody"

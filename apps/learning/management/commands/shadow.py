"""`manage.py shadow [VERSION] [--share 1]`: score what was served with a version that does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.core.artifacts import ArtifactError, production_artifact
from apps.core.clock import now_ms
from apps.core.versions import version_named
from apps.learning.bundle import FAMILY
from apps.learning.conf import RolloutParams
from apps.learning.rollout.looks import look


class Command(BaseCommand):
    """Compare a version with production on logged slates that neither was trained on.

    The report is stored with the version: /ops/models/ shows it.
    """

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("version", nargs="?", type=int, help="e.g. 41; default: the candidate")
        parser.add_argument("--share", type=float, default=1.0, help="of the slates, 0-1")

    def handle(self, *args: Any, **options: Any) -> None:
        """Score and print what the gates say."""
        if not 0 < options["share"] <= 1:
            raise CommandError("--share: expected more than 0 and at most 1")
        try:
            candidate = version_named(FAMILY, options["version"])
            production = production_artifact(FAMILY)
            if production is None or production.pk == candidate.pk:
                raise CommandError(f"{candidate}: there is no other version that serves")
            params = replace(RolloutParams(), shadow_share=options["share"])
            verdicts = look(candidate, production, params, now_ms=now_ms())
        except ArtifactError as error:
            raise CommandError(str(error)) from error
        for verdict in verdicts:
            self.stdout.write(f"{verdict.gate}: {verdict.state}: {verdict.reason}")
            for name, value in verdict.numbers.items():
                shown = f"{value:,.4f}" if isinstance(value, float) else value
                self.stdout.write(f"  {name}: {shown}")

"""`manage.py train [--until TIME] [--strict | --promote | --no-promote]`: learn from the log."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.core.artifacts import ArtifactError, production_artifact
from apps.core.clock import parse_moment
from apps.feed.offline import ranked_rows
from apps.learning.bundle import FAMILY
from apps.learning.conf import TrainingParams
from apps.learning.selectors import training_params
from apps.learning.services import TrainingError, train_and_publish, train_through_gates


class Command(BaseCommand):
    """Train retrieval models and rankers, check them in a child process, pass them by the gates.

    The first version serves when it is sane; a later one when it is not worse than the one that
    serves on the latest views, which it has not learned from. Where too little happened since to
    judge by, it serves as it was asked for; `--strict` lets it wait instead.
    """

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("--until", type=parse_moment, help="use events before this moment only")
        parser.add_argument(
            "--if-missing", action="store_true", help="do nothing when a bundle serves already"
        )
        parser.add_argument(
            "--strict", action="store_true", help="serve only what every gate has proven (nightly)"
        )
        parser.add_argument(
            "--viewers",
            type=int,
            default=TrainingParams().max_viewers,
            help="viewers that give examples to select, a slice; fewer train faster",
        )
        parser.add_argument(
            "--views",
            type=int,
            default=TrainingParams().max_views,
            help="latest views that the heads learn from; fewer train faster",
        )
        gated = parser.add_mutually_exclusive_group()
        gated.add_argument(
            "--promote", action="store_true", help="learn from everything and serve, ungated"
        )
        gated.add_argument(
            "--no-promote", action="store_true", help="learn from everything, serve nothing new"
        )
        parser.add_argument("--quiet", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Train and say what came of it."""
        params = replace(
            training_params(), max_viewers=options["viewers"], max_views=options["views"]
        )
        if options["if_missing"] and production_artifact(FAMILY) is not None:
            self.stdout.write("A bundle serves already; nothing was trained.")
            return
        started = time.perf_counter()

        def say(step: str) -> None:
            if not options["quiet"]:
                self.stdout.write(f"[{time.perf_counter() - started:6.1f} s] {step}")
                self.stdout.flush()

        asked = {"say": say, "until_ms": options["until"]}
        try:
            if options["promote"] or options["no_promote"]:
                artifact = train_and_publish(params, promote=options["promote"], **asked)
            else:
                artifact = train_through_gates(
                    params,
                    recommend=ranked_rows,
                    needs_proof=options["strict"],
                    by_canary=settings.ROLLOUT == "canary",
                    **asked,
                )
        except (TrainingError, ArtifactError) as error:
            raise CommandError(str(error)) from error
        if artifact.alias == artifact.Alias.PRODUCTION:
            say(f"{artifact} serves; index recall {artifact.manifest['index_recall']:.3f}")
        else:
            self.stdout.write(f"{artifact} is the candidate; manage.py promote would serve it")

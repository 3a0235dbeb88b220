"""`manage.py train [--until TIME]`: learn from the log and put the result into service."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.core.artifacts import ArtifactError, production_artifact
from apps.core.clock import parse_moment
from apps.learning.bundle import FAMILY
from apps.learning.selectors import training_params
from apps.learning.services import TrainingError, train_and_publish


class Command(BaseCommand):
    """Train retrieval models and rankers, check them in a child process, promote them."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("--until", type=parse_moment, help="use events before this moment only")
        parser.add_argument(
            "--if-missing", action="store_true", help="do nothing when a bundle serves already"
        )
        parser.add_argument("--quiet", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Train and say what came of it."""
        if options["if_missing"] and production_artifact(FAMILY) is not None:
            self.stdout.write("A bundle serves already; nothing was trained.")
            return
        started = time.perf_counter()

        def say(step: str) -> None:
            if not options["quiet"]:
                self.stdout.write(f"[{time.perf_counter() - started:6.1f} s] {step}")
                self.stdout.flush()

        try:
            artifact = train_and_publish(training_params(), say=say, until_ms=options["until"])
        except (TrainingError, ArtifactError) as error:
            raise CommandError(str(error)) from error
        say(f"{artifact} serves; index recall {artifact.manifest['index_recall']:.3f}")

"""`manage.py tune --trials 100 --pin als.factors=64`: let the log decide the parameters."""

from __future__ import annotations

import json
from math import inf
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.core.clock import parse_moment
from apps.learning import services
from apps.learning.services import TrainingError
from apps.learning.tuning.search import TRIALS


class Command(BaseCommand):
    """Search the parameters of retrieval on the latest slice of the log; training uses them."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("--trials", type=int, default=TRIALS, help="values to try")
        parser.add_argument("--minutes", type=float, default=inf, help="cut the search after these")
        parser.add_argument("--until", type=parse_moment, help="use events before this moment only")
        parser.add_argument("--pin", action="append", default=[], metavar="NAME=VALUE")
        parser.add_argument("--unpin", action="append", default=[], metavar="NAME")
        parser.add_argument("--quiet", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Pin and unpin, search, and print what was decided."""
        say = (lambda step: None) if options["quiet"] else self.stdout.write
        try:
            services.pin(dict(map(_assignment, options["pin"])), unpin=options["unpin"])
            params = services.tune_and_store(
                n_trials=options["trials"],
                minutes=options["minutes"],
                until_ms=options["until"],
                say=say,
            )
        except (TrainingError, ValueError) as error:
            raise CommandError(str(error)) from error
        for name, value in params.items():
            self.stdout.write(f"{name} = {value}")


def _assignment(text: str) -> tuple[str, Any]:
    name, _, value = text.partition("=")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError as error:
        raise CommandError(f"{text!r}: expected NAME=VALUE with a JSON value") from error

"""`manage.py rollback [--family bundle] [--reason TEXT]`: let the version before serve again."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.core.artifacts import ArtifactError, rollback_artifact


class Command(BaseCommand):
    """Swap production and previous: everything that was learned goes back together."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("--family", default="bundle")
        parser.add_argument("--reason", default="", help="kept in the history of moves")

    def handle(self, *args: Any, **options: Any) -> None:
        """Roll back and say what serves."""
        try:
            artifact = rollback_artifact(
                options["family"], by="manage.py rollback", why=options["reason"]
            )
        except ArtifactError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{artifact} serves again.")

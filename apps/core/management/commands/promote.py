"""`manage.py promote [VERSION] [--force] [--reason TEXT]`: let a version serve."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.core.artifacts import ArtifactError
from apps.core.versions import promote_checked, version_named


class Command(BaseCommand):
    """Promote the candidate, or the version named: one row changes, nothing is trained.

    A version that a gate has failed is refused, unless forced.
    """

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("version", nargs="?", type=int, help="e.g. 41; default: the candidate")
        parser.add_argument("--family", default="bundle")
        parser.add_argument("--force", action="store_true", help="even if a gate has failed it")
        parser.add_argument("--reason", default="", help="kept in the history of moves")

    def handle(self, *args: Any, **options: Any) -> None:
        """Promote and say what serves."""
        try:
            artifact = version_named(options["family"], options["version"])
            promote_checked(
                artifact, force=options["force"], by="manage.py promote", why=options["reason"]
            )
        except ArtifactError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{artifact} serves.")

"""`manage.py create_key NAME [--scopes …]`: make a server key and print it once."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.core.auth import create_key
from apps.core.models import Scope

_DEFAULT = [scope for scope in Scope.values if scope != Scope.EVENTS_BACKFILL]


class Command(BaseCommand):
    """Make a server key."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("name")
        parser.add_argument(
            "--scopes", nargs="+", choices=Scope.values, default=_DEFAULT, metavar="SCOPE"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the key; it cannot be shown again."""
        self.stdout.write(create_key(name=options["name"], scopes=options["scopes"]))

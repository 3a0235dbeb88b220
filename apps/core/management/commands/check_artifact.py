"""`manage.py check_artifact FAMILY FOLDER`: load and try an artifact; runs in a child process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.utils.module_loading import import_string


class Command(BaseCommand):
    """Exit 0 only if the artifact proves itself; a damaged one may kill this process."""

    help = __doc__
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("family")
        parser.add_argument("folder", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the family's check."""
        check = import_string(settings.ARTIFACT_CHECKS[options["family"]])
        check(options["folder"])

"""`manage.py versions [--family bundle]`: what there is, and what the gates said of it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.core.models import Artifact


class Command(BaseCommand):
    """List the versions, the latest first."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("--family", default="bundle")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print one line a version, and one a gate."""
        found = Artifact.objects.filter(family=options["family"]).order_by("-pk")
        for artifact in found:
            manifest = artifact.manifest
            size = f"{manifest.get('bytes', 0) / 2**20:.1f} MB"
            until = manifest.get("data_until", "–")
            self.stdout.write(
                f"{artifact}  {artifact.alias or '–':<10}  {artifact.created_at:%Y-%m-%d %H:%M}  "
                f"knows events until {until}  {size}  from {manifest.get('parent') or '–'}"
            )
            for verdict in artifact.gates:
                self.stdout.write(f"    {verdict['gate']}: {verdict['state']}: {verdict['reason']}")

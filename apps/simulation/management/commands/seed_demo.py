"""`manage.py seed_demo [--seed N]`: a believable world with two weeks of behavior."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.content.models import Content
from apps.core.clock import now_ms
from apps.core.progress import ProgressBars
from apps.simulation.services import store_world
from apps.simulation.world import WorldParams, build_world


class Command(BaseCommand):
    """Fill an empty database with a synthetic world; the same seed gives the same world."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        default = WorldParams()
        parser.add_argument("--seed", type=int, default=default.seed)
        parser.add_argument("--viewers", type=int, default=default.n_viewers)
        parser.add_argument("--contents", type=int, default=default.n_contents)
        parser.add_argument("--days", type=int, default=default.n_days)
        parser.add_argument("--quiet", action="store_true", help="no progress bars")

    def handle(self, *args: Any, **options: Any) -> None:
        """Seed, unless there is something already."""
        if Content.objects.exists():
            self.stdout.write("There are contents already; the demo world was not added.")
            return
        moment = now_ms()
        world = build_world(
            WorldParams(
                seed=options["seed"],
                n_viewers=options["viewers"],
                n_contents=options["contents"],
                n_days=options["days"],
                end_ms=moment,
            )
        )
        with ProgressBars(enabled=not options["quiet"]) as progress:
            n_events = store_world(world, now_ms=moment, progress=progress)
        self.stdout.write(
            f"{options['viewers']:,} viewers, {options['contents']:,} contents, {n_events:,} events"
        )

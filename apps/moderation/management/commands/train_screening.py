"""`manage.py train_screening`: learn the screening of texts and let it serve."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.core.errors import RecsysError
from apps.moderation import training
from apps.moderation.conf import CATEGORY_CLAUSE


class Command(BaseCommand):
    """Learn from labeled files, from moderators' decisions, or from both."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("--tweets", type=Path, help="CSV (.gz): class (0, 1, 2), tweet")
        parser.add_argument("--spam", type=Path, nargs="+", default=[], help="CSV: CONTENT, CLASS")
        parser.add_argument("--decisions", action="store_true", help="learn from moderators too")

    def handle(self, *args: Any, **options: Any) -> None:
        """Train, check in a child process, serve, and say what the zones are."""
        tweets, spam = options["tweets"], options["spam"]
        chosen = CATEGORY_CLAUSE if options["decisions"] else ()
        try:
            made = training.train_all(
                tweets=training.read_tweets(tweets) if tweets else None,
                spam=[training.read_spam(path) for path in spam],
                decisions={name: training.read_decisions(name) for name in chosen},
            )
            artifact = training.publish(
                made, {"learned_from": [p.name for p in (tweets, *spam) if p]}
            )
        except (RecsysError, OSError, ValueError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{artifact} screens texts from now on")
        for category, classifier in made.items():
            review, block = classifier.zones
            at = f"{block:.3f}" if block <= 1 else "never"
            self.stdout.write(f"  {category}: review from {review:.3f}, block from {at}")

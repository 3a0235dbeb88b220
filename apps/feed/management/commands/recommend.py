"""`manage.py recommend --users FILE --k N [--at TIME] --out FILE.csv`: lists of many viewers."""

from __future__ import annotations

import csv
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from apps.content import selectors as content
from apps.core.clock import now_ms, parse_moment
from apps.events import selectors as events
from apps.feed.offline import recommend
from apps.learning import bundle
from apps.learning.moments import moment
from apps.profiles.selectors import chosen, viewer_keys


class Command(BaseCommand):
    """Rank for many viewers with the production pipeline, without exploration.

    Everything is as of --at: histories, counters and follows hold what happened before it; chosen
    categories are those of now. Contents that a viewer has met are left out. Viewers never heard of
    get the cold-start list.
    """

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("--users", type=Path, required=True, help="a user_id a line, or a CSV")
        parser.add_argument("--k", type=int, default=10)
        parser.add_argument("--at", type=parse_moment, help="default: after the last event")
        parser.add_argument("--out", type=Path, required=True)
        parser.add_argument("--quiet", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write user_id,content_id,rank,score."""
        promoted = bundle.production()
        if promoted is None:
            raise CommandError(bundle.problem() or "nothing is trained yet; run manage.py train")
        if not 1 <= options["k"] <= 1000:
            raise CommandError(f"--k {options['k']}: expected 1 to 1000")
        user_ids = read_user_ids(options["users"])
        catalog = content.catalog()
        log = events.log(catalog, until_ms=options["at"])
        at_ms = options["at"]
        if at_ms is None:
            at_ms = int(log.at_ms[-1]) + 1 if len(log) else now_ms()
        keys = viewer_keys(user_ids)
        viewers = [keys.get(user_id, 0) for user_id in user_ids]
        then = moment(log, catalog, promoted.retrieval, at_ms)
        then = replace(then, chosen=chosen())
        public = content.all_public_ids()
        started = time.perf_counter()
        with options["out"].open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["user_id", "content_id", "rank", "score"])
            lists = recommend(then, promoted.rankers, viewers, options["k"])
            bar = tqdm(
                zip(user_ids, lists, strict=True), total=len(user_ids), disable=options["quiet"]
            )
            for user_id, (_, candidates) in bar:
                for rank, row in enumerate(candidates.rows.tolist(), 1):
                    content_id = public[int(catalog.content_pk[row])]
                    score = f"{candidates['score'][rank - 1]:.6g}"
                    writer.writerow([user_id, content_id, rank, score])
        seconds = time.perf_counter() - started
        self.stdout.write(
            f"{len(user_ids):,} viewers in {seconds:.1f} s "
            f"({len(user_ids) / max(seconds, 1e-9):.0f}/s)"
        )


def read_user_ids(path: Path) -> list[str]:
    """Return the first column of a text or CSV file; a header `user_id` is passed over."""
    with path.open(newline="") as file:
        ids = [row[0].strip() for row in csv.reader(file) if row and row[0].strip()]
    return ids[1:] if ids and ids[0] == "user_id" else ids

"""`manage.py seed_moderation`: work for the moderators of a demo, and a classifier to screen it.

Uploads and comments with made-up spam and insults, reports by viewers, and a classifier learned
from other such sentences and the demo's own texts. It is for looking at the product: how well texts
are screened, `benchmarks/screening.py` says on real ones.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.content.models import Content
from apps.content.selectors import content_keys
from apps.content.services import upsert_contents
from apps.content.types import ContentMetadata, ContentRow
from apps.core.clock import HOUR_MS, now_ms, to_datetime
from apps.events.services import LoggedEvent, append_log
from apps.events.types import EventType
from apps.moderation import screening, training
from apps.moderation.algorithms.zones import Zones
from apps.profiles.services import ensure_viewers
from apps.simulation.abuse import INSULTS, SPAM, learned, uploaded
from apps.simulation.remarks import COMMENT_TEXTS

_CREATORS = tuple(f"c_troll_{i}" for i in range(5))
_CLEAN, _BAD = 500, 100  # texts to learn from
# Made-up sentences are told apart without an error, so calibration on them would put the zones in
# the noise. By hand: some of what is planted is removed, most waits, little passes; and what
# somebody who tries the demo writes about their own videos, in words that no made-up sentence has,
# is not held back as spam.
_ZONES = {"offensive": Zones(review=0.05, block=0.95), "spam": Zones(review=0.3, block=0.95)}
_UPLOADS, _COMMENTS, _REPORTS = 12, 12, 30  # of each kind; of all contents
_REPORTERS = tuple(f"viewer_{i:04d}" for i in range(1, 13))
_REASONS = ("spam", "hate", "harassment", "nudity", "violence")


class Command(BaseCommand):
    """Give the demo spam, insults, reports and a classifier, once."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        """Learn, then plant; nothing where there are no contents or it was done before."""
        clean = list(Content.objects.order_by("pk").values_list("description", flat=True)[:_CLEAN])
        if not clean:
            raise CommandError("there are no contents yet; run manage.py seed_demo")
        if Content.objects.filter(creator__creator_id=_CREATORS[0]).exists():
            self.stdout.write("The demo has its spam and insults already.")
            return
        rng = random.Random(0)  # noqa: S311  nothing secret
        if screening.production() is None:
            files = _write_labels([*clean, *COMMENT_TEXTS], settings.VAR_DIR / "demo", rng)
            tweets, spam = training.read_tweets(files[0]), training.read_spam(files[1])
            made = training.train_all(tweets=tweets, spam=[spam], decisions={})
            made = {name: replace(c, zones=_ZONES[name]) for name, c in made.items()}
            training.publish(made, {"learned_from": [path.name for path in files], "is_demo": True})
        n_uploads, n_events = _plant(rng, now_ms=now_ms())
        self.stdout.write(
            f"{n_uploads} uploads and {n_events} comments and reports wait for the screening"
        )


def _write_labels(clean: list[str], folder: Path, rng: random.Random) -> list[Path]:
    """Write labeled texts as `train_screening` reads them, and return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    insults, spam = (learned(wordings, _BAD, rng) for wordings in (INSULTS, SPAM))
    labels = {
        "insults.csv": (("class", "tweet"), {"1": insults, "2": [*clean, *spam]}),
        "spam.csv": (("CLASS", "CONTENT"), {"1": spam, "0": [*clean, *insults]}),
    }
    return [_written(folder / name, *told, rng) for name, told in labels.items()]


def _written(
    path: Path, header: tuple[str, str], texts: dict[str, list[str]], rng: random.Random
) -> Path:
    rows = [(label, text) for label, of in texts.items() for text in of]
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rng.sample(rows, len(rows))])
    return path


def _plant(rng: random.Random, *, now_ms: int) -> tuple[int, int]:
    texts = [text for kind in (INSULTS, SPAM) for text in uploaded(kind, _UPLOADS, rng)]
    rows = [
        ContentRow(
            f"v_troll_{i:03d}",
            rng.choice(_CREATORS),
            upload_timestamp=to_datetime(now_ms - rng.randrange(24) * HOUR_MS),
            metadata=ContentMetadata(description=text, language="en", duration=15.0),
        )
        for i, text in enumerate(texts)
    ]
    events = list(_events(rng, now_ms))
    upsert_contents(rows, now_ms=now_ms)
    viewers = ensure_viewers(sorted({event.user_id for event in events}))
    contents = content_keys({event.content_id for event in events})
    return len(rows), append_log(events, viewers=viewers, contents=contents)


def _events(rng: random.Random, now_ms: int) -> Iterator[LoggedEvent]:
    """Yield comments under the latest contents, and reports of a few of them."""
    newest = list(Content.objects.order_by("-uploaded_ms", "pk").values_list("content_id")[:40])
    contents = [content_id for (content_id,) in newest]

    def at_ms() -> int:
        return now_ms - rng.randrange(1, 12 * HOUR_MS)

    for text in [text for kind in (INSULTS, SPAM) for text in uploaded(kind, _COMMENTS, rng)]:
        info = {"comment_text": text}
        who, about = rng.choice(_REPORTERS), rng.choice(contents)
        yield LoggedEvent(who, about, EventType.COMMENT, at_ms(), info=info)
    for _ in range(_REPORTS):
        info = {"reason": rng.choice(_REASONS)}
        who, about = rng.choice(_REPORTERS), rng.choice(contents[:10])
        yield LoggedEvent(who, about, EventType.REPORT, at_ms(), info=info)

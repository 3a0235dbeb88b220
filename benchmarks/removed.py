"""Is anything that moderation removed still recommended, with every cache as stale as can be.

Fills a world, warms the caches, removes contents by decisions, and lets many viewers scroll while
the process never looks at the database for changes: only the feed's last query can tell.

    python benchmarks/removed.py [--items 100000] [--json FILE]
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.common import parser, report, workspace

_REMOVED = 200
_VIEWERS = 500


def main() -> None:
    """Measure and report."""
    args = parser(__doc__)
    args.add_argument("--items", type=int, default=100_000)
    given = args.parse_args()
    with workspace() as env:
        os.environ.update(
            env, DJANGO_SETTINGS_MODULE="recsys.settings", RECSYS_REFRESH_SECONDS="60"
        )
        os.environ["RECSYS_LOG_LEVEL"] = "ERROR"  # that no ranker is trained is no news
        import django

        django.setup()
        report("removed contents", measure(given.items), given.json)


def measure(items: int) -> dict[str, float]:
    """Return how many recommendations were made and how many were of removed contents."""
    from django.contrib.auth.models import User
    from django.core.management import call_command

    from apps.content.models import Content
    from apps.core.clock import now_ms
    from apps.feed.services import for_user
    from apps.feed.types import FeedQuery
    from apps.moderation.services import cases, decisions

    call_command("migrate", verbosity=0)
    call_command("seed_demo", viewers=_VIEWERS, contents=6000, days=3, quiet=True)
    for_user(FeedQuery("warm"), now_ms=now_ms())
    mo = User.objects.create(username="mo")
    removed = set()
    for content in Content.objects.order_by("-pk")[:_REMOVED]:
        case = cases.open_case(content, source="report", clause="spam", now_ms=now_ms())
        cases.claim(case.pk, user=mo, now_ms=now_ms())
        verdict = decisions.Verdict("remove", "spam")
        decisions.decide(case.pk, verdict, user=mo, now_ms=now_ms())
        removed.add(content.content_id)
    started, made, wrong, pages = time.perf_counter(), 0, 0, 0
    cursors: dict[int, str | None] = {}
    while made < items:
        viewer = pages % (_VIEWERS * 2)
        query = FeedQuery(f"bench{viewer}", limit=50, cursor=cursors.get(viewer))
        answer = for_user(query, now_ms=now_ms())
        cursors[viewer] = answer.next_cursor
        made += len(answer.items)
        wrong += sum(item.content_id in removed for item in answer.items)
        pages += 1
    return {
        "recommendations": made,
        "removed_recommended": wrong,
        "pages": pages,
        "seconds": time.perf_counter() - started,
    }


if __name__ == "__main__":
    main()

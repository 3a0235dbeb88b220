"""What the first roll-up of a long log costs, and how soon every page of staff answers after it.

A small seeded world without a trained model, with `--stored` synthetic events beside its own. Every
page below `/ops/` and `/moderation/` and every list of the admin is asked through Django's own
request path as an administrator, each KPI over a year, with 700 cases in the queue and 300 decided;
the median of five after a first time.
`empty_ms` is an empty view of the same process. On SQLite, and on PostgreSQL where
DATABASE_URL or TEST_DATABASE_URL names one that answers.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np

from benchmarks.common import fill_events, manage, parser, postgresql_url, report, workspace

_TIMES = 5
_CASES, _DECIDED = 1000, 300


def main() -> None:
    """Fill, roll up and visit, on each database."""
    arguments = parser(__doc__)
    arguments.add_argument("--stored", type=int, default=5_000_000)
    arguments.add_argument("--database", choices=("sqlite", "postgresql"))
    given = arguments.parse_args()
    figures: dict[str, Any] = {"stored": given.stored}
    places = {"sqlite": None, "postgresql": postgresql_url()}
    for name, url in places.items():
        if (name == "postgresql" and url is None) or given.database not in {None, name}:
            continue
        with workspace(url) as env:
            manage(env, "seed_demo", "--quiet", "--viewers", "300", "--contents", "2000")
            fill_events(env, given.stored)
            for told in ("roll_up", "visit"):
                answer = _inside(env, told)
                figures |= {f"{name}_{key}": value for key, value in answer.items()}
    report("pages", figures, given.json)


def _inside(env: dict[str, str], name: str) -> dict[str, Any]:
    code = f"from benchmarks.pages import {name}; {name}()"
    told: dict[str, Any] = json.loads(
        manage(env, "shell", "--no-imports", "-v0", "-c", code).split("\n")[-1]
    )
    return told


def roll_up() -> None:
    """Take the whole log in, and print processor seconds of sessions, counts and days."""
    from apps.features.sessions import keep_up as keep_sessions
    from apps.insights import counting, services

    steps: tuple[tuple[str, Callable[[], Any]], ...] = (
        ("sessions", lambda: keep_sessions(batches=1_000_000)),
        ("counts", lambda: counting.keep_up(batches=1_000_000)),
        ("days", lambda: services.roll_up(batches=1_000_000)),
    )
    spent = {}
    for name, step in steps:
        wall, cpu = time.perf_counter(), time.process_time()
        step()
        spent[f"{name}_s"] = time.perf_counter() - wall
        spent[f"{name}_cpu_s"] = time.process_time() - cpu
    print(json.dumps(spent))


def visit() -> None:
    """Ask for every page, and print the slowest with their milliseconds."""
    from django.conf import settings
    from django.contrib.auth.models import User
    from django.test import Client

    settings.ALLOWED_HOSTS = ["testserver"]
    client = Client()
    user = User.objects.create_superuser("bench")
    client.force_login(user)
    _moderate(user)
    took = {name: _timed(client, path, posted) for name, path, posted in _pages()}
    empty = _timed(client, "/healthz", None)
    slowest = sorted(took, key=lambda name: -took[name])[:4]
    print(
        json.dumps(
            {
                "pages": len(took),
                "slowest_ms": took[slowest[0]],
                "slowest": ", ".join(f"{name} {took[name]:.0f}" for name in slowest),
                "median_ms": float(np.median(list(took.values()))),
                "empty_ms": empty,
            }
        )
    )


def _moderate(user: Any) -> None:
    """Open cases of the first contents, and decide some of them."""
    from apps.content.models import Content
    from apps.core.clock import now_ms
    from apps.moderation.services import cases, decisions

    moment = now_ms()
    for number, content in enumerate(Content.objects.order_by("pk")[:_CASES]):
        case = cases.open_case(content, source="report", clause="spam", now_ms=moment)
        if number < _DECIDED:
            cases.claim(case.pk, user=user, now_ms=moment)
            verdict = decisions.Verdict("remove", "spam")
            decisions.decide(case.pk, verdict, user=user, now_ms=moment)


def _pages() -> Iterator[tuple[str, str, dict[str, str] | None]]:
    """Yield name, path, and what is posted."""
    from django.contrib import admin
    from django.urls import get_resolver, reverse

    from apps.content.models import Content
    from apps.insights.kpis import KPIS

    needs_no_key = ("insights.urls", "experiments.urls", "moderation.urls")
    for included in get_resolver().url_patterns:
        urls = getattr(included, "urlconf_name", None)
        if not getattr(urls, "__name__", "").endswith(needs_no_key):
            continue
        for entry in included.url_patterns:
            path = f"/{included.pattern}{entry.pattern}"
            if "<" not in path and not path.endswith("/end"):  # that one takes a POST
                yield path, path, None
    yield "features", reverse("features"), None
    for name in KPIS:
        yield f"kpi {name}", f"{reverse('kpi', args=[name])}?days=365", None
    user_id, content_id = "viewer_0001", str(Content.objects.values_list("content_id").first()[0])  # type: ignore[index]
    yield "viewer", reverse("inspect_viewer"), {"user_id": user_id}
    yield "content", reverse("inspect_content"), {"content_id": content_id, "user_id": user_id}
    for model in admin.site._registry:
        options = model._meta
        path = reverse(f"admin:{options.app_label}_{options.model_name}_changelist")
        yield f"admin {options.model_name}", path, None


def _timed(client: Any, path: str, posted: dict[str, str] | None) -> float:
    taken = []
    for _ in range(_TIMES + 1):
        start = time.perf_counter()
        answer = client.get(path) if posted is None else client.post(path, posted)
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        taken.append((time.perf_counter() - start) * 1000)
        if answer.status_code != 200 or not body:
            sys.exit(f"{path}: {answer.status_code}")
    return float(np.median(taken[1:]))


if __name__ == "__main__":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    main()

"""Liveness and readiness: what is loaded, and what is degraded."""

from __future__ import annotations

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse

from apps.content import selectors as content
from apps.core import live
from apps.core.cache import cache
from apps.features import lag
from apps.features import selectors as features
from apps.learning import bundle

_STALE_SECONDS = 30.0
_LAG_SECONDS = 60.0


def healthz(request: HttpRequest) -> JsonResponse:
    """Say that the process answers."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    """Say whether feeds can be served, with what, and what is missing.

    503 when the database does not answer or lacks migrations; everything else only degrades.
    """
    try:
        pending = MigrationExecutor(connection)
        unapplied = pending.migration_plan(pending.loader.graph.leaf_nodes())
    except DatabaseError as error:
        return JsonResponse({"status": "unavailable", "detail": str(error)}, status=503)
    if unapplied:
        names = [str(migration) for migration, _ in unapplied]
        return JsonResponse({"status": "unavailable", "unapplied_migrations": names}, status=503)
    promoted = bundle.production()
    loaded = {
        "contents": len(content.catalog()),
        "events_counted": features.stats().n_events,
        "bundle": promoted.version if promoted else None,
        "database": connection.vendor,
        "worker": "embedded" if settings.EMBEDDED_WORKER else "separate",
    }
    degraded = _degraded()
    status = "degraded" if degraded else "ready"
    return JsonResponse({"status": status, "loaded": loaded, "degraded": degraded})


def _degraded() -> dict[str, str]:
    found = {}
    if problem := bundle.problem():
        found["bundle"] = problem
    elif bundle.production() is None:
        found["bundle"] = "nothing is trained yet; feeds use rank fusion (manage.py train)"
    stale = {n: a for n, a in live.ages_seconds().items() if a > _STALE_SECONDS}
    if stale and settings.REFRESH_SECONDS:
        found["refresh"] = ", ".join(f"{n} is {a:.0f} s old" for n, a in stale.items())
    behind = {n: s for n, s in lag.lags_seconds().items() if s > _LAG_SECONDS}
    if behind:
        found["consumers"] = ", ".join(f"{n} is {s:.0f} s behind" for n, s in behind.items())
    redis = cache()
    if redis is not None and not redis.answers():
        found["redis"] = "does not answer; feeds go on without it"
    return found

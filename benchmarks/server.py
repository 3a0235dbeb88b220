"""The WSGI application under measurement: the product, plus an empty REST view to compare with.

BENCH_CANDIDATES scales the sources' quotas until a feed ranks about that many candidates.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

from recsys.wsgi import application  # noqa: F401  # isort: skip

from django.conf import settings
from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

import recsys.urls
from apps.content import selectors as content
from apps.core.clock import now_ms
from apps.core.models import Scope
from apps.feed import hydration, pipelines, services
from apps.feed.cursors import Cursor
from apps.feed.types import FeedQuery
from apps.profiles import selectors as profiles

settings.ROOT_URLCONF = "benchmarks.server"


class Empty(APIView):
    """The floor: authentication, negotiation and an empty answer."""

    required_scopes = {"GET": Scope.FEED_READ}

    def get(self, request: Request) -> Response:
        return Response({})


def mean_candidates(user_ids: list[str]) -> float:
    """Return how many candidates the sources give on average."""
    import uuid

    sizes = []
    for user_id in user_ids:
        at = now_ms()
        request = hydration.hydrate(
            FeedQuery(user_id), profiles.profile(user_id, at_ms=at), Cursor(uuid.uuid4(), at, 0), at
        )
        excluded = request.excluded()
        sizes.append(len(pipelines.FEED.retrieve(request, excluded, [])))
    return sum(sizes) / len(sizes)


class Scaled:
    """A source that may propose more, or fewer."""

    def __init__(self, source: Any, factor: float) -> None:
        self._source, self._factor = source, factor
        self.name = source.name

    def quota(self, request: Any) -> int:
        return max(1, round(self._source.quota(request) * self._factor))

    def __call__(self, request: Any) -> Any:
        return self._source(request)


def scale_to(wanted: int, user_ids: list[str]) -> float:
    """Scale quotas until the mean pool has `wanted` candidates (or the catalogue ends)."""
    original = pipelines.FEED
    low, high = 0.1, 20.0
    for _ in range(12):
        factor = (low * high) ** 0.5
        sources = [Scaled(source, factor) for source in original.sources]
        pipelines.FEED = replace(original, sources=sources)
        setattr(services, "FEED", pipelines.FEED)  # noqa: B010  imported there by name
        low, high = (factor, high) if mean_candidates(user_ids) < wanted else (low, factor)
    return mean_candidates(user_ids)


class Size(APIView):
    """How many candidates a feed ranks here."""

    required_scopes = {"GET": Scope.FEED_READ}

    def get(self, request: Request) -> Response:
        return Response({"candidates": _size, "contents": len(content.catalog())})


_users = [u for u in os.environ.get("BENCH_USERS", "").split(",") if u]
_size = scale_to(int(os.environ["BENCH_CANDIDATES"]), _users) if _users else 0.0

urlpatterns = [
    path("api/v1/bench/empty", Empty.as_view()),
    path("api/v1/bench/size", Size.as_view()),
    *recsys.urls.urlpatterns,
]
handler404 = recsys.urls.handler404
handler500 = recsys.urls.handler500

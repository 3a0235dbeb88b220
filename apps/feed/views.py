"""`GET /api/v1/feed`."""

from __future__ import annotations

import math

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.auth import principal_of
from apps.core.clock import now_ms
from apps.core.errors import Problem
from apps.core.json import checked_id, openapi
from apps.core.models import Scope
from apps.events.types import DEVICE_CODE, DEVICES
from apps.features.types import Context
from apps.feed.conf import PARAMS
from apps.feed.services import FeedQuery, for_user
from apps.feed.types import FeedAnswer

_KNOWN = {
    "user_id",
    "limit",
    "cursor",
    "unseen",
    "explain",
    "surface",
    "utc_offset",
    "device",
    "network_ms",
}


class Feed(APIView):
    """One ranked page for one viewer."""

    required_scopes = {"GET": Scope.FEED_READ}

    @extend_schema(
        operation_id="feed_read",
        parameters=[
            OpenApiParameter("user_id", OpenApiTypes.STR, required=True),
            OpenApiParameter("limit", OpenApiTypes.INT, description=f"1–{PARAMS.max_limit}"),
            OpenApiParameter("cursor", OpenApiTypes.STR, description="next_cursor of a page"),
            OpenApiParameter(
                "unseen", OpenApiTypes.INT, description="last items before the cursor, to re-rank"
            ),
            OpenApiParameter("explain", OpenApiTypes.BOOL, description="add terms and cards"),
            OpenApiParameter("surface", OpenApiTypes.INT, description="page of the app, 0–999"),
            OpenApiParameter("utc_offset", OpenApiTypes.INT, description="viewer's clock, minutes"),
            OpenApiParameter("device", OpenApiTypes.STR, enum=list(DEVICES[1:])),
            OpenApiParameter("network_ms", OpenApiTypes.INT, description="time of the last load"),
        ],
        responses={200: OpenApiResponse(openapi(FeedAnswer))},
    )
    def get(self, request: Request) -> Response:
        """Return the next contents for the viewer; what they just did is already in it."""
        given = request.query_params
        if unknown := set(given) - _KNOWN:
            raise _invalid(sorted(unknown)[0], "unknown-parameter", "There is no such parameter.")
        user_id = checked_id(given.get("user_id", ""))
        principal_of(request).check_user(user_id)
        query = FeedQuery(
            user_id=user_id,
            limit=_number(request, "limit", PARAMS.default_limit, 1, PARAMS.max_limit),
            cursor=given.get("cursor") or None,
            unseen=_number(request, "unseen", 0, 0, PARAMS.max_limit),
            explain=given.get("explain", "").lower() in {"1", "true"},
            context=Context(
                surface=_number(request, "surface", 0, 0, 999),
                utc_offset_minutes=_number(request, "utc_offset", 0, -840, 840),
                device=_device(given.get("device", "")),
                network_ms=(
                    _number(request, "network_ms", 0, 0, 600_000)
                    if "network_ms" in given
                    else math.nan
                ),
            ),
        )
        return Response(for_user(query, now_ms=now_ms()))


def _device(name: str) -> int:
    if name not in DEVICE_CODE:
        raise _invalid("device", "invalid-value", f"Expected one of {', '.join(DEVICES[1:])}.")
    return DEVICE_CODE[name]


def _number(request: Request, name: str, default: int, low: int, high: int) -> int:
    text = request.query_params.get(name, str(default))
    try:
        value = int(text)
    except ValueError:
        value = low - 1
    if len(text) > 6 or not low <= value <= high:
        raise _invalid(name, "invalid-value", f"Expected a whole number from {low} to {high}.")
    return value


def _invalid(name: str, code: str, detail: str) -> Problem:
    return Problem(
        422, code, f"{name}: {detail}", errors=[{"pointer": name, "code": code, "detail": detail}]
    )

"""`GET /api/v1/feed`, and the lists beside it: similar, trending, popular; neighbors."""

from __future__ import annotations

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
from apps.core.query import flag, invalid, number, refuse_unknown, required_id
from apps.feed import exposure, lists, parameters
from apps.feed.conf import PARAMS
from apps.feed.modes import FOR_YOU, MODES
from apps.feed.services import for_user
from apps.feed.statement import statement
from apps.feed.types import (
    ContentExposure,
    FeedAnswer,
    FeedQuery,
    ListAnswer,
    NeighborsAnswer,
    Statement,
)

_USER = OpenApiParameter("user_id", OpenApiTypes.STR, required=True)
_ASKED = OpenApiParameter("user_id", OpenApiTypes.STR, description="where it stands for them")
_LIMIT = OpenApiParameter("limit", OpenApiTypes.INT, description=f"1–{PARAMS.max_limit}")
_MODE = OpenApiParameter(
    "mode",
    OpenApiTypes.STR,
    enum=list(MODES),
    description="; ".join(f"{mode.name}: {mode.about}" for mode in MODES.values()),
)
_FEED = (
    _USER,
    _LIMIT,
    _MODE,
    OpenApiParameter("cursor", OpenApiTypes.STR, description="next_cursor of a page"),
    OpenApiParameter(
        "unseen", OpenApiTypes.INT, description="last items before the cursor, to re-rank"
    ),
    OpenApiParameter("explain", OpenApiTypes.BOOL, description="add terms and cards"),
    *parameters.CONTEXT,
    *parameters.RESTRICTION,
)
_LIST = (
    OpenApiParameter("user_id", OpenApiTypes.STR, description="leave out what they have met"),
    _LIMIT,
    *parameters.RESTRICTION,
)
_PERIOD = OpenApiParameter("period", OpenApiTypes.STR, enum=list(lists.PERIODS))


class Feed(APIView):
    """One ranked page for one viewer."""

    required_scopes = {"GET": Scope.FEED_READ}

    @extend_schema(
        operation_id="feed_read",
        parameters=list(_FEED),
        responses={200: OpenApiResponse(openapi(FeedAnswer))},
    )
    def get(self, request: Request) -> Response:
        """Return the next contents for the viewer; what they just did is already in it."""
        refuse_unknown(request, *_FEED)
        given = request.query_params
        user_id = required_id(request, "user_id")
        principal_of(request).check_user(user_id)
        query = FeedQuery(
            user_id=user_id,
            limit=_limit(request) if "limit" in given else None,
            cursor=given.get("cursor") or None,
            mode=_mode(request),
            unseen=number(request, "unseen", 0, 0, PARAMS.max_limit),
            explain=flag(request, "explain"),
            context=parameters.context(request),
            restriction=parameters.restriction(request),
            exclude=parameters.excluded(request),
        )
        return Response(for_user(query, now_ms=now_ms()))


class Parameters(APIView):
    """What the feed is ordered by."""

    required_scopes = {"GET": Scope.FEED_READ}

    @extend_schema(
        operation_id="feed_parameters",
        responses={200: OpenApiResponse(openapi(Statement))},
    )
    def get(self, request: Request) -> Response:
        """Return the main parameters in plain words, as they are now (DSA art. 27)."""
        refuse_unknown(request)
        return Response(statement())


class Popular(APIView):
    """What most viewers watch."""

    required_scopes = {"GET": Scope.FEED_READ}

    @extend_schema(
        operation_id="popular_list",
        parameters=[_PERIOD, *_LIST],
        responses={200: OpenApiResponse(openapi(ListAnswer))},
    )
    def get(self, request: Request) -> Response:
        """Return the most watched contents of a period (6h, 1d, 7d or ever)."""
        query = _list_query(request, _PERIOD)
        period = request.query_params.get("period", "1d")
        if period not in lists.PERIODS:
            known = ", ".join(lists.PERIODS)
            raise invalid("period", "invalid-value", f"Expected one of {known}.")
        return Response(lists.popular(query, period=period))


class Trending(APIView):
    """What is on the rise."""

    required_scopes = {"GET": Scope.FEED_READ}

    @extend_schema(
        operation_id="trending_list",
        parameters=list(_LIST),
        responses={200: OpenApiResponse(openapi(ListAnswer))},
    )
    def get(self, request: Request) -> Response:
        """Return the contents that are watched more than their past lets expect."""
        return Response(lists.trending(_list_query(request)))


class Similar(APIView):
    """What goes with a content."""

    required_scopes = {"GET": Scope.FEED_READ}

    @extend_schema(
        operation_id="content_similar",
        parameters=list(_LIST),
        responses={200: OpenApiResponse(openapi(ListAnswer))},
    )
    def get(self, request: Request, content_id: str) -> Response:
        """Return the contents most like this one, by who watches them and by what they are."""
        return Response(lists.similar(_list_query(request), content_id=checked_id(content_id)))


class Neighbors(APIView):
    """Viewers like one viewer."""

    required_scopes = {"GET": Scope.FEED_READ}

    @extend_schema(
        operation_id="user_neighbors",
        parameters=[_LIMIT],
        responses={200: OpenApiResponse(openapi(NeighborsAnswer))},
    )
    def get(self, request: Request, user_id: str) -> Response:
        """Return the viewers most like this one, by pseudonym: for server keys only."""
        refuse_unknown(request, _LIMIT)
        # A client speaks for one viewer, who must not learn about others.
        if principal_of(request).user_id is not None:
            raise Problem(403, "server-key-only", "This needs a server key.")
        user_id, limit = checked_id(user_id), _limit(request)
        return Response(lists.neighbors(user_id=user_id, limit=limit, now_ms=now_ms()))


class Exposure(APIView):
    """How much a content is shown, and why not more."""

    required_scopes = {"GET": Scope.FEED_READ}

    @extend_schema(
        operation_id="content_exposure",
        parameters=[_ASKED],
        responses={200: OpenApiResponse(openapi(ContentExposure))},
    )
    def get(self, request: Request, content_id: str) -> Response:
        """Return what was shown of a content, its pool, its filters and its rank: server keys."""
        refuse_unknown(request, _ASKED)
        if principal_of(request).user_id is not None:
            raise Problem(403, "server-key-only", "This needs a server key.")
        user_id = request.query_params.get("user_id")
        asked = checked_id(user_id) if user_id is not None else None
        return Response(exposure.of_content(checked_id(content_id), user_id=asked, now_ms=now_ms()))


def _mode(request: Request) -> str:
    asked = request.query_params.get("mode", FOR_YOU)
    if asked not in MODES:
        raise invalid("mode", "invalid-value", f"Expected one of {', '.join(MODES)}.")
    return asked


def _limit(request: Request) -> int:
    return number(request, "limit", PARAMS.default_limit, 1, PARAMS.max_limit)


def _list_query(request: Request, *more: OpenApiParameter) -> lists.ListQuery:
    refuse_unknown(request, *_LIST, *more)
    user_id = request.query_params.get("user_id")
    if user_id is not None:
        principal_of(request).check_user(checked_id(user_id))
    return lists.ListQuery(
        user_id=user_id,
        limit=_limit(request),
        restriction=parameters.restriction(request),
        exclude=parameters.excluded(request),
        now_ms=now_ms(),
    )

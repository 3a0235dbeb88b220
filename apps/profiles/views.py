"""Users of the app: upserts, and tokens for their devices."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from drf_spectacular.utils import OpenApiResponse, extend_schema
from msgspec import Meta
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.auth import MAX_CLIENT_TOKEN_SECONDS, client_token
from apps.core.clock import now_ms
from apps.core.json import body_of, checked_id, decode, decode_rows, openapi
from apps.core.models import Scope
from apps.profiles import privacy, selectors
from apps.profiles.services import upsert_users
from apps.profiles.types import Demographics, Preferences, PublicId, UserRow, UserUpsert


class TokenRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Ask for a token that speaks for one viewer."""

    user_id: PublicId
    ttl: Annotated[int, Meta(ge=1, le=MAX_CLIENT_TOKEN_SECONDS)] = MAX_CLIENT_TOKEN_SECONDS


class TokenAnswer(msgspec.Struct, frozen=True):
    """A token for `Authorization: Bearer`."""

    token: str
    expires_in: int  # seconds


class UserCount(msgspec.Struct, frozen=True):
    """What became of a batch of users."""

    accepted: int


class ErasureAnswer(msgspec.Struct, frozen=True):
    """The receipt of an erasure."""

    user_id: str
    erased_ms: int
    rows: dict[str, int]  # erased, by table


class UserDetail(APIView):
    """One user of the app."""

    required_scopes = {
        "GET": Scope.USERS_WRITE,
        "PUT": Scope.USERS_WRITE,
        "DELETE": Scope.USERS_WRITE,
    }

    @extend_schema(operation_id="user_read", responses={200: OpenApiResponse(openapi(UserRow))})
    def get(self, request: Request, user_id: str) -> Response:
        """Return what was said of a user, with follows and unfollows by events."""
        viewer = privacy.known(checked_id(user_id))
        told = Demographics(
            age_group=viewer.age_group or None,  # type: ignore[arg-type]  # a closed set
            location=viewer.location or None,
            language=viewer.language or None,
        )
        followed = selectors.followed_by(viewer.pk)
        chose = Preferences(viewer.categories, followed, viewer.personalization)
        return Response(UserRow(user_id, told, chose))

    @extend_schema(
        operation_id="user_upsert",
        request={"application/json": openapi(UserUpsert)},
        responses={204: OpenApiResponse(description="Stored")},
    )
    def put(self, request: Request, user_id: str) -> Response:
        """Create or change a user; what is left out stays as it is."""
        given = decode(body_of(request), UserUpsert)
        row = UserRow(checked_id(user_id), given.demographics, given.preferences)
        upsert_users([row], now_ms=now_ms())
        return Response(status=204)

    @extend_schema(
        operation_id="user_erase", responses={200: OpenApiResponse(openapi(ErasureAnswer))}
    )
    def delete(self, request: Request, user_id: str) -> Response:
        """Erase a user from every table, for good; events and feeds of theirs are refused then.

        Asked again, also for a user never heard of, it answers the same.
        """
        made = privacy.erase(checked_id(user_id), now_ms=now_ms())
        return Response(ErasureAnswer(user_id, made.erased_ms, made.counts))


class UserExport(APIView):
    """All that is stored of one user."""

    required_scopes = {"GET": Scope.USERS_WRITE}

    @extend_schema(
        operation_id="user_export",
        responses={200: OpenApiResponse(openapi(dict[str, list[dict[str, Any]]]))},
    )
    def get(self, request: Request, user_id: str) -> Response:
        """Return the rows of every table that knows the user, by table."""
        return Response(dict(privacy.export(checked_id(user_id))))


class UserBatch(APIView):
    """Many users of the app."""

    required_scopes = {"POST": Scope.USERS_WRITE}

    @extend_schema(
        operation_id="user_batch_upsert",
        request={"application/json": openapi(list[UserRow])},
        responses={200: OpenApiResponse(openapi(UserCount))},
    )
    def post(self, request: Request) -> Response:
        """Create or change up to 500 users, all or none."""
        rows = decode_rows(body_of(request), UserRow)
        upsert_users(rows, now_ms=now_ms())
        return Response(UserCount(len(rows)))


class ClientTokens(APIView):
    """Tokens that a device may hold."""

    required_scopes = {"POST": Scope.USERS_WRITE}

    @extend_schema(
        operation_id="client_token_create",
        request={"application/json": openapi(TokenRequest)},
        responses={201: OpenApiResponse(openapi(TokenAnswer))},
    )
    def post(self, request: Request) -> Response:
        """Return a short-lived token that reads one viewer's feed and posts their events."""
        asked = decode(body_of(request), TokenRequest)
        token = client_token(asked.user_id, ttl_seconds=asked.ttl)
        return Response(TokenAnswer(token, asked.ttl), status=201)

"""`/api/v1/federation/…`: cards, the global model, and rounds of training on devices."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.auth import principal_of
from apps.core.clock import now_ms
from apps.core.errors import Problem
from apps.core.json import body_of, checked_id, decode, openapi
from apps.core.models import Scope
from apps.core.query import invalid, number, refuse_unknown
from apps.federation import cards, selectors, services
from apps.federation.conf import MAX_CARDS, TICKET_HEADER
from apps.federation.types import (
    CardsAnswer,
    GlobalModelAnswer,
    JoinAnswer,
    JoinRequest,
    RoundAnswer,
    TaskAnswer,
    Work,
)

_LIMIT = OpenApiParameter("limit", OpenApiTypes.INT, description=f"1–{MAX_CARDS}")
_CONTENTS = OpenApiParameter(
    "content_id", OpenApiTypes.STR, description=f"up to {MAX_CARDS}, by commas; else popular ones"
)
_TICKET = OpenApiParameter(TICKET_HEADER, OpenApiTypes.STR, OpenApiParameter.HEADER, required=True)


def _json(kind: Any) -> dict[str, Any]:
    return {"application/json": openapi(kind)}


class Cards(APIView):
    """What a device needs to know of contents to order them itself."""

    required_scopes = {"GET": Scope.FEED_READ}

    @extend_schema(
        operation_id="federation_cards",
        parameters=[_LIMIT, _CONTENTS],
        responses={200: OpenApiResponse(openapi(CardsAnswer))},
    )
    def get(self, request: Request) -> Response:
        """Return cards, the same for everybody: no user is asked for."""
        refuse_unknown(request, _LIMIT, _CONTENTS)
        limit = number(request, "limit", MAX_CARDS, 1, MAX_CARDS)
        named = [name for name in request.query_params.get("content_id", "").split(",") if name]
        if len(named) > MAX_CARDS:
            raise invalid("content_id", "too-many", f"At most {MAX_CARDS} are taken.")
        if "content_id" not in request.query_params:
            return Response(cards.popular(limit, now_ms=now_ms()))
        asked = list(map(checked_id, named[:limit]))
        return Response(cards.of_contents(asked, now_ms=now_ms()))


class GlobalModels(APIView):
    """What devices have learned together."""

    required_scopes = {"GET": Scope.FEED_READ}

    @extend_schema(
        operation_id="federation_model",
        responses={200: OpenApiResponse(openapi(GlobalModelAnswer))},
    )
    def get(self, request: Request) -> Response:
        """Return the latest weights, and the privacy that all rounds have cost at most."""
        refuse_unknown(request)
        return Response(selectors.global_model())


class OpenRound(APIView):
    """The round of training that is going on."""

    required_scopes = {"GET": Scope.FEDERATION_JOIN}

    @extend_schema(
        operation_id="federation_round", responses={200: OpenApiResponse(openapi(RoundAnswer))}
    )
    def get(self, request: Request) -> Response:
        """Return the open round: what it starts from, and what every device does alike."""
        refuse_unknown(request)
        return Response(selectors.open_round())


class RoundDevices(APIView):
    """Who takes part in a round."""

    required_scopes = {"POST": Scope.FEDERATION_JOIN}

    @extend_schema(
        operation_id="federation_join",
        request=_json(JoinRequest),
        responses={201: OpenApiResponse(openapi(JoinAnswer))},
    )
    def post(self, request: Request, round_id: UUID) -> Response:
        """Take part with two public keys; the ticket names the device in what follows."""
        keys, user_id = decode(body_of(request), JoinRequest), principal_of(request).user_id
        ticket = services.join(round_id, keys, user_id=user_id, now_ms=now_ms())
        return Response(JoinAnswer(ticket), status=201)


class RoundTask(APIView):
    """What a round wants of a device."""

    required_scopes = {"GET": Scope.FEDERATION_JOIN, "POST": Scope.FEDERATION_JOIN}

    @extend_schema(
        operation_id="federation_task",
        parameters=[_TICKET],
        responses={200: OpenApiResponse(openapi(TaskAnswer))},
    )
    def get(self, request: Request, round_id: UUID) -> Response:
        """Return the phase, and whom the device shares, masks or reveals with in it."""
        refuse_unknown(request)
        return Response(selectors.task(round_id, _ticket(request)))

    @extend_schema(
        operation_id="federation_work",
        parameters=[_TICKET],
        request=_json(Work),
        responses={204: OpenApiResponse(description="Stored")},
    )
    def post(self, request: Request, round_id: UUID) -> Response:
        """Take what the device has done: shares, then its masked update, then what it reveals."""
        given: Work = decode(body_of(request), Work)  # type: ignore[arg-type]  # a union
        services.take(round_id, _ticket(request), given, now_ms=now_ms())
        return Response(status=204)


def _ticket(request: Request) -> str:
    ticket = request.headers.get(TICKET_HEADER)
    if not ticket:
        raise Problem(422, "missing-ticket", f"The header {TICKET_HEADER} is needed.")
    return str(ticket)

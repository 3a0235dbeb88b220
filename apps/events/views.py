"""`POST /api/v1/events`."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.auth import principal_of
from apps.core.clock import now_ms
from apps.core.errors import Problem
from apps.core.json import NDJSON, body_of, lenient_elements, openapi
from apps.core.models import Scope
from apps.core.problems import problem_response
from apps.events import conf
from apps.events.services import IngestRules, ingest, keep_unreadable
from apps.events.types import EventIn, IngestAnswer

_EVENT = openapi(EventIn)
_WRAPPED = re.compile(rb'\{\s*"events"\s*:\s*(\[.*\])\s*\}', re.DOTALL)
_BODY = {"oneOf": [_EVENT, {"type": "array", "items": _EVENT, "maxItems": conf.MAX_BATCH}]}


class Events(APIView):
    """Take one event or a batch of up to 500."""

    required_scopes = {"POST": Scope.EVENTS_WRITE}

    @extend_schema(
        operation_id="events_create",
        request={"application/json": _BODY, NDJSON: _EVENT},
        responses={
            202: OpenApiResponse(openapi(IngestAnswer), "Stored; bad events are listed"),
            422: OpenApiResponse(description="No event was stored"),
        },
        examples=[
            OpenApiExample(
                "like",
                {"type": "like", "user_id": "u1", "content_id": "v1", "event_id": "e-1"},
                request_only=True,
            )
        ],
    )
    def post(self, request: Request) -> Response | HttpResponse:
        """Store events: one object, an array, `{"events": […]}`, or NDJSON."""
        principal = principal_of(request)
        rules = IngestRules(
            now_ms=now_ms(),
            may_backfill=Scope.EVENTS_BACKFILL in principal.scopes,
            only_user=principal.user_id,
        )
        body = body_of(request)
        try:
            events = _split(body, request.content_type)
        except Problem as problem:
            if problem.code == "malformed-json" and body.strip():
                keep_unreadable(body, problem.detail, now_ms=rules.now_ms)
            raise
        answer = ingest(events, rules)
        if answer.rejected and not answer.accepted and not answer.duplicates:
            return _all_refused(answer)
        return Response(answer, status=202)


def _split(body: bytes, content_type: str) -> list[Any]:
    """Return the events of a body, undecoded, so that each is judged by itself."""
    if content_type.partition(";")[0].strip().lower() == NDJSON:
        events: list[Any] = [line for line in body.splitlines() if line.strip()]
    else:
        events = _split_json(body)
    if not events:
        raise Problem(400, "no-events", "The body holds no event.")
    if len(events) > conf.MAX_BATCH:
        detail = f"{len(events)} events in one request, at most {conf.MAX_BATCH} are taken."
        raise Problem(413, "too-many-events", detail)
    return events


def _split_json(body: bytes) -> list[Any]:
    try:
        match body.lstrip()[:1]:
            case b"[":
                return _elements(body)
            case b"{":
                if wrapped := _WRAPPED.fullmatch(body.strip()):
                    return _elements(wrapped[1])
                parts = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
                return _elements(bytes(parts["events"])) if parts.keys() == {"events"} else [body]
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise Problem(400, "malformed-json", f"The body is not valid JSON: {error}") from error
    raise Problem(400, "malformed-json", "Expected a JSON object, an array of them, or NDJSON.")


def _elements(array: bytes) -> list[Any]:
    try:
        return list(msgspec.json.decode(array, type=list[msgspec.Raw]))
    except msgspec.DecodeError:
        # Half a surrogate pair, as clients make that cut comments by length, or a NaN: only the
        # event that has it is bad.
        elements = lenient_elements(array)
        if elements is None:
            raise
        return list(elements)


def _all_refused(answer: IngestAnswer) -> HttpResponse:
    errors = [
        {"pointer": f"/{r.index}", "code": r.code, "detail": r.detail} for r in answer.rejected
    ]
    return problem_response(
        422, "no-event-accepted", f"0 of {len(errors)} events were stored.", errors=errors
    )

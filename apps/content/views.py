"""`GET` and `PUT /api/v1/content/{content_id}`, and `POST /api/v1/content/batch`."""

from __future__ import annotations

import msgspec
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.content.models import Content
from apps.content.selectors import content_of
from apps.content.services import upsert_contents
from apps.content.types import (
    BatchAnswer,
    ContentMetadata,
    ContentOut,
    ContentRow,
    ContentUpsert,
    Rejected,
)
from apps.core.clock import now_ms, to_datetime
from apps.core.errors import Problem
from apps.core.json import body_of, checked_id, decode, decode_each, openapi
from apps.core.models import Scope


class ContentDetail(APIView):
    """One content."""

    required_scopes = {"GET": Scope.CONTENT_WRITE, "PUT": Scope.CONTENT_WRITE}

    @extend_schema(
        operation_id="content_read", responses={200: OpenApiResponse(openapi(ContentOut))}
    )
    def get(self, request: Request, content_id: str) -> Response:
        """Return a content: what was said of it, and who may see it."""
        found = content_of(checked_id(content_id))
        if found is None:
            raise Problem(404, "unknown-content", f"There is no content {content_id!r}.")
        return Response(_told(found))

    @extend_schema(
        operation_id="content_upsert",
        request={"application/json": openapi(ContentUpsert)},
        responses={204: OpenApiResponse(description="Stored")},
    )
    def put(self, request: Request, content_id: str) -> Response:
        """Create or change a content; what is left out stays as it is."""
        given = decode(body_of(request), ContentUpsert)
        row = ContentRow(checked_id(content_id), *msgspec.structs.astuple(given))
        if refused := upsert_contents([row], now_ms=now_ms()):
            raise Problem(422, refused[0].code, refused[0].detail)
        return Response(status=204)


class ContentBatch(APIView):
    """Many contents."""

    required_scopes = {"POST": Scope.CONTENT_WRITE}

    @extend_schema(
        operation_id="content_batch_upsert",
        request={"application/json": openapi(list[ContentRow])},
        responses={200: OpenApiResponse(openapi(BatchAnswer))},
    )
    def post(self, request: Request) -> Response:
        """Create or change up to 500 contents; refused ones are listed, the others go in."""
        judged = decode_each(body_of(request), ContentRow)
        fit = {i: row for i, row in enumerate(judged) if isinstance(row, ContentRow)}
        refused = upsert_contents(list(fit.values()), now_ms=now_ms())
        places = list(fit)
        rejected = [msgspec.structs.replace(one, index=places[one.index]) for one in refused]
        rejected += [_unfit(i, row) for i, row in enumerate(judged) if isinstance(row, Problem)]
        rejected.sort(key=lambda one: one.index)
        if rejected and len(rejected) == len(judged):
            raise _all_refused(rejected)
        return Response(BatchAnswer(len(judged) - len(rejected), rejected))


def _told(content: Content) -> ContentOut:
    return ContentOut(
        content_id=content.content_id,
        creator_id=content.creator.creator_id,
        upload_timestamp=to_datetime(content.uploaded_ms),
        status=content.status,  # type: ignore[arg-type]  # a closed set of the table
        is_age_restricted=content.is_age_restricted,
        is_reach_limited=content.is_reach_limited,
        metadata=ContentMetadata(
            description=content.description,
            tags=content.tags,
            audio_id=content.sound.audio_id if content.sound else None,
            category=content.category,
            language=content.language,
            duration=content.duration_seconds,
            media_url=content.media_url,
        ),
    )


def _all_refused(rejected: list[Rejected]) -> Problem:
    errors = [{"pointer": f"/{r.index}", "code": r.code, "detail": r.detail} for r in rejected]
    detail = f"0 of {len(rejected)} contents were stored."
    return Problem(422, "no-row-accepted", detail, errors=errors)


def _unfit(index: int, problem: Problem) -> Rejected:
    (issue, *_) = problem.errors or [{"pointer": "", "code": problem.code}]
    where = f" ({issue['pointer']})" if issue["pointer"] else ""
    return Rejected(index, None, issue["code"], problem.detail + where)

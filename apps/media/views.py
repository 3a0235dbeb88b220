"""`/api/v1/content/{content_id}/media`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.clock import now_ms
from apps.core.errors import Problem
from apps.core.json import JSONParser, checked_id, decode, openapi
from apps.core.models import Scope
from apps.media import selectors, services
from apps.media.models import MediaAnalysis
from apps.media.types import MediaOut, MediaReference

_FORM = {
    "type": "object",
    "required": ["file"],
    "properties": {"file": {"type": "string", "format": "binary"}},
}
_ANSWER = OpenApiResponse(openapi(MediaOut))


class MediaParser(MultiPartParser):
    """Read a form, or the bytes of JSON, and say 415 to all else."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the form, whose file is streamed to a temporary one, or the bytes."""
        kind = (media_type or "").partition(";")[0].strip().lower()
        if kind == "application/json":
            return JSONParser().parse(stream, media_type, parser_context)
        if kind != self.media_type:
            raise UnsupportedMediaType(kind or "none")
        return super().parse(stream, media_type, parser_context)


class Media(APIView):
    """The file of one content."""

    required_scopes = {"GET": Scope.CONTENT_WRITE, "POST": Scope.CONTENT_WRITE}
    parser_classes = [MediaParser]

    @extend_schema(operation_id="content_media", responses={200: _ANSWER})
    def get(self, request: Request, content_id: str) -> Response:
        """Return how far the analysis of the content's file is."""
        found = selectors.analysis_of(checked_id(content_id))
        if found is None:
            raise Problem(404, "no-media", f"The content {content_id!r} has no file.")
        return Response(_told(content_id, found))

    @extend_schema(
        operation_id="content_media_upload",
        request={"multipart/form-data": _FORM, "application/json": openapi(MediaReference)},
        responses={202: _ANSWER},
    )
    def post(self, request: Request, content_id: str) -> Response:
        """Take a video, image or sound as the content's file; it is analyzed soon after.

        A form brings the file itself, JSON the address that it is fetched from, which must be of
        an origin in `RECSYS_MEDIA_ORIGINS`. The content is served meanwhile, by what else is known
        of it.
        """
        known = checked_id(content_id)
        # Before the body is read; the server reads no more than the header says.
        if int(request.META.get("CONTENT_LENGTH") or 0) > settings.MEDIA_MAX_BYTES:
            detail = f"The body is over {settings.MEDIA_MAX_BYTES} bytes."
            raise Problem(413, "body-too-large", detail)
        if isinstance(request.data, bytes):
            given = decode(request.data, MediaReference)
            made = services.accept_reference(known, given.url, now_ms=now_ms())
            return Response(_told(content_id, made), status=202)
        file = request.FILES.get("file")
        if file is None:
            raise Problem(422, "file-missing", "Expected a form with one `file`.")
        made = services.accept(known, file, now_ms=now_ms())
        return Response(_told(content_id, made), status=202)


def _told(content_id: str, row: MediaAnalysis) -> MediaOut:
    return MediaOut(content_id, row.kind or None, row.state, row.n_attempts, row.error)  # type: ignore[arg-type]

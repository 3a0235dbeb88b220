"""One error shape for every non-2xx answer under `/api/`: problem+json (RFC 9457)."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

import msgspec
from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.views import defaults
from rest_framework import exceptions

from apps.core.errors import Problem

logger = logging.getLogger(__name__)


class Issue(msgspec.Struct, frozen=True):
    """One thing that is wrong with a request."""

    pointer: str  # into the body (RFC 6901), or the name of a query parameter
    code: str
    detail: str


class ProblemBody(msgspec.Struct, frozen=True, omit_defaults=True):
    """What went wrong; clients decide by `status` and `code`, people read `detail`."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    errors: list[Issue] = []


def problem_response(
    status: int,
    code: str,
    detail: str,
    *,
    errors: list[dict[str, str]] | None = None,
    headers: dict[str, str] | None = None,
) -> HttpResponse:
    """Return the answer that says what went wrong and, in `errors`, where."""
    body = ProblemBody(
        type=f"urn:recsys:problem:{code}",
        title=HTTPStatus(status).phrase,
        status=status,
        code=code,
        detail=detail,
        errors=[Issue(**issue) for issue in errors or ()],
    )
    response = HttpResponse(
        msgspec.json.encode(body), status=status, content_type="application/problem+json"
    )
    for name, value in (headers or {}).items():
        response[name] = value
    return response


def exception_handler(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """Translate what a REST view raised; None lets Django log it and answer 500."""
    match error:
        case Problem():
            return problem_response(
                error.status, error.code, error.detail, errors=error.errors, headers=error.headers
            )
        case Http404():
            return problem_response(404, "not-found", "There is nothing at this address.")
        case PermissionDenied():
            return problem_response(403, "permission-denied", "This key may not do that.")
        case exceptions.APIException():
            challenge = getattr(error, "auth_header", None)
            headers = {"WWW-Authenticate": challenge} if challenge else None
            return problem_response(
                error.status_code, _code(error), str(error.detail), headers=headers
            )
        case OperationalError() | InterfaceError():
            logger.exception("the database did not answer")
            return problem_response(
                503,
                "database-unavailable",
                "The database did not answer; nothing was stored. Try again.",
                headers={"Retry-After": "2"},
            )
    return None


def _code(error: exceptions.APIException) -> str:
    codes = error.get_codes()
    return (codes if isinstance(codes, str) else "invalid").replace("_", "-")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 400 outside REST views (a forged host, a malformed request)."""
    if _is_api(request):
        return problem_response(400, "bad-request", "The request could not be read.")
    return defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 403 outside REST views."""
    if _is_api(request):
        return problem_response(403, "permission-denied", "This is not allowed.")
    return defaults.permission_denied(request, exception)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 404 for addresses that no view serves."""
    if _is_api(request):
        return problem_response(404, "not-found", "There is nothing at this address.")
    return defaults.page_not_found(request, exception or Http404())


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 500; Django has logged the cause."""
    if _is_api(request):
        return problem_response(500, "internal-error", "Something failed here; it was logged.")
    return defaults.server_error(request)


def _is_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")

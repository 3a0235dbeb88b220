"""The API of moderation: notices, statements of reasons, appeals."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.clock import now_ms, to_datetime
from apps.core.errors import Problem
from apps.core.json import body_of, decode, openapi
from apps.core.models import Scope
from apps.core.query import refuse_unknown, required_id
from apps.moderation.holding import held
from apps.moderation.models import Appeal, Report, Statement
from apps.moderation.services.appeals import appeal
from apps.moderation.services.reports import NoticeGiven, give_notice
from apps.moderation.types import (
    AppealIn,
    AppealOut,
    NoticeIn,
    NoticeOut,
    StatementList,
    StatementOut,
)

_REDRESS = (
    "You may appeal to us free of charge until the day named here, go to a certified out-of-court"
    " dispute settlement body, or to a court."
)
_MOST = 100
_ABOUT = OpenApiParameter("content_id", OpenApiTypes.STR, required=True)


class Notices(APIView):
    """Notices of contents."""

    required_scopes = {"POST": Scope.MODERATION_WRITE}

    @extend_schema(
        operation_id="notice_give",
        request={"application/json": openapi(NoticeIn)},
        responses={201: OpenApiResponse(openapi(NoticeOut))},
    )
    def post(self, request: Request) -> Response:
        """Take a notice and return its receipt; a moderator will see it."""
        given = decode(body_of(request), NoticeIn)
        said = NoticeGiven(
            given.content_id, given.reason, given.explanation, given.name, given.email
        )
        return Response(_notice(give_notice(said, now_ms=now_ms())), status=201)


class NoticeDetail(APIView):
    """One notice."""

    required_scopes = {"GET": Scope.MODERATION_READ}

    @extend_schema(operation_id="notice_read", responses={200: OpenApiResponse(openapi(NoticeOut))})
    def get(self, request: Request, notice_id: UUID) -> Response:
        """Return what became of a notice."""
        found = Report.objects.filter(public_id=notice_id, is_notice=True)
        notice = found.select_related("content", "case").first()
        if notice is None:
            raise _unknown("notice")
        return Response(_notice(notice))


class Statements(APIView):
    """Statements of reasons about one content."""

    required_scopes = {"GET": Scope.MODERATION_READ}

    @extend_schema(
        operation_id="statement_list",
        parameters=[_ABOUT],
        responses={200: OpenApiResponse(openapi(StatementList))},
    )
    def get(self, request: Request) -> Response:
        """Return the statements of reasons about a content, the latest first.

        `held` says since when and why it waits for a decision, null where it does not.
        """
        refuse_unknown(request, _ABOUT)
        content_id = required_id(request, "content_id")
        found = Statement.objects.filter(decision__content__content_id=content_id)
        rows = found.select_related("decision__content").order_by("-pk")[:_MOST]
        return Response(StatementList([_statement(row) for row in rows], held(content_id)))


class StatementDetail(APIView):
    """One statement of reasons."""

    required_scopes = {"GET": Scope.MODERATION_READ}

    @extend_schema(
        operation_id="statement_read", responses={200: OpenApiResponse(openapi(StatementOut))}
    )
    def get(self, request: Request, statement_id: UUID) -> Response:
        """Return one statement of reasons."""
        return Response(_statement(_found(statement_id)))


class Appeals(APIView):
    """Appeals against statements of reasons."""

    required_scopes = {"POST": Scope.MODERATION_WRITE}

    @extend_schema(
        operation_id="appeal_make",
        request={"application/json": openapi(AppealIn)},
        responses={201: OpenApiResponse(openapi(AppealOut))},
    )
    def post(self, request: Request) -> Response:
        """Take an appeal; a moderator who did not decide will answer it."""
        given = decode(body_of(request), AppealIn)
        try:
            statement_id = UUID(given.statement_id)
        except ValueError as error:
            raise _unknown("statement") from error
        made = appeal(_found(statement_id), text=given.text, now_ms=now_ms())
        return Response(_appeal(made), status=201)


class AppealDetail(APIView):
    """One appeal."""

    required_scopes = {"GET": Scope.MODERATION_READ}

    @extend_schema(operation_id="appeal_read", responses={200: OpenApiResponse(openapi(AppealOut))})
    def get(self, request: Request, appeal_id: UUID) -> Response:
        """Return what became of an appeal."""
        made = Appeal.objects.filter(public_id=appeal_id).select_related("statement").first()
        if made is None:
            raise _unknown("appeal")
        return Response(_appeal(made))


def _found(statement_id: UUID) -> Statement:
    rows = Statement.objects.filter(public_id=statement_id)
    statement = rows.select_related("decision__content").first()
    if statement is None:
        raise _unknown("statement")
    return statement


def _unknown(what: str) -> Problem:
    return Problem(404, f"unknown-{what}", f"There is no such {what}.")


def _at(moment_ms: int | None) -> datetime | None:
    return to_datetime(moment_ms) if moment_ms is not None else None


def _notice(notice: Report) -> NoticeOut:
    case = notice.case
    return NoticeOut(
        notice_id=str(notice.public_id),
        content_id=notice.content.content_id,
        status="decided" if notice.outcome else "received",
        received_at=to_datetime(notice.reported_ms),
        outcome=notice.outcome,  # type: ignore[arg-type]  # a closed set of the table
        decided_at=_at(case.decided_ms) if case and notice.outcome else None,
    )


def _statement(statement: Statement) -> StatementOut:
    return StatementOut(
        statement_id=str(statement.public_id),
        content_id=statement.decision.content.content_id,
        restriction=statement.restriction,
        facts=statement.facts,
        ground=statement.ground,  # type: ignore[arg-type]  # a closed set of the policy
        reference=statement.reference,
        automated_detection=statement.was_detected_automatically,
        automated_decision=statement.was_decided_automatically,
        created_at=to_datetime(statement.created_ms),
        appeal_until=to_datetime(statement.appeal_until_ms),
        is_undone=statement.decision.undone_ms is not None,
        redress=_REDRESS,
    )


def _appeal(made: Appeal) -> AppealOut:
    return AppealOut(
        appeal_id=str(made.public_id),
        statement_id=str(made.statement.public_id),
        status=made.state,  # type: ignore[arg-type]  # a closed set of the table
        received_at=to_datetime(made.received_ms),
        answer=made.answer,
        decided_at=_at(made.decided_ms),
    )

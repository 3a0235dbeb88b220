"""Admin of moderation: to look at only; decisions are made on the review pages."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.core.admin import ReadOnlyAdmin, moment
from apps.core.clock import now_ms
from apps.moderation import comments
from apps.moderation.models import AuditEntry, Case, Decision, FlaggedComment, ScreeningVerdict
from apps.moderation.roles import REVIEW

_DECIDED = moment("decided_ms", "decided (UTC)")


@admin.display(description="score", ordering="score")
def _score(row: ScreeningVerdict | FlaggedComment) -> str:
    return f"{row.score:.3f}"


@admin.register(Case)
class CaseAdmin(ReadOnlyAdmin):
    """Cases and what became of them."""

    list_display = [
        "__str__",
        "content",
        "state",
        "source",
        "clause",
        "n_reports",
        moment("opened_ms", "opened (UTC)"),
        _DECIDED,
    ]
    list_filter = ["state", "source", "is_escalated"]
    list_select_related = ["content"]
    search_fields = ["=content__content_id"]
    ordering = ["-id"]


@admin.register(Decision)
class DecisionAdmin(ReadOnlyAdmin):
    """What was decided, by whom, and whether it stands."""

    list_display = [
        "__str__",
        "content",
        "action",
        "reason",
        "decided_by",
        "is_automated",
        _DECIDED,
        moment("undone_ms", "undone (UTC)"),
    ]
    list_filter = ["action", "reason", "is_automated"]
    list_select_related = ["content", "decided_by"]
    search_fields = ["=content__content_id"]
    ordering = ["-id"]


@admin.register(ScreeningVerdict)
class ScreeningVerdictAdmin(ReadOnlyAdmin):
    """What the screening says about contents."""

    list_display = ["content", "kind", "category", _score, "zone", "version"]
    list_filter = ["zone", "category", "kind"]
    list_select_related = ["content"]
    search_fields = ["=content__content_id"]
    ordering = ["-id"]


@admin.register(FlaggedComment)
class FlaggedCommentAdmin(ReadOnlyAdmin):
    """Comments that did not pass the screening: let pass, or blocked, by who may review."""

    list_display = [
        "text",
        "content",
        "category",
        _score,
        "state",
        moment("said_ms", "said (UTC)"),
        _DECIDED,
    ]
    list_filter = ["state", "category"]
    list_select_related = ["content"]
    search_fields = ["=content__content_id"]
    exclude = ["viewer"]
    ordering = ["-id"]
    actions = ["let_pass", "block"]

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Return whether the page is listed: for who reviews."""
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether comments are shown: to who reviews."""
        return request.user.has_perm(REVIEW) or super().has_view_permission(request, obj)

    def has_decide_permission(self, request: HttpRequest) -> bool:
        """Return whether one may decide."""
        return request.user.has_perm(REVIEW)

    @admin.action(description="Let the selected comments pass", permissions=["decide"])
    def let_pass(self, request: HttpRequest, queryset: QuerySet[FlaggedComment]) -> None:
        """Let them speak for their contents."""
        self._decide(request, queryset, FlaggedComment.State.ALLOWED)

    @admin.action(description="Block the selected comments", permissions=["decide"])
    def block(self, request: HttpRequest, queryset: QuerySet[FlaggedComment]) -> None:
        """Keep them out."""
        self._decide(request, queryset, FlaggedComment.State.BLOCKED)

    def _decide(
        self, request: HttpRequest, queryset: QuerySet[FlaggedComment], state: FlaggedComment.State
    ) -> None:
        pks = list(queryset.values_list("pk", flat=True))
        comments.decide(pks, state, user=request.user, now_ms=now_ms())  # type: ignore[arg-type]


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """The audit log; `manage.py verify_audit` checks its chain."""

    list_display = ["number", moment("at_ms", "at (UTC)"), "actor", "verb", "subject", "facts"]
    list_filter = ["verb"]
    search_fields = ["=subject", "=actor"]
    ordering = ["-number"]

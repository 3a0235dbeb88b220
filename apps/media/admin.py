"""Admin of media: what waits, what failed and why."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from apps.core.admin import ReadOnlyAdmin, moment
from apps.core.clock import now_ms
from apps.media.encoder import weights_path
from apps.media.models import MediaAnalysis
from apps.media.services import retry


@admin.register(MediaAnalysis)
class MediaAnalysisAdmin(ReadOnlyAdmin):
    """Files of contents and their analysis."""

    list_display = [
        "content",
        "kind",
        "state",
        "n_attempts",
        "error",
        "unsafe_score",
        moment("requested_ms", "requested (UTC)"),
        moment("finished_ms", "finished (UTC)"),
    ]
    list_filter = ["state", "kind"]
    list_select_related = ["content"]
    search_fields = ["=content__content_id"]
    ordering = ["-id"]
    actions = ["try_again"]

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """Rows are never edited; trying again is for who may change them."""
        return request.user.has_perm("media.change_mediaanalysis")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Say what nothing looks at, or what its scores rest on."""
        if weights_path(settings.VISUAL_MODEL) is None:
            messages.warning(
                request,
                "No weights of the visual network are installed (requirements-media.txt): pictures"
                " are not embedded nor screened; sound and hashes are.",
            )
        else:
            review, remove = settings.UNSAFE_PERCENT
            messages.warning(
                request,
                "Unsafe scores were never calibrated on labelled pictures of this installation:"
                f" from {review} % on a picture waits for a moderator, from {remove} % on it is"
                " removed (RECSYS_UNSAFE_REVIEW_PERCENT, RECSYS_UNSAFE_REMOVE_PERCENT).",
            )
        return super().changelist_view(request, extra_context)

    @admin.action(description="Try the selected failed ones again", permissions=["retry"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[MediaAnalysis]) -> None:
        """Let failed analyses start anew."""
        for pk in queryset.values_list("pk", flat=True):
            retry(pk, now_ms=now_ms())

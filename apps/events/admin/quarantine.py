"""Admin of the quarantine: look at what did not enter the log, put it right, replay or discard."""

from __future__ import annotations

from collections import Counter
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from apps.core.admin import ReadOnlyAdmin, moment
from apps.events import services
from apps.events.models import QuarantinedEvent

_RECEIVED = moment("received_ms", "received (UTC)")
_LAST_RECEIVED = moment("last_received_ms", "last received (UTC)")
_SHOWN_OUTCOMES = 20  # messages of single events; the rest is counted


class QuarantineForm(forms.ModelForm):
    """The body as JSON, accepted only when it is an event that the log would take."""

    body = forms.JSONField(
        widget=forms.Textarea(attrs={"rows": 24, "cols": 100, "spellcheck": "false"}),
        help_text="user_id shows the viewer's pseudonym; it cannot be changed.",
    )

    class Meta:
        """What may be changed by hand."""

        model = QuarantinedEvent
        fields = ["body"]

    def clean_body(self) -> Any:
        """Say which field is wrong, and why."""
        body = self.cleaned_data["body"]
        try:
            services.check_fix(self.instance, body)
        except services.QuarantineError as error:
            raise forms.ValidationError(error.detail, code=error.code) from error
        return body


@admin.register(QuarantinedEvent)
class QuarantineAdmin(ReadOnlyAdmin):
    """Refused and waiting events; newest first. Nobody adds rows by hand."""

    form = QuarantineForm
    list_display = [
        "id",
        "reason",
        "kind_name",
        "content_key",
        _RECEIVED,
        "times_seen",
        "detail",
    ]
    list_filter = ["reason"]
    search_fields = ["content_key"]
    search_help_text = "An event key, a viewer's pseudonym or a content_id."
    ordering = ["-id"]
    sortable_by = ["id"]
    actions = ["replay"]
    fields = [
        "reason",
        "detail",
        "kind_name",
        "content_key",
        "event_key",
        "viewer_pseudonym",
        _RECEIVED,
        _LAST_RECEIVED,
        "times_seen",
        "size_bytes",
        "known",
        "body",
    ]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Staff with the right to change rows may also replay and discard them."""
        return admin.ModelAdmin.has_change_permission(self, request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Discarding is a kind of change."""
        return self.has_change_permission(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return all but the body; that too, where nothing was kept of the text."""
        has_body = obj is not None and obj.body is not None
        return [name for name in self.fields if not (name == "body" and has_body)]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Name the deletion, which asks first and is logged, for what it does."""
        actions: dict[str, Any] = super().get_actions(request)
        if "delete_selected" in actions:
            action, name, _ = actions["delete_selected"]
            actions["delete_selected"] = (action, name, "Discard selected")
        return actions

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[QuarantinedEvent], search_term: str
    ) -> tuple[QuerySet[QuarantinedEvent], bool]:
        """Find by key, viewer or content, each through its index."""
        term = search_term.strip()
        if not term:
            return queryset, False
        try:
            found = Q(event_key=UUID(term)) | Q(viewer_pseudonym=UUID(term))
        except ValueError:
            found = Q(content_key=term)
        return queryset.filter(found), False

    def save_model(
        self, request: HttpRequest, obj: QuarantinedEvent, form: Any, change: bool
    ) -> None:
        """Store the corrected body; replaying it is another step."""
        services.fix(obj.pk, form.cleaned_data["body"])

    @admin.action(description="Replay selected", permissions=["change"])
    def replay(self, request: HttpRequest, queryset: QuerySet[QuarantinedEvent]) -> None:
        """Send the selected through the intake again and tell what became of each."""
        rows = {row.pk: row for row in queryset.order_by("pk")}
        outcomes = services.replay(list(rows))
        for done in outcomes:
            self.log_change(request, rows[done.pk], f"Replayed: {done.outcome}")
        for done in outcomes[:_SHOWN_OUTCOMES]:
            level = messages.SUCCESS if done.outcome == "accepted" else messages.WARNING
            text = f"{rows[done.pk]}: {done.outcome} {done.detail}".strip()
            self.message_user(request, text, level)
        counts = Counter(done.outcome for done in outcomes)
        self.message_user(request, ", ".join(f"{n} {name}" for name, n in counts.most_common()))

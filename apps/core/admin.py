"""Admin of keys, artifacts and leases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseRedirect
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe

from apps.core.artifacts import (
    ArtifactError,
    named_artifact,
    production_artifact,
    rollback_artifact,
)
from apps.core.auth import create_key, forget_keys
from apps.core.clock import now_ms, to_datetime
from apps.core.models import (
    ApiKey,
    Artifact,
    ArtifactMove,
    Lease,
    Scope,
    WebhookDelivery,
    WebhookEndpoint,
)
from apps.core.paging import UncountedPaginator
from apps.core.versions import comparison, failed_gates, promote_checked
from apps.core.webhooks import services as webhooks


def moment(field: str, label: str) -> Any:
    """Return an admin column that shows the `*_ms` column `field` as a date and time in UTC."""

    @admin.display(description=label, ordering=field)
    def column(row: Any) -> str:
        at_ms = getattr(row, field)
        return f"{to_datetime(at_ms):%Y-%m-%d %H:%M:%S}" if at_ms else "–"

    return column


class ReadOnlyAdmin(admin.ModelAdmin):
    """An append-only table: to look at, in pages that are never counted."""

    paginator = UncountedPaginator
    show_full_result_count = False
    list_per_page = 50
    show_facets = admin.ShowFacets.NEVER  # each would count the table

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Rows come from the system only."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Rows are never changed."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Rows are never deleted by hand; retention is a command."""
        return False


class ApiKeyForm(forms.ModelForm):
    """Scopes as check boxes."""

    scopes = forms.MultipleChoiceField(choices=Scope.choices, widget=forms.CheckboxSelectMultiple)

    class Meta:
        """What may be set by hand."""

        model = ApiKey
        fields = ["name", "scopes", "expires_at"]


@admin.register(ApiKey)
class ApiKeyAdmin(admin.ModelAdmin):
    """Keys are made here and shown once; of the secret only a hash is kept, never shown."""

    form = ApiKeyForm
    list_display = ["name", "shown_prefix", "shown_scopes", "state", "created_at", "last_used_at"]
    list_filter = [("revoked_at", admin.EmptyFieldListFilter)]
    search_fields = ["name", "prefix"]
    ordering = ["-id"]
    actions = ["revoke"]
    readonly_fields = ["shown_prefix", "created_at", "revoked_at", "last_used_at"]
    fields = ["name", "scopes", "expires_at", *readonly_fields]

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        """Return the form of a new key, or of an old one with its state."""
        return self.fields if obj else ["name", "scopes", "expires_at"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A key is revoked, so that its name stays with what it did."""
        return False

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        """Store changes; make a new key through the one function that makes keys."""
        if change:
            super().save_model(request, obj, form, change)
            forget_keys()
            return
        plain = create_key(name=obj.name, scopes=obj.scopes)
        made = ApiKey.objects.get(prefix=plain.split("_")[1])
        if obj.expires_at:
            made.expires_at = obj.expires_at
            made.save(update_fields=["expires_at"])
        obj.__dict__.update(made.__dict__)
        messages.warning(request, f"Copy the key now, it is not shown again: {plain}")

    def response_add(
        self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Go to the list, where the message with the key stands."""
        return HttpResponseRedirect(reverse("admin:core_apikey_changelist"))

    @admin.action(description="Revoke the selected keys")
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        """Revoke keys; other processes follow within seconds."""
        count = queryset.filter(revoked_at=None).update(revoked_at=timezone.now())
        forget_keys()
        self.message_user(request, f"{count} revoked.")

    @admin.display(description="key", ordering="prefix")
    def shown_prefix(self, key: ApiKey) -> str:
        """Return the public half."""
        return f"rk_{key.prefix}_…"

    @admin.display(description="scopes")
    def shown_scopes(self, key: ApiKey) -> str:
        """Return the scopes in one line."""
        return ", ".join(key.scopes) or "–"

    @admin.display(description="works", boolean=True)
    def state(self, key: ApiKey) -> bool:
        """Say whether the key is accepted now."""
        return key.is_usable(timezone.now())


@admin.register(Artifact)
class ArtifactAdmin(ReadOnlyAdmin):
    """What was learned: what the gates said of it, promotion and rollback, versions compared."""

    list_display = ["__str__", "alias", "shown_gates", "shown_size", "created_at"]
    list_filter = ["family", "alias"]
    search_fields = ["uuid", "family"]
    ordering = ["-id"]
    readonly_fields = ["shown_verdicts", "shown_size"]
    fields = ["family", "uuid", "alias", "created_at", "shown_size", "shown_verdicts", "manifest"]
    actions = ["promote", "roll_back", "compare"]

    def has_promote_permission(self, request: HttpRequest) -> bool:
        """Who may change artifacts may decide which serves; rows themselves are never edited."""
        return request.user.has_perm("core.change_artifact")

    @admin.action(description="Promote the selected version …", permissions=["promote"])
    def promote(self, request: HttpRequest, queryset: QuerySet[Artifact]) -> HttpResponse | None:
        """Show the version beside the one that serves; once confirmed, let it serve."""
        chosen = self._exactly(request, queryset, 1)
        if not chosen:
            return None
        artifact = chosen[0]
        if "confirmed" not in request.POST:
            serving = production_artifact(artifact.family)
            return self._page(request, "promote", f"Promote {artifact}?", artifact, serving)
        who = request.user.get_username()
        # Whoever confirms has read the page, which names each gate that has failed.
        self._do(request, lambda: promote_checked(artifact, force=True, by=who), f"{artifact}")
        return None

    @admin.action(description="Roll back its family …", permissions=["promote"])
    def roll_back(self, request: HttpRequest, queryset: QuerySet[Artifact]) -> HttpResponse | None:
        """Show the version before beside the one that serves; once confirmed, go back to it."""
        chosen = self._exactly(request, queryset, 1)
        if not chosen:
            return None
        family = chosen[0].family
        if "confirmed" in request.POST:
            who = request.user.get_username()
            self._do(request, lambda: rollback_artifact(family, by=who), "The version before")
            return None
        previous = named_artifact(family, Artifact.Alias.PREVIOUS)
        if previous is None:
            self.message_user(request, "There is no previous version.", messages.ERROR)
            return None
        serving = production_artifact(family)
        return self._page(request, "roll_back", f"Roll back to {previous}?", previous, serving)

    @admin.action(description="Compare two versions", permissions=["view"])
    def compare(self, request: HttpRequest, queryset: QuerySet[Artifact]) -> HttpResponse | None:
        """Show two versions side by side."""
        chosen = self._exactly(request, queryset, 2)
        if not chosen:
            return None
        return self._page(request, "", f"{chosen[0]} and {chosen[1]}", chosen[0], chosen[1])

    def _exactly(
        self, request: HttpRequest, queryset: QuerySet[Artifact], n: int
    ) -> list[Artifact]:
        chosen = list(queryset.order_by("-pk")[: n + 1])
        if len(chosen) == n:
            return chosen
        self.message_user(request, f"Choose exactly {n}.", messages.ERROR)
        return []

    def _page(
        self,
        request: HttpRequest,
        action: str,
        title: str,
        one: Artifact,
        other: Artifact | None,
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "action": action,
            "selected": request.POST.getlist(ACTION_CHECKBOX_NAME),
            "one": one,
            "other": other,
            "failed": failed_gates(one) if action else [],
            "rows": comparison(one, other),
            "opts": self.model._meta,
        }
        return TemplateResponse(request, "admin/core/artifact/compare.html", context)

    def _do(self, request: HttpRequest, change: Callable[[], object], name: str) -> None:
        try:
            change()
        except ArtifactError as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self.message_user(request, f"{name} serves; processes follow within seconds.")

    @admin.display(description="gates")
    def shown_gates(self, artifact: Artifact) -> str:
        """Return what the gates said in one line."""
        said = Counter(verdict["state"] for verdict in artifact.gates)
        return ", ".join(f"{n} {state}" for state, n in said.items()) or "not asked"

    @admin.display(description="gates")
    def shown_verdicts(self, artifact: Artifact) -> str:
        """Return what each gate said."""
        lines = ((v["gate"], v["state"], v["reason"]) for v in artifact.gates)
        return format_html_join(mark_safe("<br>"), "{}: {}: {}", lines) or "not asked"

    @admin.display(description="size")
    def shown_size(self, artifact: Artifact) -> str:
        """Return the size of the files."""
        return filesizeformat(artifact.manifest.get("bytes", 0))


@admin.register(ArtifactMove)
class ArtifactMoveAdmin(ReadOnlyAdmin):
    """Who decided what about which version, and why, newest first."""

    list_display = ["at", "version", "move", "by", "why"]
    list_filter = ["family"]
    search_fields = ["version", "by", "why"]
    ordering = ["-id"]


@admin.register(Lease)
class LeaseAdmin(ReadOnlyAdmin):
    """Who runs which single-flight work."""

    list_display = ["name", "holder", moment("until_ms", "until")]
    search_fields = ["name"]
    ordering = ["name"]


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(admin.ModelAdmin):
    """Addresses that are told what happens; a secret is shown once, when its endpoint is made."""

    list_display = ["url", "topics", "is_active", moment("failing_since_ms", "failing since (UTC)")]
    ordering = ["-id"]
    fields = ["url", "topics", "is_active"]
    actions = ["send_test"]

    def save_model(
        self, request: HttpRequest, obj: WebhookEndpoint, form: Any, change: bool
    ) -> None:
        """Store changes; a new endpoint gets its secret, which is shown this once."""
        if change:
            super().save_model(request, obj, form, change)
            return
        made = webhooks.add_endpoint(obj.url, obj.topics)
        obj.pk, obj.created_at, obj._state.adding = made.pk, made.created_at, False
        self.message_user(request, f"Its secret, shown this once: {made.secret}")

    @admin.action(description="Send a test message", permissions=["change"])
    def send_test(self, request: HttpRequest, queryset: QuerySet[WebhookEndpoint]) -> None:
        """Send one message to each, and say what came back."""
        for endpoint in queryset.order_by("pk")[:10]:
            sent = webhooks.send_test(endpoint, now_ms=now_ms())
            self.message_user(request, f"{endpoint.url}: {sent.state}, {sent.answer}")


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnlyAdmin):
    """What was said to whom, and what came back."""

    list_display = [
        "topic",
        "endpoint",
        "state",
        "attempts",
        "answer",
        moment("due_ms", "due (UTC)"),
    ]
    list_filter = ["state"]
    list_select_related = ["endpoint"]
    ordering = ["-created_ms", "-id"]

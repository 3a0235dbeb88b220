"""Admin of the objective: read its versions, add one, go back to an older one."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.ranking.models import ObjectiveVersion
from apps.ranking.objective import DEFAULTS, MOST, NEGATIVE, TERMS, WeightsError, checked
from apps.ranking.selectors import objective
from apps.ranking.services import activate_objective


class _ObjectiveForm(forms.ModelForm):
    """Asks for one number a term instead of JSON."""

    class Meta:
        model = ObjectiveVersion
        fields = ["reason"]

    activate = forms.BooleanField(required=False, initial=True, label="Order feeds by it at once")

    def clean(self) -> dict[str, Any]:
        """Gather the weights, and refuse those that would break a feed."""
        given = super().clean() or {}
        try:
            self.instance.weights = checked({term: given.get(term) or 0.0 for term in TERMS})
        except WeightsError as error:
            term, _, what = str(error).partition(": ")
            self.add_error(term, what)
        return given


def _number_of(term: str) -> forms.FloatField:
    low, high = (-MOST, 0.0) if term in NEGATIVE else (-MOST, MOST)
    step = forms.NumberInput(attrs={"step": "any"})
    return forms.FloatField(
        required=False, min_value=low, max_value=high, label=term.replace("_", " "), widget=step
    )


# One number field a term: the list of terms is the rankers', not the form's.
ObjectiveForm = type("ObjectiveForm", (_ObjectiveForm,), {t: _number_of(t) for t in TERMS})


@admin.register(ObjectiveVersion)
class ObjectiveVersionAdmin(admin.ModelAdmin):
    """What the order of feeds adds up. A version is never changed; a change of mind is a new one.

    Without an active version the weights that are built in hold. A change holds within a second.
    """

    list_display = ["__str__", "is_active", "shown_weights", "reason", "author", "created_at"]
    list_select_related = ["author"]
    search_fields = ["reason"]
    ordering = ["-pk"]
    actions = ["activate", "go_back_to_built_in"]
    readonly_fields = ["shown_weights", "reason", "author", "created_at", "is_active"]
    form = ObjectiveForm
    fieldsets = [(None, {"fields": [*readonly_fields]})]
    add_fieldsets = [
        (
            "Weights: what a term adds at twice its mean; empty: nothing",
            {
                "fields": list(TERMS),
                "description": "Each term is a predicted probability over its mean. What hardly "
                "varies (watch quantile) takes a large number to matter, what is rare a small one.",
            },
        ),
        (None, {"fields": ["reason", "activate"]}),
    ]

    def get_fieldsets(self, request: HttpRequest, obj: ObjectiveVersion | None = None) -> Any:
        """Ask for numbers when adding, show them otherwise."""
        return self.fieldsets if obj else self.add_fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: ObjectiveVersion | None = None) -> Any:
        """A stored version stays as it is."""
        return self.readonly_fields if obj else []

    def has_change_permission(
        self, request: HttpRequest, obj: ObjectiveVersion | None = None
    ) -> bool:
        """Nobody changes a version; whoever may change the table may activate one."""
        return obj is None and super().has_change_permission(request)

    def has_delete_permission(
        self, request: HttpRequest, obj: ObjectiveVersion | None = None
    ) -> bool:
        """Slates name their version: none goes away."""
        return False

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Start from the weights that hold now."""
        return {**objective().weights, "activate": True}

    def save_model(
        self, request: HttpRequest, obj: ObjectiveVersion, form: Any, change: bool
    ) -> None:
        """Store the version with its author, and let it hold if that was asked for."""
        obj.author = request.user  # type: ignore[assignment]
        super().save_model(request, obj, form, change)
        if form.cleaned_data["activate"]:
            activate_objective(obj)

    @admin.display(description="weights")
    def shown_weights(self, version: ObjectiveVersion) -> str:
        """Return the weights, the largest first."""
        ordered = sorted(version.weights.items(), key=lambda item: -abs(item[1]))
        return ", ".join(f"{term} {weight:g}" for term, weight in ordered)

    @admin.action(description="Order feeds by the selected version", permissions=["change"])
    def activate(self, request: HttpRequest, queryset: QuerySet[ObjectiveVersion]) -> None:
        """Let one version hold, an older one too."""
        if len(queryset) != 1:
            self.message_user(request, "Select one version.", messages.ERROR)
            return
        activate_objective(queryset[0])
        self.message_user(request, f"{queryset[0]} orders feeds.")

    @admin.action(description="Go back to the weights built in", permissions=["change"])
    def go_back_to_built_in(
        self, request: HttpRequest, queryset: QuerySet[ObjectiveVersion]
    ) -> None:
        """Let no version hold."""
        activate_objective(None)
        held = ", ".join(f"{term} {weight:g}" for term, weight in DEFAULTS.items())
        self.message_user(request, f"The weights built in order feeds: {held}.")

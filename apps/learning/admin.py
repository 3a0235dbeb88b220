"""Admin of tuned parameters and of the steps of incremental training."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from apps.core.admin import ReadOnlyAdmin, moment
from apps.learning.models import OnlineStep, Rollout, TunedParam


@admin.register(TunedParam)
class TunedParamAdmin(admin.ModelAdmin):
    """What this installation's log decided; pin a value to decide it yourself."""

    list_display = ["name", "value", "shown_default", "is_pinned", "earned", "tuned_at"]
    list_filter = ["is_pinned"]
    search_fields = ["name"]
    ordering = ["name"]
    readonly_fields = ["shown_default", "shown_trials", "tuned_at"]
    fields = ["name", "value", "is_pinned", *readonly_fields]
    actions = ["pin", "unpin"]

    def get_readonly_fields(self, request: HttpRequest, obj: TunedParam | None = None) -> list[str]:
        """A stored parameter keeps its name."""
        return [*self.readonly_fields, "name"] if obj else list(self.readonly_fields)

    @admin.display(description="default")
    def shown_default(self, param: TunedParam) -> str:
        """Return what holds without tuning."""
        return str(param.default)

    @admin.display(description="earned")
    def earned(self, param: TunedParam) -> str:
        """Return what the value in use earned when it was tried."""
        found = [score for value, score in param.tried if value == param.value]
        return f"{found[-1]:.4f}" if found else "–"

    @admin.display(description="tried")
    def shown_trials(self, param: TunedParam) -> str:
        """Return every value that was tried, with what it earned."""
        return ", ".join(f"{value}: {score:.4f}" for value, score in param.tried) or "–"

    @admin.action(description="Pin the selected values", permissions=["change"])
    def pin(self, request: HttpRequest, queryset: object) -> None:
        """Keep values through the next search."""
        queryset.update(is_pinned=True)  # type: ignore[attr-defined]

    @admin.action(description="Let tuning decide again", permissions=["change"])
    def unpin(self, request: HttpRequest, queryset: object) -> None:
        """Give values back to the search."""
        queryset.update(is_pinned=False)  # type: ignore[attr-defined]


@admin.register(OnlineStep)
class OnlineStepAdmin(ReadOnlyAdmin):
    """What incremental training did, step by step, newest first: buffering, training, published.

    Refused: what was learned made the newest views worse. Empty: no view could be learned from.
    Dropped: another bundle was promoted.
    """

    list_display = [
        "__str__",
        "state",
        moment("closed_ms", "closed (UTC)"),
        "n_views",
        "n_examples",
        "n_late",
        "shown_loss",
        "shown_judgment",
        "shown_multiplier",
        "version",
    ]
    list_filter = ["state"]
    search_fields = ["parent", "version"]
    ordering = ["-id"]
    sortable_by = ()
    fields = [
        "parent",
        "state",
        "reason",
        moment("opened_ms", "opened (UTC)"),
        moment("closed_ms", "closed (UTC)"),
        "n_views",
        "n_examples",
        "n_late",
        "skipped",
        "shown_loss",
        "shown_judgment",
        "shown_multiplier",
        "version",
        "train_ms",
        "delay_ms",
        "after_transaction",
        "after_event",
        "until_transaction",
        "until_event",
    ]

    @admin.display(description="prequential loss")
    def shown_loss(self, step: OnlineStep) -> str:
        """Return the loss on the new views before they were learned from."""
        return "–" if step.prequential_loss is None else f"{step.prequential_loss:.4f}"

    @admin.display(description="loss on the newest, before → after")
    def shown_judgment(self, step: OnlineStep) -> str:
        """Return what the step did to the loss on the views that judge it."""
        if step.held_before is None or step.held_after is None:
            return "–"
        return f"{step.held_before:.4f} → {step.held_after:.4f}"

    @admin.display(description="m_t")
    def shown_multiplier(self, step: OnlineStep) -> str:
        """Return the multiplier of the learning rate."""
        return "–" if step.multiplier is None else f"{step.multiplier:.3f}"


@admin.register(Rollout)
class RolloutAdmin(ReadOnlyAdmin):
    """Candidates on their way to serve everybody, newest first; `/ops/models/` begins and ends."""

    list_display = [
        "candidate",
        "stage",
        "percent",
        "baseline",
        "is_automatic",
        "experiment",
        moment("since_ms", "since (UTC)"),
    ]
    list_filter = ["stage"]
    list_select_related = ["candidate", "baseline", "experiment"]
    search_fields = ["experiment__key"]
    ordering = ["-id"]

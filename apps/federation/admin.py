"""Admin of federated learning: the plan, the rounds and what they made."""

from __future__ import annotations

from django.contrib import admin

from apps.core.admin import ReadOnlyAdmin, moment
from apps.federation.algorithms import skellam
from apps.federation.models import GlobalModel, Plan, Round
from apps.federation.selectors import spent


@admin.register(Plan)
class PlanAdmin(admin.ModelAdmin):
    """How rounds are run, and how much privacy they have cost; no active plan, no rounds."""

    list_display = ["name", "is_active", "least", "most", "noise", "epsilon", "shown_spent"]
    ordering = ["name"]

    @admin.display(description="epsilon spent")
    def shown_spent(self, plan: Plan) -> str:
        """Return ε of all rounds at the plan's δ."""
        return f"{skellam.epsilon(spent(), plan.delta):.2f} at {plan.delta:g}"


@admin.register(Round)
class RoundAdmin(ReadOnlyAdmin):
    """Rounds: how many devices came how far, and what they made."""

    list_display = [
        "id",
        moment("opened_ms", "opened (UTC)"),
        "phase",
        "n_joined",
        "n_shared",
        "n_masked",
        "made",
        "reason",
    ]
    list_filter = ["phase"]
    list_select_related = ["made"]
    ordering = ["-opened_ms", "pk"]


@admin.register(GlobalModel)
class GlobalModelAdmin(ReadOnlyAdmin):
    """Versions of the global model."""

    list_display = ["pk", moment("made_ms", "made (UTC)"), "weights"]
    ordering = ["-pk"]

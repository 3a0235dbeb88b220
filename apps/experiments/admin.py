"""Admin of layers; experiments have pages of their own at `/ops/experiments/`."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from apps.experiments.models import Layer


@admin.register(Layer)
class LayerAdmin(admin.ModelAdmin):
    """Divisions of all viewers, each with the buckets that it holds out."""

    list_display = ["name", "holdout"]
    ordering = ["name"]

    def has_delete_permission(self, request: HttpRequest, obj: Layer | None = None) -> bool:
        """A layer that experiments are in stays."""
        return super().has_delete_permission(request, obj) and not (
            obj and obj.experiment_set.exists()
        )

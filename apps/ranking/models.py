"""What an operator decides about the order of feeds."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from apps.ranking.objective import WeightsError, checked


class ObjectiveVersion(models.Model):
    """One version of the fusion weights. Never changed: another decision is another version.

    The active one orders every feed; without one the weights built in do.
    """

    weights = models.JSONField(help_text="term → weight of its probability over its mean")
    reason = models.CharField(max_length=300, help_text="why these weights: read in a year")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    is_active = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "objective"
        constraints = [
            models.UniqueConstraint(
                fields=["is_active"],
                condition=Q(is_active=True),
                name="objectiveversion_one_is_active",
            ),
        ]

    def __str__(self) -> str:
        return f"objective {self.pk}"

    def clean(self) -> None:
        """Refuse weights that would break a feed."""
        try:
            self.weights = checked(self.weights)
        except WeightsError as error:
            raise ValidationError({"weights": str(error)}) from error

"""What tuning has found out about this installation."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from apps.candidates.conf import DEFAULTS, value_of, with_values


class TunedParam(models.Model):
    """One parameter of retrieval: its value here, and what each value that was tried earned.

    A pinned value is left alone by tuning; one that is not is replaced by the next search.
    """

    name = models.CharField(max_length=60, unique=True, help_text="dotted, e.g. als.factors")
    value = models.JSONField(null=True)
    is_pinned = models.BooleanField(default=False)
    tried = models.JSONField(
        default=list,
        blank=True,
        help_text="[value, NDCG@10 of its source] (quotas: share of views found)",
    )
    tuned_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name

    @property
    def default(self) -> Any:
        """What holds without tuning; None for a parameter that is gone."""
        try:
            return value_of(DEFAULTS, self.name)
        except (KeyError, TypeError):
            return None

    def clean(self) -> None:
        """Refuse values that the parameter cannot have."""
        try:
            with_values(DEFAULTS, {self.name: self.value})
        except (KeyError, TypeError) as error:
            raise ValidationError({"name": "There is no such parameter."}) from error
        except ValueError as error:
            raise ValidationError({"value": str(error)}) from error

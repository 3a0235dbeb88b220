"""What an editor wants of the feed, beside what is learned."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from apps.profiles.models import AgeGroup


class Rule(models.Model):
    """One editorial rule: pins a content, or multiplies the scores of those it is about.

    Conditions that are left empty hold for everything; the others hold together.
    """

    class Effect(models.TextChoices):
        WEIGHT = "weight", "Weight: multiply the score"
        PIN = "pin", "Pin: put one content at a position of the scroll"
        EXCLUDE = "exclude", "Exclude: never show"

    name = models.CharField(max_length=100, unique=True)
    effect = models.CharField(max_length=8, choices=Effect.choices, default=Effect.WEIGHT)
    factor = models.FloatField(
        default=1.0, help_text="of a weight: 2 doubles the score, 0.5 halves it"
    )
    position = models.PositiveSmallIntegerField(
        default=0, help_text="of a pin: 0 is the first of the scroll"
    )
    is_active = models.BooleanField(default=True)
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    # about which contents
    content = models.ForeignKey(
        "content.Content", on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    creator = models.ForeignKey(
        "profiles.Creator", on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    category = models.CharField(max_length=64, blank=True)
    language = models.CharField(max_length=16, blank=True)
    min_seconds = models.FloatField(null=True, blank=True, help_text="length of the content")
    max_seconds = models.FloatField(null=True, blank=True)
    min_age_hours = models.FloatField(null=True, blank=True, help_text="since the upload")
    max_age_hours = models.FloatField(null=True, blank=True)
    # for which requests
    viewer_language = models.CharField(max_length=16, blank=True)
    viewer_age_group = models.CharField(max_length=8, choices=AgeGroup.choices, blank=True)
    surface = models.SmallIntegerField(null=True, blank=True, help_text="page of the app")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(factor__gt=0, factor__lte=100), name="rule_factor_in_range"
            ),
            models.CheckConstraint(
                condition=~Q(effect="pin") | Q(content__isnull=False), name="rule_pin_has_content"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse what would do nothing, or everything by mistake."""
        if self.effect == self.Effect.PIN and self.content_id is None:
            raise ValidationError({"content": "A pin needs the content that it pins."})
        if self.effect == self.Effect.EXCLUDE and not self.has_condition():
            raise ValidationError("An exclusion without any condition would empty every feed.")
        if self.starts_at and self.ends_at and self.starts_at >= self.ends_at:
            raise ValidationError({"ends_at": "The end must come after the start."})

    def has_condition(self) -> bool:
        """Say whether the rule is about some contents only."""
        named = (self.content_id, self.creator_id, self.category, self.language)
        bounds = (self.min_seconds, self.max_seconds, self.min_age_hours, self.max_age_hours)
        return any(named) or any(bound is not None for bound in bounds)

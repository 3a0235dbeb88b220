"""Experiments as they are set up, and who was exposed to what."""

from __future__ import annotations

import secrets

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q

from apps.experiments.algorithms.assignment import N_BUCKETS
from apps.experiments.metrics import METRIC_CHOICES

_NAME = RegexValidator(r"^[a-z0-9_-]+\Z", "Lower-case letters, digits, - and _ only.")


def new_salt() -> str:
    """Return a salt that no other experiment has."""
    return secrets.token_hex(8)


class Layer(models.Model):
    """One division of all viewers into 10,000 buckets; experiments of a layer share no viewer."""

    name = models.CharField(max_length=40, unique=True, validators=[_NAME])
    salt = models.CharField(max_length=32, default=new_salt, editable=False)
    holdout = models.PositiveSmallIntegerField(
        default=0,
        validators=[MaxValueValidator(N_BUCKETS)],
        help_text="last buckets of 10,000 that no experiment of this layer may use",
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(holdout__lte=N_BUCKETS), name="layer_holdout_in_range"
            )
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse to hold out buckets that a running experiment has reserved."""
        inside = self.experiment_set.filter(
            status=Experiment.Status.RUNNING,
            first_bucket__gt=N_BUCKETS - self.holdout - F("reserved"),
        )
        if self.pk and (other := inside.first()):
            raise ValidationError({"holdout": f"The experiment {other} runs in these buckets."})


class Experiment(models.Model):
    """One question about the feed, the viewers it is asked of, and what is known so far."""

    class Kind(models.TextChoices):
        SPLIT = "split", "Split: each viewer sees one variant"
        INTERLEAVING = "interleaving", "Interleaving: two variants share each page"

    class Status(models.TextChoices):
        DRAFT = "draft"
        RUNNING = "running"
        STOPPED = "stopped"

    key = models.CharField(max_length=40, unique=True, validators=[_NAME])
    hypothesis = models.TextField(max_length=1000, help_text="what should change, and why")
    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.SPLIT)
    layer = models.ForeignKey(Layer, on_delete=models.PROTECT)
    salt = models.CharField(max_length=32, default=new_salt, editable=False)
    status = models.CharField(
        max_length=8, choices=Status.choices, default=Status.DRAFT, editable=False
    )
    reserved = models.PositiveSmallIntegerField(
        default=5000,
        validators=[MinValueValidator(1), MaxValueValidator(N_BUCKETS)],
        help_text="buckets of 10,000 that it may ramp up to",
    )
    first_bucket = models.PositiveSmallIntegerField(default=0, editable=False)
    ramp = models.PositiveSmallIntegerField(
        default=0, editable=False, help_text="buckets from the first on that are in now"
    )
    primary_metric = models.CharField(
        max_length=20, choices=METRIC_CHOICES, default="watch_seconds"
    )
    guardrails = models.JSONField(default=list, blank=True, help_text="names of metrics")
    minimum_effect = models.FloatField(
        default=0.02,
        validators=[MinValueValidator(0.0001), MaxValueValidator(10)],
        help_text="smallest relative difference that matters; 0.02 is 2 %",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    started_ms = models.BigIntegerField(null=True, editable=False)
    stopped_ms = models.BigIntegerField(null=True, editable=False)
    stop_reason = models.CharField(max_length=200, blank=True, editable=False)
    report = models.JSONField(null=True, editable=False, help_text="apps.experiments.types.Report")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(reserved__gte=1, first_bucket__lte=N_BUCKETS - F("reserved")),
                name="experiment_buckets_in_range",
            ),
            models.CheckConstraint(
                condition=Q(ramp__lte=F("reserved")), name="experiment_ramp_within_reserved"
            ),
        ]

    def __str__(self) -> str:
        return self.key


class Variant(models.Model):
    """One way of serving that an experiment compares; the first one is the control."""

    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="variants")
    position = models.PositiveSmallIntegerField(help_text="0 is the control")
    name = models.CharField(max_length=24, validators=[_NAME])
    weight = models.PositiveSmallIntegerField(default=1, validators=[MinValueValidator(1)])
    parameters = models.JSONField(
        default=dict, blank=True, help_text="values by name; others stay as they are"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["experiment", "position"], name="variant_position"),
            models.UniqueConstraint(fields=["experiment", "name"], name="variant_name"),
            models.CheckConstraint(condition=Q(weight__gte=1), name="variant_weight_positive"),
        ]

    def __str__(self) -> str:
        return self.name


class Exposure(models.Model):
    """One viewer whose feed depended on a variant, from the first time on.

    A viewer with rows of two variants of an experiment has crossed over and is not counted.
    """

    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, db_index=False)
    viewer = models.ForeignKey("profiles.Viewer", on_delete=models.CASCADE)
    variant = models.ForeignKey(Variant, on_delete=models.CASCADE, db_index=False)
    first_ms = models.BigIntegerField(help_text="ms since 1970 UTC")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["experiment", "viewer", "variant"], name="exposure_once"
            )
        ]

    def __str__(self) -> str:
        return f"viewer {self.viewer_id} in variant {self.variant_id}"


class InterleavedSlate(models.Model):
    """One page that two variants filled together; its contents are those of the slate."""

    slate = models.OneToOneField("events.Slate", on_delete=models.CASCADE, primary_key=True)
    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE)
    teams = models.BinaryField(help_text="int8[n], 0: picked by the control, 1: by the other")

    def __str__(self) -> str:
        return str(self.slate_id)


class Override(models.Model):
    """One viewer who always sees one variant, to look at it; never counted."""

    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="overrides")
    variant = models.ForeignKey(Variant, on_delete=models.CASCADE)
    viewer_pseudonym = models.UUIDField(help_text="of the viewer; they need not have come yet")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["experiment", "viewer_pseudonym"], name="override_one")
        ]

    def __str__(self) -> str:
        return f"{self.viewer_pseudonym} sees {self.variant}"

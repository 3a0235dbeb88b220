"""Plans, rounds and the global models that they made."""

from __future__ import annotations

import uuid

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

_POSITIVE = MinValueValidator(1e-9)


class Plan(models.Model):
    """How rounds are run; without an active plan none is opened."""

    name = models.CharField(max_length=100)
    is_active = models.BooleanField(default=False)
    least = models.IntegerField(
        default=200, validators=[MinValueValidator(3)], help_text="devices whose sum may be opened"
    )
    most = models.IntegerField(
        default=2000,
        validators=[MaxValueValidator(100_000)],
        help_text="devices that may join a round",
    )
    clip = models.FloatField(default=1.0, validators=[_POSITIVE], help_text="longest update")
    noise = models.FloatField(
        default=3.0,
        validators=[MinValueValidator(0.1)],
        help_text="deviation of the noise in a sum of the least number of devices, in clips",
    )
    local_rate = models.FloatField(
        default=0.2, validators=[_POSITIVE], help_text="learning rate, a view"
    )
    local_steps = models.IntegerField(
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text="with more than one, devices of few views pull each their own way",
    )
    epsilon = models.FloatField(
        default=8.0, validators=[_POSITIVE], help_text="of all rounds ever; then none is opened"
    )
    delta = models.FloatField(
        default=1e-5, validators=[MinValueValidator(1e-15), MaxValueValidator(0.01)]
    )
    join_minutes = models.IntegerField(default=360, validators=[MinValueValidator(1)])
    step_minutes = models.IntegerField(
        default=30, validators=[MinValueValidator(1)], help_text="for each of the three steps"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["is_active"], condition=Q(is_active=True), name="plan_one_active"
            ),
            models.CheckConstraint(
                condition=Q(least__gte=3, most__gte=F("least")), name="plan_least_to_most"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class GlobalModel(models.Model):
    """One version of the weights; the primary key is the version."""

    weights = models.JSONField(help_text="by feature")
    made_ms = models.BigIntegerField(help_text="ms since 1970 UTC")

    def __str__(self) -> str:
        return f"global model {self.pk}"


class Round(models.Model):
    """One round of training: what it asked for and how far it came."""

    class Phase(models.TextChoices):
        JOINING = "joining"
        SHARING = "sharing"
        MASKING = "masking"
        UNMASKING = "unmasking"
        CLOSED = "closed"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    phase = models.CharField(max_length=10, choices=Phase.choices, default=Phase.JOINING)
    is_open = models.BooleanField(default=True)
    base = models.ForeignKey(GlobalModel, on_delete=models.PROTECT, null=True, related_name="+")
    made = models.OneToOneField(GlobalModel, on_delete=models.PROTECT, null=True)
    config = models.JSONField(help_text="what every device does alike")
    step_minutes = models.IntegerField()
    opened_ms = models.BigIntegerField(help_text="ms since 1970 UTC")
    ends_ms = models.BigIntegerField(help_text="when the phase ends, ms since 1970 UTC")
    n_joined = models.IntegerField(null=True)
    n_shared = models.IntegerField(null=True)
    n_masked = models.IntegerField(
        null=True, help_text="updates in the sum; from then on the round counts for epsilon"
    )
    reason = models.CharField(max_length=200, blank=True, help_text="of a failure")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["is_open"], condition=Q(is_open=True), name="round_one_open"
            )
        ]

    def __str__(self) -> str:
        return f"round {self.pk}"


class Device(models.Model):
    """One device in an open round, which goes with it; who it is of is not known."""

    class Step(models.IntegerChoices):
        JOINED = 0
        SHARED = 1
        MASKED = 2
        REVEALED = 3

    round = models.ForeignKey(Round, on_delete=models.CASCADE)
    ticket = models.CharField(max_length=64, unique=True, help_text="SHA-256")
    # Keyed with the round: nobody joins twice, and nothing leads from it to a viewer.
    once = models.CharField(max_length=64, null=True)
    number = models.IntegerField(null=True, help_text="place in the ring, from 1")
    step = models.SmallIntegerField(choices=Step.choices, default=Step.JOINED)
    mask_key = models.BinaryField()
    seal_key = models.BinaryField()
    masked = models.BinaryField(null=True)
    revealed = models.JSONField(default=dict, help_text="shares of peers, by number")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["round", "once"], name="device_joins_once"),
            models.UniqueConstraint(fields=["round", "number"], name="device_one_per_place"),
        ]

    def __str__(self) -> str:
        return f"device {self.number} of {self.round_id}"


class Share(models.Model):
    """What one device has sealed for another, until the round ends."""

    sender = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="+")
    receiver = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="+")
    sealed = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["receiver", "sender"], name="share_once_per_pair")
        ]

    def __str__(self) -> str:
        return f"share of {self.sender_id} for {self.receiver_id}"

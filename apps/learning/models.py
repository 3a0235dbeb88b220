"""What tuning has found out about this installation, the steps of learning on, and rollouts."""

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


class OnlineStep(models.Model):
    """One step of incremental training: a stretch of the log, and what was learned from it.

    It is the buffer while it is open, the plan while it is worked on, and the offset afterwards: it
    closes in the transaction in which its weights begin to serve, and the next one opens where it
    ends. So no event teaches twice and none is passed over, whenever a process dies.
    """

    class State(models.TextChoices):
        BUFFERING = "buffering"
        TRAINING = "training"
        PUBLISHED = "published"
        REFUSED = "refused"  # what was learned made it worse
        EMPTY = "empty"  # no view could be learned from
        DROPPED = "dropped"  # another bundle serves

    parent = models.CharField(max_length=60, help_text="the bundle that it grows from")
    state = models.CharField(max_length=10, choices=State.choices, default=State.BUFFERING)
    opened_ms = models.BigIntegerField(help_text="when the step before it ended")
    closed_ms = models.BigIntegerField(null=True, help_text="ms since 1970 UTC")
    after_transaction = models.BigIntegerField(help_text="of the last event before it")
    after_event = models.BigIntegerField(help_text="the last event before it")
    until_transaction = models.BigIntegerField(help_text="of its last event so far")
    until_event = models.BigIntegerField(help_text="its last event so far")
    delay_ms = models.BigIntegerField(help_text="that labels had to arrive")
    n_views = models.IntegerField(default=0, help_text="buffered: views that name a slate")
    n_examples = models.IntegerField(default=0, help_text="of them, that could be used")
    n_late = models.IntegerField(default=0, help_text="outcomes that came late, learned as well")
    skipped = models.JSONField(default=dict, blank=True, help_text="why other views were not used")
    reason = models.CharField(max_length=200, blank=True, help_text="of a refusal")
    prequential_loss = models.FloatField(null=True, help_text="of the network, before learning")
    held_before = models.FloatField(null=True, help_text="loss on the newest part, before")
    held_after = models.FloatField(null=True, help_text="and after")
    multiplier = models.FloatField(null=True, help_text="m_t of the learning rate")
    version = models.CharField(max_length=60, blank=True, help_text="what served after it")
    train_ms = models.IntegerField(null=True, help_text="reading, learning, publishing")

    class Meta:
        indexes = [models.Index(fields=["state"], name="onlinestep_by_state")]
        constraints = [
            models.UniqueConstraint(
                fields=["state"],
                condition=models.Q(state="buffering"),
                name="onlinestep_one_buffer",
            )
        ]

    def __str__(self) -> str:
        return f"step {self.pk} of {self.parent}"

    @property
    def after(self) -> tuple[int, int]:
        """The watermark that it begins after."""
        return self.after_transaction, self.after_event

    @property
    def until(self) -> tuple[int, int]:
        """The watermark that it ends at."""
        return self.until_transaction, self.until_event


class Rollout(models.Model):
    """One candidate on its way to serve everybody; what was decided is in `ArtifactMove`."""

    class Stage(models.TextChoices):
        SHADOW = "shadow", "Shadow: scores what is served, serves nobody"
        CANARY = "canary", "Canary: serves some viewers"
        HOLDBACK = "holdback", "Serves; some viewers keep the version before"
        DONE = "done", "Done: it serves everybody"
        REFUSED = "refused"
        ROLLED_BACK = "rolled_back", "Rolled back"
        ENDED = "ended", "Ended by hand, or overtaken"

    OPEN = (Stage.SHADOW, Stage.CANARY, Stage.HOLDBACK)

    candidate = models.ForeignKey(
        "core.Artifact", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    baseline = models.ForeignKey(
        "core.Artifact",
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        help_text="what served before, which it is compared with",
    )
    stage = models.CharField(max_length=12, choices=Stage.choices)
    percent = models.PositiveSmallIntegerField(
        default=0, help_text="viewers with the candidate, or in holdback with the one before"
    )
    is_automatic = models.BooleanField(help_text="goes on by itself; a harm always stops it")
    experiment = models.ForeignKey(
        "experiments.Experiment",
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        help_text="that divides the viewers now",
    )
    since_ms = models.BigIntegerField(help_text="when this stage and percentage began")
    looked_ms = models.BigIntegerField(default=0, help_text="of the last look at shadow scores")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                models.Value(1),
                condition=models.Q(stage__in=["shadow", "canary", "holdback"]),
                name="rollout_one_open",
            )
        ]

    def __str__(self) -> str:
        return f"rollout {self.pk} of {self.candidate}"

    @property
    def is_open(self) -> bool:
        """Say whether anything is still to be decided."""
        return self.stage in self.OPEN

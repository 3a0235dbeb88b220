"""What can be shown."""

from __future__ import annotations

from django.db import models


class Sound(models.Model):
    """One sound track that contents share."""

    audio_id = models.CharField(max_length=128, unique=True)
    title = models.CharField(max_length=200, blank=True)

    def __str__(self) -> str:
        return self.title or self.audio_id


class Content(models.Model):
    """One short video (spec §2.2)."""

    class Status(models.TextChoices):
        ACTIVE = "active"
        HIDDEN = "hidden", "Hidden by its creator or the app"
        REMOVED = "removed", "Removed by moderation"

    content_id = models.CharField(max_length=128, unique=True)
    creator = models.ForeignKey("profiles.Creator", on_delete=models.PROTECT)
    sound = models.ForeignKey(Sound, on_delete=models.PROTECT, null=True, blank=True)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.ACTIVE)
    category = models.CharField(max_length=64, blank=True)
    language = models.CharField(max_length=16, blank=True)
    tags = models.JSONField(default=list, blank=True)
    description = models.TextField(blank=True)
    duration_seconds = models.FloatField(null=True, blank=True)
    media_url = models.CharField(max_length=500, blank=True)
    visual_features = models.JSONField(null=True, blank=True)
    uploaded_ms = models.BigIntegerField(help_text="ms since 1970 UTC")
    # Of two changes of a field the later one stands, whatever the order in which they arrive.
    stamps = models.JSONField(
        default=dict,
        db_default={},
        editable=False,
        help_text="ms since 1970 UTC of each field's last change",
    )
    # Rows are read again by processes that keep the catalogue in memory when this is recent.
    changed_ms = models.BigIntegerField(db_index=True, help_text="strictly increasing in a row")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(duration_seconds__isnull=True)
                | models.Q(duration_seconds__gt=0),
                name="content_duration_positive",
            )
        ]

    def __str__(self) -> str:
        return self.content_id

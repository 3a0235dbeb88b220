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
    # Beside what the app says, which is never altered: undone by emptying it.
    heard = models.ForeignKey(
        Sound,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="the sound that its file was found to have; counts instead of the one above",
    )
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.ACTIVE)
    is_age_restricted = models.BooleanField(
        default=False, db_default=False, help_text="by moderation: for viewers known to be adults"
    )
    is_reach_limited = models.BooleanField(
        default=False, db_default=False, help_text="by moderation: for followers of its creator"
    )
    category = models.CharField(max_length=64, blank=True)
    language = models.CharField(max_length=16, blank=True)
    tags = models.JSONField(default=list, blank=True)
    description = models.TextField(blank=True)
    duration_seconds = models.FloatField(null=True, blank=True)
    media_url = models.CharField(max_length=500, blank=True)
    visual_features = models.JSONField(null=True, blank=True)
    audio_features = models.JSONField(null=True, blank=True)
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


class Comment(models.Model):
    """One comment whose words speak for its content: screened, and among the latest (ADR 28)."""

    content = models.ForeignKey(Content, on_delete=models.CASCADE)
    # Whose words they are is kept so that they go with their author.
    viewer = models.ForeignKey("profiles.Viewer", on_delete=models.CASCADE)
    text = models.CharField(max_length=300)
    said_ms = models.BigIntegerField(db_index=True, help_text="ms since 1970 UTC")
    is_told = models.BooleanField(default=False, help_text="the content was stamped since")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["content", "viewer", "said_ms"], name="comment_kept_once"
            )
        ]
        indexes = [
            models.Index(
                fields=["content"], condition=models.Q(is_told=False), name="comment_to_tell"
            )
        ]

    def __str__(self) -> str:
        return f"comment {self.pk} on content {self.content_id}"

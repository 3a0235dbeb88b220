"""Files of contents, and what was found in them."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class SoundMark(models.Model):
    """One landmark of the sound of a content, the first that was heard with it (ADR 28)."""

    content = models.ForeignKey("content.Content", on_delete=models.CASCADE)
    hash = models.IntegerField(db_index=True, help_text="see algorithms/landmarks.py")
    frame = models.SmallIntegerField(help_text="23 ms each, from the start")

    def __str__(self) -> str:
        return f"{self.hash} at {self.frame} of content {self.content_id}"


class MediaAnalysis(models.Model):
    """The file of one content, and how far its analysis is."""

    class Kind(models.TextChoices):
        VIDEO = "video"
        IMAGE = "image"
        SOUND = "sound"

    class State(models.TextChoices):
        PENDING = "pending"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    content = models.OneToOneField("content.Content", on_delete=models.CASCADE)
    kind = models.CharField(max_length=5, choices=Kind.choices, blank=True)  # blank: not fetched
    url = models.CharField(max_length=2000, blank=True, help_text="where it is fetched from")
    file = models.FileField(max_length=200, blank=True)
    n_bytes = models.BigIntegerField(default=0)
    state = models.CharField(max_length=7, choices=State.choices, default=State.PENDING)
    n_attempts = models.SmallIntegerField(default=0)
    error = models.CharField(max_length=500, blank=True)
    due_ms = models.BigIntegerField(help_text="ms since 1970 UTC from which on it may be tried")
    requested_ms = models.BigIntegerField(help_text="ms since 1970 UTC")
    finished_ms = models.BigIntegerField(null=True, help_text="ms since 1970 UTC")
    hashes = models.JSONField(default=list, help_text="perceptual, [frames, crops] as hex")
    unsafe_score = models.FloatField(null=True, help_text="of the worst frame, 0–1")
    model = models.CharField(max_length=60, blank=True, help_text="that looked; empty: none")

    class Meta:
        verbose_name_plural = "media analyses"
        indexes = [
            models.Index(
                fields=["due_ms"],
                condition=Q(state__in=["pending", "running"]),
                name="mediaanalysis_due",
            ),
            models.Index(fields=["finished_ms"], name="mediaanalysis_finished"),
            models.Index(
                fields=["model"],
                condition=Q(state="done", kind__in=["video", "image"]),
                name="mediaanalysis_seen_by",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind or 'file'} of content {self.content_id}: {self.state}"

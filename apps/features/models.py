"""What consumers of the log have made of it, and how far each has come."""

from __future__ import annotations

from django.db import models


class Watermark(models.Model):
    """How far one consumer has read the log; it commits together with what was made of it."""

    consumer = models.CharField(max_length=60, unique=True)
    transaction_id = models.BigIntegerField(default=0, help_text="of the last event taken")
    event_id = models.BigIntegerField(default=0, help_text="the last event taken")
    caught_up_ms = models.BigIntegerField(
        default=0, help_text="when it last found nothing more to take, ms since 1970 UTC"
    )

    def __str__(self) -> str:
        return f"{self.consumer} at ({self.transaction_id}, {self.event_id})"


class Session(models.Model):
    """A maximal run of one viewer's events without a pause of more than 30 minutes (spec §2.3).

    It is known by its viewer and its start; a late event may extend it, start it earlier, or join
    two to one.
    """

    viewer = models.ForeignKey("profiles.Viewer", on_delete=models.CASCADE, db_index=False)
    started_ms = models.BigIntegerField(help_text="its first event, ms since 1970 UTC")
    ended_ms = models.BigIntegerField(help_text="the latest end of a view, or the last event")
    n_events = models.IntegerField()
    n_views = models.IntegerField()
    n_engagements = models.IntegerField(help_text="likes, comments, shares, saves, follows")
    watch_ms = models.BigIntegerField(help_text="watched in all views, ms")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["viewer", "started_ms"], name="session_one_per_start"),
            models.CheckConstraint(
                condition=models.Q(ended_ms__gte=models.F("started_ms")),
                name="session_ends_after_its_start",
            ),
        ]
        indexes = [
            models.Index(fields=["viewer", "ended_ms"], name="session_by_viewer_end"),
            models.Index(fields=["started_ms"], name="session_by_start"),
        ]

    def __str__(self) -> str:
        return f"session {self.pk} of viewer {self.viewer_id}"


class TrendBucket(models.Model):
    """Who engaged with one content in one span of time, as sketches of distinct viewers."""

    content = models.ForeignKey("content.Content", on_delete=models.CASCADE, db_index=False)
    bucket_ms = models.BigIntegerField(help_text="start of the span, ms since 1970 UTC")
    engaged = models.BinaryField(help_text="sketch of the viewers who engaged")
    shown = models.BinaryField(help_text="sketch of the viewers whom our feed showed it")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["bucket_ms", "content"], name="trendbucket_one"),
        ]
        indexes = [models.Index(fields=["content", "bucket_ms"], name="trendbucket_by_content")]

    def __str__(self) -> str:
        return f"content {self.content_id} at {self.bucket_ms}"


class TrendState(models.Model):
    """What the burst detector knows after the last bucket it has judged: one row."""

    bucket_ms = models.BigIntegerField(help_text="the last bucket judged")
    contents = models.BinaryField(help_text="int64[n] keys of contents")
    sums = models.BinaryField(help_text="float32[4, n], see apps.features.algorithms.bursts")
    spread = models.BinaryField(help_text="float64[2]")

    def __str__(self) -> str:
        return f"bursts until {self.bucket_ms}"


class Trend(models.Model):
    """A content that burst, and how far above its baseline it is expected to stay."""

    content = models.OneToOneField("content.Content", on_delete=models.CASCADE)
    started_ms = models.BigIntegerField(help_text="the first bucket that burst")
    bucket_ms = models.BigIntegerField(help_text="the latest bucket that burst")
    viewers = models.FloatField(help_text="engaged viewers of the latest bucket")
    baseline = models.FloatField(help_text="engaged viewers that were expected when it began")
    factor = models.FloatField(help_text="in [0, 1), as forecast; 0: not or no more")
    forecast_ms = models.BigIntegerField(default=0, help_text="the bucket it was forecast after")
    computed_ms = models.BigIntegerField(default=0, help_text="when; it fades from then on")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(factor__gte=0, factor__lt=1), name="trend_factor_is_bounded"
            )
        ]

    def __str__(self) -> str:
        return f"trend of content {self.content_id}"

"""What is kept of the log for KPIs and alerts, and the alerts themselves."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class ViewerDay(models.Model):
    """What one viewer did in one day, without what they did to contents of their own."""

    day = models.IntegerField(help_text="days since 1970, see apps.insights.days")
    viewer = models.ForeignKey("profiles.Viewer", on_delete=models.CASCADE, db_index=False)
    events = models.IntegerField()
    views = models.IntegerField()
    clicks = models.IntegerField(help_text="views of seven seconds or more, or declared as clicks")
    long_views = models.IntegerField()
    completes = models.IntegerField(help_text="views that reached the end")
    skips = models.IntegerField()
    likes = models.IntegerField()
    comments = models.IntegerField()
    shares = models.IntegerField()
    saves = models.IntegerField()
    follows = models.IntegerField()
    hides = models.IntegerField()
    reports = models.IntegerField()
    watch_ms = models.BigIntegerField()
    night_ms = models.BigIntegerField(help_text="of it begun between 23:00 and 05:00 local time")
    # Events by the device that they name; of many none is known.
    on_android = models.IntegerField(default=0)
    on_ios = models.IntegerField(default=0)
    on_web = models.IntegerField(default=0)
    on_tablet = models.IntegerField(default=0)
    on_tv = models.IntegerField(default=0)
    on_other = models.IntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["day", "viewer"], name="viewerday_one"),
        ]
        indexes = [models.Index(fields=["viewer", "day"], name="viewerday_by_viewer")]

    def __str__(self) -> str:
        return f"viewer {self.viewer_id} on day {self.day}"


class ContentDay(models.Model):
    """How often one content was viewed in one day, by others than its creator."""

    day = models.IntegerField()
    content = models.ForeignKey("content.Content", on_delete=models.CASCADE, db_index=False)
    views = models.IntegerField()
    watch_ms = models.BigIntegerField()
    since_ms = models.BigIntegerField(help_text="sum over the views of the time since midnight")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["day", "content"], name="contentday_one"),
        ]

    def __str__(self) -> str:
        return f"content {self.content_id} on day {self.day}"


class FirstDay(models.Model):
    """The first day on which a viewer was active."""

    viewer = models.OneToOneField("profiles.Viewer", on_delete=models.CASCADE, primary_key=True)
    day = models.IntegerField()

    def __str__(self) -> str:
        return f"viewer {self.viewer_id} since day {self.day}"


class TouchedDay(models.Model):
    """A day about which the log has said something that its totals do not have yet."""

    day = models.IntegerField(primary_key=True)

    def __str__(self) -> str:
        return str(self.day)


class DayTotals(models.Model):
    """The totals of one day and one segment, from which every KPI is a formula."""

    day = models.IntegerField()
    segment = models.CharField(
        max_length=80, help_text="all, language:en, device:ios, experiment:key/variant"
    )
    totals = models.JSONField(help_text="apps.insights.totals")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["segment", "day"], name="daytotals_one"),
        ]
        indexes = [models.Index(fields=["day"], name="daytotals_by_day")]
        permissions = [
            ("see_kpis", "Can see KPIs, retention and training history"),
            ("inspect", "Can inspect single viewers and contents"),
            ("manage_alerts", "Can change alert rules, acknowledge and silence"),
        ]

    def __str__(self) -> str:
        return f"{self.segment} on day {self.day}"


class DayCohorts(models.Model):
    """Who of a segment was active on one day, and how many of them came again (spec §8.1)."""

    day = models.IntegerField()
    segment = models.CharField(max_length=80, default="all", help_text="all, language:en")
    active = models.IntegerField()
    new = models.IntegerField(help_text="of them, those whose first day it is")
    weekly = models.IntegerField(help_text="active in the seven days up to this one")
    monthly = models.IntegerField(help_text="active in the thirty days up to this one")
    returned = models.JSONField(help_text="how many of the active came on day + n, n = 0…30")
    new_returned = models.JSONField(help_text="the same of the new")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["segment", "day"], name="daycohorts_one"),
        ]

    def __str__(self) -> str:
        return f"cohorts of {self.segment} on day {self.day}"


class Pulse(models.Model):
    """What all viewers did in five minutes, for alerts."""

    bucket_ms = models.BigIntegerField(unique=True, help_text="start, ms since 1970 UTC")
    events = models.IntegerField()
    views = models.IntegerField()
    clicks = models.IntegerField()
    completes = models.IntegerField()
    skips = models.IntegerField()
    engagements = models.IntegerField()
    reports = models.IntegerField()
    watch_ms = models.BigIntegerField()

    def __str__(self) -> str:
        return f"five minutes from {self.bucket_ms}"


class Sample(models.Model):
    """What one metric of the system was in five minutes."""

    metric = models.CharField(max_length=40)
    bucket_ms = models.BigIntegerField(help_text="start, ms since 1970 UTC")
    value = models.FloatField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["metric", "bucket_ms"], name="sample_one"),
        ]

    def __str__(self) -> str:
        return f"{self.metric} at {self.bucket_ms}"


class AlertRule(models.Model):
    """When one metric is bad enough that somebody is told."""

    class Kind(models.TextChoices):
        THRESHOLD = "threshold", "Threshold: beyond a fixed value"
        SEASONAL = "seasonal", "Seasonal: unlike the same hour of other weeks"
        MISSING = "missing", "Missing: no value at all"

    class Direction(models.TextChoices):
        ABOVE = "above", "Above"
        BELOW = "below", "Below"
        EITHER = "either", "Above or below"

    name = models.CharField(max_length=80, unique=True)
    metric = models.CharField(max_length=40)
    kind = models.CharField(max_length=9, choices=Kind.choices)
    direction = models.CharField(max_length=6, choices=Direction.choices, default=Direction.EITHER)
    threshold = models.FloatField(
        default=5.0, help_text="the value, or for seasonal k: deviations from the median"
    )
    relative = models.FloatField(
        default=0.1, help_text="seasonal: least relative difference that matters; 0.1 is 10 %"
    )
    minimum_volume = models.IntegerField(default=50, help_text="below it five minutes say nothing")
    ticks = models.PositiveSmallIntegerField(default=2, help_text="five minutes each, in a row")
    silenced_until_ms = models.BigIntegerField(default=0, help_text="ms since 1970 UTC")
    is_active = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(ticks__gte=1), name="alertrule_ticks_positive"),
        ]

    def __str__(self) -> str:
        return self.name


class Alert(models.Model):
    """One time that a rule spoke, until its metric was well again."""

    rule = models.ForeignKey(AlertRule, on_delete=models.CASCADE)
    opened_ms = models.BigIntegerField(help_text="ms since 1970 UTC")
    resolved_ms = models.BigIntegerField(null=True)
    value = models.FloatField(null=True, help_text="when it opened; null: none")
    expected = models.FloatField(null=True)
    acknowledged_by = models.ForeignKey(
        "auth.User", on_delete=models.SET_NULL, null=True, blank=True
    )
    acknowledged_ms = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["rule"], condition=Q(resolved_ms__isnull=True), name="alert_one_open"
            ),
        ]
        indexes = [models.Index(fields=["opened_ms"], name="alert_by_opening")]

    def __str__(self) -> str:
        return f"{self.rule_id} since {self.opened_ms}"

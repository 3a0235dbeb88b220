"""What was found or said about contents, who decided what, and why."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q


class ScreeningVerdict(models.Model):
    """What a screening says about one content now, by kind of material and category."""

    class Kind(models.TextChoices):
        TEXT = "text"
        IMAGE = "image"
        HASH = "hash", "Hash of removed media"

    class Zone(models.TextChoices):
        ALLOW = "allow"
        REVIEW = "review"
        BLOCK = "block"

    content = models.ForeignKey("content.Content", on_delete=models.CASCADE)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    category = models.CharField(max_length=20)
    score = models.FloatField(help_text="probability, 0–1")
    zone = models.CharField(max_length=8, choices=Zone.choices)
    grounds = models.JSONField(default=list, help_text="[[n-gram or cause, weight]], most first")
    version = models.CharField(max_length=60, help_text="of the artifact that judged")
    digest = models.CharField(max_length=64, help_text="SHA-256 of what was judged")
    screened_ms = models.BigIntegerField(help_text="ms since 1970 UTC")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["content", "kind", "category"], name="screeningverdict_one_per_category"
            )
        ]

    def __str__(self) -> str:
        return f"{self.category} {self.score:.2f}: {self.zone}"


class ScreeningMark(models.Model):
    """How far one version of a screening has come through the changes of the catalogue."""

    version = models.CharField(max_length=60, unique=True)
    changed_ms = models.BigIntegerField(default=0, help_text="of the last content screened")

    def __str__(self) -> str:
        return f"{self.version} at {self.changed_ms}"


class FlaggedComment(models.Model):
    """A comment that the screening did not let pass, and what became of it (ADR 28).

    The app shows comments, not this service: it is told by the topic `moderation.comment`.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waits for a moderator"
        ALLOWED = "allowed"
        BLOCKED = "blocked"

    event_key = models.UUIDField(unique=True, help_text="of the event; its event_id if a UUID")
    content = models.ForeignKey("content.Content", on_delete=models.CASCADE)
    viewer = models.ForeignKey("profiles.Viewer", on_delete=models.CASCADE)
    text = models.TextField()
    category = models.CharField(max_length=20)
    score = models.FloatField(help_text="probability, 0–1")
    state = models.CharField(max_length=7, choices=State.choices)
    said_ms = models.BigIntegerField(help_text="ms since 1970 UTC")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    decided_ms = models.BigIntegerField(null=True, help_text="ms since 1970 UTC")

    class Meta:
        indexes = [
            models.Index(fields=["viewer", "said_ms"], name="flaggedcomment_by_viewer"),
            models.Index(fields=["content", "said_ms"], name="flaggedcomment_by_content"),
        ]

    def __str__(self) -> str:
        return f"comment {self.pk}: {self.state}"


class Case(models.Model):
    """One content that waits for a decision, or got one."""

    class State(models.TextChoices):
        OPEN = "open"
        CLAIMED = "claimed"
        DECIDED = "decided"

    class Source(models.TextChoices):
        REPORT = "report", "Reports of viewers"
        NOTICE = "notice", "A notice"
        SCREENING = "screening", "Automated screening"

    content = models.ForeignKey("content.Content", on_delete=models.PROTECT)
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    source = models.CharField(max_length=10, choices=Source.choices)
    clause = models.CharField(max_length=20, blank=True, help_text="what it is suspected of")
    severity = models.FloatField(help_text="0–1")
    priority = models.FloatField(help_text="without its age; see algorithms/priority.py")
    n_reports = models.IntegerField(default=0)
    text_digest = models.CharField(max_length=64, blank=True, db_index=True)
    is_escalated = models.BooleanField(default=False)
    held_ms = models.BigIntegerField(
        null=True,
        blank=True,
        help_text="since when the reach is limited while it is not decided, ms since 1970 UTC",
    )
    holder = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True
    )
    claimed_until_ms = models.BigIntegerField(default=0, help_text="ms since 1970 UTC")
    opened_ms = models.BigIntegerField(help_text="ms since 1970 UTC")
    due_ms = models.BigIntegerField(help_text="ms since 1970 UTC")
    decided_ms = models.BigIntegerField(null=True, help_text="ms since 1970 UTC")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["content"], condition=~Q(state="decided"), name="case_one_open_per_content"
            )
        ]
        indexes = [models.Index(fields=["state", "is_escalated"], name="case_by_state")]
        permissions = [
            ("review", "Can work off the review queue"),
            ("review_senior", "Can decide escalated cases and appeals, and undo decisions"),
            ("see_statistics", "Can see statistics of moderation"),
            ("export_audit", "Can export the audit log and see statistics by moderator"),
        ]

    def __str__(self) -> str:
        return f"case {self.pk}"


class Report(models.Model):
    """One viewer's report, or one notice (DSA art. 16)."""

    class Outcome(models.TextChoices):
        UPHELD = "upheld", "Something was done"
        REJECTED = "rejected", "Nothing was done"

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    content = models.ForeignKey("content.Content", on_delete=models.PROTECT)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, null=True)
    viewer = models.ForeignKey("profiles.Viewer", on_delete=models.SET_NULL, null=True)
    is_notice = models.BooleanField(default=False)
    reason = models.CharField(max_length=200, blank=True, help_text="as it was said")
    clause = models.CharField(max_length=20, blank=True)
    explanation = models.TextField(blank=True)
    name = models.CharField(max_length=200, blank=True, help_text="of who gave the notice")
    email = models.EmailField(blank=True, help_text="of who gave the notice")
    weight = models.FloatField(help_text="0–1, how far this reporter was right until then")
    reported_ms = models.BigIntegerField(help_text="ms since 1970 UTC")
    outcome = models.CharField(max_length=8, choices=Outcome.choices, blank=True)

    class Meta:
        indexes = [models.Index(fields=["content", "outcome"], name="report_by_content")]

    def __str__(self) -> str:
        return f"report {self.pk}"


class Action(models.TextChoices):
    """What a decision does."""

    NONE = "none", "No action"
    AGE_RESTRICT = "age_restrict", "Only for adults"
    LIMIT = "limit", "Limit reach"
    REMOVE = "remove", "Remove"
    WARN = "warn", "Warn the creator"
    SUSPEND = "suspend", "Suspend the creator"


class Decision(models.Model):
    """What was decided in one case; it stands until it is undone."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT)
    content = models.ForeignKey("content.Content", on_delete=models.PROTECT)
    action = models.CharField(max_length=12, choices=Action.choices)
    reason = models.CharField(max_length=20)
    explanation = models.TextField(blank=True, help_text="told to the creator")
    note = models.TextField(blank=True, help_text="for moderators only")
    status_before = models.CharField(max_length=8, help_text="of the content")
    is_automated = models.BooleanField(default=False)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    decided_ms = models.BigIntegerField(db_index=True, help_text="ms since 1970 UTC")
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    undone_ms = models.BigIntegerField(null=True, help_text="ms since 1970 UTC")

    class Meta:
        indexes = [models.Index(fields=["content", "undone_ms"], name="decision_standing")]

    def __str__(self) -> str:
        return f"decision {self.pk}"


class Statement(models.Model):
    """A statement of reasons (DSA art. 17), as it was given; it never changes."""

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    decision = models.OneToOneField(Decision, on_delete=models.PROTECT)
    restriction = models.CharField(max_length=60, help_text="what was restricted")
    facts = models.TextField(help_text="facts and circumstances, for the creator")
    ground = models.CharField(max_length=8, help_text="terms or law")
    reference = models.CharField(max_length=100, help_text="clause or article")
    was_detected_automatically = models.BooleanField()
    was_decided_automatically = models.BooleanField()
    appeal_until_ms = models.BigIntegerField(help_text="ms since 1970 UTC")
    created_ms = models.BigIntegerField(help_text="ms since 1970 UTC")

    def __str__(self) -> str:
        return str(self.public_id)


class Appeal(models.Model):
    """A complaint against a statement of reasons (DSA art. 20), decided by somebody else."""

    class State(models.TextChoices):
        OPEN = "open"
        UPHELD = "upheld", "The decision stands"
        OVERTURNED = "overturned", "The decision was undone"

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    statement = models.OneToOneField(Statement, on_delete=models.PROTECT)
    text = models.TextField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    answer = models.TextField(blank=True, help_text="told to the creator")
    received_ms = models.BigIntegerField(help_text="ms since 1970 UTC")
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True)
    decided_ms = models.BigIntegerField(null=True, help_text="ms since 1970 UTC")

    def __str__(self) -> str:
        return f"appeal {self.pk}"


class SecondLook(models.Model):
    """A decision that another moderator judges without knowing it."""

    decision = models.OneToOneField(Decision, on_delete=models.PROTECT)
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True)
    action = models.CharField(max_length=12, choices=Action.choices, blank=True)
    reason = models.CharField(max_length=20, blank=True)
    looked_ms = models.BigIntegerField(null=True, help_text="ms since 1970 UTC")

    def __str__(self) -> str:
        return f"second look at decision {self.decision_id}"


class AuditEntry(models.Model):
    """One thing that was done, chained to the one before; the database refuses to change it."""

    number = models.BigIntegerField(unique=True, help_text="1, 2, 3 …")
    at_ms = models.BigIntegerField(help_text="ms since 1970 UTC")
    actor = models.CharField(max_length=60, help_text="user:PK, or system")
    verb = models.CharField(max_length=30)
    subject = models.CharField(max_length=60, help_text="case:PK, decision:PK …")
    facts = models.JSONField(default=dict)
    previous = models.CharField(max_length=64, help_text="digest of the entry before")
    digest = models.CharField(max_length=64, help_text="SHA-256 over all that and previous")

    class Meta:
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.number}: {self.actor} {self.verb} {self.subject}"

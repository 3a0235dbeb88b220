"""Tables that know no domain: keys of the API, artifacts, leases, webhooks."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import models
from django.db.models import Q


class Scope(models.TextChoices):
    """What a server key may do."""

    FEED_READ = "feed:read", "Read feeds"
    EVENTS_WRITE = "events:write", "Post events"
    EVENTS_BACKFILL = "events:backfill", "Post events of any age"
    CONTENT_WRITE = "content:write", "Create and change contents"
    USERS_WRITE = "users:write", "Create and change users, issue client tokens"
    FEDERATION_JOIN = "federation:join", "Take part in training on devices"
    METRICS_READ = "metrics:read", "Read KPIs"
    MODERATION_WRITE = "moderation:write", "Give notices and appeal"
    MODERATION_READ = "moderation:read", "Read notices, statements of reasons and appeals"


class ApiKey(models.Model):
    """One server key; its secret half is stored hashed only."""

    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=8, unique=True, editable=False)
    digest = models.CharField(max_length=64, editable=False, help_text="SHA-256 of the secret")
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    def __str__(self) -> str:
        return f"{self.name} (rk_{self.prefix}_…)"

    def is_usable(self, now: datetime) -> bool:
        """Say whether the key is neither revoked nor expired at `now`."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


class LoginFailure(models.Model):
    """One failed login of staff, under the account, the address or the device that it was of."""

    key = models.CharField(max_length=64, help_text="keyed hash")
    failed_ms = models.BigIntegerField(db_index=True, help_text="ms since 1970 UTC")

    class Meta:
        indexes = [models.Index(fields=["key", "failed_ms"], name="loginfailure_by_key")]

    def __str__(self) -> str:
        return f"login failure {self.pk}"


class Artifact(models.Model):
    """One immutable version of something learned; the files lie under its uuid."""

    class Alias(models.TextChoices):
        PRODUCTION = "production"
        CANDIDATE = "candidate"
        PREVIOUS = "previous"

    family = models.CharField(max_length=40)
    uuid = models.UUIDField(unique=True)
    alias = models.CharField(max_length=20, choices=Alias.choices, null=True, blank=True)
    manifest = models.JSONField(help_text="files with size and sha256, metrics, data window")
    gates = models.JSONField(
        default=list, blank=True, help_text="what each gate said: gate, state, reason, numbers"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["family", "alias"],
                condition=Q(alias__isnull=False),
                name="artifact_one_per_alias",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.family}@{self.pk}"


class ArtifactMove(models.Model):
    """One thing that was decided about a version: who, what and why; rows are never changed."""

    family = models.CharField(max_length=40)
    version = models.CharField(max_length=60, help_text="its name, which outlives the version")
    move = models.CharField(max_length=40, help_text="e.g. serves, canary 5 %, refused")
    by = models.CharField(max_length=150, help_text="a person, a command, or the rollout")
    why = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["family", "id"], name="artifactmove_by_family")]

    def __str__(self) -> str:
        return f"{self.version}: {self.move}"


class Lease(models.Model):
    """The right to run one piece of work alone until a moment."""

    name = models.CharField(max_length=60, unique=True)
    holder = models.UUIDField(null=True)
    until_ms = models.BigIntegerField(default=0, help_text="ms since 1970 UTC")

    def __str__(self) -> str:
        return self.name


class WebhookEndpoint(models.Model):
    """An address that is told what happened, with a secret that signs what is said."""

    url = models.URLField(max_length=500, help_text="https, a public address")
    secret = models.CharField(max_length=64, editable=False)
    topics = models.JSONField(default=list, blank=True, help_text="empty: all of them")
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    failing_since_ms = models.BigIntegerField(null=True, editable=False)

    def __str__(self) -> str:
        return self.url


class WebhookDelivery(models.Model):
    """One message to one endpoint: the outbox, written with what it tells in one transaction."""

    class State(models.TextChoices):
        WAITING = "waiting"
        DELIVERED = "delivered"
        GIVEN_UP = "given_up", "Given up"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.CASCADE)
    topic = models.CharField(max_length=60)
    body = models.TextField(help_text="JSON, as it is signed and sent")
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    attempts = models.IntegerField(default=0)
    due_ms = models.BigIntegerField(help_text="not before this, ms since 1970 UTC")
    created_ms = models.BigIntegerField(help_text="ms since 1970 UTC")
    answer = models.CharField(max_length=200, blank=True, help_text="status, or what failed")

    class Meta:
        verbose_name_plural = "webhook deliveries"
        indexes = [models.Index(fields=["state", "due_ms"], name="webhookdelivery_due")]

    def __str__(self) -> str:
        return f"{self.topic} to endpoint {self.endpoint_id}"

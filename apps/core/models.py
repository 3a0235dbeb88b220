"""Tables that know no domain: keys of the API, artifacts, leases."""

from __future__ import annotations

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


class Lease(models.Model):
    """The right to run one piece of work alone until a moment."""

    name = models.CharField(max_length=60, unique=True)
    holder = models.UUIDField(null=True)
    until_ms = models.BigIntegerField(default=0, help_text="ms since 1970 UTC")

    def __str__(self) -> str:
        return self.name

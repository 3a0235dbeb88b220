"""What happened, once and for ever: the event log, and the slates that viewers were served."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from django.db import models
from django.db.models import Func, Q

from apps.content.models import Content
from apps.events.types import AGAINST, DEVICES, EventType


class CurrentTransaction(Func):
    """The id of the writing transaction on PostgreSQL, 0 on SQLite.

    PostgreSQL commits ids out of order; a reader that follows the log takes only rows whose
    transaction is older than every running one. SQLite writes one transaction at a time.
    """

    template = "0"
    output_field = models.BigIntegerField()

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        """Return the SQL of PostgreSQL."""
        return self.as_sql(
            compiler, connection, template="(pg_current_xact_id()::text::bigint)", **extra
        )


class Event(models.Model):
    """One thing that a viewer did, or one upload (spec §2.1, §2.2); rows are never changed.

    An event about a content that is not known yet waits in `QuarantinedEvent`.
    """

    event_key = models.UUIDField(unique=True, help_text="from the client's event_id, or derived")
    kind = models.SmallIntegerField(choices=[(t.value, t.name.lower()) for t in EventType])
    viewer = models.ForeignKey(
        "profiles.Viewer", on_delete=models.CASCADE, null=True, db_index=False
    )
    content = models.ForeignKey(
        "content.Content", on_delete=models.PROTECT, null=True, db_index=False
    )
    creator = models.ForeignKey(
        "profiles.Creator", on_delete=models.PROTECT, null=True, db_index=False
    )
    occurred_ms = models.BigIntegerField(help_text="by the client's clock, ms since 1970 UTC")
    received_ms = models.BigIntegerField(help_text="by our clock, ms since 1970 UTC")
    watch_seconds = models.FloatField(null=True)
    flags = models.SmallIntegerField(default=0, help_text="apps.events.types.EventFlag")
    surface = models.SmallIntegerField(default=0)
    utc_offset_minutes = models.SmallIntegerField(default=0)
    device = models.SmallIntegerField(default=0, choices=list(enumerate(DEVICES)))
    network_ms = models.FloatField(null=True, help_text="time to load the content")
    request_id = models.UUIDField(null=True, help_text="the slate that showed the content")
    info = models.JSONField(
        null=True, help_text="comment_text, platform, reason; sent: what cleaning has replaced"
    )
    transaction_id = models.BigIntegerField(db_default=CurrentTransaction(), editable=False)

    class Meta:
        indexes = [
            models.Index(fields=["viewer", "occurred_ms"], name="event_by_viewer"),
            models.Index(fields=["viewer", "content"], name="event_by_viewer_content"),
            models.Index(fields=["transaction_id", "id"], name="event_by_commit"),
            models.Index(
                fields=["viewer", "occurred_ms"],
                condition=Q(kind__in=[kind.value for kind in AGAINST]),
                name="event_against",
            ),
        ]

    def __str__(self) -> str:
        return f"event {self.pk} ({self.get_kind_display()})"


class QuarantinedEvent(models.Model):
    """One event that was sent and is not in the log: refused, or waiting for its content (§2.3).

    No raw viewer id is ever stored (spec §10.1): in `body` the viewer's pseudonym stands for the
    user_id, the event_id is kept as `event_key` only, values of fields that no event has are left
    out. Of a text that could not be parsed nothing is kept but its size and a keyed hash.
    """

    class Reason(models.TextChoices):
        UNKNOWN_CONTENT = "unknown-content", "Waits for its content"
        MALFORMED_JSON = "malformed-json", "No JSON"
        INVALID_VALUE = "invalid-value", "A value is not allowed"
        MISSING_FIELD = "missing-field", "A field is missing"
        UNKNOWN_FIELD = "unknown-field", "A field is not known"
        NUL_CHARACTER = "nul-character", "NUL in a text"
        WRONG_USER = "wrong-user", "A token spoke for another viewer"
        NOT_ALLOWED = "not-allowed", "The caller may not do this"
        TOO_OLD = "too-old", "Older than a week"

    reason = models.CharField(max_length=16, choices=Reason.choices)
    detail = models.CharField(max_length=500, blank=True, help_text="what was wrong")
    event_key = models.UUIDField(null=True, db_index=True, help_text="as in the log, if known")
    digest = models.UUIDField(
        null=True, unique=True, help_text="keyed hash of a refused text, which is kept once"
    )
    kind_name = models.CharField("type", max_length=16, blank=True, help_text="as sent")
    content_key = models.CharField("about", max_length=128, blank=True, db_index=True)
    viewer_pseudonym = models.UUIDField(null=True, db_index=True)
    body = models.JSONField(null=True, help_text="the event, with the viewer's pseudonym")
    known = models.JSONField(null=True, help_text="columns of an imported event beside its body")
    size_bytes = models.IntegerField(help_text="of the text that was sent")
    received_ms = models.BigIntegerField(help_text="first received, ms since 1970 UTC")
    last_received_ms = models.BigIntegerField(help_text="ms since 1970 UTC")
    times_seen = models.IntegerField(default=1)

    class Meta:
        indexes = [
            models.Index(fields=["reason", "received_ms"], name="quarantinedevent_by_reason"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["event_key"],
                condition=Q(reason="unknown-content"),
                name="quarantinedevent_waits_once",
            )
        ]

    def __str__(self) -> str:
        return f"quarantined event {self.pk} ({self.reason})"


class Slate(models.Model):
    """One page of a feed as it was served: the base of training and of every honest analysis.

    The arrays are packed little-endian, one entry a slot, in the order shown.
    """

    id = models.UUIDField(primary_key=True, editable=False, help_text="the request_id")
    viewer = models.ForeignKey("profiles.Viewer", on_delete=models.CASCADE, db_index=False)
    feed_session = models.UUIDField(help_text="shared by the pages of one scroll")
    served_ms = models.BigIntegerField(help_text="ms since 1970 UTC")
    first_position = models.IntegerField(help_text="position of the first slot in the scroll")
    surface = models.SmallIntegerField(default=0)
    ranker = models.CharField(max_length=60)
    variant = models.CharField(
        max_length=255, blank=True, help_text="experiment=variant, by commas"
    )
    objective = models.PositiveIntegerField(
        default=0, db_default=0, help_text="version of the fusion weights, 0 those built in"
    )
    content_pks = models.BinaryField(help_text="int64[n]")
    scores = models.BinaryField(help_text="float32[n]")
    sources = models.BinaryField(help_text="uint32[n], bit i: the i-th source proposed it")
    propensities = models.BinaryField(help_text="float32[n], chance of being shown in its slot")
    feature_schema = models.CharField(max_length=16, blank=True)
    features = models.BinaryField(help_text="float32[n, n_features] as the ranker saw them")

    class Meta:
        indexes = [
            models.Index(fields=["viewer", "served_ms"], name="slate_by_viewer"),
            # What was shown to all: training, shadows, off-policy estimates, funnels.
            models.Index(fields=["served_ms"], name="slate_by_time"),
        ]

    def __str__(self) -> str:
        return str(self.id)

    @staticmethod
    def unpacked(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return what each row (a dict of columns) showed, in words, in one query for all."""
        shown = [np.frombuffer(row["content_pks"], "<i8").tolist() for row in rows]
        wanted = {pk for pks in shown for pk in pks}
        names = dict(Content.objects.filter(pk__among=wanted).values_list("pk", "content_id"))
        return [{"contents": [names.get(pk) for pk in pks]} for pks in shown]


class ImportCheckpoint(models.Model):
    """How far one import of one set of files has come, so that it can go on."""

    source = models.CharField(max_length=64, unique=True, help_text="hash of format and files")
    position = models.BigIntegerField(default=0, help_text="rows done")
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.source[:12]} at {self.position}"

"""Who people are: viewers, creators, and how they stand to each other."""

from __future__ import annotations

from django.db import models


class AgeGroup(models.TextChoices):
    """Bands, never a date of birth."""

    UNDER_13 = "under_13"
    TEEN = "13-17"
    YOUNG = "18-24"
    ADULT = "25-34"
    MIDDLE = "35-44"
    OLDER = "45-54"
    SENIOR = "55+"


# Who may see what moderation keeps from minors; a viewer of unknown age is not among them.
ADULT_GROUPS = frozenset(AgeGroup.values) - {AgeGroup.UNDER_13, AgeGroup.TEEN}


class Viewer(models.Model):
    """One viewer, known by a keyed pseudonym only (spec §2.2, §10.1)."""

    pseudonym = models.UUIDField(unique=True, editable=False, help_text="HMAC of the user_id")
    age_group = models.CharField(max_length=8, choices=AgeGroup.choices, blank=True)
    location = models.CharField(max_length=8, blank=True, help_text="country or region code")
    language = models.CharField(max_length=16, blank=True)
    categories = models.JSONField(default=list, blank=True, help_text="preferred categories")
    personalization = models.BooleanField(
        default=True, db_default=True, help_text="no: feeds and models pass this viewer's past over"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["id"], condition=models.Q(personalization=False), name="viewer_refused"
            )
        ]

    def __str__(self) -> str:
        return f"viewer {self.pk}"


class Erasure(models.Model):
    """The tombstone of a viewer who was erased: whoever comes under this pseudonym is refused."""

    pseudonym = models.UUIDField(unique=True, editable=False, help_text="HMAC of the user_id")
    erased_ms = models.BigIntegerField(help_text="ms since 1970 UTC")
    counts = models.JSONField(default=dict, help_text="rows erased, by table")

    def __str__(self) -> str:
        return f"erasure {self.pk}"


class Creator(models.Model):
    """One creator of contents."""

    creator_id = models.CharField(max_length=128, unique=True)
    name = models.CharField(max_length=128, blank=True)
    is_suspended = models.BooleanField(
        default=False, db_default=False, help_text="by moderation: nothing of theirs is shown"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name or self.creator_id


class CreatorRelation(models.Model):
    """How one viewer stands to one creator; the latest change wins, whatever order they came in."""

    class Kind(models.IntegerChoices):
        FOLLOW = 1
        MUTE = 2, "Mute: hidden for a while, after a hidden content"
        BLOCK = 3, "Block: hidden until taken back"

    viewer = models.ForeignKey(Viewer, on_delete=models.CASCADE, db_index=False)
    creator = models.ForeignKey(Creator, on_delete=models.CASCADE)
    kind = models.SmallIntegerField(choices=Kind.choices)
    is_active = models.BooleanField(default=True)
    changed_ms = models.BigIntegerField(help_text="when it was last changed, ms since 1970 UTC")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["viewer", "creator", "kind"], name="creatorrelation_one_per_kind"
            )
        ]

    def __str__(self) -> str:
        return f"{self.viewer_id} {self.get_kind_display()} {self.creator_id}"

"""Who may do what: four groups with least rights, made after each migration."""

from __future__ import annotations

from apps.core.roles import Roles

REVIEW = "moderation.review"
SENIOR = "moderation.review_senior"
STATISTICS = "moderation.see_statistics"
AUDIT = "moderation.export_audit"

ROLES: Roles = {
    "moderator": (REVIEW,),
    "senior moderator": (REVIEW, SENIOR, STATISTICS),
    "admin": (REVIEW, SENIOR, STATISTICS, AUDIT),
    "analyst": (STATISTICS,),
}

"""Parameters of moderation: the policy, and what is urgent."""

from __future__ import annotations

from typing import Literal, NamedTuple

from django.conf import settings

from apps.core.clock import HOUR_MS, SECOND_MS
from apps.moderation.algorithms.zones import Zones


class Clause(NamedTuple):
    """One reason for a decision: a clause of the terms, or a law."""

    code: str
    label: str
    ground: Literal["terms", "law"]
    reference: str
    severity: float  # 0–1


# In the order of the keys 1–9 of the review page.
CLAUSES = (
    Clause("hate", "Hate or insults", "terms", "Terms 4.1", 0.8),
    Clause("harassment", "Harassment or threats", "terms", "Terms 4.2", 0.8),
    Clause("violence", "Violence or cruelty", "terms", "Terms 4.3", 0.9),
    Clause("sexual", "Nudity or sexual content", "terms", "Terms 4.4", 0.7),
    Clause("minors", "Safety of minors", "law", "Directive 2011/93/EU", 1.0),
    Clause("self-harm", "Suicide or self-harm", "terms", "Terms 4.5", 1.0),
    Clause("spam", "Spam or deception", "terms", "Terms 4.6", 0.4),
    Clause("rights", "Copyright or trademark", "law", "Directive 2001/29/EC", 0.5),
    Clause("illegal", "Other illegal content", "law", "Regulation (EU) 2022/2065, art. 16", 0.8),
)
CLAUSE = {clause.code: clause for clause in CLAUSES}
NO_VIOLATION = "no-violation"  # the reason of "no action"

# What the reports of an app mean, as far as their words are known; others weigh as spam does.
REPORT_REASONS = {
    **{clause.code: clause.code for clause in CLAUSES},
    "offensive": "hate",
    "abuse": "harassment",
    "nudity": "sexual",
    "copyright": "rights",
}
OTHER_SEVERITY = 0.4

# Which clause a category of the screening speaks of.
CATEGORY_CLAUSE = {"offensive": "hate", "spam": "spam", "unsafe": "sexual"}
# Of copies, by the share of frames that a removed content has too.
COPY_ZONES = Zones(review=0.25, block=0.6)

CLAIM_MS = 600 * SECOND_MS  # a claim without a heartbeat ends after this
UNDO_MS = 10 * SECOND_MS  # in which whoever decided may take it back
BULK_MOST = 100
APPEAL_DAYS = 183  # at least six months (DSA art. 20)
# Misuse (DSA art. 23). Of a creator, this many removals that stand propose a warning, and after a
# warning a suspension; a viewer's reports open no case while so many of theirs came to nothing.
REPEAT_DAYS = 90
REPEAT_REMOVALS = 3
UNFOUNDED_REPORTS = 10
UNFOUNDED_SHARE = 0.9  # at least, of their reports that were judged
# Comments. Who had this many blocked lately says no more what contents are about; a content under
# which so many viewers had one blocked is put before people, its reach as it was.
BLOCKED_COMMENTS = 5
CROWD_VIEWERS = 5
REVIEWED_SHARE = 0.05  # of human decisions that a second moderator judges blindly


def unsafe_zones() -> Zones:
    """Return the zones of pictures, by the score of the worst frame.

    The network's authors call 0.8 probable; it is not calibrated on labels of ours, so by default
    only what it is all but certain of is removed. The operator sets them (`UNSAFE_PERCENT`).
    """
    review, remove = settings.UNSAFE_PERCENT
    return Zones(review=review / 100, block=remove / 100)


def due_after_ms(severity: float) -> int:
    """Return how soon a case of this severity is to be decided: 2 to 24 hours."""
    return (2 if severity >= 0.9 else 8 if severity >= 0.7 else 24) * HOUR_MS

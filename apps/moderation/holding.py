"""What is said of a content that waits, its reach limited, for a person to decide (DSA art. 17)."""

from __future__ import annotations

from apps.core.clock import to_datetime
from apps.moderation.conf import CATEGORY_CLAUSE, CLAUSE, OTHER_SEVERITY, Clause
from apps.moderation.models import Action, Case, ScreeningVerdict
from apps.moderation.services.statements import RESTRICTION
from apps.moderation.types import HeldOut

_WHAT = {"text": "the text", "image": "the pictures", "hash": "what it shares with removed media"}
_OTHER = Clause("other", "the terms", "terms", "Terms", OTHER_SEVERITY)  # a report's own words
_EARLIER = "what it said or showed before"  # it was changed since: the case stays open


def held(content_id: str) -> HeldOut | None:
    """Return since when and why a content is held, None for one that is not; two queries."""
    cases = Case.objects.exclude(state=Case.State.DECIDED).exclude(held_ms=None)
    case = cases.filter(content__content_id=content_id).first()
    if case is None or case.held_ms is None:
        return None
    found = ScreeningVerdict.objects.filter(content=case.content_id)
    suspicions = found.exclude(zone=ScreeningVerdict.Zone.ALLOW)
    worst = max(suspicions, key=lambda v: (v.zone == v.Zone.BLOCK, v.score), default=None)
    what, code = _EARLIER, case.clause
    if worst is not None:
        what = _WHAT[worst.kind]
        code = CATEGORY_CLAUSE.get(worst.category, worst.category)
    clause = CLAUSE.get(code, _OTHER)
    return HeldOut(
        since=to_datetime(case.held_ms),
        category=clause.code,
        reason=f"An automated check found that {what} may fall under: {clause.label}."
        " A person will decide.",
        restriction=RESTRICTION[Action.LIMIT],
        ground=clause.ground,
        reference=clause.reference,
        due_at=to_datetime(case.due_ms),
    )

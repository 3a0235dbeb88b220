"""Make a content what the decisions that stand say: derived, so that undoing is exact."""

from __future__ import annotations

from apps.content.models import Content
from apps.content.services import set_restrictions, set_status, set_suspended
from apps.moderation.models import Action, Case, Decision


def enforce(decision: Decision, *, now_ms: int) -> None:
    """Bring the decision's content in line with all decisions that stand.

    Call it after the decision was stored or undone, in the same transaction. The feed's last query
    reads these columns: what was decided holds in the next request of every process. A content is
    limited while any decision or any open case says so; after the last removal is undone it has the
    status from before the first.
    """
    content = Content.objects.select_for_update().get(pk=decision.content_id)
    standing = Decision.objects.filter(content=content, undone_ms=None)
    actions = set(standing.values_list("action", flat=True))
    undecided = Case.objects.filter(content=content).exclude(state=Case.State.DECIDED)
    is_held = undecided.exclude(held_ms=None).exists()
    set_restrictions(
        content.pk,
        is_age_restricted=Action.AGE_RESTRICT in actions,
        is_reach_limited=Action.LIMIT in actions or is_held,
        now_ms=now_ms,
    )
    if Action.REMOVE in actions:
        set_status([content.content_id], Content.Status.REMOVED, now_ms=now_ms)
    elif decision.action == Action.REMOVE:
        set_status([content.content_id], Content.Status(_before(content)), now_ms=now_ms)
    if decision.action == Action.SUSPEND:
        of_creator = Decision.objects.filter(content__creator_id=content.creator_id, undone_ms=None)
        is_suspended = of_creator.filter(action=Action.SUSPEND).exists()
        set_suspended(content.creator_id, is_suspended=is_suspended, now_ms=now_ms)


def _before(content: Content) -> str:
    """Return the status that the content had before moderation first removed it."""
    removals = Decision.objects.filter(content=content, action=Action.REMOVE).order_by("pk")
    found = removals.exclude(status_before=Content.Status.REMOVED)
    return found.values_list("status_before", flat=True).last() or Content.Status.REMOVED

"""The review pages at `/moderation/`: queue, one case, appeals, second looks."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from apps.core.clock import now_ms
from apps.core.errors import Problem
from apps.moderation import screening, selectors
from apps.moderation.access import act, staff_page
from apps.moderation.conf import CLAIM_MS, CLAUSES, UNDO_MS
from apps.moderation.models import Action, Appeal, Case, Decision, SecondLook
from apps.moderation.roles import REVIEW, SENIOR
from apps.moderation.services import appeals, cases, decisions, quality

_VIEWS = ("open", "mine", "escalated")


@require_safe
@staff_page(REVIEW)
def queue(request: HttpRequest) -> HttpResponse:
    """Show the cases of a view, and the first of them whole."""
    view = request.GET.get("view", "open")
    if view not in _VIEWS:
        raise Http404
    user, moment = _user(request), now_ms()
    found = list(selectors.queue(view, user=user, is_senior=_is_senior(user), now_ms=moment))
    first = found[0].pk if found else None
    return render(
        request,
        "moderation/queue.html",
        {**frame(request, view), "cases": found, **_case_context(request, first)},
    )


@require_safe
@staff_page(REVIEW)
def case(request: HttpRequest, case_pk: int) -> HttpResponse:
    """Show one case: a whole page, or only its panel (`?panel`) for the page's script."""
    context = _case_context(request, case_pk)
    if context["context"] is None:
        raise Http404
    if "panel" in request.GET:
        return render(request, "moderation/_case.html", context)
    return render(request, "moderation/queue.html", {**frame(request, ""), **context})


@act(REVIEW)
def claim(request: HttpRequest, case_pk: int) -> HttpResponse:
    """Take a case, or keep it for ten minutes more."""
    user = _user(request)
    cases.claim(case_pk, user=user, now_ms=now_ms(), is_senior=_is_senior(user))
    return _done(request, {"claimed_seconds": CLAIM_MS // 1000}, "moderation:case", case_pk)


@act(REVIEW)
def release(request: HttpRequest, case_pk: int) -> HttpResponse:
    """Give a case back."""
    cases.release(case_pk, user=_user(request))
    return _done(request, {}, "moderation:case", case_pk)


@act(REVIEW)
def escalate(request: HttpRequest, case_pk: int) -> HttpResponse:
    """Hand a case to a senior moderator."""
    note = request.POST.get("note", "")
    cases.escalate(case_pk, user=_user(request), note=note, now_ms=now_ms())
    return _done(request, {}, "moderation:queue")


@act(REVIEW)
def decide(request: HttpRequest, case_pk: int) -> HttpResponse:
    """Decide a case."""
    made = decisions.decide(case_pk, _verdict(request), user=_user(request), now_ms=now_ms())
    if request.headers.get("Accept") != "application/json":
        messages.success(request, f"{made.content.content_id}: {made.get_action_display()}.")
    said = {"decision": made.pk, "did": made.get_action_display(), "undo_seconds": UNDO_MS // 1000}
    return _done(request, said, "moderation:queue")


@act(REVIEW)
def undo(request: HttpRequest, decision_pk: int) -> HttpResponse:
    """Take a decision back."""
    user = _user(request)
    decisions.undo(decision_pk, user=user, is_senior=_is_senior(user), now_ms=now_ms())
    return _done(request, {}, "moderation:queue")


@require_safe
@staff_page(REVIEW)
def alike(request: HttpRequest, case_pk: int) -> HttpResponse:
    """Show which open cases have the very same text, before they are decided together."""
    found = Case.objects.select_related("content").filter(pk=case_pk).first()
    if found is None:
        raise Http404
    same = decisions.alike(found)
    context = {**frame(request, ""), "case": found, "alike": same, **_choices()}
    return render(request, "moderation/alike.html", context)


@act(REVIEW)
def decide_alike(request: HttpRequest, case_pk: int) -> HttpResponse:
    """Decide cases with one text together, after their number was typed in."""
    pks = [case_pk, *(int(pk) for pk in request.POST.getlist("case") if pk.isdecimal())]
    chosen = list(dict.fromkeys(pks))
    if request.POST.get("confirm", "").strip() != str(len(chosen)):
        raise Problem(422, "not-confirmed", f"Type {len(chosen)} to decide as many cases.")
    user, moment = _user(request), now_ms()
    cases.claim(case_pk, user=user, now_ms=moment, is_senior=_is_senior(user))
    made = decisions.decide_alike(chosen, _verdict(request), user=user, now_ms=moment)
    messages.success(request, f"{len(made)} cases decided.")
    return _done(request, {"decided": len(made)}, "moderation:queue")


@require_safe
@staff_page(SENIOR)
def decided(request: HttpRequest) -> HttpResponse:
    """Show the latest decisions, which a senior moderator who did not make them may undo."""
    rows = Decision.objects.select_related("content", "decided_by", "undone_by").order_by("-pk")
    context = {**frame(request, "decided"), "decisions": rows[: selectors.PAGE]}
    return render(request, "moderation/decided.html", context)


@require_safe
@staff_page(SENIOR)
def appeal_list(request: HttpRequest) -> HttpResponse:
    """Show the open appeals; one's own decisions are for others to look at."""
    found = Appeal.objects.filter(state=Appeal.State.OPEN).order_by("received_ms", "pk")
    rows = found.select_related("statement__decision__content", "statement__decision__decided_by")
    context = {**frame(request, "appeals"), "appeals": rows[: selectors.PAGE]}
    return render(request, "moderation/appeals.html", context)


@act(SENIOR)
def answer_appeal(request: HttpRequest, appeal_pk: int) -> HttpResponse:
    """Decide an appeal."""
    made = appeals.answer(
        appeal_pk,
        overturn=request.POST.get("outcome") == "overturn",
        text=request.POST.get("text", ""),
        user=_user(request),
        now_ms=now_ms(),
    )
    messages.success(request, f"{made.get_state_display()}.")
    return _done(request, {"state": made.state}, "moderation:appeals")


@require_safe
@staff_page(REVIEW)
def look_list(request: HttpRequest) -> HttpResponse:
    """Show the next decision to judge blindly: what was decided is not on the page."""
    waiting = SecondLook.objects.filter(action="").exclude(decision__decided_by=_user(request))
    look = waiting.select_related("decision__content__creator").order_by("pk").first()
    context = {**frame(request, "quality"), "look": look, **_choices()}
    return render(request, "moderation/quality.html", context)


@act(REVIEW)
def judge(request: HttpRequest, look_pk: int) -> HttpResponse:
    """Store a second judgment."""
    verdict = _verdict(request)
    quality.look(
        look_pk,
        action=verdict.action,
        reason=verdict.reason,
        user=_user(request),
        now_ms=now_ms(),
    )
    return _done(request, {}, "moderation:quality")


def frame(request: HttpRequest, view: str) -> dict[str, Any]:
    """Return what every page shows around its own."""
    user = _user(request)
    return {
        "view": view,
        "waiting": selectors.counts(user=user, now_ms=now_ms()),
        "screening": screening.production(),
    }


def _case_context(request: HttpRequest, case_pk: int | None) -> dict[str, Any]:
    moment = now_ms()
    found = selectors.context_of(case_pk, now_ms=moment) if case_pk else None
    is_held = found is not None and found.case.claimed_until_ms >= moment
    is_mine = is_held and found is not None and found.case.holder_id == _user(request).pk
    n_alike = len(decisions.alike(found.case)) if found else 0
    return {
        "context": found,
        "is_mine": is_mine,
        "is_anothers": is_held and not is_mine,
        "n_alike": n_alike,
        **_choices(),
    }


def _choices() -> dict[str, Any]:
    keys = {"none": "a", "age_restrict": "g", "limit": "l", "remove": "r", "warn": "w"}
    actions = [(a.value, a.label, keys.get(a.value, "s")) for a in Action]
    return {"clauses": CLAUSES, "actions": actions, "now_ms": now_ms()}


def _verdict(request: HttpRequest) -> decisions.Verdict:
    given = {name: request.POST.get(name, "") for name in decisions.Verdict._fields}
    return decisions.Verdict(**{name: text[:5000] for name, text in given.items()})


def _done(request: HttpRequest, said: dict[str, Any], page: str, *key: int) -> HttpResponse:
    if request.headers.get("Accept") == "application/json":
        return JsonResponse(said)
    return redirect(page, *key)


def _user(request: HttpRequest) -> User:
    user = request.user
    assert isinstance(user, User)  # the pages are behind a login
    return user


def _is_senior(user: User) -> bool:
    return user.has_perm(SENIOR)

"""The pages that begin a canary and end a rollout, below `/ops/models/`."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from apps.core.artifacts import ArtifactError, production_artifact
from apps.core.clock import now_ms
from apps.core.models import Artifact
from apps.core.versions import comparison, failed_gates
from apps.insights.access import needs
from apps.insights.roles import PROMOTE
from apps.learning.conf import RolloutParams
from apps.learning.rollout import steps
from apps.learning.rollout.steps import RolloutError

_MOST_PERCENT = 50  # as many others are the control


@needs(PROMOTE)
@require_http_methods(["GET", "HEAD", "POST"])
def canary(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask with the facts side by side, then let some viewers have the candidate."""
    candidate = get_object_or_404(Artifact, pk=pk)
    serving = production_artifact(candidate.family)
    if request.method == "POST":
        return _begin(request, candidate)
    context = {
        "title": f"Canary of {candidate}?",
        "lead": (
            "A share of the viewers gets it at once, as many others are compared with them. A "
            "guardrail that is worse for certain ends it; else it stays until somebody promotes it "
            "or ends it. No training runs meanwhile."
        ),
        "percent": RolloutParams().percents[0],
        "most_percent": _MOST_PERCENT,
        "one": candidate,
        "other": serving,
        "failed": failed_gates(candidate),
        "facts": comparison(candidate, serving),
    }
    return render(request, "insights/confirm.html", context)


def _begin(request: HttpRequest, candidate: Artifact) -> HttpResponse:
    reason = request.POST.get("reason", "").strip()
    percent = request.POST.get("percent", "")
    if not reason or not percent.isdecimal() or not 1 <= int(percent) <= _MOST_PERCENT:
        messages.error(request, f"Say why, and a percentage from 1 to {_MOST_PERCENT}.")
        return redirect(request.path)
    who = request.user.get_username()
    try:
        steps.begin_canary(
            candidate, int(percent), RolloutParams(), by=who, why=reason, now_ms=now_ms()
        )
    except (RolloutError, ArtifactError) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{candidate} serves {percent} % of the viewers.")
    return redirect("models")


@needs(PROMOTE)
@require_http_methods(["POST"])
def end(request: HttpRequest) -> HttpResponse:
    """End the rollout that is under way; what serves stays."""
    rollout = steps.current()
    who = request.user.get_username()
    try:
        if rollout is None:
            raise RolloutError("No rollout is under way.")
        steps.end(rollout, by=who, why=request.POST.get("reason", "").strip(), now_ms=now_ms())
    except RolloutError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "The rollout is ended; everybody is served alike.")
    return redirect("models")

"""The pages of what was learned at `/ops/models/`: history, comparison, promotion, rollback."""

from __future__ import annotations

import logging
from typing import Any

from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from apps.core.artifacts import (
    ArtifactError,
    named_artifact,
    production_artifact,
    rollback_artifact,
)
from apps.core.models import Artifact
from apps.core.versions import comparison, failed_gates, promote_checked
from apps.insights import registry
from apps.insights.access import needs
from apps.insights.roles import PROMOTE, SEE
from apps.learning.bundle import FAMILY

logger = logging.getLogger(__name__)


@needs(SEE)
@require_safe
def models(request: HttpRequest) -> HttpResponse:
    """Show the versions of one family, how they learned, and two side by side if asked."""
    families = registry.families()
    family = request.GET.get("family", "")
    if family not in families:
        family = FAMILY if FAMILY in families or not families else families[0]
    rows = registry.versions(family)
    context: dict[str, Any] = {
        "family": family,
        "families": families,
        "rows": rows,
        "auc": registry.auc_chart(rows),
        "loss": registry.loss_chart(rows),
        "rollout": registry.rollout() if family == FAMILY else None,
        "moves": registry.moves(family),
        "may_promote": request.user.has_perm(PROMOTE),
        "has_previous": any(row.artifact.alias == Artifact.Alias.PREVIOUS for row in rows),
    }
    one, other = _chosen(request, "one", rows), _chosen(request, "other", rows)
    if one and other:
        context |= {"one": one, "other": other, "facts": comparison(one, other)}
    return render(request, "insights/models.html", context)


@needs(PROMOTE)
@require_http_methods(["GET", "HEAD", "POST"])
def promote(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask with the facts side by side, then let the version serve."""
    artifact = get_object_or_404(Artifact, pk=pk)
    if request.method != "POST":
        serving = production_artifact(artifact.family)
        return _ask(request, f"Promote {artifact}?", artifact, serving)
    # Whoever confirms has read the page, which names each gate that has failed.
    return _do(request, artifact, lambda who: promote_checked(artifact, force=True, **who))


@needs(PROMOTE)
@require_http_methods(["GET", "HEAD", "POST"])
def roll_back(request: HttpRequest, family: str) -> HttpResponse:
    """Ask, then go back to the version that served before."""
    previous = named_artifact(family, Artifact.Alias.PREVIOUS)
    if previous is None:
        messages.error(request, f"{family}: there is no previous version.")
        return redirect("models")
    if request.method != "POST":
        return _ask(request, f"Roll back to {previous}?", previous, production_artifact(family))
    return _do(request, previous, lambda who: rollback_artifact(family, **who))


def _ask(
    request: HttpRequest, title: str, artifact: Artifact, serving: Artifact | None
) -> HttpResponse:
    context = {
        "title": title,
        "one": artifact,
        "other": serving,
        "failed": failed_gates(artifact),
        "facts": comparison(artifact, serving),
    }
    return render(request, "insights/confirm.html", context)


def _do(request: HttpRequest, artifact: Artifact, change: Any) -> HttpResponse:
    """Change what serves; a reason is asked for and kept in the admin's history."""
    reason = request.POST.get("reason", "").strip()[:200]
    if not reason:
        messages.error(request, "Say why: it is kept with the version.")
        return redirect(request.path)
    try:
        change({"by": request.user.get_username(), "why": reason})
    except ArtifactError as error:
        messages.error(request, str(error))
    else:
        LogEntry.objects.create(
            user=request.user,  # type: ignore[misc]  # staff, by `needs`
            content_type=ContentType.objects.get_for_model(Artifact),
            object_id=artifact.pk,
            object_repr=str(artifact)[:200],
            action_flag=CHANGE,
            change_message=f"serves: {reason}",
        )
        messages.success(request, f"{artifact} serves; processes follow within seconds.")
    return redirect(f"/ops/models/?family={artifact.family}")


def _chosen(request: HttpRequest, name: str, rows: list[registry.VersionRow]) -> Artifact | None:
    text = request.GET.get(name, "")
    return next((row.artifact for row in rows if str(row.artifact.pk) == text), None)

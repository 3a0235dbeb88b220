"""The inspectors at `/ops/viewer/` and `/ops/content/`; asked by POST: no id is in a log."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from apps.content.models import Content
from apps.core.params import Overrides, ParameterError, parameters
from apps.insights import funnels, inspection
from apps.insights.access import needs
from apps.insights.roles import INSPECT

_LONGEST_ID = 128


@needs(INSPECT)
@require_http_methods(["GET", "HEAD", "POST"])
def viewer(request: HttpRequest) -> HttpResponse:
    """Show one viewer: the past, and the page they would get now, also under other parameters."""
    user_id, text = _id(request, "user_id"), request.POST.get("parameters", "")[:2000]
    context: dict[str, Any] = {"user_id": user_id, "text": text, "parameters": parameters()}
    if user_id:
        context |= inspection.viewer_facts(user_id)
        feeds = [inspection.feed_of(user_id, Overrides(), "As it is")]
        try:
            if text.strip():
                other = inspection.overrides_of(text)
                feeds.append(inspection.feed_of(user_id, other, "With these parameters"))
        except ParameterError as error:
            context["error"] = str(error)
        context["feeds"] = feeds
    return render(request, "insights/viewer.html", context)


@needs(INSPECT)
@require_http_methods(["GET", "HEAD", "POST"])
def content(request: HttpRequest) -> HttpResponse:
    """Show one content: how far it came with all viewers, and comes in one viewer's page.

    Asked by `sample`, also in the pages of the latest active viewers.
    """
    content_id, user_id = _id(request, "content_id"), _id(request, "user_id")
    context: dict[str, Any] = {
        "content_id": content_id,
        "user_id": user_id,
        "sample": "sample" in request.POST,
        "most_sampled": funnels.SAMPLE,
    }
    if content_id:
        found = Content.objects.select_related("creator").filter(content_id=content_id).first()
        context["content"] = found
        if found is not None:
            context["by_day"] = funnels.content_funnel(found.pk)
            if context["sample"]:
                context["reach"] = funnels.reach(found.pk)
            if user_id:
                context["funnel"] = inspection.funnel(user_id, found.pk)
    return render(request, "insights/content.html", context)


def _id(request: HttpRequest, name: str) -> str:
    return request.POST.get(name, "").replace("\0", "").strip()[:_LONGEST_ID]

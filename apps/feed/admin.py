"""Admin of slates: what was served, with its packed arrays unpacked."""

from __future__ import annotations

from uuid import UUID

import numpy as np
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.candidates.sources import SOURCE_NAMES
from apps.content import selectors as content
from apps.core.admin import ReadOnlyAdmin, moment
from apps.events.models import Slate

_SERVED = moment("served_ms", "served (UTC)")


@admin.register(Slate)
class SlateAdmin(ReadOnlyAdmin):
    """Pages of feeds as they were served; append-only, newest first."""

    list_display = [
        "id",
        "viewer",
        _SERVED,
        "first_position",
        "n_slots",
        "ranker",
        "variant",
    ]
    list_select_related = ["viewer"]
    search_fields = ["id"]
    search_help_text = "A request_id, or “viewer 12”."
    ordering = ["-served_ms", "-id"]
    sortable_by = ()  # the columns have no index to sort by
    fields = [
        "id",
        "viewer",
        "feed_session",
        _SERVED,
        "surface",
        "ranker",
        "variant",
        "objective",
        "feature_schema",
        "slots",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Slate]:
        """Leave the features out: they are most of the row and not shown."""
        return super().get_queryset(request).defer("features", "propensities")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Slate], search_term: str
    ) -> tuple[QuerySet[Slate], bool]:
        """Find by what has an index."""
        term = search_term.strip()
        if not term:
            return queryset, False
        number = term.removeprefix("viewer").strip()
        if number.isdecimal() and len(number) < 19:
            return queryset.filter(viewer_id=int(number)), False
        try:
            return queryset.filter(pk=UUID(term)), False
        except ValueError:
            return queryset.none(), False

    @admin.display(description="items")
    def n_slots(self, slate: Slate) -> int:
        """Return how many contents were shown."""
        return len(slate.content_pks) // 8

    @admin.display(description="slots")
    def slots(self, slate: Slate) -> SafeString:
        """Return a table of the slots: position, content, score, propensity, sources."""
        pks = np.frombuffer(slate.content_pks, "<i8").tolist()
        names = content.public_ids(pks)
        scores = np.frombuffer(slate.scores, "<f4").tolist()
        chances = np.frombuffer(slate.propensities, "<f4").tolist()
        masks = np.frombuffer(slate.sources, "<u4").tolist()
        columns = zip(pks, scores, chances, masks, strict=True)
        rows = (
            (
                slate.first_position + place,
                names.get(pk, f"#{pk}"),
                f"{score:.4g}",
                f"{chance:.3g}",
                ", ".join(sources_of(mask)),
            )
            for place, (pk, score, chance, mask) in enumerate(columns)
        )
        body = format_html_join("", "<tr>" + "<td>{}</td>" * 5 + "</tr>", rows)
        return format_html(
            "<table><thead><tr><th>position</th><th>content</th><th>score</th>"
            "<th>propensity</th><th>sources</th></tr></thead><tbody>{}</tbody></table>",
            body,
        )


def sources_of(mask: int) -> list[str]:
    """Return the names of the sources whose bits are set."""
    known = [name for bit, name in enumerate(SOURCE_NAMES) if mask >> bit & 1]
    if mask >> 31:
        known.append("editorial")
    return known + [f"source {bit}" for bit in range(len(SOURCE_NAMES), 31) if mask >> bit & 1]

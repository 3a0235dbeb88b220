"""Editorial rules as the pipeline reads them: compiled once, asked by every request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.candidates.models import Rule
from apps.candidates.types import Request
from apps.content.types import Catalog
from apps.core.candidates import Rows
from apps.core.clock import HOUR_MS, from_datetime
from apps.core.live import Live


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule with its times in ms and its keys as the database has them."""

    rule: Rule
    from_ms: int
    until_ms: int

    def is_for(self, request: Request) -> bool:
        """Say whether the rule holds for this viewer, page of the app and moment."""
        rule, query = self.rule, request.query
        languages = request.catalog.languages
        language = languages[query.language] if query.language >= 0 else ""
        return (
            self.from_ms <= query.at_ms < self.until_ms
            and rule.viewer_language in {"", language}
            and rule.viewer_age_group in {"", request.age_group}
            and rule.surface in {None, query.context.surface}
        )

    def holds(self, catalog: Catalog, rows: Rows, at_ms: int) -> NDArray[np.bool_]:
        """Say of which contents the rule speaks, bool[n] for rows int64[n]."""
        rule = self.rule
        holds = np.ones(len(rows), np.bool_)
        if rule.content_id is not None:
            holds &= catalog.content_pk[rows] == rule.content_id
        if rule.creator_id is not None:
            holds &= rows_of_creator(catalog, rule.creator_id, rows)
        if rule.category:
            holds &= catalog.category[rows] == _code(catalog.categories, rule.category)
        if rule.language:
            holds &= catalog.language[rows] == _code(catalog.languages, rule.language)
        age_hours = (at_ms - catalog.uploaded_ms[rows]) / HOUR_MS
        for value, low, high in (
            (catalog.duration_seconds[rows], rule.min_seconds, rule.max_seconds),
            (age_hours, rule.min_age_hours, rule.max_age_hours),
        ):
            if low is not None:
                holds &= value >= low
            if high is not None:
                holds &= value <= high
        return holds


def rows_of_creator(catalog: Catalog, creator_pk: int, rows: Rows) -> NDArray[np.bool_]:
    """Say which contents are by the creator with this database key."""
    row = int(catalog.creator_rows_of(np.array([creator_pk]))[0])
    return np.asarray((catalog.creator[rows] == row) & (row >= 0))


def _code(names: tuple[str, ...], name: str) -> int:
    return names.index(name) if name in names else -2  # −1 would be every content without one


def active_rules(request: Request) -> list[CompiledRule]:
    """Return the rules that hold for this request, in order of their keys."""
    return [rule for rule in _live.get() if rule.is_for(request)]


def _refresh(old: Sequence[CompiledRule] | None) -> Sequence[CompiledRule]:
    return [
        CompiledRule(
            rule=rule,
            from_ms=from_datetime(rule.starts_at) if rule.starts_at else 0,
            until_ms=from_datetime(rule.ends_at) if rule.ends_at else 2**62,
        )
        for rule in Rule.objects.filter(is_active=True).order_by("pk")
    ]


_live: Live[Sequence[CompiledRule]] = Live("rules", _refresh)

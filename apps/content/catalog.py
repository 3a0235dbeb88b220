"""Keeps the catalogue in memory as columns and follows the changes of the table."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Self

import numpy as np
from django.db.models import Count, F, Sum
from numpy.typing import NDArray

from apps.content.models import Content
from apps.content.types import MAX_TAGS, Catalog
from apps.core.clock import SECOND_MS

# A transaction may commit this long after it stamped `changed_ms`. Reading a row twice is harmless.
_COMMIT_SLACK_MS = 30 * SECOND_MS

_FIELDS = (
    "pk",
    "creator_id",
    "sound_id",
    "category",
    "language",
    "tags",
    "duration_seconds",
    "uploaded_ms",
    "changed_ms",
    "status",
    "is_age_restricted",
    "is_reach_limited",
    "creator__is_suspended",
    "heard_id",
)
_NUMBERED = ("creator", "sound", "category", "language", "tag")


class Numbering(dict[Any, int]):
    """Numbers values 0, 1, 2… in order of first appearance; −1 for none."""

    def __missing__(self, value: Any) -> int:
        if value is None or value == "":
            return -1
        self[value] = len(self)
        return self[value]


class CatalogReader:
    """The catalogue so far, the numberings behind it, and how far the table was read."""

    def __init__(self) -> None:
        self._numberings: dict[str, Numbering] = defaultdict(Numbering)
        self._columns = self._encode([])
        self._read_to_ms = 0
        self._window: tuple[int, dict[str, int | None]] | None = None  # what was changed in it
        self.catalog = self._build()

    def read_changes(self) -> Self:
        """Take in what has changed in the table; the catalogue object is replaced, not altered."""
        changed_after = self._read_to_ms - _COMMIT_SLACK_MS
        changed = Content.objects.filter(changed_ms__gt=changed_after)
        # The stamps alone, from their index: after an import much would else be read every second.
        window = changed.aggregate(n=Count("pk"), total=Sum(F("changed_ms") - changed_after))
        if (changed_after, window) == self._window:
            return self
        self._window = changed_after, window
        rows = changed.order_by("pk")
        found = list(rows.values_list(*_FIELDS).iterator(chunk_size=10_000))
        known = self.catalog.rows_of(np.array([row[0] for row in found], np.int64))
        stamps = np.append(self.catalog.changed_ms, -1)  # −1 also for row −1: unknown
        is_news = [row[8] != stamps[at] for row, at in zip(found, known, strict=True)]
        news = [row for row, new in zip(found, is_news, strict=True) if new]
        if news:
            self._merge(self._encode(news), known[np.array(is_news)])
            self._read_to_ms = max(self._read_to_ms, *(row[8] for row in news), 0)
            self.catalog = self._build()
        return self

    def _merge(self, news: dict[str, NDArray], rows: NDArray[np.int64]) -> None:
        is_known = rows >= 0
        for name, column in self._columns.items():
            joined = np.concatenate([column, news[name][~is_known]])
            joined[rows[is_known]] = news[name][is_known]
            self._columns[name] = joined

    def _encode(self, rows: list[tuple[Any, ...]]) -> dict[str, NDArray]:
        """Return one array a column; texts and foreign keys become numbers."""
        pk, creator, sound, category, language, tags, duration, uploaded, changed, *shown = (
            zip(*rows, strict=True) if rows else ((),) * len(_FIELDS)
        )
        status, is_age_restricted, is_reach_limited, is_suspended, heard = shown
        is_active = np.array([s == Content.Status.ACTIVE for s in status], np.bool_)
        code = self._numberings
        tag_rows = np.full((len(pk), MAX_TAGS), -1, np.int64)
        for row, names in enumerate(tags):
            codes = [code["tag"][name] for name in names[:MAX_TAGS]]
            tag_rows[row, : len(codes)] = codes
        return {
            "content_pk": np.array(pk, np.int64),
            "creator": np.array([code["creator"][v] for v in creator], np.int64),
            "sound": np.array(
                [code["sound"][h or s] for h, s in zip(heard, sound, strict=True)], np.int64
            ),
            "category": np.array([code["category"][v] for v in category], np.int64),
            "language": np.array([code["language"][v] for v in language], np.int64),
            "tags": tag_rows,
            "duration_seconds": np.array(duration, np.float32),  # None becomes NaN
            "uploaded_ms": np.array(uploaded, np.int64),
            "changed_ms": np.array(changed, np.int64),
            "is_servable": is_active & ~np.array(is_suspended, np.bool_),
            "is_age_restricted": np.array(is_age_restricted, np.bool_),
            "is_reach_limited": np.array(is_reach_limited, np.bool_),
        }

    def _build(self) -> Catalog:
        numbering = {name: self._numberings[name] for name in _NUMBERED}
        creator_pk = np.array(list(numbering["creator"]), np.int64)
        return Catalog(
            **self._columns,
            creator_pk=creator_pk,
            languages=tuple(numbering["language"]),
            categories=tuple(numbering["category"]),
            n_sounds=len(numbering["sound"]),
            n_tags=len(numbering["tag"]),
            pk_order=np.argsort(self._columns["content_pk"], kind="stable"),
            creator_pk_order=np.argsort(creator_pk, kind="stable"),
            sound_pk=np.array(list(numbering["sound"]), np.int64),
            tag_names=tuple(numbering["tag"]),
        )

"""RecBole atomic files: `.inter`, `.item`, `.user`, tab-separated with `name:type` headers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from apps.content.types import ContentMetadata, ContentRow
from apps.events.importers.base import (
    ImportFormatError,
    Row,
    checked,
    find_files,
    rating_events,
    records,
)

_TITLES = ("title", "movie_title", "name", "description")
_CLASSES = ("class", "genre", "genres", "categories", "category", "tag", "tags")


class RecBole:
    """Reads one data set of atomic files; an interaction without rating is a long view."""

    def __init__(self, paths: list[Path]) -> None:
        self._items = pd.DataFrame(columns=["item_id"])
        inter = None
        for path in find_files(paths):
            if path.suffix == ".inter":
                inter, self._place = _read(path), path.name
            elif path.suffix == ".item":
                self._items = _read(path)
        if inter is None or not {"user_id", "item_id"} <= set(inter):
            raise ImportFormatError(
                "no RecBole interactions: expected NAME.inter with user_id, item_id"
            )
        if "timestamp" in inter:
            self._inter = inter.reset_index(names="line").sort_values("timestamp", kind="stable")
        else:
            self._inter = inter.reset_index(names="line").assign(timestamp=range(len(inter)))
        self.n_rows = len(self._inter)
        last = self._inter["timestamp"].max()
        self._to_ms = 1 if last > 1e11 else 1000

    def contents(self) -> Iterator[ContentRow]:
        """Yield the items, and those that only the interactions name."""
        named = set(self._inter["item_id"].astype(str))
        for item in records(self._items):
            named.discard(str(item["item_id"]))
            yield _content(item)
        for item_id in sorted(named):
            yield _content({"item_id": item_id})

    def events(self, start: int) -> Iterator[tuple[int, list[Row]]]:
        """Yield interactions in time order."""
        for number, row in enumerate(records(self._inter.iloc[start:]), start):
            place = f"{self._place} line {row['line'] + 2}"
            yield number, checked(place, lambda row=row: self._events(row))  # type: ignore[misc]

    def _events(self, row: dict[str, Any]) -> list[Row]:
        at_ms = int(float(row["timestamp"]) * self._to_ms)
        rating = float(row.get("rating", 3.0))
        return rating_events(str(row["user_id"]), str(row["item_id"]), rating, at_ms)


def _read(path: Path) -> pd.DataFrame:
    table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    table.columns = [name.partition(":")[0] for name in table.columns]
    for name in ("rating", "timestamp"):
        if name in table:
            table[name] = pd.to_numeric(table[name], errors="coerce")
    return table


def _content(item: dict[str, Any]) -> ContentRow:
    title = next((str(item[n]) for n in _TITLES if item.get(n)), None)
    tags = next((str(item[n]).replace(",", " ").split() for n in _CLASSES if item.get(n)), [])
    return ContentRow(
        content_id=str(item["item_id"]),
        creator_id=f"maker-{item['item_id']}",  # atomic files name no makers
        upload_timestamp=datetime(1970, 1, 1, tzinfo=UTC),
        metadata=ContentMetadata(
            description=title,
            category=tags[0][:64] if tags else None,
            tags=[t[:64] for t in tags[:50]],
        ),
    )

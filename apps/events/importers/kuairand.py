"""KuaiRand: a real short-video log (Gao et al., CIKM 2022), as published or as Parquet.

The Parquet form splits it into `impressions` and an older `history` of which only the order is
known; the published form has `log_*.csv` with all columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from apps.content.types import ContentMetadata, ContentRow
from apps.core.clock import from_datetime
from apps.events.importers.base import (
    ImportFormatError,
    Row,
    checked,
    find_files,
    read_table,
    records,
)
from apps.events.services import LoggedEvent
from apps.events.types import EventFlag, EventType

_CHINA = timezone(timedelta(hours=8))
_HISTORY_START_MS = from_datetime(datetime(2022, 4, 8, tzinfo=_CHINA))
_RENAMED = {"video_id": "item_id", "time_ms": "timestamp_ms", "play_time_ms": "watch_ms"}
_SIGNALS = (
    ("is_like", EventType.LIKE),
    ("is_follow", EventType.FOLLOW),
    ("is_comment", EventType.COMMENT),
    ("is_forward", EventType.SHARE),
    ("is_hate", EventType.HIDE),
)


class KuaiRand:
    """Reads the files of one KuaiRand variant, told apart by their columns."""

    def __init__(self, paths: list[Path]) -> None:
        self._videos: list[pd.DataFrame] = []
        self._logs: list[tuple[str, pd.DataFrame]] = []
        for path in find_files(paths):
            if path.suffix in {".parquet", ".csv", ".gz"}:
                self._take(path)
        if not self._logs:
            raise ImportFormatError("no KuaiRand log: expected impressions, history or log_*.csv")
        self.n_rows = sum(len(table) for _, table in self._logs)

    def _take(self, path: Path) -> None:
        table = read_table(path).reset_index(names="line")
        if "author_id" in table:
            self._videos.append(table.rename(columns={"item_id": "video_id"}))
        elif "seq_pos" in table:
            self._logs.append((path.name, _with_times(table)))
        elif "is_click" in table:
            log = table.rename(columns=_RENAMED)
            self._logs.append((path.name, log.sort_values("timestamp_ms", kind="stable")))

    def contents(self) -> Iterator[ContentRow]:
        """Yield the videos; tags are numbers in this data."""
        for table in self._videos:
            for video in records(table):
                yield _content(video)

    def events(self, start: int) -> Iterator[tuple[int, list[Row]]]:
        """Yield every row as a view, with what else the viewer did."""
        first = 0
        for name, table in self._logs:
            skipped = min(max(start - first, 0), len(table))
            read = _history_events if "seq_pos" in table else _impression_events
            rows = records(table.iloc[skipped:])
            for number, row in enumerate(rows, skipped):
                place = f"{name} row {row['line'] + 1}"
                yield first + number, checked(place, lambda row=row, read=read: read(row))  # type: ignore[misc]
            first += len(table)


def _with_times(history: pd.DataFrame) -> pd.DataFrame:
    """Spread a viewer's ordered history evenly between 8 April and their last event."""
    table = history.sort_values(["user_id", "seq_pos"], kind="stable").reset_index(drop=True)
    groups = table.groupby("user_id", sort=False)
    position = groups.cumcount() + 1
    length = groups["item_id"].transform("size")
    last = table["last_time_ms"]
    start = np.minimum(_HISTORY_START_MS, last - 1000 * length)
    table["timestamp_ms"] = (start + (last - start) * position / length).astype("int64")
    return table.sort_values("timestamp_ms", kind="stable")


def _history_events(row: dict[str, Any]) -> list[Row]:
    is_long = row["in_long_watch_seq"]
    flags = EventFlag.TIME_IMPUTED | (EventFlag.LONG_VIEW if is_long else EventFlag.SHORT_VIEW)
    user_id, content_id, at_ms = str(row["user_id"]), str(row["item_id"]), int(row["timestamp_ms"])
    events: list[Row] = [LoggedEvent(user_id, content_id, EventType.VIEW, at_ms, flags=flags)]
    if row["in_like_seq"]:
        imputed = EventFlag.TIME_IMPUTED
        events.append(LoggedEvent(user_id, content_id, EventType.LIKE, at_ms, flags=imputed))
    return events


def _impression_events(row: dict[str, Any]) -> list[Row]:
    # One bad cell makes a text of every number in its column, so numbers are read cell by cell.
    names = ("timestamp_ms", "long_view", "is_click", "watch_ms", "tab")
    number = {n: float("nan") if pd.isna(row.get(n)) else float(row[n]) for n in names}
    user_id, content_id, at_ms = (
        str(row["user_id"]),
        str(row["item_id"]),
        int(number["timestamp_ms"]),
    )
    flags = EventFlag.LONG_VIEW if number["long_view"] == 1 else EventFlag.SHORT_VIEW
    if not np.isnan(number["is_click"]):
        flags |= EventFlag.CLICK if number["is_click"] == 1 else EventFlag.NO_CLICK
    view = LoggedEvent(
        user_id,
        content_id,
        EventType.VIEW,
        at_ms,
        watch_seconds=None if pd.isna(number["watch_ms"]) else number["watch_ms"] / 1000,
        flags=flags,
        surface=0 if pd.isna(number["tab"]) else int(number["tab"]),
    )
    extra: list[Row] = [
        LoggedEvent(user_id, content_id, kind, at_ms, surface=view.surface)
        for column, kind in _SIGNALS
        if float(row.get(column, 0)) == 1
    ]
    return [view, *extra]


def _content(video: dict[str, Any]) -> ContentRow:
    tags = [t for t in str(video["tag"]).split(",") if t and t != "nan"]
    duration = video.get("video_duration")
    uploaded = datetime.fromisoformat(str(video["upload_dt"])).replace(tzinfo=_CHINA)
    return ContentRow(
        content_id=str(video["video_id"]),
        creator_id=str(video["author_id"]),
        upload_timestamp=uploaded.astimezone(UTC),
        metadata=ContentMetadata(
            tags=tags,
            category=tags[0] if tags else None,
            audio_id=None if pd.isna(video["music_id"]) else str(int(video["music_id"])),
            duration=None if pd.isna(duration) or not duration else duration / 1000,
        ),
    )

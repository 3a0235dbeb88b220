"""What a reader gives, and the ways in which several of them read files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from apps.content.types import ContentRow
from apps.core.errors import RecsysError
from apps.events.services import LoggedEvent
from apps.events.types import EventFlag, EventType


class ImportFormatError(RecsysError):
    """The files are not what the format says."""


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that could not be read."""

    place: str  # file and line
    reason: str


Row = LoggedEvent | BadLine


class Dataset(Protocol):
    """A published log: its contents, and its events in a fixed order."""

    n_rows: int  # rows of the event files; one can give several events

    def contents(self) -> Iterator[ContentRow]:
        """Yield the catalogue."""
        ...

    def events(self, start: int) -> Iterator[tuple[int, list[Row]]]:
        """Yield (row number, its events) from row `start` on; the order never changes."""
        ...


def find_files(paths: Sequence[Path]) -> list[Path]:
    """Return the files that are named, and those inside named folders, in order of name."""
    files: list[Path] = []
    for path in paths:
        if not path.exists():
            raise ImportFormatError(f"{path}: there is no such file or folder")
        files += sorted(p for p in path.iterdir() if p.is_file()) if path.is_dir() else [path]
    return files


def read_table(path: Path, **csv_options: object) -> pd.DataFrame:
    """Read a Parquet or CSV file (compressed or not) as a table."""
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    return pd.read_csv(path, low_memory=False, **csv_options)  # type: ignore[call-overload]


def rating_events(user_id: str, content_id: str, rating: float, at_ms: int) -> list[Row]:
    """Return the events that a rating of 0.5–5 stars stands for.

    Whoever rates has watched: 3 stars and more count as a long view, 4 and more also as a like.
    """
    flag = EventFlag.LONG_VIEW if rating >= 3 else EventFlag.SHORT_VIEW
    view = LoggedEvent(user_id, content_id, EventType.VIEW, at_ms, flags=flag)
    like = LoggedEvent(user_id, content_id, EventType.LIKE, at_ms)
    return [view, like] if rating >= 4 else [view]


def records(table: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield the rows of a table as dicts by column name."""
    columns = [table[name].tolist() for name in table.columns]
    for values in zip(*columns, strict=True):
        yield dict(zip(table.columns, values, strict=True))


def checked(place: str, make: Callable[[], list[Row]]) -> list[Row]:
    """Return what `make` gives, or the bad line that it trips over."""
    try:
        return make()
    except (ValueError, TypeError, OverflowError) as error:
        return [BadLine(place, str(error))]

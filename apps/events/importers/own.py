"""The project's own events, as the API takes them: JSONL, CSV or Parquet."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd

from apps.events import conf
from apps.events.importers.base import BadLine, find_files, read_table, records
from apps.events.importers.run import ImportReport, Progress, batches
from apps.events.services import IngestRules, ingest

# An id may look like a number; the intake takes texts only.
_TEXTS = ("user_id", "content_id", "creator_id", "event_id", "comment_text", "platform", "reason")


def import_events(paths: list[Path], *, now_ms: int, progress: Progress) -> ImportReport:
    """Send every line through the same intake as the API; event ids make a second run harmless."""
    report = ImportReport()
    for path in find_files(paths):
        for batch in batches(_lines(path), conf.MAX_BATCH):
            rules = IngestRules(now_ms=now_ms, may_backfill=True)
            answer = ingest([text for _, text in batch], rules)
            report.n_rows += len(batch)
            report.n_events += answer.accepted
            report.n_duplicates += answer.duplicates
            report.bad_lines += [
                BadLine(f"{path.name} line {batch[r.index][0]}", f"{r.code}: {r.detail}")
                for r in answer.rejected
            ]
            progress("rows", len(batch), 0)
    return report


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield (line number, event as JSON)."""
    names = path.name.removesuffix(".gz")
    if names.endswith((".csv", ".parquet")):
        for number, row in enumerate(records(_table(path)), 2):
            event = {str(k): _plain(str(k), v) for k, v in row.items() if _is_set(v)}
            yield number, msgspec.json.encode(event)
        return
    opener: Any = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield number, line


def _table(path: Path) -> pd.DataFrame:
    """Read a table; in CSV only an empty cell is a missing one."""
    if path.suffix == ".parquet":
        return read_table(path)
    return read_table(path, dtype=dict.fromkeys(_TEXTS, str), keep_default_na=False, na_values=[""])


def _is_set(value: Any) -> bool:
    return isinstance(value, list | dict) or not pd.isna(value)


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    if name in _TEXTS and not isinstance(value, str):
        return f"{value:.0f}" if isinstance(value, float) else str(value)
    return value.item() if hasattr(value, "item") else value

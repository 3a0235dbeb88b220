"""Runs an import: contents first, then events in batches, each committed with its checkpoint."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TypeVar

from django.db import transaction

from apps.content.selectors import ContentKey, content_keys
from apps.content.services import upsert_contents
from apps.events.importers.base import BadLine, Dataset, Row, find_files
from apps.events.models import ImportCheckpoint
from apps.events.services import LoggedEvent, append_log
from apps.profiles.privacy import erased
from apps.profiles.pseudonyms import pseudonym
from apps.profiles.services import ensure_viewers

BATCH_ROWS = 20_000
_LOOKUP = 500  # keys in one query; SQLite takes few parameters

T = TypeVar("T")
Progress = Callable[[str, int, int], None]  # what, how many more, of how many


@dataclass(slots=True)
class ImportReport:
    """What an import did."""

    resumed_at: int = 0  # rows that an earlier run had done
    n_rows: int = 0
    n_contents: int = 0
    n_events: int = 0
    n_duplicates: int = 0  # events that were there already, or stand twice in the files
    n_of_erased: int = 0  # events of viewers who were erased, left out
    bad_lines: list[BadLine] = field(default_factory=list)


def run_import(
    name: str, dataset: Dataset, paths: list[Path], *, now_ms: int, progress: Progress
) -> ImportReport:
    """Import a data set; an interrupted run goes on where it stopped, a finished one does nothing.

    Every batch is one transaction with its checkpoint, and every event has a key made of what it
    says: so neither a crash nor a second run can double anything.
    """
    checkpoint, _ = ImportCheckpoint.objects.get_or_create(source=_fingerprint(name, paths))
    report = ImportReport(resumed_at=checkpoint.position, n_rows=dataset.n_rows)
    if checkpoint.position >= dataset.n_rows:
        return report
    for rows in batches(dataset.contents(), 500):
        upsert_contents(rows, now_ms=now_ms)
        report.n_contents += len(rows)
        progress("contents", len(rows), 0)
    known: dict[str, ContentKey] = {}
    viewers: dict[str, int] = {}
    for numbered in batches(dataset.events(checkpoint.position), BATCH_ROWS):
        rows_of_batch = _sort_out([row for _, rows in numbered for row in rows], report)
        _look_up(rows_of_batch, viewers, known)
        events = [e for e in rows_of_batch if e.user_id in viewers]
        report.n_of_erased += len(rows_of_batch) - len(events)
        with transaction.atomic():
            inserted = append_log(events, viewers=viewers, contents=known)
            checkpoint.position = numbered[-1][0] + 1
            checkpoint.save()
        report.n_events += inserted
        report.n_duplicates += len(events) - inserted
        progress("rows", len(numbered), dataset.n_rows - report.resumed_at)
    return report


def _sort_out(rows: list[Row], report: ImportReport) -> list[LoggedEvent]:
    report.bad_lines += [row for row in rows if isinstance(row, BadLine)]
    return [row for row in rows if isinstance(row, LoggedEvent)]


def _look_up(
    events: list[LoggedEvent], viewers: dict[str, int], contents: dict[str, ContentKey]
) -> None:
    """Add the keys of viewers and contents that were not met before.

    Viewers are made where missing, those who were erased left out.
    """
    new_users = sorted({e.user_id for e in events} - viewers.keys())
    for start in range(0, len(new_users), _LOOKUP):
        chunk = new_users[start : start + _LOOKUP]
        gone = erased(map(pseudonym, chunk))
        viewers |= ensure_viewers(u for u in chunk if pseudonym(u) not in gone)
    new_contents = sorted({e.content_id for e in events} - contents.keys())
    for start in range(0, len(new_contents), _LOOKUP):
        contents |= content_keys(new_contents[start : start + _LOOKUP])


def batches(rows: Iterator[T], size: int) -> Iterator[list[T]]:
    """Yield lists of `size` rows, the last one shorter."""
    while batch := list(islice(rows, size)):
        yield batch


def _fingerprint(name: str, paths: list[Path]) -> str:
    """Return what tells one set of files from another: names, sizes and first bytes."""
    digest = hashlib.sha256(name.encode())
    for path in find_files(paths):
        with path.open("rb") as file:
            digest.update(f"{path.name}:{path.stat().st_size}".encode() + file.read(65_536))
    return digest.hexdigest()

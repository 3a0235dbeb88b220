"""Imports of small files, and what they leave in the log."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from apps.content.tests.factories import NOW_MS
from apps.events.importers.kuairand import KuaiRand
from apps.events.importers.movielens import MovieLens
from apps.events.importers.recbole import RecBole
from apps.events.importers.run import ImportReport, run_import
from apps.events.models import Event
from apps.events.types import EventType
from apps.profiles.services import ensure_viewers

READERS: dict[str, Any] = {"kuairand": KuaiRand, "movielens": MovieLens, "recbole": RecBole}


def silent(*_: Any) -> None:
    """Show no progress."""


def load(name: str, folder: Path, dataset: Any = None) -> ImportReport:
    dataset = dataset or READERS[name]([folder])
    return run_import(name, dataset, [folder], now_ms=NOW_MS, progress=silent)


def stored(user_id: str) -> list[tuple[str, str | None, int, int]]:
    """Return kind, content, time and flags of a viewer's events, in time order."""
    viewer = ensure_viewers([user_id])[user_id]
    rows = Event.objects.filter(viewer=viewer).order_by("occurred_ms", "kind")
    return [
        (EventType(kind).name, content, at_ms, flags)
        for kind, content, at_ms, flags in rows.values_list(
            "kind", "content__content_id", "occurred_ms", "flags"
        )
    ]

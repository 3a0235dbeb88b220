"""The counters as one verified file, so that a process need not read the whole log to start.

A snapshot says up to which event the log is in it; the rest is read as ever. Catalog rows are
numbered by each process, so it names contents, creators and the like by their keys. Whatever is
wrong with it (cut, altered, other counting rules, another database, newer than the log) makes it
absent, never wrong: then the whole log is read.
"""

from __future__ import annotations

import hashlib
import inspect
import io
import logging
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from apps.content.types import Catalog
from apps.core.cache import cache
from apps.core.errors import RecsysError
from apps.core.sealed import SealError, seal, unseal
from apps.events.models import Event
from apps.events.types import is_long_view
from apps.features import stats as stats_module
from apps.features.algorithms import counters as counters_module
from apps.features.algorithms.counters import Counters
from apps.features.history import watched_share
from apps.features.latest import Views
from apps.features.stats import Stats

logger = logging.getLogger(__name__)

# Any change to how events are counted, even a renamed variable, makes older snapshots absent.
_RULES: tuple[Any, ...] = (counters_module, stats_module, is_long_view, watched_share)
_SOURCE = "".join(inspect.getsource(rule) for rule in _RULES)
VERSION = f"counters-1-{hashlib.sha256(_SOURCE.encode()).hexdigest()[:16]}"
_CACHE_KEY = f"recsys:{VERSION}"
_NO_LANDMARK = -1


Watermark = tuple[int, int]  # transaction id and id of the last event read


class SnapshotError(RecsysError):
    """The snapshot does not fit this database or this catalogue."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The counters of the log up to a watermark."""

    stats: Stats
    watermark: Watermark


def save(snapshot: Snapshot) -> int:
    """Write the file (whole or not at all) and the cached copy; return the size in bytes."""
    payload = pack(snapshot)
    path = path_of_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with draft.open("wb") as file:
        file.write(seal(payload, version=VERSION))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    if (copy := cache()) is not None:
        copy.put(_CACHE_KEY, payload, version=VERSION)
    return len(payload)


def load(catalog: Catalog) -> Snapshot | None:
    """Return the stored snapshot: the file, else the cached copy, else None."""
    for name, read in (("file", _read_file), ("cached copy", _read_cached)):
        try:
            payload = read()
            if payload is not None:
                return unpack(payload, catalog)
        except (SealError, SnapshotError, OSError) as error:
            logger.warning("the counters' snapshot (%s) is not used: %s", name, error)
    return None


def path_of_file() -> Path:
    """Return where the file lies."""
    return Path(settings.ARTIFACT_ROOT) / "counters" / "snapshot"


def _read_file() -> bytes | None:
    path = path_of_file()
    return unseal(path.read_bytes(), version=VERSION) if path.exists() else None


def _read_cached() -> bytes | None:
    copy = cache()
    return copy.get(_CACHE_KEY, version=VERSION) if copy is not None else None


def pack(snapshot: Snapshot) -> bytes:
    """Return the snapshot as npz: arrays by name, nothing that could be code."""
    stats = snapshot.stats
    event = Event.objects.filter(id=snapshot.watermark[1]).values_list("event_key").first()
    arrays: dict[str, NDArray] = {
        "watermark": np.array(snapshot.watermark, np.int64),
        "event_key": np.array(str(event[0]) if event else "", np.str_),
        "n_events": np.array(stats.n_events, np.int64),
        **_packed("total", stats.total, len(stats.total.sums), None),
    }
    for name, counters in stats.by.items():
        arrays |= _packed(name, counters, stats.sizes[name], _keys(name, stats))
    views = stats.latest.read()
    latest = views._replace(content=stats.catalog.content_pk[views.content])
    arrays |= {f"latest.{name}": column for name, column in latest._asdict().items()}
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def unpack(payload: bytes, catalog: Catalog) -> Snapshot:
    """Return the snapshot with rows of `catalog`; raise `SnapshotError` where it does not fit."""
    try:
        with np.load(io.BytesIO(payload), allow_pickle=False) as arrays:
            found = dict(arrays.items())
        watermark = tuple(found["watermark"].tolist())
        _check_log(watermark, str(found["event_key"]))
        stats = Stats(catalog)
        stats.n_events = int(found["n_events"])
        _restore("total", stats.total, found, None, len(stats.total.sums))
        for name, counters in stats.by.items():
            _restore(name, counters, found, _keys(name, stats), stats.sizes[name])
        latest = Views._make(found[f"latest.{name}"] for name in Views._fields)
        rows = _rows_of("content", latest.content, catalog.content_pk)
        stats.latest.add(latest._replace(content=rows))
    except (KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise SnapshotError(f"not a snapshot of these counters: {error!r}") from error
    return Snapshot(stats, watermark)


def _check_log(watermark: Watermark, event_key: str) -> None:
    """Raise unless the last event that was counted is in this database's log."""
    if watermark == (0, 0):
        return
    transaction_id, event_id = watermark
    at = Event.objects.filter(id=event_id, transaction_id=transaction_id, event_key=event_key)
    if not at.exists():
        raise SnapshotError(f"event {event_id} of the snapshot is not in this log")


def _keys(name: str, stats: Stats) -> NDArray | None:
    """Return the keys behind an entity's rows; None for one whose rows are the same everywhere.

    An entity may be a numbered one times something of fixed size: `category_part` has a row for
    each part of the day of each category, and the keys of `category`.
    """
    return stats.catalog.keys_of(name.partition("_")[0])


def _packed(name: str, counters: Counters, size: int, keys: NDArray | None) -> dict[str, Any]:
    """Return an entity's arrays: only of keys about which something was counted."""
    if keys is None:
        keys = np.arange(size)
    width = size // len(keys) if len(keys) else 1
    sums = counters.sums[: len(keys) * width].reshape(len(keys), width, *counters.sums.shape[1:])
    used = np.flatnonzero(sums.any(axis=(1, 2, 3)))
    landmark = counters.landmark_ms
    return {
        f"{name}.keys": keys[used],
        f"{name}.sums": sums[used],
        f"{name}.landmark": np.array(_NO_LANDMARK if landmark is None else landmark, np.int64),
    }


def _restore(
    name: str, counters: Counters, found: dict[str, NDArray], keys: NDArray | None, size: int
) -> None:
    """Put an entity's sums into the rows that its keys have here."""
    wanted, sums = found[f"{name}.keys"], found[f"{name}.sums"]
    keys = np.arange(size) if keys is None else keys
    rows = _rows_of(name, wanted, keys)
    width = sums.shape[1]
    if len(wanted) and width != size // len(keys):
        raise SnapshotError(f"{name} has {width} rows a key, expected {size // len(keys)}")
    landmark = int(found[f"{name}.landmark"])
    every = (rows[:, None] * width + np.arange(width)).reshape(-1)
    counters.restore(
        every,
        sums.reshape(-1, *sums.shape[2:]),
        None if landmark == _NO_LANDMARK else landmark,
    )


def _rows_of(name: str, wanted: NDArray, keys: NDArray) -> NDArray[np.int64]:
    """Return the row of each wanted key, int64[n]; raise where there is none."""
    order = np.argsort(keys, kind="stable")
    at = np.searchsorted(keys, wanted, sorter=order)
    rows = order[np.minimum(at, len(keys) - 1)] if len(keys) else at
    if len(wanted) and (not len(keys) or (keys[rows] != wanted).any()):
        raise SnapshotError(f"it counts a {name} that the catalogue does not have")
    return np.asarray(rows, np.int64)

"""Files of viewer-content pairs: read, scored point in time, and learned from as they pass."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from apps.content import selectors as content
from apps.content.types import Catalog
from apps.core.errors import RecsysError
from apps.events.importers.base import read_table
from apps.events.types import EventFlag, EventLog, EventType
from apps.features.replay import Pairs, replay
from apps.features.selectors import SCHEMA
from apps.learning.moments import main_surface
from apps.profiles.selectors import languages, viewer_keys
from apps.ranking.inputs import Inputs, ids_of
from apps.ranking.rankers import Rankers

_ALIASES = {
    "item_id": "content_id",
    "video_id": "content_id",
    "timestamp_ms": "timestamp",
    "time_ms": "timestamp",
    "tab": "surface",
    "is_like": "like",
    "is_comment": "comment",
    "is_forward": "share",
    "is_follow": "follow",
    "is_hate": "hide",
}
# Texts, or "007" would be read as the number 7.
_TEXTS = dict.fromkeys(("user_id", "content_id", "item_id", "video_id"), str)
_EXPLICIT = {
    "like": EventType.LIKE,
    "comment": EventType.COMMENT,
    "share": EventType.SHARE,
    "save": EventType.SAVE,
    "follow": EventType.FOLLOW,
    "skip": EventType.SKIP,
    "hide": EventType.HIDE,
    "report": EventType.REPORT,
}


class PairsFileError(RecsysError):
    """The file of pairs cannot be used."""


@dataclass(frozen=True, slots=True)
class PairTable:
    """A file of pairs as it was given, and as columns of keys in time order."""

    given: pd.DataFrame
    pairs: Pairs  # content −1 for contents never heard of


def read_pairs(path: Path, catalog: Catalog) -> PairTable:
    """Read a CSV or Parquet file of pairs; raise `PairsFileError` naming what is wrong."""
    table = read_table(path, dtype=_TEXTS).rename(columns=_ALIASES)
    if missing := {"user_id", "content_id", "timestamp"} - set(table):
        raise PairsFileError(f"{path}: columns {sorted(missing)} are missing")
    table = table.astype({"user_id": str, "content_id": str})
    at_ms = _moments(table["timestamp"], path)
    if (np.diff(at_ms) < 0).any():
        line = int(np.flatnonzero(np.diff(at_ms) < 0)[0]) + 3
        raise PairsFileError(f"{path}: line {line} is earlier than the one before; sort by time")
    viewers = viewer_keys(table["user_id"].unique())
    strangers = {u: -2 - i for i, u in enumerate(set(table["user_id"]) - viewers.keys())}
    pks = {content_id: pk for pk, content_id in content.all_public_ids().items()}
    content_pk = np.asarray(table["content_id"].map(pks).fillna(-1), np.int64)
    surface = np.asarray(table.get("surface", pd.Series(-1, table.index)).fillna(-1), np.int64)
    viewer = np.asarray(table["user_id"].map(viewers | strangers), np.int64)
    return PairTable(
        given=table,
        pairs=Pairs(
            viewer=viewer,
            content=catalog.rows_of(content_pk),
            at_ms=at_ms,
            surface=surface,
            utc_offset_minutes=np.zeros(len(table), np.int64),
            language=languages(catalog.languages).of(viewer),
            device=np.zeros(len(table), np.int64),
            network_ms=np.full(len(table), np.nan, np.float32),
            slot=np.ones(len(table), np.float32),
        ),
    )


def _moments(column: pd.Series, path: Path) -> NDArray[np.int64]:
    """Return epoch ms of ISO texts or of numbers (seconds where they are too small for ms)."""
    missing = np.flatnonzero(column.isna())
    if len(missing):
        raise PairsFileError(f"{path}: line {missing[0] + 2} has no timestamp")
    if pd.api.types.is_numeric_dtype(column):
        numbers = column.to_numpy(np.float64)
        scale = 1000 if len(numbers) and numbers.max() < 1e11 else 1
        return (numbers * scale).astype(np.int64)
    try:
        moments = pd.to_datetime(column, utc=True, format="ISO8601")
    except ValueError as error:
        raise PairsFileError(f"{path}: timestamp: {error}") from error
    return np.asarray(moments.dt.tz_localize(None), "datetime64[ms]").astype(np.int64)


def score_pairs(
    table: PairTable, log: EventLog, catalog: Catalog, rankers: Rankers, *, learn: bool
) -> dict[str, NDArray[np.float64]]:
    """Return every head's probability and the expected seconds of each pair, float64[n].

    With `learn` the outcomes of the file join the log behind their row: they are in the history of
    later rows at once, and in the counters from the next step of the replay on.
    """
    pairs = table.pairs
    if (pairs.surface < 0).any():
        surface = np.where(pairs.surface < 0, main_surface(log), pairs.surface)
        pairs = replace(pairs, surface=surface)
    if learn:
        log = EventLog.concat([log, outcomes(table, catalog)])
    known = pairs.content >= 0
    asked = pairs.take(known)
    inputs = Inputs(replay(log, catalog, asked), ids_of(asked.viewer, asked.content, catalog))
    predictions = rankers.predict_heads(inputs)
    unseen = np.full((1, len(SCHEMA)), np.nan, np.float32)
    averages = rankers.predict_heads(Inputs.of_strangers(unseen))
    return {
        name: _spread(values, known, float(averages[name][0]))
        for name, values in predictions.items()
    }


def _spread(
    values: NDArray[np.float64], known: NDArray[np.bool_], otherwise: float
) -> NDArray[np.float64]:
    """Put values at the known places; a content never heard of gets what nothing is known of."""
    spread = np.full(len(known), otherwise)
    spread[known] = values
    return spread


def outcomes(table: PairTable, catalog: Catalog) -> EventLog:
    """Return what the file says came of its pairs, as events at the moment of their pair."""
    given, pairs = table.given, table.pairs
    flags = np.zeros(len(given), np.int16)
    if "long_view" in given:
        is_long = given["long_view"].fillna(0).to_numpy(float) > 0
        flags = np.where(is_long, EventFlag.LONG_VIEW, EventFlag.SHORT_VIEW).astype(np.int16)
    views = _events(pairs, EventType.VIEW, _watch_seconds(given), flags)
    parts = [views]
    for name, kind in _EXPLICIT.items():
        if name in given:
            happened = given[name].fillna(0).to_numpy(float) > 0
            parts.append(_events(pairs.take(happened), kind))
    return EventLog.concat(parts)


def _watch_seconds(given: pd.DataFrame) -> NDArray[np.float32]:
    if "watch_ms" in given:
        return _numbers(given["watch_ms"]) / np.float32(1000)
    if "watch_duration" in given:
        return _numbers(given["watch_duration"])
    return np.full(len(given), np.nan, np.float32)


def _numbers(column: pd.Series) -> NDArray[np.float32]:
    """Return float32[n], NaN where nothing is given."""
    return np.asarray(column.astype("Float64").to_numpy(np.float32, na_value=np.nan))


def _events(
    pairs: Pairs,
    kind: EventType,
    watch_seconds: NDArray[np.float32] | None = None,
    flags: NDArray[np.int16] | None = None,
) -> EventLog:
    n = len(pairs)
    return EventLog(
        viewer=pairs.viewer,
        content=pairs.content,
        creator=np.full(n, -1, np.int64),
        kind=np.full(n, kind, np.int8),
        at_ms=pairs.at_ms,
        watch_seconds=np.full(n, np.nan, np.float32) if watch_seconds is None else watch_seconds,
        flags=np.zeros(n, np.int16) if flags is None else flags,
        surface=np.maximum(pairs.surface, 0).astype(np.int16),
        utc_offset_minutes=np.zeros(n, np.int16),
        device=np.zeros(n, np.int8),
        network_ms=np.full(n, np.nan, np.float32),
    )

"""What followed each view: the labels of the heads."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from apps.content.types import Catalog
from apps.events.types import EventLog, EventType, is_click, is_long_view
from apps.ranking.types import Head

OUTCOME_WINDOW_MS = 3_600_000  # what a viewer does with a content counts for a view this old
_COMPLETE_SHARE = 0.97  # of the length; players report a little less than all
_SKIP_SECONDS = 2.0
_FOLLOWED_BY = {
    Head.COMPLETE: (EventType.COMPLETE_VIEW,),
    Head.REPLAY: (EventType.REPLAY,),
    Head.LIKE: (EventType.LIKE,),
    Head.COMMENT: (EventType.COMMENT,),
    Head.SHARE: (EventType.SHARE,),
    Head.SAVE: (EventType.SAVE,),
    Head.FOLLOW: (EventType.FOLLOW,),
    Head.SKIP: (EventType.SKIP,),
    Head.HIDE: (EventType.HIDE,),
    Head.REPORT: (EventType.REPORT,),
}
# What a viewer does about a content after a view of it.
OUTCOME_KINDS = tuple(kind for kinds in _FOLLOWED_BY.values() for kind in kinds)


def label_views(
    log: EventLog, views: NDArray[np.int64], catalog: Catalog
) -> dict[str, NDArray[np.bool_]]:
    """Return one bool[n] a head: what came of the views at positions `views` int64[n] of `log`.

    An event belongs to its viewer's latest view of the same content, if that is at most
    `OUTCOME_WINDOW_MS` older.
    """
    shown = log.take(views)
    duration = catalog.duration_seconds[shown.content]
    labels = {head.value: _followed_by(log, shown, kinds) for head, kinds in _FOLLOWED_BY.items()}
    labels[Head.LONG_VIEW] = is_long_view(shown.watch_seconds, duration, shown.flags)
    labels[Head.CLICK] = is_click(shown.watch_seconds, shown.flags)
    labels[Head.COMPLETE] |= shown.watch_seconds >= _COMPLETE_SHARE * duration  # NaN: False
    labels[Head.SKIP] |= shown.watch_seconds < np.minimum(_SKIP_SECONDS, 0.5 * duration)
    return labels


def view_of(events: EventLog, shown: EventLog) -> NDArray[np.int64]:
    """Return for each event the position of its view in `shown`, int64[len(events)], −1 for none.

    That is its viewer's latest view of the same content, if at most `OUTCOME_WINDOW_MS` older.
    """
    found = np.full(len(events), -1, np.int64)
    if not len(events) or not len(shown):
        return found
    order = np.lexsort((shown.at_ms, shown.content, shown.viewer))
    key = np.stack([shown.viewer, shown.content, shown.at_ms], axis=1)[order]
    at = search_rows(key, np.stack([events.viewer, events.content, events.at_ms], axis=1)) - 1
    is_found = at >= 0
    at = np.maximum(at, 0)
    same = (key[at, 0] == events.viewer) & (key[at, 1] == events.content)
    close = events.at_ms - key[at, 2] <= OUTCOME_WINDOW_MS
    is_of = is_found & same & close & (events.content >= 0)
    found[is_of] = order[at[is_of]]
    return found


def _followed_by(log: EventLog, shown: EventLog, kinds: tuple[EventType, ...]) -> NDArray[np.bool_]:
    events = log.take(np.isin(log.kind, kinds) & (log.content >= 0))
    views = view_of(events, shown)
    label = np.zeros(len(shown), np.bool_)
    label[views[views >= 0]] = True
    return label


def search_rows(keys: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many rows of the sorted `keys` [n, 3] are ≤ each row of `wanted` [m, 3]."""
    joined = np.concatenate([keys, wanted])
    is_wanted = np.repeat([0, 1], [len(keys), len(wanted)])
    order = np.lexsort((is_wanted, joined[:, 2], joined[:, 1], joined[:, 0]))
    below = np.cumsum(is_wanted[order] == 0)
    counts = np.empty(len(joined), np.int64)
    counts[order] = below
    return counts[len(keys) :]

"""Where in its page a content was shown: the slates that were served, joined with the views."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from apps.content.types import Catalog
from apps.events import slates
from apps.events.types import EventLog
from apps.learning.outcomes import OUTCOME_WINDOW_MS, search_rows


def slots_of(log: EventLog, catalog: Catalog) -> NDArray[np.float32]:
    """Return the slot of each event's content, float32[n] from 1, NaN where no slate is known.

    An event belongs to its viewer's latest slate with the content, if that is at most an hour
    older. Contents high in a page are watched more whatever they are; a ranker that knows the slot
    learns the rest, and is asked about the first one.
    """
    slots = np.full(len(log), np.nan, np.float32)
    if not len(log):
        return slots
    since_ms = int(log.at_ms[0]) - OUTCOME_WINDOW_MS
    shown = slates.shown(since_ms=since_ms, until_ms=int(log.at_ms[-1]) + 1)
    if not len(shown.at_ms):
        return slots
    keys = np.stack([shown.viewer, catalog.rows_of(shown.content_pk), shown.at_ms], axis=1)
    order = np.lexsort(keys.T[::-1])
    keys = keys[order]
    at = search_rows(keys, np.stack([log.viewer, log.content, log.at_ms], axis=1)) - 1
    found = keys[np.maximum(at, 0)]
    is_same = (found[:, 0] == log.viewer) & (found[:, 1] == log.content)
    is_close = log.at_ms - found[:, 2] <= OUTCOME_WINDOW_MS
    known = (at >= 0) & is_same & is_close & (log.content >= 0)
    slots[known] = shown.slot[order[at[known]]]
    return slots

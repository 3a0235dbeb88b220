"""The latest views of the log, for what is fitted anew as views come (`candidates.taste`)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

MOST = 100_000  # views that are kept
_SLACK = 1.25  # so many times as many are held before the oldest are let go
_PARTS = 64  # that are held before they are joined


class Views(NamedTuple):
    """Views as columns of one length."""

    at_ms: Ints
    viewer: Ints  # keys of viewers
    content: Ints  # catalog rows
    share: NDArray[np.float32]  # of the content that was watched, [0, 1]

    def take(self, index: Ints) -> Views:
        """Return the views at `index`."""
        return Views._make(column[index] for column in self)


_EMPTY = Views._make(np.empty(0, t) for t in (np.int64, np.int64, np.int64, np.float32))


class LatestViews:
    """The latest views by their time; the same whatever the order and the parts in which they come.

    Of views at the same moment the viewer, the content and the share decide. One thread adds while
    others read.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._parts: tuple[Views, ...] = (_EMPTY,)

    def add(self, views: Views) -> None:
        """Take in views, in any order."""
        if not len(views.at_ms):
            return
        parts = (*self._parts, views)
        n_held = sum(len(part.at_ms) for part in parts)
        if len(parts) > _PARTS or n_held > self._most * _SLACK:
            parts = (self._latest(parts),)
        self._parts = parts  # whole: who reads meanwhile has those before, or these

    def read(self) -> Views:
        """Return the views that are kept, the oldest first."""
        return self._latest(self._parts)

    def _latest(self, parts: tuple[Views, ...]) -> Views:
        joined = Views._make(np.concatenate(column) for column in zip(*parts, strict=True))
        order = np.lexsort((joined.share, joined.content, joined.viewer, joined.at_ms))
        return joined.take(order[-self._most :])

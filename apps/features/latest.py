"""The latest views of the log, for what is fitted anew as views come (`candidates.taste`)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

MOST = 100_000  # views that are kept
_SLACK = 1.25  # so many times as many are held before the oldest are let go


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

    Of views at the same moment the viewer, the content and the share decide.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._parts = [_EMPTY]
        self._held = 0
        self._is_sorted = True

    def add(self, views: Views) -> None:
        """Take in views, in any order."""
        self._parts.append(views)
        self._held += len(views.at_ms)
        self._is_sorted = False
        if self._held > self._most * _SLACK:
            self.read()

    def read(self) -> Views:
        """Return the views that are kept, the oldest first."""
        if not self._is_sorted:
            joined = Views._make(np.concatenate(c) for c in zip(*self._parts, strict=True))
            order = np.lexsort((joined.share, joined.content, joined.viewer, joined.at_ms))
            kept = order[-self._most :]
            self._parts = [joined.take(kept)]
            self._held, self._is_sorted = len(kept), True
        return self._parts[0]

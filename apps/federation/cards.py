"""Cards of contents: what the server states of them, the same for every device."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from apps.candidates.types import Request
from apps.content import selectors as content
from apps.core.candidates import Candidates
from apps.events.types import LONG_VIEW_SECONDS
from apps.features.stats import EVER, EVERYTHING, Counted, Stats
from apps.federation.types import Card, CardsAnswer
from apps.feed.checks import check_now
from apps.feed.lists import ListQuery, request_of
from apps.feed.modes import MODES, POPULAR

Floats = NDArray[np.float64]

_PRIOR_RATE = 0.3  # long views a view, before anybody has watched anything
_CONTENT_VIEWS, _CREATOR_VIEWS = 10.0, 20.0  # that the rate of all views counts as


def popular(limit: int, *, now_ms: int) -> CardsAnswer:
    """Return the cards of what the mode `popular` of the feed shows to who is not known."""
    request = request_of(ListQuery(now_ms))
    found = MODES[POPULAR].pipeline.run(request, request.excluded()).candidates
    return _cards(request, found.rows[:limit])


def of_contents(content_ids: Sequence[str], *, now_ms: int) -> CardsAnswer:
    """Return the cards of those of these contents that everybody may be shown, in this order."""
    request = request_of(ListQuery(now_ms))
    keys = content.content_keys(content_ids)
    pks = np.array([keys[name].pk for name in content_ids if name in keys], np.int64)
    rows = request.catalog.rows_of(pks)
    excluded = request.excluded() | request.catalog.is_reach_limited
    rows = rows[rows >= 0]
    return _cards(request, rows[~excluded[rows]])


def _cards(request: Request, rows: NDArray[np.int64]) -> CardsAnswer:
    slots, shown = check_now(Candidates(rows, {}), request)
    catalog, rows = request.catalog, shown.rows
    rates = _rates(request.stats, rows, request.query.at_ms)
    return CardsAnswer(
        [
            Card(
                content_id=slots[row].content_id,
                creator_id=slots[row].creator_id,
                category=slots[row].category,
                language=catalog.languages[code] if (code := catalog.language[row]) >= 0 else "",
                long_view_seconds=min(slots[row].duration or np.inf, LONG_VIEW_SECONDS),
                content_rate=of_content,
                creator_rate=of_creator,
            )
            for row, (of_content, of_creator) in zip(rows.tolist(), rates.tolist(), strict=True)
        ]
    )


def _rates(stats: Stats, rows: NDArray[np.int64], now_ms: int) -> Floats:
    """Return float64[n, 2]: log odds of a long view of each content and of its creator's contents.

    Above those of all views, and smoothed towards them: 0 where nothing is known.
    """
    views, long_views = _counts(stats.total.at(np.array([EVERYTHING]), now_ms))[0]
    average = (long_views + _PRIOR_RATE) / (views + 1)
    of = (
        (stats.by["content"].at(rows, now_ms), _CONTENT_VIEWS),
        (stats.by["creator"].at(stats.catalog.creator[rows], now_ms), _CREATOR_VIEWS),
    )
    found = []
    for counted, prior in of:
        views, long_views = _counts(counted).T
        rate = (long_views + prior * average) / (views + prior)
        found.append(np.log(rate / (1 - rate)) - np.log(average / (1 - average)))
    return np.stack(found, axis=1)


def _counts(counted: Floats) -> Floats:
    """Return views and long views of all times, float64[n, 2]."""
    return np.asarray(counted[:, [Counted.VIEW, Counted.LONG_VIEW], EVER])

"""What a request's viewer makes of contents, by their own latest views and what the crowd says.

outcome = σ(logit(a stranger's + taste) + what the content is worth within its kind)
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from apps.candidates.algorithms.taste import Kinds, Posterior, Taste, TasteParams, hopeful
from apps.candidates.types import Request
from apps.content.types import Catalog
from apps.core.candidates import Rows
from apps.events.types import LONG_VIEW_SECONDS, EventType
from apps.features.history import event_weights
from apps.features.stats import EVER, Counted

Floats = NDArray[np.float64]

STRANGER_RATE = 0.3  # of long views, before anybody has watched anything
_CATEGORY_VIEWS = 20.0  # of the platform's rate in a category's
_CREATOR_VIEWS = 6.0  # of the category's rate in a creator's
_CONTENT_VIEWS = 3.0  # of the creator's rate in a content's
_SAID = 0.3  # of the weight of an event beside watching, in the outcome
_OUTCOMES = (-0.5, 1.3)
_OF_WATCHING = (EventType.COMPLETE_VIEW, EventType.SKIP)
_SECONDS = 20.0  # length of a content that gains nothing by it
_LONGEST = 120.0  # seconds from which on length gains nothing more


class Values(NamedTuple):
    """What is known of n contents for one viewer."""

    posterior: Posterior  # of the taste
    offset: Floats  # [n] log odds that a content is worth within its kind
    gain: Floats  # [n] by which its outcome counts


def values_of(request: Request, rows: Rows) -> Values:
    """Return what the viewer is expected to make of contents."""
    return Values(
        taste_of(request).of(kinds_of(request.catalog, rows)),
        offset_of(request, rows),
        gain_of(request, rows),
    )


def hope_of(request: Request, rows: Rows) -> Floats:
    """Return what contents are worth to the viewer, float64[n] > 0, the unknown with credit."""
    found, params = values_of(request, rows), request.params.taste
    mean, variance = found.posterior.mean, found.posterior.variance
    return found.gain * hopeful(mean, variance, found.offset, params)


def taste_of(request: Request) -> Taste:
    """Return the viewer's taste, learned once a request."""
    return request.shared("taste", _taste)


def _taste(request: Request) -> Taste:
    params: TasteParams = request.params.taste
    met, outcome = outcomes(request)
    met, outcome = met[-params.most :], outcome[-params.most :]
    served = request.served[request.served >= 0]
    pending = served[~np.isin(served, met)][: params.most // 4][::-1]
    stranger = expit(logit(params.anybody) + offset_of(request, met))
    surprise = outcome - stranger
    kinds = kinds_of(request.catalog, np.concatenate([met, pending]))
    return Taste(kinds, surprise, params, pending=len(pending))


def outcomes(request: Request) -> tuple[Rows, Floats]:
    """Return the contents that the viewer met, by their last event, and what came of each.

    The outcome is the share that was watched, of a length that is not known as far as to a long
    view, and what the viewer did beside watching; less than 0 where it was hidden.
    """
    return request.shared("outcomes", _outcomes)


def _outcomes(request: Request) -> tuple[Rows, Floats]:
    history = request.query.history
    history = history.take(history.content >= 0)
    weight, is_view, is_long = event_weights(history, request.catalog)
    seconds = np.nan_to_num(request.catalog.duration_seconds[history.content], nan=0.0)
    seconds = np.where(seconds > 0, seconds, LONG_VIEW_SECONDS)
    is_known = np.isfinite(history.watch_seconds)
    share = np.where(is_known, np.clip(history.watch_seconds / seconds, 0, 1), is_long)
    is_said = ~is_view & ~np.isin(history.kind, _OF_WATCHING)
    last_first, index, inverse = np.unique(
        history.content[::-1], return_index=True, return_inverse=True
    )
    outcome = _SAID * np.bincount(inverse, (is_said * weight)[::-1], minlength=len(last_first))
    watched = np.zeros(len(last_first))
    np.maximum.at(watched, inverse, np.where(is_view, share, 0)[::-1])
    order = np.argsort(-index)
    return last_first[order], np.clip((watched + outcome)[order], *_OUTCOMES)


def offset_of(request: Request, rows: Rows) -> Floats:
    """Return the log odds that contents are worth beside others of their kind, float64[n]."""
    at_ms = request.query.at_ms
    worth = request.stats.shared(("worth",), at_ms, lambda: _worth(request))
    known = np.minimum(rows, len(worth) - 1)  # a request with an older catalogue may have made it
    params = request.params.taste
    of_content = np.where(rows < len(worth), worth[known], 0.0) if len(worth) else 0.0
    length = params.shortness * _length(request.catalog, rows)
    language = language_of(request, request.catalog.language[rows])
    return np.asarray(params.worth * of_content - length + language)


def _worth(request: Request) -> Floats:
    """Return the log odds of a long view beside those of the category, float64[n_contents].

    Where a feed works, a category is shown to those who like it, so that its own rate says little
    of a stranger.
    """
    catalog, stats, at_ms = request.catalog, request.stats, request.query.at_ms
    total = stats.total.at(np.array([0]), at_ms)[0, :, EVER]
    platform = (total[Counted.LONG_VIEW] + STRANGER_RATE) / (total[Counted.VIEW] + 1)

    def rate(entity: str, which: NDArray[np.int64], prior: Floats, views: float) -> Floats:
        counters = stats.by[entity]
        all_views, long_views = (
            np.append(counters.all_at(kind, EVER, at_ms), 0.0)[which]  # −1, none: nothing counted
            for kind in (Counted.VIEW, Counted.LONG_VIEW)
        )
        return np.asarray((long_views + views * prior) / (all_views + views))

    everywhere = np.full(len(catalog), platform)
    of_category = rate("category", catalog.category, everywhere, _CATEGORY_VIEWS)
    of_creator = rate("creator", catalog.creator, of_category, _CREATOR_VIEWS)
    of_content = rate("content", np.arange(len(catalog)), of_creator, _CONTENT_VIEWS)
    return np.asarray(logit(of_content) - logit(of_category))


def language_of(request: Request, language: NDArray[np.int64]) -> Floats:
    """Return the log odds that a language takes from a content, float64[n]; codes int64[n]."""
    asked = request.query.language
    return -request.params.taste.foreign * ((language >= 0) & (asked >= 0) & (language != asked))


def gain_of(request: Request, rows: Rows) -> Floats:
    """Return by how much the share watched of contents counts, float64[n]: 1 for 20 s."""
    return np.exp(request.params.taste.length * _length(request.catalog, rows))


def _length(catalog: Catalog, rows: Rows) -> Floats:
    """Return ln(seconds / 20), float64[n], 0 where the length is not known."""
    seconds = catalog.duration_seconds[rows].astype(np.float64)
    return np.log(np.clip(np.nan_to_num(seconds, nan=_SECONDS), 1, _LONGEST) / _SECONDS)


def kinds_of(catalog: Catalog, rows: Rows) -> Kinds:
    """Return what contents are."""
    return Kinds(
        catalog.category[rows], catalog.creator[rows], catalog.language[rows], catalog.tags[rows]
    )

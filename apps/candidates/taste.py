"""What a request's viewer makes of contents, by their own latest views and what the crowd says.

outcome = σ(logit(a stranger's + taste) + what the content is worth within its kind)
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from apps.candidates.algorithms.taste import Kinds, Posterior, Taste, TasteParams, hopeful
from apps.candidates.algorithms.worth import Watched, WorthParams, worth_of
from apps.candidates.types import Request
from apps.content.types import Catalog, used_tags
from apps.core.candidates import Rows, marked
from apps.events.types import EventType
from apps.features.history import event_weights, watched_share

Floats = NDArray[np.float64]

_FITTED_MS = 60_000  # after which what contents are worth is worked out anew
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
    pending = served[~marked(met, len(request.catalog))[served]][: params.most // 4][::-1]
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
    weight, is_view, _ = event_weights(history, request.catalog)
    share = watched_share(history, request.catalog)
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
    fitted, params = worth(request), request.params.taste
    known = np.minimum(rows, len(fitted) - 1)  # a request with an older catalogue may have made it
    of_content = np.where(rows < len(fitted), fitted[known], 0.0) if len(fitted) else 0.0
    length = params.shortness * _length(request.catalog, rows)
    language = language_of(request, request.catalog.language[rows])
    return np.asarray(params.worth * of_content - length + language)


def worth(request: Request) -> Floats:
    """Return the log odds that contents are worth to anybody, float64[n_contents at the fit].

    By the latest views, fitted anew once a minute for all requests.
    """
    return request.stats.shared(
        ("worth",), request.query.at_ms, lambda: _worth(request), for_ms=_FITTED_MS
    )


def _worth(request: Request) -> Floats:
    views = request.stats.latest.read()
    catalog = request.stats.catalog  # read after them: it has every content that they are of
    rows = views.content
    watched = Watched(
        viewer=views.viewer,
        content=rows,
        creator=catalog.creator[rows],
        category=catalog.category[rows],
        language=catalog.language[rows],
        length=_length(catalog, rows),
        share=views.share.astype(np.float64),
    )
    return worth_of(watched, catalog.creator, WorthParams())


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
    facts = catalog.category[rows], catalog.creator[rows], catalog.language[rows]
    return Kinds(*facts, used_tags(catalog.tags[rows]))

"""What a request's viewer makes of contents, by their own latest views and what the crowd says.

share watched = σ(a stranger's + the viewer's liking of its kind + what the content is worth)
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from apps.candidates.algorithms.taste import Expected, Met, Taste, TasteParams, hope
from apps.candidates.algorithms.worth import Watched, Worth, WorthParams, foreign, worth_of
from apps.candidates.signals import past_of
from apps.candidates.types import Request
from apps.content.types import Catalog
from apps.core.candidates import Rows, marked
from apps.events.types import EventType
from apps.features.history import watched_share

Floats = NDArray[np.float64]

WORTH = WorthParams()
_FITTED_MS = 60_000  # after which what contents are worth is worked out anew
_SAID = 0.3  # of the weight of an event beside watching, in the outcome
_OUTCOMES = (-0.5, 1.3)
_OF_WATCHING = (EventType.COMPLETE_VIEW, EventType.SKIP)
_SECONDS = 20.0  # length of a content that gains nothing by it
_LONGEST = 120.0  # seconds from which on length gains nothing more


class Values(NamedTuple):
    """What is known of n contents for one viewer."""

    expected: Expected  # share watched
    kind: NDArray[np.int64]  # [n] codes of what they are, −1: not known
    gain: Floats  # [n] by which the share counts


def values_of(request: Request, rows: Rows) -> Values:
    """Return what the viewer is expected to make of contents, unknown ones with some credit."""
    kind, length = request.catalog.category[rows], _length(request.catalog, rows)
    offset = _offset(request, rows, length) + curiosity_of(request, rows)
    return Values(taste_of(request).of(kind, offset), kind, _gain(request, length))


def hope_of(request: Request, rows: Rows) -> Floats:
    """Return what contents are worth to the viewer, float64[n] > 0, the unknown with credit."""
    found = values_of(request, rows)
    return found.gain * hope(found.expected, request.params.taste)


def share_of(request: Request, rows: Rows) -> Floats:
    """Return the share that the viewer is expected to watch of contents, float64[n] in (0, 1)."""
    kind = request.catalog.category[rows]
    return taste_of(request).of(kind, offset_of(request, rows)).mean


def worth_to_fans(request: Request, rows: Rows) -> Floats:
    """Return what contents are worth to those who like their kind, float64[n] > 0."""
    params, length = request.params.taste, _length(request.catalog, rows)
    offset = _to_anybody(request, rows, length) + curiosity_of(request, rows)
    chance = expit(logit(params.anybody) + params.high + offset)
    return np.asarray(_gain(request, length) * chance)


def taste_of(request: Request) -> Taste:
    """Return the viewer's taste, learned once a request."""
    return request.shared("taste", _taste)


def _taste(request: Request) -> Taste:
    params: TasteParams = request.params.taste
    met, outcome = outcomes(request)
    met, outcome = met[-params.most :], outcome[-params.most :]
    served = request.served[request.served >= 0]
    pending = served[~marked(met, len(request.catalog))[served]]
    category = request.catalog.category
    learned = Met(
        kind=category[met],
        offset=offset_of(request, met),
        outcome=np.clip(outcome, 0, 1),
        pending=category[pending],
        stated=request.stated,
    )
    return Taste(learned, params)


def outcomes(request: Request) -> tuple[Rows, Floats]:
    """Return the contents that the viewer met, by their last event, and what came of each.

    The outcome is the share that was watched, of a length that is not known as far as to a long
    view, and what the viewer did beside watching; less than 0 where it was hidden.
    """
    return request.shared("outcomes", _outcomes)


def _outcomes(request: Request) -> tuple[Rows, Floats]:
    past = past_of(request)
    log, weight, is_view, _ = past.said
    share = watched_share(log, request.catalog)
    is_said = ~is_view & ~np.isin(log.kind, _OF_WATCHING)
    outcome = _SAID * np.bincount(past.place, is_said * weight, len(past.rows))
    watched = np.zeros(len(past.rows))
    np.maximum.at(watched, past.place, np.where(is_view, share, 0))
    return past.rows, np.clip(watched + outcome, *_OUTCOMES)


def offset_of(request: Request, rows: Rows) -> Floats:
    """Return the log odds of contents beside what a stranger makes of any, float64[n]."""
    return _offset(request, rows, _length(request.catalog, rows))


def _offset(request: Request, rows: Rows, length: Floats) -> Floats:
    foreign = language_of(request, request.catalog.language[rows])
    return _to_anybody(request, rows, length) + foreign


def _to_anybody(request: Request, rows: Rows, length: Floats) -> Floats:
    """Return the log odds of contents beside others, in whatever language, float64[n]."""
    of_worth = request.params.taste.worth * worth_at(request, rows)
    return np.asarray(of_worth + worth(request).slope * length)


def worth_at(request: Request, rows: Rows) -> Floats:
    """Return the log odds that contents are worth to anybody, as far as is known, float64[n]."""
    found = worth(request)
    return _at(found.mean, rows, found.unknown)


def curiosity_of(request: Request, rows: Rows) -> Floats:
    """Return the log odds of credit that contents have whose worth is not known, float64[n]."""
    doubt = _at(worth(request).doubt, rows, WORTH.content)
    return np.asarray(request.params.taste.curiosity * doubt)


def _at(fitted: Floats, rows: Rows, otherwise: float) -> Floats:
    """Return what was fitted of rows; a catalogue may have grown since, or be older."""
    if not len(fitted):
        return np.full(len(rows), otherwise)
    return np.where(rows < len(fitted), fitted[np.minimum(rows, len(fitted) - 1)], otherwise)


def worth(request: Request) -> Worth:
    """Return what contents are worth to anybody, [n_contents at the fit].

    By the latest views, fitted anew once a minute for all requests.
    """
    params = request.params.taste
    return request.stats.shared(
        ("worth", params), request.query.at_ms, lambda: _worth(request), for_ms=_FITTED_MS
    )


def _worth(request: Request) -> Worth:
    views = request.stats.latest.read()
    catalog = request.stats.catalog  # read after them: it has every content that they are of
    rows = views.content
    watched = Watched(
        viewer=views.viewer,
        speaks=request.speaks(views.viewer),
        content=rows,
        creator=catalog.creator[rows],
        category=catalog.category[rows],
        language=catalog.language[rows],
        length=_length(catalog, rows),
        share=views.share.astype(np.float64),
    )
    return worth_of(watched, catalog.creator, WORTH, request.params.taste)


def language_of(request: Request, language: NDArray[np.int64]) -> Floats:
    """Return the log odds that languages take from contents, float64[n]; codes int64[n]."""
    own = request.query.language
    if own < 0:
        own = request.shared("watched_language", _watched_language)
    fitted = worth(request).languages
    known = (language < len(fitted) - 1) & (own < len(fitted) - 1)
    row = fitted[min(own + 1, len(fitted) - 1)]
    expected = foreign(own, language, request.params.taste)
    return np.where(known, row[np.where(known, language, -1) + 1], expected)


def _watched_language(request: Request) -> int:
    """Return the language that a viewer who says none watched most of, −1 for none."""
    met, outcome = outcomes(request)
    language = request.catalog.language[met]
    watched = np.bincount(language[language >= 0], np.maximum(outcome, 0)[language >= 0])
    return int(watched.argmax()) if watched.any() else -1


def _gain(request: Request, length: Floats) -> Floats:
    """Return by how much the share watched of contents counts, float64[n]: 1 for 20 s."""
    return np.asarray(np.exp(request.params.taste.length * length))


def _length(catalog: Catalog, rows: Rows) -> Floats:
    """Return ln(seconds / 20), float64[n], 0 where the length is not known."""
    seconds = catalog.duration_seconds[rows].astype(np.float64)
    seconds = np.where(np.isnan(seconds), _SECONDS, seconds)
    return np.log(np.clip(seconds, 1, _LONGEST) / _SECONDS)

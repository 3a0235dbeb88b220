"""How "not for me" fades: strong at once, weaker by the week, never for good (spec §9.1)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_RETURN = 0.2  # factor of a creator whose mute has just ended, as X's "see fewer"
_LEAST = 0.2  # of a topic that is only ever disliked: it is never lost
_PRIOR = 0.6  # so that a first, fresh dislike takes half from a content just like it


def of_creator(age_days: Floats, *, mute_days: float, recovery_days: float) -> Floats:
    """Return the factor of creators muted `age_days` float64[n] ago, in [0, 1].

    0 while muted, then .2 rising to 1 in a straight line over `recovery_days` (X's feedback
    fatigue: 14 days out, then 140 days of return).
    """
    share = np.clip((age_days - mute_days) / recovery_days, 0, 1)
    return np.where(age_days < mute_days, 0.0, _RETURN + (1 - _RETURN) * share)


def of_topic(disliked: Floats, liked: Floats) -> Floats:
    """Return the factor of n contents, float64[n] in [.2, 1]: 1 − .8 · D / (D + L + .6).

    disliked: [n] ≥ 0, Σ_j closeness_ij · freshness_j over what was hidden (D); liked: [n] ≥ 0,
    Σ_k closeness_ik over what was enjoyed (L). One dislike is a bounded step, a smaller one where
    much else of the topic is enjoyed: it then spoke of the content and not of its topic.
    """
    return 1 - (1 - _LEAST) * disliked / (disliked + liked + _PRIOR)


def closeness(category: Ints, tags: Ints, other_category: Ints, other_tags: Ints) -> Floats:
    """Return how alike contents are by what they are about, float64[n, m] in [0, 1].

    category: [n] and [m]; tags: [n, t] and [m, t]; −1 where there is none. Half is the category,
    half the Jaccard similarity of the tags.
    """
    same_category = (category[:, None] == other_category) & (category[:, None] >= 0)
    known = np.unique(other_tags)
    both = _marked(tags, known) @ _marked(other_tags, known).T
    either = (tags >= 0).sum(axis=1)[:, None] + (other_tags >= 0).sum(axis=1) - both
    return np.asarray(0.5 * same_category + 0.5 * both / np.maximum(either, 1))


def _marked(tags: Ints, known: Ints) -> Floats:
    """Return how often each content has each of the known tags, float64[n, len(known)]."""
    place = np.minimum(np.searchsorted(known, tags), len(known) - 1)
    has = (known[place] == tags) & (tags >= 0) if len(known) else np.zeros(tags.shape, np.bool_)
    marks = np.zeros((len(tags), len(known)))
    content, column = np.nonzero(has)
    np.add.at(marks, (content, place[content, column]), 1.0)
    return marks

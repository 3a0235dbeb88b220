"""Choose what viewers write under contents."""

from __future__ import annotations

import numpy as np

from apps.simulation.arrays import Ints
from apps.simulation.vocabulary import COMMENTS, LANGUAGES

_POOLS = tuple(COMMENTS[code][mood] for code in LANGUAGES for mood in (0, 1))
_SIZES = np.array([len(pool) for pool in _POOLS])
_STARTS = np.cumsum(_SIZES) - _SIZES

COMMENT_TEXTS: tuple[str, ...] = tuple(text for pool in _POOLS for text in pool)


def pick_comments(language: Ints, is_critical: Ints, *, rng: np.random.Generator) -> Ints:
    """Draw comments in the writers' language, int64[k] indexes into COMMENT_TEXTS.

    ``language``: int64[k] index into LANGUAGES; ``is_critical``: 0 or 1, int64[k].
    """
    pool = 2 * language + is_critical
    within = (rng.random(len(pool)) * _SIZES[pool]).astype(np.int64)
    return np.asarray(_STARTS[pool] + within)

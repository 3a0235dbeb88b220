"""Which examples of a stream are kept to be learned from again."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def places(n_new: int, n_kept: int, size: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return where each of `n_new` examples, in order, goes among `size` places; int64[n_new].

    The first ones fill what is free, each of the others takes the place of one drawn evenly
    (Aggarwal 2006, biased reservoir sampling): an example is still kept after k more with a
    chance of (1 − 1/size)ᵏ. An even sample of all that ever was would teach an old taste for ever.
    """
    free = np.arange(n_kept, min(size, n_kept + n_new))
    return np.concatenate([free, rng.integers(0, size, n_new - len(free))])

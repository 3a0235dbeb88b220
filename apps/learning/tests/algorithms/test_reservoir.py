"""The reservoir: full, forgetting, and the same for the same seed."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from apps.learning.algorithms.reservoir import places


@given(n_new=st.integers(0, 60), n_kept=st.integers(0, 40))
def test_free_places_are_filled_first_and_in_order(n_new: int, n_kept: int) -> None:
    n_kept = min(n_kept, 32)
    found = places(n_new, n_kept, 32, np.random.default_rng(0))
    n_free = min(32 - n_kept, n_new)
    assert found[:n_free].tolist() == list(range(n_kept, n_kept + n_free))
    assert len(found) == n_new
    assert ((found >= 0) & (found < 32)).all()


def test_share_that_is_still_kept_falls_exponentially() -> None:
    size, n = 1000, 20_000
    rng = np.random.default_rng(1)
    held = np.full(size, -1)
    for i, place in enumerate(places(n, 0, size, rng).tolist()):
        held[place] = i
    ages = n - 1 - held
    # P(kept after k more) = (1 − 1/size)ᵏ, so ages are geometric: a share e⁻¹ is older than size.
    # Its standard error is √(.37·.63/1000) = .015; four of them are allowed.
    assert abs((ages > size).mean() - np.exp(-1)) < 0.06
    assert abs((ages > 2 * size).mean() - np.exp(-2)) < 0.06

"""How far two moderators agree beyond chance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence


def cohens_kappa(first: Sequence[str], second: Sequence[str]) -> float | None:
    """Return κ = (p_o − p_e) / (1 − p_e), in [−1, 1] (Cohen 1960).

    p_o is the share of equal labels, p_e what the two would share by chance with their own
    frequencies. None where nothing was judged; 1 where both always give one and the same label.
    Raises ValueError for different lengths.
    """
    n = len(first)
    if n != len(second):
        raise ValueError(f"{n} and {len(second)} labels cannot be compared")
    if not n:
        return None
    observed = sum(a == b for a, b in zip(first, second, strict=True)) / n
    ours, theirs = Counter(first), Counter(second)
    chance = sum(ours[label] * theirs[label] for label in ours) / n**2
    return 1.0 if chance == 1 else (observed - chance) / (1 - chance)

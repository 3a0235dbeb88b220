"""The learning rate: decayed with a floor, and moved by the validation loss (spec §5.3, §9.2)."""

from __future__ import annotations

from dataclasses import dataclass, replace

GROW, SHRINK = 1.02, 0.9
BOUNDS = (0.1, 3.0)
DEAD_BAND = 0.02  # share of the loss: the running mean of batches of 512 moves as far by chance
_FAST, _SLOW = 0.1, 0.02  # of the two running means that are compared


def decayed_rate(step: int, *, initial: float, decay: float, floor: float) -> float:
    """Return η_t = max(η₀ / (1 + γt), η_min); t: optimizer steps before this one (ADR 13)."""
    return max(initial / (1 + decay * step), floor)


@dataclass(frozen=True, slots=True)
class Multiplier:
    """m_t of η_t·m_t: grows a little while validation loss falls, shrinks when it rises."""

    value: float = 1.0
    fast: float = -1.0  # running means of the loss; negative before the first one
    slow: float = -1.0


def moved(multiplier: Multiplier, loss: float) -> Multiplier:
    """Return the multiplier after one more validation loss ≥ 0, of a batch not yet learned from.

    The fast running mean is compared with the slow one: one unlucky batch moves nothing. Within
    the dead band m goes back towards 1 by a hundredth of the way.
    """
    if multiplier.fast < 0:
        return replace(multiplier, fast=loss, slow=loss)
    fast = multiplier.fast + _FAST * (loss - multiplier.fast)
    slow = multiplier.slow + _SLOW * (loss - multiplier.slow)
    if fast < slow * (1 - DEAD_BAND):
        value = multiplier.value * GROW
    elif fast > slow * (1 + DEAD_BAND):
        value = multiplier.value * SHRINK
    else:
        value = multiplier.value + 0.01 * (1 - multiplier.value)
    return Multiplier(min(max(value, BOUNDS[0]), BOUNDS[1]), fast, slow)

"""The parametric laws of behavior: pure arithmetic on arrays, no world and no state.

They stand in for the three modules of KuaiSim (Zhao et al., NeurIPS 2023): the immediate
response (`watch_logit`, `draw_watch_fraction`, `action_chances`), leaving (`patience_left`)
and coming back (`return_chance`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from apps.events.types import EventType
from apps.simulation.arrays import Bools, Floats

SKIP_SECONDS = 2.0  # a view shorter than this is a skip; spec §2.1
REFERENCE_SECONDS = 20.0  # duration at which length neither helps nor hurts

# Chance of each action at full watch fraction and full enjoyment, and the power of the watch
# fraction that thins it: a comment needs more attention than a like.
_ENGAGED: Mapping[EventType, tuple[float, float]] = {
    EventType.LIKE: (0.16, 1.5),
    EventType.SAVE: (0.045, 2.0),
    EventType.SHARE: (0.030, 2.0),
    EventType.COMMENT: (0.030, 1.5),
    EventType.FOLLOW: (0.035, 2.0),
}


@dataclass(frozen=True, slots=True)
class Laws:
    """Coefficients of the laws; logits unless said otherwise.

    ``Laws(taste=0, quality=0, ...)`` makes the placebo: viewers whose watching does not depend
    on what they are shown.
    """

    base: float = -0.2  # watch logit of an off-topic content of mean quality
    taste: float = 2.9  # per unit of affinity, [0, 1]
    quality: float = 0.4  # per standard deviation of latent quality
    followed: float = 0.35  # the creator is followed
    satiation: float = 1.6  # per unit of topic satiation, >= 0
    language: float = 1.4  # per unit of language gap, [0, 1]
    length: float = 1.0  # per e-fold of duration above REFERENCE_SECONDS
    mood: float = 0.8  # standard deviation of what no system can know
    concentration: float = 2.0  # α + β of the watch fraction's Beta, > 0; small = all or nothing
    complete_at: float = 0.93  # fraction from which a view counts as complete, (0, 1]
    replay: float = 0.16  # chance of watching again after a complete, fully enjoyed view
    hide: float = 0.008  # chance of hiding what was not enjoyed at all
    report: float = 0.0012  # chance of reporting it
    satiation_gain: float = 0.14  # satiation added by one content watched in full
    satiation_keep: float = 0.90  # share of satiation left after each further content, [0, 1]
    rest_keep: float = 0.30  # share of satiation left after a break between sessions, [0, 1]
    step_cost: float = 0.6  # patience spent on every content shown
    skip_cost: float = 1.0  # patience further spent on a fast skip
    long_gain: float = 0.5  # patience won back by a long view
    patience: float = 10.0  # median patience at the start of a session
    patience_spread: float = 0.45  # log standard deviation of it
    satisfaction_step: float = 0.25  # weight of the latest session in the moving average, [0, 1]
    neutral: float = 0.37  # satisfaction at which the return chance is the viewer's own
    come_back: float = 3.0  # return logit per unit of satisfaction above neutral
    engaged: Mapping[EventType, tuple[float, float]] = field(default_factory=lambda: _ENGAGED)


def sigmoid(logit: Floats) -> Floats:
    """Logistic function 1 / (1 + exp(−x)), elementwise."""
    return np.asarray(1.0 / (1.0 + np.exp(-logit)), dtype=np.float64)


def watch_logit(
    laws: Laws,
    *,
    affinity: Floats,
    quality: Floats,
    satiation: Floats | float,
    language_gap: Floats,
    duration_seconds: Floats,
    is_followed: Bools,
) -> Floats:
    """Logit of the mean watch fraction, without the mood of the moment.

    base + taste·affinity + quality·q + followed·f − satiation·s − language·gap
    − length·ln(duration / 20 s); all arrays of one shape, returned in that shape.
    """
    liking = laws.taste * affinity + laws.quality * quality + laws.followed * is_followed
    resistance = laws.satiation * satiation + laws.language * language_gap
    length = laws.length * np.log(duration_seconds / REFERENCE_SECONDS)
    return np.asarray(laws.base + liking - resistance - length, dtype=np.float64)


def draw_watch_fraction(laws: Laws, logit: Floats, rng: np.random.Generator) -> Floats:
    """Draw watch fractions in (0, 1] ~ Beta(μ·κ, (1 − μ)·κ), μ = sigmoid(logit).

    Fractions from ``laws.complete_at`` on become 1: who stays to the last second sees the end.
    """
    mean = np.clip(sigmoid(logit), 0.01, 0.99)
    fraction = rng.beta(mean * laws.concentration, (1.0 - mean) * laws.concentration)
    return np.where(fraction >= laws.complete_at, 1.0, np.maximum(fraction, 0.005))


def action_chances(
    laws: Laws, *, fraction: Floats, enjoyment: Floats, is_followed: Bools
) -> dict[EventType, Floats]:
    """Chance of each action given the watch fraction and the enjoyment, both in [0, 1].

    Engaged actions: c·enjoyment·fraction^p. Replay: only after a complete view. Hide and
    report: c·(1 − enjoyment)²·(1 − fraction). A followed creator is not followed again.
    """
    chances = {
        kind: ceiling * enjoyment * fraction**power
        for kind, (ceiling, power) in laws.engaged.items()
    }
    chances[EventType.FOLLOW] = chances[EventType.FOLLOW] * ~is_followed
    chances[EventType.REPLAY] = laws.replay * enjoyment * (fraction >= 1.0)
    dislike = (1.0 - enjoyment) ** 2 * (1.0 - fraction)
    chances[EventType.HIDE] = laws.hide * dislike
    chances[EventType.REPORT] = laws.report * dislike
    return chances


def patience_left(laws: Laws, patience: Floats, *, is_long: Bools, is_skip: Bools) -> Floats:
    """Patience after one content; the session ends when it is not positive."""
    spent = laws.step_cost + laws.skip_cost * is_skip - laws.long_gain * is_long
    return np.asarray(patience - spent, dtype=np.float64)


def return_chance(laws: Laws, *, activity: Floats, satisfaction: Floats) -> Floats:
    """Chance of opening the app on a day: sigmoid(activity + come_back·(satisfaction − neutral)).

    ``activity`` is the viewer's own logit; ``satisfaction``, in [0, 1], the moving average of
    how much recent sessions were enjoyed.
    """
    return sigmoid(activity + laws.come_back * (satisfaction - laws.neutral))

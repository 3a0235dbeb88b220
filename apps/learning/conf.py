"""How training is done."""

from __future__ import annotations

from dataclasses import dataclass, field

from apps.candidates.conf import RetrievalParams
from apps.ranking.boosted import BoostedParams
from apps.ranking.neural import NeuralParams
from apps.ranking.select import SelectParams

# Which bundle answers a request: `FeedParams.bundle`, set by the experiments of a rollout.
BUNDLE_PARAMETER = "feed.bundle"
PRODUCTION, CANDIDATE, PREVIOUS = "production", "candidate", "previous"
BUNDLES = (PRODUCTION, CANDIDATE, PREVIOUS)
_HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class RolloutParams:
    """How a candidate comes to serve everybody, step by step (spec §6.3)."""

    shadow_share: float = 0.2  # of the slates, whose slots the candidate scores too, (0, 1]
    shadow_slates: int = 2000  # the latest of them, at most
    shadow_ms: int = _HOUR_MS  # of slates before the first look
    settle_ms: int = 10 * 60_000  # that outcomes have to arrive
    percents: tuple[int, ...] = (5, 25)  # of the viewers, step by step; at most 50
    step_ms: int = 24 * _HOUR_MS  # at least, on each step
    most_ms: int = 14 * 24 * _HOUR_MS  # in shadow and on each step; unproven by then is refused
    holdback_percent: int = 5  # of the viewers, who keep the bundle before; 0: none
    holdback_ms: int = 20 * _HOUR_MS  # over before the next night's training
    primary: str = "watch_seconds"
    guardrails: tuple[str, ...] = ("watch_seconds", "active_days", "skip_rate", "report_rate")
    minimum_effect: float = 0.02  # relative difference of the primary metric that matters
    # Relative loss of it that a refresh must be proven not to exceed: with 3,000 viewers a side the
    # always-valid interval is ± 6 %, so that less would never be proven on a small platform.
    margin: float = 0.1


@dataclass(frozen=True, slots=True)
class TrainingParams:
    """Everything that a training run may vary."""

    retrieval: RetrievalParams = field(default_factory=RetrievalParams)
    n_slices: int = 2  # slices before the end that give examples to the select ranker, 1–4
    slice_share: float = 0.2  # of the views with a known time, in one slice
    max_viewers: int = 8000  # viewers that give examples, a slice
    ranked: int = 200  # candidates of a pool that examples are drawn from, as in serving
    slates: int = 20_000  # latest slates whose views are examples too
    slate_weight: float = 0.1  # of a candidate of a slate beside one of a pool made anew, (0, 1]
    negatives: int = 30  # candidates kept of a viewer's pool beside those shown
    shown_label: float = 0.3  # soft label of a candidate that was shown but not watched long
    max_views: int = 500_000  # latest views that the heads learn from
    select: SelectParams = field(default_factory=SelectParams)
    boosted: BoostedParams = field(default_factory=BoostedParams)
    neural: NeuralParams = field(default_factory=NeuralParams)
    weigh_views: int = 80_000  # latest earlier views that trees learn from to be weighed only
    held_share: float = 0.15  # of those views, the latest, that weigh the rankers of the heads
    heads_kappa: float = 50_000.0  # views learned from at which heads count half, ≥ 0
    seed: int = 7


@dataclass(frozen=True, slots=True)
class OnlineParams:
    """How the network learns on between two trainings (spec §6.1, §6.2)."""

    buffer: int = 512  # B, views of slates: as many are learned at once
    minutes: float = 5.0  # T: after as long any view is enough
    most: int = 4096  # views a step: after a pause the rest comes in steps of their own
    viewer_cap: int = 32  # examples of one viewer a step
    batch: int = 32  # examples of one move of the weights
    rate: float = 0.0015  # η₀
    floor: float = 0.0015  # η_min
    l2_rows: float = 1e-3  # λ_e
    reservoir: int = 2048  # examples kept to be learned again, beside each new one
    held_share: float = 0.2  # of a step's views, the newest: they judge it and are learned next
    dead_band: float = 0.02  # share by which the loss on them may rise
    max_norm: float = 10.0  # length of an embedding and of a unit's incoming weights
    seed: int = 7

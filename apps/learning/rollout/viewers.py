"""Divide the viewers between two bundles: a rollout's experiments."""

from __future__ import annotations

from django.db import transaction

from apps.experiments import services as experiments
from apps.experiments.models import Experiment, Layer
from apps.experiments.services import VariantSpec
from apps.learning.conf import BUNDLE_PARAMETER, CANDIDATE, PREVIOUS, RolloutParams

LAYER = "rollout"
_BUCKETS_A_PERCENT = 100


def buckets(percent: int) -> int:
    """Return how many buckets let `percent` of the viewers have a variant, and as many control."""
    return 2 * percent * _BUCKETS_A_PERCENT


def start_canary(pk: int, percent: int, params: RolloutParams, *, now_ms: int) -> Experiment:
    """Give `percent` of the viewers the candidate; as many others are the control."""
    variants = (
        VariantSpec("control"),
        VariantSpec("candidate", parameters={BUNDLE_PARAMETER: CANDIDATE}),
    )
    widest = max(percent, *params.percents)
    return _start(f"canary-{pk}", variants, percent, widest, params, now_ms)


def start_holdback(pk: int, params: RolloutParams, *, now_ms: int) -> Experiment:
    """Let some viewers keep the bundle before, as the control of what was promoted."""
    variants = (
        VariantSpec("before", parameters={BUNDLE_PARAMETER: PREVIOUS}),
        VariantSpec("promoted"),
    )
    percent = params.holdback_percent
    return _start(f"holdback-{pk}", variants, percent, percent, params, now_ms)


@transaction.atomic
def _start(
    key: str,
    variants: tuple[VariantSpec, VariantSpec],
    percent: int,
    widest: int,
    params: RolloutParams,
    now_ms: int,
) -> Experiment:
    layer, _ = Layer.objects.get_or_create(name=LAYER)
    draft = Experiment(
        key=key,
        hypothesis="Made by a rollout: the bundle of the second variant is no worse.",
        layer=layer,
        reserved=buckets(widest),
        primary_metric=params.primary,
        guardrails=list(params.guardrails),
        minimum_effect=params.minimum_effect,
    )
    experiments.save_draft(draft, variants)
    return experiments.start(draft.pk, ramp=buckets(percent), now_ms=now_ms)


def widen(experiment: Experiment, percent: int) -> None:
    """Let more viewers in; who is in keeps their variant."""
    experiments.ramp_up(experiment.pk, ramp=buckets(percent))


def stop(experiment: Experiment | None, *, reason: str, now_ms: int) -> None:
    """Serve everybody alike again, if they are not already."""
    if experiment is not None:
        experiments.stop(experiment.pk, reason=reason, now_ms=now_ms)

"""Work out what experiments say, and stop those that do harm."""

from __future__ import annotations

import logging

import msgspec
import numpy as np
from numpy.typing import NDArray

from apps.core.leases import lease
from apps.events.types import DEVICES
from apps.experiments import interleaving, results
from apps.experiments.algorithms.assignment import shares, upper_bounds
from apps.experiments.measures import Totals, totals
from apps.experiments.models import Experiment, Exposure, Variant
from apps.experiments.results import Observed, Question
from apps.experiments.services.lifecycle import stop
from apps.experiments.types import Report
from apps.profiles import selectors as profiles

logger = logging.getLogger(__name__)

_MOST_LANGUAGES = 6  # segments, those of the most viewers


def judge_all(*, now_ms: int) -> int:
    """Judge every running experiment, one worker at a time; return how many there were."""
    with lease("experiments") as is_held:
        if not is_held:
            return 0
        running = list(Experiment.objects.filter(status=Experiment.Status.RUNNING))
        for experiment in running:
            judge(experiment, now_ms=now_ms)
        return len(running)


def judge(experiment: Experiment, *, now_ms: int) -> Report:
    """Work out and store what an experiment says; stop it where a guardrail is worse for certain.

    A stopped experiment is judged as of its end. Looking often costs nothing: the stop rests on
    the always-valid interval.
    """
    at_ms = experiment.stopped_ms or now_ms
    variants = list(experiment.variants.order_by("position"))
    forced = _forced(experiment)
    if experiment.kind == Experiment.Kind.INTERLEAVING:
        names = (variants[0].name, variants[1].name)
        found = interleaving.report(experiment, forced, names, at_ms=at_ms)
    else:
        observed = _observed(experiment, variants, forced, until_ms=at_ms)
        found = results.report(_question(experiment, variants), observed, at_ms=at_ms)
    Experiment.objects.filter(pk=experiment.pk).update(report=msgspec.to_builtins(found))
    if worse := results.harmed(found, experiment.guardrails):
        reason = "guardrail: " + ", ".join(f"{c.label} of {c.variant}" for c in worse)
        if stop(experiment.pk, reason=reason, now_ms=now_ms):
            logger.warning("experiment %s was stopped: %s", experiment.key, reason)
    return found


def _question(experiment: Experiment, variants: list[Variant]) -> Question:
    return Question(
        arms=[variant.name for variant in variants],
        shares=shares(upper_bounds([variant.weight for variant in variants])),
        primary=experiment.primary_metric,
        guardrails=experiment.guardrails,
        minimum_effect=experiment.minimum_effect,
    )


def _forced(experiment: Experiment) -> NDArray[np.int64]:
    """Return the keys of the viewers with an override."""
    pseudonyms = list(experiment.overrides.values_list("viewer_pseudonym", flat=True))
    return np.array(profiles.keys_of(pseudonyms), np.int64)


def _observed(
    experiment: Experiment, variants: list[Variant], forced: NDArray[np.int64], *, until_ms: int
) -> Observed:
    """Return everybody who was exposed to one variant and has no override."""
    position = {variant.pk: variant.position for variant in variants}
    exposed = Exposure.objects.filter(experiment=experiment, first_ms__lt=until_ms)
    rows = list(
        exposed.order_by("viewer_id", "pk").values_list("viewer_id", "variant_id", "first_ms")
    )
    table = np.array([(v, position[a], t) for v, a, t in rows], np.int64).reshape(-1, 3)
    viewer, first, n_rows = np.unique(table[:, 0], return_index=True, return_counts=True)
    is_forced = np.isin(viewer, forced)
    has_crossed = (n_rows > 1) & ~is_forced
    stays = first[~is_forced & ~has_crossed]
    viewers, arm, first_ms = table[stays].T
    of_viewers = totals(viewers, first_ms, until_ms=until_ms)
    return Observed(
        arm=arm,
        totals=of_viewers,
        segments=_segments(viewers, of_viewers),
        crossed=int(has_crossed.sum()),
        forced=int(is_forced.sum()),
    )


def _segments(viewers: NDArray[np.int64], of_viewers: Totals) -> dict[str, NDArray[np.bool_]]:
    is_old = of_viewers.before["active_days"] > 0
    found = {"new viewers": ~is_old, "viewers from before": is_old}
    language, _ = profiles.groups().of(viewers)
    names, counts = np.unique(language[language != ""], return_counts=True)
    for name in names[np.argsort(-counts, kind="stable")][:_MOST_LANGUAGES].tolist():
        found[f"language {name}"] = language == name
    for code in np.unique(of_viewers.device[of_viewers.device > 0]).tolist():
        found[f"device {DEVICES[code]}"] = of_viewers.device == code
    return found

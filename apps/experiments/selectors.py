"""Read experiments: what a viewer's request is asked to do, and what is known."""

from __future__ import annotations

from collections import defaultdict
from uuid import UUID

import msgspec
from django.db.models import QuerySet

from apps.core.params import Overrides, Value
from apps.experiments.models import Experiment
from apps.experiments.results import harmed
from apps.experiments.running import Plan, ServedVariant, running
from apps.experiments.types import Assigned, AssignmentsAnswer, Comparison, Report


def resolve(viewer: UUID) -> Assigned:
    """Return what the running experiments ask of this viewer's request; no query.

    The viewer is a pseudonym: known before there is a row. Of two interleavings only the older one
    is served.
    """
    now = running()
    found = [(plan, variant) for plan in now.plans if (variant := plan.variant_of(viewer))]
    if not found:
        return Assigned(is_broken=now.is_broken)
    splits = [(plan, variant) for plan, variant in found if not plan.is_interleaving]
    drafts = [plan for plan, _ in found if plan.is_interleaving][:1]
    values: dict[str, Value] = {}
    watched: dict[str, frozenset[str]] = defaultdict(frozenset)
    for plan, variant in splits:
        values |= variant.values
        for name in plan.watched:
            watched[name] |= {plan.key}
    variants = {plan.key: variant.name for plan, variant in splits}
    arms = {plan.key: (plan.pk, variant.pk) for plan, variant in splits}
    if not drafts:
        return Assigned(variants, Overrides(values, watched), arms)
    ours, theirs = drafts[0].variants[:2]
    return Assigned(
        variants={**variants, drafts[0].key: "interleaved"},
        overrides=Overrides({**values, **ours.values}, watched),
        arms=arms,
        rival=Overrides({**values, **theirs.values}, watched),
        interleaving=drafts[0].pk,
    )


def assignments(viewer: UUID) -> AssignmentsAnswer:
    """Return which variant of each running experiment a viewer sees, and what they set."""
    found: list[tuple[Plan, ServedVariant]] = [
        (plan, variant) for plan in running().plans if (variant := plan.variant_of(viewer))
    ]
    return AssignmentsAnswer(
        experiments={
            plan.key: "interleaved" if plan.is_interleaving else variant.name
            for plan, variant in found
        },
        parameters={
            name: value
            for plan, variant in found
            if not plan.is_interleaving
            for name, value in variant.values.items()
        },
    )


def sets(parameter: str, value: Value) -> bool:
    """Say whether a variant of a running experiment gives a parameter this value; no query."""
    return any(
        variant.values.get(parameter) == value
        for plan in running().plans
        for variant in plan.variants
    )


def experiments() -> QuerySet[Experiment]:
    """Return all experiments, the newest first, with layer and variants."""
    found = Experiment.objects.select_related("layer").prefetch_related("variants")
    return found.order_by("-pk")


def harm_of(experiment: Experiment) -> list[Comparison]:
    """Return the guardrails that are worse for certain, by what was last worked out."""
    found = report_of(experiment)
    return harmed(found, experiment.guardrails) if found else []


def sample_ratios_off() -> dict[str, bool]:
    """Return by key of each running experiment whether its sample ratio was off when last judged.

    Those never judged are left out. One query.
    """
    found = Experiment.objects.filter(status=Experiment.Status.RUNNING).order_by("pk")
    reports = {row.key: report_of(row) for row in found.only("key", "report")}
    return {key: report.is_withheld for key, report in reports.items() if report is not None}


def report_of(experiment: Experiment) -> Report | None:
    """Return what was last worked out; None before the first time and after an upgrade."""
    try:
        return msgspec.convert(experiment.report, Report)
    except msgspec.ValidationError:
        return None

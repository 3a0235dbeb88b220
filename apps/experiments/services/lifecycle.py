"""Set up, start, ramp and stop experiments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db import transaction

from apps.core import params
from apps.core.errors import RecsysError
from apps.experiments.algorithms.assignment import N_BUCKETS
from apps.experiments.models import Experiment, Layer, Override, Variant
from apps.experiments.running import varied


class ExperimentError(RecsysError):
    """The experiment cannot be set up, started or changed like this; the message says why."""


@dataclass(frozen=True, slots=True)
class VariantSpec:
    """One variant as it is to be."""

    name: str
    weight: int = 1  # ≥ 1
    parameters: Mapping[str, object] = field(default_factory=dict)


@transaction.atomic
def save_draft(experiment: Experiment, variants: Sequence[VariantSpec]) -> Experiment:
    """Store a draft with its variants, the control first; raise `ExperimentError` for bad ones.

    A parameter that there is not, of another type or out of its bounds is refused here.
    """
    if experiment.status != Experiment.Status.DRAFT:
        raise ExperimentError("Only a draft can be changed: viewers are already divided by it.")
    checked = _checked(variants, experiment.kind)
    experiment.save()
    experiment.variants.all().delete()
    Variant.objects.bulk_create(
        Variant(
            experiment=experiment,
            position=position,
            name=variant.name,
            weight=variant.weight,
            parameters=values,
        )
        for position, (variant, values) in enumerate(checked)
    )
    return experiment


def _checked(
    variants: Sequence[VariantSpec], kind: str
) -> list[tuple[VariantSpec, dict[str, params.Value]]]:
    if len(variants) < 2:
        raise ExperimentError("An experiment needs a control and at least one other variant.")
    if kind == Experiment.Kind.INTERLEAVING and len(variants) != 2:
        raise ExperimentError("An interleaving compares two variants.")
    if len({variant.name for variant in variants}) < len(variants):
        raise ExperimentError("Two variants have the same name.")
    checked = []
    for variant in variants:
        if variant.weight < 1:
            raise ExperimentError(f"{variant.name} has the weight {variant.weight}; at least 1.")
        try:
            checked.append((variant, params.checked(variant.parameters)))
        except params.ParameterError as error:
            raise ExperimentError(f"{variant.name}: {error}") from error
    return checked


@transaction.atomic
def start(experiment_pk: int, *, ramp: int, now_ms: int) -> Experiment:
    """Start a draft with `ramp` buckets in; the first free range of its layer is its own.

    Raises `ExperimentError` where the layer has no room, nothing differs between the variants, or
    a parameter is already varied by an experiment of another layer.
    """
    experiment = _locked(experiment_pk, Experiment.Status.DRAFT)
    others = list(
        Experiment.objects.filter(status=Experiment.Status.RUNNING)
        .select_related("layer")
        .prefetch_related("variants")
    )
    _refuse_clash(experiment, others)
    in_layer = [other for other in others if other.layer_id == experiment.layer_id]
    experiment.first_bucket = _free_bucket(experiment, in_layer)
    experiment.status = Experiment.Status.RUNNING
    experiment.started_ms = now_ms
    experiment.ramp = _within(experiment, ramp)
    experiment.save()
    return experiment


def _refuse_clash(experiment: Experiment, others: Sequence[Experiment]) -> None:
    mine = varied([v.parameters for v in experiment.variants.all()])
    if not mine:
        raise ExperimentError("The variants do not differ in any parameter.")
    for other in others:
        shared = mine & {n for v in other.variants.all() for n in v.parameters}
        if shared and other.layer_id != experiment.layer_id:
            name = sorted(shared)[0]
            raise ExperimentError(
                f"{name} is varied by {other.key} in the layer {other.layer}; "
                "put this experiment into the same layer."
            )
        both = {experiment.kind, other.kind} == {Experiment.Kind.INTERLEAVING}
        if both and other.layer_id != experiment.layer_id:
            raise ExperimentError(
                f"{other.key} interleaves pages in another layer; a page is shared by two only."
            )


def _free_bucket(experiment: Experiment, in_layer: Sequence[Experiment]) -> int:
    """Return the first bucket of a gap that is wide enough."""
    first = 0
    for other in sorted(in_layer, key=lambda other: other.first_bucket):
        if other.first_bucket - first >= experiment.reserved:
            break
        first = other.first_bucket + other.reserved
    if first + experiment.reserved > N_BUCKETS - experiment.layer.holdout:
        raise ExperimentError(
            f"The layer {experiment.layer} has no {experiment.reserved} buckets in a row left; "
            "reserve fewer, stop another experiment, or use another layer."
        )
    return first


@transaction.atomic
def ramp_up(experiment_pk: int, *, ramp: int) -> Experiment:
    """Let more buckets in. Buckets are only ever added: who is in stays in, with their variant."""
    experiment = _locked(experiment_pk, Experiment.Status.RUNNING)
    if ramp < experiment.ramp:
        raise ExperimentError(
            f"{experiment.ramp} buckets are in; fewer would move viewers. Stop it instead."
        )
    experiment.ramp = _within(experiment, ramp)
    experiment.save(update_fields=["ramp"])
    return experiment


def _within(experiment: Experiment, ramp: int) -> int:
    if not 1 <= ramp <= experiment.reserved:
        raise ExperimentError(
            f"{ramp} buckets cannot be in; expected 1 to the {experiment.reserved} reserved."
        )
    return ramp


def stop(experiment_pk: int, *, reason: str, now_ms: int) -> bool:
    """Stop a running experiment: everybody is served as without it. False if it does not run."""
    # One conditional UPDATE: of two who stop it at once the first one's reason stays.
    running = Experiment.objects.filter(pk=experiment_pk, status=Experiment.Status.RUNNING)
    return bool(
        running.update(
            status=Experiment.Status.STOPPED, stopped_ms=now_ms, stop_reason=reason[:200]
        )
    )


def force(experiment: Experiment, viewer: UUID, variant_name: str) -> None:
    """Let one viewer always see one variant; raises `ExperimentError` where there is no such."""
    variant = experiment.variants.filter(name=variant_name).first()
    if variant is None:
        raise ExperimentError(f"{experiment.key} has no variant {variant_name!r}.")
    Override.objects.update_or_create(
        experiment=experiment, viewer_pseudonym=viewer, defaults={"variant": variant}
    )


def release(experiment: Experiment, viewer: UUID) -> None:
    """Take an override back."""
    Override.objects.filter(experiment=experiment, viewer_pseudonym=viewer).delete()


def _locked(experiment_pk: int, status: str) -> Experiment:
    """Return the experiment with its layer locked, so that no two take the same buckets."""
    experiment = Experiment.objects.select_related("layer").get(pk=experiment_pk)
    Layer.objects.select_for_update().get(pk=experiment.layer_id)
    experiment = Experiment.objects.select_for_update().get(pk=experiment_pk)
    if experiment.status != status:
        raise ExperimentError(f"{experiment.key} is {experiment.status}, not {status}.")
    return experiment

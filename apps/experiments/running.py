"""The running experiments in memory, and which variant a viewer sees."""

from __future__ import annotations

import logging
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from apps.core import params
from apps.core.errors import RecsysError
from apps.core.live import Live
from apps.core.params import Value
from apps.experiments.algorithms.assignment import bucket, upper_bounds
from apps.experiments.models import Experiment

logger = logging.getLogger(__name__)


class BrokenExperimentError(RecsysError):
    """An experiment is stored that cannot be served."""


@dataclass(frozen=True, slots=True)
class ServedVariant:
    """One variant as requests read it."""

    pk: int
    name: str
    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Plan:
    """One running experiment as requests read it."""

    pk: int
    key: str
    is_interleaving: bool
    layer_salt: str
    first: int  # first bucket of the layer that is in
    end: int  # bucket after the last one
    salt: str
    variants: tuple[ServedVariant, ...]
    bounds: tuple[int, ...]  # where the buckets of each variant end
    forced: Mapping[UUID, int]  # index of the variant
    watched: frozenset[str]  # parameters in which the variants differ

    def variant_of(self, viewer: UUID) -> ServedVariant | None:
        """Return the viewer's variant, None for who is not in the experiment."""
        if (forced := self.forced.get(viewer)) is not None:
            return self.variants[forced]
        if not self.first <= bucket(self.layer_salt, viewer.bytes) < self.end:
            return None
        return self.variants[bisect_right(self.bounds, bucket(self.salt, viewer.bytes))]


@dataclass(frozen=True, slots=True)
class Running:
    """All running experiments; none where one of them is broken."""

    plans: tuple[Plan, ...] = ()
    is_broken: bool = False


def running() -> Running:
    """Return what runs now."""
    return _live.get()


def compiled(experiment: Experiment) -> Plan:
    """Return an experiment as requests read it; raise where it cannot be served."""
    stored = sorted(experiment.variants.all(), key=lambda variant: variant.position)
    if len(stored) < 2:
        raise BrokenExperimentError(f"{experiment.key} has {len(stored)} variants; 2 are needed.")
    variants = tuple(ServedVariant(v.pk, v.name, params.checked(v.parameters)) for v in stored)
    index = {variant.pk: i for i, variant in enumerate(variants)}
    return Plan(
        pk=experiment.pk,
        key=experiment.key,
        is_interleaving=experiment.kind == Experiment.Kind.INTERLEAVING,
        layer_salt=experiment.layer.salt,
        first=experiment.first_bucket,
        end=experiment.first_bucket + experiment.ramp,
        salt=experiment.salt,
        variants=variants,
        bounds=upper_bounds([variant.weight for variant in stored]),
        forced={o.viewer_pseudonym: index[o.variant_id] for o in experiment.overrides.all()},
        watched=varied([variant.values for variant in variants]),
    )


def varied(values: Sequence[Mapping[str, Value]]) -> frozenset[str]:
    """Return the parameters in which the variants differ; left out is a value of its own."""
    names = {name for of_variant in values for name in of_variant}
    return frozenset(name for name in names if len({v.get(name) for v in values}) > 1)


def _refresh(old: Running | None) -> Running:
    stored = Experiment.objects.filter(status=Experiment.Status.RUNNING).order_by("pk")
    stored = stored.defer("report", "hypothesis").select_related("layer")
    stored = stored.prefetch_related("variants", "overrides")
    try:
        return Running(tuple(compiled(experiment) for experiment in stored))
    except (RecsysError, TypeError, AttributeError) as error:
        # Half of the experiments would be worse than none: nobody could say what was compared.
        if old is None or not old.is_broken:
            logger.exception("experiments are off, every viewer is control: %s", error)
        return Running(is_broken=True)


_live: Live[Running] = Live("experiments", _refresh)

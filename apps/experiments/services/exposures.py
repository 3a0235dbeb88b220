"""What the feed hands over: whose page depended on a variant, and which pages two shared."""

from __future__ import annotations

from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from apps.experiments.models import Exposure, InterleavedSlate
from apps.experiments.types import Assigned


def log_exposures(assigned: Assigned, viewer: int, *, now_ms: int) -> None:
    """Store the viewer's first exposure to each experiment whose parameter the request has read.

    Asked of every variant alike, the control included, so that both sides count the same kind of
    viewer (ADR 17). One statement, none for viewers in no experiment.
    """
    arms = [assigned.arms[key] for key in sorted(assigned.overrides.read)]
    if not arms:
        return
    Exposure.objects.bulk_create(
        [
            Exposure(
                experiment_id=experiment, variant_id=variant, viewer_id=viewer, first_ms=now_ms
            )
            for experiment, variant in arms
        ],
        ignore_conflicts=True,
    )


def log_interleaved(experiment: int, slate: UUID, teams: NDArray[np.int8]) -> None:
    """Store who picked what of a logged slate, int8[n]."""
    InterleavedSlate.objects.create(
        slate_id=slate, experiment_id=experiment, teams=teams.astype(np.int8).tobytes()
    )

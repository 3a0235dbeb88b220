"""The bundle that serves, as a system among those that are judged."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from apps.content.types import Catalog
from apps.core import artifacts
from apps.core.artifacts import ArtifactError
from apps.core.clock import from_datetime
from apps.learning.bundle import FAMILY, Bundle, load


class Earlier(NamedTuple):
    """A version that was trained before, and how much of the log it knows."""

    bundle: Bundle
    until_ms: int  # its latest event

    def has_seen(self, at_ms: int) -> bool:
        """Say whether it was trained on events from `at_ms` on: then it cannot be judged there."""
        return self.until_ms >= at_ms


def last_production(catalog: Catalog) -> Earlier | str:
    """Return the version that serves, or why there is none to judge."""
    artifact = artifacts.production_artifact(FAMILY)
    if artifact is None:
        return "no version serves yet"
    try:
        until = from_datetime(datetime.fromisoformat(artifact.manifest["data_until"]))
        return Earlier(load(artifact, catalog), until)
    except (ArtifactError, OSError, KeyError, ValueError) as error:
        return f"{artifact} cannot be loaded: {error}"


def judgeable(earlier: Earlier | str, at_ms: int, protocol: str) -> Earlier | str:
    """Return the version that serves if it may be judged on the fold, else why not."""
    if isinstance(earlier, Earlier):
        if protocol == "kfold":
            return f"{earlier.bundle.version} knows the held-out viewers: it is not judged"
        if earlier.has_seen(at_ms):
            return f"{earlier.bundle.version} was trained on this future: it is not judged"
    return earlier

"""Which bundle answers a request: production, or the one that a rollout gives some viewers."""

from __future__ import annotations

import logging
from functools import partial
from typing import NamedTuple

from apps.content import selectors as content
from apps.core import artifacts
from apps.core.artifacts import ArtifactError
from apps.core.live import Live
from apps.experiments import selectors as experiments
from apps.learning import bundle
from apps.learning.bundle import FAMILY, Bundle
from apps.learning.conf import BUNDLE_PARAMETER, CANDIDATE, PREVIOUS, PRODUCTION

logger = logging.getLogger(__name__)


class _Held(NamedTuple):
    artifact_pk: int | None = None
    bundle: Bundle | None = None


def serving(name: str) -> Bundle | None:
    """Return the bundle of that alias, else production's; None before the first training.

    Beside production a process holds in memory what a running experiment names, and nothing else.
    """
    if name == PRODUCTION:
        return bundle.production()
    return _live[name].get().bundle or bundle.production()


def _refresh(alias: str, held: _Held | None) -> _Held:
    """Follow the alias; what cannot be loaded serves nobody."""
    if not experiments.sets(BUNDLE_PARAMETER, alias):
        return _Held()
    artifact = artifacts.named_artifact(FAMILY, alias)
    if artifact is None:
        return _Held()
    if held is not None and held.artifact_pk == artifact.pk:
        newer = held.bundle and held.bundle.following(content.catalog())
        return held if newer is held.bundle else held._replace(bundle=newer)
    try:
        return _Held(artifact.pk, bundle.load(artifact, content.catalog()))
    except (ArtifactError, OSError, KeyError, ValueError):
        logger.exception("%s %s could not be loaded; production serves", alias, artifact)
        return _Held(artifact.pk)


_live: dict[str, Live[_Held]] = {
    alias: Live(f"{alias} bundle", partial(_refresh, alias)) for alias in (CANDIDATE, PREVIOUS)
}

"""The bundle: retrieval models and rankers of one training, promoted and rolled back together."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from apps.candidates.services import load_retrieval, save_retrieval, with_newer
from apps.candidates.types import RetrievalModels
from apps.content import selectors as content
from apps.content.types import Catalog
from apps.core import artifacts
from apps.core.artifacts import ArtifactError
from apps.core.live import Live
from apps.core.metrics import INDEX_RECALL
from apps.core.models import Artifact
from apps.features.encoding import Encoder
from apps.features.encoding import load as load_encoder
from apps.features.selectors import SCHEMA
from apps.learning.training import Trained
from apps.ranking.inputs import Inputs
from apps.ranking.rankers import SELECT_NAMES, Rankers, load_rankers, save_rankers

logger = logging.getLogger(__name__)

FAMILY = "bundle"
_GOLDEN_ROWS = 50


class Bundle(NamedTuple):
    """What serves: one version of everything that was learned."""

    version: str
    retrieval: RetrievalModels
    rankers: Rankers
    encoder: Encoder


def publish(
    trained: Trained, catalog: Catalog, facts: dict[str, Any], *, promote: bool = True
) -> Artifact:
    """Write and check what was trained, and promote it or make it the candidate."""

    def write(folder: Path) -> dict[str, Any]:
        index_facts = save_retrieval(trained.retrieval, catalog, folder)
        save_rankers(trained.rankers, folder)
        trained.encoder.save(folder)
        return facts | index_facts

    return artifacts.publish_artifact(FAMILY, write, promote=promote)


def check_bundle(folder: Path) -> None:
    """Load a bundle and ask it something; called in a child process before it is promoted."""
    retrieval = load_retrieval(folder, None)
    rankers, encoder = load_rankers(folder, "check"), load_encoder(folder)
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(_GOLDEN_ROWS, len(SELECT_NAMES))).astype(np.float32)
    scores = rankers.select.predict(rows)
    head_scores = rankers.predict_heads(Inputs.of_strangers(rows[:, -len(SCHEMA) :]))
    encoded = encoder.transform(rows[:, -len(SCHEMA) :])
    finite: list[NDArray] = [scores, *head_scores.values(), retrieval.vectors, encoded]
    if not all(np.isfinite(values).all() for values in finite):
        raise ArtifactError(f"{folder}: a model gives scores that are not finite")


class _Loaded(NamedTuple):
    artifact_pk: int | None
    bundle: Bundle | None
    failed: str


def production() -> Bundle | None:
    """Return the bundle that serves, None before the first training."""
    return _live.get().bundle


def problem() -> str:
    """Return why the promoted bundle could not be loaded, empty if it could."""
    return _live.get().failed


def _refresh(loaded: _Loaded | None) -> _Loaded:
    """Swap in the promoted bundle when it changes; one that fails to load leaves the old one."""
    artifact = artifacts.production_artifact(FAMILY)
    if artifact is None:
        return _Loaded(None, None, "")
    if loaded is not None and loaded.artifact_pk == artifact.pk:
        return _followed(loaded)
    try:
        return _followed(_Loaded(artifact.pk, load(artifact, content.catalog()), ""))
    except (ArtifactError, OSError, KeyError, ValueError) as error:
        logger.exception("bundle %s could not be loaded; the old one serves", artifact.pk)
        old = loaded.bundle if loaded else _load_previous()
        return _Loaded(artifact.pk, old, str(error))


def _followed(loaded: _Loaded) -> _Loaded:
    """Give contents that were uploaded since the training a vector."""
    if loaded.bundle is None:
        return loaded
    retrieval = with_newer(loaded.bundle.retrieval, content.catalog())
    if retrieval is loaded.bundle.retrieval:
        return loaded
    return loaded._replace(bundle=loaded.bundle._replace(retrieval=retrieval))


def _load_previous() -> Bundle | None:
    artifact = Artifact.objects.filter(family=FAMILY, alias=Artifact.Alias.PREVIOUS).first()
    if artifact is None:
        return None
    try:
        return load(artifact, content.catalog())
    except (ArtifactError, OSError, KeyError, ValueError):
        logger.exception("bundle %s could not be loaded either", artifact.pk)
        return None


def load(artifact: Artifact, catalog: Catalog) -> Bundle:
    """Verify and read a bundle."""
    folder = artifacts.verified_folder(artifact)
    version = f"{FAMILY}-{artifact.pk}"
    INDEX_RECALL.set(artifact.manifest.get("index_recall", 0))
    return Bundle(
        version,
        load_retrieval(folder, catalog),
        load_rankers(folder, version),
        load_encoder(folder),
    )


_live: Live[_Loaded] = Live("bundle", _refresh)

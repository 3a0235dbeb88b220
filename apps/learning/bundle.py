"""The bundle: retrieval models and rankers of one training, promoted and rolled back together."""

from __future__ import annotations

import logging
from dataclasses import replace
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
from apps.learning.online import increment
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
    artifact_pk: int = 0  # 0: not stored

    def following(self, catalog: Catalog) -> Bundle:
        """Return the bundle with a vector for contents that were uploaded since; itself if none."""
        retrieval = with_newer(self.retrieval, catalog)
        return self if retrieval is self.retrieval else self._replace(retrieval=retrieval)


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
    bundle: Bundle | None  # as it was promoted
    failed: str
    served: Bundle | None = None  # with the network and the blend as they have learned on
    increment_pk: int | None = None


def production() -> Bundle | None:
    """Return the bundle that serves, None before the first training.

    Its network and blend are those of its increment, where one has been learned
    (`apps.learning.online`); its version then says how many steps: `bundle-12+3`.
    """
    return _live.get().served


def current_promoted() -> Bundle | None:
    """Return the bundle as it was promoted, before it learned on.

    As of now, for work outside of a web process, where no thread follows the database.
    """
    return _live.update().bundle


def problem() -> str:
    """Return why the promoted bundle could not be loaded, empty if it could."""
    return _live.get().failed


def stepped_version(version: str, n_steps: int) -> str:
    """Return the version of a bundle that has learned on by so many steps."""
    return f"{version}+{n_steps}"


def _refresh(loaded: _Loaded | None) -> _Loaded:
    """Swap in the promoted bundle when it changes; one that fails to load leaves the old one."""
    artifact = artifacts.production_artifact(FAMILY)
    if artifact is None:
        return _Loaded(None, None, "")
    if loaded is not None and loaded.artifact_pk == artifact.pk:
        return _stepped(_followed(loaded))
    try:
        found = load(artifact, content.catalog())
        INDEX_RECALL.set(artifact.manifest.get("index_recall", 0))
        return _stepped(_followed(_Loaded(artifact.pk, found, "")))
    except (ArtifactError, OSError, KeyError, ValueError) as error:
        logger.exception("bundle %s could not be loaded; the old one serves", artifact.pk)
        old = loaded.bundle if loaded else _load_previous()
        return _stepped(_Loaded(artifact.pk, old, str(error)))


def _followed(loaded: _Loaded) -> _Loaded:
    """Give contents that were uploaded since the training a vector."""
    if loaded.bundle is None:
        return loaded
    bundle = loaded.bundle.following(content.catalog())
    if bundle is loaded.bundle:
        return loaded
    served = loaded.served and loaded.served._replace(retrieval=bundle.retrieval)
    return loaded._replace(bundle=bundle, served=served)


def _stepped(loaded: _Loaded) -> _Loaded:
    """Let the increment of the bundle speak for it; one that cannot be read leaves the bundle."""
    base = loaded.bundle
    artifact = increment.serving(base.version) if base else None
    pk = artifact.pk if artifact else None
    if base is None or (loaded.served is not None and loaded.increment_pk == pk):
        return loaded
    return loaded._replace(served=_with(base, artifact), increment_pk=pk)


def _with(base: Bundle, artifact: Artifact | None) -> Bundle:
    if artifact is None:
        return base
    try:
        network, blend = increment.load_rankers(artifact)
    except (ArtifactError, OSError, KeyError, ValueError):
        logger.exception("increment %s could not be loaded; its bundle serves", artifact.pk)
        return base
    version = stepped_version(base.version, artifact.manifest["n_steps"])
    rankers = replace(base.rankers, version=version, neural=network, blend=blend)
    return base._replace(version=version, rankers=rankers)


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
    return Bundle(
        version,
        load_retrieval(folder, catalog),
        load_rankers(folder, version),
        load_encoder(folder),
        artifact.pk,
    )


_live: Live[_Loaded] = Live("bundle", _refresh)

"""The increment as an artifact: bound to the bundle that it grew from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.core import artifacts
from apps.core.artifacts import ArtifactError
from apps.core.models import Artifact
from apps.features.selectors import SCHEMA_HASH
from apps.learning.online.types import Examples, Increment
from apps.ranking.blend import Blend
from apps.ranking.inputs import Inputs
from apps.ranking.neural import NeuralRanker

FAMILY = "online"
_PARTS = ("kept", "waiting")
_EXAMPLES = "examples.npz"


def store(increment: Increment, facts: dict[str, Any]) -> Artifact:
    """Write the increment as a version that does not serve yet.

    It is read again and asked here: no library is involved that a damaged file would kill.
    """

    def write(folder: Path) -> dict[str, Any]:
        increment.network.save(folder)
        increment.blend.save(folder)
        arrays: dict[str, NDArray] = {}
        for part in _PARTS:
            examples: Examples = getattr(increment, part)
            arrays |= {
                f"{part}.features": examples.inputs.features,
                f"{part}.ids": examples.inputs.ids,
                f"{part}.y": examples.y,
                f"{part}.viewer": examples.viewer,
            }
        np.savez(folder / _EXAMPLES, **arrays)  # type: ignore[arg-type]
        return facts | {
            "schema": SCHEMA_HASH,
            "n_steps": increment.n_steps,
            "n_examples": increment.n_examples,
        }

    return artifacts.store_artifact(FAMILY, write, check=check_increment)


def check_increment(folder: Path) -> None:
    """Read an increment and ask it something; raises `ArtifactError` where it cannot answer."""
    network = NeuralRanker.load(folder)
    Blend.load(folder)
    rows = np.random.default_rng(0).normal(size=(50, len(network.encoder.mean)))
    found = network.predict(Inputs.of_strangers(rows.astype(np.float32)))
    if not all(np.isfinite(values).all() for values in found.values()):
        raise ArtifactError(f"{folder}: the network gives scores that are not finite")


def serving(parent: str) -> Artifact | None:
    """Return the increment that serves, if it grew from that bundle on these features."""
    artifact = artifacts.production_artifact(FAMILY)
    if artifact is None or artifact.manifest["parent"] != parent:
        return None
    return artifact if artifact.manifest["schema"] == SCHEMA_HASH else None


def load_rankers(artifact: Artifact) -> tuple[NeuralRanker, Blend]:
    """Verify and read what serves of an increment."""
    folder = artifacts.verified_folder(artifact)
    return NeuralRanker.load(folder), Blend.load(folder)


def load(artifact: Artifact) -> Increment:
    """Verify and read an increment, to go on from it."""
    network, blend = load_rankers(artifact)
    folder = artifacts.folder_of(artifact.family, artifact.uuid)
    with np.load(folder / _EXAMPLES, allow_pickle=False) as arrays:
        kept, waiting = (
            Examples(
                Inputs(arrays[f"{part}.features"], arrays[f"{part}.ids"]),
                arrays[f"{part}.y"],
                arrays[f"{part}.viewer"],
            )
            for part in _PARTS
        )
    facts = artifact.manifest
    return Increment(network, blend, kept, waiting, facts["n_steps"], facts["n_examples"])

"""The rankers that are served: which candidate comes next, and what the viewer will do with it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from apps.candidates.types import Request
from apps.core.artifacts import ArtifactError
from apps.core.candidates import Candidates
from apps.features.definitions import NAMES, SCHEMA_HASH, compute
from apps.features.history import cut_one
from apps.features.types import Asked, Facts
from apps.features.view import View
from apps.ranking.boosters import Model, load
from apps.ranking.pool import FEATURE_NAMES, Opinions, pool_features
from apps.ranking.types import SELECT, WATCH_SECONDS, Head

SELECT_NAMES: tuple[str, ...] = (*FEATURE_NAMES, *NAMES)
_FACTS = "rankers.json"


@dataclass(frozen=True, slots=True)
class WatchTime:
    """The expected watch time: a model of log(1 + seconds), and the factor back to the mean."""

    model: Model = Model(None, 0.0)
    scale: float = 1.0

    def predict(self, x: NDArray[np.float32], *, threads: int = 1) -> NDArray[np.float64]:
        """Return the expected seconds, float64[n] ≥ 0."""
        return np.maximum(np.expm1(self.model.predict(x, threads=threads)), 0) * self.scale


@dataclass(frozen=True, slots=True)
class Rankers:
    """One version of everything that scores."""

    version: str
    select: Model  # over a pool, on `SELECT_NAMES`
    heads: dict[str, Model]  # probabilities, on the feature schema
    watch: WatchTime  # on the feature schema

    def predict_heads(
        self, features: NDArray[np.float32], *, threads: int = 1
    ) -> dict[str, NDArray[np.float64]]:
        """Return every head's probability and the expected seconds, float64[n] each.

        features: float32[n, len(SCHEMA)] as `features.compute` gives them.
        """
        predictions = {
            name: model.predict(features, threads=threads) for name, model in self.heads.items()
        }
        return {**predictions, WATCH_SECONDS: self.watch.predict(features, threads=threads)}


def request_features(request: Request, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return float32[n, len(SCHEMA)]: the features of `rows` for this request."""
    query, catalog = request.query, request.catalog
    asked = Asked.of(query)
    return compute(
        View(
            facts=Facts.of(catalog, rows),
            counts=request.stats.counts(rows, asked),
            history=cut_one(query.history, catalog, query.at_ms),
            asked=asked,
        )
    )


def select_features(
    request: Request, candidates: Candidates, given: Opinions, kept: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Return float32[k, len(SELECT_NAMES)] of the candidates at positions `kept` int64[k].

    Pool features are worked out over the whole pool, then come the features of the schema.
    """
    of_pool = pool_features(given)[kept]
    return np.concatenate([of_pool, request_features(request, candidates.rows[kept])], axis=1)


def save_rankers(rankers: Rankers, folder: Path) -> None:
    """Write the models as text, with the schema that they expect."""
    rankers.select.save(folder / f"{SELECT}.txt")
    rankers.watch.model.save(folder / f"{WATCH_SECONDS}.txt")
    for name, model in rankers.heads.items():
        model.save(folder / f"head_{name}.txt")
    bases = {name: model.base for name, model in rankers.heads.items()}
    facts = {
        "schema": SCHEMA_HASH,
        "select_features": SELECT_NAMES,
        "bases": bases | {SELECT: rankers.select.base, WATCH_SECONDS: rankers.watch.model.base},
        "watch_scale": rankers.watch.scale,
    }
    (folder / _FACTS).write_text(json.dumps(facts, indent=1))


def load_rankers(folder: Path, version: str) -> Rankers:
    """Read the rankers; raise `ArtifactError` where they expect other features than there are."""
    facts = json.loads((folder / _FACTS).read_text())
    if facts["schema"] != SCHEMA_HASH or tuple(facts["select_features"]) != SELECT_NAMES:
        raise ArtifactError(
            f"{folder}: the rankers were trained on other features; run manage.py train"
        )
    bases = facts["bases"]
    return Rankers(
        version=version,
        select=load(folder / f"{SELECT}.txt", bases[SELECT]),
        heads={h.value: load(folder / f"head_{h}.txt", bases[h]) for h in Head},
        watch=WatchTime(
            load(folder / f"{WATCH_SECONDS}.txt", bases[WATCH_SECONDS]), facts["watch_scale"]
        ),
    )

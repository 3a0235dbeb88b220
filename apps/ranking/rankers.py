"""The rankers that are served: which candidate comes next, and what the viewer will do with it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
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
from apps.ranking.algorithms.watch_quantiles import WatchQuantiles
from apps.ranking.blend import Blend, Predictions
from apps.ranking.boosted import BoostedRanker
from apps.ranking.inputs import Inputs, ids_of
from apps.ranking.neural import NeuralRanker
from apps.ranking.pool import FEATURE_NAMES, Opinions, pool_features
from apps.ranking.select import SelectRanker, load_select
from apps.ranking.types import BOOSTED, LEARNED, NEURAL, SELECT, WATCH_QUANTILE, WATCH_SECONDS

SELECT_NAMES: tuple[str, ...] = (*FEATURE_NAMES, *NAMES)
# What slates say that their features are.
SELECT_HASH = hashlib.sha256("\n".join((*FEATURE_NAMES, SCHEMA_HASH)).encode()).hexdigest()[:16]
_FACTS = "rankers.json"


@dataclass(frozen=True, slots=True)
class Rankers:
    """One version of everything that scores."""

    version: str
    select: SelectRanker  # over a pool, on `SELECT_NAMES`
    boosted: BoostedRanker
    neural: NeuralRanker | None  # None where there was too little to learn from
    blend: Blend
    watch: WatchQuantiles
    # Of what each head says of held views, and select of candidates: the unit of the objective.
    means: Mapping[str, float]
    trust: float = 1.0  # how far the heads' terms count, (0, 1]: less after few views

    def predict_heads(self, inputs: Inputs) -> Predictions:
        """Return every head's probability, the watch quantile and the seconds, float64[n] each.

        The seconds are a typical watch among contents as long, not a mean: the mean follows the
        few who watch a long content to its end.
        """
        mixed = self.predict_some(inputs, LEARNED)
        seconds = self.watch.typical_seconds(mixed[WATCH_QUANTILE], inputs.duration)
        return {**mixed, WATCH_SECONDS: seconds}

    def predict_some(self, inputs: Inputs, heads: Iterable[str]) -> Predictions:
        """Return the probabilities of some heads, float64[n] each."""
        predicted = {BOOSTED: self.boosted.predict_some(inputs, heads)}
        if self.neural:
            predicted[NEURAL] = self.neural.predict(inputs)
        return self.blend.mix(predicted, heads)


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
    of_pool = pool_features(given, kept)
    return np.concatenate([of_pool, request_features(request, candidates.rows[kept])], axis=1)


def request_inputs(
    request: Request, rows: NDArray[np.int64], features: NDArray[np.float32]
) -> Inputs:
    """Return what the heads read of `rows` int64[n], whose features are at hand already."""
    viewer = np.array([request.query.viewer])
    return Inputs(features, ids_of(viewer, rows, request.catalog))


def save_rankers(rankers: Rankers, folder: Path) -> None:
    """Write every ranker, the blend, and the schema that they expect."""
    rankers.boosted.save(folder)
    if rankers.neural:
        rankers.neural.save(folder)
    rankers.blend.save(folder)
    facts = {
        "schema": SCHEMA_HASH,
        "select_features": SELECT_NAMES,
        "select": rankers.select.save(folder),
        "means": dict(rankers.means),
        "trust": rankers.trust,
        "has_neural": rankers.neural is not None,
        "watch": {f.name: getattr(rankers.watch, f.name).tolist() for f in fields(WatchQuantiles)},
    }
    (folder / _FACTS).write_text(json.dumps(facts, indent=1))


def load_rankers(folder: Path, version: str) -> Rankers:
    """Read the rankers; raise `ArtifactError` where they expect other features than there are."""
    facts = json.loads((folder / _FACTS).read_text())
    if facts["schema"] != SCHEMA_HASH or tuple(facts["select_features"]) != SELECT_NAMES:
        raise ArtifactError(
            f"{folder}: the rankers were trained on other features; run manage.py train"
        )
    # Before, a line was a pair of numbers between two boosters.
    has_all = "trust" in facts and isinstance(facts["select"].get("line", ()), dict | None)
    if not has_all or not {SELECT, *LEARNED} <= facts.get("means", {}).keys():
        raise ArtifactError(
            f"{folder}: the rankers were trained by another version; run manage.py train"
        )
    return Rankers(
        version=version,
        select=load_select(folder, facts["select"]),
        boosted=BoostedRanker.load(folder),
        neural=NeuralRanker.load(folder) if facts["has_neural"] else None,
        blend=Blend.load(folder),
        watch=WatchQuantiles(**{name: np.array(v) for name, v in facts["watch"].items()}),
        means=facts["means"],
        trust=facts["trust"],
    )

"""Candidates and rankers, small enough to check by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from apps.candidates.sources import SOURCE_NAMES
from apps.core.candidates import Candidates
from apps.features.encoding import fit as fit_encoder
from apps.features.selectors import NAMES
from apps.ranking.algorithms import watch_quantiles
from apps.ranking.blend import fit as fit_blend
from apps.ranking.boosted import BoostedParams
from apps.ranking.boosted import fit as fit_boosted
from apps.ranking.boosters import BoosterParams
from apps.ranking.inputs import Inputs
from apps.ranking.neural import NeuralParams, NeuralRanker
from apps.ranking.rankers import SELECT_NAMES, Rankers
from apps.ranking.select import SelectParams
from apps.ranking.select import fit as fit_select
from apps.ranking.types import BOOSTED, LEARNED, NEURAL, SELECT, WATCH_QUANTILE, Head, Labels

TINY = BoosterParams(trees=8, leaves=4, min_leaf=5)
TINY_SELECT = SelectParams(
    l2=0.1,
    few_for_line=15_000,
    few_for_trees=0,
    trees=replace(TINY, objective="cross_entropy"),
)


def make_pool(n: int, proposers: list[int] | None = None, **scores: list[float]) -> Candidates:
    """Return n candidates; sources without given scores have no opinion."""
    columns: dict[str, NDArray] = {
        f"score.{name}": np.array(scores.get(name, [np.nan] * n), np.float32)
        for name in SOURCE_NAMES
    }
    columns["sources"] = np.array(proposers or [1] * n, np.uint32)
    columns["main_source"] = np.zeros(n, np.int8)
    return Candidates(np.arange(n), columns)


def make_examples(
    n_features: int, n: int = 400, *, seed: int = 0, decisive: int = 0
) -> tuple[NDArray, NDArray]:
    """Return features with some missing, and labels that one of them decides."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, n_features)).astype(np.float32)
    y = (x[:, decisive] + 0.3 * rng.normal(size=n) > 0).astype(np.float32)
    x[rng.random(x.shape) < 0.05] = np.nan
    return x, y


def make_inputs(n: int = 400, *, seed: int = 1) -> tuple[Inputs, Labels]:
    """Return pairs of 20 viewers and 30 contents, and labels: `like` and the watch are decided."""
    rng = np.random.default_rng(seed)
    x, liked = make_examples(len(NAMES), n, seed=seed)
    ids = np.ones((n, Inputs.of_strangers(x).ids.shape[1]), np.int64)
    ids[:, 0], ids[:, 1] = rng.integers(1, 21, n), rng.integers(1, 31, n)
    labels = {head: np.zeros(n, np.float32) for head in LEARNED}
    labels[Head.LIKE] = liked
    labels[WATCH_QUANTILE] = (0.25 + 0.5 * liked).astype(np.float32)
    labels[WATCH_QUANTILE][:9] = np.nan
    return Inputs(x, ids), labels


def make_rankers(version: str = "made") -> Rankers:
    """Return rankers with a learned select, and a network and trees that know who likes."""
    of_pool, wanted = make_examples(len(SELECT_NAMES))
    sizes = np.full(len(wanted) // 20, 20)
    select = fit_select(of_pool, wanted, sizes, SELECT_NAMES, TINY_SELECT)
    inputs, labels = make_inputs()
    soft = BoosterParams(objective="cross_entropy", trees=8, leaves=4, min_leaf=5)
    boosted = fit_boosted(inputs, labels, BoostedParams(TINY, TINY, soft))
    neural = NeuralRanker(fit_encoder(inputs.features), NeuralParams(batch=64), LEARNED)
    neural.partial_fit(inputs, labels)
    predicted = {BOOSTED: boosted.predict(inputs), NEURAL: neural.predict(inputs)}
    blend = fit_blend(predicted, labels)
    quantile = labels[WATCH_QUANTILE]
    watch = watch_quantiles.fit(20 * quantile, inputs.duration)
    mixed = blend.mix(predicted)
    watch = watch.judged(mixed[WATCH_QUANTILE], quantile)
    means = {SELECT: select.mean, **{head: float(p.mean()) for head, p in mixed.items()}}
    return Rankers(version, select, boosted, neural, blend, watch, means)


def calibration_error(p: NDArray, y: NDArray, n_bins: int = 10) -> float:
    """Return the expected calibration error Σ_b n_b/n·|mean p − mean y| over quantile bins."""
    order = np.argsort(p, kind="stable")
    bins = [b for b in np.array_split(order, n_bins) if len(b)]
    return float(sum(len(b) * abs(p[b].mean() - y[b].mean()) for b in bins) / max(len(p), 1))

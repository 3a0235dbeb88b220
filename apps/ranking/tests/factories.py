"""Candidates and rankers, small enough to check by hand."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from apps.candidates.sources import SOURCE_NAMES
from apps.core.candidates import Candidates
from apps.features.selectors import NAMES
from apps.ranking.boosters import BoosterParams, Frame, Model
from apps.ranking.rankers import SELECT_NAMES, Rankers, WatchTime
from apps.ranking.types import Head

TINY = BoosterParams(trees=8, leaves=4, min_leaf=5)


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


def make_rankers(version: str = "made") -> Rankers:
    """Return rankers with a learned select, one learned head and a learned watch time."""
    of_pool, wanted = make_examples(len(SELECT_NAMES))
    of_pair, liked = make_examples(len(NAMES), seed=1)
    frame = Frame(of_pair, list(NAMES))
    heads = {head.value: Model(None, 0.01 * (i + 1)) for i, head in enumerate(Head)}
    heads[Head.LIKE] = Model(frame.train(liked, TINY), float(liked.mean()))
    seconds = BoosterParams(objective="regression", trees=8, leaves=4, min_leaf=5)
    watch = WatchTime(Model(frame.train(np.log1p(20 * liked), seconds), 1.5), 1.25)
    select = Model(Frame(of_pool, list(SELECT_NAMES)).train(wanted, TINY), float(wanted.mean()))
    return Rankers(version, select, heads, watch)

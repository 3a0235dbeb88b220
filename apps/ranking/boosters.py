"""LightGBM models: trained, saved as text, read back and asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from apps.ranking.algorithms.loss import sigmoid
from apps.ranking.algorithms.tree_graph import mirrored, tree_graph

if TYPE_CHECKING:
    from lightgbm import Booster
    from onnxruntime import InferenceSession

_BINS = 127  # max_bin
# num_threads while training. Heads and select learn at once, and LightGBM keeps the number for the
# whole process: whoever raises it while another call runs makes that call write past its buffers.
_THREADS = 1
_ROWS = 10_000  # asked at once; bounds the copy that is made
MIN_POSITIVES = 40  # fewer examples than this and a head answers its base rate


@dataclass(frozen=True, slots=True)
class BoosterParams:
    """How a booster is trained (LightGBM's own names in comments)."""

    objective: str = "binary"
    trees: int = 80  # num_iterations
    leaves: int = 15  # num_leaves
    rate: float = 0.12  # learning_rate
    min_leaf: int = 100  # min_data_in_leaf
    l2: float = 5.0  # lambda_l2
    feature_share: float = 0.5  # feature_fraction
    row_share: float = 0.8  # bagging_fraction
    seed: int = 7


class Frame:
    """Features float32[n, f] put into bins once, for several models of the same rows.

    x may come in parts, one below the other: they are not joined, which saves a copy.
    """

    def __init__(
        self, x: NDArray[np.float32] | list[NDArray[np.float32]], names: list[str]
    ) -> None:
        import lightgbm as lgb

        settings = {
            "max_bin": _BINS,
            # Else a later model may not have leaves smaller than those the bins were made for.
            "feature_pre_filter": False,
            "verbose": -1,
            "seed": 1,
            "num_threads": _THREADS,
        }
        self._data = lgb.Dataset(x, feature_name=names, params=settings)
        self._data.construct()

    def train(
        self,
        y: NDArray[np.float32],
        params: BoosterParams,
        start: NDArray[np.float64] | None = None,
    ) -> Booster:
        """Train on labels y float32[n]; the same input gives the same model.

        start: float64[n] margins that trees are added to, else the mean label; whoever asks for
        `Model.margin` adds them again.
        """
        import lightgbm as lgb

        settings = {
            "objective": params.objective,
            "num_leaves": params.leaves,
            "learning_rate": params.rate,
            "min_data_in_leaf": params.min_leaf,
            "lambda_l2": params.l2,
            "feature_fraction": params.feature_share,
            "bagging_fraction": params.row_share,
            "bagging_freq": 1,
            "seed": params.seed,
            "num_threads": _THREADS,
            "max_bin": _BINS,
            "deterministic": True,
            "force_row_wise": True,
            "verbose": -1,
        }
        self._data.set_label(y)
        self._data.set_init_score(start)
        return lgb.train(settings, self._data, num_boost_round=params.trees)


class Model:
    """A trained booster, or the base rate that stands in where there were too few examples.

    Trees are asked through ONNX Runtime: one thread, in half of LightGBM's own time.
    """

    def __init__(self, booster: Booster | None, base: float) -> None:
        self._booster = booster
        self._session = _session(booster) if booster is not None else None
        self.base = base

    @property
    def is_learned(self) -> bool:
        """Say whether there is more than a base rate."""
        return self._booster is not None

    def predict(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the probability of each row, float64[n] for x float32[n, f]."""
        return chances([self], x)[0]

    def margin(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return float64[n], what the trees add to the margins that they started from."""
        return margins([self], x)[0]

    def add_up(self, mirrored_rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the sum of each row's leaves, float32[n]; 0 without trees."""
        if self._session is None:
            return np.zeros(len(mirrored_rows), np.float32)
        return np.asarray(self._session.run(None, {"x": mirrored_rows})[0][:, 0])

    def save(self, path: Path) -> None:
        """Write the model as text."""
        if self._booster is not None:
            self._booster.save_model(str(path))

    def importance(self) -> dict[str, float]:
        """Return each feature's share of the total gain."""
        if self._booster is None:
            return {}
        gain = self._booster.feature_importance("gain")
        total = max(float(gain.sum()), 1e-12)
        return dict(zip(self._booster.feature_name(), (gain / total).tolist(), strict=True))


def chances(models: Sequence[Model], x: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the probability of each row by several models of the same features, [models, n]."""
    found = np.asarray(sigmoid(margins(models, x)), np.float64)
    for chance, model in zip(found, models, strict=True):
        if not model.is_learned:
            chance[:] = model.base
    return found


def margins(models: Sequence[Model], x: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return what each model's trees add up to, float64[models, n] for x float32[n, f]."""
    found = np.empty((len(models), len(x)))
    for start in range(0, len(x), _ROWS):
        part = slice(start, start + _ROWS)
        rows = mirrored(x[part])
        for of_model, model in zip(found, models, strict=True):
            of_model[part] = model.add_up(rows)
    return found


def load(path: Path, base: float) -> Model:
    """Read a model; the file's hash must have been checked, a damaged one kills the process."""
    if not path.exists():
        return Model(None, base)
    import lightgbm as lgb

    return Model(lgb.Booster(model_file=str(path)), base)


def _session(booster: Booster) -> InferenceSession:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    graph = tree_graph(booster.dump_model())
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

"""The neural ranker: embeddings and features to every head, learning as examples come."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.core.artifacts import ArtifactError
from apps.features.encoding import ENCODED_NAMES, N_BUCKETS, Encoder
from apps.features.encoding import load as load_encoder
from apps.ranking.algorithms import adam
from apps.ranking.algorithms.adaptive_rate import Multiplier, decayed_rate, moved
from apps.ranking.algorithms.loss import Floats, logit, losses, mean_loss, sigmoid
from apps.ranking.algorithms.network import Batch, Params, Shape, forward, gradients, initial
from apps.ranking.inputs import FIELDS, Inputs
from apps.ranking.types import NEURAL, Labels

_ARRAYS, _FACTS = "neural.npz", "neural.json"
_LEARNED = ("weights", "m", "v", "t", "multiplier", "is_seen", "total")


@dataclass(frozen=True, slots=True)
class NeuralParams:
    """How the network is made and trained (spec §5)."""

    dim: int = 16  # of an embedding
    hidden: tuple[int, ...] = (64, 32)
    rate: float = 0.001  # η₀
    decay: float = 1e-3  # γ, a step
    floor: float = 2e-4  # η_min: what learning goes on with (ADR 13)
    l2: float = 1e-5  # λ
    l2_rows: float = 0.03  # λ_e, of the embeddings of an example
    batch: int = 512  # examples a step
    passes: int = 4  # over the training window at most; the best by validation is kept
    seed: int = 7


class NeuralRanker:
    """A network, its optimizer, and which embeddings have been learned.

    An id never seen has the mean embedding of its table, kept in the table's last row; when it is
    first learned from, its own row starts there.
    """

    name = NEURAL

    def __init__(self, encoder: Encoder, params: NeuralParams, heads: tuple[str, ...]) -> None:
        fields = tuple((name, N_BUCKETS[name] + 1, columns) for name, columns in FIELDS)
        self.encoder, self.params, self.heads = encoder, params, heads
        self.shape = Shape(fields, len(ENCODED_NAMES), len(heads), params.dim, params.hidden)
        self.weights = initial(self.shape, np.random.default_rng(params.seed))
        self.m: Params = {name: np.zeros_like(w) for name, w in self.weights.items()}
        self.v: Params = {name: np.zeros_like(w) for name, w in self.weights.items()}
        self.t = 0  # optimizer steps so far
        self.pass_losses: list[float] = []  # of the held-out examples, after each pass of `fit`
        self.multiplier = Multiplier()
        self.is_seen = {name: np.zeros(n_rows, np.bool_) for name, n_rows, _ in fields}
        self.total = {name: np.zeros(params.dim) for name, _, _ in fields}  # of the seen rows
        for name, _, _ in fields:
            self.weights[name][-1] = 0

    def predict(self, inputs: Inputs) -> dict[str, NDArray[np.float64]]:
        """Return each head's probability, float64[n]; BLAS minds its own threads."""
        p = np.asarray(sigmoid(self._logits(inputs).astype(np.float64)), np.float64)
        return {head: p[:, i] for i, head in enumerate(self.heads)}

    def partial_fit(self, inputs: Inputs, labels: Labels) -> float:
        """Learn from new examples in one pass, in order; return their mean loss beforehand.

        The loss of each batch before it is learned from is the validation that moves m_t.
        """
        y = self._stack(labels)
        found = [
            self._learn(inputs.take(part), y[part], is_new=True) * (part.stop - part.start)
            for part in self._batches(len(inputs))
        ]
        return sum(found) / max(len(inputs), 1)

    def rehearse(self, inputs: Inputs, labels: Labels) -> None:
        """Learn from examples once more, in one pass: they are no validation, m_t stays."""
        y = self._stack(labels)
        for part in self._batches(len(inputs)):
            self._learn(inputs.take(part), y[part], is_new=False)

    def losses(self, inputs: Inputs, labels: Labels) -> NDArray[np.float64]:
        """Return each example's loss, summed over the heads known of it; NaN where a weight is."""
        y = self._stack(labels).astype(np.float64)
        each = losses(self._logits(inputs).astype(np.float64), np.nan_to_num(y))
        return np.asarray(np.where(np.isfinite(y), each, 0).sum(axis=1))

    def copied(self, **changes: Any) -> NeuralRanker:
        """Return a ranker that learns on by itself, with other parameters where named."""
        other = copy.copy(self)
        other.params = replace(self.params, **changes)
        other._restore(self._state())
        return other

    def limit(self, norm: float) -> None:
        """Shorten every embedding and every unit's incoming weights to a length of `norm`."""
        for name, is_seen in self.is_seen.items():
            rows = np.flatnonzero(is_seen)
            kept = self.weights[name][rows]
            self.weights[name][rows] = _shortened(kept, norm, axis=1)
            self.total[name] = self.weights[name][rows].sum(axis=0, dtype=np.float64)
            self._set_mean(name)
        for name, _ in self.shape.layers:
            self.weights[name] = _shortened(self.weights[name], norm, axis=0)

    def is_finite(self) -> bool:
        """Say whether every weight is a number."""
        return all(bool(np.isfinite(values).all()) for values in self.weights.values())

    def fit(self, inputs: Inputs, labels: Labels, *, validation: int) -> float:
        """Learn from examples in time order; return the best loss of the last `validation` ones.

        They are not learned from: they say after which pass to stop. Batches are drawn from all
        of the rest, so that no pass ends on one hour of the log.
        """
        n_known = len(inputs) - validation
        y = self._stack(labels)
        self._start_biases(y[:n_known])
        held, rng = inputs.take(slice(n_known, None)), np.random.default_rng(self.params.seed)
        best, kept = np.inf, self._state()
        for number in range(self.params.passes):
            order = rng.permutation(n_known)
            for part in self._batches(n_known):
                chosen = np.sort(order[part])
                self._learn(inputs.take(chosen), y[chosen], is_new=number == 0)
            loss, _ = mean_loss(self._logits(held), y[n_known:])
            self.pass_losses.append(float(loss))
            if loss >= best:
                self._restore(kept)
                break
            best, kept = loss, self._state()
        return float(best)

    def save(self, folder: Path) -> None:
        """Write what cannot be made again from the seed, as it is, and the encoder."""
        arrays: dict[str, NDArray] = {}
        tables = self.is_seen
        for kind, held in (("w", self.weights), ("m", self.m), ("v", self.v)):
            for name, values in held.items():
                arrays[f"{kind}.{name}"] = values[tables[name]] if name in tables else values
        for name, is_seen in tables.items():
            arrays[f"seen.{name}"] = np.flatnonzero(is_seen)
            arrays[f"total.{name}"] = self.total[name]
        np.savez(folder / _ARRAYS, **arrays)  # type: ignore[arg-type]
        facts = {
            "params": asdict(self.params),
            "heads": self.heads,
            "t": self.t,
            "pass_losses": self.pass_losses,
            "multiplier": asdict(self.multiplier),
        }
        (folder / _FACTS).write_text(json.dumps(facts, indent=1))
        self.encoder.save(folder)

    @classmethod
    def load(cls, folder: Path) -> NeuralRanker:
        """Read a ranker that predicts, and learns on, bit by bit as the saved one.

        Raises `ArtifactError` where features, id buckets or fields are others.
        """
        facts = json.loads((folder / _FACTS).read_text())
        params = NeuralParams(**facts["params"] | {"hidden": tuple(facts["params"]["hidden"])})
        ranker = cls(load_encoder(folder), params, tuple(facts["heads"]))
        ranker.t, ranker.multiplier = facts["t"], Multiplier(**facts["multiplier"])
        ranker.pass_losses = facts.get("pass_losses", [])
        with np.load(folder / _ARRAYS, allow_pickle=False) as arrays:
            if {f"w.{name}" for name in ranker.weights} - set(arrays.files):
                raise ArtifactError(f"{folder}: the network has other parts; run manage.py train")
            for name in ranker.is_seen:
                ranker.is_seen[name][arrays[f"seen.{name}"]] = True
                ranker.total[name] = arrays[f"total.{name}"]
            for kind, held in (("w", ranker.weights), ("m", ranker.m), ("v", ranker.v)):
                for name, values in held.items():
                    where = ranker.is_seen.get(name, slice(None))
                    values[where] = arrays[f"{kind}.{name}"]
        for name in ranker.is_seen:
            ranker._set_mean(name)
        return ranker

    def _logits(self, inputs: Inputs) -> Floats:
        dense = self.encoder.transform(inputs.features)
        batch = Batch(dense, self._learned_ids(inputs.ids))
        return forward(self.weights, self.shape, batch).logits

    def _learn(self, inputs: Inputs, y: Floats, *, is_new: bool) -> float:
        """Take one step of Adam on a batch; return its loss before the step, without penalties."""
        p = self.params
        for name, ids in self._by_field(inputs.ids):
            self._start_rows(name, ids)
        batch = Batch(self.encoder.transform(inputs.features), inputs.ids)
        found = gradients(self.weights, self.shape, batch, y, l2=p.l2, l2_rows=p.l2_rows)
        rate = decayed_rate(self.t, initial=p.rate, decay=p.decay, floor=p.floor)
        rate *= self.multiplier.value
        self.t += 1
        for name, gradient in found.dense.items():
            held = self.weights[name], self.m[name], self.v[name]
            adam.step(*held, gradient, rate=rate, t=self.t)
        for name, (rows, gradient) in found.rows.items():
            held = self.weights[name], self.m[name], self.v[name]
            moves = adam.lazy_step(*held, rows, gradient, rate=rate, t=self.t)
            self.total[name] += moves.sum(axis=0, dtype=np.float64)
            self._set_mean(name)
        if is_new:
            self.multiplier = moved(self.multiplier, found.fit)
        return found.fit

    def _start_rows(self, name: str, ids: NDArray[np.int64]) -> None:
        """Put rows met for the first time at the mean of their table, beside their noise."""
        is_seen, table = self.is_seen[name], self.weights[name]
        new = np.unique(ids[~is_seen[ids]])
        if len(new):
            table[new] += table[-1]
            is_seen[new] = True
            self.total[name] += table[new].sum(axis=0, dtype=np.float64)

    def _set_mean(self, name: str) -> None:
        n_seen = max(int(np.count_nonzero(self.is_seen[name])), 1)
        self.weights[name][-1] = self.total[name] / n_seen

    def _learned_ids(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the ids, those without a learned row replaced by the row of the mean."""
        parts = [
            np.where(self.is_seen[name][part], part, len(self.is_seen[name]) - 1)
            for name, part in self._by_field(ids)
        ]
        return np.concatenate(parts, axis=1)

    def _by_field(self, ids: NDArray[np.int64]) -> Iterator[tuple[str, NDArray[np.int64]]]:
        start = 0
        for name, columns in FIELDS:
            yield name, ids[:, start : start + columns]
            start += columns

    def _start_biases(self, y: Floats) -> None:
        """Start each head at its base rate, so that the first steps are not spent on it."""
        known = np.isfinite(y)
        positive = np.where(known, y, 0).sum(axis=0, dtype=np.float64)
        rate = (positive + 0.1) / (known.sum(axis=0) + 1)
        _, bias = self.shape.layers[-1]
        self.weights[bias][:] = logit(rate)

    def _stack(self, labels: Labels) -> Floats:
        return np.stack([labels[head] for head in self.heads], axis=1).astype(np.float32)

    def _state(self) -> dict[str, Any]:
        """Return a copy of everything that learning changes."""
        return copy.deepcopy({name: getattr(self, name) for name in _LEARNED})

    def _restore(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, value)

    def _batches(self, n: int) -> Iterator[slice]:
        size = self.params.batch
        return (slice(start, min(start + size, n)) for start in range(0, n, size))


def _shortened(vectors: Floats, norm: float, *, axis: int) -> Floats:
    length = np.sqrt((vectors**2).sum(axis=axis, keepdims=True, dtype=np.float64))
    return np.asarray(
        vectors * np.minimum(1, norm / np.maximum(length, 1e-12)).astype(vectors.dtype)
    )

"""A multi-task network over embeddings, their products and dense features (spec §5.1).

With `fields` e_f = mean of the rows of field f's table, z_0 = [dense, e_1 … e_F, ⟨e_1, e_f⟩ …],
h_i = act(h_{i−1} W_i + b_i), and the logits h_n W_out + b_out, one a head. The products of the
first field (the viewer) with every other stand beside the concatenation, which could not learn
them cheaply.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from apps.ranking.algorithms.loss import Floats, mean_loss

Params = dict[str, Floats]


@dataclass(frozen=True, slots=True)
class Shape:
    """What a network is made of."""

    fields: tuple[tuple[str, int, int], ...]  # (name, rows of its table, columns of ids)
    n_dense: int
    n_heads: int
    dim: int = 16  # of an embedding
    hidden: tuple[int, ...] = (64, 32)
    slope: float = 0.01  # of the activation below 0: 0 ReLU, between leaky ReLU, 1 identity

    @property
    def n_inputs(self) -> int:
        """Return the width of z_0."""
        n = len(self.fields)
        return self.n_dense + n * self.dim + max(n - 1, 0)

    @property
    def layers(self) -> tuple[tuple[str, str], ...]:
        """Return the names of each layer's weights and biases, in order."""
        return tuple((f"W{i}", f"b{i}") for i in range(len(self.hidden) + 1))


class Batch(NamedTuple):
    """n examples."""

    dense: Floats  # [n, n_dense]
    ids: NDArray[np.int64]  # [n, all columns of the fields in order]; 0 is unknown


class Passed(NamedTuple):
    """What a forward pass leaves behind for the backward one."""

    logits: Floats  # [n, n_heads]
    hidden: list[Floats]  # h_0 = z_0, h_1, … [n, width]
    embedded: Floats  # [n, F, dim]
    shares: Floats  # [n, columns] weight of each id in its field's mean


class Gradients(NamedTuple):
    """Of the loss by every parameter; tables have rows for the ids of the batch only."""

    loss: float  # L_reg
    fit: float  # L, without the penalties
    dense: Params
    rows: dict[str, tuple[NDArray[np.int64], Floats]]  # field → unique ids, [u, dim]


def initial(shape: Shape, rng: np.random.Generator, dtype: type = np.float32) -> Params:
    """Return weights by He et al. (2015), zero biases, and tables of small noise."""
    widths = (shape.n_inputs, *shape.hidden, shape.n_heads)
    params: Params = {
        name: (0.05 * rng.standard_normal((n_rows, shape.dim))).astype(dtype)
        for name, n_rows, _ in shape.fields
    }
    for (weight, bias), n_in, n_out in zip(shape.layers, widths[:-1], widths[1:], strict=True):
        scale = np.sqrt(2 / n_in)
        params[weight] = (scale * rng.standard_normal((n_in, n_out))).astype(dtype)
        params[bias] = np.zeros(n_out, dtype)
    return params


def forward(params: Params, shape: Shape, batch: Batch) -> Passed:
    """Return the logits of a batch, with what led to them; O(n · weights)."""
    embedded, shares = _embed(params, shape, batch)
    viewer, others = embedded[:, :1], embedded[:, 1:]
    crosses = (viewer * others).sum(axis=2)
    flat = embedded.reshape(len(embedded), len(shape.fields) * shape.dim)
    x = np.concatenate([batch.dense, flat, crosses], axis=1)
    hidden = [x]
    for weight, bias in shape.layers[:-1]:
        z = hidden[-1] @ params[weight] + params[bias]
        hidden.append(np.maximum(z, z * z.dtype.type(shape.slope)))
    weight, bias = shape.layers[-1]
    return Passed(hidden[-1] @ params[weight] + params[bias], hidden, embedded, shares)


def gradients(
    params: Params, shape: Shape, batch: Batch, y: Floats, *, l2: float, l2_rows: float = 0.0
) -> Gradients:
    """Return L_reg = L + λ Σ‖W_k‖² + λ_e · mean over examples of Σ_f ‖e_f‖², and its gradients.

    y: [n, n_heads], NaN where a label is missing. λ is on the weights W_k alone, never on biases
    (spec §5.2); tables have λ_e, which touches no rows but the batch's.
    """
    passed = forward(params, shape, batch)
    fit, delta = mean_loss(passed.logits, y)
    loss = fit
    dense: Params = {}
    for i in range(len(shape.layers) - 1, -1, -1):
        weight, bias = shape.layers[i]
        h = passed.hidden[i]
        dense[weight] = h.T @ delta + 2 * l2 * params[weight]
        dense[bias] = delta.sum(axis=0)
        loss += l2 * float((params[weight] ** 2).sum(dtype=np.float64))
        delta = delta @ params[weight].T
        if i > 0:
            delta *= np.where(h > 0, h.dtype.type(1), h.dtype.type(shape.slope))
    of_fields = _through_products(shape, passed.embedded, delta)
    n = max(len(batch.dense), 1)
    of_fields += passed.embedded * of_fields.dtype.type(2 * l2_rows / n)
    loss += l2_rows * float((passed.embedded**2).sum(dtype=np.float64)) / n
    return Gradients(loss, fit, dense, _row_gradients(shape, batch.ids, passed.shares, of_fields))


def _embed(params: Params, shape: Shape, batch: Batch) -> tuple[Floats, Floats]:
    """Return each field's mean row [n, F, dim]; only unknown ids give the unknown row."""
    dtype = batch.dense.dtype
    embedded = np.empty((len(batch.ids), len(shape.fields), shape.dim), dtype)
    shares = np.ones(batch.ids.shape, dtype)
    start = 0
    for f, (name, _, columns) in enumerate(shape.fields):
        ids = batch.ids[:, start : start + columns]
        if columns > 1:
            shares[:, start : start + columns] = _shares(ids, dtype)
        embedded[:, f] = params[name][ids[:, 0]] * shares[:, start, None]
        for column in range(1, columns):
            embedded[:, f] += params[name][ids[:, column]] * shares[:, start + column, None]
        start += columns
    return embedded, shares


def _shares(ids: NDArray[np.int64], dtype: np.dtype) -> Floats:
    known = ids > 0
    known[:, 0] |= ~known.any(axis=1)
    return (known / known.sum(axis=1, keepdims=True)).astype(dtype)


def _through_products(shape: Shape, embedded: Floats, delta: Floats) -> Floats:
    """Return ∂L/∂e [n, F, dim] from ∂L/∂z_0."""
    n_fields, width = len(shape.fields), len(shape.fields) * shape.dim
    of_fields = delta[:, shape.n_dense : shape.n_dense + width]
    of_fields = of_fields.reshape(len(delta), n_fields, shape.dim).copy()
    of_crosses = delta[:, shape.n_dense + width :, None]
    of_fields[:, :1] += (of_crosses * embedded[:, 1:]).sum(axis=1, keepdims=True)
    of_fields[:, 1:] += of_crosses * embedded[:, :1]
    return of_fields


def _row_gradients(
    shape: Shape, ids: NDArray[np.int64], shares: Floats, of_fields: Floats
) -> dict[str, tuple[NDArray[np.int64], Floats]]:
    """Sum the gradients of equal ids; O(n log n) a column, whatever the size of the table."""
    rows = {}
    start = 0
    for f, (name, _, columns) in enumerate(shape.fields):
        here = slice(start, start + columns)
        flat = ids[:, here].ravel()
        each = (of_fields[:, f, None] * shares[:, here, None]).reshape(-1, shape.dim)
        used = np.flatnonzero(shares[:, here].ravel()) if columns > 1 else np.arange(len(flat))
        order = used[np.argsort(flat[used], kind="stable")]
        ordered = flat[order]
        starts = np.flatnonzero(np.diff(ordered, prepend=-1))
        rows[name] = (ordered[starts], np.add.reduceat(each[order], starts, axis=0))
        start += columns
    return rows

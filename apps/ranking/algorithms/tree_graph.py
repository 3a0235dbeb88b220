"""LightGBM's trees as an ONNX graph, which ONNX Runtime walks in half of LightGBM's own time.

A graph is a protocol buffer of a few messages (onnx.proto3), written here field by field, so that
no library is needed for it. The operator is `TreeEnsembleRegressor` of ai.onnx.ml 1, in floats.

It walks fastest where all nodes compare alike and a missing value needs no look of its own. NaN ≤ t
is false, so a missing value always goes the false way; where a node sends it left, left becomes the
false way: x ≤ t is the opposite of −x ≤ −t⁺, t⁺ the number after t. So a row comes beside its
negative (`mirrored`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

_FLOAT = 1  # TensorProto.DataType
_IR_VERSION, _ML_VERSION, _OPSET_VERSION = 8, 1, 17
_INFINITY = np.float32(np.inf)


class TreeError(ValueError):
    """A tree with what no booster here is trained with; the message says what."""


def mirrored(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what graphs read, float32[n, 2f]: rows float32[n, f] beside their negatives."""
    return np.concatenate([x, -x], axis=1)


def tree_graph(model: dict[str, Any]) -> bytes:
    """Return the ONNX model of a `Booster.dump_model()`: x float32[n, 2f] → y float32[n, 1].

    y is the sum of the leaves that a row reaches, before the link of the objective. A row goes to
    the left child where its value is ≤ the threshold; a missing one goes where the node sends it,
    or counts as 0 where none was missing in training.
    """
    n_features = model["max_feature_idx"] + 1
    nodes: list[tuple[int, ...]] = []  # tree, node, feature, true way, false way
    thresholds: list[float] = []
    leaves: list[tuple[int, int]] = []  # tree, node
    weights: list[float] = []
    for tree, info in enumerate(model["tree_info"]):
        queue = [info["tree_structure"]]
        for at, node in enumerate(queue):  # grows while it is walked
            if "leaf_value" in node:
                nodes.append((tree, at, 0, 0, 0))
                thresholds.append(np.nan)
                leaves.append((tree, at))
                weights.append(node["leaf_value"])
                continue
            queue += [node["left_child"], node["right_child"]]
            left, right = len(queue) - 2, len(queue) - 1
            goes_left, feature = _missing_goes_left(node), node["split_feature"]
            threshold = _rounded_down(node["threshold"])
            if goes_left:
                nodes.append((tree, at, n_features + feature, right, left))
                thresholds.append(float(-np.nextafter(threshold, _INFINITY)))
            else:
                nodes.append((tree, at, feature, left, right))
                thresholds.append(float(threshold))
    trees, numbers, features, is_true, is_false = zip(*nodes, strict=True)
    attributes = (
        _integers("nodes_treeids", trees),
        _integers("nodes_nodeids", numbers),
        _integers("nodes_featureids", features),
        _integers("nodes_truenodeids", is_true),
        _integers("nodes_falsenodeids", is_false),
        _texts("nodes_modes", ["LEAF" if np.isnan(t) else "BRANCH_LEQ" for t in thresholds]),
        _floats("nodes_values", thresholds),
        _integers("target_treeids", [tree for tree, _ in leaves]),
        _integers("target_nodeids", [node for _, node in leaves]),
        _integers("target_ids", [0] * len(leaves)),
        _floats("target_weights", weights),
        _field(5, _field(1, "n_targets") + _field(3, 1) + _field(20, 2)),
    )
    operator = _field(1, "x") + _field(2, "y") + _field(4, "TreeEnsembleRegressor")
    operator += b"".join(attributes) + _field(7, "ai.onnx.ml")
    graph = _field(1, operator) + _field(2, "trees")
    graph += _field(11, _matrix("x", 2 * n_features)) + _field(12, _matrix("y", 1))
    operators = (("", _OPSET_VERSION), ("ai.onnx.ml", _ML_VERSION))
    versions = b"".join(_field(8, _field(1, name) + _field(2, v)) for name, v in operators)
    return _field(1, _IR_VERSION) + _field(7, graph) + versions


def _rounded_down(threshold: float) -> np.float32:
    """Return the largest float32 that is not above: a float32 is ≤ either or neither of them."""
    with np.errstate(over="ignore"):
        near = np.float32(threshold)
    return near if float(near) <= threshold else np.nextafter(near, -_INFINITY)


def _missing_goes_left(node: dict[str, Any]) -> bool:
    if node["decision_type"] != "<=" or node["missing_type"] not in {"NaN", "None"}:
        raise TreeError(f"{node['decision_type']!r} with missing {node['missing_type']!r}")
    return bool(node["default_left"] if node["missing_type"] == "NaN" else node["threshold"] >= 0)


def _integers(name: str, values: Iterable[int]) -> bytes:
    packed = b"".join(_varint(value) for value in values)
    return _field(5, _field(1, name) + _field(8, packed) + _field(20, 7))


def _floats(name: str, values: list[float]) -> bytes:
    packed = np.array(values, "<f4")
    return _field(5, _field(1, name) + _field(7, packed) + _field(20, 6))


def _texts(name: str, values: list[str]) -> bytes:
    texts = b"".join(_field(9, value) for value in values)
    return _field(5, _field(1, name) + texts + _field(20, 8))


def _matrix(name: str, columns: int) -> bytes:
    """Return the description of a matrix of floats of any number of rows."""
    shape = _field(1, _field(2, "n")) + _field(1, _field(1, columns))
    return _field(1, name) + _field(2, _field(1, _field(1, _FLOAT) + _field(2, shape)))


def _field(number: int, value: int | str | bytes | np.ndarray) -> bytes:
    """Return one field of a message: a number, or anything else by its length and bytes."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    content = value.encode() if isinstance(value, str) else bytes(value)
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    """Return a number ≥ 0 by seven bits a byte, the lowest first."""
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])

"""LightGBM's trees as an ONNX graph, which ONNX Runtime walks in half of LightGBM's own time.

A graph is a protocol buffer of a few messages (onnx.proto3), written here field by field, so that
no library is needed for it. The operator is `TreeEnsembleRegressor` of ai.onnx.ml 3, in doubles.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

_FLOAT, _DOUBLE = 1, 11  # TensorProto.DataType
_IR_VERSION, _ML_VERSION, _OPSET_VERSION = 8, 3, 17


class TreeError(ValueError):
    """A tree with what no booster here is trained with; the message says what."""


def tree_graph(model: dict[str, Any]) -> bytes:
    """Return the ONNX model of a `Booster.dump_model()`: x float64[n, f] → y float32[n, 1].

    y is the sum of the leaves that a row reaches, before the link of the objective. A row goes to
    the left child where its value is ≤ the threshold; a missing one goes where the node sends it,
    or counts as 0 where none was missing in training.
    """
    nodes: list[tuple[int, ...]] = []  # tree, node, feature, left, right, missing goes left
    thresholds: list[float] = []
    leaves: list[tuple[int, int]] = []  # tree, node
    weights: list[float] = []
    for tree, info in enumerate(model["tree_info"]):
        queue = [info["tree_structure"]]
        for at, node in enumerate(queue):  # grows while it is walked
            if "leaf_value" in node:
                nodes.append((tree, at, 0, 0, 0, 0))
                thresholds.append(np.nan)
                leaves.append((tree, at))
                weights.append(node["leaf_value"])
                continue
            queue += [node["left_child"], node["right_child"]]
            children = len(queue) - 2, len(queue) - 1
            nodes.append((tree, at, node["split_feature"], *children, _missing_goes_left(node)))
            thresholds.append(node["threshold"])
    trees, numbers, features, left, right, missing = zip(*nodes, strict=True)
    attributes = (
        _integers("nodes_treeids", trees),
        _integers("nodes_nodeids", numbers),
        _integers("nodes_featureids", features),
        _integers("nodes_truenodeids", left),
        _integers("nodes_falsenodeids", right),
        _integers("nodes_missing_value_tracks_true", missing),
        _texts("nodes_modes", ["LEAF" if np.isnan(t) else "BRANCH_LEQ" for t in thresholds]),
        _doubles("nodes_values_as_tensor", thresholds),
        _integers("target_treeids", [tree for tree, _ in leaves]),
        _integers("target_nodeids", [node for _, node in leaves]),
        _integers("target_ids", [0] * len(leaves)),
        _doubles("target_weights_as_tensor", weights),
        _field(5, _field(1, "n_targets") + _field(3, 1) + _field(20, 2)),
    )
    operator = _field(1, "x") + _field(2, "y") + _field(4, "TreeEnsembleRegressor")
    operator += b"".join(attributes) + _field(7, "ai.onnx.ml")
    graph = _field(1, operator) + _field(2, "trees")
    graph += _field(11, _matrix("x", _DOUBLE, model["max_feature_idx"] + 1))
    graph += _field(12, _matrix("y", _FLOAT, 1))
    operators = (("", _OPSET_VERSION), ("ai.onnx.ml", _ML_VERSION))
    versions = b"".join(_field(8, _field(1, name) + _field(2, v)) for name, v in operators)
    return _field(1, _IR_VERSION) + _field(7, graph) + versions


def _missing_goes_left(node: dict[str, Any]) -> bool:
    if node["decision_type"] != "<=" or node["missing_type"] not in {"NaN", "None"}:
        raise TreeError(f"{node['decision_type']!r} with missing {node['missing_type']!r}")
    return bool(node["default_left"] if node["missing_type"] == "NaN" else node["threshold"] >= 0)


def _integers(name: str, values: Iterable[int]) -> bytes:
    packed = b"".join(_varint(value) for value in values)
    return _field(5, _field(1, name) + _field(8, packed) + _field(20, 7))


def _doubles(name: str, values: list[float]) -> bytes:
    tensor = _field(1, len(values)) + _field(2, _DOUBLE) + _field(9, np.array(values, "<f8"))
    return _field(5, _field(1, name) + _field(5, tensor) + _field(20, 4))


def _texts(name: str, values: list[str]) -> bytes:
    texts = b"".join(_field(9, value) for value in values)
    return _field(5, _field(1, name) + texts + _field(20, 8))


def _matrix(name: str, kind: int, columns: int) -> bytes:
    """Return the description of a matrix of any number of rows."""
    shape = _field(1, _field(2, "n")) + _field(1, _field(1, columns))
    return _field(1, name) + _field(2, _field(1, _field(1, kind) + _field(2, shape)))


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

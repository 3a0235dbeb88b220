"""Nearest contents by inner product (spec §4.1): exact while that is cheaper, else by shells."""

from __future__ import annotations

from apps.candidates.index.exact import ExactIndex, VectorIndex, best_rows
from apps.candidates.index.shells import (
    ShellIndex,
    build_shells,
    mapped,
    measured_recall,
    open_shells,
)

__all__ = [
    "ExactIndex",
    "ShellIndex",
    "VectorIndex",
    "best_rows",
    "build_shells",
    "mapped",
    "measured_recall",
    "open_shells",
]

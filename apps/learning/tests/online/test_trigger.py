"""The truth table of the trigger (spec §6.2)."""

from __future__ import annotations

import pytest

from apps.learning.conf import OnlineParams
from apps.learning.online.trigger import is_due

PARAMS = OnlineParams(buffer=100, minutes=5)
T_MS = 5 * 60_000


@pytest.mark.parametrize(
    ("n_buffered", "waited_ms", "expected"),
    [
        (99, T_MS - 1, False),  # B − 1, T − ε
        (100, 0, True),  # B
        (101, T_MS + 1, True),
        (1, T_MS, True),  # T with one
        (1, T_MS - 1, False),
        (0, T_MS, False),  # T with none
        (0, 100 * T_MS, False),
        (99, -T_MS, False),  # a clock that was put back
    ],
)
def test_steps_are_due_by_number_or_by_time(
    n_buffered: int, waited_ms: int, expected: bool
) -> None:
    assert is_due(n_buffered, waited_ms, PARAMS) is expected

"""Parameters seen through a request's overrides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from apps.core.params import Overrides, Parameter, ParameterError


@dataclass(frozen=True, slots=True)
class Inner:
    theta: float = 0.5
    other: int = 1


@dataclass(frozen=True, slots=True)
class Params:
    cap: int = 2
    inner: Inner = Inner()
    quotas: Mapping[str, int] = field(default_factory=lambda: {"a": 1, "b": 2})

    @property
    def doubled(self) -> int:
        return self.cap * 2


PARAMS = Params()
WATCHED = {
    "x.cap": frozenset({"e"}),
    "x.inner.theta": frozenset({"f"}),
    "x.quotas.a": frozenset({"g"}),
}


def test_without_overrides_the_parameters_are_themselves() -> None:
    assert Overrides().view("x", PARAMS) is PARAMS
    assert Overrides({"y.cap": 3}).view("x", PARAMS) is PARAMS


def test_own_values_come_at_every_depth() -> None:
    seen = Overrides({"x.cap": 9, "x.inner.theta": 0.1, "x.quotas.a": 0}).view("x", PARAMS)
    assert (seen.cap, seen.inner.theta, seen.inner.other) == (9, 0.1, 1)
    assert (seen.quotas.get("a"), seen.quotas["b"], seen.quotas.get("c", 7)) == (0, 2, 7)


def test_reading_a_watched_parameter_is_remembered_with_and_without_a_value() -> None:
    treated, control = Overrides({"x.cap": 9}, WATCHED), Overrides({}, WATCHED)
    assert (treated.view("x", PARAMS).cap, control.view("x", PARAMS).cap) == (9, 2)
    assert treated.read == control.read == {"e"}


def test_reading_something_else_is_not() -> None:
    overrides = Overrides({}, WATCHED)
    seen = overrides.view("x", PARAMS)
    assert (seen.inner.other, seen.quotas["b"]) == (1, 2)
    assert overrides.read == set()
    assert (seen.inner.theta, seen.quotas["a"]) == (0.5, 1)
    assert overrides.read == {"f", "g"}


def test_a_text_is_one_of_its_choices() -> None:
    parameter = Parameter("x.policy", "thompson", choices=("thompson", "ucb"))

    assert parameter.checked("ucb") == "ucb"
    with pytest.raises(ParameterError, match="expected one of thompson, ucb"):
        parameter.checked("greedy")

"""Parameters that an experiment may set: registered by their app, read through the request.

An app registers its frozen dataclass of parameters once, with bounds. Stages read them through
`Overrides.view`, which looks like the dataclass: it gives the request's own value where there is
one and remembers whose experiment a read parameter belongs to.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from apps.core.errors import RecsysError

T = TypeVar("T")
Value = bool | int | float | str


class ParameterError(RecsysError):
    """There is no such parameter, or it may not have that value."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter that may be set by name."""

    name: str  # app, dot, path in the app's dataclass
    default: Value
    low: float = -math.inf
    high: float = math.inf
    choices: tuple[str, ...] = ()  # of a text; empty: any

    @property
    def kind(self) -> str:
        """What its values are, in words."""
        return type(self.default).__name__

    def checked(self, value: object) -> Value:
        """Return the value as its parameter has it; raise `ParameterError` where it may not be."""
        kind = type(self.default)
        if kind is float and type(value) is int:
            value = float(value)
        if type(value) is not kind:
            raise ParameterError(f"{self.name} is {value!r}; expected {kind.__name__}.")
        if isinstance(value, int | float) and not self.low <= value <= self.high:
            raise ParameterError(
                f"{self.name} is {value!r}; expected {self.low:g} to {self.high:g}."
            )
        if self.choices and value not in self.choices:
            raise ParameterError(
                f"{self.name} is {value!r}; expected one of {', '.join(self.choices)}."
            )
        return value


_registry: dict[str, Parameter] = {}


def register(
    app: str,
    defaults: object,
    bounds: Mapping[str, tuple[float, float]],
    choices: Mapping[str, tuple[str, ...]] | None = None,
) -> None:
    """Let experiments set some fields, by their dotted path.

    bounds: lowest and highest value of numbers; choices: the values of a text.
    """
    anything = (-math.inf, math.inf)
    none: tuple[str, ...] = ()
    allowed = {path: (*limits, none) for path, limits in bounds.items()}
    allowed |= {path: (*anything, texts) for path, texts in (choices or {}).items()}
    for path, (low, high, texts) in allowed.items():
        node: Any = defaults
        for step in path.split("."):
            node = node[step] if isinstance(node, Mapping) else getattr(node, step)
        parameter = Parameter(f"{app}.{path}", node, low, high, texts)
        parameter.checked(node)
        _registry[parameter.name] = parameter


def parameters() -> list[Parameter]:
    """Return all parameters by name."""
    return [_registry[name] for name in sorted(_registry)]


def checked(values: Mapping[str, object]) -> dict[str, Value]:
    """Return the values as their parameters have them; raise `ParameterError` for the first bad."""
    for name in values:
        if name not in _registry:
            raise ParameterError(f"There is no parameter {name!r}.")
    return {name: _registry[name].checked(value) for name, value in values.items()}


def parsed(text: str) -> dict[str, object]:
    """Return the values that lines like `feed.creator_cap: 3` give; JSON, or else texts."""
    found: dict[str, object] = {}
    for line in filter(str.strip, text.splitlines()):
        name, colon, value = line.partition(":")
        if not colon:
            raise ParameterError(f"{line.strip()!r} has no colon.")
        try:
            found[name.strip()] = json.loads(value)
        except ValueError:
            found[name.strip()] = value.strip()
    return found


class Overrides:
    """What one request sets otherwise, and of which experiments it has read a parameter."""

    __slots__ = ("_prefixes", "_values", "_watched", "read")

    def __init__(
        self,
        values: Mapping[str, Value] | None = None,
        watched: Mapping[str, frozenset[str]] | None = None,
    ) -> None:
        self._values = values or {}
        self._watched = watched or {}  # parameter → keys of the experiments that vary it
        names = {*self._values, *self._watched}
        self._prefixes = {
            name[:i] for name in names for i, letter in enumerate(name) if letter == "."
        }
        self.read: set[str] = set()  # keys of experiments

    def view(self, app: str, params: T) -> T:
        """Return the parameters of `app` as this request has them."""
        return cast(T, self._resolved(app, params))

    def _resolved(self, name: str, value: Any) -> Any:
        if name in self._prefixes:
            return _View(self, name, value)
        if name in self._watched:
            self.read |= self._watched[name]
        return self._values.get(name, value)


class _View:
    """A dataclass or mapping of parameters, seen through overrides."""

    __slots__ = ("_name", "_node", "_overrides")

    def __init__(self, overrides: Overrides, name: str, node: Any) -> None:
        self._overrides, self._name, self._node = overrides, name, node

    def __getattr__(self, field: str) -> Any:
        return self._overrides._resolved(f"{self._name}.{field}", getattr(self._node, field))

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of a mapping's key."""
        return self._overrides._resolved(f"{self._name}.{key}", self._node.get(key, default))

    def __getitem__(self, key: str) -> Any:
        return self._overrides._resolved(f"{self._name}.{key}", self._node[key])

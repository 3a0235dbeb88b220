"""Read settings from the environment; a bad value is refused by the name of its variable."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

_read: set[str] = set()


def env(name: str, default: str = "") -> str:
    """Return a setting, from `NAME_FILE` (a path to a secret) if that is given."""
    _read.update({name, f"{name}_FILE"})
    if path := os.environ.get(f"{name}_FILE"):
        return Path(path).read_text().strip()
    return os.environ.get(name, default)


def env_typos() -> None:
    """Warn of variables that look like settings and were not read, as those mistyped are."""
    others = sorted(n for n in os.environ if n.startswith("RECSYS_") and n not in _read)
    if others:
        warnings.warn(f"no settings, perhaps mistyped: {', '.join(others)}", stacklevel=2)


def env_bool(name: str, *, default: bool) -> bool:
    """Return a yes/no setting; anything but 0, 1, true, false is refused by name."""
    value = env(name, "1" if default else "0").lower()
    if value not in {"0", "1", "true", "false"}:
        raise ImproperlyConfigured(f"{name}={value!r}: expected 0 or 1")
    return value in {"1", "true"}


def env_int(name: str, *, default: int, low: int, high: int) -> int:
    """Return a whole-number setting between `low` and `high`; others are refused by name."""
    text = env(name, str(default))
    if not text.lstrip("-").isdigit() or not low <= int(text) <= high:
        raise ImproperlyConfigured(f"{name}={text!r}: expected a number from {low} to {high}")
    return int(text)


def env_choice(name: str, default: str, *others: str) -> str:
    """Return a setting that is one of these words; others are refused by name."""
    value = env(name, default)
    if value not in {default, *others}:
        expected = ", ".join([default, *others])
        raise ImproperlyConfigured(f"{name}={value!r}: expected one of {expected}")
    return value


def env_list(name: str, default: str = "") -> list[str]:
    """Return the parts of a comma-separated setting, without spaces around and empty ones."""
    return [part for text in env(name, default).split(",") if (part := text.strip())]


def env_secret(name: str, *, has_default: bool) -> str:
    """Return a secret; one for development has a default, another needs its length."""
    value = env(name)
    if has_default:
        return value or f"debug-only-{name.lower()}-do-not-use-in-production-0123456789"
    if not value:
        raise ImproperlyConfigured(
            f"{name} is not set; RECSYS_DEBUG=0 needs a secret of ≥ 50 chars"
        )
    if len(value) < 50:
        raise ImproperlyConfigured(f"{name} has {len(value)} characters, expected at least 50")
    return value

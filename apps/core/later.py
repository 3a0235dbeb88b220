"""Work that can wait a moment, left to the thread that refreshes what is in memory (`live`)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable

logger = logging.getLogger(__name__)

_wanted: dict[Hashable, Callable[[], object]] = {}
_is_served = False


def soon(key: Hashable, work: Callable[[], object]) -> bool:
    """Have the thread do the work of this key at its next turn; False where there is none."""
    if _is_served:
        _wanted.setdefault(key, work)
    return _is_served


def serve() -> None:
    """Promise that `do_wanted` is called again and again from now on."""
    global _is_served
    _is_served = True


def do_wanted() -> None:
    """Do what `soon` was asked for; a failure is logged."""
    for key in list(_wanted):
        try:
            _wanted[key]()
        except Exception:
            logger.exception("could not work out %s anew", key)
        finally:
            del _wanted[key]

"""Progress bars of long commands."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any, Self

from tqdm import tqdm

_NON_TTY_SECONDS = 10.0  # a log file gets a line this often


class ProgressBars:
    """One bar for each kind of thing; call it with (what, how many more, of how many)."""

    def __init__(self, *, enabled: bool) -> None:
        self._enabled = enabled
        self._bars: dict[str, tqdm[Any]] = {}

    def __call__(self, what: str, done: int, total: int) -> None:
        """Move the bar of `what` by `done`; a total of 0 is not known."""
        if what not in self._bars:
            self._bars[what] = tqdm(
                desc=what,
                total=total or None,
                disable=not self._enabled,
                mininterval=0.1 if sys.stderr.isatty() else _NON_TTY_SECONDS,
            )
        self._bars[what].update(done)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for bar in self._bars.values():
            bar.close()

"""State that a process keeps and refreshes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from apps.core import live
from apps.core.live import Live


class Tally:
    """Counts its refreshes, and fails on demand."""

    def __init__(self) -> None:
        self.given: list[Any] = []
        self.fails = False

    def __call__(self, old: int | None) -> int:
        if self.fails:
            raise OSError("the database is away")
        self.given.append(old)
        return len(self.given)


@pytest.fixture
def tally() -> Tally:
    return Tally()


@pytest.fixture
def state(tally: Tally) -> Iterator[Live[int]]:
    made = Live("tally", tally)
    yield made
    live._registry.remove(made)


def test_first_read_makes_the_value_and_later_ones_keep_it(
    settings: Any, state: Live[int], tally: Tally
) -> None:
    settings.REFRESH_SECONDS = 1

    assert [state.get(), state.get()] == [1, 1]
    assert tally.given == [None]


def test_every_read_refreshes_when_the_interval_is_zero(
    settings: Any, state: Live[int], tally: Tally
) -> None:
    settings.REFRESH_SECONDS = 0

    assert [state.get(), state.get()] == [1, 2]
    assert tally.given == [None, 1]


def test_failed_refresh_keeps_the_old_value(settings: Any, state: Live[int], tally: Tally) -> None:
    settings.REFRESH_SECONDS = 1
    state.get()
    refreshed_at = state.refreshed_at

    tally.fails = True
    with pytest.raises(OSError, match="away"):
        state.update()

    assert state.get() == 1
    assert state.refreshed_at == refreshed_at


def test_failure_of_one_does_not_stop_the_refresh_of_others(
    db: None, settings: Any, state: Live[int], tally: Tally, caplog: pytest.LogCaptureFixture
) -> None:
    settings.REFRESH_SECONDS = 1
    tally.fails = True
    other = Live("other", lambda old: (old or 0) + 1)

    try:
        live.refresh_all()
        assert other.get() == 1
    finally:
        live._registry.remove(other)

    assert "could not refresh tally" in caplog.text


def test_value_can_be_made_after_a_failed_start(
    settings: Any, state: Live[int], tally: Tally
) -> None:
    settings.REFRESH_SECONDS = 1
    tally.fails = True
    with pytest.raises(OSError, match="away"):
        state.get()

    tally.fails = False

    assert state.get() == 1


def test_ages_name_only_what_was_refreshed(state: Live[int]) -> None:
    assert "tally" not in live.ages_seconds()

    state.update()

    assert 0 <= live.ages_seconds()["tally"] < 60

"""Work that is left to the thread that refreshes."""

from __future__ import annotations

import pytest

from apps.core import later


def test_work_of_a_key_is_done_once_at_the_next_turn(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(later, "_is_served", True)
    done: list[str] = []

    def fails() -> None:
        raise OSError("the database is away")

    assert later.soon("a", fails)
    assert later.soon("b", lambda: done.append("first"))
    assert later.soon("b", lambda: done.append("second"))
    assert done == []
    later.do_wanted()
    later.do_wanted()

    assert done == ["first"]
    assert "could not work out a anew" in caplog.text


def test_without_a_thread_whoever_asks_does_the_work() -> None:
    assert not later.soon("a", lambda: None)

"""The clock of simulations: one place, never in production."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest
from django.conf import settings as django_settings

from apps.core import clock


def test_clock_is_the_real_one_and_cannot_be_set() -> None:
    with pytest.raises(clock.ClockError, match="RECSYS_VIRTUAL_MS"):
        clock.set_virtual(1_000)
    assert abs(clock.now_ms() - time.time() * 1000) < 60_000


def test_simulation_sets_the_time_here_and_for_its_children(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clock, "_virtual_ms", 0)
    monkeypatch.setenv("RECSYS_VIRTUAL_MS", "1")
    clock.set_virtual(1_700_000_000_000)
    assert clock.now_ms() == 1_700_000_000_000
    code = "import django; django.setup(); from apps.core.clock import now_ms; print(now_ms())"
    said = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "recsys.settings"},
        cwd=django_settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == "1700000000000"


def test_production_refuses_a_virtual_clock() -> None:
    secret = "x" * 60
    env = {
        **os.environ,
        "RECSYS_DEBUG": "0",
        "RECSYS_SECRET_KEY": secret,
        "RECSYS_PSEUDONYM_KEY": secret,
        "RECSYS_VIRTUAL_MS": "1700000000000",
    }
    done = subprocess.run(
        [sys.executable, "-c", "import recsys.settings"],
        env=env,
        cwd=django_settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "RECSYS_DEBUG=0 refuses it" in done.stderr

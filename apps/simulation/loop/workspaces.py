"""Empty installations that are thrown away, each with a process of its own for one run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings

from apps.core.errors import RecsysError
from apps.simulation.loop.scenario import ScenarioParams
from apps.simulation.types import WorldParams

Run = dict[str, Any]  # what `simulate_policy` prints


class RunError(RecsysError):
    """A run ended before its figures were there."""


@contextmanager
def workspaces() -> Iterator[Path]:
    """Give a folder with an installation, migrated and empty, to copy for each run."""
    with tempfile.TemporaryDirectory(prefix="recsys-simulation-") as folder:
        template = Path(folder) / "template"
        template.mkdir()
        _manage(_environment(template, 0), "migrate", "--verbosity", "0")
        yield template


def run_policy(template: Path, policy: str, params: ScenarioParams) -> Run:
    """Run one policy in a copy of the installation, which is removed afterwards."""
    name = f"{policy}-{params.seed}{'-placebo' if params.is_placebo else ''}"
    folder = template.with_name(name)
    shutil.copytree(template, folder)
    start_ms = WorldParams(n_days=params.n_days).start_ms
    try:
        answer = _manage(_environment(folder, start_ms), "simulate_policy", policy, *_given(params))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return dict(json.loads(answer))


def _given(params: ScenarioParams) -> list[str]:
    given: list[str] = []
    for name, value in asdict(params).items():
        option = f"--{name.replace('_', '-')}"
        if value is True:
            given.append(option)
        elif value is not False:
            given += [option, str(value)]
    return given


def _environment(folder: Path, virtual_ms: int) -> dict[str, str]:
    """Return an environment in which nothing but `folder` is touched.

    Counters and catalogue are followed by the simulation itself, as often as the clock moves;
    retrieval is not tuned: that takes minutes of the real clock a night.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RECSYS_")}
    kept.pop("DATABASE_URL", None)
    kept.pop("REDIS_URL", None)
    return {
        **kept,
        "RECSYS_VAR_DIR": str(folder),
        "RECSYS_VIRTUAL_MS": str(virtual_ms),
        "RECSYS_REFRESH_SECONDS": "1",
        "RECSYS_TUNE_MINUTES": "0",
        "RECSYS_EMBEDDED_WORKER": "0",
        "RECSYS_LOG_LEVEL": "ERROR",
    }


def _manage(env: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, str(Path(settings.BASE_DIR) / "manage.py"), *arguments]
    done = subprocess.run(  # noqa: S603  fixed program
        command, env=env, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RunError(f"manage.py {' '.join(arguments[:2])} failed: {done.stderr[-1500:]}")
    return done.stdout
